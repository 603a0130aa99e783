-- The front door: input forms, resolution, contract arguments, normalised answers.

local test = require("test")
local llm = require("llm")
local prompt = require("prompt")

local CARD = {
  name = "big",
  providers = {
    {
      id = "prov:one",
      provider_model = "wire-name",
      options = { temperature = 0.5, reasoning_model_request = true, timeout = 30 },
      context = { region = "north", retry = { attempts = 2 } },
    },
  },
  dimensions = 8,
  thinking_effort = 10,
}

local asked, opened, answer
local originals = { llm._models, llm._providers, llm._contract, llm._security }

local function instance()
  local function method(name)
    return function(_, args)
      asked = { method = name, args = args }
      if answer.err then return nil, answer.err end
      return answer.value
    end
  end
  return {
    generate = method("generate"),
    structured_output = method("structured_output"),
    embed = method("embed"),
    status = method("status"),
  }
end

local function use(overrides)
  overrides = overrides or {}
  llm._models = {
    get_by_name = function(name)
      if name == "big" then return CARD end
      if name == "bare" then return { name = "bare", providers = {} } end
      return nil, "No model found with name: " .. name
    end,
    get_by_class = function(name) return name == "fast" and { CARD } or {} end,
    get_all = function(capability) return { capability } end,
    get_all_classes = function() return {} end,
  }
  llm._providers = {
    open = function(id, context)
      opened = { id = id, context = context }
      if overrides.open_error then return nil, overrides.open_error end
      return instance()
    end,
  }
  llm._contract = overrides.contract or { get = function() return nil, "none" end }
  llm._security = { actor = function() return overrides.actor end }
  answer = { value = { success = true, result = { content = "hi" } } }
end

local function restore()
  llm._models, llm._providers, llm._contract, llm._security = originals[1], originals[2], originals[3], originals[4]
end

local function define()
  describe("input", function()
    before_each(use)
    after_each(restore)

    local function texts_for(input)
      llm.generate(input, { model = "big" })
      return asked.args.messages
    end

    it("may be text, a builder, a table of messages or a list", function()
      test.eq(texts_for("hello")[1].content[1].text, "hello")
      test.eq(texts_for(prompt.new():add_user("b"))[1].content[1].text, "b")
      test.eq(texts_for({ messages = { { role = "user" } } })[1].role, "user")
      test.eq(texts_for({ { role = "assistant" } })[1].role, "assistant")
    end)

    it("may be nothing else", function()
      local _, err = llm.generate({}, { model = "big" })
      test.eq(err, "Invalid prompt input format")
      _, err = llm.generate(nil, { model = "big" })
      test.eq(err, "Invalid prompt input format")
    end)

    it("needs a model", function()
      local _, err = llm.generate("x")
      test.eq(err, "Model is required in options")
      _, err = llm.generate("x", {})
      test.eq(err, "Model is required in options")
    end)
  end)

  describe("resolution", function()
    before_each(use)
    after_each(restore)

    it("finds models by name, class name and class prefix", function()
      for _, name in ipairs({ "big", "fast", "class:fast" }) do
        asked = nil
        llm.generate("x", { model = name })
        test.eq(asked and asked.args.model, "wire-name", name)
      end
    end)

    it("says what it did not find", function()
      local _, err = llm.generate("x", { model = "none" })
      test.eq(err, "Model or class not found: none")
      _, err = llm.generate("x", { model = "class:none" })
      test.eq(err, "No models found for class: none")
      _, err = llm.generate("x", { model = "bare" })
      test.eq(err, "Model has no configured providers: bare")
    end)

    it("asks a bound resolver first", function()
      local card = { name = "r", providers = { { id = "prov:r", provider_model = "rm" } } }
      use({
        contract = {
          get = function(id)
            if id ~= "wippy.llm:model_resolver" then return nil end
            return {
              open = function()
                return { resolve = function(_, input) return input.model == "big" and card or nil end }
              end,
            }
          end,
        },
      })
      llm.generate("x", { model = "big" })
      test.eq(opened.id, "prov:r")
      llm.generate("x", { model = "fast" })
      test.eq(opened.id, "prov:one")
    end)

    it("can be skipped by naming a provider", function()
      llm.generate("x", { model = "raw", provider_id = "prov:direct" })
      test.eq(opened.id, "prov:direct")
      test.eq(asked.args.model, "raw")
      test.eq(asked.args._provider_id, "prov:direct")
      test.is_nil(next(opened.context))
    end)

    it("reports a provider that does not open", function()
      use({ open_error = "closed" })
      local _, err = llm.generate("x", { model = "big" })
      test.eq(err, "Failed to open provider: closed")
    end)
  end)

  describe("contract arguments", function()
    before_each(use)
    after_each(restore)

    it("put the caller over the provider over the model", function()
      llm.generate("x", { model = "big", temperature = 0.9, max_tokens = 7, tools = { "t" }, tool_choice = "any" })
      local args = asked.args
      test.eq(args.options.temperature, 0.9)
      test.eq(args.options.max_tokens, 7)
      test.is_true(args.options.reasoning_model_request)
      test.eq(args.options.thinking_effort, 10)
      test.eq(args.tools[1], "t")
      test.eq(args.tool_choice, "any")
      test.is_nil(args.options.tools)
      test.is_nil(args.options.model)
    end)

    it("lift timeout and retry out of the options", function()
      llm.generate("x", { model = "big" })
      test.eq(asked.args.timeout, 30)
      test.eq(asked.args.retry.attempts, 2)
      test.is_nil(asked.args.options.timeout)
      llm.generate("x", { model = "big", timeout = 5 })
      test.eq(asked.args.timeout, 5)
    end)

    it("give the provider its context with the options over it", function()
      llm.generate("x", { model = "big" })
      test.eq(opened.context.region, "north")
      test.eq(opened.context.temperature, 0.5)
    end)

    it("name the actor as user, in the request alone", function()
      use({ actor = { id = function() return "user:1" end } })
      local options = { model = "big" }
      llm.generate("x", options)
      test.eq(asked.args.options.user, "user:1")
      test.is_nil(options.user)
    end)

    it("leave the model's own effort out when told to", function()
      llm.model_thinking_effort = false
      llm.generate("x", { model = "big" })
      llm.model_thinking_effort = true
      test.is_nil(asked.args.options.thinking_effort)
    end)
  end)

  describe("answers", function()
    before_each(use)
    after_each(restore)

    it("of a generation always have tool calls, tokens and metadata", function()
      local response = llm.generate("x", { model = "big" })
      test.eq(response.result, "hi")
      test.len(response.tool_calls, 0)
      test.is_table(response.tokens)
      test.is_table(response.metadata)
    end)

    it("of structured output are a table", function()
      answer.value = { success = true, result = { data = { a = 1 } } }
      local response = llm.structured_output({ type = "object" }, "x", { model = "big" })
      test.eq(response.result.a, 1)
      test.is_nil(response.tool_calls)
      local _, err = llm.structured_output(nil, "x", { model = "big" })
      test.eq(err, "Schema is required")
    end)

    it("of embeddings are a list of vectors, with the card's dimensions asked for", function()
      answer.value = { success = true, result = { embeddings = { { 1, 2 } } } }
      local response = llm.embed("x", { model = "big" })
      test.eq(response.result[1][2], 2)
      test.eq(asked.args.options.dimensions, 8)
      llm.embed("x", { model = "big", dimensions = 3 })
      test.eq(asked.args.options.dimensions, 3)
    end)

    it("that failed are a plain string", function()
      answer.err = errors.new({ message = "no luck", kind = errors.UNAVAILABLE })
      local response, err = llm.generate("x", { model = "big" })
      test.is_nil(response)
      test.eq(err, "no luck")
    end)

    it("that carry success = false failed too", function()
      answer.value = { success = false, error = "server_error", error_message = "went wrong" }
      local _, err = llm.generate("x", { model = "big" })
      test.eq(err, "went wrong")
    end)

    it("are reported to a bound usage tracker", function()
      local seen
      use({
        contract = {
          get = function(id)
            if id ~= "wippy.llm:usage_tracker" then return nil end
            return {
              open = function()
                return {
                  track_usage = function(_, ...)
                    seen = { ... }
                    return { usage_id = "u1" }
                  end,
                }
              end,
            }
          end,
        },
      })
      answer.value.tokens = { prompt_tokens = 3, completion_tokens = 2, thinking_tokens = 1 }
      local response = llm.generate("x", { model = "big", metadata = { k = 1 } })
      test.eq(response.usage_record.usage_id, "u1")
      test.eq(seen[1], "big")
      test.eq(seen[2], 3)
      test.eq(seen[4], 1)
      test.eq(seen[7].metadata.k, 1)
    end)
  end)

  describe("status", function()
    before_each(use)
    after_each(restore)

    it("is what the provider says", function()
      answer.value = { success = true, status = "healthy" }
      test.eq(llm.status({ model = "big" }).status, "healthy")
      test.eq(llm.available_models("embed")[1], "embed")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
