-- `wippy test [filters]`: calls every test entry as a function, one after another, and prints what its cases report.
-- Ends with 1 when something failed, else 0.

local io = require("io")
local funcs = require("funcs")
local time = require("time")
local test_registry = require("test_registry")
local discovery = require("discovery")
local display = require("display")

local TOPIC = "test:update"
local DEFAULT_TIMEOUT = "30s"
local LATE_EVENTS = "1s"

local CASE_STATUS = {
  ["test:case:pass"] = "passed",
  ["test:case:fail"] = "failed",
  ["test:case:skip"] = "skipped",
}

local function milliseconds_since(start)
  return time.now():sub(start):nanoseconds() / 1000000
end

-- What one entry reported -------------------------------------------------------------------------------------------

local function new_report(id)
  return { id = id, cases = {}, complete = false, passed = 0, failed = 0, skipped = 0 }
end

local function add_case(report, case)
  report.cases[#report.cases + 1] = case
  report[case.status] = report[case.status] + 1
  display.case(case)
end

local function take_event(report, event)
  local body = type(event) == "table" and event.data or {}
  -- A late event of an entry that timed out does not belong here.
  if body.ref_id ~= report.id then return end
  if event.type == "test:complete" then
    report.complete = true
  elseif event.type == "test:error" then
    report.error = body.error
  elseif CASE_STATUS[event.type] then
    add_case(report, {
      name = (body.suite and body.suite ~= "" and body.suite .. " > " or "") .. tostring(body.test),
      status = CASE_STATUS[event.type],
      ms = (body.duration or 0) * 1000,
      error = body.error,
    })
  end
end

local function drain(report, events)
  while true do
    local picked = channel.select({ events:case_receive(), default = true })
    if picked.default or not picked.ok then return end
    take_event(report, picked.value)
  end
end

local function wait_for_completion(report, events)
  if #report.cases == 0 or report.complete then return end
  local timer = time.after(LATE_EVENTS)
  while not report.complete do
    local picked = channel.select({ events:case_receive(), timer:case_receive() })
    if picked.channel == timer then return end
    take_event(report, picked.value)
  end
end

-- Running one entry -------------------------------------------------------------------------------------------------

-- The events of the entry while it runs; its future when it is done, nil when it took too long.
local function follow(report, events, future, timeout)
  local response, timer = future:response(), time.after(timeout)
  while true do
    local picked = channel.select({ events:case_receive(), response:case_receive(), timer:case_receive() })
    if picked.channel == response then return true end
    if picked.channel == timer then return false end
    take_event(report, picked.value)
  end
end

local function single_case(report, name, ms, failure)
  add_case(report, { name = name, status = failure and "failed" or "passed", ms = ms, error = failure })
end

-- An entry that reported cases has spoken for itself, unless it broke off afterwards.
local function conclude(report, future, ms, name)
  local payload, err = future:result()
  local failure = err and tostring(err) or report.error
  if failure then return single_case(report, "(entry)", ms, failure) end
  if #report.cases > 0 then return end
  if payload and payload:data() == false then failure = "test returned false" end
  single_case(report, name or report.id, ms, failure)
end

local function run_entry(entry, events)
  local report, start = new_report(entry.id), time.now()
  local name = entry.meta and entry.meta.name and tostring(entry.meta.name)
  display.entry(entry.id, name)
  local future, err = funcs.new()
    :with_context({ parent_pid = process.pid(), test_topic = TOPIC })
    :async(entry.id, { pid = process.pid(), topic = TOPIC, ref_id = entry.id })
  if not future then
    single_case(report, "(entry)", 0, tostring(err))
    return report
  end
  local timeout = entry.meta and entry.meta.timeout or DEFAULT_TIMEOUT
  if not follow(report, events, future, timeout) then
    future:cancel()
    drain(report, events)
    single_case(report, "(entry)", milliseconds_since(start), "test timed out")
    return report
  end
  drain(report, events)
  wait_for_completion(report, events)
  conclude(report, future, milliseconds_since(start), name)
  return report
end

-- Running them all --------------------------------------------------------------------------------------------------

local function add_counts(totals, report)
  for _, key in ipairs({ "passed", "failed", "skipped" }) do totals[key] = totals[key] + report[key] end
end

local function collect_failures(failures, report)
  for _, case in ipairs(report.cases) do
    if case.status == "failed" then
      failures[#failures + 1] = { id = report.id, test = case.name, error = case.error or "failed" }
    end
  end
end

local function run_suite(suite, events, totals, failures)
  local start, counts = time.now(), { name = suite.name, passed = 0, failed = 0, skipped = 0 }
  for _, entry in ipairs(suite.entries) do
    local report = run_entry(entry, events)
    add_counts(counts, report)
    collect_failures(failures, report)
  end
  counts.ms = milliseconds_since(start)
  display.suite(counts)
  add_counts(totals, counts)
end

local function run_all()
  local filters = io.args() or {}
  local entries, err = test_registry.find_tests()
  if not entries then
    display.runner_error(err)
    return 1
  end
  local wanted = discovery.filter(entries, filters)
  if #wanted == 0 then
    display.nothing_found(#entries == 0 and {} or filters)
    return 0
  end

  local suites, start = discovery.group(wanted), time.now()
  local events = process.listen(TOPIC)
  local totals, failures = { passed = 0, failed = 0, skipped = 0 }, {}
  display.title(#wanted, #suites)
  for _, suite in ipairs(suites) do run_suite(suite, events, totals, failures) end
  totals.ms = milliseconds_since(start)
  display.failures(failures)
  display.summary(totals)
  process.unlisten(events)
  return totals.failed > 0 and 1 or 0
end

local function main()
  local ok, result = pcall(run_all)
  if ok then return result end
  display.runner_error(result)
  return 1
end

return { main = main }
