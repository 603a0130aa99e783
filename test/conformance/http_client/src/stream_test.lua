-- Answers read piece by piece.
local test = require("test")
local http = require("http_client")
local env = require("env")

local function open(path)
  local response, err = http.get(env.get("CONFORMANCE_URL") .. path, { stream = true })
  test.is_nil(err and tostring(err))
  return response
end

return { run_tests = test.run_cases(function()
  describe("a stream", function()
    it("gives everything, then nil", function()
      local response = open("/lines")
      test.eq(response.body_size, -1)
      test.is_nil(response.body)
      local pieces = {}
      while true do
        local piece, err = response.stream:read()
        test.is_nil(err and tostring(err))
        if piece == nil then break end
        pieces[#pieces + 1] = piece
      end
      test.eq(table.concat(pieces), "one\ntwo\nthree")
      response.stream:close()
    end)

    it("gives no more than asked for", function()
      local stream = open("/large").stream
      test.lte(#stream:read(10), 10)
      stream:close()
    end)

    it("is scanned by lines and words", function()
      for split, expected in pairs({ lines = "one,two,three", words = "one,two,three" }) do
        local stream = open("/lines").stream
        local scanner, found = stream:scanner(split), {}
        while scanner:scan() do found[#found + 1] = scanner:text() end
        test.eq(table.concat(found, ","), expected)
        test.is_nil(scanner:err())
        stream:close()
      end
    end)

    it("that breaks off is an error", function()
      local stream = open("/cut").stream
      local failure
      for _ = 1, 10 do
        local piece, err = stream:read()
        if err then failure = err end
        if piece == nil then break end
      end
      test.not_nil(failure)
      stream:close()
    end)

    it("can be closed while more would come", function()
      local stream = open("/never").stream
      stream:close()
      stream:close()
    end)
  end)
end) }
