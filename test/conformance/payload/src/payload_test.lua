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

    it("refuses a format that does not exist", function()
      local p, err = payload.new(1):transcode("no/such")
      test.has_error(p, err)
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
