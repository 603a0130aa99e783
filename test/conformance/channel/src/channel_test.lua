-- channel: buffers, closing, select.
local test = require("test")
local time = require("time")

-- What `fn` gives in a coroutine of its own, or "blocked" when it is still waiting after a moment.
local function settles(fn)
  local done = channel.new(1)
  coroutine.spawn(function() done:send({ fn() }) end)
  local result = channel.select({ done:case_receive(), time.after("20ms"):case_receive() })
  return result.channel == done and result.value or "blocked"
end

return { run_tests = test.run_cases(function()
  describe("a channel", function()
    it("with a buffer takes as many values as it holds", function()
      local ch = channel.new(2)
      test.is_true(ch:send(1))
      test.is_true(ch:send(2))
      test.eq(settles(function() return ch:send(3) end), "blocked")
      test.eq((ch:receive()), 1)
      test.eq((ch:receive()), 2)
      test.eq((ch:receive()), 3)
    end)

    it("without a buffer passes from hand to hand", function()
      local ch = channel.new()
      local order = {}
      coroutine.spawn(function()
        for i = 1, 3 do
          ch:send(i)
          order[#order + 1] = "sent " .. i
        end
        ch:close()
      end)
      local sum = 0
      while true do
        local value, ok = ch:receive()
        if not ok then break end
        sum = sum + value
      end
      test.eq(sum, 6)
      test.len(order, 3)
    end)

    it("carries nil and any value by reference", function()
      local ch = channel.new(3)
      local t, f = {}, function() end
      ch:send(nil)
      ch:send(t)
      ch:send(f)
      local value, ok = ch:receive()
      test.is_nil(value)
      test.is_true(ok)
      test.is_true((ch:receive()) == t)
      test.is_true((ch:receive()) == f)
    end)

    it("with a negative size has no buffer", function()
      local ch = channel.new(-5)
      test.eq(settles(function() return ch:send(1) end), "blocked")
    end)

    it("serves who came first", function()
      local ch, order, done = channel.new(), {}, channel.new(3)
      for i = 1, 3 do
        coroutine.spawn(function()
          local value = ch:receive()
          order[#order + 1] = i .. ":" .. value
          done:send(true)
        end)
      end
      time.sleep("2ms")
      for _, letter in ipairs({ "a", "b", "c" }) do ch:send(letter) end
      for _ = 1, 3 do done:receive() end
      test.eq(table.concat(order, ","), "1:a,2:b,3:c")
    end)
  end)

  describe("closing", function()
    it("leaves what is buffered", function()
      local ch = channel.new(2)
      ch:send("x")
      test.eq(select("#", ch:close()), 0)
      local value, ok = ch:receive()
      test.eq(value, "x")
      test.is_true(ok)
      value, ok = ch:receive()
      test.is_nil(value)
      test.is_false(ok)
    end)

    it("can be repeated, sending cannot", function()
      local ch = channel.new(1)
      ch:close()
      ch:close()
      test.contains(tostring(test.throws(function() ch:send(1) end)), "send on closed channel")
    end)

    it("wakes who waits", function()
      local full = channel.new()
      local woken = channel.new(2)
      coroutine.spawn(function()
        local value, err = full:send(1)
        woken:send({ what = "sender", value = value, err = err })
      end)
      local empty = channel.new()
      coroutine.spawn(function()
        local value, ok = empty:receive()
        woken:send({ what = "receiver", value = value, ok = ok })
      end)
      time.sleep("2ms")
      full:close()
      empty:close()
      local seen = {}
      for _ = 1, 2 do
        local one = woken:receive()
        seen[one.what] = one
      end
      test.is_nil(seen.sender.value)
      test.not_nil(seen.sender.err)
      test.is_nil(seen.receiver.value)
      test.is_false(seen.receiver.ok)
    end)
  end)

  describe("select", function()
    it("takes the first ready case in order", function()
      local a, b = channel.new(1), channel.new(1)
      a:send("a")
      b:send("b")
      local result = channel.select({ b:case_receive(), a:case_receive() })
      test.eq(result.value, "b")
      test.is_true(result.ok)
      test.is_true(result.channel == b)
    end)

    it("waits for one", function()
      local a, b = channel.new(), channel.new()
      coroutine.spawn(function()
        time.sleep("2ms")
        b:send("late")
      end)
      test.eq(channel.select({ a:case_receive(), b:case_receive() }).value, "late")
    end)

    it("sends too", function()
      local ch = channel.new(1)
      local result = channel.select({ ch:case_send("x") })
      test.eq(result.value, "x")
      test.is_true(result.ok)
      test.is_true(result.channel == ch)
      test.eq((ch:receive()), "x")
    end)

    it("has a default", function()
      local ch = channel.new()
      for _, result in ipairs({
        channel.select({ ch:case_receive(), default = true }),
        channel.select({ ch:case_receive() }, true),
      }) do
        test.is_true(result.default)
        test.is_true(result.ok)
      end
      local ready = channel.new(1)
      ready:send(1)
      test.is_nil(channel.select({ ready:case_receive(), default = true }).default)
    end)

    it("sees a closed channel", function()
      local ch = channel.new()
      ch:close()
      local result = channel.select({ ch:case_receive() })
      test.is_nil(result.value)
      test.is_false(result.ok)
    end)

    it("takes only one", function()
      local a, b = channel.new(1), channel.new(1)
      a:send(1)
      b:send(2)
      channel.select({ a:case_receive(), b:case_receive() })
      test.eq((b:receive()), 2)
    end)
  end)
end) }
