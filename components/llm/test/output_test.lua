-- Chunks, the streamer and the error builder.

local test = require("test")
local output = require("output")

local sent

local function capture()
  sent = {}
  mock_process("send", function(pid, topic, chunk)
    sent[#sent + 1] = { pid = pid, topic = topic, chunk = chunk }
    return true
  end)
end

local function define()
  describe("streamer", function()
    before_each(capture)

    it("holds text until there is enough of it", function()
      local streamer = output.streamer("p", "t", 5)
      test.is_false(streamer:buffer_content("abc"))
      test.is_true(streamer:buffer_content("def"))
      test.len(sent, 1)
      test.eq(sent[1].chunk.content, "abcdef")
      test.eq(sent[1].topic, "t")
    end)

    it("sends at the end of a sentence", function()
      local streamer = output.streamer("p", "t", 100)
      test.is_true(streamer:buffer_content("Yes. "))
      test.eq(sent[1].chunk.type, "chunk")
    end)

    it("holds everything with a buffer of 0, until flushed", function()
      local streamer = output.streamer("p", "t", 0)
      test.is_false(streamer:buffer_content("A whole sentence."))
      test.is_true(streamer:flush())
      test.is_false(streamer:flush())
      test.len(sent, 1)
    end)

    it("has a default topic and wants a pid", function()
      test.eq(output.streamer("p").topic, "llm_response")
      local streamer, err = output.streamer(nil)
      test.has_error(streamer, err)
      test.is_nil(output.streamer_for(true))
    end)

    it("sends every kind of chunk", function()
      local streamer = output.streamer("p", "t")
      streamer:send_thinking("hm")
      streamer:send_tool_call("f", "{}", "c1")
      streamer:send_error("Timeout", "slow")
      streamer:send_done({ finish_reason = "stop" })
      test.eq(sent[1].chunk.type, "thinking")
      test.eq(sent[2].chunk.arguments, "{}")
      test.eq(sent[3].chunk.error.message, "slow")
      test.eq(sent[4].chunk.meta.finish_reason, "stop")
    end)
  end)

  describe("a receiver", function()
    it("that is full is waited for, and nothing is lost", function()
      local refusals, delivered = 3, 0
      mock_process("send", function()
        if refusals > 0 then
          refusals = refusals - 1
          return nil, errors.new({ message = "mailbox is full", kind = errors.RATE_LIMITED })
        end
        delivered = delivered + 1
        return true
      end)
      test.is_true(output.streamer("p", "t"):send_content("x"))
      test.eq(delivered, 1)
    end)

    it("that is gone is not asked again", function()
      local asked = 0
      mock_process("send", function()
        asked = asked + 1
        return nil, errors.new({ message = "process not found", kind = errors.NOT_FOUND })
      end)
      local streamer = output.streamer("p", "t")
      test.is_false(streamer:send_content("x"))
      test.is_false(streamer:send_content("y"))
      test.eq(asked, 1)
    end)
  end)

  describe("errors", function()
    it("have the kind of their type and the details of their call", function()
      local err = output.errors.generate({ model = "m", _provider_id = "p:x" })
        :classifier(function(failure) return output.ERROR_TYPE.RATE_LIMIT, failure.text, { status_code = 429 } end)
        :from({ text = "slow down" })
        :build()
      test.eq(err:kind(), errors.RATE_LIMITED)
      test.is_true(err:retryable())
      test.eq(err:message(), "slow down")
      local details = err:details()
      test.eq(details.provider, "p:x")
      test.eq(details.operation, "generate")
      test.eq(details.model, "m")
      test.eq(details.status_code, 429)
    end)

    it("can be built one after another by one builder", function()
      local builder = output.errors.embed({})
      test.eq(builder:kind(output.ERROR_TYPE.TIMEOUT):message("late"):build():kind(), errors.TIMEOUT)
      local plain = builder:build()
      test.eq(plain:message(), "LLM error")
      test.eq(plain:kind(), errors.UNAVAILABLE)
    end)
  end)

  describe("truncation", function()
    it("needs both the limit and tool calls", function()
      test.is_true(output.detect_truncation({ finish_reason = "length", tool_calls = { {} } }))
      test.is_false(output.detect_truncation({ finish_reason = "length", tool_calls = {} }))
      test.is_false(output.detect_truncation({ finish_reason = "stop", tool_calls = { {} } }))
      test.is_false(output.detect_truncation(nil))
    end)
  end)
end

return { run_tests = test.run_cases(define) }
