-- How the OpenAI drivers reach a server: settings from context and environment, the transport, and retries.
-- The transport is the host module `openai`; what the bodies look like is the mappers' business.

local openai = require("openai")
local env = require("env")
local ctx = require("ctx")
local time = require("time")

local client = {}

-- Replaceable in tests.
client._openai = openai
client._env = env
client._ctx = ctx
client._time = time

client.DEFAULT_TIMEOUT = 600
local DEFAULT_BASE_URL = "https://api.openai.com/v1"
-- What a server that wants no key is sent: the header has to hold something.
local DUMMY_KEY = "none"

--- The environment variables of the OpenAI provider. `api` and `model` are ours: they point the same application at a
--- server of another make.
client.OPENAI = {
  api_key = "OPENAI_API_KEY",
  base_url = "OPENAI_BASE_URL",
  organization = "OPENAI_ORGANIZATION",
  timeout = "OPENAI_TIMEOUT",
  api = "OPENAI_API",
  model = "OPENAI_MODEL",
}

-- Settings ----------------------------------------------------------------------------------------------------------

local function from_env(name)
  if not name then return nil end
  local value = client._env.get(name)
  if value == nil or value == "" then return nil end
  return value
end

local function setting(context, names, key)
  local value = context[key]
  if value ~= nil and value ~= "" then return value end
  return from_env(context[key .. "_env"]) or from_env(names[key])
end

local function key_of(context, names, base_url)
  if context.api_key == nil and context.api_key_env == "none" then return DUMMY_KEY end
  local key = setting(context, names, "api_key")
  if key then return key end
  return base_url and DUMMY_KEY or nil
end

-- Where the address of the server comes from, for the error that nobody answers there. Credentials in it stay out.
local function address_of(context, names, base_url)
  if not base_url then return names.base_url .. " is not set: the server is " .. DEFAULT_BASE_URL end
  local shown = base_url:gsub("^%s*(%a[%w+.-]*://)[^/@]*@", "%1"):gsub("[?#].*$", "")
  if context.base_url == base_url then return "the provider's base_url is " .. shown end
  -- Known by its name on the system, where that leads to the same.
  local named = from_env(names.base_url) == base_url and names.base_url or context.base_url_env
  return named .. " is " .. shown
end

local APIS = { responses = true, chat = true }

--- Where and how to send this call, or nil and a failure to classify. `OPENAI_API` and `OPENAI_MODEL` describe the server of
--- `OPENAI_BASE_URL`, so a provider that names its own base_url is not touched by them.
function client.settings(names)
  local context = client._ctx.all() or {}
  local base_url = setting(context, names, "base_url")
  local key = key_of(context, names, base_url)
  if not key then
    -- One of the places where it was looked for, and the one that is there for everybody.
    local missing = names.api_key .. " is not set"
    return nil, { status_code = 401, message = "OpenAI API key is required", address = missing }
  end

  local own_server = context.base_url ~= nil and context.base_url ~= ""
  local api = context.api or (not own_server and from_env(names.api)) or "responses"
  if not APIS[api] then
    return nil, { status_code = 400, message = string.format('OPENAI_API "%s" is neither responses nor chat', api) }
  end
  return {
    config = {
      api_key = key,
      base_url = base_url or DEFAULT_BASE_URL,
      organization = setting(context, names, "organization"),
      headers = context.headers,
      timeout = tonumber(setting(context, names, "timeout")) or client.DEFAULT_TIMEOUT,
    },
    api = api,
    model = not own_server and from_env(names.model) or nil,
    address = address_of(context, names, base_url),
    retry = context.retry,
  }
end

-- Failures ----------------------------------------------------------------------------------------------------------

--- A failure as a table { message, status_code, code?, type?, param?, request_id?, address? }, whether it came as one or as an
--- error value.
function client.describe(failure)
  if type(failure) == "table" then return failure end
  if type(failure) ~= "userdata" then return { message = tostring(failure), status_code = 0 } end
  local details = failure:details() or {}
  return {
    message = failure:message(),
    status_code = details.status_code or 0,
    code = details.code,
    type = details.type,
    param = details.param,
    request_id = details.request_id,
    retry_after = details.retry_after,
    canceled = failure:kind() == errors.CANCELED,
  }
end

-- Retries -----------------------------------------------------------------------------------------------------------

local RETRIED = { [0] = true, [408] = true, [409] = true, [425] = true, [429] = true }
local MAX_ATTEMPTS, DEFAULT_BACKOFF_MS, MAX_BACKOFF_MS = 10, 500, 60000

local function is_worth_retrying(failure)
  local described = client.describe(failure)
  if described.canceled then return false end
  return RETRIED[described.status_code] or described.status_code >= 500, described.retry_after
end

local function retry_plan(retry)
  if type(retry) ~= "table" then return 0, 0 end
  local attempts = math.floor(tonumber(retry.attempts) or 0)
  local backoff = tonumber(retry.backoff_ms) or DEFAULT_BACKOFF_MS
  return math.max(0, math.min(attempts, MAX_ATTEMPTS)), math.max(0, math.min(backoff, MAX_BACKOFF_MS))
end

-- What no model server would say: nobody answered, or somebody did who is none.
local function is_about_address(described)
  local status = described.status_code
  return status == 0 or status < 300 or status == 404 or described.message == "OpenAI API error: " .. status
end

-- A request that nobody answered, or that a server did not know what to do with, failed because of its address, as far
-- as anybody can tell from here. Many servers of another make speak Chat Completions alone.
local function with_address(failure, settings, operation)
  local described = client.describe(failure)
  if described.canceled or not is_about_address(described) then return failure end
  described.address = settings.address
  if described.status_code == 404 and operation == "responses" and not tostring(described.message):lower():find("model") then
    described.address = described.address .. "; a server without /responses needs OPENAI_API=chat"
  end
  return described
end

--- One request: `operation` is a function of the host module ("responses", "chat", "embeddings", "models").
--- `retry = { attempts, backoff_ms }` counts tries beyond the first; a server that says how long to wait is believed.
function client.request(settings, operation, body, retry)
  local attempts, backoff = retry_plan(retry or settings.retry)
  local send = client._openai[operation]
  while true do
    local response, err = send(settings.config, body)
    if not err then return response end
    local worth, retry_after = is_worth_retrying(err)
    if attempts <= 0 or not worth then return nil, with_address(err, settings, operation) end
    attempts = attempts - 1
    local wait = math.min(math.max(backoff, (retry_after or 0) * 1000), MAX_BACKOFF_MS)
    client._time.sleep(wait * client._time.MILLISECOND)
    backoff = math.min(backoff * 2, MAX_BACKOFF_MS)
  end
end

--- The settings with another timeout, in seconds.
function client.with_timeout(settings, timeout)
  settings.config.timeout = tonumber(timeout) or client.DEFAULT_TIMEOUT
  return settings
end

return client
