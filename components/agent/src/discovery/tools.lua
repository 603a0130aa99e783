-- Tools as a model sees them: name, description and JSON schema of function entries with `meta.type: tool`.
-- Every call reads the registry, so a tool made a moment ago is found.

local registry = require("registry")
local funcs = require("funcs")
local json = require("json")
local store = require("store")

local tools = {}

-- Replaceable in tests.
tools._registry = registry
tools._funcs = funcs
tools._store = store

local TOOL_TYPE = "tool"
local PROCESSOR_TYPE = "input_schema_processor"
local CACHE_STORE, CACHE_SECONDS = "app:cache", 14400

-- What describes the tool to the model; the rest of meta belongs to whoever runs it.
local NOT_META = {
  input_schema = true, title = true, description = true, comment = true, type = true, name = true,
  llm_alias = true, llm_description = true, llm_descirtion = true,
}

-- Names -------------------------------------------------------------------------------------------------------------

--- A name every provider accepts: letters, digits and single underscores, in lower case.
function tools.sanitize_name(name)
  local clean = tostring(name or ""):gsub("[^%w]", "_"):gsub("%u", function(letter) return "_" .. letter:lower() end)
  return (clean:gsub("_+", "_"):gsub("^_", ""))
end

local function tail_of(id)
  return tostring(id):match(":(.*)$") or tostring(id)
end

local function llm_name(id, meta)
  if type(meta.llm_alias) == "string" and meta.llm_alias ~= "" then return meta.llm_alias end
  return tools.sanitize_name(tail_of(id))
end

-- Schemas -----------------------------------------------------------------------------------------------------------

-- Providers refuse an object without properties, so a tool without arguments shows one that it may ignore.
local function with_properties(schema)
  if type(schema.properties) == "table" and next(schema.properties) ~= nil then return schema end
  schema.type = schema.type or "object"
  schema.properties = {
    placeholder = { type = "object", description = "Not used; this tool takes no arguments", default = {} },
  }
  return schema
end

local function decode_schema(raw)
  if raw == nil or raw == "" then return {} end
  if type(raw) == "table" then return raw end
  if type(raw) ~= "string" then return nil, "Invalid schema format: " .. type(raw) end
  local decoded, err = json.decode(raw)
  if err or type(decoded) ~= "table" then return nil, "Invalid schema format: " .. tostring(err or raw) end
  return decoded
end

local function processors()
  local entries = tools._registry.find({ [".kind"] = "function.*", ["meta.type"] = PROCESSOR_TYPE })
  return entries or {}
end

-- The cache is optional: an application without that store just computes again. A cached result counts only for the very
-- schema it was made from.
local function open_cache()
  local ok, cache = pcall(function() return (tools._store.get(CACHE_STORE)) end)
  return ok and cache or nil
end

local function run_processors(list, id, schema)
  for _, processor in ipairs(list) do
    local processed, err = tools._funcs.call(processor.id, id, schema)
    if err or type(processed) ~= "table" then return schema, false end
    schema = processed
  end
  return schema, true
end

local function processed_schema(id, name, schema)
  local list = processors()
  if #list == 0 then return schema end
  local cache, source = open_cache(), json.encode(schema)
  local key = "input_schema:" .. id .. (name and ":" .. name or "")
  local hit = cache and cache:get(key)
  if type(hit) == "table" and hit.source == source then
    cache:release()
    return hit.schema
  end
  local processed, complete = run_processors(list, id, schema)
  if cache then
    if complete then cache:set(key, { source = source, schema = processed }, CACHE_SECONDS) end
    cache:release()
  end
  return processed
end

local function description_of(meta)
  -- "llm_descirtion" was misspelt by early applications and is still understood.
  return meta.llm_description or meta.description or meta.llm_descirtion or meta.comment or ""
end

local function other_meta(meta)
  local rest = {}
  for key, value in pairs(meta) do
    if not NOT_META[key] then rest[key] = value end
  end
  return rest
end

--- { id, registry_id, name, title, description, schema, meta } of one tool.
function tools.get_tool_schema(id)
  if type(id) ~= "string" or id == "" then return nil, "Tool ID is required or tool is not allowed" end
  local entry, err = tools._registry.get(id)
  if not entry then return nil, "Tool not found: " .. tostring(err or id) end
  local meta = entry.meta or {}
  if meta.type ~= TOOL_TYPE then return nil, "Invalid tool type: " .. id end
  local schema, schema_err = decode_schema(meta.input_schema)
  if not schema then return nil, schema_err end
  local name = llm_name(id, meta)
  return {
    id = id,
    registry_id = id,
    name = name,
    title = meta.title or "",
    description = description_of(meta),
    schema = with_properties(processed_schema(id, name, schema)),
    meta = other_meta(meta),
  }
end

--- Schemas by id, and errors by id (nil when there are none).
function tools.get_tool_schemas(ids)
  local schemas, failures = {}, {}
  for _, id in ipairs(ids or {}) do
    local schema, err = tools.get_tool_schema(id)
    if schema then schemas[id] = schema else failures[id] = err end
  end
  return schemas, next(failures) ~= nil and failures or nil
end

--- Schemas in the order of `ids`, without those that failed; errors by id.
function tools.get_tool_schemas_ordered(ids)
  local by_id, failures = tools.get_tool_schemas(ids)
  local ordered = {}
  for _, id in ipairs(ids or {}) do ordered[#ordered + 1] = by_id[id] end
  return ordered, failures
end

-- Lookup ------------------------------------------------------------------------------------------------------------

--- The id among `ids` whose tool the model knows as `name`; case does not matter.
function tools.resolve_name_to_id(name, ids)
  if not name then return nil, "Tool name is required" end
  local wanted = tostring(name):lower()
  for _, id in ipairs(ids or {}) do
    local schema = tools.get_tool_schema(id)
    if schema and schema.name:lower() == wanted then return id end
  end
  return nil, "Tool not found: " .. tostring(name)
end

--- What meta says of tools beyond their description, by id.
function tools.get_tools_meta(ids)
  local schemas, failures = tools.get_tool_schemas(ids)
  local metas = {}
  for id, schema in pairs(schemas) do metas[id] = schema.meta end
  return metas, failures
end

local function has_all(list, wanted)
  local present = {}
  for _, item in ipairs(type(list) == "table" and list or {}) do present[item] = true end
  for _, item in ipairs(wanted) do
    if not present[item] then return false end
  end
  return true
end

--- Tools by `namespace` and `tags` (all of them), as { id, name, title, description, meta }, sorted by name. Of two with one
--- name the first by id stays.
function tools.find_tools(criteria)
  criteria = criteria or {}
  local entries, err = tools._registry.find({
    [".kind"] = "function.*",
    ["meta.type"] = TOOL_TYPE,
    [".ns"] = criteria.namespace,
  })
  if err then return nil, "Registry error: " .. tostring(err) end
  entries = entries or {}
  table.sort(entries, function(a, b) return a.id < b.id end)

  local found, seen = {}, {}
  for _, entry in ipairs(entries) do
    local meta = entry.meta or {}
    local name = llm_name(entry.id, meta)
    if (not criteria.tags or has_all(meta.tags, criteria.tags)) then
      if seen[name] then
        print("tool " .. entry.id .. " is hidden: " .. seen[name] .. ' has the name "' .. name .. '" too')
      else
        seen[name] = entry.id
        found[#found + 1] = {
          id = entry.id,
          name = name,
          title = meta.title or "",
          description = description_of(meta),
          meta = other_meta(meta),
        }
      end
    end
  end
  table.sort(found, function(a, b) return a.name < b.name end)
  return found
end

return tools
