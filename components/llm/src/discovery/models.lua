-- Model cards, read from registry entries with `meta.type: llm.model`. Every call reads the registry: nothing is cached.

local registry = require("registry")

local models = {}

-- Replaceable in tests.
models._registry = registry

local MODEL = { [".kind"] = "registry.entry", ["meta.type"] = "llm.model" }
local CLASS = { [".kind"] = "registry.entry", ["meta.type"] = "llm.model.class" }

local function find(filter)
  local entries, err = models._registry.find(filter)
  if err then return nil, "Registry error: " .. tostring(err) end
  return entries or {}
end

local function as_list(value)
  if type(value) == "table" then return value end
  return value ~= nil and { value } or {}
end

--- The card of one entry. `thinking_effort` is ours: the model's own default effort, which a provider or caller overrides.
function models._build_model_card(entry)
  if not entry then return nil end
  local meta = entry.meta or {}
  local body = type(entry.data) == "table" and entry.data or {}
  return {
    id = entry.id or "",
    name = meta.name or "",
    title = meta.title or "",
    description = meta.comment or "",
    capabilities = as_list(meta.capabilities),
    class = as_list(meta.class),
    priority = meta.priority or 0,
    max_tokens = body.max_tokens or 0,
    output_tokens = body.output_tokens or 0,
    pricing = body.pricing or {},
    providers = body.providers or {},
    dimensions = tonumber(body.dimensions),
    thinking_effort = tonumber(body.thinking_effort),
  }
end

--- The model whose meta.name is `name`.
function models.get_by_name(name)
  if not name then return nil, "Model name is required" end
  local entries, err = find({ [".kind"] = MODEL[".kind"], ["meta.type"] = MODEL["meta.type"], ["meta.name"] = name })
  if err then return nil, err end
  if #entries == 0 then return nil, "No model found with name: " .. tostring(name) end
  return models._build_model_card(entries[1])
end

local function has(list, wanted)
  for _, item in ipairs(as_list(list)) do
    if item == wanted then return true end
  end
  return false
end

--- The models of a class, highest priority first; equals by name, so that the choice never depends on load order.
function models.get_by_class(class_name)
  if not class_name then return nil, "Class name is required" end
  local entries, err = find(MODEL)
  if err then return nil, err end
  local cards = {}
  for _, entry in ipairs(entries) do
    if has(entry.meta and entry.meta.class, class_name) then cards[#cards + 1] = models._build_model_card(entry) end
  end
  table.sort(cards, function(a, b)
    if a.priority ~= b.priority then return a.priority > b.priority end
    return a.name < b.name
  end)
  return cards
end

--- All models, by name; only those with `capability` when one is given.
function models.get_all(capability)
  local entries, err = find(MODEL)
  if err then return nil, err end
  local cards = {}
  for _, entry in ipairs(entries) do
    if not capability or has(entry.meta and entry.meta.capabilities, capability) then
      cards[#cards + 1] = models._build_model_card(entry)
    end
  end
  table.sort(cards, function(a, b) return a.name < b.name end)
  return cards
end

--- The classes that entries with `meta.type: llm.model.class` describe, by name.
function models.get_all_classes()
  local entries, err = find(CLASS)
  if err then return nil, err end
  local classes = {}
  for _, entry in ipairs(entries) do
    local meta = entry.meta or {}
    classes[#classes + 1] = { id = entry.id, name = meta.name, title = meta.title, description = meta.comment }
  end
  table.sort(classes, function(a, b) return (a.name or "") < (b.name or "") end)
  return classes
end

return models
