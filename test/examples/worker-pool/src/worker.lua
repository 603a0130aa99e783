-- A worker of the pool.
local time = require("time")

-- Says that it is free, works, tells the result, and starts over.
local function main(boss)
  local jobs = process.listen("job")
  while true do
    process.send(boss, "ready", process.pid())
    local job, ok = jobs:receive()
    if not ok then return end
    time.sleep("5ms") -- the work is hard
    process.send(boss, "done", { job = job, square = job * job, worker = process.pid() })
  end
end

return { main = main }
