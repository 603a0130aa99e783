-- Coroutines: those of the process, those of Lua, and protected calls across waits.
local test = require("test")
local time = require("time")

return { run_tests = test.run_cases(function()
  describe("coroutine.spawn", function()
    it("runs later, in order, beside the others", function()
      local order, done = {}, channel.new(3)
      for i = 1, 3 do
        coroutine.spawn(function()
          order[#order + 1] = i
          done:send(true)
        end)
      end
      test.len(order, 0)
      for _ = 1, 3 do done:receive() end
      test.eq(table.concat(order, ","), "1,2,3")
    end)

    it("gives a thread", function()
      test.eq(type(coroutine.spawn(function() end)), "thread")
    end)

    it("can be ended while it waits", function()
      local reached = false
      local thread = coroutine.spawn(function()
        time.sleep("5ms")
        reached = true
      end)
      time.sleep("1ms")
      test.is_true(coroutine.close(thread))
      time.sleep("10ms")
      test.is_false(reached)
    end)
  end)

  describe("Lua's own coroutines", function()
    it("pass values both ways", function()
      local thread = coroutine.create(function(a)
        local b = coroutine.yield(a + 1)
        return b * 2
      end)
      local ok, value = coroutine.resume(thread, 1)
      test.is_true(ok)
      test.eq(value, 2)
      ok, value = coroutine.resume(thread, 10)
      test.is_true(ok)
      test.eq(value, 20)
      test.eq(coroutine.status(thread), "dead")
      test.is_false((coroutine.resume(thread)))
    end)

    it("generate", function()
      local squares = coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(i * i) end
      end)
      test.eq(squares(), 1)
      test.eq(squares(), 4)
      test.eq(squares(), 9)
    end)

    it("may wait, and resume goes on when they are done", function()
      local thread = coroutine.wrap(function()
        time.sleep("2ms")
        coroutine.yield("after the sleep")
        return "end"
      end)
      test.eq(thread(), "after the sleep")
      test.eq(thread(), "end")
    end)

    it("that fail are told", function()
      local ok, err = coroutine.resume(coroutine.create(function() error("inside") end))
      test.is_false(ok)
      test.contains(tostring(err), "inside")
    end)
  end)

  describe("protected calls", function()
    it("work across waits", function()
      local ok, err = pcall(function()
        time.sleep("1ms")
        error("after a wait")
      end)
      test.is_false(ok)
      test.contains(tostring(err), "after a wait")
      test.eq(select(2, pcall(function()
        time.sleep("1ms")
        return "value"
      end)), "value")
    end)

    it("nest", function()
      local ok, inner, err = pcall(function()
        local inner, err = pcall(error, "x", 0)
        time.sleep("1ms")
        return inner, err
      end)
      test.is_true(ok)
      test.is_false(inner)
      test.eq(tostring(err), "x")
    end)

    it("with a handler", function()
      local ok, message = xpcall(function()
        time.sleep("1ms")
        error("x", 0)
      end, function(err) return "handled " .. tostring(err) end)
      test.is_false(ok)
      test.eq(message, "handled x")
    end)
  end)
end) }
