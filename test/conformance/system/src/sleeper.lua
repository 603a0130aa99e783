-- Waits for messages, which name locks to take or say "leave", until it is asked to stop.
local system = require("system")

local function main()
  local inbox, events = process.inbox(), process.events()
  while true do
    local got = channel.select { inbox:case_receive(), events:case_receive() }
    if not got.ok or got.channel == events then return end
    local message = got.value
    local text = message:payload():data()
    if text == "leave" then return end
    process.send(message:from(), "locked", { ok = system.lock.acquire(text) })
  end
end

return { main = main }
