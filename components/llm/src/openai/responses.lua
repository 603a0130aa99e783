-- Generation and structured output over the Responses API: request, stream of events, result.

local json = require("json")
local output = require("output")
local openai_client = require("openai_client")
local openai_mapper = require("openai_mapper")

local responses = {}

-- Replaceable in tests.
responses._client = openai_client

-- Errors ------------------------------------------------------------------------------------------------------------

-- A cancelled call stays cancelled: it is nobody's failure and is not logged as one.
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

local function metadata_of(response, answer)
  local http = response._http or {}
  return {
    response_id = response.id,
    request_id = http.request_id,
    processing_ms = http.processing_ms,
    thinking = answer.thinking,
  }
end

local function result_of(response, answer)
  local incomplete = response.incomplete_details and response.incomplete_details.reason
  return {
    success = true,
    result = { content = answer.text, tool_calls = answer.tool_calls },
    tokens = openai_mapper.map_usage(response.usage),
    finish_reason = openai_mapper.finish_reason(response.status, incomplete, #answer.tool_calls > 0),
    metadata = metadata_of(response, answer),
  }
end

local function read_whole(response, builder)
  if response.status == "failed" and type(response.error) == "table" then
    return fail(builder, {
      status_code = 500,
      message = response.error.message or "Response failed",
      code = response.error.code,
    })
  end
  local answer, failure = openai_mapper.read_output(response)
  if not answer then return fail(builder, failure) end
  if answer.refusal then return fail(builder, refusal(answer.refusal)) end
  return result_of(response, answer)
end

-- Streams -----------------------------------------------------------------------------------------------------------
-- `state` collects one streamed answer. Calls are keyed by item id, because deltas may come before their item.

local function call_of(state, key)
  local call = state.calls[key]
  if not call then
    call = { arguments = "" }
    state.calls[key] = call
  end
  return call
end

local function emit_call(state, call)
  if call.emitted or not call.call_id or not call.name then return end
  if state.emitted[call.call_id] then return end
  call.emitted, state.emitted[call.call_id] = true, true
  local arguments = call.arguments == "" and "{}" or call.arguments
  state.tool_calls[#state.tool_calls + 1] = {
    id = call.call_id,
    name = call.name,
    arguments = openai_mapper.decode_arguments(arguments),
  }
  if state.streamer then state.streamer:send_tool_call(call.name, arguments, call.call_id) end
end

local function update_call(state, item)
  local call = call_of(state, item.id or item.call_id)
  call.call_id = item.call_id or call.call_id or item.id
  call.name = item.name or call.name
  if type(item.arguments) == "string" and item.arguments ~= "" then call.arguments = item.arguments end
  return call
end

local function finish(state, event)
  local response = event.response or {}
  state.id = response.id or state.id
  state.status = response.status or (event.type == "response.incomplete" and "incomplete") or "completed"
  state.usage = response.usage
  state.incomplete = response.incomplete_details and response.incomplete_details.reason
  state.finished = true
end

local function note_start(state, event)
  local response = event.response or {}
  state.id, state.status = response.id or state.id, response.status
end

local function stop_with(state, event)
  local reported = event.error or (event.response and event.response.error) or event
  state.failure = {
    status_code = 500,
    message = reported.message or "Stream failed",
    code = reported.code,
    param = reported.param,
  }
end

local ON = {
  ["response.created"] = note_start,
  ["response.in_progress"] = note_start,
  ["response.output_text.delta"] = function(state, event)
    local delta = event.delta
    if type(delta) ~= "string" or delta == "" then return end
    state.texts[#state.texts + 1] = delta
    if state.streamer then state.streamer:buffer_content(delta) end
  end,
  ["response.reasoning_summary_text.delta"] = function(state, event)
    local delta = event.delta
    if type(delta) ~= "string" or delta == "" then return end
    state.thoughts[#state.thoughts + 1] = delta
    if state.streamer then state.streamer:send_thinking(delta) end
  end,
  ["response.output_item.added"] = function(state, event)
    if event.item and event.item.type == "function_call" then update_call(state, event.item) end
  end,
  ["response.output_item.done"] = function(state, event)
    if event.item and event.item.type == "function_call" then emit_call(state, update_call(state, event.item)) end
  end,
  ["response.function_call_arguments.delta"] = function(state, event)
    if not event.item_id then return end
    local call = call_of(state, event.item_id)
    call.arguments = call.arguments .. (event.delta or "")
  end,
  ["response.function_call_arguments.done"] = function(state, event)
    if not event.item_id then return end
    local call = call_of(state, event.item_id)
    call.arguments = event.arguments or call.arguments
    call.name = event.name or call.name
    emit_call(state, call)
  end,
  ["response.completed"] = finish,
  ["response.incomplete"] = finish,
  ["response.failed"] = stop_with,
  ["response.error"] = stop_with,
  error = stop_with,
}

-- A server that does not stream answers with the whole response as one event.
local function whole_response(event)
  return event.type == nil and type(event.output) == "table"
end

local function replay_whole(state, event)
  for _, item in ipairs(event.output) do
    if item.type == "function_call" then emit_call(state, update_call(state, item)) end
  end
  local answer = openai_mapper.read_output(event)
  state.refusal = answer.refusal
  ON["response.output_text.delta"](state, { delta = answer.text })
  finish(state, { response = event })
end

local function read_events(state, stream)
  while not state.finished and not state.failure do
    local event, err = stream:next()
    if err then
      state.failure = err
      return
    end
    if not event then return end
    if whole_response(event) then
      replay_whole(state, event)
    else
      local handle = ON[event.type]
      if handle then handle(state, event) end
    end
  end
end

local function stream_failure(state, builder)
  if openai_client.describe(state.failure).canceled then return nil, state.failure end
  local err = builder:from(state.failure):build()
  if state.streamer then state.streamer:send_error(err:kind(), err:message()) end
  return nil, err
end

local function read_stream(stream, args, builder, model)
  local state = {
    texts = {}, thoughts = {}, calls = {}, emitted = {}, tool_calls = {},
    streamer = output.streamer_for(args.stream),
  }
  read_events(state, stream)
  stream:close()
  if state.refusal then state.failure = refusal(state.refusal) end
  if state.failure then return stream_failure(state, builder) end

  local finish_reason = openai_mapper.finish_reason(state.status, state.incomplete, #state.tool_calls > 0)
  if state.streamer then
    state.streamer:flush()
    state.streamer:send_done({ finish_reason = finish_reason, model = model })
  end
  return {
    success = true,
    result = { content = table.concat(state.texts), tool_calls = state.tool_calls },
    tokens = openai_mapper.map_usage(state.usage),
    finish_reason = finish_reason,
    metadata = {
      response_id = state.id,
      request_id = stream.request_id,
      thinking = #state.thoughts > 0 and table.concat(state.thoughts) or nil,
    },
  }
end

-- Public ------------------------------------------------------------------------------------------------------------

--- One generation. `settings` come from the client; the timeout is the call's own, not the environment's.
function responses.generate(args, settings)
  local builder = output.errors.generate(args):classifier(openai_mapper.classify)
  local model = settings.model or args.model
  local body, failure = openai_mapper.generate_body(args, model)
  if not body then return fail(builder, failure) end
  local streaming = type(args.stream) == "table" and args.stream.reply_to ~= nil
  if streaming then body.stream = true end

  openai_client.with_timeout(settings, args.timeout)
  local response, err = responses._client.request(settings, "responses", body, args.retry)
  if not response then return fail(builder, err) end
  if streaming then return read_stream(response, args, builder, model) end
  return read_whole(response, builder)
end

local function first_text(answer)
  return answer.text ~= "" and answer.text or nil
end

--- A table that fits `args.schema`.
function responses.structured_output(args, settings)
  local builder = output.errors.structured_output(args):classifier(openai_mapper.classify)
  local problems = openai_mapper.schema_problems(args.schema)
  if #problems > 0 then
    return fail(builder, { status_code = 400, message = "Invalid schema: " .. table.concat(problems, "; ") })
  end
  local body, failure = openai_mapper.generate_body({ messages = args.messages, options = args.options }, settings.model or args.model)
  if not body then return fail(builder, failure) end
  body.text = {
    format = {
      type = "json_schema",
      name = openai_mapper.schema_name(args.schema, args.schema_name),
      schema = args.schema,
      strict = true,
    },
  }
  if args.timeout then openai_client.with_timeout(settings, args.timeout) end
  local response, err = responses._client.request(settings, "responses", body, args.retry)
  if not response then return fail(builder, err) end

  local answer, output_failure = openai_mapper.read_output(response)
  if not answer then return fail(builder, output_failure) end
  if answer.refusal then return fail(builder, refusal(answer.refusal)) end
  local text = first_text(answer)
  if not text then return fail(builder, { status_code = 500, message = "No content in Responses API response" }) end
  local decoded, decode_err = json.decode(text)
  if decode_err or type(decoded) ~= "table" then
    return fail(builder, {
      status_code = 404,
      message = "Model failed to return valid JSON: " .. tostring(decode_err or text),
      error_type = output.ERROR_TYPE.MODEL_ERROR,
    })
  end
  local result = result_of(response, answer)
  result.result = { data = decoded }
  return result
end

return responses
