-- Model cards and providers from the registry.

local test = require("test")
local models = require("models")
local providers = require("providers")

local registry, provider_registry, contract = models._registry, providers._registry, providers._contract

local function entry(name, class, priority, capabilities)
  return {
    id = "app:" .. name,
    meta = { name = name, type = "llm.model", class = class, priority = priority, capabilities = capabilities },
    data = { max_tokens = 10, providers = { { id = "p" } } },
  }
end

local ENTRIES = {
  entry("slow", { "deep" }, 1, { "generate" }),
  entry("quick", { "fast", "deep" }, 5, { "generate", "embed" }),
  entry("brisk", "fast", 9, { "embed" }),
}

local function use_models()
  models._registry = {
    find = function(filter)
      test.eq(filter[".kind"], "registry.entry")
      if not filter["meta.name"] then return ENTRIES end
      for _, item in ipairs(ENTRIES) do
        if item.meta.name == filter["meta.name"] then return { item } end
      end
      return {}
    end,
  }
end

local function define()
  describe("models", function()
    before_each(use_models)
    after_each(function() models._registry = registry end)

    it("are found by name", function()
      local card = models.get_by_name("slow")
      test.eq(card.id, "app:slow")
      test.eq(card.max_tokens, 10)
      test.eq(card.output_tokens, 0)
      local missing, err = models.get_by_name("x")
      test.eq(test.has_error(missing, err), "No model found with name: x")
    end)

    it("of a class come with the highest priority first", function()
      local cards = models.get_by_class("deep")
      test.eq(cards[1].name .. "," .. cards[2].name, "quick,slow")
      test.eq(models.get_by_class("fast")[1].name, "brisk")
      test.len(models.get_by_class("none"), 0)
    end)

    it("are listed by name and capability", function()
      test.eq(models.get_all()[1].name, "brisk")
      test.len(models.get_all("embed"), 2)
    end)

    it("pass on what the registry says is wrong", function()
      models._registry = { find = function() return nil, "down" end }
      local cards, err = models.get_all()
      test.eq(test.has_error(cards, err), "Registry error: down")
    end)
  end)

  describe("providers", function()
    local entries, got

    before_each(function()
      entries = {
        ["p:good"] = { meta = { type = "llm.provider" }, data = { driver = { id = "d:x", options = { a = 1, retry = { n = 1 } } } } },
        ["p:bare"] = { meta = { type = "llm.provider" }, data = {} },
        ["p:else"] = { meta = { type = "tool" } },
      }
      got = {}
      providers._registry = { get = function(id) return entries[id] end }
      local opener = {}
      function opener:with_context(context)
        got.context = context
        return self
      end
      function opener:with_options(options)
        got.options = options
        return self
      end
      function opener:open(id)
        got.id = id
        return { opened = true }
      end
      providers._contract = { get = function() return opener end }
    end)
    after_each(function() providers._registry, providers._contract = provider_registry, contract end)

    it("open their driver with its options overlaid", function()
      local instance = providers.open("p:good", { a = 2, b = 3 })
      test.is_true(instance.opened)
      test.eq(got.id, "d:x")
      test.eq(got.context.a, 2)
      test.eq(got.context.b, 3)
      test.is_nil(got.context.retry)
      test.eq(got.options.retry.n, 1)
    end)

    it("say what is wrong", function()
      local function problem(id)
        local _, err = providers.open(id)
        return err
      end
      test.eq(problem(nil), "Provider ID is required")
      test.eq(problem("p:none"), "Provider not found: p:none")
      test.eq(problem("p:else"), "Entry is not a provider: p:else")
      test.eq(problem("p:bare"), "Provider missing driver configuration: p:bare")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
