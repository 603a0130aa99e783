-- Loading, layers, switching.

local test = require("test")
local context = require("agent_context")

local originals = {
  context._agent, context._agent_registry, context._compiler, context._contract, context._security,
}
local compiled, configured, resolver

local AGENTS = {
  ["app:one"] = { id = "app:one", name = "one", model = "m1", tools = { "t:own" }, context = { a = "agent" } },
  ["app:two"] = { id = "app:two", name = "two", model = "m2", tools = {} },
}

local function use()
  compiled, configured, resolver = nil, nil, nil
  context._agent_registry = {
    get_by_id = function(id) return AGENTS[id], not AGENTS[id] and "No agent found with ID: " .. id or nil end,
    get_by_name = function(name)
      for _, agent in pairs(AGENTS) do
        if agent.name == name then return agent end
      end
      return nil, "No agent found with name: " .. name
    end,
  }
  context._compiler = {
    compile = function(spec, config)
      compiled, configured = spec, config
      if spec.broken then return nil, "bad spec" end
      return spec
    end,
  }
  context._agent = { new = function(spec) return { id = spec.id, model = spec.model, tools = spec.tools } end }
  context._contract = {
    get = function()
      if not resolver then return nil, "none" end
      local definition = {}
      function definition:implementations() return { "r:x" } end
      function definition:open() return { resolve = function(_, input) return resolver(input) end } end
      return definition
    end,
  }
  context._security = { actor = function() end, scope = function() end }
end

local function restore()
  context._agent, context._agent_registry, context._compiler = originals[1], originals[2], originals[3]
  context._contract, context._security = originals[4], originals[5]
end

local function define()
  describe("load_agent", function()
    before_each(use)
    after_each(restore)

    it("takes an id, a name or a spec", function()
      local ctx = context.new()
      test.eq(ctx:load_agent("app:one").id, "app:one")
      test.eq(ctx:load_agent("two").id, "app:two")
      test.eq(ctx:load_agent({ name = "inline", model = "m" }).model, "m")
      test.eq(ctx:get_config().current_agent_id, "inline")
    end)

    it("needs to be told which", function()
      local runner, err = context.new():load_agent()
      test.eq(test.has_error(runner, err), "Agent spec or identifier is required")
      runner, err = context.new():load_agent("nobody")
      test.eq(test.has_error(runner, err), "Failed to load agent 'nobody': No agent found with name: nobody")
      runner, err = context.new():load_agent({ id = "x:y", broken = true })
      test.eq(test.has_error(runner, err), "Failed to compile agent 'x:y': bad spec")
    end)

    it("lays tools over the agent's own, and leaves the spec as it was", function()
      local ctx = context.new({ context = { a = "base", b = "base" } }):add_tools("t:more"):add_tools({ { id = "t:last" } })
      ctx:load_agent("app:one", { model = "other" })
      test.eq(compiled.tools[1], "t:own")
      test.eq(compiled.tools[2].id, "t:more")
      test.eq(compiled.tools[3].id, "t:last")
      test.eq(compiled.model, "other")
      test.eq(compiled.context.a, "agent")
      test.eq(compiled.context.b, "base")
      test.len(AGENTS["app:one"].tools, 1)
    end)

    it("asks a bound resolver first", function()
      resolver = function(input) return input.agent_id == "custom" and { id = "custom", model = "r" } or nil end
      test.eq(context.new():load_agent("custom").model, "r")
      test.eq(context.new():load_agent("app:one").model, "m1")
      resolver = function() return nil, "db down" end
      local _, err = context.new():load_agent("app:one")
      test.eq(err, "failed to resolve agent: db down")
    end)
  end)

  describe("changes", function()
    before_each(use)
    after_each(restore)

    it("clear the current agent; the old runner stays as it was", function()
      local ctx = context.new()
      local runner = ctx:load_agent("app:one")
      test.eq(ctx:get_current_agent(), runner)
      ctx:add_tools("t:more")
      local current, err = ctx:get_current_agent()
      test.eq(test.has_error(current, err), "No agent loaded")
      test.len(runner.tools, 1)
      local ok, switch_err = ctx:switch_to_model("m9")
      test.is_false(ok)
      test.eq(switch_err, "No current agent to change model for")
    end)

    it("of the active tools and traits replace the agent's own", function()
      local ctx = context.new()
      ctx:set_active_tools({ "t:x" }):load_agent("app:one")
      test.eq(compiled.tools[1], "t:x")
      ctx:set_active_tools({}):load_agent("app:one")
      test.len(compiled.tools, 0)
      ctx:set_active_tools(nil):load_agent("app:one")
      test.eq(compiled.tools[1], "t:own")
    end)

    it("that add delegates offer them as tools", function()
      local ctx = context.new()
      ctx:load_agent("app:one")
      test.is_false(configured.delegates.generate_tool_schemas)
      ctx:add_delegates({ id = "app:two", name = "ask_two" })
      ctx:load_agent("app:one")
      test.is_true(configured.delegates.generate_tool_schemas)
      test.eq(compiled.delegates[1].name, "ask_two")
      test.eq(ctx:get_config().additional_delegates_count, 1)
    end)
  end)

  describe("switching", function()
    before_each(use)
    after_each(restore)

    it("keeps added tools and drops active ones", function()
      local ctx = context.new():add_tools("t:more")
      ctx:set_active_tools({ "t:x" })
      ctx:load_agent("app:one")
      test.is_true(ctx:switch_to_agent("app:two"))
      test.len(compiled.tools, 1)
      test.eq(compiled.tools[1].id, "t:more")
      test.is_false(ctx:get_config().has_active_tools)
    end)

    it("to a model keeps the agent", function()
      local ctx = context.new()
      ctx:load_agent("app:one")
      test.is_true(ctx:switch_to_model("m9"))
      test.eq(ctx:get_config().current_model, "m9")
    end)

    it("that fails changes nothing", function()
      local ctx = context.new()
      ctx:load_agent("app:one")
      local ok, err = ctx:switch_to_agent("nobody")
      test.is_false(ok)
      test.contains(err, "nobody")
      test.eq(ctx:get_config().current_agent_id, "app:one")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
