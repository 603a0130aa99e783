-- Raw agent spec to compiled spec: tools with their schemas, traits with what they bring, one prompt, bindings in order.
-- Nothing is kept between two compilations.

local traits = require("traits")
local tools = require("tools")
local funcs = require("funcs")

local compiler = {}

-- Replaceable in tests.
compiler._traits = traits
compiler._tools = tools
compiler._funcs = funcs

local DEFAULT_PRIORITY, MEMORY_PRIORITY = 100, 1000

-- Merging -----------------------------------------------------------------------------------------------------------

local function overlay(...)
  local merged = {}
  for i = 1, select("#", ...) do
    for key, value in pairs((select(i, ...)) or {}) do merged[key] = value end
  end
  return merged
end

local function deep_copy(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = deep_copy(item) end
  return copy
end

local function is_map(value)
  return type(value) == "table" and value[1] == nil
end

-- Maps are merged key by key, lists replaced.
local function deep_merge(base, over)
  local merged = deep_copy(base or {})
  for key, value in pairs(over or {}) do
    if is_map(merged[key]) and is_map(value) then
      merged[key] = deep_merge(merged[key], value)
    else
      merged[key] = deep_copy(value)
    end
  end
  return merged
end

local DELEGATE_SCHEMA = {
  type = "object",
  properties = { message = { type = "string", description = "The message to forward to the agent" } },
  required = { "message" },
}

local function settled(config)
  config = config or {}
  local delegates = config.delegates or {}
  return {
    merge_context = config.context_merger or overlay,
    delegate_tools = delegates.generate_tool_schemas == true,
    delegate_suffix = delegates.description_suffix,
    delegate_schema = delegates.tool_schema or DELEGATE_SCHEMA,
  }
end

-- Traits ------------------------------------------------------------------------------------------------------------

local function find_trait(reference)
  local trait = compiler._traits.get_by_id(reference)
  if trait then return trait end
  if reference:find(":", 1, true) then return nil end
  return (compiler._traits.get_by_name(reference))
end

-- A trait may compute what it brings. What it cannot compute it does not bring: an agent still loads.
local function build(job, trait)
  if not trait.build_func_id then return {} end
  local context = overlay(trait.context, { agent_id = job.spec.id })
  local ok, built = pcall(function()
    return (compiler._funcs.new():with_context(context):call(trait.build_func_id, trait.prompt, context))
  end)
  return ok and type(built) == "table" and built or {}
end

local function behaviors_of(trait)
  local behaviors = {}
  for _, behavior in pairs(type(trait.behaviors) == "table" and trait.behaviors or {}) do
    if type(behavior) == "table" then behaviors[#behaviors + 1] = behavior end
  end
  return behaviors
end

local function add_function(list, trait, func_id)
  if not func_id then return end
  list[#list + 1] = { trait_id = trait.id, func_id = func_id, context = trait.context }
end

local function add_binding(job, kind, raw, trait)
  if type(raw) ~= "table" then return end
  local binding = raw.binding or raw.binding_id or raw.implementation_id
  kind = raw.kind or raw.type or kind
  if type(binding) ~= "string" or type(kind) ~= "string" then return end
  local list = job.compiled.bindings[kind] or {}
  job.compiled.bindings[kind] = list
  local phases = raw.phases or raw.phase
  list[#list + 1] = {
    id = raw.id or raw.name,
    kind = kind,
    trait_id = trait and trait.id,
    contract = raw.contract or raw.contract_id or ("wippy.agent:" .. kind),
    binding = binding,
    phases = type(phases) == "string" and { phases } or phases or {},
    context = overlay(job.merge_context(trait and trait.context or {}, job.spec.context or {}, raw.context or {}), {
      agent_id = job.spec.id,
      trait_id = trait and trait.id,
    }),
    options = deep_merge(trait and trait.options or {}, raw.options),
    priority = tonumber(raw.priority) or DEFAULT_PRIORITY,
    strict = raw.strict == true,
    order = #list + 1,
  }
end

-- One binding, a list of them, or a map of kinds to either.
local function add_bindings(job, kind, raw, trait)
  if type(raw) ~= "table" then return end
  if raw.binding or raw.binding_id or raw.implementation_id then return add_binding(job, kind, raw, trait) end
  if raw[1] ~= nil then
    for _, item in ipairs(raw) do add_binding(job, kind, item, trait) end
    return
  end
  for nested_kind, nested in pairs(raw) do add_bindings(job, nested_kind, nested, trait) end
end

local WRAPPER_PHASES = { "before_execute", "after_execute" }

local function add_wrappers(job, raw, trait)
  if type(raw) ~= "table" then return end
  local list = raw[1] == nil and { raw } or raw
  for _, item in ipairs(list) do
    local binding = item.binding or item.binding_id or item.implementation_id
    if type(binding) == "string" then
      local phases = item.phases or item.phase or WRAPPER_PHASES
      local wrappers = job.compiled.tool_wrappers
      wrappers[#wrappers + 1] = {
        id = item.id or item.name,
        trait_id = trait.id,
        phases = type(phases) == "string" and { phases } or phases,
        binding = binding,
        context = overlay(job.merge_context(trait.context, job.spec.context or {}, item.context or {}), {
          agent_id = job.spec.id,
          trait_id = trait.id,
        }),
        options = item.options or {},
        priority = tonumber(item.priority) or DEFAULT_PRIORITY,
        strict = item.strict == true,
        order = #wrappers + 1,
      }
    end
  end
end

local function add_prompt(job, text)
  if type(text) == "string" and text ~= "" then job.prompts[#job.prompts + 1] = text end
end

local function apply_trait(job, reference)
  local attached = type(reference) == "table" and reference or { id = reference }
  local found = find_trait(tostring(attached.id))
  if not found then return end

  local trait = overlay(found, { context = overlay(found.context, attached.context) })
  trait.options = deep_merge(found.options, attached.options)
  local built = build(job, trait)
  trait.context = overlay(trait.context, built.context)

  add_prompt(job, built.prompt or trait.prompt)
  for _, tool in ipairs(trait.tools or {}) do job.trait_tools[#job.trait_tools + 1] = { ref = tool, trait = trait } end
  for _, tool in ipairs(built.tools or {}) do job.trait_tools[#job.trait_tools + 1] = { ref = tool, trait = trait } end
  for _, delegate in ipairs(built.delegates or {}) do job.delegates[#job.delegates + 1] = delegate end
  add_function(job.compiled.prompt_funcs, trait, trait.prompt_func_id)
  add_function(job.compiled.step_funcs, trait, trait.step_func_id)
  add_bindings(job, nil, trait.bindings, trait)
  add_bindings(job, nil, trait.binding, trait)
  add_wrappers(job, trait.tool_wrappers, trait)
  add_wrappers(job, trait.tool_wrapper, trait)

  local options = deep_merge(found.agent_options, attached.agent_options)
  options = deep_merge(options, built.agent_options)
  for _, behavior in ipairs(behaviors_of(trait)) do
    options = deep_merge(options, behavior.agent_options or behavior.options)
    add_bindings(job, nil, behavior.bindings, trait)
  end
  job.agent_options = deep_merge(job.agent_options, deep_merge(trait.options, options))
end

-- Tools -------------------------------------------------------------------------------------------------------------

local function tool_context(job, trait, reference)
  local context = job.merge_context(trait and trait.context or {}, job.spec.context or {}, reference.context or {})
  return overlay(context, { agent_id = job.spec.id })
end

local function add_tool(job, reference, trait)
  local id = reference.id
  local registered = compiler._tools.get_tool_schema(id)
  local name = reference.alias or (registered and registered.name)
    or compiler._tools.sanitize_name(tostring(id):match(":(.*)$") or id)
  local tool = {
    name = name,
    registry_id = id,
    context = tool_context(job, trait, reference),
    meta = registered and registered.meta or {},
  }
  if reference.schema then
    tool.schema = reference.schema
    tool.description = reference.description or ("Inline tool: " .. name)
  elseif registered then
    tool.schema = registered.schema
    tool.description = reference.description or registered.description
  else
    -- Unknown to the registry: kept, so that a caller sees it was meant, but never offered to the model.
    tool.description = reference.description or ("Tool: " .. name)
  end
  job.compiled.tools[name] = tool
end

local function expand(job, reference, trait)
  local namespace = reference.id:match("^(.*):%*$")
  if not namespace then return add_tool(job, reference, trait) end
  for _, found in ipairs(compiler._tools.find_tools({ namespace = namespace }) or {}) do
    add_tool(job, overlay(reference, { id = found.id }), trait)
  end
end

local function add_tools(job, references, trait)
  for _, reference in ipairs(references or {}) do
    if type(reference) == "string" then reference = { id = reference } end
    if type(reference) == "table" and type(reference.id) == "string" then expand(job, reference, trait) end
  end
end

local function add_delegates(job)
  if not job.delegate_tools then return end
  for _, delegate in ipairs(job.delegates) do
    if delegate.name then
      local description = "Forward the request to " .. (delegate.rule or "when appropriate")
      job.compiled.tools[delegate.name] = {
        name = delegate.name,
        description = description .. (job.delegate_suffix or ""),
        schema = delegate.schema or job.delegate_schema,
        agent_id = delegate.id,
        context = tool_context(job, nil, delegate),
        meta = {},
      }
    end
  end
end

-- Putting it together -----------------------------------------------------------------------------------------------

local function sort_bindings(bindings)
  for _, list in pairs(bindings) do
    table.sort(list, function(a, b)
      if a.priority ~= b.priority then return a.priority < b.priority end
      return a.order < b.order
    end)
  end
end

local function add_memory_binding(job)
  local memory = job.spec.memory_contract
  if type(memory) ~= "table" or not memory.implementation_id then return end
  add_binding(job, "memory", {
    binding = memory.implementation_id,
    context = memory.context,
    options = memory.options,
    priority = MEMORY_PRIORITY,
  })
end

--- The compiled spec of an agent. `config`: context_merger(trait, agent, tool) and delegates { generate_tool_schemas,
--- description_suffix, tool_schema }.
function compiler.compile(spec, config)
  if not spec then return nil, "Raw spec is required" end
  local settings = settled(config)
  local job = {
    spec = spec,
    merge_context = settings.merge_context,
    delegate_tools = settings.delegate_tools,
    delegate_suffix = settings.delegate_suffix,
    delegate_schema = settings.delegate_schema,
    prompts = {},
    trait_tools = {},
    delegates = deep_copy(spec.delegates or {}),
    agent_options = {},
    compiled = {
      id = spec.id,
      name = spec.name,
      title = spec.title,
      description = spec.description,
      meta = spec.meta or {},
      model = spec.model,
      max_tokens = spec.max_tokens,
      temperature = spec.temperature,
      thinking_effort = spec.thinking_effort,
      tools = {},
      memory = spec.memory or {},
      memory_contract = spec.memory_contract,
      prompt_funcs = {},
      step_funcs = {},
      tool_wrappers = {},
      bindings = {},
    },
  }
  add_prompt(job, spec.prompt)
  for _, reference in ipairs(spec.traits or {}) do apply_trait(job, reference) end
  add_tools(job, spec.tools)
  for _, found in ipairs(job.trait_tools) do add_tools(job, { found.ref }, found.trait) end
  add_delegates(job)
  add_memory_binding(job)
  sort_bindings(job.compiled.bindings)
  job.compiled.prompt = table.concat(job.prompts, "\n\n")
  job.compiled.agent_options = deep_merge(job.agent_options, spec.agent_options)
  return job.compiled
end

return compiler
