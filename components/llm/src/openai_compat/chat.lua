-- Generation and structured output over Chat Completions: request, stream of chunks, result.

local json = require("json")
local output = require("output")
local openai_client = require("openai_client")
local openai_mapper = require("openai_mapper")
local compat_mapper = require("compat_mapper")

local chat = {}

-- Replaceable in tests.
chat._client = openai_client

local function fail(builder, failure)
  if openai_client.describe(failure).canceled then return nil, failure end
  return nil, builder:from(failure):build()
end

local function refusal(text)
  return {
    status_code = 400,
    message = "Request was refused: " .. tostring(text),
    error_type = output.ERROR_TYPE.CONTENT_FILTER,
  }
end

-- Whole answers -----------------------------------------------------------------------------------------------------

local function result_of(response, answer)
  return {
    success = true,
    result = { content = answer.text, tool_calls = answer.tool_calls },
    tokens = openai_mapper.map_usage(response.usage),
    finish_reason = answer.finish_reason,
    metadata = {
      response_id = response.id,
      request_id = response._http and response._http.request_id,
      thinking = answer.thinking,
    },
  }
end

-- Some servers answer 200 with an error object.
local function reported_error(body)
  local reported = body.error
  if type(reported) == "string" then return { status_code = 500, message = reported } end
  if type(reported) ~= "table" then return nil end
  return {
    status_code = tonumber(reported.code) or 500,
    message = reported.message or "Provider returned an error",
    code = reported.code,
    type = reported.type,
  }
end

local function read_whole(response, builder)
  local reported = reported_error(response)
  if reported then return fail(builder, reported) end
  local answer, failure = compat_mapper.read_choice(response)
  if not answer then return fail(builder, failure) end
  if answer.refusal then return fail(builder, refusal(answer.refusal)) end
  return result_of(response, answer)
end

-- Streams -----------------------------------------------------------------------------------------------------------

local function begin_call(state, delta, id)
  local call = { id = id, arguments = "" }
  state.calls[#state.calls + 1] = call
  state.by_id[id] = call
  if delta.index then state.by_index[delta.index] = call end
  return call
end

-- The call a delta belongs to: by id when it has one, else by index, else the last one begun. Some servers give no ids
-- at all: there, a name begins a call.
local function call_of(state, delta)
  local id = delta.id
  if id and id ~= "" then return state.by_id[id] or begin_call(state, delta, id) end
  if delta.index and state.by_index[delta.index] then return state.by_index[delta.index] end
  local fn = delta["function"]
  if fn and fn.name and fn.name ~= "" then return begin_call(state, delta, "call_" .. (#state.calls + 1)) end
  return state.calls[#state.calls]
end

local function emit_call(state, call)
  if call.emitted or not call.name then return end
  call.emitted = true
  local arguments = call.arguments == "" and "{}" or call.arguments
  state.tool_calls[#state.tool_calls + 1] = {
    id = call.id,
    name = call.name,
    arguments = openai_mapper.decode_arguments(arguments),
  }
  if state.streamer then state.streamer:send_tool_call(call.name, arguments, call.id) end
end

local function emit_calls(state)
  for _, call in ipairs(state.calls) do emit_call(state, call) end
end

-- A call is complete when the next one begins or the choice is finished; its arguments alone cannot tell, for "{}" may be
-- the beginning of nothing or the whole of it.
local function take_call_delta(state, delta)
  local before = state.calls[#state.calls]
  local call = call_of(state, delta)
  if not call then return end
  if before and call ~= before and not before.emitted then emit_call(state, before) end
  local fn = delta["function"] or {}
  if type(fn.name) == "string" and fn.name ~= "" then call.name = fn.name end
  if type(fn.arguments) == "string" then
    call.arguments = call.arguments .. fn.arguments
  elseif type(fn.arguments) == "table" then
    call.arguments = openai_mapper.arguments_text(fn.arguments)
  end
end

local function take_text(state, text)
  if type(text) ~= "string" or text == "" then return end
  state.texts[#state.texts + 1] = text
  if state.streamer then state.streamer:buffer_content(text) end
end

local function take_thinking(state, delta)
  local text = compat_mapper.thinking_of(delta)
  if not text then return end
  state.thoughts[#state.thoughts + 1] = text
  if state.streamer then state.streamer:send_thinking(text) end
end

local function take_choice(state, choice)
  local delta = choice.delta or choice.message
  if delta then
    take_text(state, delta.content)
    take_thinking(state, delta)
    for i, call_delta in ipairs(delta.tool_calls or {}) do
      -- a server that answered whole gives calls without index
      if choice.message and call_delta.index == nil then call_delta.index = i - 1 end
      take_call_delta(state, call_delta)
    end
    if type(delta.refusal) == "string" and delta.refusal ~= "" then
      state.refusal = (state.refusal or "") .. delta.refusal
    end
  end
  if choice.finish_reason then
    state.reason = choice.finish_reason
    emit_calls(state)
  end
end

local function read_events(state, stream)
  while true do
    local event, err = stream:next()
    if err then
      state.failure = err
      return
    end
    if not event then return end
    state.failure = reported_error(event)
    if state.failure then return end
    state.id = event.id or state.id
    state.usage = event.usage or state.usage
    local choice = event.choices and event.choices[1]
    if choice then take_choice(state, choice) end
    -- Usage is the last thing a server sends: do not wait for one that keeps the connection open.
    if state.reason and state.usage then return end
  end
end

local function finish_reason(state)
  if state.reason then return compat_mapper.finish_reason(state.reason) end
  return "error"
end

local function read_stream(stream, args, builder, model)
  local state = {
    texts = {}, thoughts = {}, calls = {}, by_id = {}, by_index = {}, tool_calls = {},
    streamer = output.streamer_for(args.stream),
  }
  read_events(state, stream)
  stream:close()
  if state.refusal then state.failure = refusal(state.refusal) end
  if state.failure then
    if openai_client.describe(state.failure).canceled then return nil, state.failure end
    local err = builder:from(state.failure):build()
    if state.streamer then state.streamer:send_error(err:kind(), err:message()) end
    return nil, err
  end
  emit_calls(state)
  local reason = finish_reason(state)
  if reason == "stop" and #state.tool_calls > 0 then reason = "tool_call" end
  if state.streamer then
    state.streamer:flush()
    state.streamer:send_done({ finish_reason = reason, model = model })
  end
  return {
    success = true,
    result = { content = table.concat(state.texts), tool_calls = state.tool_calls },
    tokens = openai_mapper.map_usage(state.usage),
    finish_reason = reason,
    metadata = {
      response_id = state.id,
      request_id = stream.request_id,
      thinking = #state.thoughts > 0 and table.concat(state.thoughts) or nil,
    },
  }
end

-- Public ------------------------------------------------------------------------------------------------------------

--- One generation. `settings` come from the client; the timeout is the call's own, not the environment's.
function chat.generate(args, settings)
  local builder = output.errors.generate(args):classifier(openai_mapper.classify)
  local model = settings.model or args.model
  local body, failure = compat_mapper.generate_body(args, model, settings.config.base_url)
  if not body then return fail(builder, failure) end
  openai_client.with_timeout(settings, args.timeout)
  local response, err = chat._client.request(settings, "chat", body, args.retry)
  if not response then return fail(builder, err) end
  if body.stream then return read_stream(response, args, builder, model) end
  return read_whole(response, builder)
end

--- A table that fits `args.schema`.
function chat.structured_output(args, settings)
  local builder = output.errors.structured_output(args):classifier(openai_mapper.classify)
  local problems = openai_mapper.schema_problems(args.schema)
  if #problems > 0 then
    return fail(builder, { status_code = 400, message = "Invalid schema: " .. table.concat(problems, "; ") })
  end
  local model = settings.model or args.model
  local request = { messages = args.messages, options = args.options }
  local body, failure = compat_mapper.generate_body(request, model, settings.config.base_url)
  if not body then return fail(builder, failure) end
  body.response_format = {
    type = "json_schema",
    json_schema = {
      name = openai_mapper.schema_name(args.schema, args.schema_name),
      schema = args.schema,
      strict = true,
    },
  }
  if args.timeout then openai_client.with_timeout(settings, args.timeout) end
  local response, err = chat._client.request(settings, "chat", body, args.retry)
  if not response then return fail(builder, err) end

  local answer, read_failure = compat_mapper.read_choice(response)
  if not answer then return fail(builder, read_failure) end
  if answer.refusal then return fail(builder, refusal(answer.refusal)) end
  if answer.text == "" then return fail(builder, { status_code = 500, message = "No content in response" }) end
  local decoded, decode_err = json.decode(answer.text)
  if decode_err or type(decoded) ~= "table" then
    return fail(builder, {
      status_code = 404,
      message = "Model failed to return valid JSON: " .. tostring(decode_err or answer.text),
      error_type = output.ERROR_TYPE.MODEL_ERROR,
    })
  end
  local result = result_of(response, answer)
  result.result = { data = decoded }
  return result
end

return chat
