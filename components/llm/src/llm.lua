-- The front door: which model, which provider, what it is asked, and what the caller gets back.
-- A call resolves a model card, opens the provider's driver through its contract and evens out the driver's answer.

local contract = require("contract")
local security = require("security")
local models = require("models")
local providers = require("providers")

local llm = {}

llm.CAPABILITY = {
  GENERATE = "generate",
  TOOL_USE = "tool_use",
  STRUCTURED_OUTPUT = "structured_output",
  EMBED = "embed",
  THINKING = "thinking",
  VISION = "vision",
  CACHING = "caching",
}

llm.FINISH_REASON = {
  STOP = "stop",
  LENGTH = "length",
  CONTENT_FILTER = "filtered",
  TOOL_CALL = "tool_call",
  ERROR = "error",
}

llm.ERROR_TYPE = {
  INVALID_REQUEST = "invalid_request",
  AUTHENTICATION = "authentication_error",
  RATE_LIMIT = "rate_limit_exceeded",
  SERVER_ERROR = "server_error",
  CONTEXT_LENGTH = "context_length_exceeded",
  CONTENT_FILTER = "content_filter",
  TIMEOUT = "timeout_error",
  MODEL_ERROR = "model_error",
}

-- Replaceable in tests.
llm._models = models
llm._providers = providers
llm._contract = contract
llm._security = security

--- False makes a model entry's own `thinking_effort` count for nothing, as in the original module.
llm.model_thinking_effort = true

local USAGE_TRACKER = "wippy.llm:usage_tracker"
local MODEL_RESOLVER = "wippy.llm:model_resolver"

-- What stands beside `options` in the contract arguments instead of inside it.
local TOP_LEVEL = { tools = true, tool_choice = true, stream = true }
-- What concerns this module alone and never reaches a driver.
local OURS = { model = true, provider_id = true }

-- Input -------------------------------------------------------------------------------------------------------------

local function messages_of(input)
  if type(input) == "string" then
    return { { role = "user", content = { { type = "text", text = input } } } }
  end
  if type(input) ~= "table" then return nil, "Invalid prompt input format" end
  if type(input.build) == "function" then return input:build().messages end
  if type(input.messages) == "table" then return input.messages end
  if type(input.get_messages) == "function" then return input:get_messages() end
  if #input > 0 then return input end
  return nil, "Invalid prompt input format"
end

local function merge_options(args, options)
  for key, value in pairs(options or {}) do
    if TOP_LEVEL[key] then
      args[key] = value
    elseif not OURS[key] then
      args.options[key] = value
    end
  end
end

local function hoist(args, key)
  if args.options[key] ~= nil then args[key] = args.options[key] end
  args.options[key] = nil
end

-- Resolution --------------------------------------------------------------------------------------------------------

-- An application may bind its own resolver; without one, or when it has no answer, the registry decides.
local function card_from_resolver(name)
  local definition = llm._contract.get(MODEL_RESOLVER)
  if not definition then return nil end
  local resolver = definition:open()
  if not resolver then return nil end
  local card = resolver:resolve({ model = name })
  return type(card) == "table" and card or nil
end

local function card_of_class(class_name)
  local cards, err = llm._models.get_by_class(class_name)
  if err then return nil, err end
  return cards and cards[1]
end

local function resolve_card(name)
  local card = card_from_resolver(name)
  if card then return card end

  local class_name = tostring(name):match("^class:(.+)$")
  if class_name then
    local of_class, err = card_of_class(class_name)
    if err then return nil, err end
    if not of_class then return nil, "No models found for class: " .. class_name end
    return of_class
  end
  local by_name = llm._models.get_by_name(name)
  if by_name then return by_name end
  local of_class = card_of_class(name)
  if of_class then return of_class end
  return nil, "Model or class not found: " .. tostring(name)
end

local function overlay(base, over)
  local merged = {}
  for key, value in pairs(base or {}) do merged[key] = value end
  for key, value in pairs(over or {}) do merged[key] = value end
  return merged
end

--- Where a call goes: the instance, the contract arguments so far, and the card (nil when `provider_id` skipped it).
local function prepare(options)
  if type(options) ~= "table" or not options.model then return nil, "Model is required in options" end
  local args = { options = {} }
  local card, provider_id, context

  if options.provider_id then
    provider_id, context = options.provider_id, {}
    args.model = options.model
  else
    local err
    card, err = resolve_card(options.model)
    if not card then return nil, err end
    local provider = card.providers and card.providers[1]
    if not provider then return nil, "Model has no configured providers: " .. tostring(card.name or options.model) end
    provider_id, context = provider.id, overlay(provider.context, provider.options)
    args.model = provider.provider_model
    if llm.model_thinking_effort then args.options.thinking_effort = card.thinking_effort end
    merge_options(args, provider.options)
    args.timeout = provider.context and provider.context.timeout
    args.retry = provider.context and provider.context.retry
  end

  args._provider_id = provider_id
  merge_options(args, options)
  hoist(args, "timeout")
  hoist(args, "retry")
  local actor = llm._security.actor()
  if actor then args.options.user = actor:id() end

  local instance, err = llm._providers.open(provider_id, context)
  if not instance then return nil, "Failed to open provider: " .. tostring(err) end
  return { instance = instance, args = args, card = card, model_name = card and card.name or options.model }
end

-- The call ----------------------------------------------------------------------------------------------------------

local function message_of(err)
  if type(err) == "string" then return err end
  local ok, message = pcall(function() return err:message() end)
  return ok and message or tostring(err)
end

--- Reports used tokens to the bound usage tracker; the id of the record, or nil without a tracker. Never fails.
function llm.track_usage(model_name, tokens, options)
  local definition = llm._contract.get(USAGE_TRACKER)
  if not definition then return nil end
  local tracker = definition:open()
  if not tracker then return nil end
  tokens, options = tokens or {}, options or {}
  local result = tracker:track_usage(
    model_name,
    tokens.prompt_tokens or 0,
    tokens.completion_tokens or 0,
    tokens.thinking_tokens or 0,
    tokens.cache_read_tokens or 0,
    tokens.cache_write_tokens or 0,
    { timestamp = options.timestamp, metadata = options.metadata }
  )
  if type(result) == "table" then return result.usage_id or result.id end
  return result
end

local function result_of(raw)
  local inner = raw.result
  if type(inner) ~= "table" then
    if inner ~= nil then return inner end
    inner = raw
  end
  if inner.content ~= nil then return inner.content end
  if inner.data ~= nil then return inner.data end
  if inner.embeddings ~= nil then return inner.embeddings end
  if raw.content ~= nil then return raw.content end
  if raw.data ~= nil then return raw.data end
  if raw.embeddings ~= nil then return raw.embeddings end
  return raw.result
end

local function tool_calls_of(raw, always)
  local calls = type(raw.result) == "table" and raw.result.tool_calls or raw.tool_calls
  if calls == nil and always then return {} end
  return calls
end

local function normalise(raw, target, options, is_generation)
  local response = {
    result = result_of(raw),
    tool_calls = tool_calls_of(raw, is_generation),
    tokens = raw.tokens or {},
    finish_reason = raw.finish_reason,
    metadata = raw.metadata or {},
  }
  local usage_id = llm.track_usage(target.model_name, response.tokens, options)
  if usage_id then response.usage_record = { usage_id = usage_id } end
  return response
end

local function failure_of(raw)
  if type(raw) ~= "table" then return "Provider returned no result" end
  if raw.success == false then return raw.error_message or raw.error or "Provider call failed" end
  return nil
end

local function run(method, target, options)
  local raw, err = target.instance[method](target.instance, target.args)
  if err then return nil, message_of(err) end
  local failure = failure_of(raw)
  if failure then return nil, message_of(failure) end
  return normalise(raw, target, options, method == "generate")
end

-- Public ------------------------------------------------------------------------------------------------------------

--- Text, and tool calls when `options.tools` are offered. Errors are plain strings.
function llm.generate(input, options)
  if type(options) ~= "table" or not options.model then return nil, "Model is required in options" end
  local messages, input_err = messages_of(input)
  if not messages then return nil, input_err end
  local target, err = prepare(options)
  if not target then return nil, err end
  target.args.messages = messages
  return run("generate", target, options)
end

--- A table that fits the JSON schema, as `result`.
function llm.structured_output(schema, input, options)
  if not schema then return nil, "Schema is required" end
  if type(options) ~= "table" or not options.model then return nil, "Model is required in options" end
  local messages, input_err = messages_of(input)
  if not messages then return nil, input_err end
  local target, err = prepare(options)
  if not target then return nil, err end
  target.args.messages = messages
  target.args.schema = schema
  return run("structured_output", target, options)
end

--- A list of vectors as `result`: one per text, also for a single text.
function llm.embed(input, options)
  local target, err = prepare(options)
  if not target then return nil, err end
  target.args.input = input
  if target.args.options.dimensions == nil and target.card then
    target.args.options.dimensions = target.card.dimensions
  end
  return run("embed", target, options)
end

--- What the provider says of itself: { success, status = "healthy|degraded|unhealthy", message }.
function llm.status(options)
  local target, err = prepare(options)
  if not target then return nil, err end
  return target.instance:status(target.args)
end

--- Model cards by name; with a capability, only those that have it.
function llm.available_models(capability)
  return llm._models.get_all(capability)
end

--- The model classes that applications describe.
function llm.get_classes()
  return llm._models.get_all_classes()
end

return llm
