-- Functions that are called at their times.
local io = require("io")
local time = require("time")
local funcs = require("funcs")
local registry = require("registry")
local cron = require("cron")

local MINUTE = "2006-01-02T15:04"

-- Reads the registry anew each time: jobs come and go while we run.
local function run_due_jobs(at)
  for _, job in ipairs(registry.find({ ["meta.type"] = "job" })) do
    if cron.due(job.meta.schedule, at) then
      local result, err = funcs.call(job.id, at:format(MINUTE))
      io.print(at:format("15:04") .. " " .. job.id .. ": " .. tostring(err or result))
    end
  end
end

local function play(from, minutes)
  local at = assert(time.parse(MINUTE, from))
  for _ = 1, minutes do
    run_due_jobs(at)
    at = at:add("1m")
  end
end

local function main(from, minutes)
  if from then return play(from, tonumber(minutes or 1)) end
  local events, ticks = process.events(), time.ticker("1m"):channel()
  while true do
    local got = channel.select { ticks:case_receive(), events:case_receive() }
    if got.channel == events then return end -- asked to stop
    run_due_jobs(got.value)
  end
end

return { main = main }
