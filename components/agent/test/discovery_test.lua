-- Agents, tools and traits of the registry.

local test = require("test")
local tools = require("tools")
local traits = require("traits")
local agent_registry = require("agent_registry")

local originals = { tools._registry, tools._funcs, tools._store, traits._registry, agent_registry._registry }
local entries

local function matches(entry, filter)
  local meta = entry.meta or {}
  if filter[".ns"] and entry.id:match("^[^:]+") ~= filter[".ns"] then return false end
  if filter[".name"] and entry.id:match(":(.+)$") ~= filter[".name"] then return false end
  if filter["meta.type"] and meta.type ~= filter["meta.type"] then return false end
  if filter["meta.name"] and meta.name ~= filter["meta.name"] then return false end
  return true
end

local function use(list)
  entries = list
  local registry = {
    get = function(id)
      for _, entry in ipairs(entries) do
        if entry.id == id then return entry end
      end
      return nil, errors.new({ message = "entry not found: " .. id, kind = errors.NOT_FOUND })
    end,
    find = function(filter)
      local found = {}
      for _, entry in ipairs(entries) do
        if matches(entry, filter) then found[#found + 1] = entry end
      end
      return found
    end,
  }
  tools._registry, traits._registry, agent_registry._registry = registry, registry, registry
end

local function restore()
  tools._registry, tools._funcs, tools._store = originals[1], originals[2], originals[3]
  traits._registry, agent_registry._registry = originals[4], originals[5]
end

local function tool(id, meta)
  meta.type = meta.type or "tool"
  return { id = id, kind = "function.lua", meta = meta }
end

local function define()
  describe("tool names", function()
    it("are made fit for every provider", function()
      test.eq(tools.sanitize_name("getWeather"), "get_weather")
      test.eq(tools.sanitize_name("HTTP-get v2"), "h_t_t_p_get_v2")
      test.eq(tools.sanitize_name("_a__b"), "a_b")
    end)
  end)

  describe("tool schemas", function()
    after_each(restore)

    it("come from JSON text or a table, with the description meant for models", function()
      use({
        tool("t:a", {
          llm_alias = "Alias",
          comment = "c",
          llm_description = "for models",
          input_schema = '{"type":"object","properties":{"x":{"type":"string"}}}',
          exclusive = true,
        }),
        tool("t:b", { comment = "c", input_schema = { type = "object", properties = { y = {} } } }),
      })
      local a = tools.get_tool_schema("t:a")
      test.eq(a.name, "Alias")
      test.eq(a.description, "for models")
      test.eq(a.schema.properties.x.type, "string")
      test.is_true(a.meta.exclusive)
      test.is_nil(a.meta.llm_alias)
      test.eq(tools.get_tool_schema("t:b").description, "c")
      test.eq(tools.get_tool_schema("t:b").name, "b")
    end)

    it("without properties get one that may be ignored", function()
      use({ tool("t:a", {}), tool("t:b", { input_schema = '{"type":"object","additionalProperties":false}' }) })
      test.eq(tools.get_tool_schema("t:a").schema.properties.placeholder.type, "object")
      local schema = tools.get_tool_schema("t:b").schema
      test.not_nil(schema.properties.placeholder)
      test.is_false(schema.additionalProperties)
    end)

    it("that cannot be had say why", function()
      use({ tool("t:m", { type = "llm.model" }), tool("t:bad", { input_schema = "{" }) })
      local function problem(id)
        local schema, err = tools.get_tool_schema(id)
        test.is_nil(schema)
        return err
      end
      test.eq(problem(nil), "Tool ID is required or tool is not allowed")
      test.eq(problem("t:none"), "Tool not found: entry not found: t:none")
      test.eq(problem("t:m"), "Invalid tool type: t:m")
      test.contains(problem("t:bad"), "Invalid schema format: ")
    end)

    it("go through the processors of the application, and their cache", function()
      use({
        tool("t:a", { input_schema = { type = "object", properties = { x = {} } } }),
        tool("p:one", { type = "input_schema_processor" }),
      })
      local calls, cached = 0, {}
      tools._funcs = {
        call = function(id, tool_id, schema)
          calls = calls + 1
          test.eq(id, "p:one")
          test.eq(tool_id, "t:a")
          return { type = schema.type, properties = { added = {} } }
        end,
      }
      tools._store = {
        get = function()
          return {
            get = function(_, key) return cached[key] end,
            set = function(_, key, value) cached[key] = value end,
            release = function() end,
          }
        end,
      }
      test.not_nil(tools.get_tool_schema("t:a").schema.properties.added)
      test.not_nil(tools.get_tool_schema("t:a").schema.properties.added)
      test.eq(calls, 1)
    end)
  end)

  describe("tool lookup", function()
    after_each(restore)

    it("finds the tools of a namespace, sorted by name", function()
      use({
        tool("t:b", {}), tool("t:a", { tags = { "x", "y" } }), tool("u:c", {}), tool("t:m", { type = "llm.model" }),
        tool("t:z", { llm_alias = "a" }),
      })
      local found = tools.find_tools({ namespace = "t" })
      test.len(found, 2)
      test.eq(found[1].id, "t:a")
      test.eq(found[2].id, "t:b")
      test.len(tools.find_tools({ tags = { "x" } }), 1)
      test.eq(tools.resolve_name_to_id("B", { "t:a", "t:b" }), "t:b")
      test.len(tools.get_tool_schemas_ordered({ "t:b", "t:none", "t:a" }), 2)
    end)
  end)

  describe("traits", function()
    after_each(restore)

    it("are found by id, by name and by the name of their entry", function()
      use({ { id = "x:time_aware", meta = { type = "agent.trait", name = "Time Aware" }, data = { prompt = "p" } } })
      test.eq(traits.get_by_id("x:time_aware").prompt, "p")
      test.eq(traits.get_by_name("Time Aware").id, "x:time_aware")
      test.eq(traits.get_by_name("time_aware").id, "x:time_aware")
      local missing, err = traits.get_by_name("none")
      test.has_error(missing, err)
    end)
  end)

  describe("agents", function()
    after_each(restore)

    it("are raw specs", function()
      use({
        {
          id = "app:a",
          kind = "registry.entry",
          meta = { type = "agent.gen1", name = "a", comment = "c", class = { "research" } },
          data = { prompt = "p", model = "m", tools = { "t:x" } },
        },
        { id = "app:b", kind = "registry.entry", meta = { type = "agent.gen1", name = "b", class = "deep research" } },
        { id = "app:m", kind = "registry.entry", meta = { type = "llm.model", name = "m" } },
      })
      local spec = agent_registry.get_by_id("app:a")
      test.eq(spec.model, "m")
      test.eq(spec.description, "c")
      test.len(spec.traits, 0)
      test.eq(agent_registry.get_by_name("b").id, "app:b")
      test.len(agent_registry.list_by_class("research"), 2)
      local function problem(fn, argument)
        local found, err = fn(argument)
        test.is_nil(found)
        return err
      end
      test.eq(problem(agent_registry.get_by_id, nil), "Agent ID is required")
      test.eq(problem(agent_registry.get_by_id, "x"), "No agent found with ID: x")
      test.eq(problem(agent_registry.get_by_id, "app:m"), "Entry is not a gen1 agent: app:m")
      test.eq(problem(agent_registry.get_by_name, "x"), "No agent found with name: x")
      test.eq(problem(agent_registry.list_by_class, ""), "class_name required")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
