-- Names of processes.
local test = require("test")
local HOST = "app:processes"

local function fails(value, err, kind, part)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  if part then test.contains(tostring(err), part) end
end

return { run_tests = test.run_cases(function()
  describe("a name", function()
    it("stands for a pid", function()
      test.is_true(process.registry.register("me"))
      test.eq((process.registry.lookup("me")), process.pid())
      test.is_true(process.registry.register("me"))
      test.is_true(process.send("me", "by name", "x"))
      test.eq(process.listen("by name"):receive(), "x")
      test.is_true(process.registry.unregister("me"))
      test.is_false(process.registry.unregister("me"))
      fails(nil, select(2, process.registry.lookup("me")), errors.NOT_FOUND, "name not registered")
    end)

    it("belongs to one", function()
      local ready = process.listen("ready")
      local other = process.spawn("app:waits", HOST, process.pid())
      ready:receive()
      test.is_true(process.registry.register("taken", other))
      fails(nil, select(2, process.registry.register("taken")), errors.ALREADY_EXISTS, "name already registered")
      process.terminate(other)
    end)

    it("one process may have several", function()
      process.registry.register("one")
      process.registry.register("two")
      test.eq((process.registry.lookup("one")), (process.registry.lookup("two")))
      process.registry.unregister("one")
      process.registry.unregister("two")
    end)

    it("is free before the end is told", function()
      local ready = process.listen("ready")
      local pid = process.spawn_monitored("app:waits", HOST, process.pid())
      ready:receive()
      process.registry.register("short-lived", pid)
      process.terminate(pid)
      while process.events():receive().from ~= pid do end
      test.is_nil((process.registry.lookup("short-lived")))
    end)

    it("beyond this node needs a cluster", function()
      local _, err = process.registry.register("far", nil, process.registry.EVENTUAL or 1)
      test.not_nil(err)
      test.contains(tostring(err), "not available")
    end)
  end)
end) }
