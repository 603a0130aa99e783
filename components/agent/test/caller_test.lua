-- Tool calls: validation, wrappers, execution in order and at once.

local test = require("test")
local caller = require("caller")

local originals = { caller._tools, caller._funcs, caller._contract }
local run, applied

local function use()
  run, applied = {}, {}
  caller._tools = {
    get_tool_schema = function(id)
      if id == "t:none" then return nil, "Tool not found: t:none" end
      return { meta = { exclusive = id == "t:alone" or nil } }
    end,
  }
  caller._funcs = {
    new = function()
      local executor = {}
      function executor:with_context(context)
        self.context = context
        return self
      end
      function executor:call(id, args)
        run[#run + 1] = { id = id, args = args, context = self.context }
        if id == "t:fails" then return nil, "broke" end
        return { from = id }
      end
      function executor:async(id, args)
        local value, err = self:call(id, args)
        return {
          response = function() return { receive = function() end } end,
          result = function()
            if err then return nil, err end
            return { data = function() return value end }
          end,
        }
      end
      return executor
    end,
  }
  caller._contract = {
    get = function()
      return {
        open = function(_, binding)
          if binding == "b:closed" then return nil, "closed" end
          return {
            apply = function(_, payload)
              applied[#applied + 1] = binding .. ":" .. payload.phase
              return { metadata = { seen = #payload.tool_calls }, observations = { { code = "x" } } }
            end,
          }
        end,
      }
    end,
  }
end

local function restore()
  caller._tools, caller._funcs, caller._contract = originals[1], originals[2], originals[3]
end

local function calls(...)
  local list = {}
  for i, id in ipairs({ ... }) do
    list[i] = { id = "c" .. i, name = id, registry_id = id, arguments = { n = i }, context = { own = i } }
  end
  return list
end

local function define()
  describe("validation", function()
    before_each(use)
    after_each(restore)

    it("marks calls that have no tool", function()
      local validated = caller.new():validate(calls("t:a", "t:none"))
      test.is_true(validated.c1.valid)
      test.is_false(validated.c2.valid)
      test.eq(validated.c2.error, "Failed to get tool schema: Tool not found: t:none")
    end)

    it("lets an exclusive tool run alone", function()
      local validated, warning = caller.new():validate(calls("t:a", "t:alone"))
      test.is_nil(validated.c1)
      test.eq(validated.c2.registry_id, "t:alone")
      test.eq(warning, "Exclusive tool found, other tools skipped")
      local none, err = caller.new():validate(calls("t:alone", "t:alone"))
      test.is_nil(next(none))
      test.eq(err, "Multiple exclusive tools found, cannot process")
    end)

    it("wants ids that differ", function()
      local twice = calls("t:a", "t:b")
      twice[2].id = "c1"
      local validated, err = caller.new():validate(twice)
      test.eq(test.has_error(validated, err), "Duplicate tool call ID: c1")
    end)
  end)

  describe("execution", function()
    before_each(use)
    after_each(restore)

    it("runs in the order the model called, with the session's context over the tool's", function()
      local c = caller.new()
      local results = c:execute({ own = "session", s = 1 }, c:validate(calls("t:b", "t:a", "t:c")))
      test.eq(run[1].id .. run[2].id .. run[3].id, "t:bt:at:c")
      test.eq(run[1].context.own, "session")
      test.eq(run[1].context.call_id, "c1")
      test.eq(results.c2.result.from, "t:a")
      test.eq(results.c2.tool_call.name, "t:a")
    end)

    it("reports what failed and goes on", function()
      for _, strategy in ipairs({ "sequential", "parallel" }) do
        local c = caller.new():set_strategy(strategy)
        local results = c:execute({}, c:validate(calls("t:fails", "t:none", "t:a")))
        test.eq(results.c1.error, "broke", strategy)
        test.contains(results.c2.error, "Failed to get tool schema")
        test.eq(results.c3.result.from, "t:a")
      end
    end)

    it("decodes arguments that come as text", function()
      local list = calls("t:a", "t:b")
      list[1].arguments, list[2].arguments = '{"x":5}', "{"
      local c = caller.new()
      local results = c:execute({}, c:validate(list))
      test.eq(run[1].args.x, 5)
      test.contains(results.c2.error, "Failed to parse arguments: ")
    end)

    it("keeps its strategy when told nonsense", function()
      test.eq(caller.new():set_strategy("random").strategy, "sequential")
    end)
  end)

  describe("wrappers", function()
    before_each(use)
    after_each(restore)

    it("look on before and after, by priority", function()
      local c = caller.new():set_wrapper_context({ host = { kind = "test" } })
      c:set_tool_wrappers({
        { binding = "b:second", phases = { "before_execute", "after_execute" }, priority = 2 },
        { binding = "b:first", phases = { "before_execute" }, priority = 1 },
      })
      c:execute({}, c:validate(calls("t:a")))
      test.eq(table.concat(applied, " "), "b:first:before_execute b:second:before_execute b:second:after_execute")
      test.len(c:get_wrapper_observations(), 3)
      test.eq(c:get_wrapper_metadata()[1].metadata.seen, 1)
      test.eq(c:get_last_tool_calls()[1].id, "c1")
    end)

    it("need a host", function()
      local c = caller.new():set_tool_wrappers({ { binding = "b:x", phases = { "before_execute" } } })
      local validated, err = c:validate(calls("t:a"))
      test.eq(test.has_error(validated, err), "Tool wrapper failed: tool wrapper host is required")
    end)

    it("that fail stop the calls only when strict", function()
      local wrapper = { binding = "b:closed", phases = { "before_execute" } }
      local c = caller.new():set_wrapper_context({ host = { kind = "test" } }):set_tool_wrappers({ wrapper })
      test.not_nil((c:validate(calls("t:a"))))
      test.contains(c:get_wrapper_errors()[1].error, "closed")
      wrapper.strict = true
      local validated, err = c:validate(calls("t:a"))
      test.is_nil(validated)
      test.contains(err, "Tool wrapper failed: ")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
