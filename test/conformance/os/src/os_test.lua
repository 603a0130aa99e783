-- os: time, date, clock, difftime, platform, and nothing else.
local test = require("test")

return { run_tests = test.run_cases(function()
  describe("os", function()
    it("has five members", function()
      local names = {}
      for name in pairs(os) do names[#names + 1] = name end
      table.sort(names)
      test.eq(table.concat(names, ","), "clock,date,difftime,platform,time")
      test.eq(os.platform, "wippy")
    end)

    it("counts seconds", function()
      test.eq(math.type(os.time()), "integer")
      test.gt(os.time(), 1700000000)
      test.gte(os.clock(), 0)
      test.eq(os.difftime(5, 3), 2)
    end)

    it("makes times of tables", function()
      test.eq(os.time({ year = 2024, month = 3, day = 5, hour = 0 }), os.time({ year = 2024, month = 3, day = 5 }))
      local t = os.time({ year = 2024, month = 2, day = 30, hour = 12 })
      test.eq(os.date("%Y-%m-%d", t), "2024-03-01")
      test.eq(os.date("!%Y", os.time({ year = 33, month = 6, day = 15 })), "33")
    end)

    it("takes what a table does not say from today", function()
      local today = os.date("*t")
      local midnight = os.time({ year = today.year, month = today.month, day = today.day })
      test.eq(os.time({}), midnight)
      test.eq(os.time({ month = today.month }), midnight)
      test.eq(os.date("%Y-%m-%d %H:%M:%S", os.time({ day = 1 })), os.date("%Y-%m") .. "-01 00:00:00")
    end)

    it("refuses times that no date can be", function()
      test.is_false((pcall(os.time, 5)))
      for _, number in ipairs({ 1e18, -1e18, 0/0, 1/0 }) do
        test.is_false((pcall(os.date, "%Y", number)))
        test.is_false((pcall(os.date, "*t", number)))
        test.is_false((pcall(os.time, { year = number, month = 1, day = 1 })))
      end
    end)

    it("shows dates", function()
      test.eq(os.date("!%Y-%m-%d %H:%M:%S", 86399), "1970-01-01 23:59:59")
      test.eq(os.date("!%a %A %b %B %d %p %y %j %%", 0), "Thu Thursday Jan January 01 AM 70 001 %")
      test.eq(os.date("!%z %Z %U %c", 1718462445), "+0000 UTC 23 Sat Jun 15 14:40:45 2024")
      test.eq(os.date("!%C %e %g %G %h %R %r %u %V %W", 1704585600), "20  7 24 2024 Jan 00:00 12:00:00 AM 7 01 01")
      test.eq(os.date("!%G-W%V %g %U", 1609459200), "2020-W53 20 00")
      local t = os.date("!*t", 0)
      test.eq(t.year, 1970)
      test.eq(t.month, 1)
      test.eq(t.day, 1)
      test.eq(t.hour, 0)
      test.eq(t.wday, 5)
      test.eq(t.yday, 1)
      test.is_false(t.isdst)
      local now = os.time()
      test.eq(os.time(os.date("*t", now)), now)
    end)

    it("refuses formats that do not exist", function()
      test.is_false((pcall(os.date, "%Q")))
    end)
  end)
end) }
