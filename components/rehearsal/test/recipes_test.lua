-- What the rehearsal model understands.

local test = require("test")
local recipes = require("recipes")

local function understood(text)
  local recipe, arguments = recipes.find(text)
  return recipe and recipe.tool, arguments
end

local function define()
  describe("questions", function()
    it("about the time", function()
      for _, text in ipairs({ "what time is it?", "Today's date please", "지금 몇 시야?", "what day is it" }) do
        test.eq(understood(text), "current_time_utc", text)
      end
    end)

    it("that calculate", function()
      local function expression(text)
        local tool, arguments = understood(text)
        test.eq(tool, "calculate", text)
        return arguments.expression
      end
      test.eq(expression("what is 6 times 7?"), "6 * 7")
      test.eq(expression("2 + 3 * (4 - 1)"), "2 + 3 * (4 - 1)")
      test.eq(expression("compute 1,000 divided by 8."), "1000 / 8")
      test.eq(expression("15% of 80"), "15 / 100 * 80")
    end)

    it("with a URL, hash, UUID", function()
      local tool, arguments = understood("fetch https://httpbin.org/get and show my ip")
      test.eq(tool, "http_get")
      test.eq(arguments.url, "https://httpbin.org/get")
      tool, arguments = understood('sha256 of "abc"?')
      test.eq(tool, "sha256_hex")
      test.eq(arguments.text, "abc")
      test.eq(understood("give me a uuid"), "new_uuid")
    end)

    it("about documentation and registry", function()
      local tool, arguments = understood("show me lua/core/time")
      test.eq(tool, "doc_search")
      test.eq(arguments.path, "lua/core/time")
      tool, arguments = understood("search the docs for channels")
      test.eq(tool, "doc_search")
      test.eq(arguments.query, "channels")
      test.eq(understood("what tools do you have?"), "registry_list")
      tool, arguments = understood("read app.tools:doc_search")
      test.eq(tool, "registry_read")
      test.eq(arguments.id, "app.tools:doc_search")
    end)

    it("it does not understand", function()
      for _, text in ipairs({ "hello", "write me a poem", "sometimes I wonder", "on 2026-02-13 it rained", "" }) do
        test.is_nil(understood(text), text)
      end
    end)
  end)
end

return { run_tests = test.run_cases(define) }
