-- Patterns of actions and resources: the four rules and nothing else.
local test = require("test")
local security = require("security")

local ann = security.new_actor("ann")

local function verdict(policy, action, resource)
  return security.policy("app:" .. policy):evaluate(ann, action, resource)
end

return { run_tests = test.run_cases(function()
  describe("patterns", function()
    it("* matches everything", function()
      test.eq(verdict("all", "anything", "at all"), "allow")
      test.eq(verdict("all", "", ""), "allow")
    end)

    it("others match when equal", function()
      test.eq(verdict("prefixes", "read", "exact"), "allow")
      test.eq(verdict("prefixes", "read", "exactly"), "undefined")
      test.eq(verdict("prefixes", "Read", "exact"), "undefined")
      test.eq(verdict("prefixes", "reader", "exact"), "undefined")
    end)

    it("x.* is a prefix without the dot", function()
      test.eq(verdict("prefixes", "app.write", "exact"), "allow")
      test.eq(verdict("prefixes", "application", "exact"), "allow")
      test.eq(verdict("prefixes", "ap", "exact"), "undefined")
    end)

    it("x* is a prefix", function()
      test.eq(verdict("prefixes", "read", "doc:1"), "allow")
      test.eq(verdict("prefixes", "read", "doc"), "undefined")
      test.eq(verdict("prefixes", "read", "a.bc"), "allow")
    end)

    it("* at the start is a letter", function()
      test.eq(verdict("literal_star", "x.read", "r"), "undefined")
      test.eq(verdict("literal_star", "*.read", "r"), "allow")
    end)
  end)
end) }
