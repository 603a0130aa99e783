-- payload: wrapping, reading, converting.
local test = require("test")

return { run_tests = test.run_cases(function()
  describe("a payload", function()
    it("holds any plain value", function()
      for _, value in ipairs({ 1, 1.5, "text", true, false }) do
        test.eq(payload.new(value):data(), value)
      end
      test.eq(payload.new({ a = { 1, 2 } }):data().a[2], 2)
      test.is_nil(payload.new(nil):data())
    end)

    it("of a Lua value has Lua's format and says so", function()
      local p = payload.new({ a = 1 })
      test.eq(p:get_format(), payload.format.LUA)
      test.eq(tostring(p), "payload{format=lua/any}")
    end)

    it("turns into JSON and back", function()
      local p, err = payload.new({ a = 1 }):transcode(payload.format.JSON)
      test.is_nil(err)
      test.eq(p:get_format(), payload.format.JSON)
      test.eq(p:data(), '{"a":1}')
      test.eq(p:unmarshal().a, 1)
      test.eq(p:transcode(payload.format.LUA):data().a, 1)
    end)

    it("turns into YAML", function()
      local p = payload.new({ a = 1 }):transcode(payload.format.YAML)
      test.contains(p:data(), "a: 1")
    end)

    it("turns into MessagePack and back, byte for byte", function()
      local p, err = payload.new({ 1, -1, 2^53 // 1 | 0, 1.5, "é", true, { a = { "x\0y" } } }):transcode(payload.format.MSGPACK)
      test.is_nil(err)
      test.eq(p:get_format(), payload.format.MSGPACK)
      local back = p:unmarshal()
      test.eq(back[3], 9007199254740992)
      test.eq(back[7].a[1], "x\0y")
      test.eq(math.type(back[1]), "integer")
      test.eq(p:transcode(payload.format.JSON):data(), '[1,-1,9007199254740992,1.5,"é",true,{"a":["x\\u0000y"]}]')
      test.eq(payload.new({ 1, "a" }):transcode(payload.format.MSGPACK):data(), "\x92\x01\xa1a")
    end)

    it("refuses what is too large to be converted at once", function()
      local large = {}
      for i = 1, 20000 do large[i] = i end
      local p, err = payload.new(large):transcode(payload.format.JSON)
      test.is_nil(p)
      test.eq(err:kind(), "LimitExceeded")
    end)

    it("knows an error value", function()
      local p = payload.new(errors.new("bad"))
      test.eq(p:get_format(), payload.format.ERROR)
      test.eq(p:data():message(), "bad")
    end)

    it("refuses a format that does not exist", function()
      local p, err = payload.new(1):transcode("no/such")
      test.has_error(p, err)
      test.eq(err:kind(), errors.INTERNAL)
    end)

    it("stays as it is in the format it has", function()
      test.eq(payload.new(errors.new("bad")):transcode(payload.format.ERROR):data():message(), "bad")
      test.eq(payload.new({ a = 1 }):transcode(payload.format.LUA):data().a, 1)
    end)
  end)

  describe("formats", function()
    it("have names", function()
      for _, name in ipairs({ "JSON", "YAML", "STRING", "GOLANG", "LUA", "BYTES", "MSGPACK", "ERROR" }) do
        test.is_string(payload.format[name], name)
      end
    end)
  end)
end) }
