-- Asks the checkpoint bindings of an agent, in order of priority, for a memory or summary of its run; the first that gives
-- one ends the search.

local contract = require("contract")

local checkpoint_runtime = { CONTRACT_ID = "wippy.agent:checkpoint" }

-- Replaceable in tests.
checkpoint_runtime._contract = contract

local function ordered(bindings)
  local list = {}
  for _, binding in ipairs(type(bindings) == "table" and (bindings.checkpoint or bindings) or {}) do
    if type(binding) == "table" then list[#list + 1] = binding end
  end
  table.sort(list, function(a, b)
    local first, second = tonumber(a.priority) or 100, tonumber(b.priority) or 100
    if first ~= second then return first < second end
    return (tonumber(a.order) or 0) < (tonumber(b.order) or 0)
  end)
  return list
end

local function is_map(value)
  return type(value) == "table" and value[1] == nil
end

--- The options of a binding with the host's laid over them, maps merged key by key. Nil when neither has any.
function checkpoint_runtime.resolve_options(options, host_options)
  if type(options) ~= "table" and type(host_options) ~= "table" then return nil end
  local merged = {}
  for key, value in pairs(options or {}) do merged[key] = value end
  for key, value in pairs(host_options or {}) do
    if is_map(merged[key]) and is_map(value) then
      merged[key] = checkpoint_runtime.resolve_options(merged[key], value)
    else
      merged[key] = value
    end
  end
  return merged
end

local function has_text(result)
  local text = result.memory or result.summary
  return type(text) == "string" and text ~= ""
end

local function create_one(binding, payload)
  if type(binding.binding) ~= "string" or binding.binding == "" then return nil, "checkpoint binding is required" end
  local contract_id = binding.contract or checkpoint_runtime.CONTRACT_ID
  if contract_id ~= checkpoint_runtime.CONTRACT_ID then
    return nil, "unsupported checkpoint contract: " .. tostring(contract_id)
  end
  local definition, err = checkpoint_runtime._contract.get(checkpoint_runtime.CONTRACT_ID)
  if not definition then return nil, "failed to load checkpoint contract: " .. tostring(err or "not found") end
  local instance, open_err = definition:open(binding.binding, binding.context or {})
  if not instance then return nil, "failed to open checkpoint binding: " .. tostring(open_err or "no instance") end
  local result, create_err = instance:create(payload)
  if create_err then return nil, tostring(create_err) end
  if type(result) ~= "table" then return nil, "checkpoint binding returned no result" end
  if not has_text(result) then return nil, "checkpoint binding returned empty memory" end
  return result
end

--- Gives { applied, skipped, result?, metadata, errors } for payload { host = { kind }, ... }; the second value is the error
--- of a strict binding.
function checkpoint_runtime.create(bindings, payload)
  local list = ordered(bindings)
  local summary = { applied = 0, skipped = 0, metadata = {}, errors = {} }
  if #list == 0 then return summary end

  payload = payload or {}
  if type(payload.host) ~= "table" or type(payload.host.kind) ~= "string" or payload.host.kind == "" then
    return summary, "checkpoint host is required"
  end
  for i, binding in ipairs(list) do
    local request = {}
    for key, value in pairs(payload) do request[key] = value end
    request.options = checkpoint_runtime.resolve_options(binding.options, payload.options) or {}
    request.context = binding.context or {}
    local result, err = create_one(binding, request)
    if result then
      summary.applied, summary.result, summary.skipped = 1, result, #list - i
      if result.metadata ~= nil then
        summary.metadata[1] = { binding_id = binding.id, trait_id = binding.trait_id, metadata = result.metadata }
      end
      return summary
    end
    local strict = binding.strict == true
    summary.errors[#summary.errors + 1] =
      { binding_id = binding.id, trait_id = binding.trait_id, error = err, strict = strict }
    if strict then return summary, err end
  end
  return summary
end

return checkpoint_runtime
