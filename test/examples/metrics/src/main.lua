-- Counts, gauges and histograms for Prometheus.
local io = require("io")
local metrics = require("metrics")

local function main(jobs)
  jobs = tonumber(jobs or 3)
  metrics.gauge_set("jobs_waiting", jobs)
  for job = 1, jobs do
    local failed = job % 3 == 0
    metrics.counter_inc("jobs_total", { outcome = failed and "failed" or "done" })
    metrics.histogram("job_seconds", job / 100)
    metrics.gauge_dec("jobs_waiting")
  end
  io.print("done, press Enter")
  io.readline()
end

return { main = main }
