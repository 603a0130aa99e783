-- Conditions: every operator, on what is there and what is not.
local test = require("test")
local security = require("security")

local ann = security.new_actor("ann", { role = { level = 3 } })

local function allows(policy, attributes)
  return security.policy("app:" .. policy):evaluate(ann, "act", "res", attributes) == "allow"
end

-- Values that satisfy an operator and values that do not.
local cases = {
  eq = { yes = { 5, 5.0, "5" }, no = { 6, "x", false } },
  ne = { yes = { 6, "x" }, no = { 5, "5" } },
  lt = { yes = { 4, "4.5", -1 }, no = { 5, 6, "x", true } },
  gt = { yes = { 6, "5.5" }, no = { 5, 4, "x" } },
  lte = { yes = { 5, 4 }, no = { 5.1, "x" } },
  gte = { yes = { 5, "6" }, no = { 4.9, "x" } },
  ["in"] = { yes = { "a", 5, "5" }, no = { "b", 6 } },
  nin = { yes = { "b", 6 }, no = { "a", 5 } },
  contains = { yes = { "hello", { "ell", "x" } }, no = { "help", { "hello" } } },
  ncontains = { yes = { "help", { "hello" } }, no = { "hello", { "ell" } } },
  exists = { yes = { 1, "", false }, no = {} },
  nexists = { yes = {}, no = { 1, "", false } },
  matches = { yes = { "a", "aaa" }, no = { "b", "ab" } },
  nmatches = { yes = { "b", "ab" }, no = { "a" } },
}

return { run_tests = test.run_cases(function()
  describe("operators", function()
    for operator, values in pairs(cases) do
      it(operator, function()
        for i, value in ipairs(values.yes) do
          test.is_true(allows(operator, { v = value }), "should hold, case " .. i)
        end
        for i, value in ipairs(values.no) do
          test.is_false(allows(operator, { v = value }), "should not hold, case " .. i)
        end
      end)
    end

    it("on a missing field are false, but for nexists", function()
      for operator in pairs(cases) do
        test.eq(allows(operator, {}), operator == "nexists", operator)
        test.eq(allows(operator), operator == "nexists", operator)
      end
    end)
  end)

  describe("fields", function()
    it("reach actor, action, resource and attributes", function()
      local policy = security.policy("app:fields")
      test.eq(policy:evaluate(ann, "act", "res", { plain = "x" }), "allow")
      test.eq(policy:evaluate(ann, "act", "res", { plain = "y" }), "undefined")
      test.eq(policy:evaluate(ann, "other", "res", { plain = "x" }), "undefined")
      test.eq(policy:evaluate(ann, "act", "other", { plain = "x" }), "undefined")
      test.eq(policy:evaluate(security.new_actor("bo"), "act", "res", { plain = "x" }), "undefined")
    end)

    it("are compared with other fields", function()
      test.is_true(allows("from", { deep = { owner = "ann" } }))
      test.is_false(allows("from", { deep = { owner = "bo" } }))
      test.is_false(allows("from", {}))
    end)
  end)

  describe("expressions", function()
    it("see actor, action, resource and meta", function()
      test.is_true(allows("owner", { owner = "ann" }))
      test.is_false(allows("owner", { owner = "bo" }))
      test.is_false(allows("owner"))
    end)

    it("that fail leave it undefined", function()
      test.is_true(allows("broken_at_run_time", { number = "5" }))
      test.eq(security.policy("app:broken_at_run_time"):evaluate(ann, "a", "r", { number = "x" }), "undefined")
    end)
  end)
end) }
