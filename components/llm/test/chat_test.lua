-- Answers of Chat Completions, whole and as a stream of chunks.

local test = require("test")
local chat = require("openai_chat")

local original = chat._client
local answer, sent

local function stream_of(events, failure)
  local at = 0
  local stream = { closed = false, read = 0 }
  function stream:next()
    at = at + 1
    self.read = at
    if events[at] then return events[at] end
    if failure then return nil, failure end
    return nil
  end
  function stream:close() self.closed = true end
  return stream
end

local function use()
  sent = {}
  chat._client = {
    request = function()
      if answer.err then return nil, answer.err end
      return answer.value
    end,
  }
  mock_process("send", function(_, _, chunk)
    sent[#sent + 1] = chunk
    return true
  end)
end

local function generate(value, streaming)
  answer = value
  return chat.generate({
    model = "m",
    messages = {},
    options = {},
    stream = streaming and { reply_to = "p", topic = "t", buffer_size = 1 } or nil,
  }, { config = {}, api = "chat" })
end

local function delta(fields, finish_reason)
  return { choices = { { delta = fields, finish_reason = finish_reason } } }
end

local function call(fields)
  return { tool_calls = { fields } }
end

local function define()
  describe("a whole answer", function()
    before_each(use)
    after_each(function() chat._client = original end)

    it("has text, calls and tokens", function()
      local result = generate({
        value = {
          id = "x",
          choices = {
            {
              finish_reason = "tool_calls",
              message = {
                content = "hi",
                tool_calls = { { id = "c", ["function"] = { name = "f", arguments = '{"a":1}' } } },
              },
            },
          },
          usage = { prompt_tokens = 2, completion_tokens = 1, total_tokens = 3 },
        },
      })
      test.eq(result.result.content, "hi")
      test.eq(result.result.tool_calls[1].arguments.a, 1)
      test.eq(result.finish_reason, "tool_call")
      test.eq(result.tokens.total_tokens, 3)
    end)

    it("knows the reasons to stop", function()
      local function reason(word)
        return generate({ value = { choices = { { finish_reason = word, message = { content = "" } } } } }).finish_reason
      end
      test.eq(reason("stop"), "stop")
      test.eq(reason("length"), "length")
      test.eq(reason("content_filter"), "filtered")
      test.eq(reason("what"), "error")
    end)

    it("may be an error in disguise", function()
      local _, err = generate({ value = { error = { message = "broken", code = 502 } } })
      test.eq(err:message(), "broken")
      _, err = generate({ value = { choices = {} } })
      test.eq(err:message(), "Invalid response: no choices")
    end)
  end)

  describe("a stream", function()
    before_each(use)
    after_each(function() chat._client = original end)

    it("puts text and the pieces of calls together", function()
      local stream = stream_of({
        delta({ role = "assistant", content = "" }),
        delta({ content = "Wait. " }),
        delta(call({ index = 0, id = "c1", ["function"] = { name = "f", arguments = "" } })),
        delta(call({ index = 0, ["function"] = { arguments = '{"a"' } })),
        delta(call({ index = 0, ["function"] = { arguments = ":1}" } })),
        delta(call({ index = 1, id = "c2", ["function"] = { name = "g", arguments = "{}" } })),
        delta({}, "tool_calls"),
        { choices = {}, usage = { prompt_tokens = 4, completion_tokens = 2 } },
        delta({ content = "never read" }),
      })
      local result = generate({ value = stream }, true)
      test.eq(result.result.content, "Wait. ")
      test.len(result.result.tool_calls, 2)
      test.eq(result.result.tool_calls[1].arguments.a, 1)
      test.eq(result.result.tool_calls[2].id, "c2")
      test.eq(result.finish_reason, "tool_call")
      test.eq(result.tokens.prompt_tokens, 4)
      test.eq(stream.read, 8)
      test.is_true(stream.closed)
      local kinds = {}
      for i, chunk in ipairs(sent) do kinds[i] = chunk.type end
      test.eq(table.concat(kinds, " "), "chunk tool_call tool_call done")
    end)

    it("takes calls without ids", function()
      local result = generate({
        value = stream_of({
          delta(call({ index = 0, ["function"] = { name = "f", arguments = "{" } })),
          delta(call({ index = 0, ["function"] = { arguments = "}" } })),
          delta({}, "stop"),
        }),
      }, true)
      test.len(result.result.tool_calls, 1)
      test.eq(result.result.tool_calls[1].id, "call_1")
      test.eq(result.finish_reason, "tool_call")
    end)

    it("sends thoughts, whatever the server calls them", function()
      generate({
        value = stream_of({
          delta({ reasoning_details = { { text = "hm" } } }),
          delta({ reasoning_content = "so" }),
          delta({}, "stop"),
        }),
      }, true)
      test.eq(sent[1].content .. sent[2].content, "hmso")
    end)

    it("that breaks, or carries an error, is one", function()
      local _, err = generate({ value = stream_of({}, { status_code = 0, message = "Connection failed: cut" }) }, true)
      test.eq(err:kind(), errors.UNAVAILABLE)
      _, err = generate({ value = stream_of({ { error = { message = "overloaded" } } }) }, true)
      test.eq(err:message(), "overloaded")
    end)

    it("may be one whole answer of a server that does not stream", function()
      local result = generate({
        value = stream_of({
          {
            choices = {
              {
                finish_reason = "stop",
                message = {
                  content = "whole",
                  tool_calls = { { id = "c", ["function"] = { name = "f", arguments = "{}" } } },
                },
              },
            },
            usage = { prompt_tokens = 1, completion_tokens = 1 },
          },
        }),
      }, true)
      test.eq(result.result.content, "whole")
      test.len(result.result.tool_calls, 1)
    end)
  end)
end

return { run_tests = test.run_cases(define) }
