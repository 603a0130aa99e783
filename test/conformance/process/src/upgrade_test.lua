-- Upgrading in place.
local test = require("test")
local HOST = "app:processes"

local function event_of(pid)
  local events = process.events()
  while true do
    local event = events:receive()
    if event.from == pid then return event end
  end
end

return { run_tests = test.run_cases(function()
  describe("an upgrade", function()
    it("keeps pid, name, monitor and messages", function()
      local up = process.listen("up")
      local pid = process.spawn_monitored("app:upgrades", HOST, process.pid())
      process.registry.register("upgrader", pid)
      test.eq(up:receive().generation, 1)
      process.send(pid, "again")
      local second = up:receive()
      test.eq(second.generation, 2)
      test.eq(second.pid, pid)
      test.eq((process.registry.lookup("upgrader")), pid)
      process.send("upgrader", "done")
      test.eq(event_of(pid).result.value, "generation 2")
    end)

    it("may be to another definition", function()
      local up = process.listen("up")
      local pid = process.spawn_monitored("app:upgrades", HOST, process.pid())
      up:receive()
      process.send(pid, "other")
      local second = up:receive()
      test.eq(second.word, "hello")
      test.eq(second.pid, pid)
      test.eq(second.id, "app:upgraded")
      process.send(pid, "bye")
      test.eq(event_of(pid).result.value, "bye")
    end)

    it("that is not possible ends it", function()
      local up = process.listen("up")
      local pid = process.spawn_monitored("app:upgrades", HOST, process.pid())
      up:receive()
      process.send(pid, "wrong")
      test.contains(tostring(event_of(pid).result.error), "upgrade: create failed: ")
    end)
  end)
end) }
