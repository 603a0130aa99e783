-- Answers of the Responses API, whole and as a stream of events.

local test = require("test")
local responses = require("openai_responses")

local original = responses._client
local requests, answer, sent

local function settings()
  return { config = { timeout = 1 }, api = "responses" }
end

--- A stream that hands out `events`, then ends, or fails with `failure`.
local function stream_of(events, failure)
  local at = 0
  local stream = { request_id = "req", closed = false }
  function stream:next()
    at = at + 1
    if events[at] then return events[at] end
    if failure then return nil, failure end
    return nil
  end
  function stream:close() self.closed = true end
  return stream
end

local function use()
  requests, sent = {}, {}
  responses._client = {
    request = function(_, operation, body, retry)
      requests[#requests + 1] = { operation = operation, body = body, retry = retry }
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
  return responses.generate({
    model = "m",
    messages = { { role = "user", content = { { type = "text", text = "q" } } } },
    options = {},
    stream = streaming and { reply_to = "p", topic = "t", buffer_size = 1 } or nil,
  }, settings())
end

local function kinds()
  local names = {}
  for i, chunk in ipairs(sent) do names[i] = chunk.type end
  return table.concat(names, " ")
end

local TOOL_EVENTS = {
  { type = "response.created", response = { id = "r1", status = "in_progress" } },
  { type = "response.output_text.delta", delta = "Let me see. " },
  { type = "response.output_item.added", item = { type = "function_call", id = "i1", call_id = "c1", name = "clock", arguments = "" } },
  { type = "response.function_call_arguments.delta", item_id = "i1", delta = '{"zone":' },
  { type = "response.function_call_arguments.delta", item_id = "i1", delta = '"utc"}' },
  { type = "response.function_call_arguments.done", item_id = "i1", arguments = '{"zone":"utc"}' },
  {
    type = "response.output_item.done",
    item = { type = "function_call", id = "i1", call_id = "c1", name = "clock", arguments = '{"zone":"utc"}' },
  },
  {
    type = "response.completed",
    response = { id = "r1", status = "completed", usage = { input_tokens = 5, output_tokens = 2 } },
  },
  { type = "response.output_text.delta", delta = "never read" },
}

local function define()
  describe("a whole answer", function()
    before_each(use)
    after_each(function() responses._client = original end)

    it("has text, calls, tokens and thoughts", function()
      local result = generate({
        value = {
          id = "r1",
          status = "completed",
          output = {
            { type = "reasoning", summary = { { type = "summary_text", text = "hm" } } },
            { type = "message", content = { { type = "output_text", text = "a" }, { type = "output_text", text = "b" } } },
            { type = "function_call", call_id = "c1", name = "f", arguments = '{"x":1}' },
            { type = "function_call", call_id = "c2", name = "g", arguments = "not json" },
          },
          usage = { input_tokens = 3, output_tokens = 1, total_tokens = 4 },
        },
      })
      test.eq(result.result.content, "ab")
      test.eq(result.result.tool_calls[1].arguments.x, 1)
      test.is_nil(next(result.result.tool_calls[2].arguments))
      test.eq(result.finish_reason, "tool_call")
      test.eq(result.tokens.total_tokens, 4)
      test.eq(result.metadata.thinking, "hm")
      test.eq(result.metadata.response_id, "r1")
      test.is_nil(requests[1].body.stream)
    end)

    it("says when it was cut or filtered", function()
      local cut = { status = "incomplete", incomplete_details = { reason = "max_output_tokens" }, output = {} }
      test.eq(generate({ value = cut }).finish_reason, "length")
      cut.incomplete_details.reason = "content_filter"
      test.eq(generate({ value = cut }).finish_reason, "filtered")
    end)

    it("that refuses is an error", function()
      local _, err = generate({
        value = { output = { { type = "message", content = { { type = "refusal", refusal = "no" } } } } },
      })
      test.eq(err:message(), "Request was refused: no")
      test.eq(err:kind(), errors.INVALID)
    end)

    it("without output is an error", function()
      local _, err = generate({ value = {} })
      test.eq(err:kind(), errors.UNAVAILABLE)
    end)

    it("that failed is classified", function()
      local _, err = generate({ err = { status_code = 401, message = "bad key" } })
      test.eq(err:kind(), errors.PERMISSION_DENIED)
      test.eq(err:message(), "bad key")
    end)

    it("that was cancelled stays cancelled", function()
      local canceled = errors.new({ message = "gone", kind = errors.CANCELED })
      local _, err = generate({ err = canceled })
      test.eq(err:kind(), errors.CANCELED)
    end)
  end)

  describe("a stream", function()
    before_each(use)
    after_each(function() responses._client = original end)

    it("sends text and calls as they come, and stops at the end", function()
      local stream = stream_of(TOOL_EVENTS)
      local result = generate({ value = stream }, true)
      test.is_true(requests[1].body.stream)
      test.eq(kinds(), "chunk tool_call done")
      test.eq(sent[2].arguments, '{"zone":"utc"}')
      test.eq(sent[3].meta.finish_reason, "tool_call")
      test.eq(result.result.content, "Let me see. ")
      test.len(result.result.tool_calls, 1)
      test.eq(result.result.tool_calls[1].id, "c1")
      test.eq(result.result.tool_calls[1].arguments.zone, "utc")
      test.eq(result.tokens.completion_tokens, 2)
      test.is_true(stream.closed)
    end)

    it("takes deltas that come before their item", function()
      local result = generate({
        value = stream_of({
          { type = "response.function_call_arguments.delta", item_id = "i", delta = "{}" },
          { type = "response.output_item.added", item = { type = "function_call", id = "i", call_id = "c", name = "f" } },
          { type = "response.output_item.done", item = { type = "function_call", id = "i", call_id = "c", name = "f" } },
        }),
      }, true)
      test.len(result.result.tool_calls, 1)
      test.eq(result.finish_reason, "tool_call")
    end)

    it("without a terminal event is complete", function()
      local result = generate({ value = stream_of({ { type = "response.output_text.delta", delta = "hi" } }) }, true)
      test.eq(result.finish_reason, "stop")
      test.eq(result.result.content, "hi")
      test.is_nil(result.tokens)
    end)

    it("sends thoughts apart", function()
      local result = generate({
        value = stream_of({ { type = "response.reasoning_summary_text.delta", delta = "hm" } }),
      }, true)
      test.eq(kinds(), "thinking done")
      test.eq(result.metadata.thinking, "hm")
    end)

    it("that breaks sends an error and is one", function()
      local result, err = generate({
        value = stream_of(
          { { type = "response.output_text.delta", delta = "Half." } },
          { status_code = 0, message = "Connection failed: reset" }
        ),
      }, true)
      test.is_nil(result)
      test.eq(err:kind(), errors.UNAVAILABLE)
      test.eq(kinds(), "chunk error")
      test.eq(sent[2].error.message, "Connection failed: reset")
      test.eq(sent[2].error.type, "Unavailable")
    end)

    it("in which the server reports a failure is an error", function()
      for _, event in ipairs({
        { type = "response.failed", response = { error = { code = "x", message = "failed" } } },
        { type = "error", message = "failed" },
        { type = "error", error = { message = "failed" } },
      }) do
        local _, err = generate({ value = stream_of({ event }) }, true)
        test.eq(err:message(), "failed")
      end
    end)

    it("may be one whole answer of a server that does not stream", function()
      local result = generate({
        value = stream_of({
          {
            id = "r",
            status = "completed",
            output = {
              { type = "message", content = { { type = "output_text", text = "whole" } } },
              { type = "function_call", call_id = "c", name = "f", arguments = "{}" },
            },
          },
        }),
      }, true)
      test.eq(result.result.content, "whole")
      test.eq(result.finish_reason, "tool_call")
      test.contains(kinds(), "chunk")
    end)
  end)

  describe("structured output", function()
    before_each(use)
    after_each(function() responses._client = original end)

    local SCHEMA = { type = "object", properties = { a = {} }, required = { "a" }, additionalProperties = false }

    local function ask(value, schema)
      answer = value
      return responses.structured_output({ model = "m", messages = {}, options = {}, schema = schema or SCHEMA }, settings())
    end

    local function saying(text)
      return { value = { output = { { type = "message", content = { { type = "output_text", text = text } } } } } }
    end

    it("is a table", function()
      test.eq(ask(saying('{"a":1}')).result.data.a, 1)
      test.eq(requests[1].body.text.format.type, "json_schema")
      test.is_true(requests[1].body.text.format.strict)
    end)

    it("refuses a schema the API would refuse", function()
      local _, err = ask(saying("{}"), { type = "array" })
      test.contains(err:message(), "Invalid schema: ")
      test.len(requests, 0)
    end)

    it("names what came instead of JSON", function()
      local _, err = ask(saying("sorry"))
      test.contains(err:message(), "Model failed to return valid JSON: ")
      test.eq(err:kind(), errors.NOT_FOUND)
      _, err = ask(saying(""))
      test.eq(err:message(), "No content in Responses API response")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
