-- Services: input, identity, order, restarts and their end.
local test = require("test")
local store = require("store")
local time = require("time")
local system = require("system")

-- The value of a key once `enough` says so; what it is after two seconds otherwise.
local function eventually(key, enough)
  local trace, value = store.get("app:trace"), nil
  for _ = 1, 200 do
    value = trace:get(key)
    if value ~= nil and enough(value) then return value end
    time.sleep("10ms")
  end
  return value
end

local function any() return true end

return { run_tests = test.run_cases(function()
  describe("a service", function()
    it("gets its input, actor and scope", function()
      local seen = eventually("steady seen", any)
      test.eq(seen.one, "one")
      test.eq(seen.two, 2)
      test.eq(seen.actor, "the-service")
      test.eq(seen.role, "worker")
      test.is_true(seen.scoped)
    end)

    it("starts after what it requires", function()
      eventually("steady seen", any)
      local first, steady = system.supervisor.state("app:first_service"), system.supervisor.state("app:steady_service")
      test.is_true(first.started_at <= steady.started_at)
    end)

    it("may require a store, which is a service too", function()
      eventually("steady seen", any)
      local trace, steady = system.supervisor.state("app:trace"), system.supervisor.state("app:steady_service")
      test.eq(trace.status, "running")
      test.is_true(trace.started_at <= steady.started_at)
    end)

    it("that is not asked to start does not", function()
      test.is_false(store.get("app:trace"):has("idle"))
    end)

    it("that returns is not started again", function()
      eventually("first", any)
      time.sleep("30ms")
      test.eq((store.get("app:trace"):get("first")), 1)
    end)

    it("that fails is started again, up to its attempts", function()
      test.eq(eventually("failing", function(n) return n >= 4 end), 4)
      time.sleep("30ms")
      test.eq((store.get("app:trace"):get("failing")), 4)
    end)

    it("that fails for good is not", function()
      eventually("final", any)
      time.sleep("30ms")
      test.eq((store.get("app:trace"):get("final")), 1)
    end)

    it("that is terminated comes back with another pid", function()
      eventually("steady seen", any)
      local pid = process.registry.lookup("steady")
      process.terminate(pid)
      local again
      for _ = 1, 200 do
        again = process.registry.lookup("steady")
        if again and again ~= pid then break end
        time.sleep("10ms")
      end
      test.not_nil(again)
      test.neq(again, pid)
    end)
  end)
end) }
