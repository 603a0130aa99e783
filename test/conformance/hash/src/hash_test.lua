-- hash: digests of known texts.
local test = require("test")
local hash = require("hash")

return { run_tests = test.run_cases(function()
  describe("digests", function()
    it("are lower-case hex", function()
      test.eq(hash.md5("hello"), "5d41402abc4b2a76b9719d911017c592")
      test.eq(hash.sha1("hello"), "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d")
      test.eq(hash.sha256("hello"), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
      test.eq(hash.sha512("hello"),
        "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043")
      test.eq(hash.md5(""), "d41d8cd98f00b204e9800998ecf8427e")
    end)

    it("are bytes when asked for", function()
      for name, size in pairs({ md5 = 16, sha1 = 20, sha256 = 32, sha512 = 64 }) do
        local raw = hash[name]("hello", true)
        test.eq(#raw, size)
        test.eq((raw:gsub(".", function(c) return string.format("%02x", c:byte()) end)), hash[name]("hello"))
      end
    end)

    it("are of bytes, not of characters", function()
      test.eq(hash.sha1("\255"), "85e53271e14006f0265921d02d4d736cdc580b0b")
      test.neq(hash.sha1("\255"), hash.sha1("ÿ"))
    end)
  end)

  describe("FNV", function()
    it("is FNV-1 and gives numbers", function()
      test.eq(hash.fnv32("hello"), 3069866343)
      test.eq(hash.fnv32(""), 2166136261)
      test.eq(hash.fnv64("hello"), 8883723591023973575)
      test.neq(hash.fnv64("hello"), hash.fnv64("hellp"))
    end)
  end)

  describe("HMACs", function()
    it("take text, then secret", function()
      test.eq(hash.hmac_sha256("data", "key"), "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0")
      test.eq(hash.hmac_sha512("data", "key"),
        "3c5953a18f7303ec653ba170ae334fafa08e3846f2efe317b87efce82376253cb52a8c31ddcde5a3a2eee183c2b34cb91f85e64ddbc325f7692b199473579c58")
      test.eq(hash.hmac_sha1("data", "key"), "104152c5bfdca07bc633eebd46199f0255c9f49d")
      test.eq(hash.hmac_md5("data", "key"), "9d5c73ef85594d34ec4438b7c97e51d8")
      test.eq(#hash.hmac_sha256("data", "key", true), 32)
    end)
  end)

  describe("failures", function()
    it("of what is not text are Invalid", function()
      for _, name in ipairs({ "md5", "sha1", "sha256", "sha512", "fnv32", "fnv64" }) do
        local value, err = hash[name]({})
        test.has_error(value, err, name)
        test.eq(err:kind(), errors.INVALID, name)
      end
    end)
  end)
end) }
