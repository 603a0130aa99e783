-- Where the dialect differs from Lua 5.4, and the parts of the language programs lean on.
local test = require("test")

return { run_tests = test.run_cases(function()
  describe("numbers", function()
    it("that are whole print without a fraction", function()
      test.eq(tostring(10 / 2), "5")
      test.eq(3.0 .. "", "3")
      test.eq(tostring(2 ^ 40), "1099511627776")
      test.eq(tostring(0.1), "0.1")
      test.eq(tostring(-1.5), "-1.5")
      test.eq(string.format("%s", 4.0), "4")
    end)

    it("have integers of 64 bits", function()
      test.eq(math.type(1), "integer")
      test.eq(math.type(1.0), "float")
      test.eq(7 // 2, 3)
      test.eq(-7 // 2, -4)
      test.eq(-7 % 3, 2)
      test.eq(5 & 3, 1)
      test.eq(5 | 3, 7)
      test.eq(5 ~ 3, 6)
      test.eq(1 << 4, 16)
      test.eq(math.maxinteger + 1, math.mininteger)
      test.eq(tonumber("0x10"), 16)
      test.eq(tonumber("z", 36), 35)
      test.is_nil(tonumber("x"))
    end)
  end)

  describe("string.format", function()
    it("truncates fractions for %d", function()
      test.eq(string.format("%d", 3.7), "3")
      test.eq(string.format("%d", -3.7), "-3")
      test.eq(string.format("%5.2f|%-5s|%05d", 1.234, "a", 42), " 1.23|a    |00042")
      test.eq(string.format("%q", 'a "b"'), '"a \\"b\\""')
      test.eq(string.format("%x", 255), "ff")
    end)

    it("takes any value for %s, and does not raise for missing ones", function()
      test.eq(string.format("%s %s", true, nil), "true nil")
      test.is_string(string.format("%s %s", 1))
    end)
  end)

  describe("table", function()
    it("has the functions of old and new", function()
      test.eq(table.concat({ 1, 2, 3 }, "-", 2), "2-3")
      test.eq(select("#", table.unpack({ 1, nil, 3 }, 1, 3)), 3)
      test.eq(unpack({ 5, 6 }), 5)
      test.eq(table.pack(1, nil).n, 2)
      local t = { 3, 1, 2 }
      table.sort(t, function(a, b) return a > b end)
      test.eq(table.concat(t), "321")
      table.insert(t, 1, 4)
      test.eq(table.remove(t), 1)
      test.eq(table.move({ 1, 2 }, 1, 2, 3)[4], 2)
      test.is_table(table.create(5, 5))
    end)

    it("sorts stably enough, and a bad comparator is no danger", function()
      local t = {}
      for i = 1, 100 do t[i] = (i * 37) % 101 end
      table.sort(t)
      for i = 2, 100 do test.lte(t[i - 1], t[i]) end
      pcall(table.sort, t, function() return true end)
    end)
  end)

  describe("patterns", function()
    it("match, find, replace", function()
      test.eq(("key = value"):match("(%w+)%s*=%s*(%w+)"), "key")
      test.eq(select(2, ("a,b,c"):gsub(",", ";")), 2)
      test.eq((("hello"):gsub("l", { l = "L" })), "heLLo")
      test.eq((("abc"):gsub("%w", "%0%0")), "aabbcc")
      test.eq((("abc"):gsub("", "-")), "-a-b-c-")
      local words = {}
      for word in ("one two"):gmatch("%a+") do words[#words + 1] = word end
      test.eq(#words, 2)
      test.eq(("f(a(b)c)d"):match("%b()"), "(a(b)c)")
      test.eq(("THE (quick) fox"):find("%((%a+)%)"), 5)
      test.eq(("x"):rep(3, ","), "x,x,x")
      test.eq(("%d"):find("%d", 1, true), 1)
    end)
  end)

  describe("goto and integer loops", function()
    it("work", function()
      local sum = 0
      for i = 1, 5 do
        if i == 3 then goto continue end
        sum = sum + i
        ::continue::
      end
      test.eq(sum, 12)
    end)
  end)

  describe("os", function()
    it("has the clock only", function()
      test.is_number(os.time())
      test.is_number(os.clock())
      test.eq(os.difftime(5, 3), 2)
      test.eq(os.platform, "wippy")
      test.eq(os.date("!%Y-%m-%d %H:%M:%S", 86400), "1970-01-02 00:00:00")
      local t = os.date("!*t", 0)
      test.eq(t.year, 1970)
      test.eq(t.month, 1)
      test.eq(t.hour, 0)
      test.eq(t.isdst, false)
      test.eq(os.time({ year = 2024, month = 3, day = 5, hour = 0 }), os.time({ year = 2024, month = 3, day = 5 }))
    end)
  end)

  describe("errors", function()
    it("of the language name file and line", function()
      local _, err = pcall(function() local x = nil; return x.y end)
      test.matches(tostring(err), "dialect_test:%d+: attempt to index a nil value")
    end)

    it("in deep recursion are errors", function()
      local function deep(n) return 1 + deep(n + 1) end
      local ok, err = pcall(deep, 1)
      test.is_false(ok)
      test.contains(tostring(err), "stack overflow")
    end)
  end)
end) }
