-- Our messages, tools and options as Chat Completions wants them, and its answers as ours. Failures are classified by the
-- OpenAI mapper.

local openai_mapper = require("openai_mapper")

local mapper = {}

-- Messages ----------------------------------------------------------------------------------------------------------

local function source_url(source)
  if source.type == "url" or source.url then return source.url end
  return "data:" .. (source.mime_type or "application/octet-stream") .. ";base64," .. (source.data or "")
end

local function part_of(part)
  if part.type == "text" then return { type = "text", text = part.text or "" } end
  if part.type == "image" and part.source then
    return { type = "image_url", image_url = { url = source_url(part.source) } }
  end
  if part.type == "document" and part.source then
    return { type = "file", file = { filename = part.filename or "document", file_data = source_url(part.source) } }
  end
  return nil
end

local function parts_of(content)
  if type(content) == "string" then return { { type = "text", text = content } } end
  local parts = {}
  for _, part in ipairs(content or {}) do parts[#parts + 1] = part_of(part) end
  if #parts == 0 then parts[1] = { type = "text", text = "" } end
  return parts
end

-- The API wants all calls of a round in one assistant message and their results after it: `round` collects them until
-- somebody else speaks.
local function close_round(state)
  local round = state.round
  if not round then return end
  state.round = nil
  for _, result in ipairs(round.results) do state.out[#state.out + 1] = result end
end

local function open_round(state)
  if state.round then return state.round end
  local last = state.out[#state.out]
  if not last or last.role ~= "assistant" then
    last = { role = "assistant", content = "" }
    state.out[#state.out + 1] = last
  end
  last.tool_calls = last.tool_calls or {}
  state.round = { calls = last.tool_calls, results = {} }
  return state.round
end

local function add_call(state, message)
  local call = message.function_call
  if not call or not call.id then return end
  local round = open_round(state)
  round.calls[#round.calls + 1] = {
    id = call.id,
    type = "function",
    ["function"] = { name = call.name, arguments = openai_mapper.arguments_text(call.arguments) },
  }
end

local function add_result(state, message)
  if not message.function_call_id then return end
  local round = open_round(state)
  round.results[#round.results + 1] = {
    role = "tool",
    tool_call_id = message.function_call_id,
    content = openai_mapper.result_text(message.content),
    name = message.name,
  }
end

local function mark_cached(state)
  if not state.claude then return end
  local last = state.out[#state.out]
  for _, part in ipairs(last and type(last.content) == "table" and last.content or {}) do
    if part.type == "text" then part.cache_control = { type = "ephemeral" } end
  end
end

local SPOKEN = { system = "system", developer = "system", user = "user" }

--- The `messages` of a request. Developers speak as system; cache markers only mean something to Claude models.
function mapper.map_messages(messages, model)
  local state = { out = {}, claude = tostring(model or ""):lower():find("claude", 1, true) ~= nil }
  for _, message in ipairs(messages or {}) do
    if message.role == "function_call" then
      add_call(state, message)
    elseif message.role == "function_result" then
      add_result(state, message)
    elseif message.role == "cache_marker" then
      mark_cached(state)
    elseif message.role == "assistant" then
      close_round(state)
      state.out[#state.out + 1] = { role = "assistant", content = openai_mapper.text_of(message.content) }
    elseif SPOKEN[message.role] then
      close_round(state)
      state.out[#state.out + 1] = { role = SPOKEN[message.role], content = parts_of(message.content) }
    end
  end
  close_round(state)
  return state.out
end

-- Tools and options -------------------------------------------------------------------------------------------------

function mapper.map_tools(tools)
  local mapped = {}
  for _, tool in ipairs(openai_mapper.usable_tools(tools)) do
    mapped[#mapped + 1] = {
      type = "function",
      ["function"] = { name = tool.name, description = tool.description, parameters = tool.schema },
    }
  end
  return mapped
end

local function choice_of_one(name)
  return { type = "function", ["function"] = { name = name } }
end

--- Thinking effort 0-100 as the API's word.
function mapper.effort(thinking_effort)
  local effort = tonumber(thinking_effort) or 0
  if effort < 25 then return "low" end
  if effort < 75 then return "medium" end
  return "high"
end

function mapper.map_options(body, options)
  options = options or {}
  if options.reasoning_model_request == true then
    body.max_completion_tokens = options.max_tokens
    if options.thinking_effort ~= nil then body.reasoning_effort = mapper.effort(options.thinking_effort) end
  else
    body.max_tokens = options.max_tokens
    body.temperature = options.temperature
  end
  body.top_p = options.top_p
  body.frequency_penalty = options.frequency_penalty
  body.presence_penalty = options.presence_penalty
  body.seed = options.seed
  body.user = options.user
  body.stop = options.stop_sequences
  return body
end

--- The whole request of a generation, or nil and a failure.
function mapper.generate_body(args, model, base_url)
  local body = mapper.map_options({ model = model, messages = mapper.map_messages(args.messages, model) }, args.options)
  local tools = mapper.map_tools(args.tools)
  if #tools > 0 then
    local choice, err = openai_mapper.map_tool_choice(args.tool_choice, args.tools, choice_of_one)
    if err then return nil, err end
    body.tools, body.tool_choice = tools, choice
  end
  if type(args.stream) == "table" and args.stream.reply_to then
    body.stream = true
    body.stream_options = { include_usage = true }
  elseif tostring(base_url or ""):find("openrouter", 1, true) then
    body.usage = { include = true }
  end
  return body
end

-- Answers -----------------------------------------------------------------------------------------------------------

local FINISH = { stop = "stop", length = "length", content_filter = "filtered", tool_calls = "tool_call" }

--- Our word for the API's; what it does not know is an error.
function mapper.finish_reason(reason)
  return FINISH[reason or ""] or "error"
end

--- Thinking text from what various servers call it.
function mapper.thinking_of(message)
  local texts = {}
  for _, detail in ipairs(type(message.reasoning_details) == "table" and message.reasoning_details or {}) do
    local text = detail.text or detail.summary
    if type(text) == "string" then texts[#texts + 1] = text end
  end
  if #texts > 0 then return table.concat(texts) end
  local plain = message.reasoning_content or message.reasoning
  return type(plain) == "string" and plain ~= "" and plain or nil
end

--- Text, calls and finish reason of the first choice, or nil and a failure.
function mapper.read_choice(response)
  local choice = type(response.choices) == "table" and response.choices[1]
  local message = choice and choice.message
  if not message then return nil, { status_code = 500, message = "Invalid response: no choices" } end
  local calls = {}
  for i, call in ipairs(message.tool_calls or {}) do
    local fn = call["function"] or {}
    local id = call.id and call.id ~= "" and call.id or "call_" .. i
    calls[i] = { id = id, name = fn.name, arguments = openai_mapper.decode_arguments(fn.arguments) }
  end
  local reason = mapper.finish_reason(choice.finish_reason)
  return {
    text = type(message.content) == "string" and message.content or "",
    tool_calls = calls,
    refusal = type(message.refusal) == "string" and message.refusal ~= "" and message.refusal or nil,
    thinking = mapper.thinking_of(message),
    -- some servers say "stop" although they call tools
    finish_reason = reason == "stop" and #calls > 0 and "tool_call" or reason,
  }
end

return mapper
