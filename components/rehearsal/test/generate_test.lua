-- The moves of the rehearsal model, one step after another, over results that we give it.

local test = require("test")
local funcs = require("funcs")
local json = require("json")
local prompt = require("prompt")

local BUILT_IN = { "doc_search", "registry_list", "registry_read", "create_tool", "load_tool" }

local function offered(extra)
  local tools = {}
  for _, name in ipairs(BUILT_IN) do tools[#tools + 1] = { name = name } end
  for _, name in ipairs(extra or {}) do tools[#tools + 1] = { name = name } end
  return tools
end

local function step(conversation, tools)
  local answer, err = funcs.call("wippy.rehearsal:generate", { messages = conversation:get_messages(), tools = tools, options = {} })
  test.is_nil(err)
  return answer
end

local function call_of(answer)
  test.eq(answer.finish_reason, "tool_call")
  return answer.result.tool_calls[1]
end

local function give(conversation, call, result)
  conversation:add_function_call(call.name, json.encode(call.arguments), call.id)
  conversation:add_function_result(call.name, json.encode(result), call.id)
end

local function define()
  describe("the loop", function()
    it("reads, writes, loads, calls and answers", function()
      local conversation = prompt.new():add_user("what time is it?")
      local call = call_of(step(conversation, offered()))
      test.eq(call.name, "doc_search")
      test.eq(call.arguments.path, "lua/core/time")
      give(conversation, call, { error = "HTTP 404" })

      call = call_of(step(conversation, offered()))
      test.eq(call.name, "create_tool")
      test.contains(call.arguments.source, 'require("time")')
      test.eq(call.arguments.modules[1], "time")
      give(conversation, call, { created = true, id = "app.generated:current_time_utc" })

      call = call_of(step(conversation, offered()))
      test.eq(call.name, "load_tool")
      test.eq(call.arguments.id, "app.generated:current_time_utc")
      give(conversation, call, { loaded = true })

      call = call_of(step(conversation, offered({ "current_time_utc" })))
      test.eq(call.name, "current_time_utc")
      give(conversation, call, { utc = "2026-02-13T03:13:41Z", date = "Friday" })

      local answer = step(conversation, offered({ "current_time_utc" }))
      test.eq(answer.result.content, "The current UTC time is 2026-02-13T03:13:41Z.")
      test.eq(answer.finish_reason, "stop")
      test.is_true(answer.metadata.rehearsal)
    end)

    it("uses a tool it has at once", function()
      local conversation = prompt.new():add_user("2 + 2")
      test.eq(call_of(step(conversation, offered({ "calculate" }))).name, "calculate")
    end)

    it("says what went wrong", function()
      local conversation = prompt.new():add_user("2 + 2")
      give(conversation, { id = "a", name = "doc_search", arguments = { path = "x" } }, { error = "none" })
      give(conversation, { id = "b", name = "create_tool", arguments = { name = "x" } }, { error = "policy denied" })
      test.eq(step(conversation, offered()).result.content, "I could not create the tool: policy denied.")
    end)

    it("says what it cannot do", function()
      local answer = step(prompt.new():add_user("write a poem"), offered())
      test.contains(answer.result.content, "rehearsal model")
      test.contains(answer.result.content, "OPENAI_API_KEY")
    end)

    it("does not pretend to be a model for anything else", function()
      local answer, err = funcs.call("wippy.rehearsal:generate", {
        messages = prompt.new():add_user("summarise"):get_messages(),
        options = {},
      })
      test.is_nil(answer)
      test.contains(tostring(err), "only plays agents with tools")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
