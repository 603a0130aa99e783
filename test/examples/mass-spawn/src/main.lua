-- Thousands of processes, what they take, and their end.
local io = require("io")
local system = require("system")

local function living()
  for _, host in ipairs(system.hosts.list()) do
    if host.id == "app:processes" then return host.processes end
  end
end

local function main(count)
  count = tonumber(count or 10000)
  local pids = {}
  for i = 1, count do
    pids[i] = assert(process.spawn_monitored("app:square", "app:processes"))
  end
  io.print(living() .. " processes")

  for i = 1, count do process.send(pids[i], "number", i) end

  -- Each end is an event, with what the process returned.
  local events, sum = process.events(), 0
  for _ = 1, count do sum = sum + events:receive().result.value end
  io.print("sum of the squares: " .. sum)
  io.print(living() .. " processes")
end

return { main = main }
