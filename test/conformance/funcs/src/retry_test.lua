-- Calls that are repeated: by the entry's metadata, or by the caller.
local test = require("test")
local funcs = require("funcs")

local counter = 0
local function key()
  counter = counter + 1
  return "retry " .. counter .. process.pid()
end

return { run_tests = test.run_cases(function()
  describe("a retry", function()
    it("of the entry repeats up to its attempts", function()
      test.eq(funcs.call("app:flaky", { key = key(), failures = 2 }), 3)
      local value, err = funcs.call("app:flaky", { key = key(), failures = 3 })
      test.has_error(value, err)
      test.contains(tostring(err), "attempt 3")
    end)

    it("of the caller too", function()
      local patient = funcs.new():with_options({ retry = { max_attempts = 4, initial_delay = 1, jitter = 0 } })
      test.eq(patient:call("app:flaky_plain", { key = key(), failures = 3 }), 4)
      local value, err = funcs.call("app:flaky_plain", { key = key(), failures = 1 })
      test.has_error(value, err)
      test.contains(tostring(err), "attempt 1")
    end)

    it("does not repeat what cannot succeed", function()
      local value, err = funcs.call("app:flaky", { key = key(), failures = 1, retryable = false })
      test.has_error(value, err)
      test.contains(tostring(err), "attempt 1")
    end)

    it("can choose kinds", function()
      local choosy = funcs.new():with_options({ retry = { max_attempts = 3, initial_delay = 1, retry_kinds = { errors.TIMEOUT } } })
      local _, err = choosy:call("app:flaky_plain", { key = key(), failures = 1 })
      test.contains(tostring(err), "attempt 1")
      test.eq(choosy:call("app:flaky_plain", { key = key(), failures = 1, kind = errors.TIMEOUT }), 2)
      local skipping = funcs.new():with_options({ retry = { max_attempts = 3, initial_delay = 1, skip_kinds = { errors.TIMEOUT } } })
      _, err = skipping:call("app:flaky_plain", { key = key(), failures = 1, kind = errors.TIMEOUT })
      test.contains(tostring(err), "attempt 1")
    end)
  end)
end) }
