-- Tests in the shape of describe/it. A test entry returns `test.run_cases(define)`; while its cases are defined and run,
-- describe, it, the hooks and the mocks are globals. Suites nest to any depth; before_all of a block runs once.

local time = require("time")
local ctx = require("ctx")
local assertions = require("assertions")
local mocks = require("mocks")

local test = {}

for name, assertion in pairs(assertions) do test[name] = assertion end

test.TOPIC = "test:update"

test.event = {
  DISCOVER = "test:discover",
  PLAN = "test:plan",
  CASE_START = "test:case:start",
  CASE_PASS = "test:case:pass",
  CASE_FAIL = "test:case:fail",
  CASE_SKIP = "test:case:skip",
  COMPLETE = "test:complete",
  ERROR = "test:error",
}

local SEPARATOR = " > "

-- The run of this call: where to report, what is defined, what came out.
local run

local function milliseconds_since(start)
  return time.now():sub(start):nanoseconds() / 1000000
end

-- Reporting ---------------------------------------------------------------------------------------------------------

--- Where events go: a pid, the topic, and an id that marks them.
function test.setup_process_integration(pid, topic, ref_id)
  run = run or {}
  run.pid, run.topic, run.ref_id = pid, topic or test.TOPIC, ref_id
  mocks.register_namespace(run.topic)
  return test
end

--- Sends one event to whoever runs this test; nothing happens when nobody does.
function test.send_message(event_type, body)
  if not run or not run.pid then return false end
  local message = { ref_id = run.ref_id }
  for key, value in pairs(body or {}) do message[key] = value end
  return process.send(run.pid, run.topic, { type = event_type, data = message }) == true
end

--- Reports a failure that belongs to no case.
function test.report_error(message)
  return test.send_message(test.event.ERROR, { error = tostring(message), timestamp = time.now():unix() })
end

--- Calls of process.send on this topic are never mocked away.
function test.register_mock_namespace(topic)
  mocks.register_namespace(topic)
end

-- Defining ----------------------------------------------------------------------------------------------------------

local function new_suite(name, parent)
  return { name = name, parent = parent, items = {}, after_each = {} }
end

local function current_suite(what)
  local suite = run and run.defining
  if not suite or not suite.parent then error(what .. " must be called inside describe", 3) end
  return suite
end

--- A block of cases and further blocks.
function test.describe(name, define)
  if not run or not run.defining then error("describe must be called inside run_cases", 2) end
  local parent = run.defining
  local suite = new_suite(tostring(name), parent)
  parent.items[#parent.items + 1] = { suite = suite }
  run.defining = suite
  define()
  run.defining = parent
end

test.spec, test.context, test.suite = test.describe, test.describe, test.describe

--- A case.
function test.it(name, body)
  local suite = current_suite("it")
  suite.items[#suite.items + 1] = { case = { name = tostring(name), body = body, suite = suite } }
end

--- A case that is only counted as skipped.
function test.it_skip(name)
  local suite = current_suite("it_skip")
  suite.items[#suite.items + 1] = { case = { name = tostring(name), skipped = true, suite = suite } }
end

function test.before_all(hook)
  current_suite("before_all").before_all = hook
end

function test.after_all(hook)
  current_suite("after_all").after_all = hook
end

function test.before_each(hook)
  current_suite("before_each").before_each = hook
end

--- Several of one block all run, in order.
function test.after_each(hook)
  local hooks = current_suite("after_each").after_each
  hooks[#hooks + 1] = hook
end

function test.mock(path, replacement)
  return mocks.mock(path, replacement)
end

function test.mock_process(field, replacement)
  return mocks.mock("process." .. tostring(field), replacement)
end

function test.restore_mock(path)
  return mocks.restore(path)
end

function test.restore_all_mocks()
  return mocks.restore_all()
end

local GLOBALS = {
  "describe", "it", "it_skip", "before_all", "after_all", "before_each", "after_each",
  "mock", "mock_process", "restore_mock", "restore_all_mocks",
}

local function with_globals(body)
  local before = {}
  for _, name in ipairs(GLOBALS) do
    before[name] = rawget(_G, name)
    _G[name] = test[name]
  end
  local ok, err = pcall(body)
  for _, name in ipairs(GLOBALS) do _G[name] = before[name] end
  return ok, err
end

-- Running -----------------------------------------------------------------------------------------------------------

local function path_of(suite)
  if not suite.parent or not suite.parent.parent then return suite.name end
  return path_of(suite.parent) .. SEPARATOR .. suite.name
end

local function lineage(suite)
  local blocks = {}
  while suite and suite.parent do
    table.insert(blocks, 1, suite)
    suite = suite.parent
  end
  return blocks
end

local function describe_error(err)
  local text = tostring(err)
  local ok, stack = pcall(function() return errors.call_stack(err) end)
  if not ok or type(stack) ~= "table" or type(stack.frames) ~= "table" then return text end
  local lines = { text }
  for _, frame in ipairs(stack.frames) do
    lines[#lines + 1] = string.format("  at %s:%s%s", tostring(frame.source), tostring(frame.line),
      frame.name and " (" .. tostring(frame.name) .. ")" or "")
  end
  return table.concat(lines, "\n")
end

local function record(case, status, failure, duration_ms)
  local path = path_of(case.suite)
  local suite = run.suites[path]
  if not suite then
    suite = { name = case.suite.name, status = "ok", tests = {} }
    run.suites[path] = suite
  end
  suite.tests[#suite.tests + 1] = { name = case.name, status = status, error = failure, duration_ms = duration_ms }
  if status == "failed" then suite.status = "error" end
  run.counts[status] = run.counts[status] + 1

  local event = status == "passed" and test.event.CASE_PASS
    or status == "skipped" and test.event.CASE_SKIP
    or test.event.CASE_FAIL
  test.send_message(event, {
    suite = path,
    test = case.name,
    duration = duration_ms / 1000,
    error = failure,
    timestamp = time.now():unix(),
  })
end

-- All after_each hooks run whatever happened before; the first failure of a case is the one that is reported.
local function run_hooks_and_body(case)
  local blocks = lineage(case.suite)
  local ok, err = pcall(function()
    for _, block in ipairs(blocks) do
      if block.before_each then block.before_each() end
    end
    case.body()
  end)
  for i = #blocks, 1, -1 do
    for _, hook in ipairs(blocks[i].after_each) do
      local hook_ok, hook_err = pcall(hook)
      if not hook_ok and ok then ok, err = false, "after_each failed: " .. tostring(hook_err) end
    end
  end
  mocks.restore_all()
  return ok, err
end

local function run_case(case, blocked)
  test.send_message(test.event.CASE_START, { suite = path_of(case.suite), test = case.name })
  if case.skipped then return record(case, "skipped", nil, 0) end
  if blocked then return record(case, "failed", blocked, 0) end
  local start = time.now()
  local ok, err = run_hooks_and_body(case)
  record(case, ok and "passed" or "failed", not ok and describe_error(err) or nil, milliseconds_since(start))
end

-- `blocked` is why no case of this block can run: a before_all that failed, here or above.
local function run_suite(suite, blocked)
  if not blocked and suite.before_all then
    local ok, err = pcall(suite.before_all)
    if not ok then blocked = "before_all failed: " .. describe_error(err) end
  end
  for _, item in ipairs(suite.items) do
    if item.case then run_case(item.case, blocked) else run_suite(item.suite, blocked) end
  end
  if suite.after_all then
    local ok, err = pcall(suite.after_all)
    if not ok then record({ name = "after_all", suite = suite }, "failed", describe_error(err), 0) end
  end
  mocks.restore_all()
end

local function planned(suite, plan)
  for _, item in ipairs(suite.items) do
    if item.case then
      plan[#plan + 1] = { suite = path_of(suite), test = item.case.name }
    else
      planned(item.suite, plan)
    end
  end
  return plan
end

local function begin(options)
  options = options or {}
  local context = ctx.all() or {}
  run = {
    suites = {},
    counts = { passed = 0, failed = 0, skipped = 0 },
    root = new_suite("", nil),
  }
  run.defining = run.root
  test.setup_process_integration(
    options.pid or context.parent_pid,
    options.topic or context.test_topic or test.TOPIC,
    options.ref_id
  )
end

local function healthcheck(start)
  local counts = run.counts
  return {
    timestamp = time.now():unix(),
    status = counts.failed == 0 and "ok" or "error",
    total_tests = counts.passed + counts.failed + counts.skipped,
    passed_tests = counts.passed,
    failed_tests = counts.failed,
    duration_ms = math.floor(milliseconds_since(start)),
    test_suites = run.suites,
    ref_id = run.ref_id,
  }
end

local function execute(define, options)
  begin(options)
  local start = time.now()
  test.send_message(test.event.DISCOVER, {})
  local ok, err = with_globals(function()
    define()
    run.defining = nil
    local plan = planned(run.root, {})
    test.send_message(test.event.PLAN, { total = #plan, tests = plan })
    run_suite(run.root)
  end)
  if not ok then
    mocks.restore_all()
    test.report_error(describe_error(err))
    run = nil
    error(err, 0)
  end
  local result = healthcheck(start)
  test.send_message(test.event.COMPLETE, {
    status = result.status,
    total = result.total_tests,
    passed = result.passed_tests,
    failed = result.failed_tests,
    skipped = run.counts.skipped,
    duration = result.duration_ms / 1000,
  })
  run = nil
  return result
end

--- The function a test entry returns: `return test.run_cases(function() describe(...) end)`. It takes { pid, topic, ref_id }
--- and gives { timestamp, status, total_tests, passed_tests, failed_tests, duration_ms, test_suites, ref_id }.
function test.run_cases(define)
  return function(options)
    return execute(define, options)
  end
end

--- Defines and runs at once.
function test.run(define, options)
  return execute(define, options)
end

return test
