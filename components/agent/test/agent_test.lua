-- The runner: what it asks, how it sorts the answer, memory.

local test = require("test")
local agent = require("agent")
local prompt = require("prompt")

local originals = { agent._llm, agent._contract, agent._funcs }
local asked, answer, recalled

local function use()
  asked, recalled = nil, nil
  answer = { result = "hi", tool_calls = {}, tokens = { prompt_tokens = 5, completion_tokens = 2, total_tokens = 7 } }
  agent._llm = {
    generate = function(input, options)
      asked = { messages = input.messages, options = options }
      if answer.err then return nil, answer.err end
      return answer
    end,
  }
  agent._contract = {
    get = function(id)
      if id ~= "wippy.agent:memory" then return nil end
      return {
        open = function(_, implementation, context)
          return {
            recall = function(_, input)
              recalled = { implementation = implementation, context = context, input = input }
              return { memories = { { id = "m1", content = "likes tea" } } }
            end,
          }
        end,
      }
    end,
  }
  agent._funcs = {
    new = function()
      local executor = {}
      function executor:with_context() return self end
      function executor:call(id) return id == "f:now" and "It is noon." or "" end
      return executor
    end,
  }
end

local function restore()
  agent._llm, agent._contract, agent._funcs = originals[1], originals[2], originals[3]
end

local function runner(extra)
  local spec = { id = "app:a", name = "a", prompt = "You help.", model = "m" }
  for key, value in pairs(extra or {}) do spec[key] = value end
  return agent.new(spec)
end

local TOOLS = {
  zeta = { name = "zeta", description = "z", schema = {}, registry_id = "t:zeta", context = { k = "tool" }, meta = {} },
  alpha = { name = "alpha", description = "a", schema = {}, registry_id = "t:alpha", context = {}, meta = {} },
  ghost = { name = "ghost", description = "no schema", registry_id = "t:ghost", context = {}, meta = {} },
  ask = { name = "ask", description = "d", schema = {}, agent_id = "app:b", context = {}, meta = {} },
}

local function define()
  describe("a step", function()
    before_each(use)
    after_each(restore)

    it("puts the prompt before the conversation, with a cache marker between", function()
      local conversation = prompt.new():add_user("hello")
      local response = runner({ memory = { "one", "two" } }):step(conversation)
      test.eq(asked.messages[1].role, "system")
      test.eq(asked.messages[1].content[1].text, "You help.\n\n## Your memory contains:\n- one\n- two")
      test.eq(asked.messages[2].marker_id, "app:a")
      test.eq(asked.messages[3].content[1].text, "hello")
      test.len(conversation.messages, 1)
      test.eq(response.result, "hi")
      test.is_nil(response.tool_calls)
    end)

    it("adds what prompt functions say", function()
      runner({ prompt_funcs = { { func_id = "f:now", context = {} }, { func_id = "f:none", context = {} } } })
        :step(prompt.new():add_user("x"))
      test.eq(asked.messages[1].content[1].text, "You help.\n\nIt is noon.")
    end)

    it("offers tools with a schema, sorted by name", function()
      runner({ tools = TOOLS }):step(prompt.new():add_user("x"))
      local names = {}
      for i, tool in ipairs(asked.options.tools) do names[i] = tool.name end
      test.eq(table.concat(names, " "), "alpha ask zeta")
      test.eq(asked.options.tools[3].registry_id, "t:zeta")
    end)

    it("passes options on, with defaults", function()
      runner():step(prompt.new():add_user("x"), { tool_call = "any", stream_target = { reply_to = "p" } })
      test.eq(asked.options.max_tokens, 512)
      test.eq(asked.options.tool_choice, "any")
      test.eq(asked.options.stream.reply_to, "p")
      test.is_nil(asked.options.thinking_effort)
      test.is_nil(asked.options.temperature)
      test.is_nil(asked.options.tools)
      runner({ thinking_effort = 5, max_tokens = 9 }):step(prompt.new():add_user("x"))
      test.eq(asked.options.thinking_effort, 5)
      test.eq(asked.options.max_tokens, 9)
    end)

    it("gives calls what it takes to run them", function()
      answer.tool_calls = {
        { id = "1", name = "zeta", arguments = { a = 1 } },
        { id = "2", name = "unheard", arguments = {} },
        { id = "3", name = "ask", arguments = { message = "m" } },
      }
      local response = runner({ tools = TOOLS }):step(prompt.new():add_user("x"), { context = { s = "session" } })
      test.len(response.tool_calls, 2)
      test.eq(response.tool_calls[1].registry_id, "t:zeta")
      test.eq(response.tool_calls[1].context.k, "tool")
      test.eq(response.tool_calls[1].context.s, "session")
      test.is_nil(response.tool_calls[2].registry_id)
      test.len(response.delegate_calls, 1)
      test.eq(response.delegate_calls[1].agent_id, "app:b")
      test.eq(response.delegate_calls[1].context.from_agent_id, "app:a")
    end)

    it("drops calls that were cut off", function()
      answer.tool_calls, answer.finish_reason = { { id = "1", name = "zeta", arguments = {} } }, "length"
      local response = runner({ tools = TOOLS }):step(prompt.new():add_user("x"))
      test.is_true(response.truncated)
      test.is_nil(response.tool_calls)
    end)

    it("that fails says why", function()
      answer.err = "no luck"
      local response, err = runner():step(prompt.new():add_user("x"))
      test.eq(test.has_error(response, err), "no luck")
    end)

    it("counts tokens", function()
      local a = runner()
      a:step(prompt.new():add_user("x"))
      a:step(prompt.new():add_user("x"))
      local stats = a:get_stats()
      test.eq(stats.total_tokens.total, 14)
      test.eq(stats.total_tokens.prompt, 10)
      test.eq(stats.id, "app:a")
    end)
  end)

  describe("memory", function()
    before_each(use)
    after_each(restore)

    local function remembering()
      return runner({ memory_contract = { implementation_id = "mem:x", context = { user = "u" }, options = { max_items = 2 } } })
    end

    local function talk()
      return prompt.new():add_user("tea?"):add_assistant("yes"):add_user("why?")
    end

    it("is recalled into a last developer message", function()
      local response = remembering():step(talk())
      test.eq(recalled.implementation, "mem:x")
      test.eq(recalled.context.agent_id, "app:a")
      test.eq(recalled.input.constraints.max_items, 2)
      test.eq(recalled.input.recent_actions[1], "user: tea?")
      local last = asked.messages[#asked.messages]
      test.eq(last.role, "developer")
      test.contains(last.content[1].text, "likes tea")
      test.eq(response.memory_recall.memory_ids[1], "m1")
      test.eq(response.memory_prompt.metadata.memory_ids[1], "m1")
    end)

    it("is not recalled too early, too often, or when told not to", function()
      remembering():step(prompt.new():add_user("first"))
      test.is_nil(recalled)
      remembering():step(talk(), { disable_memory_recall = true })
      test.is_nil(recalled)
      local conversation = talk()
      conversation:add_message("developer", { prompt.text("memory") }, nil, { memory_ids = { "m1" } })
      remembering():step(conversation)
      test.is_nil(recalled)
      conversation:add_user("more")
      remembering():step(conversation)
      test.eq(recalled.input.previous_memories[1], "m1")
    end)

    it("that fails costs nothing", function()
      agent._contract = { get = function() error("broken") end }
      test.eq(remembering():step(talk()).result, "hi")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
