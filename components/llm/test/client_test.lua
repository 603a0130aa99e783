-- Settings from context and environment, and retries.

local test = require("test")
local client = require("openai_client")

local originals = { client._openai, client._env, client._ctx, client._time }
local variables, context, waits

local function use()
  variables, context, waits = {}, {}, {}
  client._env = { get = function(name) return variables[name] end }
  client._ctx = { all = function() return context end }
  client._time = { MILLISECOND = 1, sleep = function(wait) waits[#waits + 1] = wait end }
end

local function restore()
  client._openai, client._env, client._ctx, client._time = originals[1], originals[2], originals[3], originals[4]
end

local function settings()
  return client.settings(client.OPENAI)
end

local function failing(times, failure)
  local calls = 0
  local function send()
    calls = calls + 1
    if calls <= times then return nil, failure end
    return { ok = true }
  end
  client._openai = { chat = send, responses = send }
  return function() return calls end
end

local function define()
  describe("settings", function()
    before_each(use)
    after_each(restore)

    it("need a key", function()
      local found, failure = settings()
      test.is_nil(found)
      test.eq(failure.message, "OpenAI API key is required")
      test.eq(failure.address, "OPENAI_API_KEY is not set")
      test.eq(failure.status_code, 401)
    end)

    it("come from context before environment before defaults", function()
      variables.OPENAI_API_KEY = "env-key"
      test.eq(settings().config.api_key, "env-key")
      test.eq(settings().config.base_url, "https://api.openai.com/v1")
      test.eq(settings().config.timeout, 600)
      variables["my:key"] = "named-key"
      context.api_key_env = "my:key"
      test.eq(settings().config.api_key, "named-key")
      context.api_key = "given-key"
      test.eq(settings().config.api_key, "given-key")
      context.timeout, context.headers = 5, { ["X-A"] = "1" }
      test.eq(settings().config.timeout, 5)
      test.eq(settings().config.headers["X-A"], "1")
    end)

    it("take an empty variable for none", function()
      variables.OPENAI_API_KEY = ""
      test.is_nil(settings())
    end)

    it("send a dummy key to a server of one's own", function()
      variables.OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
      test.eq(settings().config.api_key, "none")
    end)

    it("never send the real key when the key is none", function()
      variables.OPENAI_API_KEY = "secret"
      context.api_key_env, context.base_url = "none", "http://127.0.0.1:1/v1"
      test.eq(settings().config.api_key, "none")
    end)

    it("choose API and model of the server by environment", function()
      variables.OPENAI_API_KEY = "k"
      test.eq(settings().api, "responses")
      test.is_nil(settings().model)
      variables.OPENAI_API, variables.OPENAI_MODEL = "chat", "qwen3"
      test.eq(settings().api, "chat")
      test.eq(settings().model, "qwen3")
    end)

    it("leave a provider with its own base_url alone", function()
      variables.OPENAI_API_KEY, variables.OPENAI_API, variables.OPENAI_MODEL = "k", "chat", "qwen3"
      context.base_url = "http://127.0.0.1:1/v1"
      test.eq(settings().api, "responses")
      test.is_nil(settings().model)
      context.api = "chat"
      test.eq(settings().api, "chat")
    end)

    it("say where the address comes from, without what is secret in it", function()
      variables.OPENAI_API_KEY = "k"
      test.eq(settings().address, "OPENAI_BASE_URL is not set: the server is https://api.openai.com/v1")
      variables.OPENAI_BASE_URL = "http://ann:pass@host:1/v1"
      test.eq(settings().address, "OPENAI_BASE_URL is http://host:1/v1")
      variables.OPENAI_BASE_URL = "http://host:1/v1?key=secret"
      test.eq(settings().address, "OPENAI_BASE_URL is http://host:1/v1")
      variables["my:url"], context.base_url_env = "http://other/v1", "my:url"
      test.eq(settings().address, "my:url is http://other/v1")
      context.base_url = "http://third/v1"
      test.eq(settings().address, "the provider's base_url is http://third/v1")
    end)

    it("refuse an API nobody speaks", function()
      variables.OPENAI_API_KEY, variables.OPENAI_API = "k", "soap"
      local found, failure = settings()
      test.is_nil(found)
      test.contains(failure.message, '"soap"')
    end)
  end)

  describe("requests", function()
    before_each(use)
    after_each(restore)

    local function request(retry)
      return client.request({ config = {} }, "chat", {}, retry)
    end

    it("are tried once unless told otherwise", function()
      local calls = failing(1, { status_code = 500, message = "x" })
      local response, failure = request()
      test.is_nil(response)
      test.eq(failure.status_code, 500)
      test.eq(calls(), 1)
    end)

    it("are tried again with doubled waits", function()
      local calls = failing(3, { status_code = 429, message = "x" })
      test.is_true(request({ attempts = 3, backoff_ms = 100 }).ok)
      test.eq(calls(), 4)
      test.eq(table.concat(waits, ","), "100,200,400")
    end)

    it("that nobody answers carry the address, others do not", function()
      local function failure_of(failure)
        failing(1, failure)
        local _, err = client.request({ config = {}, address = "OPENAI_BASE_URL is x" }, "chat", {})
        return err
      end
      test.eq(failure_of({ status_code = 0, message = "Connection failed: x" }).address, "OPENAI_BASE_URL is x")
      test.is_nil(failure_of({ status_code = 0, message = "canceled", canceled = true }).address)
      test.is_nil(failure_of({ status_code = 401, message = "no" }).address)
    end)

    it("that no model server could have answered so carry it too", function()
      local function message_of(failure, operation)
        failing(1, failure)
        local _, err = client.request({ config = {}, address = "OPENAI_BASE_URL is x" }, operation, {})
        return err.address
      end
      local hint = "OPENAI_BASE_URL is x; a server without /responses needs OPENAI_API=chat"
      local unexplained = { status_code = 404, message = "OpenAI API error: 404" }
      test.eq(message_of(unexplained, "responses"), hint)
      test.eq(message_of(unexplained, "chat"), "OPENAI_BASE_URL is x")
      local unknown_model = { status_code = 404, message = "model 'x' not found" }
      test.eq(message_of(unknown_model, "responses"), "OPENAI_BASE_URL is x")
      test.eq(message_of({ status_code = 502, message = "OpenAI API error: 502" }, "responses"), "OPENAI_BASE_URL is x")
      test.eq(message_of({ status_code = 200, message = "Failed to parse: x" }, "chat"), "OPENAI_BASE_URL is x")
      test.is_nil(message_of({ status_code = 500, message = "overloaded" }, "chat"))
    end)

    it("wait as long as the server says", function()
      failing(1, { status_code = 503, message = "x", retry_after = 3 })
      request({ attempts = 1, backoff_ms = 10 })
      test.eq(waits[1], 3000)
    end)

    it("are not repeated when that cannot help", function()
      local calls = failing(1, { status_code = 401, message = "x" })
      test.is_nil((request({ attempts = 5 })))
      test.eq(calls(), 1)
    end)

    it("are bounded in number", function()
      local calls = failing(100, { status_code = 0, message = "x" })
      request({ attempts = 99, backoff_ms = 0 })
      test.eq(calls(), 11)
    end)
  end)
end

return { run_tests = test.run_cases(define) }
