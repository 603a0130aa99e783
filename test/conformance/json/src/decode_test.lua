-- json.decode: how JSON text becomes Lua values, and what is not JSON.
local test = require("test")
local json = require("json")

local function fails(text, kind, part)
  local value, err = json.decode(text)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  test.is_false(err:retryable())
  test.contains(tostring(err), part)
end

return { run_tests = test.run_cases(function()
  describe("values", function()
    it("of every JSON type arrive", function()
      test.eq(json.decode("true"), true)
      test.eq(json.decode("false"), false)
      test.eq(json.decode('"x"'), "x")
      test.eq(json.decode(" 12 "), 12)
      test.eq(json.decode("-0.5"), -0.5)
      test.eq(json.decode("1e3"), 1000)
    end)

    it("null is nil without an error", function()
      local value, err = json.decode("null")
      test.is_nil(value)
      test.is_nil(err)
      local object = json.decode('{"a":null,"b":1}')
      test.is_nil(object.a)
      test.eq(object.b, 1)
      local array = json.decode("[1,null,3]")
      test.eq(array[1], 1)
      test.is_nil(array[2])
      test.eq(array[3], 3)
    end)

    it("whole numbers are integers while they fit 64 bits", function()
      test.eq(math.type(json.decode("7")), "integer")
      test.eq(math.type(json.decode("7.5")), "float")
      test.eq(json.decode("9223372036854775807"), 9223372036854775807)
      test.eq(math.type(json.decode("9223372036854775807")), "integer")
      test.eq(json.decode("-9223372036854775808"), -9223372036854775807 - 1)
      test.eq(math.type(json.decode("9223372036854775808")), "float")
    end)

    it("nest", function()
      local value = json.decode('{"a":[{"b":{"c":[1,2,3]}}]}')
      test.eq(value.a[1].b.c[3], 3)
    end)

    it("of escapes are the characters", function()
      test.eq(json.decode([["\n\t\"\\\/\b\f\r"]]), "\n\t\"\\/\b\f\r")
      test.eq(json.decode([["\u00e4"]]), "ä")
      test.eq(json.decode([["\ud83d\ude00"]]), "😀")
      test.eq(json.decode([["\u0000"]]), "\0")
    end)

    it("the last of equal keys counts", function()
      test.eq(json.decode('{"a":1,"a":2}').a, 2)
    end)

    it("keys that mean something elsewhere are ordinary", function()
      local value = json.decode('{"__proto__":{"x":1},"constructor":2,"__index":3}')
      test.eq(value.__proto__.x, 1)
      test.eq(value.constructor, 2)
      test.eq(value.__index, 3)
      test.is_nil(getmetatable(value) and getmetatable(value).__index)
    end)
  end)

  describe("a round trip", function()
    it("keeps an empty object and an empty array apart", function()
      test.eq(json.encode(json.decode("{}")), "{}")
      test.eq(json.encode(json.decode("[]")), "[]")
    end)

    it("keeps integers and text", function()
      for _, text in ipairs({ "[1,2,3]", '{"a":"b"}', '"\\u003c"', "9007199254740993", "[[[]]]" }) do
        test.eq(json.encode(json.decode(text)), text)
      end
    end)
  end)

  describe("failures", function()
    it("of the argument are Invalid", function()
      fails("", "Invalid", "empty string is not valid JSON")
      fails(nil, "Invalid", "string expected")
      fails({}, "Invalid", "string expected")
      fails(true, "Invalid", "string expected")
    end)

    it("of the text are Internal", function()
      for _, text in ipairs({
        "{", "[1,", '{"a"}', '{"a":}', "[1,]", '{"a":1,}', "{a:1}", "'x'", '"open', "tru", "nul", "01", "1.", ".5", "+1", "-",
        '"\\x"', '"\\u12"', '"a\nb"', "NaN", "Infinity", " ", "// c\n1",
      }) do
        fails(text, "Internal", "decode failed")
      end
    end)

    it("of too deep text are errors", function()
      local value, err = json.decode(string.rep("[", 1000) .. string.rep("]", 1000))
      test.has_error(value, err)
    end)

    it("of the depth leave 100 levels alone", function()
      test.not_nil(json.decode(string.rep("[", 100) .. string.rep("]", 100)))
    end)
  end)
end) }
