-- Hands jobs to whichever worker is free.
local io = require("io")

local WORKERS, JOBS = 3, 10

local function main()
  local ready = process.listen("ready")
  local done = process.listen("done")
  local workers = {}
  for n = 1, WORKERS do
    workers[n] = process.spawn("app:worker", "app:processes", process.pid())
  end

  local squares, used = {}, {}
  local given, finished = 0, 0
  while finished < JOBS do
    local got = channel.select { ready:case_receive(), done:case_receive() }
    if got.channel == ready then
      if given < JOBS then
        given = given + 1
        process.send(got.value, "job", given)
      end
    else
      local result = got.value
      squares[result.job], used[result.worker] = result.square, true
      finished = finished + 1
    end
  end

  local busy = 0
  for _, worker in ipairs(workers) do
    if used[worker] then busy = busy + 1 end
    process.terminate(worker)
  end
  io.print(table.concat(squares, " "))
  io.print(busy .. " workers")
end

return { main = main }
