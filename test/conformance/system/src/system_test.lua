-- system: facts, controls, hosts, services, locks, and exact refusals.
local test = require("test")
local system = require("system")
local security = require("security")
local funcs = require("funcs")
local time = require("time")

local function fails(value, err, kind, text)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  test.eq(tostring(err), text)
  test.eq(err:retryable(), false)
end

local function find(list, field, value)
  for _, item in ipairs(list) do
    if item[field] == value then return item end
  end
end

return { run_tests = test.run_cases(function()
  describe("modules", function()
    it("tells names, descriptions and classes", function()
      local json = find(system.modules(), "name", "json")
      test.eq(table.concat(json.class, " "), "deterministic encoding")
      test.is_true(#json.description > 0)
      test.not_nil(find(system.modules(), "name", "system"))
    end)
  end)

  describe("memory", function()
    it("tells what is used", function()
      local stats = system.memory.stats()
      for _, field in ipairs { "alloc", "sys", "heap_alloc", "heap_sys", "heap_objects", "next_gc" } do
        test.is_true(stats[field] > 0, field)
      end
      test.is_true(system.memory.allocated() > 0)
    end)

    it("counts the objects that Lua holds", function()
      local before = system.memory.heap_objects()
      local held = {}
      for i = 1, 50 do held[i] = time.now() end
      test.is_true(system.memory.heap_objects() >= before + 50)
      test.eq(#held, 50)
    end)

    it("has a limit that can be set and taken back", function()
      test.eq(system.memory.get_limit(), -1)
      test.eq(system.memory.set_limit(1 << 30), -1)
      test.eq(system.memory.get_limit(), 1 << 30)
      test.eq(system.memory.set_limit(-1), 1 << 30)
      test.eq(system.memory.get_limit(), -1)
      local value, err = system.memory.set_limit(1.5)
      fails(value, err, errors.INVALID, "memory limit 1.5 is not an integer")
    end)
  end)

  describe("gc", function()
    it("frees what nobody holds", function()
      local kept = {}
      for i = 1, 20000 do kept[i] = { tostring(i) } end
      local full = system.memory.stats().lua_alloc
      kept = nil
      test.is_true(system.gc.collect())
      test.is_true(system.memory.stats().lua_alloc < full)
    end)

    it("has a percentage", function()
      test.eq(system.gc.get_percent(), 100)
      test.eq(system.gc.set_percent(200), 100)
      test.eq(system.gc.get_percent(), 200)
      test.eq(system.gc.set_percent(100), 200)
      local value, err = system.gc.set_percent(0)
      fails(value, err, errors.INVALID, "gc percent 0 is not from 1 to 900")
    end)
  end)

  describe("runtime and process", function()
    it("tells of the machine", function()
      test.is_true(system.runtime.cpu_count() >= 1)
      test.is_true(system.runtime.goroutines() >= 2)
      test.is_true(system.runtime.max_procs() >= 1)
      test.is_true(system.process.pid() > 0)
      test.is_true(#system.process.hostname() > 0)
      test.eq(system.process.cwd():sub(1, 1), "/")
    end)

    it("does not pretend to change the number of threads", function()
      local value, err = system.runtime.max_procs(0)
      fails(value, err, errors.INVALID, "max_procs must be greater than 0")
      value, err = system.runtime.max_procs(4)
      test.has_error(value, err)
      test.contains(tostring(err), "host.workers")
    end)
  end)

  describe("hosts", function()
    it("lists them with what they do", function()
      local host = find(system.hosts.list(), "id", "app:processes")
      test.is_true(host.workers >= 1)
      test.is_true(host.processes >= 1)
      test.is_true(host.executed >= 1)
      test.eq(host.stolen, 0)
      test.not_nil(host.queue_depth)
    end)

    it("lists processes with parent, state and steps", function()
      local pid = process.spawn("app:sleeper", "app:processes")
      time.sleep("5ms")
      local found = find(system.hosts.processes("app:processes"), "pid", pid)
      test.eq(found.host, "app:processes")
      test.eq(found.source, "app:sleeper")
      test.eq(found.state, "waiting")
      test.eq(found.parent, process.pid())
      test.is_true(found.steps >= 1)
      test.is_true(found.started_at > 1700000000000000000)
      test.eq(found.stats.coroutines, 1)
      test.is_nil(found.actor_id)
      process.terminate(pid)
      time.sleep("5ms")
      test.is_nil(find(system.hosts.processes("app:processes"), "pid", pid))
    end)

    it("names the actor", function()
      local pid = process.with_context({}):with_actor(security.new_actor("ann")):spawn("app:sleeper", "app:processes")
      test.eq(find(system.hosts.processes("app:processes"), "pid", pid).actor_id, "ann")
      process.terminate(pid)
    end)

    it("knows no other host", function()
      local value, err = system.hosts.processes("app:nowhere")
      fails(value, err, errors.NOT_FOUND, "host not found")
      value, err = system.hosts.processes("")
      fails(value, err, errors.INVALID, "host id is required")
    end)
  end)

  describe("supervisor", function()
    it("tells the state of a service", function()
      local state = system.supervisor.state("app:service")
      test.eq(state.id, "app:service")
      test.eq(state.status, "running")
      test.eq(state.desired, "running")
      test.eq(state.retry_count, 0)
      test.is_true(state.started_at > 1700000000000000000)
      test.is_true(state.last_update >= state.started_at)
    end)

    it("tells all states", function()
      local states = system.supervisor.states()
      test.not_nil(find(states, "id", "app:processes"))
      test.not_nil(find(states, "id", "app:service"))
    end)

    it("knows no other service", function()
      local value, err = system.supervisor.state("app:nothing")
      test.has_error(value, err)
      test.eq(err:kind(), errors.NOT_FOUND)
    end)
  end)

  describe("a node of its own", function()
    it("is its whole cluster", function()
      test.is_true(#system.node.id() > 0)
      test.eq(system.node.role(), "non-member")
      local members = system.cluster.members()
      test.eq(#members, 1)
      test.eq(members[1].id, system.node.id())
      test.is_true(members[1].is_local)
      test.eq(system.cluster.size(), 1)
      test.eq(system.cluster.leader(), "")
      local value, err = system.node.addr()
      fails(value, err, errors.INTERNAL, "membership not available")
    end)

    it("has no raft", function()
      for _, name in ipairs { "is_leader", "is_member", "role", "term", "commit_index", "stats" } do
        local value, err = system.raft[name]()
        fails(value, err, errors.INTERNAL, "raft not available")
      end
    end)
  end)

  describe("lock", function()
    it("has one holder", function()
      test.is_true(system.lock.acquire("one"))
      local ok, err = system.lock.acquire("one")
      test.eq(ok, false)
      test.eq(err:kind(), errors.ALREADY_EXISTS)
      test.eq(tostring(err), "lock held: one")
      test.is_true(system.lock.release("one"))
      test.eq(system.lock.release("one"), false)
    end)

    it("is the holder's, and free when the holder ends", function()
      local answers = process.listen("locked")
      local pid = process.spawn_monitored("app:sleeper", "app:processes")
      process.send(pid, "inbox", "theirs")
      test.is_true(answers:receive().ok)
      test.eq(system.lock.release("theirs"), false)
      test.eq((system.lock.acquire("theirs")), false)
      local events = process.events()
      process.send(pid, "inbox", "leave")
      test.eq(events:receive().kind, process.event.EXIT)
      test.is_true(system.lock.acquire("theirs"))
      system.lock.release("theirs")
    end)

    it("needs a name", function()
      local value, err = system.lock.acquire("")
      fails(value, err, errors.INVALID, "lock name is required")
    end)
  end)

  describe("permissions", function()
    local reader = funcs.new()
      :with_actor(security.new_actor("reader"))
      :with_scope(security.new_scope({ security.policy("app:reader") }))

    local refusals = {
      { "modules", "system.read on modules" },
      { "memory.stats", "system.read on memory" },
      { "memory.allocated", "system.read on memory" },
      { "memory.heap_objects", "system.read on memory" },
      { "memory.get_limit", "system.read on memory_limit" },
      { "memory.set_limit", "system.control on memory_limit", 1 },
      { "gc.collect", "system.gc on gc" },
      { "gc.get_percent", "system.read on gc_percent" },
      { "gc.set_percent", "system.gc on gc_percent", 100 },
      { "runtime.goroutines", "system.read on goroutines" },
      { "runtime.max_procs", "system.read on gomaxprocs" },
      { "runtime.max_procs", "system.control on gomaxprocs", 2 },
      { "runtime.cpu_count", "system.read on cpu" },
      { "process.hostname", "system.read on hostname" },
      { "process.cwd", "system.read on cwd" },
      { "supervisor.state", "system.read on supervisor", "app:service" },
      { "supervisor.states", "system.read on supervisor" },
      { "node.id", "system.read on node" },
      { "cluster.size", "system.read on cluster" },
      { "raft.role", "system.read on raft" },
      { "raft.stats", "system.read on raft_stats" },
      { "lock.acquire", "system.lock on mine", "mine" },
      { "exit", "system.exit", 0 },
    }
    for _, case in ipairs(refusals) do
      it(case[1] .. " needs " .. case[2], function()
        local answer = reader:call("app:ask", case[1], case[3])
        test.eq(answer.kind, errors.INVALID)
        test.eq(answer.text, "permission denied: " .. case[2])
      end)
    end

    it("lets pass what a policy allows", function()
      test.is_true(reader:call("app:ask", "process.pid").value > 0)
      test.is_true(#reader:call("app:ask", "hosts.list").value >= 1)
    end)
  end)

  describe("exit", function()
    it("wants a code that a system can give", function()
      local value, err = system.exit(256)
      fails(value, err, errors.INVALID, "exit code 256 is not an integer from 0 to 255")
    end)
  end)
end) }
