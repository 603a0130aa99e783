-- The module's own trait and tool on the real registry: nothing is replaced here.

local test = require("test")
local agent_context = require("agent_context")
local caller = require("caller")
local funcs = require("funcs")

local SPEC = {
  id = "test:inline",
  prompt = "Base.",
  model = "none",
  traits = { { id = "time_aware", context = { timezone = "Asia/Kolkata", time_interval = 15 } } },
  tools = { "wippy.agent.tools:*" },
}

local function define()
  describe("an agent from an inline spec", function()
    it("has the tools of a namespace and the prompt of its traits", function()
      local runner = test.no_error(agent_context.new():load_agent(SPEC))
      test.eq(runner.tools.delay_tool.registry_id, "wippy.agent.tools:delay_tool")
      test.not_nil(runner.tools.delay_tool.schema.properties.message)
      test.contains(runner.system_prompt, "Base.\n\nThe current date and time is ")
      test.contains(runner.system_prompt, "(Asia/Kolkata).")
    end)
  end)

  describe("time_aware", function()
    it("rounds down on the clock of its place", function()
      local built = test.no_error(funcs.call("wippy.agent.traits:init_time_aware", "", { timezone = "Asia/Kolkata" }))
      local minute = built.prompt:match("%d%d:(%d%d) %(Asia/Kolkata%)%.$")
      test.eq(tonumber(test.not_nil(minute, built.prompt)) % 15, 0)
    end)

    it("falls back to UTC for a place that is none", function()
      local built = test.no_error(funcs.call("wippy.agent.traits:init_time_aware", "", { timezone = "No/Where" }))
      test.contains(built.prompt, "(UTC).")
    end)
  end)

  describe("the caller", function()
    local CALLS = {
      { id = "one", name = "delay_tool", registry_id = "wippy.agent.tools:delay_tool", arguments = { message = "a", delay_ms = 5 } },
      { id = "two", name = "delay_tool", registry_id = "wippy.agent.tools:delay_tool", arguments = '{"message":"b"}' },
    }

    it("runs real functions, in order and at once", function()
      for _, strategy in ipairs({ "sequential", "parallel" }) do
        local c = caller.new():set_strategy(strategy)
        local results = c:execute({ session = 1 }, test.no_error(c:validate(CALLS)))
        test.eq(results.one.result.message, "a", strategy)
        test.eq(results.one.result.call_id, "one", strategy)
        test.eq(results.two.result.message, "b", strategy)
      end
    end)
  end)
end

return { run_tests = test.run_cases(define) }
