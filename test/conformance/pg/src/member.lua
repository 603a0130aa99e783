-- Joins a group, says so, and passes on what it gets until told to stop.
local pg = require("pg")

local function main(parent, group)
  local news, stop = process.listen("news"), process.listen("stop")
  pg.join(group)
  process.send(parent, "joined", process.pid())
  while true do
    local result = channel.select({ news:case_receive(), stop:case_receive() })
    if result.channel == stop then return end
    process.send(parent, "heard", { pid = process.pid(), value = result.value })
  end
end

return { main = main }
