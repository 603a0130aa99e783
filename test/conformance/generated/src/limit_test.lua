-- What code made at run time may use, and that nobody else suffers.
local test = require("test")
local registry = require("registry")
local funcs = require("funcs")
local time = require("time")

local function run(source)
  local entry = {
    id = "made:hungry", kind = "function.lua", meta = {},
    data = { source = "return function() " .. source .. " end", method = "handler", modules = { "time" } },
  }
  local changes = registry.snapshot():changes()
  if registry.get(entry.id) then changes:update(entry) else changes:create(entry) end
  test.no_error(changes:apply())
  return funcs.call("made:hungry")
end

return { run_tests = test.run_cases(function()
  describe("time", function()
    it("of the processor ends endless loops, also protected ones, while others go on", function()
      local ticks, stopped = 0, false
      coroutine.spawn(function()
        while not stopped do
          time.sleep("20ms")
          ticks = ticks + 1
        end
      end)
      local value, err = run("while true do pcall(function() while true do end end) end")
      stopped = true
      test.has_error(value, err)
      test.eq(err:kind(), "LimitExceeded")
      test.gt(ticks, 20)
    end)
  end)

  describe("memory", function()
    it("is bounded", function()
      for _, source in ipairs({
        "local t = {} for i = 1, 1e9 do t[i] = { i } end",
        "local s = 'x' while true do s = s .. s end",
        "return ('x'):rep(100000000)",
        "local t = {} for i = 1, 1e9 do t[#t + 1] = coroutine.create(function() end) end",
      }) do
        local value, err = run(source)
        test.has_error(value, err, source)
        test.ok(err:kind() == "LimitExceeded" or tostring(err):find("memory") or tostring(err):find("too large"), tostring(err))
      end
    end)

    it("is there again for the next call", function()
      test.eq(run("return #('x'):rep(1000000)"), 1000000)
    end)
  end)

  describe("state", function()
    it("is fresh for each call", function()
      run("kept = (kept or 0) + 1 return kept")
      test.eq(funcs.call("made:hungry"), 1)
      test.eq(funcs.call("made:hungry"), 1)
    end)
  end)

  describe("errors", function()
    it("are errors of the call", function()
      local _, err = run("error('boom')")
      test.matches(tostring(err), "made:hungry:%d+: boom")
      local value
      value, err = run("local function f() return f() + 1 end return f()")
      test.has_error(value, err)
      value, err = run("return nil")
      test.is_nil(value)
      test.is_nil(err)
    end)
  end)
end) }
