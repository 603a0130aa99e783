-- Requirements and components.
local test = require("test")
local registry = require("registry")

return { run_tests = test.run_cases(function()
  describe("a requirement", function()
    it("writes its value into its targets", function()
      test.eq(registry.get("app:linked").data.value, "filled by default")
      test.eq(registry.get("app:linked").data.list[1], "first")
      test.eq(registry.get("app:linked").data.list[2], "filled by default")
    end)
  end)

  describe("a component", function()
    it("is there because a dependency names it", function()
      test.eq(registry.get("wippy.test:test").kind, "library.lua")
      test.eq(registry.get("wippy.test:test").meta.module, "wippy/test")
    end)

    it("brings what it depends on", function()
      test.eq(registry.get("wippy.terminal:host").kind, "terminal.host")
    end)
  end)
end) }
