-- Answers every ping to whoever sent it, for as long as it lives.
local function main()
  local pings = process.listen("ping", { message = true })
  while true do
    local message, ok = pings:receive()
    if not ok then return end
    process.send(message:from(), "pong", message:payload():data())
  end
end

return { main = main }
