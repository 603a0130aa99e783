-- Our messages, tools and options as the Responses API wants them, and its answers and failures as ours.

local json = require("json")
local hash = require("hash")
local output = require("output")
local openai_client = require("openai_client")

local mapper = {}

-- Messages ----------------------------------------------------------------------------------------------------------

local function source_url(source)
  if source.type == "url" or source.url then return source.url end
  return "data:" .. (source.mime_type or "application/octet-stream") .. ";base64," .. (source.data or "")
end

local function input_part(part)
  if part.type == "text" then return { type = "input_text", text = part.text or "" } end
  if not part.source then return nil end
  if part.type == "image" then return { type = "input_image", image_url = source_url(part.source) } end
  if part.type == "document" then
    return { type = "input_file", filename = part.filename or "document", file_data = source_url(part.source) }
  end
  return nil
end

--- All text parts of a message's content, which may be a plain string, joined.
function mapper.text_of(content, separator)
  if type(content) == "string" then return content end
  local texts = {}
  for _, part in ipairs(content or {}) do
    if part.type == "text" and part.text then texts[#texts + 1] = part.text end
  end
  return table.concat(texts, separator or "\n")
end

local function user_item(message)
  local parts = {}
  if type(message.content) == "string" then
    parts[1] = { type = "input_text", text = message.content }
  else
    for _, part in ipairs(message.content or {}) do parts[#parts + 1] = input_part(part) end
  end
  if #parts == 0 then parts[1] = { type = "input_text", text = "" } end
  return { type = "message", role = "user", content = parts }
end

local function assistant_item(message)
  local text = mapper.text_of(message.content)
  if text == "" then return nil end
  return { type = "message", role = "assistant", content = { { type = "output_text", text = text } } }
end

--- Arguments of a call as JSON text; a table without fields is an object.
function mapper.arguments_text(arguments)
  if type(arguments) == "string" then return arguments == "" and "{}" or arguments end
  if type(arguments) ~= "table" or next(arguments) == nil then return "{}" end
  return json.encode(arguments)
end

--- What a tool answered as text: its first text part, or the content as JSON.
function mapper.result_text(content)
  if type(content) == "string" then return content end
  local first = content and content[1]
  if first and type(first.text) == "string" then return first.text end
  return json.encode(content or {})
end

local function call_item(message)
  local call = message.function_call
  if not call or not call.id then return nil end
  return {
    type = "function_call",
    call_id = call.id,
    name = call.name,
    arguments = mapper.arguments_text(call.arguments),
  }
end

local function result_item(message)
  if not message.function_call_id then return nil end
  return {
    type = "function_call_output",
    call_id = message.function_call_id,
    output = mapper.result_text(message.content),
  }
end

local ITEM_OF = {
  user = user_item,
  assistant = assistant_item,
  function_call = call_item,
  function_result = result_item,
}

--- `input` items and `instructions` (nil when nothing instructs). Roles without a form, cache markers too, are left out.
function mapper.map_messages(messages)
  local input, instructions = {}, {}
  for _, message in ipairs(messages or {}) do
    if message.role == "system" or message.role == "developer" then
      local text = mapper.text_of(message.content, "\n\n")
      if text ~= "" then instructions[#instructions + 1] = text end
    elseif ITEM_OF[message.role] then
      input[#input + 1] = ITEM_OF[message.role](message)
    end
  end
  return input, #instructions > 0 and table.concat(instructions, "\n\n") or nil
end

-- Tools and options -------------------------------------------------------------------------------------------------

--- The tools that are whole; one without name, description or schema is not offered.
function mapper.usable_tools(tools)
  local usable = {}
  for _, tool in ipairs(tools or {}) do
    if tool.name and tool.description and tool.schema then usable[#usable + 1] = tool end
  end
  return usable
end

function mapper.map_tools(tools, strict)
  local mapped = {}
  for _, tool in ipairs(mapper.usable_tools(tools)) do
    mapped[#mapped + 1] = {
      type = "function",
      name = tool.name,
      description = tool.description,
      parameters = tool.schema,
      strict = strict == true,
    }
  end
  return mapped
end

local CHOICES = { auto = "auto", none = "none", any = "required" }

--- The wire form of a choice. `named(name)` makes the form that demands one tool. Second value: a failure.
function mapper.map_tool_choice(choice, tools, named)
  if choice == nil or choice == "" then return "auto" end
  if CHOICES[choice] then return CHOICES[choice] end
  for _, tool in ipairs(mapper.usable_tools(tools)) do
    if tool.name == choice then return named(choice) end
  end
  return nil, { status_code = 400, message = "Tool '" .. tostring(choice) .. "' not found in available tools" }
end

local function choice_of_one(name)
  return { type = "function", name = name }
end

--- Thinking effort 0-100 as the API's word.
function mapper.effort(thinking_effort)
  local effort = tonumber(thinking_effort) or 0
  if effort <= 0 then return "minimal" end
  if effort < 25 then return "low" end
  if effort < 60 then return "medium" end
  if effort < 90 then return "high" end
  return "xhigh"
end

--- Puts what the options ask for into a request. A reasoning model takes an effort instead of sampling settings.
function mapper.map_options(body, options)
  options = options or {}
  body.max_output_tokens = options.max_tokens
  if options.reasoning_model_request == true then
    if options.thinking_effort ~= nil then body.reasoning = { effort = mapper.effort(options.thinking_effort) } end
  else
    body.temperature = options.temperature
    body.top_p = options.top_p
  end
  body.user = options.user
  body.parallel_tool_calls = options.parallel_tool_calls
  body.store = options.store
  return body
end

--- The whole request of a generation, or nil and a failure.
function mapper.generate_body(args, model)
  local input, instructions = mapper.map_messages(args.messages)
  local body = mapper.map_options({ model = model, input = input, instructions = instructions }, args.options)
  local tools = mapper.map_tools(args.tools, args.options and args.options.strict_tools)
  if #tools > 0 then
    local choice, err = mapper.map_tool_choice(args.tool_choice, args.tools, choice_of_one)
    if err then return nil, err end
    body.tools, body.tool_choice = tools, choice
  end
  return body
end

-- Structured output -------------------------------------------------------------------------------------------------

local function listed(list, wanted)
  for _, item in ipairs(list or {}) do
    if item == wanted then return true end
  end
  return false
end

--- What the API would refuse in a schema for strict output, as a list of sentences; empty when it is fine.
function mapper.schema_problems(schema)
  if type(schema) ~= "table" then return { "schema must be a table" } end
  local problems = {}
  if schema.type ~= "object" then problems[#problems + 1] = "root type must be object" end
  if schema.additionalProperties ~= false then
    problems[#problems + 1] = "additionalProperties must be false"
  end
  local missing = {}
  for name in pairs(schema.properties or {}) do
    if not listed(schema.required, name) then missing[#missing + 1] = tostring(name) end
  end
  table.sort(missing)
  if #missing > 0 then
    problems[#problems + 1] = "all properties must be required (missing: " .. table.concat(missing, ", ") .. ")"
  end
  return problems
end

--- A name for a schema that has none: the same schema has the same name.
function mapper.schema_name(schema, name)
  if name and name ~= "" then return name end
  return "schema_" .. hash.sha256(json.encode(schema)):sub(1, 16)
end

-- Answers -----------------------------------------------------------------------------------------------------------

--- Tokens as callers know them: prompt_tokens without what came from the provider's cache. Nil without usage.
function mapper.map_usage(usage)
  if type(usage) ~= "table" then return nil end
  local input = usage.input_tokens or usage.prompt_tokens or 0
  local completion = usage.output_tokens or usage.completion_tokens or 0
  local input_details = usage.input_tokens_details or usage.prompt_tokens_details or {}
  local output_details = usage.output_tokens_details or usage.completion_tokens_details or {}
  local cached = input_details.cached_tokens or 0
  local fresh = input - cached
  local written = cached > 0 and fresh or 0
  return {
    prompt_tokens = fresh,
    completion_tokens = completion,
    total_tokens = usage.total_tokens or (input + completion),
    thinking_tokens = output_details.reasoning_tokens or 0,
    cache_read_tokens = cached,
    cache_write_tokens = written,
    cache_read_input_tokens = cached,
    cache_creation_input_tokens = written,
  }
end

--- Why it stopped, from the response's status and whether tools were called.
function mapper.finish_reason(status, incomplete_reason, has_calls)
  if status == "incomplete" then return incomplete_reason == "content_filter" and "filtered" or "length" end
  if status == "failed" or status == "cancelled" then return "error" end
  return has_calls and "tool_call" or "stop"
end

--- Arguments as the model wrote them, as a table; what does not decode is an empty one.
function mapper.decode_arguments(text)
  if type(text) == "table" then return text end
  if type(text) ~= "string" or text == "" then return {} end
  local decoded = json.decode(text)
  return type(decoded) == "table" and decoded or {}
end

local function read_message(item, answer)
  for _, part in ipairs(item.content or {}) do
    if part.type == "output_text" then
      answer.texts[#answer.texts + 1] = part.text or ""
    elseif part.type == "refusal" then
      answer.refusal = part.refusal or ""
    end
  end
end

local function read_call(item, answer)
  answer.tool_calls[#answer.tool_calls + 1] = {
    id = item.call_id or item.id,
    name = item.name,
    arguments = mapper.decode_arguments(item.arguments),
  }
end

local function read_reasoning(item, answer)
  for _, part in ipairs(item.summary or {}) do
    if part.text then answer.thoughts[#answer.thoughts + 1] = part.text end
  end
  for _, part in ipairs(item.content or {}) do
    if part.text then answer.thoughts[#answer.thoughts + 1] = part.text end
  end
end

local READ = { message = read_message, function_call = read_call, reasoning = read_reasoning }

--- The output items of a response, gathered: text, tool_calls, thinking?, refusal?. Nil and a failure without any.
function mapper.read_output(response)
  if type(response.output) ~= "table" then
    return nil, { status_code = 500, message = "Invalid Responses API response: no output" }
  end
  local answer = { texts = {}, tool_calls = {}, thoughts = {} }
  for _, item in ipairs(response.output) do
    local read = READ[item.type]
    if read then read(item, answer) end
  end
  return {
    text = table.concat(answer.texts),
    tool_calls = answer.tool_calls,
    thinking = #answer.thoughts > 0 and table.concat(answer.thoughts) or nil,
    refusal = answer.refusal,
  }
end

-- Failures ----------------------------------------------------------------------------------------------------------

local TYPE_OF_STATUS = {
  [400] = output.ERROR_TYPE.INVALID_REQUEST,
  [401] = output.ERROR_TYPE.AUTHENTICATION,
  [403] = output.ERROR_TYPE.AUTHENTICATION,
  [404] = output.ERROR_TYPE.MODEL_ERROR,
  [429] = output.ERROR_TYPE.RATE_LIMIT,
}

-- What a message says is more exact than its status: first match wins.
local TYPE_OF_TEXT = {
  { "context length", output.ERROR_TYPE.CONTEXT_LENGTH },
  { "maximum.*tokens", output.ERROR_TYPE.CONTEXT_LENGTH },
  { "string too long", output.ERROR_TYPE.CONTEXT_LENGTH },
  { "content policy", output.ERROR_TYPE.CONTENT_FILTER },
  { "content filter", output.ERROR_TYPE.CONTENT_FILTER },
  { "timeout", output.ERROR_TYPE.TIMEOUT },
  { "timed out", output.ERROR_TYPE.TIMEOUT },
  { "network", output.ERROR_TYPE.NETWORK_ERROR },
  { "connection", output.ERROR_TYPE.NETWORK_ERROR },
}

--- Error type, message and details of a failure: the classifier of both OpenAI drivers.
function mapper.classify(failure)
  local described = openai_client.describe(failure)
  local status = described.status_code or 0
  local message = described.message or ("OpenAI API error: " .. tostring(status))
  local error_type = described.error_type or TYPE_OF_STATUS[status] or output.ERROR_TYPE.SERVER_ERROR
  if not described.error_type then
    local lower = message:lower()
    for _, rule in ipairs(TYPE_OF_TEXT) do
      if lower:find(rule[1]) then
        error_type = rule[2]
        break
      end
    end
  end
  -- After the rules above, which are not about addresses.
  if described.address then message = string.format("%s (%s)", message, described.address) end
  return error_type,
    message,
    {
      status_code = status,
      code = described.code,
      type = described.type,
      param = described.param,
      request_id = described.request_id,
    }
end

return mapper
