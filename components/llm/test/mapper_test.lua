-- What goes over the wire, for both APIs, and how answers and failures are read.

local test = require("test")
local responses = require("openai_mapper")
local chat = require("compat_mapper")

local function text(role, content, extra)
  local message = { role = role, content = { { type = "text", text = content } } }
  for key, value in pairs(extra or {}) do message[key] = value end
  return message
end

local CONVERSATION = {
  text("system", "be brief"),
  { role = "cache_marker", marker_id = "x" },
  text("user", "time?"),
  text("assistant", "looking"),
  { role = "function_call", content = {}, function_call = { id = "c1", name = "clock", arguments = {} } },
  text("function_result", "noon", { function_call_id = "c1", name = "clock" }),
  { role = "function_call", content = {}, function_call = { id = "c2", name = "zone", arguments = '{"a":1}' } },
  text("function_result", "utc", { function_call_id = "c2", name = "zone" }),
  text("developer", "remember"),
  text("user", "thanks"),
}

local TOOLS = {
  { name = "clock", description = "d", schema = { type = "object" } },
  { name = "broken", description = "no schema" },
}

local function define()
  describe("Responses request", function()
    it("has items in order and instructions apart", function()
      local input, instructions = responses.map_messages(CONVERSATION)
      test.eq(instructions, "be brief\n\nremember")
      local types = {}
      for i, item in ipairs(input) do types[i] = item.type .. (item.role and ":" .. item.role or "") end
      test.eq(
        table.concat(types, " "),
        "message:user message:assistant function_call function_call_output function_call function_call_output message:user"
      )
      test.eq(input[3].arguments, "{}")
      test.eq(input[3].call_id, "c1")
      test.eq(input[4].output, "noon")
      test.eq(input[5].arguments, '{"a":1}')
      test.eq(input[1].content[1].type, "input_text")
      test.eq(input[2].content[1].type, "output_text")
    end)

    it("drops what the API cannot take", function()
      local input, instructions = responses.map_messages({
        text("assistant", ""),
        { role = "function_call", function_call = { name = "f", arguments = {} } },
        text("function_result", "x"),
        { role = "user", content = {} },
      })
      test.len(input, 1)
      test.eq(input[1].content[1].text, "")
      test.is_nil(instructions)
    end)

    it("shows images by URL and by data", function()
      local input = responses.map_messages({
        {
          role = "user",
          content = {
            { type = "image", source = { type = "url", url = "http://x/i.png" } },
            { type = "image", source = { type = "base64", mime_type = "image/png", data = "QUJD" } },
          },
        },
      })
      test.eq(input[1].content[1].image_url, "http://x/i.png")
      test.eq(input[1].content[2].image_url, "data:image/png;base64,QUJD")
    end)

    it("offers whole tools only, and always with a choice", function()
      local body = responses.generate_body({ messages = {}, tools = TOOLS, options = { max_tokens = 5, temperature = 1 } }, "m")
      test.len(body.tools, 1)
      test.eq(body.tools[1].name, "clock")
      test.is_false(body.tools[1].strict)
      test.eq(body.tool_choice, "auto")
      test.eq(body.max_output_tokens, 5)
      test.eq(body.temperature, 1)
      body = responses.generate_body({ messages = {}, tools = {} }, "m")
      test.is_nil(body.tools)
      test.is_nil(body.tool_choice)
    end)

    it("knows every choice", function()
      local function choice(wanted)
        return responses.generate_body({ messages = {}, tools = TOOLS, tool_choice = wanted }, "m").tool_choice
      end
      test.eq(choice("any"), "required")
      test.eq(choice("none"), "none")
      test.eq(choice("clock").name, "clock")
      local body, failure = responses.generate_body({ messages = {}, tools = TOOLS, tool_choice = "x" }, "m")
      test.is_nil(body)
      test.eq(failure.message, "Tool 'x' not found in available tools")
    end)

    it("of a reasoning model has effort instead of sampling", function()
      local options = { reasoning_model_request = true, thinking_effort = 10, temperature = 1, top_p = 1 }
      local body = responses.generate_body({ messages = {}, options = options }, "m")
      test.eq(body.reasoning.effort, "low")
      test.is_nil(body.temperature)
      test.is_nil(body.top_p)
      options.thinking_effort = nil
      test.is_nil(responses.generate_body({ messages = {}, options = options }, "m").reasoning)
    end)

    it("maps effort in steps", function()
      local words = {}
      for i, effort in ipairs({ 0, 24, 59, 89, 90 }) do words[i] = responses.effort(effort) end
      test.eq(table.concat(words, " "), "minimal low medium high xhigh")
    end)
  end)

  describe("Chat request", function()
    it("gathers the calls of a round before their results", function()
      local messages = chat.map_messages(CONVERSATION, "gpt")
      local roles = {}
      for i, message in ipairs(messages) do roles[i] = message.role end
      test.eq(table.concat(roles, " "), "system user assistant tool tool system user")
      test.len(messages[3].tool_calls, 2)
      test.eq(messages[3].content, "looking")
      test.eq(messages[3].tool_calls[1]["function"].arguments, "{}")
      test.eq(messages[5].tool_call_id, "c2")
    end)

    it("invents an assistant for calls nobody introduced", function()
      local messages = chat.map_messages({
        text("user", "q"),
        { role = "function_call", function_call = { id = "c", name = "f", arguments = "{}" } },
      }, "gpt")
      test.eq(messages[2].role, "assistant")
      test.eq(messages[2].content, "")
      test.eq(messages[2].tool_calls[1].id, "c")
    end)

    it("marks the cache for Claude models alone", function()
      test.not_nil(chat.map_messages(CONVERSATION, "anthropic/claude-x")[1].content[1].cache_control)
      test.is_nil(chat.map_messages(CONVERSATION, "gpt")[1].content[1].cache_control)
    end)

    it("names its limits after the kind of model", function()
      local body = chat.generate_body({ messages = {}, options = { max_tokens = 5, temperature = 1, top_p = 0.5 } }, "m")
      test.eq(body.max_tokens, 5)
      test.eq(body.temperature, 1)
      body = chat.generate_body({
        messages = {},
        options = { max_tokens = 5, reasoning_model_request = true, thinking_effort = 80, stop_sequences = { "x" } },
      }, "m")
      test.eq(body.max_completion_tokens, 5)
      test.eq(body.reasoning_effort, "high")
      test.eq(body.stop[1], "x")
      test.is_nil(body.max_tokens)
    end)

    it("asks for usage at the end of a stream", function()
      local body = chat.generate_body({ messages = {}, stream = { reply_to = "p" } }, "m")
      test.is_true(body.stream)
      test.is_true(body.stream_options.include_usage)
    end)
  end)

  describe("usage", function()
    it("does not count cached tokens as prompt", function()
      local tokens = responses.map_usage({
        input_tokens = 100,
        output_tokens = 20,
        total_tokens = 120,
        input_tokens_details = { cached_tokens = 60 },
        output_tokens_details = { reasoning_tokens = 5 },
      })
      test.eq(tokens.prompt_tokens, 40)
      test.eq(tokens.cache_read_tokens, 60)
      test.eq(tokens.cache_write_tokens, 40)
      test.eq(tokens.thinking_tokens, 5)
      test.eq(tokens.total_tokens, 120)
      test.is_nil(responses.map_usage(nil))
    end)

    it("reads the words of both APIs", function()
      test.eq(responses.map_usage({ prompt_tokens = 7, completion_tokens = 1 }).total_tokens, 8)
    end)
  end)

  describe("failures", function()
    it("are typed by status, and by what they say", function()
      local function type_of(status, message)
        return (responses.classify({ status_code = status, message = message }))
      end
      test.eq(type_of(400, "bad"), "invalid_request")
      test.eq(type_of(401, "bad"), "authentication_error")
      test.eq(type_of(404, "no model"), "model_error")
      test.eq(type_of(429, "slow"), "rate_limit_exceeded")
      test.eq(type_of(500, "oops"), "server_error")
      test.eq(type_of(0, "Connection failed: refused"), "network_error")
      test.eq(type_of(0, "Request timeout: no answer"), "timeout_error")
      test.eq(type_of(400, "This model's maximum context length is 128000 tokens"), "context_length_exceeded")
      test.eq(type_of(400, "Blocked by content policy"), "content_filtered")
    end)

    it("keep what the server said of them", function()
      local _, message, details = responses.classify({ status_code = 418, code = "teapot", request_id = "r1" })
      test.eq(message, "OpenAI API error: 418")
      test.eq(details.code, "teapot")
      test.eq(details.request_id, "r1")
    end)
  end)

  describe("schemas", function()
    it("are checked before they are sent", function()
      test.len(responses.schema_problems({
        type = "object",
        properties = { a = {} },
        required = { "a" },
        additionalProperties = false,
      }), 0)
      test.len(responses.schema_problems({ type = "array", properties = { a = {} } }), 3)
    end)

    it("have a name of their own, or one by content", function()
      test.eq(responses.schema_name({}, "mine"), "mine")
      test.matches(responses.schema_name({ a = 1 }), "^schema_%x+$")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
