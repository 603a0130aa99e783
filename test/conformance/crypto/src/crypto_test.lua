-- crypto: random values, sealing, signatures, tokens, derived keys.
local test = require("test")
local crypto = require("crypto")

local function fails(value, err, part)
  test.has_error(value, err)
  if part then test.contains(tostring(err), part) end
  return err
end

local function hex(bytes)
  return (bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end))
end

return { run_tests = test.run_cases(function()
  describe("random", function()
    it("gives as many bytes as asked for", function()
      test.eq(#crypto.random.bytes(1), 1)
      test.eq(#crypto.random.bytes(1000), 1000)
      test.neq(crypto.random.bytes(16), crypto.random.bytes(16))
    end)

    it("gives strings of a charset", function()
      test.matches(crypto.random.string(64), "^%w+$")
      test.eq(#crypto.random.string(64), 64)
      test.matches(crypto.random.string(200, "ab"), "^[ab]+$")
      test.eq(crypto.random.string(3, "z"), "zzz")
    end)

    it("gives UUIDs of version 4", function()
      test.matches(crypto.random.uuid(), "^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$")
    end)

    it("refuses lengths out of 1 to 1 MiB", function()
      for _, name in ipairs({ "bytes", "string" }) do
        for _, n in ipairs({ 0, -1 }) do
          local value, err = crypto.random[name](n)
          test.eq(fails(value, err, "length must be a positive integer"):kind(), errors.INVALID)
        end
        local value, err = crypto.random[name](1048577)
        test.eq(fails(value, err, "length exceeds maximum allowed size (1MB)"):kind(), errors.INVALID)
      end
      test.eq(#crypto.random.bytes(1048576), 1048576)
    end)
  end)

  describe("hmac", function()
    it("takes the key, then the data", function()
      test.eq(crypto.hmac.sha256("key", "data"), "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0")
      test.eq(crypto.hmac.sha512("key", "data"):sub(1, 16), "3c5953a18f7303ec")
    end)
  end)

  for name, sizes in pairs({ aes = { 16, 24, 32 }, chacha20 = { 32 } }) do
    describe(name, function()
      it("opens what it sealed", function()
        for _, size in ipairs(sizes) do
          local key = crypto.random.bytes(size)
          for _, text in ipairs({ "", "secret", "\0\255 bytes", string.rep("x", 5000) }) do
            local sealed = crypto.encrypt[name](text, key)
            test.neq(sealed, text)
            test.is_true(crypto.decrypt[name](sealed, key) == text)
          end
        end
      end)

      it("uses a fresh nonce each time", function()
        local key = crypto.random.bytes(32)
        test.neq(crypto.encrypt[name]("x", key), crypto.encrypt[name]("x", key))
        test.eq(#crypto.encrypt[name]("", key), 12 + 16)
      end)

      it("notices every change", function()
        local key = crypto.random.bytes(32)
        local sealed = crypto.encrypt[name]("secret", key, "context")
        test.eq(crypto.decrypt[name](sealed, key, "context"), "secret")
        fails(crypto.decrypt[name](sealed, key))
        fails(crypto.decrypt[name](sealed, key, "other"))
        fails(crypto.decrypt[name](sealed, crypto.random.bytes(32), "context"))
        fails(crypto.decrypt[name](sealed .. "x", key, "context"))
        fails(crypto.decrypt[name](sealed:sub(1, -2), key, "context"))
        fails(crypto.decrypt[name]("short", key, "context"))
        fails(crypto.decrypt[name]("", key, "context"))
      end)

      it("refuses keys of another length", function()
        for _, size in ipairs({ 1, 15, 31, 33 }) do
          local value, err = crypto.encrypt[name]("x", string.rep("k", size))
          test.eq(fails(value, err):kind(), errors.INVALID)
        end
      end)
    end)
  end

  describe("jwt", function()
    local future = os.time() + 3600

    it("verifies what it signed", function()
      for _, alg in ipairs({ "HS256", "HS384", "HS512" }) do
        local token = crypto.jwt.encode({ sub = "ann", exp = future, n = 5 }, "key", alg)
        test.matches(token, "^[%w_-]+%.[%w_-]+%.[%w_-]+$")
        local claims, err = crypto.jwt.verify(token, "key", alg)
        test.is_nil(err)
        test.eq(claims.sub, "ann")
        test.eq(claims.n, 5)
      end
    end)

    it("knows a token made elsewhere", function()
      -- The example of jwt.io.
      local token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        .. ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
        .. ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
      local claims, err = crypto.jwt.verify(token, "your-256-bit-secret", "HS256", false)
      test.is_nil(err)
      test.eq(claims.name, "John Doe")
    end)

    it("wants an expiry unless told otherwise", function()
      local token = crypto.jwt.encode({ sub = "ann" }, "key")
      fails(crypto.jwt.verify(token, "key"))
      test.eq(crypto.jwt.verify(token, "key", "HS256", false).sub, "ann")
    end)

    it("refuses tokens that are too old, changed, or of another key or algorithm", function()
      fails(crypto.jwt.verify(crypto.jwt.encode({ exp = os.time() - 10 }, "key"), "key"))
      local token = crypto.jwt.encode({ sub = "ann", exp = future }, "key")
      fails(crypto.jwt.verify(token, "other"))
      fails(crypto.jwt.verify(token, "key", "HS512"))
      fails(crypto.jwt.verify(token .. "x", "key"))
      fails(crypto.jwt.verify("nonsense", "key"))
      -- {"alg":"none"} with no signature
      fails(crypto.jwt.verify("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.", "key", "HS256", false))
    end)

    it("takes header fields and refuses unknown algorithms", function()
      local token = crypto.jwt.encode({ sub = "ann", exp = future, _header = { kid = "k1" } }, "key")
      test.is_nil(crypto.jwt.verify(token, "key")._header)
      local value, err = crypto.jwt.encode({}, "key", "none")
      test.eq(fails(value, err):kind(), errors.INVALID)
    end)
  end)

  describe("pbkdf2", function()
    it("has the known values", function()
      test.eq(hex(crypto.pbkdf2("password", "salt", 1000, 32)), "632c2812e46d4604102ba7618e9d6d7d2f8128f6266b4a03264d2a0460b7dcb3")
      test.eq(hex(crypto.pbkdf2("password", "salt", 10, 20, "sha512")), "ded5fd36ace28019108070acb5acc9db892eb042")
    end)

    it("refuses numbers that make no sense", function()
      for _, case in ipairs({ { 0, 32 }, { -1, 32 }, { 10000001, 32 }, { 10, 0 } }) do
        local value, err = crypto.pbkdf2("p", "s", case[1], case[2])
        test.eq(fails(value, err):kind(), errors.INVALID)
      end
      local value, err = crypto.pbkdf2("p", "s", 10, 10, "rot13")
      test.eq(fails(value, err):kind(), errors.INVALID)
    end)
  end)

  describe("constant_time_compare", function()
    it("compares", function()
      test.is_true(crypto.constant_time_compare("abc", "abc"))
      test.is_true(crypto.constant_time_compare("", ""))
      test.is_false(crypto.constant_time_compare("abc", "abd"))
      test.is_false(crypto.constant_time_compare("abc", "abcd"))
    end)
  end)
end) }
