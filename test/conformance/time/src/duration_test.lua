-- time.Duration: reading, parts, text.
local test = require("test")
local time = require("time")

return { run_tests = test.run_cases(function()
  describe("parse_duration", function()
    it("reads Go durations", function()
      for text, nanoseconds in pairs({
        ["1ns"] = 1, ["2us"] = 2000, ["2µs"] = 2000, ["3ms"] = 3000000, ["1.5s"] = 1500000000,
        ["1m30s"] = 90 * time.SECOND, ["1h"] = time.HOUR, ["-1h30m"] = -90 * time.MINUTE, ["+5s"] = 5 * time.SECOND, ["0"] = 0,
        [".5s"] = 500000000,
      }) do
        local d, err = time.parse_duration(text)
        test.is_nil(err, text)
        test.eq(d:nanoseconds(), nanoseconds, text)
      end
    end)

    it("takes numbers as nanoseconds", function()
      test.eq(time.parse_duration(1500000000):seconds(), 1.5)
      test.eq(time.parse_duration(2 * time.SECOND):seconds(), 2)
    end)

    it("refuses what is no duration", function()
      for _, text in ipairs({ "", "5", "1d", "5 s", "abc", "1h-5m", "h", "." }) do
        local d, err = time.parse_duration(text)
        test.has_error(d, err, text)
        test.eq(err:kind(), errors.INVALID, text)
      end
    end)
  end)

  describe("parts", function()
    it("are the whole length in each unit", function()
      local d = time.parse_duration("1h30m0.5s")
      test.eq(d:hours(), 1.5 + 0.5 / 3600)
      test.eq(d:minutes(), 90 + 0.5 / 60)
      test.eq(d:seconds(), 5400.5)
      test.eq(d:milliseconds(), 5400500)
      test.eq(d:microseconds(), 5400500000)
      test.eq(d:nanoseconds(), 5400500000000)
    end)
  end)

  describe("text", function()
    it("is Go's", function()
      for _, text in ipairs({ "1h30m0s", "1m0s", "1.5s", "250ms", "1.5ms", "2µs", "7ns", "0s", "-3s" }) do
        test.eq(tostring(time.parse_duration(text)), text)
      end
    end)
  end)
end) }
