-- What the bus says of changes.
local test = require("test")
local registry = require("registry")
local events = require("events")

return { run_tests = test.run_cases(function()
  describe("changes", function()
    it("are announced", function()
      local sub = events.subscribe("registry", "entry.(create|update|delete)")
      local entry = { id = "announced:a", kind = "store.memory", meta = {}, data = {} }
      registry.snapshot():changes():create(entry):apply()
      entry.data.max_size = 5
      registry.snapshot():changes():update(entry):apply()
      registry.snapshot():changes():delete(entry.id):apply()
      for _, kind in ipairs({ "entry.create", "entry.update", "entry.delete" }) do
        local event = sub:channel():receive()
        test.eq(event.kind, kind)
        test.eq(event.path, "announced:a")
      end
      sub:close()
    end)
  end)
end) }
