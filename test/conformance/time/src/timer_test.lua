-- Waiting: sleep, after, timers, tickers.
local test = require("test")
local time = require("time")

local function elapsed_ms(start)
  return time.now():sub(start):nanoseconds() / 1000000
end

return { run_tests = test.run_cases(function()
  describe("sleep", function()
    it("waits in every form of duration", function()
      for _, d in ipairs({ "10ms", 10 * time.MILLISECOND, time.parse_duration("10ms") }) do
        local start = time.now()
        time.sleep(d)
        test.gte(elapsed_ms(start), 9)
      end
    end)

    it("gives no value, and nothing to wait for gives it at once", function()
      test.eq(select("#", time.sleep(0)), 0)
      test.eq(select("#", time.sleep(-5)), 0)
      test.eq(select("#", time.sleep("0s")), 0)
    end)

    it("refuses what is no duration", function()
      local value, err = time.sleep("soon")
      test.has_error(value, err)
      test.eq(err:kind(), errors.INVALID)
      test.contains(tostring(err), "time.sleep: ")
    end)

    it("lets other coroutines run", function()
      local order = {}
      local done = channel.new()
      coroutine.spawn(function()
        order[#order + 1] = "other"
        done:send(true)
      end)
      time.sleep("5ms")
      order[#order + 1] = "first"
      done:receive()
      test.eq(table.concat(order, ","), "other,first")
    end)
  end)

  describe("after", function()
    it("delivers one time and closes", function()
      local ch = time.after("5ms")
      local at, ok = ch:receive()
      test.is_true(ok)
      test.gt(at:unix(), 0)
      local again, open = ch:receive()
      test.is_nil(again)
      test.is_false(open)
    end)

    it("needs a future", function()
      for _, d in ipairs({ 0, -1, "0s", "-1s" }) do
        local ch, err = time.after(d)
        test.has_error(ch, err)
        test.contains(tostring(err), "time.after: duration must be > 0")
      end
    end)

    it("loses against what is ready", function()
      local ready = channel.new(1)
      ready:send("x")
      local result = channel.select({ ready:case_receive(), time.after("1s"):case_receive() })
      test.eq(result.value, "x")
      test.is_true(result.channel == ready)
    end)
  end)

  describe("timer", function()
    it("fires once on its channel", function()
      local timer = time.timer("5ms")
      local at = timer:channel():receive()
      test.gt(at:unix(), 0)
      test.is_false(timer:stop())
    end)

    it("can be stopped before it fires", function()
      local timer = time.timer("1h")
      test.is_true(timer:stop())
      test.is_false(timer:stop())
    end)

    it("can be reset", function()
      local timer = time.timer("1h")
      test.is_true(timer:reset("5ms"))
      local _, ok = timer:response():receive()
      test.is_true(ok)
      test.is_false(timer:reset("1h"))
      timer:stop()
      test.throws(function() timer:reset(0) end)
    end)
  end)

  describe("ticker", function()
    it("ticks until stopped", function()
      local ticker = time.ticker("3ms")
      for _ = 1, 3 do
        local at = ticker:channel():receive()
        test.gt(at:unix(), 0)
      end
      test.is_true(ticker:stop())
    end)
  end)
end) }
