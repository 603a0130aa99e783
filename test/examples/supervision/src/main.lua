-- Watches a service fail and come back.
local io = require("io")
local system = require("system")
local time = require("time")

-- Looks at the service until it has been restarted and stays up.
local function main()
  local state
  repeat
    time.sleep("5ms")
    state = system.supervisor.state("app:worker_service")
  until state.status == "running" and state.retry_count == 2
  io.print(state.id .. " runs after " .. state.retry_count .. " restarts")
end

return { main = main }
