-- system: what can be seen, locks, refusals.
local test = require("test")
local system = require("system")
local security = require("security")
local funcs = require("funcs")

return { run_tests = test.run_cases(function()
  describe("what there is", function()
    it("of modules", function()
      local found
      for _, module in ipairs(system.modules()) do
        if module.name == "json" then found = module end
      end
      test.is_string(found.description)
      test.not_nil(found.class)
    end)

    it("of memory and processors", function()
      test.gt(system.memory.allocated(), 0)
      test.is_table(system.memory.stats())
      test.gte(system.memory.heap_objects(), 0)
      test.gte(system.runtime.cpu_count(), 1)
      test.gte(system.runtime.max_procs(), 1)
      test.gte(system.runtime.goroutines(), 1)
      test.is_true(system.gc.collect())
    end)

    it("of the process of the operating system", function()
      test.gt(system.process.pid(), 0)
      test.is_string(system.process.hostname())
      test.is_string(system.process.cwd())
    end)

    it("of hosts and processes", function()
      local host
      for _, one in ipairs(system.hosts.list()) do
        if one.id == "app:processes" then host = one end
      end
      test.not_nil(host)
      local held = process.listen("held")
      local pid = process.spawn_monitored("app:holder", "app:processes", process.pid(), "seen")
      held:receive()
      local found
      for _, one in ipairs(system.hosts.processes("app:processes")) do
        if one.pid == pid then found = one end
      end
      test.eq(found.source, "app:holder")
      test.eq(found.host, "app:processes")
      process.send(pid, "end")
      process.events():receive()
      local value, err = system.hosts.processes("app:nope")
      test.has_error(value, err)
      test.eq(err:kind(), errors.NOT_FOUND)
    end)

    it("of services", function()
      local state = system.supervisor.state("app:processes")
      test.eq(state.id, "app:processes")
      test.eq(state.status, "running")
      test.eq(state.desired, "running")
      test.gt(#system.supervisor.states(), 0)
      local value, err = system.supervisor.state("app:nope")
      test.has_error(value, err)
      test.eq(err:kind(), errors.NOT_FOUND)
    end)

    it("of the node", function()
      test.is_string(system.node.id())
      test.eq(system.cluster.size(), 1)
      test.len(system.cluster.members(), 1)
    end)
  end)

  describe("a lock", function()
    it("has one holder", function()
      test.is_true(system.lock.acquire("mine"))
      local ok, err = system.lock.acquire("mine")
      test.is_false(ok)
      test.eq(err:kind(), errors.ALREADY_EXISTS)
      test.contains(tostring(err), "lock held: mine")
      test.is_true(system.lock.release("mine"))
      test.is_false((system.lock.release("mine")))
    end)

    it("is free when its holder ends", function()
      local held = process.listen("held")
      local pid = process.spawn_monitored("app:holder", "app:processes", process.pid(), "theirs")
      test.is_true(held:receive())
      test.is_false((system.lock.acquire("theirs")))
      test.is_false((system.lock.release("theirs")))
      process.send(pid, "end")
      while process.events():receive().from ~= pid do end
      test.is_true(system.lock.acquire("theirs"))
      system.lock.release("theirs")
    end)
  end)

  describe("a refusal", function()
    it("is Invalid and names the resource", function()
      local executor = funcs.new():with_actor(security.new_actor("ann")):with_scope(security.named_scope("app:nothing"))
      local value, err = executor:call("app:look")
      test.has_error(value, err)
      test.eq(err:kind(), errors.INVALID)
      test.contains(tostring(err), "permission denied: system.read on memory")
    end)
  end)
end) }
