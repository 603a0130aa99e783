-- json.encode: how Lua values become text, and what cannot.
local test = require("test")
local json = require("json")

local function fails(value, text, kind)
  local out, err = json.encode(value)
  test.has_error(out, err)
  test.eq(err:kind(), kind or "Internal")
  test.is_false(err:retryable())
  test.contains(tostring(err), text)
end

return { run_tests = test.run_cases(function()
  describe("scalars", function()
    it("have their JSON form", function()
      test.eq(json.encode(nil), "null")
      test.eq(json.encode(true), "true")
      test.eq(json.encode(false), "false")
      test.eq(json.encode("text"), '"text"')
      test.eq(json.encode(""), '""')
      test.eq(json.encode(42), "42")
      test.eq(json.encode(-7), "-7")
      test.eq(json.encode(0.5), "0.5")
    end)

    it("print whole floats without a fraction", function()
      test.eq(json.encode(3.0), "3")
      test.eq(json.encode(-0.25e2), "-25")
    end)

    it("keep 64 bit integers exact", function()
      test.eq(json.encode(9223372036854775807), "9223372036854775807")
      test.eq(json.encode(-9223372036854775807 - 1), "-9223372036854775808")
      test.eq(json.encode(9007199254740993), "9007199254740993")
    end)

    it("that JSON has not become null", function()
      test.eq(json.encode(0 / 0), "null")
      test.eq(json.encode(math.huge), "null")
      test.eq(json.encode(-math.huge), "null")
      test.eq(json.encode(print), "null")
      test.eq(json.encode(channel.new()), "null")
      test.eq(json.encode(coroutine.create(function() end)), "null")
      test.eq(json.encode({ a = print }), '{"a":null}')
    end)

    it("of an error are its message", function()
      test.eq(json.encode(errors.new("went wrong")), '"went wrong"')
    end)
  end)

  describe("strings", function()
    it("escape quotes, backslashes and control characters", function()
      test.eq(json.encode('a"b\\c'), '"a\\"b\\\\c"')
      test.eq(json.encode("a\nb\tc\rd"), '"a\\nb\\tc\\rd"')
      test.eq(json.encode("\1\31"), '"\\u0001\\u001f"')
      test.eq(json.encode("\0"), '"\\u0000"')
    end)

    it("escape what HTML and scripts could stumble over", function()
      test.eq(json.encode("<a>&"), '"\\u003ca\\u003e\\u0026"')
      test.eq(json.encode("\226\128\168\226\128\169"), '"\\u2028\\u2029"')
    end)

    it("keep other text as UTF-8", function()
      test.eq(json.encode("äöü €"), '"äöü €"')
      test.eq(json.encode("😀"), '"😀"')
    end)

    it("replace bytes that are not UTF-8", function()
      local text = json.encode("a\255b")
      test.ok(text == '"a\\ufffdb"' or text == '"a\239\191\189b"', text)
    end)
  end)

  describe("tables", function()
    it("that are empty are arrays", function()
      test.eq(json.encode({}), "[]")
      test.eq(json.encode({ a = {} }), '{"a":[]}')
    end)

    it("whose keys were removed are objects", function()
      local emptied = { a = 1 }
      emptied.a = nil
      test.eq(json.encode(emptied), "{}")
    end)

    it("with keys 1 to n are arrays", function()
      test.eq(json.encode({ 1, "two", false }), '[1,"two",false]')
      test.eq(json.encode({ { 1 }, { 2 } }), "[[1],[2]]")
    end)

    it("with other keys are objects", function()
      test.eq(json.encode({ name = "x" }), '{"name":"x"}')
      test.eq(json.encode({ ["a b"] = 1 }), '{"a b":1}')
      test.eq(json.encode({ [0] = "zero" }), '{"0":"zero"}')
      test.eq(json.encode({ [-1] = "minus" }), '{"-1":"minus"}')
      test.eq(json.encode({ [1.5] = "x" }), '{"1.5":"x"}')
      test.eq(json.encode({ [true] = "x" }), '{"true":"x"}')
    end)

    it("with holes are refused", function()
      fails({ 1, nil, 3 }, "cannot encode sparse array: non-contiguous numeric keys found")
      fails({ [2] = "x" }, "cannot encode sparse array: non-contiguous numeric keys found")
    end)

    it("with numeric and other keys are refused", function()
      fails({ 1, a = 2 }, "cannot encode mixed-key table: table has both numeric and non-numeric keys")
    end)

    it("that contain themselves are refused", function()
      local ring = {}
      ring.next = { ring }
      fails(ring, "cannot encode recursively nested tables to JSON")
    end)

    it("may stand in two places", function()
      local shared = { 1 }
      test.eq(json.encode({ shared, shared }), "[[1],[1]]")
    end)

    it("may be nested 128 deep and no deeper", function()
      local function nested(depth)
        local value = 1
        for _ = 1, depth do value = { value } end
        return value
      end
      test.eq(json.encode(nested(127)), string.rep("[", 127) .. "1" .. string.rep("]", 127))
      fails(nested(200), "exceeded maximum nesting depth for JSON encoding")
    end)
  end)

  describe("failures", function()
    it("say that they are of encode", function()
      fails({ 1, a = 2 }, "encode failed")
    end)
  end)
end) }
