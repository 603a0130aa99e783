// Upgrading a process in place, from the side of its neighbours.

import { beforeEach, describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { Kernel } from '../../runtime/process/kernel.ts'
import { noPayload } from '../../runtime/process/process.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
beforeEach(async () => {
  node = await luaNode()
})

/** Runs `body` in a process with `inbox` and a helper that answers the next message's data. */
const lua = (body: string) =>
  node.eval(`
    local inbox = process.inbox()
    local function next_data() local m = inbox:receive() local p = m:payload() return p and p:data() end
    ${body}`)

/** A process that reports its state to `parent` and upgrades on request. */
const version = (name: string) => `
  local function main(parent, state)
    process.send(parent, "at", "${name}", state, process.pid(), process.id())
    local inbox = process.inbox()
    while true do
      local m = inbox:receive()
      if m:topic() == "upgrade" then process.upgrade(m:payload():data(), parent, (state or 0) + 1) error("returned") end
      if m:topic() == "stop" then return "${name}" end
      process.send(parent, "got", "${name}", m:payload():data())
    end
  end
  return { main = main }`

describe('upgrade', () => {
  test('keeps the pid and runs the current code with the arguments', async () => {
    node.process('app:w', version('old'))
    node.process(
      'app:start',
      `local function main()
      local inbox = process.inbox()
      local pid = process.spawn("app:w", "${HOST}", process.pid(), 1)
      local seen = {}
      for i = 1, 2 do
        local values = inbox:receive():payload()
        seen[i] = values[1]:data() .. values[2]:data() .. tostring(values[3]:data() == pid) .. values[4]:data()
        if i == 1 then
          process.send(process.registry.lookup("test"), "replace")
          inbox:receive()
          process.send(pid, "upgrade", nil)
        end
      end
      return seen
    end return { main = main }`,
    )
    node.process(
      'app:test',
      'return { main = function() process.registry.register("test") return process.inbox():receive():from() end }',
    )
    const asked = node.run('app:test')
    const started = node.run('app:start')
    const { value: pid } = await asked
    node.process('app:w', version('new'))
    node.kernel.find(String(pid)).deliver('go', '', noPayload)
    expect((await started).value).toEqual(['old1trueapp:w', 'new2trueapp:w'])
  })

  test('goes on as another definition when one is named', async () => {
    node.process('app:a', version('a'))
    node.process('app:b', version('b'))
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:a", "${HOST}", process.pid())
        inbox:receive()
        process.send(pid, "upgrade", "app:b")
        local at = inbox:receive():payload()
        process.send(pid, "stop")
        local event = process.events():receive()
        return { at[1]:data(), at[4]:data(), event.from == pid, event.result.value }`),
    ).toEqual(['b', 'app:b', true, 'b'])
  })

  test('messages not read are kept in order, whatever they waited in', async () => {
    node.process(
      'app:w',
      `local function main(parent, upgraded)
        if not upgraded then
          local a, b = process.listen("a"), process.listen("b", { message = true })
          process.send(parent, "ready")
          b:receive()
          process.upgrade(nil, parent, true)
        end
        local inbox, log = process.inbox(), {}
        while true do
          local m = inbox:receive()
          local p = m:payload()
          if m:topic() == "end" then return log end
          local text = m:topic() .. ":"
          if p == nil then text = text .. "nil"
          elseif type(p) == "table" then for _, one in ipairs(p) do text = text .. one:data() end
          else text = text .. p:data().n end
          log[#log + 1] = text .. (m:from() == parent and "" or "?")
        end
      end return { main = main }`,
    )
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:w", "${HOST}", process.pid())
        inbox:receive()
        process.send(pid, "a", { n = 1 })
        process.send(pid, "c", { n = 2 })
        process.send(pid, "a", "x", "y")
        process.send(pid, "a")
        process.send(pid, "c", { n = 3 })
        process.send(pid, "b", "taken")
        process.send(pid, "b", { n = 4 })
        process.send(pid, "end")
        return process.events():receive().result.value`),
    ).toEqual(['a:1', 'c:2', 'a:xy', 'a:nil', 'c:3', 'b:4'])
  })

  test('names, links, monitors and context stay; trap_links, coroutines and timers do not', async () => {
    node.process(
      'app:w',
      `local function main(parent, upgraded)
        if not upgraded then
          process.set_options { trap_links = true, upgradable = true }
          process.registry.register("worker")
          process.link(parent)
          process.monitor(parent)
          coroutine.spawn(function() process.listen("other"):receive() error("alive") end)
          process.upgrade(nil, parent, true)
        end
        local options = process.get_options()
        process.send(parent, "options", { options.trap_links, options.upgradable, process.registry.lookup("worker") == process.pid() })
        process.inbox():receive()
        error("down")
      end return { main = main }`,
    )
    expect(
      await lua(`
        process.set_options { trap_links = true }
        local pid = process.spawn_monitored("app:w", "${HOST}", process.pid())
        local options = next_data()
        process.send(pid, "other")
        local events = process.events()
        local first, second = events:receive(), events:receive()
        local _, gone = process.registry.lookup("worker")
        return { options, first.kind, second.kind, first.from == pid, tostring(gone), (string.find(first.result.error, "down")) ~= nil }`),
    ).toEqual([[false, false, true], 'pid.exit', 'pid.link.down', true, 'name not registered', true])
  })

  test('unread events are kept', async () => {
    node.process('app:child', 'return { main = function() return 7 end }')
    node.process(
      'app:w',
      `local function main(parent, upgraded)
        if not upgraded then
          process.spawn_monitored("app:child", "${HOST}")
          process.inbox():receive()
          process.upgrade(nil, parent, true)
        end
        local event = process.events():receive()
        return { event.kind, event.result.value }
      end return { main = main }`,
    )
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:w", "${HOST}", process.pid())
        for i = 1, 5 do coroutine.yield() end
        process.send(pid, "go")
        return process.events():receive().result.value`),
    ).toEqual(['pid.exit', 7])
  })

  test('what was handed to a coroutine that has not run since is not read', async () => {
    node.process(
      'app:w',
      `local function main(how, parent, upgraded)
        local inbox, events = process.inbox(), process.events()
        if upgraded then
          local message, event = inbox:receive(), events:receive()
          return { message:topic(), message:payload():data().n, message:from() == parent, event.kind }
        end
        for i, ch in ipairs { how == "inbox" and inbox or process.listen("t"), events } do
          -- in a coroutine of its own making a wait always leaves the stack, so that they are resumed in the order they woke
          local read = coroutine.wrap(function()
            if how == "select" then channel.select { ch:case_receive() } else ch:receive() end
            error("read")
          end)
          coroutine.spawn(function() read() end)
        end
        -- until they wait, and this slice, in which code was loaded, is not what the scheduler goes by
        for _ = 1, 3 do coroutine.yield() end
        process.send(parent, "ready")
        -- woken before the two: this coroutine came first
        process.listen("go"):receive()
        process.upgrade(nil, how, parent, true)
      end return { main = main }`,
    )
    for (const how of ['inbox', 'listen', 'select']) {
      expect(
        await lua(`
          local pid = process.spawn_monitored("app:w", "${HOST}", "${how}", process.pid())
          inbox:receive()
          for i = 1, 3 do coroutine.yield() end
          process.send(pid, "go")
          process.send(pid, "t", { n = 1 })
          process.cancel(pid)
          local r = process.events():receive().result
          return r.value or tostring(r.error)`),
      ).toEqual(['t', 1, true, 'pid.cancel'])
    }
  })

  test('works from a coroutine the program made, and inside pcall', async () => {
    node.process(
      'app:w',
      `local function main(how, upgraded)
        if upgraded then return { how, upgraded } end
        if how == "wrap" then coroutine.wrap(function() process.upgrade(nil, how, { deep = 1 }) end)() end
        if how == "spawned" then coroutine.spawn(function() process.upgrade(nil, how, { deep = 2 }) end) channel.new():receive() end
        pcall(function() process.upgrade(nil, how, { deep = 3 }) end)
        error("went on")
      end return { main = main }`,
    )
    expect((await node.run('app:w', 'wrap')).value).toEqual(['wrap', { deep: 1 }])
    expect((await node.run('app:w', 'spawned')).value).toEqual(['spawned', { deep: 2 }])
    expect((await node.run('app:w', 'pcall')).value).toEqual(['pcall', { deep: 3 }])
  })

  test('a failure ends the process and says which step failed', async () => {
    node.process('app:w', 'return { main = function(id) process.upgrade(id) end }')
    node.process('app:broken', 'error("at load")')
    node.process('app:empty', 'return {}')
    const failure = async (id: string) => (await node.run('app:w', id)).error?.text
    expect(await failure('app:none')).toBe('upgrade: create failed: factory not found')
    expect(await failure('app:broken')).toMatch(/^upgrade: init failed: failed to execute script: .*at load/)
    expect(await failure('app:empty')).toBe('upgrade: init failed: method "main" not found in module')
  })

  test('what new code takes while it loads is its own, and free again when it does not load', async () => {
    node.process('app:peer', 'return { main = function() process.inbox():receive() error("peer failed", 0) end }')
    const load = (rest: string) => `
      local same = process.registry.register("old")
      process.registry.register("new")
      local peer = process.spawn_linked_monitored("app:peer", "${HOST}")
      ${rest}`
    node.process(
      'app:loads',
      load(`return { main = function(to)
        process.set_options({ trap_links = true })
        process.send(to, "up", { same, process.registry.lookup("old") == process.pid(), process.registry.lookup("new") == process.pid() })
        process.send(peer, "go")
        local first, second = process.events():receive(), process.events():receive()
        process.send(to, "told", { first.kind, second.kind })
        process.inbox():receive()
      end }`),
    )
    node.process('app:broken', load('error("no")'))
    node.process('app:w', 'return { main = function(...) process.registry.register("old") process.upgrade(...) end }')
    const body = `
      local events = process.events()
      local function free(name) return process.registry.lookup(name) == nil end
      local pid = process.spawn_monitored("app:w", "${HOST}", "app:loads", process.pid())
      local up, told = next_data(), next_data()
      process.send(pid, "end")
      events:receive()
      local after = { free("old"), free("new") }
      process.spawn_monitored("app:w", "${HOST}", "app:broken")
      local failed = tostring(events:receive().result.error)
      return { up, told, after, failed, free("old"), free("new") }`
    expect(await lua(body)).toEqual([
      [true, true, true],
      ['pid.exit', 'pid.link.down'],
      [true, true],
      expect.stringMatching(/^upgrade: init failed: .*no$/),
      true,
      true,
    ])
  })

  test('its neighbours hear of its end after several upgrades too', async () => {
    node.process(
      'app:w',
      'return { main = function(n) if n > 0 then process.upgrade(nil, n - 1) end process.registry.register("last") error("over", 0) end }',
    )
    expect(
      await lua(`
        process.set_options { trap_links = true }
        process.spawn_linked_monitored("app:w", "${HOST}", 3)
        local a, b = process.events():receive(), process.events():receive()
        return { a.kind, b.kind, tostring(b.result.error), process.registry.lookup("last") == nil }`),
    ).toEqual(['pid.exit', 'pid.link.down', 'over', true])
  })

  test('an upgraded process reached by its old handle is still the same', async () => {
    node.process(
      'app:w',
      'return { main = function(again) if not again then process.upgrade(nil, true) end process.inbox():receive() return "done" end }',
    )
    const process = node.spawn('app:w')
    const ended = new Promise((resolve) => node.kernel.watch(process, (exit) => resolve(exit.result?.values()[0])))
    await node.eval('for i = 1, 5 do coroutine.yield() end')
    expect(node.kernel.byPid(process.pid)).not.toBe(process)
    process.deliver('go', '', noPayload)
    expect(await ended).toBe('done')
    expect(node.kernel.hosts.get(HOST)?.processes.size).toBe(0)
    expect(node.kernel.processCount).toBe(0)
  })

  test('a function call cannot be upgraded', async () => {
    node.function('app:f', 'return { handler = function() local _, err = process.upgrade() return err:kind() end }')
    expect(await node.eval('return funcs.call("app:f")', { modules: ['funcs'] })).toBe('InvalidState')
  })
})

describe('outdated', () => {
  const watcher = (options: string) => `return { main = function(parent)
    process.set_options(${options})
    process.send(parent, "ready")
    process.inbox():receive()
    local log, events = {}, process.events()
    while true do
      local r = channel.select { events:case_receive(), default = true }
      if r.default then return log end
      log[#log + 1] = { r.value.kind, r.value.sources, r.value.from == process.pid() }
    end
  end }`

  const outdate = async (options: string) => {
    node.process('app:w', watcher(options))
    node.process(
      'app:start',
      `return { main = function()
      local pid = process.spawn_monitored("app:w", "${HOST}", process.pid())
      process.inbox():receive()
      process.send(process.registry.lookup("test"), "ready")
      process.inbox():receive()
      process.send(pid, "go")
      return process.events():receive().result.value
    end }`,
    )
    node.process(
      'app:test',
      'return { main = function() process.registry.register("test") process.inbox():receive() end }',
    )
    const ready = new Promise<void>((resolve) => node.kernel.watch(node.spawn('app:test'), () => resolve()))
    const started = node.spawn('app:start')
    const ended = new Promise((resolve) =>
      node.kernel.watch(started, (exit) => resolve(exit.result?.values()[0] ?? exit.error)),
    )
    await ready
    node.kernel.outdated(new Map([['app:w', ['app:lib']]]))
    node.kernel.outdated(new Map([['app:other', ['app:other']]]))
    node.kernel.outdated(new Map([['app:w', ['app:w', 'app:lib']]]))
    started.deliver('go', '', noPayload)
    return ended
  }

  test('those who asked are told, and unread notices are one', async () => {
    expect(await outdate('{ upgradable = true }')).toEqual([['pid.outdated', ['app:lib', 'app:w'], true]])
  })

  test('others are not told', async () => {
    expect(await outdate('{ upgradable = false }')).toEqual(Object.create(null))
  })
})

describe('a process that upgrades for ever', () => {
  const TIMES = 20_000

  test('ends as any other, and is reached by those who knew it as it was', async () => {
    node.process(
      'app:w',
      `return { main = function(left)
        if left > 0 then process.upgrade(nil, left - 1) end
        process.registry.register("done")
        return process.inbox():receive():topic() .. process.events():receive().reason
      end }`,
    )
    const first = node.spawn('app:w', [TIMES])
    const ended = new Promise((resolve) => node.kernel.watch(first, (exit) => resolve(Kernel.outcome(exit))))
    while (node.kernel.names.lookup('done') === undefined) await new Promise((resolve) => setImmediate(resolve))
    first.deliver('hello', '', noPayload)
    first.event({ kind: 'pid.cancel', from: '', at: 0, reason: ' and goodbye' })
    expect(await ended).toEqual({ value: 'hello and goodbye' })
    expect(() => first.deliver('late', '', noPayload)).toThrow('process not found')
  })

  test('can be ended', async () => {
    node.process('app:w', 'return { main = function() process.upgrade() end }')
    const first = node.spawn('app:w')
    const ended = new Promise((resolve) => node.kernel.watch(first, (exit) => resolve(Kernel.outcome(exit))))
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    first.terminate(new RuntimeError('Canceled', 'enough'))
    expect(await ended).toMatchObject({ error: { message: 'enough' } })
  })

  test('has no more CPU than if it did not, when it was made at run time', async () => {
    node.process('app:g', 'return { main = function() process.upgrade() end }', {
      generated: true,
      limits: { cpu: 50 },
    })
    expect(await node.run('app:g')).toMatchObject({ error: { message: 'cpu limit of 50 ms exceeded' } })
    // Loading is work too.
    node.process('app:g', 'for i = 1, 1e5 do end return { main = function() process.upgrade() end }', {
      generated: true,
      limits: { cpu: 50 },
    })
    expect(await node.run('app:g')).toMatchObject({ error: { message: 'cpu limit of 50 ms exceeded' } })
  })
})
