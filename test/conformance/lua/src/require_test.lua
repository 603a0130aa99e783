-- require: modules, libraries, aliases, and what was not granted.
local test = require("test")
local words = require("words")

return { run_tests = test.run_cases(function()
  describe("a granted module", function()
    it("is a global too", function()
      test.is_true(require("json") == json)
      test.eq(json.encode({ 1 }), "[1]")
    end)

    it("may have another name", function()
      test.eq(require("j").encode({ 1 }), "[1]")
    end)

    it("is the same each time", function()
      test.is_true(require("json") == require("json"))
    end)
  end)

  describe("what was not granted", function()
    it("is not found, whether it exists or not", function()
      for _, name in ipairs({ "fs", "registry", "http_client", "nonsense", "constructor", "__proto__", "" }) do
        local err = test.throws(function() require(name) end)
        test.contains(tostring(err), "module '" .. name .. "' not found")
      end
    end)
  end)

  describe("a standard library", function()
    it("can be required", function()
      test.is_true(require("string") == string)
      test.is_true(require("table") == table)
    end)
  end)

  describe("an imported library", function()
    it("is loaded once per alias", function()
      test.is_true(require("words") == words)
      local before = words.next()
      test.eq(require("words").next(), before + 1)
      test.not_nil(require("again").next)
    end)

    it("has its own modules and imports", function()
      test.eq(words.encode("you"), "aGVsbG8geW91")
    end)

    it("is a global too, and can be changed by its owner", function()
      test.is_true(_G.words == nil or _G.words == words)
      words.extra = 1
      test.eq(require("words").extra, 1)
    end)
  end)
end) }
