-- docs_index: finding pages.
local test = require("test")
local docs_index = require("docs_index")

local function fails(value, err, kind)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
end

return { run_tests = test.run_cases(function()
  describe("a search", function()
    it("gives path, title, excerpt and score, best first", function()
      local results, err = docs_index.search("app:pages", "timers")
      test.is_nil(err)
      test.eq(results[1].path, "guide/timers")
      test.eq(results[1].title, "Timers")
      test.is_string(results[1].excerpt)
      test.gt(results[1].score, 0)
      for _, result in ipairs(results) do test.neq(result.path, "notes") end
    end)

    it("knows headings, starts of words and small errors", function()
      test.eq(docs_index.search("app:pages", "duration")[1].path, "guide/timers")
      test.eq(docs_index.search("app:pages", "tick")[1].path, "guide/timers")
      test.eq(docs_index.search("app:pages", "durtion")[1].path, "guide/timers")
    end)

    it("is limited", function()
      test.len(docs_index.search("app:pages", "time", { limit = 1 }), 1)
    end)

    it("of nothing finds nothing", function()
      test.len(docs_index.search("app:pages", "xylophone"), 0)
      test.len(docs_index.search("app:empty", "timers"), 0)
    end)

    it("refuses what makes no sense", function()
      fails(nil, select(2, docs_index.search("app:pages", "")), errors.INVALID)
      fails(nil, select(2, docs_index.search("app:pages", "x", { limit = 0 })), errors.INVALID)
      fails(nil, select(2, docs_index.search("app:nope", "x")), errors.NOT_FOUND)
    end)
  end)
end) }
