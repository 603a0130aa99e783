-- store: values, time to live, versions, conditions, listing.
local test = require("test")
local store = require("store")
local time = require("time")

local function fails(value, err, kind)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
end

return { run_tests = test.run_cases(function()
  local cache

  describe("a store", function()
    before_each(function()
      cache = store.get("app:cache")
    end)

    it("keeps values", function()
      test.is_true(cache:set("a", { name = "Ann", tags = { 1, 2 } }))
      local value, err = cache:get("a")
      test.is_nil(err)
      test.eq(value.name, "Ann")
      test.eq(value.tags[2], 2)
      for _, plain in ipairs({ 5, 1.5, "text", true, false }) do
        cache:set("plain", plain)
        test.eq((cache:get("plain")), plain)
      end
    end)

    it("keeps copies", function()
      local original = { n = 1 }
      cache:set("copy", original)
      original.n = 2
      local first = cache:get("copy")
      first.n = 3
      test.eq(cache:get("copy").n, 1)
    end)

    it("knows what it has", function()
      cache:set("has", 1)
      test.is_true(cache:has("has"))
      test.is_true(cache:delete("has"))
      test.is_false(cache:has("has"))
      test.is_false(cache:delete("has"))
      fails(nil, select(2, cache:get("has")), errors.NOT_FOUND)
    end)

    it("forgets what has expired", function()
      cache:set("brief", 1, 0.02)
      test.is_true(cache:has("brief"))
      time.sleep("40ms")
      test.is_false(cache:has("brief"))
      cache:set("long", 1, 0)
      test.is_true(cache:has("long"))
    end)

    it("counts versions", function()
      cache:delete("v")
      local one = cache:put("v", "a")
      test.eq(one.key, "v")
      test.eq(one.value, "a")
      local two = cache:put("v", "b")
      test.neq(one.version, two.version)
      test.eq(cache:entry("v").version, two.version)
      test.eq(cache:entry("v").value, "b")
      fails(nil, select(2, cache:entry("nothing")), errors.NOT_FOUND)
    end)

    it("writes on conditions", function()
      cache:delete("c")
      test.not_nil(cache:put("c", 1, { only_if_absent = true }))
      local value, err = cache:put("c", 2, { only_if_absent = true })
      fails(value, err, errors.ALREADY_EXISTS)
      local entry = cache:entry("c")
      test.not_nil(cache:put("c", 3, { if_version = entry.version }))
      value, err = cache:put("c", 4, { if_version = entry.version })
      fails(value, err, errors.CONFLICT)
      test.eq((cache:get("c")), 3)
    end)

    it("lists by prefix, page by page", function()
      for i = 1, 5 do cache:set("page:" .. i, i) end
      cache:set("other", 0)
      local page = cache:list({ prefix = "page:", limit = 2 })
      test.len(page.items, 2)
      test.is_true(page.has_more)
      test.eq(page.items[1].key, "page:1")
      local seen, after = {}, nil
      repeat
        local next_page = cache:list({ prefix = "page:", limit = 2, after = after })
        for _, item in ipairs(next_page.items) do seen[#seen + 1] = item.value end
        after = next_page.cursor
      until not next_page.has_more
      test.eq(table.concat(seen, ","), "1,2,3,4,5")
    end)

    it("describes itself", function()
      local info = cache:info()
      test.eq(info.id, "app:cache")
      test.eq(info.backend, store.backend.MEMORY)
      test.is_false(info.durable)
      test.is_true(info.list)
      test.is_true(info.versioned)
      test.is_true(info.conditional_put)
      test.is_true(info.ttl)
      test.is_string(info.consistency)
    end)

    it("that was released is Invalid", function()
      local other = store.get("app:cache")
      test.is_true(other:release())
      local value, err = other:get("a")
      fails(value, err, errors.INVALID)
    end)

    it("is shared by all who get it", function()
      store.get("app:cache"):set("shared", 1)
      test.eq((store.get("app:cache"):get("shared")), 1)
    end)
  end)

  describe("limits", function()
    it("of max_size are kept", function()
      local small = store.get("app:small")
      small:set("1", 1)
      small:set("2", 2)
      local value, err = small:set("3", 3)
      fails(value, err, "LimitExceeded")
      test.is_true(small:set("2", 22))
    end)
  end)

  describe("a store that is not there", function()
    it("is NotFound", function()
      local value, err = store.get("app:nope")
      fails(value, err, errors.NOT_FOUND)
    end)
  end)
end) }
