-- The way in: loads an agent by id, name or spec, with tools, traits and delegates laid over it, and compiles a runner.
-- Any change clears the current agent: load it again to see the change. Runners handed out before go on as they were.

local security = require("security")
local contract = require("contract")
local agent = require("agent")
local agent_registry = require("agent_registry")
local compiler = require("compiler")

local context = {}

-- Replaceable in tests.
context._agent = agent
context._agent_registry = agent_registry
context._compiler = compiler
context._contract = contract
context._security = security

local RESOLVER = "wippy.agent:resolver"

local Context = {}
Context.__index = Context

--- Config: context (base values for tools), delegate_tools { enabled, description_suffix, default_schema },
--- memory_contract, context_merger, enable_cache (accepted, and always true).
function context.new(config)
  config = config or {}
  return setmetatable({
    base_context = config.context or {},
    delegate_tools = config.delegate_tools or {},
    memory_contract = config.memory_contract,
    context_merger = config.context_merger,
    additional_tools = {},
    additional_delegates = {},
    active_traits = nil,
    active_tools = nil,
    current_agent = nil,
    current_agent_id = nil,
    current_model = nil,
  }, Context)
end

-- Layers ------------------------------------------------------------------------------------------------------------

local function forget_current(self)
  self.current_agent, self.current_agent_id, self.current_model = nil, nil, nil
  return self
end

local function as_list(value)
  if type(value) ~= "table" or value.id ~= nil then return { value } end
  return value
end

local function append(list, items)
  for _, item in ipairs(as_list(items)) do
    list[#list + 1] = type(item) == "string" and { id = item } or item
  end
end

--- Tools beside the agent's own: an id, a reference { id, alias?, description?, context?, schema? }, or a list of either.
function Context:add_tools(tools)
  if tools == nil then return self end
  append(self.additional_tools, tools)
  return forget_current(self)
end

--- Delegates beside the agent's own, { id, name, rule }; they are offered as tools from now on.
function Context:add_delegates(delegates)
  if delegates == nil then return self end
  append(self.additional_delegates, delegates)
  self.delegate_tools.enabled = true
  return forget_current(self)
end

--- Traits in place of the agent's own; nil gives it back its own, {} leaves it none.
function Context:set_active_traits(traits)
  self.active_traits = traits ~= nil and as_list(traits) or nil
  return forget_current(self)
end

--- Tools in place of the agent's own; nil gives it back its own, {} leaves it none.
function Context:set_active_tools(tools)
  self.active_tools = tools ~= nil and as_list(tools) or nil
  return forget_current(self)
end

function Context:configure_delegate_tools(config)
  for key, value in pairs(config or {}) do self.delegate_tools[key] = value end
  return forget_current(self)
end

function Context:set_memory_contract(memory_contract)
  self.memory_contract = memory_contract
  return forget_current(self)
end

--- `merger(trait_context, agent_context, tool_context)` gives the context of a tool.
function Context:set_context_merger(merger)
  self.context_merger = merger
  return forget_current(self)
end

function Context:update_context(updates)
  for key, value in pairs(updates or {}) do self.base_context[key] = value end
  return forget_current(self)
end

-- Loading -----------------------------------------------------------------------------------------------------------

local function open_resolver()
  local definition = context._contract.get(RESOLVER)
  if not definition then return nil end
  local implementations = definition:implementations()
  if not implementations or #implementations == 0 then return nil end
  local actor, scope = context._security.actor(), context._security.scope()
  if actor then definition = definition:with_actor(actor) end
  if scope then definition = definition:with_scope(scope) end
  return (definition:open())
end

local function spec_by_identifier(identifier)
  local resolver = open_resolver()
  if resolver then
    local spec, err = resolver:resolve({ agent_id = identifier })
    if err then return nil, "failed to resolve agent: " .. tostring(err) end
    if type(spec) == "table" then return spec end
  end
  local spec = context._agent_registry.get_by_id(identifier)
  if spec then return spec end
  local by_name, err = context._agent_registry.get_by_name(identifier)
  if by_name then return by_name end
  return nil, string.format("Failed to load agent '%s': %s", identifier, tostring(err))
end

local function shallow_copy(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = item end
  return copy
end

local function joined(list, more)
  local all = shallow_copy(list or {})
  for _, item in ipairs(more) do all[#all + 1] = item end
  return all
end

-- The spec as this context wants it; what the caller or the registry gave stays untouched.
local function layered(self, spec, options)
  local layer = {}
  for key, value in pairs(spec) do layer[key] = shallow_copy(value) end
  layer.model = options.model or layer.model
  layer.traits = self.active_traits or layer.traits
  layer.tools = joined(self.active_tools or layer.tools, self.additional_tools)
  layer.delegates = joined(layer.delegates, self.additional_delegates)
  layer.memory_contract = self.memory_contract or layer.memory_contract
  local merged = shallow_copy(self.base_context)
  for key, value in pairs(layer.context or {}) do merged[key] = value end
  layer.context = merged
  return layer
end

local function compiler_config(self)
  return {
    context_merger = self.context_merger,
    delegates = {
      generate_tool_schemas = self.delegate_tools.enabled == true,
      description_suffix = self.delegate_tools.description_suffix,
      tool_schema = self.delegate_tools.default_schema,
    },
  }
end

--- A runner for an agent id, an agent name, or a spec table. Options: model.
function Context:load_agent(identifier_or_spec, options)
  if identifier_or_spec == nil or identifier_or_spec == "" then
    return nil, "Agent spec or identifier is required"
  end
  local spec, identifier = identifier_or_spec, nil
  if type(spec) == "string" then
    local err
    identifier = spec
    spec, err = spec_by_identifier(identifier)
    if not spec then return nil, err end
  elseif type(spec) ~= "table" then
    return nil, "Agent spec or identifier is required"
  end
  identifier = spec.id or identifier or spec.name or "inline-agent"

  local layer = layered(self, spec, options or {})
  local compiled, compile_err = context._compiler.compile(layer, compiler_config(self))
  if not compiled then
    return nil, string.format("Failed to compile agent '%s': %s", identifier, tostring(compile_err))
  end
  local runner, err = context._agent.new(compiled)
  if not runner then return nil, string.format("Failed to create agent '%s': %s", identifier, tostring(err)) end
  self.current_agent, self.current_agent_id, self.current_model = runner, identifier, layer.model
  return runner
end

--- Loads another agent; tools and traits set in place of the former one's are dropped with it.
function Context:switch_to_agent(identifier_or_spec, options)
  local identifier = type(identifier_or_spec) == "table" and identifier_or_spec.id or identifier_or_spec
  local traits, tools = self.active_traits, self.active_tools
  if identifier ~= self.current_agent_id then self.active_traits, self.active_tools = nil, nil end
  local runner, err = self:load_agent(identifier_or_spec, options)
  if runner then return true end
  self.active_traits, self.active_tools = traits, tools
  return false, err
end

--- The current agent with another model.
function Context:switch_to_model(model)
  if not self.current_agent_id then return false, "No current agent to change model for" end
  if not model or model == "" then return false, "Model name is required" end
  local runner, err = self:load_agent(self.current_agent_id, { model = model })
  if runner then return true end
  return false, err
end

function Context:get_current_agent()
  if not self.current_agent then return nil, "No agent loaded" end
  return self.current_agent
end

--- Figures for a reader, not the layers themselves.
function Context:get_config()
  return {
    current_agent_id = self.current_agent_id,
    current_model = self.current_model,
    additional_tools_count = #self.additional_tools,
    additional_delegates_count = #self.additional_delegates,
    has_active_traits = self.active_traits ~= nil,
    has_active_tools = self.active_tools ~= nil,
    has_memory_contract = self.memory_contract ~= nil,
    cache_enabled = true,
    delegate_tools_enabled = self.delegate_tools.enabled == true,
  }
end

return context
