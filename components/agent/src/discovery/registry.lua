-- Agent entries (`meta.type: agent.gen1`) as raw specs. Every call reads the registry.

local registry = require("registry")

local agent_registry = {}

-- Replaceable in tests.
agent_registry._registry = registry

agent_registry.AGENT_TYPE = "agent.gen1"

local COPIED = {
  "prompt", "model", "max_tokens", "temperature", "thinking_effort", "memory_contract", "agent_options",
}
local LISTED = { "tools", "traits", "delegates", "memory", "context", "start_prompts" }

local function is_agent(entry)
  return entry.meta ~= nil and entry.meta.type == agent_registry.AGENT_TYPE
end

local function spec_of(entry)
  local meta = entry.meta or {}
  local body = type(entry.data) == "table" and entry.data or {}
  local spec = {
    id = entry.id,
    name = meta.name or "",
    title = meta.title or "",
    description = meta.comment or "",
    meta = meta,
  }
  for _, field in ipairs(COPIED) do spec[field] = body[field] end
  for _, field in ipairs(LISTED) do spec[field] = body[field] or {} end
  return spec
end

--- The agent with this id.
function agent_registry.get_by_id(agent_id)
  if not agent_id or agent_id == "" then return nil, "Agent ID is required" end
  local entry = agent_registry._registry.get(agent_id)
  if not entry then return nil, "No agent found with ID: " .. tostring(agent_id) end
  if not is_agent(entry) then return nil, "Entry is not a gen1 agent: " .. tostring(agent_id) end
  return spec_of(entry)
end

--- The first agent whose meta.name is `name`.
function agent_registry.get_by_name(name)
  if not name or name == "" then return nil, "Agent name is required" end
  local entries, err = agent_registry._registry.find({
    [".kind"] = "registry.entry",
    ["meta.type"] = agent_registry.AGENT_TYPE,
    ["meta.name"] = name,
  })
  if err then return nil, "Registry error: " .. tostring(err) end
  if not entries or #entries == 0 then return nil, "No agent found with name: " .. tostring(name) end
  return spec_of(entries[1])
end

-- A class given as one string may name several ("research writing"), so there a part counts.
local function is_of_class(entry, class_name)
  local class = entry.meta and entry.meta.class
  if type(class) == "string" then return class:find(class_name, 1, true) ~= nil end
  for _, item in ipairs(type(class) == "table" and class or {}) do
    if item == class_name then return true end
  end
  return false
end

--- The agents of a class; `{ raw_entries = true }` gives registry entries instead of specs.
function agent_registry.list_by_class(class_name, options)
  if not class_name or class_name == "" then return nil, "class_name required" end
  local entries, err = agent_registry._registry.find({
    [".kind"] = "registry.entry",
    ["meta.type"] = agent_registry.AGENT_TYPE,
    ["*meta.class"] = class_name,
  })
  if err then return nil, "Registry error: " .. tostring(err) end
  local found = {}
  for _, entry in ipairs(entries or {}) do
    if is_of_class(entry, class_name) then
      found[#found + 1] = options and options.raw_entries and entry or spec_of(entry)
    end
  end
  return found
end

return agent_registry
