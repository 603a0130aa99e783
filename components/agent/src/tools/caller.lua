-- Runs the tool calls of a step: checks them against their tools, lets the wrappers of traits look on, then executes them
-- one after another (in the order the model called) or all at once.

local json = require("json")
local funcs = require("funcs")
local contract = require("contract")
local tools = require("tools")

local caller = {
  FUNC_STATUS = { PENDING = "pending", SUCCESS = "success", ERROR = "error" },
  STRATEGY = { SEQUENTIAL = "sequential", PARALLEL = "parallel" },
  PHASE = { BEFORE_EXECUTE = "before_execute", AFTER_EXECUTE = "after_execute" },
  OUTCOME_STATE = { CONTINUES = "continues", COMPLETED = "completed", FAILED = "failed", DELEGATED = "delegated" },
  OUTCOME_REASON = {
    TOOL_RESULTS_RECORDED = "tool_results_recorded",
    TOOL_EXECUTION_FAILED = "tool_execution_failed",
    EXIT_TOOL_COMPLETED = "exit_tool_completed",
    DELEGATION_REQUESTED = "delegation_requested",
    NO_TOOLS_REQUIRED = "no_tools_required",
    MAX_ITERATIONS_REACHED = "max_iterations_reached",
    CONTEXT_LIMIT_REACHED = "context_limit_reached",
    HOST_FAILED = "host_failed",
  },
}

-- Replaceable in tests.
caller._tools = tools
caller._funcs = funcs
caller._contract = contract

local WRAPPER_CONTRACT = "wippy.agent:tool_wrapper"
local STRATEGY, PHASE, OUTCOME_STATE, OUTCOME_REASON =
  caller.STRATEGY, caller.PHASE, caller.OUTCOME_STATE, caller.OUTCOME_REASON

local Caller = {}
Caller.__index = Caller

--- A caller that runs calls one after another.
function caller.new()
  return setmetatable({
    strategy = STRATEGY.SEQUENTIAL,
    tool_wrappers = {},
    wrapper_context = {},
    observations = {},
    metadata = {},
    errors = {},
    last_tool_calls = {},
    order = {},
  }, Caller)
end

--- "sequential" or "parallel"; anything else changes nothing.
function Caller:set_strategy(strategy)
  if strategy == STRATEGY.SEQUENTIAL or strategy == STRATEGY.PARALLEL then self.strategy = strategy end
  return self
end

--- The wrappers of a compiled agent.
function Caller:set_tool_wrappers(wrappers)
  local list = {}
  for _, wrapper in ipairs(wrappers or {}) do
    if type(wrapper) == "table" then list[#list + 1] = wrapper end
  end
  table.sort(list, function(a, b)
    local first, second = a.priority or 100, b.priority or 100
    if first ~= second then return first < second end
    return (a.order or 0) < (b.order or 0)
  end)
  self.tool_wrappers = list
  return self
end

--- What wrappers are told: host { kind, ... }, agent, outcome, run_context.
function Caller:set_wrapper_context(context)
  self.wrapper_context = context or {}
  return self
end

function Caller:get_wrapper_observations()
  return self.observations
end

function Caller:get_wrapper_metadata()
  return self.metadata
end

function Caller:get_wrapper_errors()
  return self.errors
end

function Caller:get_last_tool_calls()
  return self.last_tool_calls
end

-- Wrappers ----------------------------------------------------------------------------------------------------------

local function has_phase(wrapper, phase)
  for _, own in ipairs(wrapper.phases or {}) do
    if own == phase then return true end
  end
  return false
end

local function call_wrapper(wrapper, payload)
  if type(wrapper.binding) ~= "string" or wrapper.binding == "" then return nil, "tool wrapper binding is required" end
  local definition, err = caller._contract.get(WRAPPER_CONTRACT)
  if not definition then return nil, "failed to load tool_wrapper contract: " .. tostring(err or "not found") end
  local instance, open_err = definition:open(wrapper.binding, wrapper.context or {})
  if not instance then return nil, "failed to open tool_wrapper binding: " .. tostring(open_err or "no instance") end
  local result, apply_err = instance:apply(payload)
  if apply_err then return nil, tostring(apply_err) end
  return type(result) == "table" and result or {}
end

local function record(self, wrapper, phase, result)
  for _, observation in ipairs(result.observations or {}) do
    self.observations[#self.observations + 1] = observation
  end
  if result.metadata ~= nil then
    self.metadata[#self.metadata + 1] =
      { wrapper_id = wrapper.id, trait_id = wrapper.trait_id, phase = phase, metadata = result.metadata }
  end
end

--- Applies the wrappers of a phase; gives the payload as they left it. Only a strict wrapper before execution can stop it.
function Caller:apply_tool_wrappers(phase, payload)
  payload.phase = phase
  payload.host = payload.host or self.wrapper_context.host
  payload.agent = payload.agent or self.wrapper_context.agent or {}
  payload.run_context = payload.run_context or self.wrapper_context.run_context
  if #self.tool_wrappers == 0 then return payload end
  if type(payload.host) ~= "table" or type(payload.host.kind) ~= "string" or payload.host.kind == "" then
    return payload, "tool wrapper host is required"
  end
  for _, wrapper in ipairs(self.tool_wrappers) do
    if has_phase(wrapper, phase) then
      payload.options = wrapper.options or {}
      local result, err = call_wrapper(wrapper, payload)
      if result then
        record(self, wrapper, phase, result)
        if phase == PHASE.BEFORE_EXECUTE and type(result.tool_calls) == "table" then
          payload.tool_calls = result.tool_calls
        end
      else
        local strict = wrapper.strict == true
        self.errors[#self.errors + 1] =
          { wrapper_id = wrapper.id, trait_id = wrapper.trait_id, phase = phase, error = err, strict = strict }
        if strict and phase == PHASE.BEFORE_EXECUTE then return payload, err end
      end
    end
  end
  return payload
end

-- Validation --------------------------------------------------------------------------------------------------------

local function id_problem(tool_calls)
  local seen = {}
  for _, call in ipairs(tool_calls) do
    if type(call.id) ~= "string" or not call.id:find("%S") then return "Tool call ID is required" end
    if seen[call.id] then return "Duplicate tool call ID: " .. call.id end
    seen[call.id] = true
  end
  return nil
end

local function validated_call(call)
  local schema, err = caller._tools.get_tool_schema(call.registry_id)
  local valid = schema ~= nil
  return {
    call_id = call.id,
    name = call.name,
    args = call.arguments,
    registry_id = call.registry_id,
    meta = valid and schema.meta or {},
    context = call.context,
    provider_metadata = call.provider_metadata,
    error = not valid and ("Failed to get tool schema: " .. tostring(err)) or nil,
    valid = valid,
  }
end

--- The calls by id, each with `valid` and, when not, `error`. An exclusive tool runs alone: then the second value says so.
--- Two exclusive ones give {} and an error; a strict wrapper that fails gives nil and an error.
function Caller:validate(tool_calls)
  if not tool_calls or #tool_calls == 0 then return {} end
  self.observations, self.metadata, self.errors = {}, {}, {}
  local problem = id_problem(tool_calls)
  if problem then return nil, problem end
  local payload, wrapper_err = self:apply_tool_wrappers(PHASE.BEFORE_EXECUTE, { tool_calls = tool_calls })
  if wrapper_err then return nil, "Tool wrapper failed: " .. tostring(wrapper_err) end
  tool_calls = payload.tool_calls or tool_calls
  problem = id_problem(tool_calls)
  if problem then return nil, problem end
  self.last_tool_calls = tool_calls

  local validated, exclusive = {}, nil
  self.order = {}
  for _, call in ipairs(tool_calls) do
    local checked = validated_call(call)
    if checked.meta.exclusive then
      if exclusive then return {}, "Multiple exclusive tools found, cannot process" end
      exclusive = checked
    end
    validated[call.id] = checked
    self.order[#self.order + 1] = call.id
  end
  if exclusive and #tool_calls > 1 then
    self.order = { exclusive.call_id }
    return { [exclusive.call_id] = exclusive }, "Exclusive tool found, other tools skipped"
  end
  return validated
end

-- Execution ---------------------------------------------------------------------------------------------------------

-- The ids of `validated` in the order the model called; ids this caller has not seen come last, sorted.
local function ids_in_order(self, validated)
  local ids, listed = {}, {}
  for _, id in ipairs(self.order) do
    if validated[id] then
      ids[#ids + 1] = id
      listed[id] = true
    end
  end
  local rest = {}
  for id in pairs(validated) do
    if not listed[id] then rest[#rest + 1] = id end
  end
  table.sort(rest)
  for _, id in ipairs(rest) do ids[#ids + 1] = id end
  return ids
end

local function prepared(call, session)
  local args = call.args
  if type(args) == "string" then
    local decoded, err = json.decode(args)
    if err then return nil, "Failed to parse arguments: " .. tostring(err) end
    args = decoded
  end
  local context = {}
  for key, value in pairs(call.context or {}) do context[key] = value end
  for key, value in pairs(session or {}) do context[key] = value end
  context.call_id = call.call_id
  return { executor = caller._funcs.new():with_context(context), args = args }
end

local function outcome(call, result, err)
  return { result = result, error = err and tostring(err) or nil, tool_call = call }
end

local function run_one(call, session)
  if not call.valid then return outcome(call, nil, call.error) end
  local ready, err = prepared(call, session)
  if not ready then return outcome(call, nil, err) end
  return outcome(call, ready.executor:call(tostring(call.registry_id), ready.args))
end

local function run_all_at_once(ids, validated, session)
  local results, waiting = {}, {}
  for _, id in ipairs(ids) do
    local call = validated[id]
    local ready, err
    if call.valid then ready, err = prepared(call, session) else err = call.error end
    local future
    if ready then future, err = ready.executor:async(tostring(call.registry_id), ready.args) end
    if future then
      waiting[#waiting + 1] = { id = id, future = future }
    else
      results[id] = outcome(call, nil, err)
    end
  end
  for _, item in ipairs(waiting) do
    item.future:response():receive()
    local payload, err = item.future:result()
    if payload and not err then
      results[item.id] = outcome(validated[item.id], payload:data())
    else
      results[item.id] = outcome(validated[item.id], nil, err or "canceled")
    end
  end
  return results
end

local function infer_outcome(results)
  local reason = OUTCOME_REASON.TOOL_RESULTS_RECORDED
  for _, result in pairs(results) do
    if result.error then reason = OUTCOME_REASON.TOOL_EXECUTION_FAILED end
  end
  return { state = OUTCOME_STATE.CONTINUES, reason = reason }
end

--- Runs what `validate` gave: call id -> { result, error, tool_call }. `context` reaches every tool, over its own.
function Caller:execute(context, validated)
  local ids = ids_in_order(self, validated or {})
  if #ids == 0 then return {} end
  local results
  if self.strategy == STRATEGY.PARALLEL then
    results = run_all_at_once(ids, validated, context)
  else
    results = {}
    for _, id in ipairs(ids) do results[id] = run_one(validated[id], context) end
  end
  self:apply_tool_wrappers(PHASE.AFTER_EXECUTE, {
    tool_calls = self.last_tool_calls,
    tool_results = results,
    outcome = self.wrapper_context.outcome or infer_outcome(results),
  })
  return results
end

return caller
