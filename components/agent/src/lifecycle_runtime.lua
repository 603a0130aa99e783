-- Runs the lifecycle bindings that an agent's traits declared, in order of priority. A host calls it at its phases.

local contract = require("contract")

local lifecycle_runtime = {
  CONTRACT_ID = "wippy.agent:lifecycle",
  PHASE = {
    ACTIVATE = "activate",
    BEFORE_STEP = "before_step",
    AFTER_STEP = "after_step",
    DEACTIVATE = "deactivate",
  },
}

-- Replaceable in tests.
lifecycle_runtime._contract = contract

local function ordered(bindings)
  local list = {}
  for _, binding in ipairs(type(bindings) == "table" and (bindings.lifecycle or bindings) or {}) do
    if type(binding) == "table" then list[#list + 1] = binding end
  end
  table.sort(list, function(a, b)
    local first, second = tonumber(a.priority) or 100, tonumber(b.priority) or 100
    if first ~= second then return first < second end
    return (tonumber(a.order) or 0) < (tonumber(b.order) or 0)
  end)
  return list
end

local function takes_part(binding, phase)
  if type(binding.phases) ~= "table" or #binding.phases == 0 then return true end
  for _, own in ipairs(binding.phases) do
    if own == phase then return true end
  end
  return false
end

local function apply_one(binding, payload)
  if type(binding.binding) ~= "string" or binding.binding == "" then return nil, "lifecycle binding is required" end
  local definition, err = lifecycle_runtime._contract.get(lifecycle_runtime.CONTRACT_ID)
  if not definition then return nil, "failed to load lifecycle contract: " .. tostring(err or "not found") end
  local instance, open_err = definition:open(binding.binding, binding.context or {})
  if not instance then return nil, "failed to open lifecycle binding: " .. tostring(open_err or "no instance") end
  local result, apply_err = instance:apply(payload)
  if apply_err then return nil, tostring(apply_err) end
  return type(result) == "table" and result or {}
end

local function collect(summary, binding, phase, result)
  summary.applied = summary.applied + 1
  for _, message in ipairs(result.messages or {}) do summary.messages[#summary.messages + 1] = message end
  for _, observation in ipairs(result.observations or {}) do
    summary.observations[#summary.observations + 1] = observation
  end
  for key, value in pairs(result.context or {}) do summary.context[key] = value end
  if result.metadata ~= nil then
    summary.metadata[#summary.metadata + 1] =
      { binding_id = binding.id, trait_id = binding.trait_id, phase = phase, metadata = result.metadata }
  end
end

--- Applies all bindings to payload { phase, host = { kind }, ... }. Gives a summary { applied, skipped, messages, context,
--- observations, metadata, errors }; the second value is the error of a strict binding, which ends the run.
function lifecycle_runtime.apply(bindings, payload)
  local list = ordered(bindings)
  local summary =
    { applied = 0, skipped = 0, messages = {}, context = {}, observations = {}, metadata = {}, errors = {} }
  if #list == 0 then return summary end

  payload = payload or {}
  local phase = payload.phase
  if type(phase) ~= "string" or phase == "" then return summary, "lifecycle phase is required" end
  if type(payload.host) ~= "table" or type(payload.host.kind) ~= "string" or payload.host.kind == "" then
    return summary, "lifecycle host is required"
  end
  for _, binding in ipairs(list) do
    if not takes_part(binding, phase) then
      summary.skipped = summary.skipped + 1
    else
      local request = { options = binding.options or {} }
      for key, value in pairs(payload) do
        if key ~= "options" then request[key] = value end
      end
      local result, err = apply_one(binding, request)
      if result then
        collect(summary, binding, phase, result)
      else
        local strict = binding.strict == true
        summary.errors[#summary.errors + 1] =
          { binding_id = binding.id, trait_id = binding.trait_id, phase = phase, error = err, strict = strict }
        if strict then return summary, err end
      end
    end
  end
  return summary
end

return lifecycle_runtime
