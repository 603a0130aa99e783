-- An agent with one tool: asks the model, runs what it calls, shows the answer.
local io = require("io")
local json = require("json")
local funcs = require("funcs")
local agent_context = require("agent_context")
local prompt = require("prompt")

local MAX_STEPS = 5

-- Calls a tool the model asked for, and adds call and result to the conversation.
local function use_tool(conversation, call)
  local result, err = funcs.call(call.registry_id, call.arguments)
  if err then result = { error = tostring(err) } end
  io.print("[" .. call.name .. "] " .. json.encode(result))
  conversation:add_function_call(call.name, json.encode(call.arguments), call.id)
  conversation:add_function_result(call.name, json.encode(result), call.id)
end

local function main(question)
  local agent = assert(agent_context.new():load_agent("app:librarian"))
  local conversation = prompt.new():add_user(question or "What is on the shelf?")

  -- Each step is one answer of the model: words, or tools to call before it can go on.
  for _ = 1, MAX_STEPS do
    local response, err = agent:step(conversation)
    if err then
      io.print("no answer: " .. tostring(err))
      return 1
    end
    if #(response.tool_calls or {}) == 0 then
      io.print(response.result)
      return 0
    end
    for _, call in ipairs(response.tool_calls) do use_tool(conversation, call) end
  end
end

return { main = main }
