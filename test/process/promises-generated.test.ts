// design/PROMISES.md P7 and P8 on a whole host: code that came at run time comes to each of its limits, holds nothing
// afterwards, and may do nothing on its own authority. In its own thread, and in the main one.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../runtime/core/clock.ts'
import { RuntimeError } from '../../runtime/core/error.ts'
import { createHost, type Entry, type Host } from '../../runtime/index.ts'
import { createLogger, type LogRecord } from '../../runtime/observe/logger.ts'

const HOST = 'app:processes'
const MODULES = [
  'time',
  'funcs',
  'registry',
  'env',
  'fs',
  'store',
  'exec',
  'security',
  'http_client',
  'pg',
  'events',
  'ctx',
]
const entry = (id: string, kind: string, data: Entry['data']): Entry => ({ id, kind, meta: {}, data })
const fn = (id: string, body: string, extra: object = {}): Entry =>
  entry(id, 'function.lua', {
    source: `${MODULES.map((name) => `local ${name} = require("${name}")`).join(' ')} return { handler = function(...) ${body} end }`,
    method: 'handler',
    modules: MODULES,
    ...extra,
  })

describe.each([
  ['in the main thread', false],
  ['in a thread of its own', true],
])('code made at run time, %s', (_where, threads) => {
  let host: Host
  const logs: LogRecord[] = []
  let made = 0
  /** Registers the code as an agent does and calls it. */
  async function run(body: string, ...args: string[]): Promise<unknown> {
    const id = `app.generated:f${++made}`
    await host.registry.apply([{ op: 'create', entry: fn(id, body) }], { origin: 'runtime' })
    return host.call(id, args)
  }
  const failure = async (body: string, ...args: string[]): Promise<RuntimeError> => {
    try {
      const value = await run(body, ...args)
      throw new Error(`it returned ${JSON.stringify(value)}`)
    } catch (error) {
      if (error instanceof RuntimeError) return error
      throw error
    }
  }

  beforeAll(async () => {
    host = await createHost({
      threads,
      logger: createLogger({ clock: systemClock(), sinks: [(record) => logs.push(record)] }),
      entries: [
        entry(HOST, 'process.host', { lifecycle: { auto_start: true, stop_timeout: '20ms' } }),
        entry('app:waits', 'process.lua', { source: 'return { main = function() channel.new():receive() end }' }),
        fn('app:trusted', 'return "trusted"'),
        entry('app:reads', 'process.lua', {
          source:
            'local registry = require("registry") return { main = function() local e, err = registry.get("app:trusted") if err then return nil, err end return e.kind end }',
          modules: ['registry'],
        }),
        entry('app:memory', 'store.memory', {}),
        entry('app:os', 'env.storage.os', {}),
      ],
    })
    await host.start()
  })
  afterAll(() => host.stop())

  describe('P7: each limit ends in an error that names it and its value', () => {
    test.each([
      [
        '16 MiB memory',
        'local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end',
        'LimitExceeded',
        'memory limit of 16777216 bytes exceeded',
      ],
      ['2 s CPU', 'while true do end', 'LimitExceeded', 'cpu limit of 2000 ms exceeded'],
      [
        '10,000 timers',
        'for i = 1, 10001 do local _, err = time.after("1h") if err then return nil, err end end',
        'LimitExceeded',
        'timers: 10001 exceeds the limit of 10000',
      ],
      [
        '20,000 channels',
        'local t = {} for i = 1, 20001 do t[i] = channel.new() end',
        'LimitExceeded',
        /^channels of \{.*\}: more than the limit of 20000$/,
      ],
      [
        '8 MiB message',
        'local s = ("x"):rep(3 << 20) local _, err = process.send(process.pid(), "t", { s, s, s }) return nil, err',
        'LimitExceeded',
        'value takes more than the limit of 8388608 bytes',
      ],
      [
        '10,000 messages',
        'for i = 1, 10001 do local _, err = process.send(process.pid(), "t") if err then return nil, err end end',
        'RateLimited',
        /^mailbox of \{.*\} is full \(10000 messages\)$/,
      ],
    ] as const)('%s', { timeout: 30_000 }, async (_limit, body, kind, message) => {
      // Sending is an action of processes, which such code does not have on its own.
      const allowed = body.includes('process.send')
      if (allowed) await allow('process.send')
      const error = await failure(body)
      const text = `${error.kind}: ${error.message}`
      if (typeof message === 'string') expect(text).toBe(`${kind}: ${message}`)
      else expect([text, error.message]).toEqual([expect.stringMatching(`^${kind}: `), expect.stringMatching(message)])
    })

    test('30 s of wall time, shorter here: a call that waits for ever is over', async () => {
      const id = `app.generated:f${++made}`
      const waits = fn(id, 'channel.new():receive()', { options: { limits: { wall: '30ms' } } })
      await host.registry.apply([{ op: 'create', entry: waits }], { origin: 'runtime' })
      await expect(host.call(id)).rejects.toMatchObject({
        kind: 'Timeout',
        message: 'time limit of 30 ms exceeded',
      })
    })

    test('what such code held is released within a second', async () => {
      const started = host.kernel.processCount
      await failure(
        'for i = 1, 5000 do time.after("1h") coroutine.spawn(function() time.sleep("1h") end) end local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end',
      )
      const until = performance.now() + 1000
      while (host.kernel.processCount > started && performance.now() < until)
        await new Promise((resolve) => setImmediate(resolve))
      expect(host.kernel.processCount).toBe(started)
      expect(await run('return "fresh"')).toBe('fresh')
    })
  })

  /** A policy of the app for such code. */
  async function allow(action: string): Promise<void> {
    const id = `app:allow_${action.replace('.', '_')}`
    if (host.registry.get(id) !== undefined) return
    await host.registry.apply([
      {
        op: 'create',
        entry: entry(id, 'security.policy', {
          policy: { actions: action, resources: '*', effect: 'allow' },
          groups: ['wippy:generated'],
        }),
      },
    ])
  }

  describe('P8: without a scope of its own it may do nothing but what is public', () => {
    test.each([
      ['process.spawn', 'app:waits', `return process.spawn("app:waits", "${HOST}")`],
      ['funcs.call', 'app:trusted', 'return funcs.call("app:trusted")'],
      ['registry.get', 'app:trusted', 'return registry.get("app:trusted")'],
      ['env.get', 'HOME', 'return env.get("HOME")'],
      ['store.get', 'app:memory', 'return store.get("app:memory")'],
      ['pg.join', 'g', 'return pg.join("g")'],
      ['events.subscribe', 'x', 'return events.subscribe("x")', 'Invalid'],
      ['process.registry.register', 'name', 'return process.registry.register("name")'],
      ['security.policy.get', 'app:p', 'return security.policy("app:p")', 'Invalid'],
      ['http_client.private_ip', '127.0.0.1', 'return http_client.get("http://127.0.0.1:1/")'],
    ])(
      '%s of %s is denied, and the denial is logged with actor, action and resource',
      async (action, resource, body, kind = 'PermissionDenied') => {
        logs.length = 0
        expect((await failure(body)).kind).toBe(kind)
        const denial = logs.find(({ message }) => message === 'permission denied')
        expect(denial?.level).toBe('warn')
        expect(denial?.fields).toMatchObject({ actor: 'generated', action })
        expect(String(denial?.fields['resource'])).toContain(resource)
      },
    )

    test('nobody gives a child more than it has: what it starts is confined as it is', async () => {
      await allow('process.exec')
      await allow('process.host')
      const error = await failure(`return process.exec("app:reads", "${HOST}")`)
      expect([error.kind, error.message]).toEqual(['PermissionDenied', expect.stringContaining('app:trusted')])
      expect(await host.run('app:reads', HOST)).toEqual({ value: 'function.lua' })
    })

    test('a module that was not granted is not there', async () => {
      const id = `app.generated:f${++made}`
      const bare = entry(id, 'function.lua', {
        source: 'return function() return require("fs") end',
        method: 'handler',
      })
      await host.registry.apply([{ op: 'create', entry: bare }], { origin: 'runtime' })
      await expect(host.call(id)).rejects.toThrow(/module.*fs.*not found|fs/)
    })
  })
})
