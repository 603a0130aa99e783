-- Compilation: tools and wildcards, names, contexts, traits, delegates, bindings.

local test = require("test")
local compiler = require("compiler")

local originals = { compiler._tools, compiler._traits, compiler._funcs }
local built

local SCHEMAS = {
  ["t:alpha"] = { name = "alpha", description = "first", schema = { type = "object" }, meta = { exclusive = true } },
  ["t:beta"] = { name = "beta", description = "second", schema = { type = "object" }, meta = {} },
}

local TRAITS = {
  ["tr:polite"] = { id = "tr:polite", prompt = "Be polite.", tools = { "t:beta" }, context = { tone = "kind" } },
  ["tr:built"] = { id = "tr:built", prompt = "static", tools = {}, context = { a = 1 }, build_func_id = "f:build" },
  ["tr:bound"] = {
    id = "tr:bound",
    prompt = "",
    tools = {},
    context = {},
    prompt_func_id = "f:prompt",
    agent_options = { limits = { steps = 1, tokens = 5 } },
    bindings = {
      lifecycle = {
        { contract = "wippy.agent:lifecycle", binding = "b:late", priority = 200 },
        { contract = "wippy.agent:lifecycle", binding = "b:early", priority = 1 },
      },
    },
    tool_wrapper = { binding = "b:wrap", phase = "before_execute", strict = true },
  },
}

local function use()
  built = {}
  compiler._tools = {
    get_tool_schema = function(id)
      if SCHEMAS[id] then return SCHEMAS[id] end
      return nil, "Tool not found: " .. id
    end,
    find_tools = function(criteria)
      test.eq(criteria.namespace, "t")
      return { { id = "t:alpha" }, { id = "t:beta" } }
    end,
    sanitize_name = function(name) return (name:gsub("%W", "_")) end,
  }
  compiler._traits = {
    get_by_id = function(id) return TRAITS[id] end,
    get_by_name = function(name) return name == "polite" and TRAITS["tr:polite"] or nil end,
  }
  compiler._funcs = {
    new = function()
      local executor = {}
      function executor:with_context(context)
        built.context = context
        return self
      end
      function executor:call(id, prompt)
        built.id, built.prompt = id, prompt
        return { prompt = "computed", tools = { "t:alpha" }, context = { b = 2 } }
      end
      return executor
    end,
  }
end

local function restore()
  compiler._tools, compiler._traits, compiler._funcs = originals[1], originals[2], originals[3]
end

local function define()
  describe("tools", function()
    before_each(use)
    after_each(restore)

    it("have the schema and description of their entry", function()
      local tool = compiler.compile({ id = "a:x", tools = { "t:alpha" } }).tools.alpha
      test.eq(tool.registry_id, "t:alpha")
      test.eq(tool.description, "first")
      test.eq(tool.context.agent_id, "a:x")
      test.is_true(tool.meta.exclusive)
    end)

    it("of a namespace come by wildcard", function()
      local tools = compiler.compile({ id = "a:x", tools = { { id = "t:*", context = { c = 1 } } } }).tools
      test.eq(tools.alpha.context.c, 1)
      test.eq(tools.beta.registry_id, "t:beta")
    end)

    it("can be renamed and described anew", function()
      local tools = compiler.compile({
        id = "a:x",
        tools = { { id = "t:alpha", alias = "first_one", description = "mine" } },
      }).tools
      test.is_nil(tools.alpha)
      test.eq(tools.first_one.description, "mine")
    end)

    it("can bring a schema of their own", function()
      local tool = compiler.compile({ id = "a:x", tools = { { id = "t:other", schema = { x = 1 } } } }).tools.other
      test.eq(tool.schema.x, 1)
      test.eq(tool.description, "Inline tool: other")
    end)

    it("that do not exist are kept without a schema", function()
      local tool = compiler.compile({ id = "a:x", tools = { "t:gone" } }).tools.gone
      test.is_nil(tool.schema)
      test.eq(tool.description, "Tool: gone")
    end)

    it("listed later replace earlier ones of the same name", function()
      local tools = compiler.compile({ id = "a:x", tools = { "t:alpha", { id = "t:beta", alias = "alpha" } } }).tools
      test.eq(tools.alpha.registry_id, "t:beta")
    end)
  end)

  describe("traits", function()
    before_each(use)
    after_each(restore)

    it("add prompt, tools and context", function()
      local compiled = compiler.compile({ id = "a:x", prompt = "Base.", traits = { "polite" }, context = { who = "me" } })
      test.eq(compiled.prompt, "Base.\n\nBe polite.")
      test.eq(compiled.tools.beta.context.tone, "kind")
      test.eq(compiled.tools.beta.context.who, "me")
    end)

    it("that are unknown are skipped", function()
      test.eq(compiler.compile({ id = "a:x", prompt = "Base.", traits = { "nobody", "ns:nobody" } }).prompt, "Base.")
    end)

    it("may compute what they bring", function()
      local compiled = compiler.compile({ id = "a:x", traits = { { id = "tr:built", context = { a = 9 } } } })
      test.eq(compiled.prompt, "computed")
      test.eq(built.prompt, "static")
      test.eq(built.context.a, 9)
      test.eq(built.context.agent_id, "a:x")
      test.eq(compiled.tools.alpha.context.b, 2)
    end)

    it("bring bindings in order of priority, wrappers and functions", function()
      local compiled = compiler.compile({ id = "a:x", traits = { "tr:bound" }, agent_options = { limits = { steps = 7 } } })
      test.eq(compiled.bindings.lifecycle[1].binding, "b:early")
      test.eq(compiled.bindings.lifecycle[2].binding, "b:late")
      test.eq(compiled.tool_wrappers[1].phases[1], "before_execute")
      test.is_true(compiled.tool_wrappers[1].strict)
      test.eq(compiled.prompt_funcs[1].func_id, "f:prompt")
      test.eq(compiled.agent_options.limits.steps, 7)
      test.eq(compiled.agent_options.limits.tokens, 5)
    end)
  end)

  describe("delegates", function()
    before_each(use)
    after_each(restore)

    local SPEC = { id = "a:x", delegates = { { id = "a:other", name = "ask_other", rule = "for sums" }, { id = "a:nameless" } } }

    it("are tools only when asked for", function()
      test.is_nil(next(compiler.compile(SPEC).tools))
      local tool = compiler.compile(SPEC, { delegates = { generate_tool_schemas = true, description_suffix = "!" } }).tools.ask_other
      test.eq(tool.agent_id, "a:other")
      test.eq(tool.description, "Forward the request to for sums!")
      test.eq(tool.schema.required[1], "message")
      test.is_nil(tool.registry_id)
    end)
  end)

  describe("the rest", function()
    before_each(use)
    after_each(restore)

    it("passes through", function()
      local compiled = compiler.compile({
        id = "a:x",
        name = "x",
        model = "m",
        max_tokens = 5,
        memory_contract = { implementation_id = "mem:x", options = { max_items = 1 } },
      })
      test.eq(compiled.model, "m")
      test.eq(compiled.max_tokens, 5)
      test.eq(compiled.bindings.memory[1].priority, 1000)
      local missing, err = compiler.compile(nil)
      test.eq(test.has_error(missing, err), "Raw spec is required")
    end)

    it("uses the merger it is given", function()
      local compiled = compiler.compile({ id = "a:x", tools = { "t:alpha" }, context = { k = 1 } }, {
        context_merger = function(_, agent) return { only = agent.k } end,
      })
      test.eq(compiled.tools.alpha.context.only, 1)
      test.eq(compiled.tools.alpha.context.agent_id, "a:x")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
