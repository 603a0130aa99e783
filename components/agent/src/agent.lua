-- The runner: one compiled agent that takes one step at a time. It asks the model and sorts the answer; it runs no tools,
-- keeps no conversation and sets no limits on the loop: that is the application's.

local contract = require("contract")
local funcs = require("funcs")
local prompt = require("prompt")
local llm = require("llm")
local output = require("output")

local agent = {}

-- Replaceable in tests.
agent._llm = llm
agent._contract = contract
agent._funcs = funcs

local DEFAULT_MAX_TOKENS = 512
local MEMORY_CONTRACT = "wippy.agent:memory"
local MEMORY_DEFAULTS = {
  max_items = 3,
  max_length = 1000,
  max_actions = 8,
  scan_limit = 50,
  min_conversation_length = 2,
  recall_cooldown = 1,
  enabled = true,
}

local Runner = {}
Runner.__index = Runner

local function overlay(base, over)
  local merged = {}
  for key, value in pairs(base or {}) do merged[key] = value end
  for key, value in pairs(over or {}) do merged[key] = value end
  return merged
end

local function base_prompt(spec)
  local text = spec.prompt or ""
  if not spec.memory or #spec.memory == 0 then return text end
  local lines = { text ~= "" and text .. "\n" or nil }
  lines[#lines + 1] = "## Your memory contains:"
  for _, item in ipairs(spec.memory) do lines[#lines + 1] = "- " .. tostring(item) end
  return table.concat(lines, "\n")
end

--- A runner for a compiled spec (see the compiler).
function agent.new(spec)
  if type(spec) ~= "table" then return nil, "Agent spec is required" end
  return setmetatable({
    id = spec.id,
    name = spec.name,
    title = spec.title,
    description = spec.description,
    meta = spec.meta or {},
    model = spec.model or "",
    max_tokens = spec.max_tokens or DEFAULT_MAX_TOKENS,
    temperature = spec.temperature,
    thinking_effort = spec.thinking_effort or 0,
    tools = spec.tools or {},
    memory = spec.memory or {},
    memory_contract = spec.memory_contract,
    agent_options = spec.agent_options or {},
    prompt_funcs = spec.prompt_funcs or {},
    step_funcs = spec.step_funcs or {},
    tool_wrappers = spec.tool_wrappers or {},
    bindings = spec.bindings or {},
    system_prompt = base_prompt(spec),
    total_tokens = { prompt = 0, completion = 0, thinking = 0, total = 0 },
  }, Runner)
end

-- Memory ------------------------------------------------------------------------------------------------------------

local function text_of(message)
  if type(message.content) == "string" then return message.content end
  local texts = {}
  for _, part in ipairs(message.content or {}) do
    if type(part.text) == "string" then texts[#texts + 1] = part.text end
  end
  return table.concat(texts, " ")
end

local function action_of(message)
  if message.role == "user" or message.role == "assistant" or message.role == "system" then
    return message.role .. ": " .. text_of(message)
  end
  if message.role == "function_result" then return "tool: " .. tostring(message.name) .. " -> " .. text_of(message) end
  return nil
end

local function recent_actions(messages, limit)
  local actions = {}
  for i = #messages, 1, -1 do
    if #actions >= limit then break end
    local action = action_of(messages[i])
    if action then table.insert(actions, 1, action) end
  end
  return actions
end

-- The ids recalled lately, and how many messages ago the last recall was (nil when it is out of sight).
local function earlier_recalls(messages, scan_limit)
  local ids, distance = {}, nil
  for i = #messages, math.max(1, #messages - scan_limit + 1), -1 do
    local recalled = messages[i].metadata and messages[i].metadata.memory_ids
    if type(recalled) == "table" then
      distance = distance or (#messages - i)
      for _, id in ipairs(recalled) do ids[#ids + 1] = id end
    end
  end
  return ids, distance
end

local function memory_is_due(messages, options)
  if options.enabled == false or #messages < options.min_conversation_length then return false end
  local _, distance = earlier_recalls(messages, options.scan_limit)
  return distance == nil or distance >= options.recall_cooldown
end

local function memory_message(memories)
  local lines, ids = { "Relevant memories:" }, {}
  for _, memory in ipairs(memories) do
    lines[#lines + 1] = "- " .. tostring(memory.content)
    ids[#ids + 1] = memory.id
  end
  return {
    role = prompt.ROLE.DEVELOPER,
    content = { prompt.text(table.concat(lines, "\n")) },
    metadata = { memory_ids = ids },
  }, ids
end

local function open_memory(self)
  local definition = agent._contract.get(MEMORY_CONTRACT)
  if not definition then return nil end
  local context = overlay(self.memory_contract.context, { agent_id = self.id })
  return (definition:open(self.memory_contract.implementation_id, context))
end

local function recall(self, messages, runtime)
  if type(self.memory_contract) ~= "table" or not self.memory_contract.implementation_id then return nil end
  if runtime.disable_memory_recall then return nil end
  local options = overlay(MEMORY_DEFAULTS, self.memory_contract.options)
  if not memory_is_due(messages, options) then return nil end

  local previous = earlier_recalls(messages, options.scan_limit)
  for _, id in ipairs(runtime.previous_memory_ids or {}) do previous[#previous + 1] = id end
  -- A memory that cannot be asked costs the step nothing.
  local ok, found = pcall(function()
    local instance = open_memory(self)
    return instance and (instance:recall({
      recent_actions = recent_actions(messages, options.max_actions),
      previous_memories = previous,
      constraints = { max_items = options.max_items, max_length = options.max_length },
    }))
  end)
  if not ok or type(found) ~= "table" or type(found.memories) ~= "table" or #found.memories == 0 then return nil end
  local message, ids = memory_message(found.memories)
  return { message = message, ids = ids }
end

-- Request -----------------------------------------------------------------------------------------------------------

local function prompt_with_functions(self, runtime)
  local parts = { self.system_prompt }
  for _, prompt_func in ipairs(self.prompt_funcs) do
    local context = overlay(overlay(prompt_func.context, runtime.context), { agent_id = self.id })
    local text = agent._funcs.new():with_context(context):call(prompt_func.func_id, context)
    if type(text) == "string" and text ~= "" then parts[#parts + 1] = text end
  end
  return table.concat(parts, "\n\n")
end

local function messages_for(self, conversation, runtime, memory)
  local messages = {}
  local system = prompt_with_functions(self, runtime)
  if system ~= "" then
    messages[1] = { role = prompt.ROLE.SYSTEM, content = { prompt.text(system) } }
    messages[2] = { role = prompt.ROLE.CACHE_MARKER, marker_id = self.id }
  end
  for _, message in ipairs(conversation) do messages[#messages + 1] = message end
  if memory then messages[#messages + 1] = memory.message end
  return messages
end

local function offered_tools(self)
  local offered = {}
  for name, tool in pairs(self.tools) do
    if tool.schema then
      offered[#offered + 1] = {
        name = name,
        description = tool.description,
        schema = tool.schema,
        registry_id = tool.registry_id,
        meta = tool.meta,
      }
    end
  end
  table.sort(offered, function(a, b) return a.name < b.name end)
  return #offered > 0 and offered or nil
end

local function options_for(self, runtime)
  return {
    model = self.model,
    max_tokens = self.max_tokens,
    temperature = self.temperature,
    thinking_effort = self.thinking_effort > 0 and self.thinking_effort or nil,
    tools = offered_tools(self),
    tool_choice = runtime.tool_call,
    stream = runtime.stream_target,
  }
end

-- Response ----------------------------------------------------------------------------------------------------------

local function delegate_call(self, call, tool, runtime)
  local context = overlay(overlay(runtime.context, tool.context), { from_agent_id = self.id, to_agent_id = tool.agent_id })
  return {
    id = call.id,
    name = call.name,
    arguments = call.arguments,
    agent_id = tool.agent_id,
    context = context,
    provider_metadata = call.provider_metadata,
  }
end

-- Calls of delegates aside, calls of tools with what it takes to run them. A name nobody offered has no registry_id.
local function sort_calls(self, response, calls, runtime)
  local tool_calls, delegate_calls = {}, {}
  for _, call in ipairs(calls) do
    local tool = self.tools[call.name] or {}
    if tool.agent_id then
      delegate_calls[#delegate_calls + 1] = delegate_call(self, call, tool, runtime)
    else
      tool_calls[#tool_calls + 1] = {
        id = call.id,
        name = call.name,
        arguments = call.arguments,
        context = overlay(runtime.context, tool.context),
        registry_id = tool.registry_id,
        provider_metadata = call.provider_metadata,
      }
    end
  end
  if #tool_calls > 0 then response.tool_calls = tool_calls end
  if #delegate_calls > 0 then response.delegate_calls = delegate_calls end
end

local function count_tokens(self, tokens)
  local total = self.total_tokens
  total.prompt = total.prompt + (tokens.prompt_tokens or 0)
  total.completion = total.completion + (tokens.completion_tokens or 0)
  total.thinking = total.thinking + (tokens.thinking_tokens or 0)
  total.total = total.total + (tokens.total_tokens or 0)
end

--- Asks the model for the next step of `conversation` (a prompt builder, which is only read).
--- Options: context, stream_target { reply_to, topic, buffer_size }, tool_call, disable_memory_recall,
--- previous_memory_ids.
function Runner:step(conversation, options)
  if type(conversation) ~= "table" or type(conversation.get_messages) ~= "function" then
    return nil, "Prompt builder is required"
  end
  local runtime = options or {}
  local history = conversation:get_messages()
  local memory = recall(self, history, runtime)
  local raw, err = agent._llm.generate({ messages = messages_for(self, history, runtime, memory) }, options_for(self, runtime))
  if err then return nil, err end

  local response = {
    result = raw.result,
    tokens = raw.tokens,
    finish_reason = raw.finish_reason,
    metadata = raw.metadata,
  }
  if memory then
    response.memory_recall = { memory_ids = memory.ids, count = #memory.ids }
    response.memory_prompt = memory.message
  end
  count_tokens(self, raw.tokens or {})
  if output.detect_truncation(raw) then
    response.truncated = true
    return response
  end
  sort_calls(self, response, raw.tool_calls or {}, runtime)
  return response
end

--- { id, name, total_tokens { prompt, completion, thinking, total } }.
function Runner:get_stats()
  return { id = self.id, name = self.name, total_tokens = self.total_tokens }
end

return agent
