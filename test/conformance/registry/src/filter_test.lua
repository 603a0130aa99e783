-- registry.find: every kind of key.
local test = require("test")
local registry = require("registry")

local function found(filter)
  local ids = {}
  filter[".ns"] = filter[".ns"] or "app*"
  for _, entry in ipairs(registry.find(filter)) do
    ids[#ids + 1] = entry.id
  end
  table.sort(ids)
  return table.concat(ids, ",")
end

return { run_tests = test.run_cases(function()
  describe("keys of the entry", function()
    it("are exact or have one star", function()
      test.eq(found({ [".name"] = "plans" }), "app:plans")
      test.eq(found({ [".name"] = "plan" }), "")
      test.eq(found({ [".name"] = "pl*" }), "app:plans")
      test.eq(found({ [".name"] = "*ans" }), "app:plans")
      test.eq(found({ [".name"] = "p*s" }), "app:plans")
      test.eq(found({ [".id"] = "app:plans" }), "app:plans")
      test.eq(found({ [".ns"] = "app.shared" }), "app.shared:one,app.shared:two")
      test.eq(found({ [".kind"] = "registry.*", [".ns"] = "app.json" }), "app.json:entry")
    end)
  end)

  describe("keys of the metadata", function()
    it("are equal", function()
      test.eq(found({ ["meta.type"] = "price.list" }), "app:plans")
      test.eq(found({ ["meta.size"] = 5 }), "app:plans")
      test.eq(found({ ["meta.size"] = 5.0 }), "app:plans")
      test.eq(found({ ["meta.share"] = 0.5 }), "app:plans")
      test.eq(found({ ["meta.active"] = true }), "app:plans")
      test.eq(found({ ["meta.size"] = "5" }), "")
      test.eq(found({ ["meta.tags"] = { "money" } }), "app:plans")
      test.eq(found({ ["meta.tags"] = { "money", "private" } }), "")
    end)

    it("match an expression", function()
      test.eq(found({ ["~meta.type"] = "^price" }), "app:plans,app:whole")
      test.eq(found({ ["~meta.type"] = "(list|note)$" }), "app:plans,app:whole")
    end)

    it("contain, start, end", function()
      test.eq(found({ ["*meta.title"] = "ice l" }), "app:plans")
      test.eq(found({ ["*meta.tags"] = "one" }), "app:plans")
      test.eq(found({ ["^meta.type"] = "price." }), "app:plans,app:whole")
      test.eq(found({ ["$meta.type"] = ".note" }), "app:whole")
    end)

    it("that are missing match nothing", function()
      test.eq(found({ ["meta.nope"] = "x" }), "")
      test.eq(found({ ["~meta.nope"] = ".*" }), "")
    end)

    it("are ANDed", function()
      test.eq(found({ ["^meta.type"] = "price.", ["meta.size"] = 5 }), "app:plans")
    end)

    it("may be nested", function()
      test.eq(found({ meta = { type = "price.list" } }), "app:plans")
    end)
  end)

  describe("a filter", function()
    it("that is empty finds everything", function()
      test.gt(#registry.find({}), 5)
    end)

    it("has to be a table", function()
      test.throws(function()
        local value, err = registry.find("app")
        if value == nil then error(err) end
      end)
    end)
  end)
end) }
