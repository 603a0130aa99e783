-- What a driver sends and returns: stream chunks, the streamer that delivers them, and error values built from a failure.
-- Not here: what the wire looks like (mappers) and who is asked (llm).

local logger = require("logger")
local time = require("time")

local output = {}

output.TYPE = {
  CONTENT = "chunk",
  TOOL_CALL = "tool_call",
  ERROR = "error",
  THINKING = "thinking",
  DONE = "done",
}

output.ERROR_TYPE = {
  INVALID_REQUEST = "invalid_request",
  AUTHENTICATION = "authentication_error",
  RATE_LIMIT = "rate_limit_exceeded",
  SERVER_ERROR = "server_error",
  CONTEXT_LENGTH = "context_length_exceeded",
  CONTENT_FILTER = "content_filtered",
  TIMEOUT = "timeout_error",
  MODEL_ERROR = "model_error",
  NETWORK_ERROR = "network_error",
}

output.FINISH_REASON = {
  STOP = "stop",
  LENGTH = "length",
  CONTENT_FILTER = "filtered",
  TOOL_CALL = "tool_call",
  ERROR = "error",
}

--- How each error type looks to a caller of the runtime: its kind, and whether trying again may help.
output.ERROR_KIND_MAP = {
  rate_limit_exceeded = { kind = errors.RATE_LIMITED, retryable = true },
  server_error = { kind = errors.UNAVAILABLE, retryable = true },
  timeout_error = { kind = errors.TIMEOUT, retryable = true },
  network_error = { kind = errors.UNAVAILABLE, retryable = true },
  invalid_request = { kind = errors.INVALID, retryable = false },
  authentication_error = { kind = errors.PERMISSION_DENIED, retryable = false },
  model_error = { kind = errors.NOT_FOUND, retryable = false },
  context_length_exceeded = { kind = errors.INVALID, retryable = false },
  content_filtered = { kind = errors.INVALID, retryable = false },
}

--- For the application to put into the conversation after a truncated step (see `detect_truncation`).
output.TRUNCATION_MSG = "Your last response reached the output limit while calling tools. Those tool calls were cut off "
  .. "and none of them ran. Repeat the work in smaller steps: shorter arguments, fewer tool calls at a time."

-- Replaceable in tests.
output._logger = logger
output._time = time

-- Chunks ------------------------------------------------------------------------------------------------------------

function output.content(text)
  return { type = output.TYPE.CONTENT, content = text }
end

function output.thinking(text)
  return { type = output.TYPE.THINKING, content = text }
end

--- `arguments` is JSON text.
function output.tool_call(name, arguments, id)
  return { type = output.TYPE.TOOL_CALL, name = name, arguments = arguments, id = id }
end

function output.error(error_type, message, code)
  return {
    type = output.TYPE.ERROR,
    error = { type = error_type or output.ERROR_TYPE.SERVER_ERROR, message = message or "Unknown error", code = code },
  }
end

--- The last chunk of a stream that ended well; `meta` has finish_reason and model.
function output.done(meta)
  return { type = output.TYPE.DONE, meta = meta or {} }
end

--- A token count with every field present.
function output.usage(prompt, completion, thinking, cache_write, cache_read)
  return {
    prompt_tokens = prompt or 0,
    completion_tokens = completion or 0,
    thinking_tokens = thinking or 0,
    cache_write_tokens = cache_write or 0,
    cache_read_tokens = cache_read or 0,
    total_tokens = (prompt or 0) + (completion or 0) + (thinking or 0),
  }
end

local wrap_as = {
  [output.TYPE.CONTENT] = function(content) return { content = content } end,
  [output.TYPE.THINKING] = function(content) return { content = content } end,
  [output.TYPE.ERROR] = function(content) return { error = content } end,
  [output.TYPE.DONE] = function(content) return { meta = content } end,
  [output.TYPE.TOOL_CALL] = function(content)
    if type(content) ~= "table" then return { name = "unknown", arguments = content } end
    return { name = content.name, arguments = content.arguments, id = content.id }
  end,
}

--- A chunk of any type around `content`, with its usage.
function output.wrap(chunk_type, content, usage)
  local build = wrap_as[chunk_type]
  local chunk = build and build(content) or {}
  chunk.type = chunk_type
  chunk.usage = usage
  return chunk
end

-- Streaming ---------------------------------------------------------------------------------------------------------

local Streamer = {}
Streamer.__index = Streamer

local FIRST_WAIT_MS, LONGEST_WAIT_MS = 1, 100

--- Sends chunks to process `pid` on `topic` ("llm_response" by default). Text is collected until `buffer_size` bytes
--- (10; 0 holds it all until `flush`) or the end of a sentence. A full mailbox is waited for: nothing is dropped.
function output.streamer(pid, topic, buffer_size)
  if not pid then return nil, "PID is required for streamer" end
  return setmetatable({
    pid = tostring(pid),
    topic = tostring(topic or "llm_response"),
    buffer = "",
    buffer_size = buffer_size or 10,
    gone = false,
  }, Streamer)
end

--- The streamer a contract's `stream` argument asks for, or nil. `stream = true` names no receiver and asks for none.
function output.streamer_for(stream)
  if type(stream) ~= "table" or not stream.reply_to then return nil end
  return output.streamer(stream.reply_to, stream.topic, stream.buffer_size)
end

-- A receiver that ended never comes back: the answer is still collected, for the caller.
local function deliver(self, chunk)
  if self.gone then return false end
  local wait = FIRST_WAIT_MS
  while true do
    local ok, err = process.send(self.pid, self.topic, chunk)
    if ok then return true end
    if not errors.is(err, errors.RATE_LIMITED) then
      self.gone = true
      return false
    end
    output._time.sleep(wait * output._time.MILLISECOND)
    wait = math.min(wait * 2, LONGEST_WAIT_MS)
  end
end

function Streamer:send_content(text)
  return deliver(self, output.content(text))
end

function Streamer:send_thinking(text)
  return deliver(self, output.thinking(text))
end

function Streamer:send_tool_call(name, arguments, id)
  return deliver(self, output.tool_call(name, arguments, id))
end

function Streamer:send_error(error_type, message, code)
  return deliver(self, output.error(error_type, message, code))
end

function Streamer:send_done(meta)
  return deliver(self, output.done(meta))
end

--- Adds text; true when a chunk went out.
function Streamer:buffer_content(text)
  local buffer = self.buffer .. (text or "")
  self.buffer = buffer
  if self.buffer_size <= 0 then return false end
  if #buffer < self.buffer_size and not buffer:find("[%.%!%?]%s*$") then return false end
  return self:flush()
end

--- Sends what is held back; true when there was something.
function Streamer:flush()
  local text = self.buffer
  if text == "" then return false end
  self.buffer = ""
  self:send_content(text)
  return true
end

-- Errors ------------------------------------------------------------------------------------------------------------

local ErrorBuilder = {}
ErrorBuilder.__index = ErrorBuilder

function ErrorBuilder:with_contract(contract_args)
  self._contract = contract_args or {}
  return self
end

--- `fn(failure)` gives error type, message, details: how this provider's failures are read.
function ErrorBuilder:classifier(fn)
  self._classifier = fn
  return self
end

function ErrorBuilder:kind(error_type)
  self._kind = error_type
  return self
end

function ErrorBuilder:message(message)
  self._message = message
  return self
end

function ErrorBuilder:details(details)
  self._details = details
  return self
end

--- The failure to classify, as the transport gave it.
function ErrorBuilder:from(failure)
  self._failure, self._has_failure = failure, true
  return self
end

local function copy_into(target, source)
  for key, value in pairs(source or {}) do target[key] = value end
end

--- The error value, logged once. What was said about this failure is forgotten: the builder serves the next one.
function ErrorBuilder:build()
  local error_type, message, details = self._kind, self._message, {}
  if self._has_failure and self._classifier then
    local found_type, found_message, found_details = self._classifier(self._failure)
    error_type, message = error_type or found_type, message or found_message
    copy_into(details, found_details)
  end
  copy_into(details, self._details)
  self._kind, self._message, self._details, self._failure, self._has_failure = nil, nil, nil, nil, false

  details.provider = self._contract._provider_id
  details.operation = self._operation
  details.model = self._contract.model
  local as = output.ERROR_KIND_MAP[error_type or output.ERROR_TYPE.SERVER_ERROR]
    or { kind = errors.UNKNOWN, retryable = false }
  message = message or "LLM error"
  output._logger:named("llm"):error("llm provider error", {
    kind = as.kind,
    retryable = as.retryable,
    provider = details.provider,
    operation = details.operation,
    model = details.model,
    message = message,
  })
  return errors.new({ message = message, kind = as.kind, retryable = as.retryable, details = details })
end

local function builder_of(operation)
  return function(contract_args)
    return setmetatable({ _operation = operation, _contract = contract_args or {} }, ErrorBuilder)
  end
end

--- `output.errors.generate(args):classifier(fn)` is a builder for the failures of one call.
output.errors = {
  generate = builder_of("generate"),
  structured_output = builder_of("structured_output"),
  embed = builder_of("embed"),
  status = builder_of("status"),
}

-- Truncation --------------------------------------------------------------------------------------------------------

--- True when the output limit cut a response that was calling tools: those calls are incomplete.
function output.detect_truncation(response)
  if not response or response.finish_reason ~= output.FINISH_REASON.LENGTH then return false end
  return response.tool_calls ~= nil and #response.tool_calls > 0
end

return output
