-- Trait entries (`meta.type: agent.trait`): reusable parts of agents.

local registry = require("registry")

local traits = {}

-- Replaceable in tests.
traits._registry = registry

traits.TRAIT_TYPE = "agent.trait"

local COPIED = {
  "prompt", "build_func_id", "prompt_func_id", "step_func_id", "options", "agent_options",
  "binding", "bindings", "tool_wrapper", "tool_wrappers", "behaviors",
}

local function trait_of(entry)
  local meta = entry.meta or {}
  local body = type(entry.data) == "table" and entry.data or {}
  local trait = {
    id = entry.id,
    name = meta.name or "",
    description = meta.comment or "",
    tools = body.tools or {},
    context = body.context or {},
  }
  for _, field in ipairs(COPIED) do trait[field] = body[field] end
  trait.prompt = trait.prompt or ""
  return trait
end

local function find(filter)
  filter[".kind"] = "registry.entry"
  filter["meta.type"] = traits.TRAIT_TYPE
  local entries, err = traits._registry.find(filter)
  if err then return nil, "Registry error: " .. tostring(err) end
  return entries or {}
end

--- The trait with this id.
function traits.get_by_id(trait_id)
  if not trait_id or trait_id == "" then return nil, "Trait ID is required" end
  local entry = traits._registry.get(trait_id)
  if not entry then return nil, "No trait found with ID: " .. tostring(trait_id) end
  if not entry.meta or entry.meta.type ~= traits.TRAIT_TYPE then
    return nil, "Entry is not a trait: " .. tostring(trait_id)
  end
  return trait_of(entry)
end

--- The trait whose meta.name is `name`, else the first whose entry is named so: `time_aware` finds "Time Aware".
function traits.get_by_name(name)
  if not name or name == "" then return nil, "Trait name is required" end
  for _, key in ipairs({ "meta.name", ".name" }) do
    local entries, err = find({ [key] = name })
    if not entries then return nil, err end
    if #entries > 0 then return trait_of(entries[1]) end
  end
  return nil, "No trait found with name: " .. tostring(name)
end

--- All traits, by name.
function traits.get_all()
  local entries, err = find({})
  if not entries then return nil, err end
  local all = {}
  for _, entry in ipairs(entries) do all[#all + 1] = trait_of(entry) end
  table.sort(all, function(a, b) return a.name < b.name end)
  return all
end

return traits
