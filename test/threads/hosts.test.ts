// A process host with several workers: what one may rely on in one thread holds across threads (PROMISES P1 to P5, P9).

import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import type { ValueMap } from '../../runtime/core/value.ts'
import { type Call, type LuaModule, LuaType } from '../../runtime/lua/module.ts'
import { RemoteProcess } from '../../runtime/threads/remote-process.ts'
import type { Thread } from '../../runtime/threads/thread.ts'
import { MAIN, type ThreadHost, threadHost, WORKERS } from '../support/thread-host.ts'

let node: ThreadHost
beforeAll(async () => {
  node = await threadHost()
  await node.process('sleeps', 'return { main = function() channel.new():receive() end }')
  await node.process('returns', 'return { main = function(...) return ... end }')
  await node.process('fails', 'return { main = function(why) error(why) end }')
  await node.process(
    'counts',
    `return { main = function()
      local inbox, n, last, bad = process.inbox(), 0, {}, 0
      while true do
        local m = inbox:receive()
        if m:topic() == "stop" then return { n = n, bad = bad } end
        local from, i = m:from(), m:payload():data()
        if i ~= (last[from] or 0) + 1 then bad = bad + 1 end
        last[from], n = i, n + 1
      end
    end }`,
  )
  await node.process(
    'sends',
    `return { main = function(to, count)
      local sent = 0
      for i = 1, count do if process.send(to, "n", i) then sent = sent + 1 end end
      return sent
    end }`,
  )
})
afterAll(() => node.stop())

const lua = (body: string, on = WORKERS, modules?: readonly string[]) => node.eval(body, on, modules)
/** The process behind a pid, which must run in a worker. */
const remote = (pid: string): RemoteProcess => {
  const process = node.host.kernel.byPid(pid)
  if (!(process instanceof RemoteProcess)) throw new Error(`${pid} does not run in another thread`)
  return process
}

describe('where processes run', () => {
  test('those the host starts are spread over its threads', () => {
    const threads = new Set([1, 2, 3, 4].map(() => remote(node.host.spawn('app:sleeps', WORKERS)).thread))
    expect(threads.size).toBe(2)
    expect(node.host.hosts().find(({ id }) => id === WORKERS)).toMatchObject({ workers: 2 })
  })

  test('a child is found from everywhere, and knows its parent', async () => {
    const [mine, theirs] = (await lua(
      'return { process.pid(), (process.spawn("app:sleeps", "app:workers")) }',
    )) as string[]
    expect(remote(theirs as string).parent?.serial).toBe(Number.parseInt((mine as string).split('0x')[1] as string, 16))
    expect(await lua(`return (process.send("${theirs}", "hello"))`, MAIN)).toBe(true)
  })

  test('what they do can be looked at', async () => {
    const pid = node.host.spawn('app:sleeps', WORKERS)
    const look = async () => {
      // Asks every thread for what its processes do.
      await lua('return require("system").gc.collect()', MAIN, ['system'])
      return node.host.processes(WORKERS).find((one) => one.pid === pid)
    }
    let view = await look()
    while (view?.state === 'ready') view = await look()
    expect(view).toMatchObject({ source: 'app:sleeps', state: 'waiting', activity: { coroutines: 1, queued: 0 } })
    expect(view?.steps).toBeGreaterThan(0)
  })

  test('are no more than the machine has cores, and at least one is asked for', async () => {
    const host = (workers: unknown) => ({
      id: 'app:many',
      kind: 'process.host',
      meta: {},
      data: { host: { workers }, lifecycle: { auto_start: true } } as ValueMap,
    })
    await node.host.registry.apply([{ op: 'create', entry: host(1000) }])
    expect(node.host.hosts().find(({ id }) => id === 'app:many')?.workers).toBe(Math.max(2, availableParallelism()))
    await expect(node.host.registry.apply([{ op: 'update', entry: host(0) }])).rejects.toThrow(
      'entry app:many: host.workers must be at least 1, not 0',
    )
    await expect(node.host.registry.apply([{ op: 'update', entry: host('two') }])).rejects.toThrow(
      'entry app:many: host.workers "two" is not a non-negative integer',
    )
    await node.host.registry.apply([{ op: 'delete', id: 'app:many' }])
  })

  test('one worker is the thread of the runtime itself', () => {
    expect(node.host.kernel.byPid(node.host.spawn('app:sleeps', MAIN))).not.toBeInstanceOf(RemoteProcess)
  })
})

describe('messages', () => {
  test.each([
    ['from the main thread to a worker', MAIN, WORKERS],
    ['from a worker to the main thread', WORKERS, MAIN],
    ['among workers', WORKERS, WORKERS],
  ])('%s arrive once, in the order of each sender', async (_name, from, to) => {
    expect(
      await lua(
        `local counter, events = process.spawn_monitored("app:counts", "${to}"), process.events()
        local total = 0
        for i = 1, 4 do process.spawn_monitored("app:sends", "${from}", counter, 2000) end
        for i = 1, 4 do total = total + events:receive().result.value end
        process.send(counter, "stop")
        local counted = events:receive().result.value
        return { total, counted.n, counted.bad }`,
        MAIN,
      ),
    ).toEqual([8000, 8000, 0])
  })

  test('keep numbers, cycles, metatables and errors as they are', async () => {
    await node.process(
      'mirror',
      'return { main = function() local m = process.inbox():receive() process.send(m:from(), "back", m:payload():data()) end }',
    )
    expect(
      await lua(
        `local t = setmetatable({ 1, 2.0, n = 2^60, k = { [true] = "yes" } }, { __name = "thing" })
        t.me, t.err = t, errors.new({ kind = errors.CONFLICT, message = "no", retryable = true })
        local back = process.listen("back")
        process.send((process.spawn("app:mirror", "${WORKERS}")), "x", t)
        local u = back:receive()
        return { math.type(u[1]), math.type(u[2]), u.n == 2^60, u.k[true], getmetatable(u).__name, u.me == u,
          u.err:kind(), u.err:retryable() }`,
        MAIN,
      ),
    ).toEqual(['integer', 'float', true, 'yes', 'thing', true, 'Conflict', true])
  })

  test('of scalars alone, or a table of them, come out the same by the short way', async () => {
    expect(
      await lua(
        `local values = { 0, -1, 2^53, 1 << 62, math.mininteger, 1.5, 3.0, -0.0, 1/0, "", "text", "\\xff\\0\\xfe", ("x"):rep(500), true, false }
        local back = process.listen("back")
        local same = function(a, b) return rawequal(a, b) and math.type(a) == math.type(b) and 1/(tonumber(a) or 1) == 1/(tonumber(b) or 1) end
        local wrong = {}
        for _, v in ipairs(values) do
          process.send((process.spawn("app:mirror", "${WORKERS}")), "x", v)
          if not same(back:receive(), v) then wrong[#wrong + 1] = tostring(v) end
        end
        values.key, values[1.5], values[-7] = "named", "float key", "negative"
        process.send((process.spawn("app:mirror", "${WORKERS}")), "x", values)
        local got = back:receive()
        for k, v in pairs(values) do if not same(got[k], v) then wrong[#wrong + 1] = tostring(k) end end
        for k in pairs(got) do if values[k] == nil then wrong[#wrong + 1] = "more: " .. tostring(k) end end
        process.send((process.spawn("app:mirror", "${WORKERS}")), "x", {})
        if next((back:receive())) ~= nil then wrong[#wrong + 1] = "empty" end
        return wrong`,
        MAIN,
      ),
    ).toEqual({})
  })

  test('to who has ended are refused', async () => {
    const refused = `local _, err = process.send(pid, "x") return { err:kind(), err:message() }`
    const ended = `local pid = process.spawn_monitored("app:returns", "${WORKERS}") process.events():receive()`
    expect(await lua(`${ended} ${refused}`, MAIN)).toEqual(['NotFound', 'process not found'])
    // Known to be alive before: its end is seen in shared memory.
    const pid = node.host.spawn('app:sleeps', MAIN)
    expect(
      await lua(
        `local pid = "${pid}"
        local before = process.send(pid, "x")
        process.monitor(pid)
        process.terminate(pid)
        process.events():receive()
        local _, err = process.send(pid, "x")
        return { before, err:kind() }`,
      ),
    ).toEqual([true, 'NotFound'])
  })

  test.each([
    ['to a worker', MAIN, WORKERS],
    ['to the main thread', WORKERS, MAIN],
  ])('%s are refused when the mailbox is full, too big or too deep', async (_name, from, to) => {
    const pid = node.host.spawn('app:sleeps', to)
    expect(
      await lua(
        `local sent, err = 0, nil
        repeat
          local ok
          ok, err = process.send("${pid}", "x", sent)
          if ok then sent = sent + 1 end
        until err
        return { sent, err:kind(), err:retryable() }`,
        from,
      ),
    ).toEqual([100_000, 'RateLimited', true])
    const other = node.host.spawn('app:sleeps', to)
    expect(
      await lua(
        `local deep = {} for i = 1, 200 do deep = { deep } end
        local _, big = process.send("${other}", "x", ("x"):rep(65 << 20))
        local _, low = process.send("${other}", "x", deep)
        return { big:kind(), low:kind() }`,
        from,
      ),
    ).toEqual(['LimitExceeded', 'Invalid'])
  })
})

describe('ends', () => {
  test('are told once, after every message the process sent before', async () => {
    await node.process(
      'talks',
      'return { main = function(to) for i = 1, 500 do process.send(to, "n", i) end return "bye" end }',
    )
    expect(
      await lua(
        `local inbox, events, n = process.inbox(), process.events(), 0
        local pid = process.spawn_monitored("app:talks", "${WORKERS}", process.pid())
        while true do
          local got = channel.select { inbox:case_receive(), events:case_receive() }
          if got.channel == events then return { n, got.value.result.value, got.value.from == pid } end
          n = n + 1
        end`,
        MAIN,
      ),
    ).toEqual([500, 'bye', true])
  })

  test.each([
    ['a return', 'app:returns', '"v"', ['v', null]],
    ['an error', 'app:fails', '"why"', [null, 'app:fails:1: why']],
  ])('by %s reach monitors in another thread', async (_name, definition, argument, [value, error]) => {
    expect(
      await lua(
        `process.spawn_monitored("${definition}", "${WORKERS}", ${argument})
        local result = process.events():receive().result
        return { value = result.value, error = result.error and result.error:message() }`,
        MAIN,
      ),
    ).toEqual(Object.fromEntries(Object.entries({ value, error }).filter(([, given]) => given !== null)))
  })

  test('take linked processes along through all threads, unless they trap them', async () => {
    await node.process(
      'chain',
      `return { main = function(hosts, to)
        if #hosts == 0 then process.inbox():receive() error("the last one fell") end
        local next_host = table.remove(hosts, 1)
        local pid = process.spawn_linked("app:chain", next_host, hosts, to)
        process.send(to, "link", { #hosts, pid })
        channel.new():receive()
      end }`,
    )
    expect(
      await lua(
        `process.set_options({ trap_links = true })
        local links, events, last = process.listen("link"), process.events(), nil
        local first = process.spawn_linked("app:chain", "${WORKERS}", { "${MAIN}", "${WORKERS}", "${MAIN}", "${WORKERS}" }, process.pid())
        for i = 1, 4 do local link = links:receive() if link[1] == 0 then last = link[2] end end
        process.send(last, "fall")
        local event = events:receive()
        return { event.kind, event.from == first, event.result.error:message() }`,
        MAIN,
      ),
    ).toEqual(['pid.link.down', true, 'linked process failed'])
  })

  test('free names before they are told', async () => {
    await node.process(
      'named',
      'return { main = function(n) process.registry.register(n) process.inbox():receive() end }',
    )
    expect(
      await lua(
        `local events = process.events()
        local pid = process.spawn_monitored("app:named", "${WORKERS}", "across")
        while not process.registry.lookup("across") do time.sleep("1ms") end
        process.send("across", "go")
        events:receive()
        local _, err = process.registry.lookup("across")
        return err:message()`,
      ),
    ).toBe('name not registered')
  })

  test('by terminate and cancel come from other threads too', async () => {
    await node.process(
      'obeys',
      'return { main = function() local e = process.events():receive() return e.kind .. " " .. e.reason end }',
    )
    expect(
      await lua(
        `local events = process.events()
        local a = process.spawn_monitored("app:obeys", "${WORKERS}")
        process.cancel(a, "enough")
        local first = events:receive().result.value
        local b = process.spawn_monitored("app:sleeps", "${WORKERS}")
        process.terminate(b)
        return { first, events:receive().result.error:message() }`,
        MAIN,
      ),
    ).toEqual(['pid.cancel enough', 'process terminated'])
  })
})

describe('calls', () => {
  test('of Lua functions run in the thread of the caller', async () => {
    await node.function('where', 'return { handler = function() return process.pid() end }')
    const pids = (await lua('return { process.pid(), (funcs.call("app:where")) }')) as string[]
    // Nobody met it: the main thread never heard of the pid.
    expect(pids[1]).toMatch(/^\{app:where#lua\.1\|0x/)
    expect(await lua('return (funcs.call("app:where"))', MAIN)).toMatch(/^\{app:where#lua\.\d+\|0x/)
  })

  test('follow a change of the code, its libraries too', async () => {
    const library = (n: number) => ({
      id: 'app:lib',
      kind: 'library.lua',
      meta: {},
      data: { source: `return { n = ${n} }` },
    })
    await node.host.registry.apply([{ op: 'create', entry: library(1) }])
    await node.function('uses', 'return { handler = function() return require("lib").n end }', {
      data: { imports: { lib: 'app:lib' } },
    })
    expect(await lua('return (funcs.call("app:uses"))')).toBe(1)
    await node.host.registry.apply([{ op: 'update', entry: library(2) }])
    expect(await lua('return (funcs.call("app:uses"))')).toBe(2)
  })

  test('to functions nobody has fail alike', async () => {
    expect(await lua('local _, err = funcs.call("app:nobody") return { err:kind(), err:message() }')).toEqual(
      await lua('local _, err = funcs.call("app:nobody") return { err:kind(), err:message() }', MAIN),
    )
  })

  test('of a process wait for its end', async () => {
    expect(
      await lua(
        `return { process.exec("app:returns", "${WORKERS}", "x"), (process.exec("app:returns", "${MAIN}", "y")) }`,
      ),
    ).toEqual(['x', 'y'])
  })
})

test('groups hold members of all threads', async () => {
  await node.process(
    'joins',
    'return { main = function(to) local pg = require("pg") pg.join("crew") process.send(to, "in") process.send(to, "heard", (process.listen("all"):receive())) end }',
    { modules: ['pg'] },
  )
  expect(
    await lua(
      `local pg, joined, heard = require("pg"), process.listen("in"), process.listen("heard")
      for _, host in ipairs { "${WORKERS}", "${WORKERS}", "${MAIN}" } do process.spawn("app:joins", host, process.pid()) end
      for i = 1, 3 do joined:receive() end
      local members = #pg.get_members("crew")
      pg.broadcast("crew", "all", "hello")
      return { members, (heard:receive()), (heard:receive()), (heard:receive()) }`,
      WORKERS,
      ['pg'],
    ),
  ).toEqual([3, 'hello', 'hello', 'hello'])
})

describe('a change while they run', () => {
  test('reaches new processes, and OUTDATED those that asked for it', async () => {
    const source = (version: number) => `return { main = function(to)
      process.set_options({ upgradable = true })
      process.send(to, "version", ${version})
      process.events():receive()
      process.upgrade(nil, to)
    end }`
    await node.process('evolves', source(1))
    const seen: unknown[] = []
    let heard = (): void => undefined
    const listener = node.host.listen(({ values }) => {
      seen.push(values[0])
      heard()
    })
    const next = (): Promise<void> => new Promise((resolve) => (heard = resolve))
    const first = next()
    node.host.spawn('app:evolves', WORKERS, [listener.pid])
    await first
    const second = next()
    await node.process('evolves', source(2))
    await second
    listener.close()
    expect(seen).toEqual([1, 2])
  })
})

describe('a thread that is lost', () => {
  test('takes its processes along, each with an exit; the host goes on with another', async () => {
    const pids = [1, 2, 3, 4, 5, 6].map(() => node.host.spawn('app:sleeps', WORKERS))
    // Every one has begun.
    await lua('return 1')
    const victim = remote(pids[0] as string).thread as Thread
    const there = pids.filter((pid) => remote(pid).thread === victim)
    const ended = there.map(
      (pid) => new Promise((resolve) => node.host.kernel.watch(remote(pid), (exit) => resolve(exit.error?.message))),
    )
    await victim.kill(new RuntimeError('Internal', 'pulled out'))
    expect(new Set(await Promise.all(ended))).toEqual(new Set(['pulled out']))
    for (const pid of there) expect(node.host.kernel.byPid(pid)).toBeUndefined()
    for (const pid of pids.filter((one) => !there.includes(one))) expect(remote(pid).ended).toBe(false)
    expect(await lua('return "again"')).toBe('again')
    expect(await lua('return "again"')).toBe('again')
  })
})

describe('what crossed threads the wrong way once', () => {
  test('a function called in a worker is found by its pid', async () => {
    await node.function(
      'asks',
      `return { handler = function(to)
        local back = process.listen("back")
        process.send(to, "x", "question")
        return (back:receive())
      end }`,
    )
    const pid = node.host.spawn('app:mirror', MAIN)
    expect(await lua(`return (funcs.call("app:asks", "${pid}"))`)).toBe('question')
  })

  test('a listener of the embedding program takes any number of messages', async () => {
    let count = 0
    const listener = node.host.listen(() => void count++)
    const body = `local sent = 0
      for i = 1, 40000 do if process.send("${listener.pid}", "n", i) then sent = sent + 1 end end
      return sent`
    let sent = 0
    for (let round = 0; round < 3; round++) {
      sent += Number(await lua(body))
      while (count < sent) await new Promise((resolve) => setImmediate(resolve))
    }
    listener.close()
    expect(sent).toBe(120_000)
  })

  test('processes on a host are counted wherever they are started', async () => {
    const entry = {
      id: 'app:few',
      kind: 'process.host',
      meta: {},
      data: { host: { workers: 2, limits: { processes: 3 } }, lifecycle: { auto_start: true } } as ValueMap,
    }
    await node.host.registry.apply([{ op: 'create', entry }])
    expect(
      await lua(
        `local started, err = 0, nil
        repeat
          local pid
          pid, err = process.spawn("app:sleeps", "app:few")
          if pid then started = started + 1 end
        until err
        return { started, err:kind() }`,
        'app:few',
      ),
    ).toEqual([2, 'LimitExceeded'])
    await node.host.registry.apply([{ op: 'delete', id: 'app:few' }])
  })

  test('the mailbox of a child in a worker has its own limit towards other threads', async () => {
    await node.process('narrow', 'return { main = function() channel.new():receive() end }', {
      data: { options: { limits: { mailbox: 5 } } },
    })
    const pid = (await lua(`return (process.spawn("app:narrow", "${WORKERS}"))`)) as string
    expect(await lua(`local n = 0 while process.send("${pid}", "x") do n = n + 1 end return n`, MAIN)).toBe(5)
  })

  test('what does not load ends with an error that is told, when nobody waits for its start', async () => {
    await node.process('broken', 'error("not today")')
    const { error } = await node.host.run('app:broken', WORKERS)
    expect(error?.message).toBe('app:broken:1: not today')
    expect(await lua(`local _, err = process.exec("app:broken", "${WORKERS}") return err:message()`, MAIN)).toBe(
      'app:broken:1: not today',
    )
  })
})

test('a module of the embedding program works in a worker as in the main thread', async () => {
  const counter: LuaType<{ n: number }> = new LuaType<{ n: number }>({
    name: 'test.Counter',
    fields: { n: (self) => self.n },
    methods: { add: (_call, self, by: unknown) => (self.n += Number(by)) },
    method: (self, name) => (name === 'twice' ? () => self.n * 2 : undefined),
    tostring: (self) => `counter at ${self.n}`,
    equals: (a, b) => a.n === b.n,
    less: (a, b) => a.n < b.n,
  })
  const module: LuaModule = {
    name: 'counters',
    description: 'counters of the main thread',
    traits: [],
    open: () => ({
      new: (_call, n: unknown) => counter.wrap({ n: Number(n) }),
      channel(call) {
        const channel = call.channel(1)
        channel.push('fed')
        return channel
      },
      slow(call: Call) {
        const end = performance.now() + 20
        while (performance.now() < end);
        return call.where().replace(/:\d+$/, '')
      },
      limit: 7,
    }),
  }
  const own = await threadHost({ modules: [module] })
  const body = `local counters = require("counters")
    local a, b = counters.new(1), counters.new(5)
    a:add(2)
    local sorted = { b, a }
    table.sort(sorted, function(x, y) return x < y end)
    coroutine.spawn(function() for i = 1, 20 do process.send("nobody", "x") end end)
    local fed = 0
    for i = 1, 20 do if counters.channel():receive() == "fed" then fed = fed + 1 end end
    return { a.n, tostring(b), a == counters.new(3), sorted[1].n, a:twice(), type(a.none), fed, counters.limit, (counters.slow()) }`
  const expected = [3, 'counter at 5', true, 3, 6, 'nil', 20, 7]
  expect(await own.eval(body, MAIN, ['counters'])).toEqual([...expected, 'app:eval1'])
  expect(await own.eval(body, WORKERS, ['counters'])).toEqual([...expected, 'app:eval2'])

  // What the main thread does for code made at run time is that code's CPU.
  await own.function('burns', 'return { handler = function() for i = 1, 100 do require("counters").slow() end end }', {
    modules: ['counters'],
    generated: true,
    data: { options: { limits: { cpu: '200ms' } } },
  })
  await expect(own.host.call('app:burns')).rejects.toMatchObject({ message: 'cpu limit of 200 ms exceeded' })
  await own.stop()
})

test('stopping the host asks its processes to end, whichever thread they are in', async () => {
  const own = await threadHost()
  await own.process(
    'tidies',
    `return { main = function(to)
      process.send(to, "up")
      local e = process.events():receive()
      process.send(to, "down", e.reason)
    end }`,
  )
  const seen: string[] = []
  let all = (): void => undefined
  const up = new Promise<void>((resolve) => (all = resolve))
  const listener = own.host.listen(({ topic, values }) => {
    seen.push(topic === 'up' ? 'up' : `${values[0]}`)
    if (seen.length === 4) all()
  })
  for (let i = 0; i < 4; i++) own.host.spawn('app:tidies', WORKERS, [listener.pid])
  await up
  await own.host.stop()
  expect(seen.slice(4)).toEqual(Array(4).fill('scheduler shutdown'))
})
