-- logger: every level, children, and what it refuses.
local test = require("test")
local logger = require("logger")

return { run_tests = test.run_cases(function()
  describe("a logger", function()
    it("takes a message at every level, with fields and without, and returns nothing", function()
      for _, level in ipairs({ "debug", "info", "warn", "error" }) do
        test.eq(select("#", logger[level](logger, "message")), 0)
        test.eq(select("#", logger[level](logger, "message", { a = 1, list = { 1, 2 }, deep = { b = true } })), 0)
      end
    end)

    it("leaves the fields of the caller as they are, an error among them", function()
      local fields = { error = errors.new("went wrong"), n = 1 }
      logger:error("failed", fields)
      test.eq(tostring(fields.error), "went wrong")
      test.eq(fields.n, 1)
    end)

    it("has children with fields and names, which are loggers too", function()
      local child = logger:with({ request = 7 }):named("auth"):named("token")
      child:info("hello")
      test.eq(type(child), type(logger))
      test.is_true(tostring(child):find("Logger") ~= nil)
    end)
  end)

  describe("what is not a message", function()
    it("is refused by position", function()
      local ok, err = pcall(logger.info, logger, {})
      test.is_false(ok)
      test.contains(tostring(err), "bad argument #1")
      ok, err = pcall(logger.info, logger, "message", "fields")
      test.is_false(ok)
      test.contains(tostring(err), "bad argument #2")
    end)

    it("an empty name raises Invalid", function()
      local ok, err = pcall(logger.named, logger, "")
      test.is_false(ok)
      test.eq(err:kind(), errors.INVALID)
    end)
  end)
end) }
