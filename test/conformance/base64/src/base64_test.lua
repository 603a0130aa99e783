-- base64: standard alphabet, padded, byte-exact.
local test = require("test")
local base64 = require("base64")

local function fails(value, err, part)
  test.has_error(value, err)
  test.eq(err:kind(), errors.INVALID)
  test.is_false(err:retryable())
  test.contains(tostring(err), part)
end

return { run_tests = test.run_cases(function()
  describe("base64", function()
    it("has the vectors of RFC 4648", function()
      for plain, encoded in pairs({
        [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=", foobar = "Zm9vYmFy",
      }) do
        test.eq(base64.encode(plain), encoded)
        test.eq(base64.decode(encoded), plain)
      end
    end)

    it("uses + and /", function()
      test.eq(base64.encode("\251\255\191"), "+/+/")
      test.eq(base64.decode("+/+/"), "\251\255\191")
    end)

    it("keeps every byte", function()
      local all = {}
      for i = 0, 255 do all[#all + 1] = string.char(i) end
      local bytes = table.concat(all)
      local back = base64.decode(base64.encode(bytes))
      test.eq(#back, 256)
      test.is_true(back == bytes)
    end)

    it("refuses what is not text", function()
      local value, err = base64.encode(nil)
      fails(value, err, "string expected")
      value, err = base64.encode({})
      fails(value, err, "string expected")
      value, err = base64.decode(true)
      fails(value, err, "string expected")
    end)

    it("refuses what is not base64", function()
      for _, text in ipairs({ "Zg", "Zg=", "Z", "Zm9v!", "Zm9v Zm9v", "-_-_", "====", "Zg==Zg==" }) do
        local value, err = base64.decode(text)
        fails(value, err, "decode failed")
      end
    end)
  end)
end) }
