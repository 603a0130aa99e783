-- The framework tested with itself: assertions, hooks, nesting, mocks, discovery.

local test = require("test")
local discovery = require("discovery")

local function message_of(fn)
  local ok, err = pcall(fn)
  if ok then return nil end
  return tostring(err)
end

local trace = {}

local function note(text)
  trace[#trace + 1] = text
end

local function define()
  describe("assertions", function()
    it("pass what is right", function()
      test.eq(1, 1)
      test.neq("a", "b")
      test.is_nil(nil)
      test.eq(test.not_nil(5), 5)
      test.is_true(true)
      test.is_false(false)
      test.eq(test.ok("yes"), "yes")
      test.eq(test.contains("hello", "ell"), "hello")
      test.matches("abc123", "^%a+%d+$")
      test.eq(test.has_key({ a = 1 }, "a"), 1)
      test.len({ 1, 2 }, 2)
      test.gt(2, 1)
      test.gte(2, 2)
      test.lt(1, 2)
      test.lte(2, 2)
      test.eq(test.no_error("v", nil), "v")
      test.eq(test.has_error(nil, "e"), "e")
      test.eq(test.is_string("s"), "s")
      test.is_function(print)
    end)

    it("say what is wrong, and where", function()
      local message = message_of(function() test.eq(1, "2") end)
      test.contains(message, 'assertion failed: expected "2", got 1')
      test.contains(message, "self_test")
      test.contains(message_of(function() test.not_nil(nil, "mine") end), "mine: expected non-nil value")
      test.contains(message_of(function() test.contains("abc", "x") end), "expected string to contain 'x'")
      test.contains(message_of(function() test.is_table(1) end), "expected table, got number")
      test.contains(message_of(function() test.throws(function() end) end), "expected function to raise")
      test.contains(message_of(function() test.has_error(1, nil) end), "expected an error")
      test.contains(message_of(function() test.no_error(nil, "bad") end), "unexpected error: bad")
    end)
  end)

  describe("hooks", function()
    before_all(function() note("before_all") end)
    before_each(function() note("outer before") end)
    after_each(function() note("outer after 1") end)
    after_each(function() note("outer after 2") end)

    it("run around a case", function()
      test.eq(table.concat(trace, ", "), "before_all, outer before")
      trace = {}
    end)

    describe("of an inner block", function()
      before_each(function() note("inner before") end)
      after_each(function() note("inner after") end)

      it("run inside those of the outer one", function()
        test.eq(table.concat(trace, ", "), "outer after 1, outer after 2, outer before, inner before")
        trace = {}
      end)

      describe("at any depth", function()
        it("and before_all only once", function()
          test.eq(
            table.concat(trace, ", "),
            "inner after, outer after 1, outer after 2, outer before, inner before"
          )
        end)
      end)
    end)
  end)

  describe("mocks", function()
    it("replace a global function for one case", function()
      mock("math.floor", function() return 42 end)
      test.eq(math.floor(1.5), 42)
      test.eq(math.ceil(1.5), 2)
    end)

    it("are gone in the next one", function()
      test.eq(math.floor(1.5), 1)
    end)

    it("can be restored one by one", function()
      mock("math.floor", function() return 1 end)
      mock("math.ceil", function() return 1 end)
      restore_mock("math.floor")
      test.eq(math.floor(7.5), 7)
      test.eq(math.ceil(7.5), 1)
      restore_all_mocks()
      test.eq(math.ceil(7.5), 8)
    end)

    it("refuse a path that is none", function()
      test.contains(message_of(function() mock("nonsense", 1) end), "mock path must be")
    end)
  end)

  describe("discovery", function()
    local entries = {
      { id = "b:late", meta = { suite = "two", order = 2 } },
      { id = "b:early", meta = { suite = "two", order = 1 } },
      { id = "a:lone", meta = {} },
      { id = "c:x", meta = { suite = "one" } },
    }

    it("puts entries into suites, in order", function()
      local suites = discovery.group(entries)
      test.eq(suites[1].name .. suites[2].name .. suites[3].name, "oneothertwo")
      test.eq(suites[3].entries[1].id, "b:early")
      test.eq(suites[2].entries[1].id, "a:lone")
    end)

    it("filters by part of an id", function()
      test.len(discovery.filter(entries, { "b:" }), 2)
      test.len(discovery.filter(entries, {}), 4)
    end)
  end)

  test.contains(message_of(function() it("nowhere", function() end) end), "must be called inside describe")
end

return { run_tests = test.run_cases(define) }
