-- Pools: how many states a function has, and what stays in them.
local test = require("test")
local funcs = require("funcs")

-- Calls `count` times at once; gives the greatest count one state saw, and how many calls ran in one state at once.
local function at_once(id, count)
  local futures = {}
  for i = 1, count do futures[i] = funcs.async(id, "5ms") end
  local calls, most = 0, 0
  for _, future in ipairs(futures) do
    local seen = future:response():receive():data()
    calls = math.max(calls, seen.calls)
    most = math.max(most, seen.most)
  end
  return calls, most
end

return { run_tests = test.run_cases(function()
  describe("a state", function()
    it("is used again", function()
      local first = funcs.call("app:default").calls
      test.gt(funcs.call("app:default").calls, first - 1)
      local last = 0
      for _ = 1, 5 do last = funcs.call("app:default").calls end
      test.gte(last, 5)
    end)

    it("runs one call at a time", function()
      for _, id in ipairs({ "inline", "static", "lazy", "adaptive", "default" }) do
        local _, most = at_once("app:" .. id, 8)
        test.eq(most, 1, id)
      end
    end)
  end)

  describe("an inline pool", function()
    it("has one state", function()
      local before = funcs.call("app:inline").calls
      at_once("app:inline", 6)
      test.eq(funcs.call("app:inline").calls, before + 7)
    end)
  end)

  describe("a lazy pool", function()
    it("has as many as max_size, callers wait", function()
      local calls = at_once("app:lazy", 30)
      test.gte(calls, 10)
    end)
  end)
end) }
