-- Layouts: instants as text and text as instants, by Go's reference time.
local test = require("test")
local time = require("time")

local t = time.date(2024, 3, 5, 14, 7, 9, 120000000, time.fixed_zone("CET", 3600))

return { run_tests = test.run_cases(function()
  describe("format", function()
    it("has the layouts of Go", function()
      for _, case in ipairs({
        { time.RFC3339, "2024-03-05T14:07:09+01:00" },
        { time.RFC3339NANO, "2024-03-05T14:07:09.12+01:00" },
        { time.RFC822, "05 Mar 24 14:07 CET" },
        { time.RFC822Z, "05 Mar 24 14:07 +0100" },
        { time.RFC850, "Tuesday, 05-Mar-24 14:07:09 CET" },
        { time.RFC1123, "Tue, 05 Mar 2024 14:07:09 CET" },
        { time.RFC1123Z, "Tue, 05 Mar 2024 14:07:09 +0100" },
        { time.KITCHEN, "2:07PM" },
        { time.STAMP, "Mar  5 14:07:09" },
        { time.STAMP_MILLI, "Mar  5 14:07:09.120" },
        { time.STAMP_MICRO, "Mar  5 14:07:09.120000" },
        { time.STAMP_NANO, "Mar  5 14:07:09.120000000" },
        { time.DATE_TIME, "2024-03-05 14:07:09" },
        { time.DATE_ONLY, "2024-03-05" },
        { time.TIME_ONLY, "14:07:09" },
        { "Monday Mon January Jan 1 01 2 02 _2 002", "Tuesday Tue March Mar 3 03 5 05  5 065" },
        { "3 03 15 4 04 5 05 PM pm", "2 02 14 7 07 9 09 PM pm" },
        { ".000 .999 .00", ".120 .12 .12" },
        { "Z07:00 Z0700 -07", "+01:00 +0100 +01" },
        { "06/2006", "24/2024" },
      }) do
        test.eq(t:format(case[1]), case[2], case[1])
      end
    end)

    it("writes Z for UTC", function()
      test.eq(t:utc():format(time.RFC3339), "2024-03-05T13:07:09Z")
      test.eq(t:utc():format_rfc3339(), "2024-03-05T13:07:09Z")
      test.eq(t:format_rfc3339(), "2024-03-05T14:07:09+01:00")
    end)
  end)

  describe("parse", function()
    it("reads what format wrote", function()
      for _, layout in ipairs({ time.RFC3339, time.RFC3339NANO, time.RFC1123Z, time.DATE_TIME }) do
        local parsed, err = time.parse(layout, t:format(layout), time.utc)
        test.is_nil(err, layout)
        test.eq(parsed:format(layout), t:format(layout), layout)
      end
      test.is_true(time.parse(time.RFC3339NANO, t:format(time.RFC3339NANO)):equal(t))
    end)

    it("uses the given zone when the text names none", function()
      local parsed = time.parse(time.DATE_TIME, "2024-03-05 14:07:09", time.fixed_zone("X", 7200))
      test.eq(parsed:utc():hour(), 12)
    end)

    it("refuses what does not fit", function()
      for _, text in ipairs({ "", "2024-13-01", "2024-02-30", "2024-3-1", "2024-03-01x", "yesterday" }) do
        local parsed, err = time.parse(time.DATE_ONLY, text)
        test.has_error(parsed, err, text)
        test.not_nil(err:kind())
      end
    end)
  end)
end) }
