-- Who may ask whom.
local test = require("test")
local env = require("env")
local funcs = require("funcs")
local security = require("security")

local base

local function as(group, path, options)
  local executor = funcs.new():with_actor(security.new_actor("ann")):with_scope(security.named_scope("app:" .. group))
  return executor:call("app:fetch", (path:find("://") and "" or base) .. path, options)
end

return { run_tests = test.run_cases(function()
  describe("a private address", function()
    before_each(function() base = env.get("CONFORMANCE_URL") end)

    it("needs a permission of its own", function()
      local seen = as("public_only", "/echo")
      test.eq(seen.kind, errors.PERMISSION_DENIED)
      test.contains(seen.text, "not allowed: private IP 127.0.0.1")
      test.eq(as("this_server", "/echo").status, 200)
    end)

    it("is known by every name", function()
      local port = base:match(":(%d+)$")
      for _, host in ipairs({ "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0" }) do
        local seen = as("public_only", "http://" .. host .. ":" .. port .. "/echo")
        test.is_nil(seen.status, host)
        test.eq(seen.kind, errors.PERMISSION_DENIED, host)
      end
    end)

    it("is allowed when nobody asks", function()
      test.eq(funcs.call("app:fetch", base .. "/echo").status, 200)
    end)
  end)

  describe("a URL", function()
    before_each(function() base = env.get("CONFORMANCE_URL") end)

    it("may be denied", function()
      local seen = as("this_server", "/status/500")
      test.eq(seen.kind, errors.PERMISSION_DENIED)
      test.contains(seen.text, "not allowed: " .. base .. "/status/500")
    end)
  end)
end) }
