-- compress: five formats there and back, limits, refusals.
local test = require("test")
local compress = require("compress")

local formats = { "gzip", "deflate", "zlib", "brotli", "zstd" }

local function fails(kind, value, err)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
end

return { run_tests = test.run_cases(function()
  for _, name in ipairs(formats) do
    describe(name, function()
      local format = compress[name]

      it("gives back every byte", function()
        local all = {}
        for i = 0, 255 do all[#all + 1] = string.char(i) end
        for _, text in ipairs({ "x", table.concat(all), ("the same words "):rep(2000) }) do
          local packed, err = format.encode(text)
          test.is_nil(err and tostring(err))
          test.is_true(format.decode(packed) == text)
        end
        test.lt(#format.encode(("the same words "):rep(2000)), 300)
      end)

      it("takes levels", function()
        local text = ("abcdefgh 12345 "):rep(500)
        for _, level in ipairs({ 1, 9 }) do
          test.is_true(format.decode(format.encode(text, { level = level })) == text)
        end
        fails("Invalid", format.encode("x", { level = 99 }))
        fails("Invalid", format.encode("x", { level = -5 }))
      end)

      it("refuses nothing and nonsense", function()
        fails("Invalid", format.encode(""))
        fails("Invalid", format.decode(""))
        fails("Invalid", format.decode("certainly not compressed data"))
        local packed = format.encode(("some text "):rep(100))
        fails("Invalid", format.decode(packed:sub(1, #packed // 2)))
      end)

      it("stops a bomb at the limit", function()
        local bomb = format.encode(("\0"):rep(1000000))
        fails("Internal", format.decode(bomb, { max_size = 1000 }))
        test.eq(#format.decode(bomb, { max_size = 1000000 }), 1000000)
      end)
    end)
  end

  describe("gzip", function()
    it("is the format everybody has", function()
      test.eq(compress.gzip.encode("x"):sub(1, 2), "\31\139")
    end)
  end)
end) }
