// Limits of Lua code on a whole host: where they are set, who may set them, and what happens at each.

import { describe, expect, test } from 'vitest'
import { createHost, type Entry, type Host, type Value } from '../runtime/index.ts'
import { loadConfig } from '../runtime/loader/config.ts'

const HOST = 'app:processes'
const entry = (id: string, kind: string, data: Entry['data']): Entry => ({ id, kind, meta: {}, data })
const processes = (limits: Value = {}): Entry =>
  entry(HOST, 'process.host', { lifecycle: { auto_start: true, stop_timeout: '20ms' }, host: { limits } })
const main = (id: string, body: string, options: Value = {}, modules: string[] = []): Entry =>
  entry(id, 'process.lua', { source: `return { main = function(...) ${body} end }`, options, modules })
const fn = (id: string, body: string, options: Value = {}, modules: string[] = []): Entry =>
  entry(id, 'function.lua', {
    source: `return { handler = function(...) ${body} end }`,
    method: 'handler',
    options,
    modules,
  })

async function booted(entries: readonly Entry[], settings: readonly string[] = []): Promise<Host> {
  const config = loadConfig({ root: '/nowhere', set: [...settings] })
  const host = await createHost({ entries: [processes(), ...entries], config })
  await host.start()
  return host
}

/** Adds entries as an agent does. */
const add = (host: Host, ...entries: Entry[]) =>
  host.registry.apply(
    entries.map((each) => ({ op: 'create' as const, entry: each })),
    { origin: 'runtime' },
  )

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

const hoard = 'local t = {} for i = 1, 20000 do t[i] = ("x"):rep(1000) .. i end return #t'
const manyTimers =
  'local n = 0 for i = 1, 100 do local _, err = require("time").after("1h") if err then return n, err end n = n + 1 end return n'
const manyChannels = 'local t = {} for i = 1, 100 do t[i] = channel.new() end return #t'

describe('an entry sets its limits', () => {
  test('memory, of a process and of a function', async () => {
    const options = { limits: { memory: '2MB' } }
    const host = await booted([main('app:p', hoard, options), fn('app:f', hoard, options), fn('app:free', hoard)])
    const message = 'memory limit of 2097152 bytes exceeded'
    expect((await host.run('app:p', HOST)).error).toMatchObject({ kind: 'LimitExceeded', message })
    await expect(host.call('app:f')).rejects.toMatchObject({ kind: 'LimitExceeded', message })
    expect(await host.call('app:free')).toBe(20_000)
    await host.stop()
  })

  test('cpu: an endless loop comes to its end', async () => {
    const host = await booted([main('app:p', 'while true do end', { limits: { cpu: '30ms' } })])
    expect((await host.run('app:p', HOST)).error).toMatchObject({
      kind: 'LimitExceeded',
      message: 'cpu limit of 30 ms exceeded',
    })
    await host.stop()
  })

  test('cpu counts from the last wait: a process that works and waits goes on for as long as it likes', async () => {
    const work = `local time = require("time")
      local function busy() local start = os.clock() while os.clock() - start < 0.02 do end end
      for i = 1, 20 do busy() time.sleep("1ms") end
      local inbox = process.inbox()
      for i = 1, 20 do busy() coroutine.spawn(function() process.send(process.pid(), "next") end) inbox:receive() end
      return "done"`
    const host = await booted([main('app:p', work, { limits: { cpu: '200ms' } }, ['time'])])
    expect(await host.run('app:p', HOST)).toEqual({ value: 'done' })
    await host.stop()
  })

  test('wall: a call that waits too long is over', async () => {
    const host = await booted([fn('app:f', 'channel.new():receive()', { limits: { wall: '20ms' } })])
    await expect(host.call('app:f')).rejects.toMatchObject({
      kind: 'Timeout',
      message: 'time limit of 20 ms exceeded',
    })
    await host.stop()
  })

  test('slice: others have their turn sooner', async () => {
    const count = 'local n = 0 while not STOP do n = n + 1 if n % 1000 == 0 and n > 1e6 then return n end end'
    const host = await booted([main('app:short', count, { limits: { slice: '1ms' } }), main('app:long', count)])
    const steps = new Map<string, number>()
    const runs = ['app:short', 'app:long'].map(async (id) => {
      const pid = host.spawn(id, HOST)
      const found = host.kernel.byPid(pid)
      await until(() => found?.ended === true)
      steps.set(id, found?.steps ?? 0)
    })
    await Promise.all(runs)
    expect(steps.get('app:short')).toBeGreaterThan(steps.get('app:long') as number)
    await host.stop()
  })

  test('message: what is too big is refused at the send, whoever has the limit', async () => {
    const options = { limits: { message: '10KB' } }
    const send =
      'local to, size = ... local _, err = process.send(to, "t", ("x"):rep(size)) return err and err:message() or "sent"'
    const host = await booted([
      main('app:small', 'channel.new():receive()', options),
      main('app:big', 'channel.new():receive()'),
      main('app:limited', send, options),
      main('app:free', send),
    ])
    const small = host.spawn('app:small', HOST)
    const big = host.spawn('app:big', HOST)
    const message = 'value takes more than the limit of 10240 bytes'
    expect((await host.run('app:free', HOST, [small, 20_000])).value).toBe(message)
    expect((await host.run('app:limited', HOST, [big, 20_000])).value).toBe(message)
    expect((await host.run('app:limited', HOST, [big, 2000])).value).toBe('sent')
    expect((await host.run('app:free', HOST, [big, 20_000])).value).toBe('sent')
    await host.stop()
  })

  test('mailbox: one message too many is refused as RateLimited, and what came stays', async () => {
    const host = await booted([
      main(
        'app:p',
        'process.listen("go"):receive() local i, n = process.inbox(), 0 while n < 3 do i:receive() n = n + 1 end return n',
        {
          limits: { mailbox: 3 },
        },
      ),
    ])
    const done = new Promise((resolve) => {
      const pid = host.spawn('app:p', HOST, [], { name: 'p' })
      host.kernel.watch(host.kernel.find(pid), (exit) => resolve(exit.result?.values()[0]))
    })
    for (let i = 0; i < 3; i++) host.send('p', 't', i)
    const pid = host.kernel.find('p').pid
    let refused: unknown
    try {
      host.send('p', 't', 4)
    } catch (error) {
      refused = error
    }
    expect(refused).toMatchObject({
      kind: 'RateLimited',
      retryable: true,
      message: `mailbox of ${pid} is full (3 messages)`,
    })
    await until(() => host.processes(HOST)[0]?.state === 'waiting')
    host.send('p', 'go')
    expect(await done).toBe(3)
    await host.stop()
  })

  test('timers and channels of one process', async () => {
    const host = await booted([
      main('app:timers', manyTimers, { limits: { timers: 10 } }, ['time']),
      main('app:channels', manyChannels, { limits: { channels: 10 } }),
      main(
        'app:listens',
        'for i = 1, 20 do local _, err = process.listen("t" .. i) if err then return i, err end end',
        {
          limits: { channels: 10 },
        },
      ),
      // Channels that nobody can reach do not count.
      main('app:garbage', 'for i = 1, 10000 do channel.new() end return "fine"', { limits: { channels: 10 } }),
      main('app:free', `${manyChannels}`),
    ])
    expect((await host.run('app:timers', HOST)).error).toMatchObject({
      kind: 'LimitExceeded',
      message: 'timers: 11 exceeds the limit of 10',
    })
    for (const id of ['app:channels', 'app:listens']) {
      const { error } = await host.run(id, HOST)
      expect(error?.kind).toBe('LimitExceeded')
      expect(error?.message).toMatch(/channels of \{.*@?app:processes\|0x\w+\}: more than the limit of 10$/)
    }
    expect((await host.run('app:garbage', HOST)).value).toBe('fine')
    expect((await host.run('app:free', HOST)).value).toBe(100)
    await host.stop()
  })

  test('a VM of its own: a process at its memory limit takes no other with it', async () => {
    const body = `local how = ... if how == "hoard" then ${hoard} end return process.inbox():receive():topic()`
    for (const isolation of ['process', 'program']) {
      const host = await booted([main('app:p', body, { isolation, limits: { memory: '2MB' } })])
      const quiet = host.run('app:p', HOST, [], { name: 'quiet' })
      expect((await host.run('app:p', HOST, ['hoard'])).error?.kind).toBe('LimitExceeded')
      if (isolation === 'process') {
        host.send('quiet', 'still here')
        expect(await quiet).toEqual({ value: 'still here' })
      }
      await host.stop()
    }
  })
})

describe('processes on a host', () => {
  test('one too many is refused until another has ended', async () => {
    const host = await createHost({
      entries: [
        processes({ processes: 2 }),
        main('app:waits', 'process.inbox():receive()'),
        fn(
          'app:spawn',
          `local pid, err = process.spawn("app:waits", "${HOST}") return { pid, err and err:kind(), err and err:message(), err and err:retryable() }`,
        ),
      ],
    })
    await host.start()
    const [first] = (await host.call('app:spawn')) as [string]
    await host.call('app:spawn')
    expect(await host.call('app:spawn')).toEqual([
      null,
      'LimitExceeded',
      'processes on app:processes: more than the limit of 2',
      true,
    ])
    host.send(first, 'go')
    await until(() => host.hosts()[0]?.processes === 1)
    expect(await host.call('app:spawn')).toHaveLength(1)
    await host.stop()
  })

  test.each([
    [{ processes: 0 }, 'entry app:processes: host.limits.processes 0 is not a positive integer'],
    [{ processes: 'many' }, 'entry app:processes: host.limits.processes "many" is not a non-negative integer'],
    [{ process: 5 }, 'entry app:processes: host.limits.process is no limit (there is processes)'],
    [5, 'entry app:processes: host.limits 5 is not a map'],
  ])('%j is refused', async (limits, message) => {
    const host = await createHost({ entries: [processes(limits)] })
    expect(host.problems.map((problem) => problem.message)).toEqual([expect.stringContaining(message)])
  })
})

describe('.wippy.yaml sets the limits of entries that set none', () => {
  test('for code from disk an entry may ask for less and for more', async () => {
    const host = await booted(
      [
        main('app:default', hoard),
        main('app:more', hoard, { limits: { memory: '256MB' } }),
        main('app:channels', manyChannels),
        main('app:waits', 'process.inbox():receive()'),
      ],
      ['process.limits.memory=2MB', 'process.limits.channels=50', 'process.limits.processes=3'],
    )
    expect((await host.run('app:default', HOST)).error?.message).toBe('memory limit of 2097152 bytes exceeded')
    expect(await host.run('app:more', HOST)).toEqual({ value: 20_000 })
    expect((await host.run('app:channels', HOST)).error?.message).toMatch(/more than the limit of 50$/)
    for (let i = 0; i < 3; i++) host.spawn('app:waits', HOST)
    expect(() => host.spawn('app:waits', HOST)).toThrow('processes on app:processes: more than the limit of 3')
    await host.stop()
  })

  test.each([
    ['process.limits.memory=lots', 'config process.limits.memory "lots" is not a size such as 64MB'],
    ['process.limits.sockets=4', 'config process.limits.sockets is no limit (there are memory'],
    ['process.limits=5', 'config process.limits: 5 is not a map'],
    ['process.limits.processes=-1', 'config process.limits.processes: -1 is not a positive integer'],
  ])('%s is refused', async (setting, message) => {
    await expect(booted([], [setting])).rejects.toThrow(message)
  })
})

describe('code made at run time', () => {
  test('may lower its limits', async () => {
    const host = await booted([])
    await add(host, fn('app.generated:f', manyChannels, { limits: { channels: 20, memory: '1MB' } }))
    await expect(host.call('app.generated:f')).rejects.toMatchObject({
      kind: 'LimitExceeded',
      message: expect.stringMatching(/more than the limit of 20$/),
    })
    await host.stop()
  })

  test('may not raise them: the changeset is refused', async () => {
    const host = await booted([])
    const raised = fn('app.generated:f', 'return 1', { limits: { memory: '17MB' } })
    await expect(add(host, raised)).rejects.toThrow(
      'entry app.generated:f: options.limits.memory 17MB is more than code made at run time may have (16MB)',
    )
    expect(host.registry.get('app.generated:f')).toBeUndefined()
    await host.stop()
  })

  test('has less when the configuration says so, and never more', async () => {
    const low = await booted([], ['process.limits.memory=1MB'])
    await add(low, fn('app.generated:f', hoard))
    await expect(low.call('app.generated:f')).rejects.toThrow('memory limit of 1048576 bytes exceeded')
    await low.stop()
    const high = await booted([], ['process.limits.memory=512MB'])
    await add(high, fn('app.generated:f', hoard))
    await expect(high.call('app.generated:f')).rejects.toThrow('memory limit of 16777216 bytes exceeded')
    await high.stop()
  })

  test('has the limits of other code when it is not confined', async () => {
    const host = await booted([], ['security.generated_code=inherit'])
    await add(host, fn('app.generated:f', hoard, { limits: { memory: '128MB' } }))
    expect(await host.call('app.generated:f')).toBe(20_000)
    await host.stop()
  })
})

test.each([
  [{ isolation: 'vm' }, 'entry app:p: options.isolation "vm" is not program or process'],
  [{ limits: [1] }, 'entry app:p: options.limits [1] is not a map'],
  [{ isolation: 5 }, 'entry app:p: options.isolation 5 is not a string'],
  [{ limits: { memory: '1B' } }, 'entry app:p: options.limits.memory "1B" is not between 512KB and 1GB'],
  ['fast', 'entry app:p: options "fast" is not a map'],
])('options %j are refused', async (options, message) => {
  const host = await createHost({ entries: [main('app:p', 'return 1', options)] })
  expect(host.problems.map((problem) => problem.message)).toEqual([expect.stringContaining(message)])
})

test.each([
  [{ size: -1 }, 'entry app:f: pool.size -1 is not a non-negative integer'],
  [{ workers: 'two' }, 'entry app:f: pool.workers "two" is not a non-negative integer'],
  [{ type: 5 }, 'entry app:f: pool.type 5 is not a non-empty string'],
])('a pool %j is refused', async (pool, message) => {
  const host = await createHost({
    entries: [entry('app:f', 'function.lua', { source: 'return {}', method: 'x', pool })],
  })
  expect(host.problems.map((problem) => problem.message)).toEqual([expect.stringContaining(message)])
})

test('a library has no options: it runs under those of who imports it', async () => {
  const library = entry('app:lib', 'library.lua', { source: 'return {}', options: { limits: { memory: '1MB' } } })
  const host = await createHost({ entries: [library] })
  expect(host.problems[0]?.message).toContain(
    'entry app:lib: options: a library runs under those of the entry that imports it',
  )
})
