-- Who acts, under what scope, and what happens then.
local test = require("test")
local security = require("security")
local funcs = require("funcs")

local ann = security.new_actor("ann")

local function as(actor, scope)
  local executor = funcs.new()
  if actor then executor = executor:with_actor(actor) end
  if scope then executor = executor:with_scope(scope) end
  return executor:call("app:protected")
end

return { run_tests = test.run_cases(function()
  describe("without actor and scope", function()
    it("everything is allowed, but can() is false", function()
      test.is_nil(security.actor())
      test.is_nil(security.scope())
      local seen = funcs.call("app:protected")
      test.is_true(seen.allowed)
      test.is_nil(seen.actor)
      test.is_false(seen.can_read)
    end)

    it("one of the two is not enough", function()
      test.is_true(as(ann, nil).allowed)
      test.is_false(as(ann, nil).can_read)
      test.is_true(as(nil, security.named_scope("app:no_store")).allowed)
    end)
  end)

  describe("with both", function()
    it("only what is allowed is allowed", function()
      local seen = as(ann, security.named_scope("app:everything"))
      test.is_true(seen.allowed)
      test.eq(seen.actor, "ann")
      test.is_true(seen.has_scope)
      test.is_true(seen.can_read)
      test.is_false(seen.can_secret)
    end)

    it("undefined is not allowed", function()
      local seen = as(ann, security.new_scope())
      test.is_false(seen.allowed)
      test.contains(seen.why, "not allowed to access store: app:cache")
    end)

    it("a denial names what was asked for", function()
      local seen = as(ann, security.named_scope("app:everything"):with(security.policy("app:no_store")))
      test.is_false(seen.allowed)
      test.contains(seen.why, "not allowed to access store: app:cache")
    end)
  end)
end) }
