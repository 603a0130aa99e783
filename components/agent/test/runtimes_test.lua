-- Lifecycle and checkpoint bindings.

local test = require("test")
local lifecycle = require("lifecycle_runtime")
local checkpoint = require("checkpoint_runtime")

local originals = { lifecycle._contract, checkpoint._contract }
local asked

local function use(answers)
  asked = {}
  local contract = {
    get = function()
      return {
        open = function(_, binding)
          local function answer(_, payload)
            asked[#asked + 1] = { binding = binding, payload = payload }
            local given = answers[binding]
            if type(given) == "string" then return nil, given end
            return given
          end
          return { apply = answer, create = answer }
        end,
      }
    end,
  }
  lifecycle._contract, checkpoint._contract = contract, contract
end

local function restore()
  lifecycle._contract, checkpoint._contract = originals[1], originals[2]
end

local HOST = { kind = "test" }

local function define()
  describe("lifecycle", function()
    after_each(restore)

    it("applies bindings of the phase in order and gathers what they say", function()
      use({
        ["b:1"] = { messages = { "one" }, context = { a = 1 } },
        ["b:2"] = { messages = { "two" }, context = { a = 2 }, metadata = { k = 1 } },
      })
      local summary = lifecycle.apply({
        { binding = "b:2", priority = 20 },
        { binding = "b:1", priority = 10, options = { o = 1 } },
        { binding = "b:3", phases = { "deactivate" } },
      }, { phase = "activate", host = HOST })
      test.eq(summary.applied, 2)
      test.eq(summary.skipped, 1)
      test.eq(summary.messages[1] .. summary.messages[2], "onetwo")
      test.eq(summary.context.a, 2)
      test.eq(summary.metadata[1].metadata.k, 1)
      test.eq(asked[1].payload.options.o, 1)
    end)

    it("goes on after a failure unless the binding is strict", function()
      use({ ["b:1"] = "broke", ["b:2"] = {} })
      local summary, err = lifecycle.apply({ { binding = "b:1" }, { binding = "b:2" } }, { phase = "activate", host = HOST })
      test.is_nil(err)
      test.eq(summary.applied, 1)
      test.eq(summary.errors[1].error, "broke")
      summary, err = lifecycle.apply({ { binding = "b:1", strict = true }, { binding = "b:2" } }, { phase = "activate", host = HOST })
      test.eq(err, "broke")
      test.eq(summary.applied, 0)
    end)

    it("wants a phase and a host", function()
      use({})
      local _, err = lifecycle.apply({ { binding = "b:1" } }, { host = HOST })
      test.eq(err, "lifecycle phase is required")
      _, err = lifecycle.apply({ { binding = "b:1" } }, { phase = "activate" })
      test.eq(err, "lifecycle host is required")
    end)
  end)

  describe("checkpoint", function()
    after_each(restore)

    it("takes the first memory it gets", function()
      use({ ["b:1"] = { memory = "" }, ["b:2"] = { summary = "all of it" } })
      local summary = checkpoint.create({
        checkpoint = { { binding = "b:1" }, { binding = "b:2", options = { a = { x = 1 } } }, { binding = "b:3" } },
      }, { host = HOST, options = { a = { y = 2 } } })
      test.eq(summary.result.summary, "all of it")
      test.eq(summary.errors[1].error, "checkpoint binding returned empty memory")
      test.eq(asked[2].payload.options.a.x + asked[2].payload.options.a.y, 3)
      test.len(asked, 2)
    end)

    it("refuses another contract", function()
      use({})
      local summary, err = checkpoint.create({ { binding = "b:1", contract = "x:y", strict = true } }, { host = HOST })
      test.is_nil(summary.result)
      test.eq(err, "unsupported checkpoint contract: x:y")
    end)
  end)
end

return { run_tests = test.run_cases(define) }
