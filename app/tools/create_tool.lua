-- The heart of self-modification: a registry entry with Lua source, made or replaced by the agent. Nothing goes to disk.
-- Policies decide where it may write; the entry's `modules` decide what its code can reach.

local registry = require("registry")
local json = require("json")
local security = require("security")

local NAMESPACE = "app.generated"
local BUILT_IN = "app.tools"
local SECURITY_SCOPE = "app:agent_security"
local MAX_SOURCE_LEN = 16000
local MAX_NAME_LEN = 64
local EMPTY_SCHEMA = '{"type":"object","properties":{}}'
local ALLOWED_MODULES = {
  time = true, json = true, http_client = true, expr = true,
  text = true, base64 = true, yaml = true, crypto = true,
  hash = true, uuid = true, url = true,
}

-- Checks: each gives what it read, or nil and the reason ------------------------------------------------------------

local function given(text)
  return type(text) == "string" and text:find("%S") ~= nil
end

local function check_text(input)
  if not given(input.name) then return nil, "name is required" end
  if #input.name > MAX_NAME_LEN then return nil, "name too long (max " .. MAX_NAME_LEN .. ")" end
  if not given(input.source) then return nil, "source is required" end
  if #input.source > MAX_SOURCE_LEN then return nil, "source too long (max " .. MAX_SOURCE_LEN .. ")" end
  if not given(input.description) then return nil, "description is required" end
  return true
end

-- A name with a colon is an id of its own: it has to pass the policies before anything else is said about it.
local function target_of(name)
  if not name:find(":", 1, true) then return NAMESPACE .. ":" .. name, NAMESPACE, name end
  local namespace, tail = name:match("^(.-):(.*)$")
  return name, namespace, tail
end

local function check_policy(action, id)
  local actor = security.new_actor("service:agent", { role = "agent" })
  local scope, scope_err = security.named_scope(SECURITY_SCOPE)
  if scope_err then return nil, "failed to load security scope: " .. tostring(scope_err) end
  if scope:evaluate(actor, action, id) == "deny" then return nil, "policy denied: " .. action .. " on " .. id end
  return true
end

local function check_name(namespace, name)
  if namespace ~= NAMESPACE then return nil, "namespace not allowed: " .. namespace end
  if not name:find("^[a-z][a-z0-9_]*$") then
    return nil, 'invalid name: "' .. name .. '" (lower-case letters, digits and underscores, a letter first)'
  end
  -- Tools are called by name: a second doc_search would take the place of the built-in one.
  if registry.get(BUILT_IN .. ":" .. name) then return nil, "name taken by a built-in tool: " .. name end
  return true
end

local function modules_of(raw)
  if type(raw) == "string" then raw = raw:find("^%s*%[") and json.decode(raw) or { raw } end
  if raw == nil then return {} end
  if type(raw) ~= "table" then return nil, "modules must be a list of names" end
  local modules, seen = {}, {}
  for _, name in ipairs(raw) do
    if not ALLOWED_MODULES[name] then return nil, "module not allowed: " .. tostring(name) end
    if not seen[name] then
      seen[name] = true
      modules[#modules + 1] = name
    end
  end
  return modules
end

local function schema_of(raw)
  if raw == nil or raw == "" then return EMPTY_SCHEMA end
  if type(raw) == "table" then return next(raw) ~= nil and raw or EMPTY_SCHEMA end
  if type(raw) ~= "string" then return nil, "invalid schema: expected JSON text or an object" end
  local decoded, err = json.decode(raw)
  if err then return nil, "invalid schema: " .. tostring(err) end
  if type(decoded) ~= "table" or #decoded > 0 then return nil, "invalid schema: not an object" end
  return raw
end

-- Writing -----------------------------------------------------------------------------------------------------------

local function entry_of(id, name, input, modules, schema)
  return {
    id = id,
    kind = "function.lua",
    meta = {
      type = "tool",
      title = name,
      comment = input.description,
      input_schema = schema,
      llm_alias = name,
      llm_description = input.description,
    },
    data = {
      source = input.source,
      modules = modules,
      method = "handler",
    },
  }
end

local function write_entry(entry, existing)
  local snap, snap_err = registry.snapshot()
  if not snap then return nil, "registry write failed: " .. tostring(snap_err) end
  local changes = snap:changes()
  if existing then
    changes:update(entry)
  else
    changes:create(entry)
  end
  local version, err = changes:apply()
  if not version then return nil, "registry write failed: " .. tostring(err) end
  return true
end

--- Input { name, description, source, modules?, input_schema? }. Output { created | updated, id, name, modules } or { error }.
local function handler(input)
  local ok, err = check_text(input)
  if not ok then return { error = err } end

  local id, namespace, name = target_of(input.name)
  local existing = registry.get(id)
  local action = existing and "registry.update" or "registry.create"
  ok, err = check_policy(action, id)
  if not ok then return { error = err } end
  ok, err = check_name(namespace, name)
  if not ok then return { error = err } end

  local modules, modules_err = modules_of(input.modules)
  if not modules then return { error = modules_err } end
  local schema, schema_err = schema_of(input.input_schema or input.schema)
  if not schema then return { error = schema_err } end

  ok, err = write_entry(entry_of(id, name, input, modules, schema), existing)
  if not ok then return { error = err } end
  return {
    created = not existing or nil,
    updated = existing and true or nil,
    id = id,
    name = name,
    modules = modules,
  }
end

return { handler = handler }
