// What spec/process.md and spec/supervision.md say of hosts and services as entries: fields, defaults, updates, identity, print.

import { afterEach, describe, expect, test } from 'vitest'
import { manualClock } from '../../runtime/core/clock.ts'
import { createHost, type Entry, type Host } from '../../runtime/index.ts'
import { loadConfig } from '../../runtime/loader/config.ts'
import { createLogger, type LogRecord } from '../../runtime/observe/logger.ts'

const HOST = 'app:processes'
const entry = (id: string, kind: string, data: Entry['data']): Entry => ({ id, kind, meta: {}, data })
const main = (id: string, body: string, modules: string[] = []): Entry =>
  entry(id, 'process.lua', { source: `return { main = function(...) ${body} end }`, modules })
const processes = (data: object = {}): Entry =>
  entry(HOST, 'process.host', { lifecycle: { auto_start: true, stop_timeout: '20ms' }, ...data })

const open: Host[] = []
afterEach(async () => {
  for (const host of open.splice(0)) await host.stop()
})
async function booted(...entries: Entry[]): Promise<Host> {
  const host = await createHost({ entries })
  open.push(host)
  await host.start()
  return host
}

describe('a process host', () => {
  test('has queues that grow: their sizes limit nothing, and max_processes is no key', async () => {
    const host = await booted(
      processes({ host: { queue_size: 1, local_queue_size: 1 }, max_processes: 1 }),
      main('app:waits', 'return process.inbox():receive():topic()'),
    )
    for (let i = 0; i < 50; i++) host.spawn('app:waits', HOST)
    expect(host.hosts()).toMatchObject([{ id: HOST, workers: 1, processes: 50 }])
  })

  test('runs when it was asked to start', async () => {
    const host = await booted(entry(HOST, 'process.host', {}), main('app:p', 'return 1'))
    expect(() => host.spawn('app:p', HOST)).toThrow('host is not running')
    await host.supervisor.start(HOST)
    expect(await host.run('app:p', HOST)).toEqual({ value: 1 })
  })

  test('is taken away and put back when its entry changes: its processes are cancelled', async () => {
    const host = await booted(
      processes(),
      main('app:p', 'local e = process.events():receive() return { e.kind, e.reason, e.from }'),
    )
    const before = host.run('app:p', HOST)
    await host.registry.apply([{ op: 'update', entry: processes({ host: { queue_size: 7 } }) }])
    expect(await before).toEqual({ value: ['pid.cancel', 'scheduler shutdown', ''] })
    expect(host.supervisor.state(HOST).status).toBe('running')
    expect(host.hosts()).toMatchObject([{ id: HOST, processes: 0 }])
    host.spawn('app:p', HOST)
  })

  test('is named in pids after the node, when that has a name', async () => {
    const config = loadConfig({ root: '/nowhere', set: ['relay.node_name=one'] })
    const host = await createHost({ entries: [processes(), main('app:p', 'return process.pid()')], config })
    open.push(host)
    await host.start()
    const { value } = await host.run('app:p', HOST)
    expect(value).toMatch(/^\{one@app:processes\|0x[0-9a-f]{5,}\}$/)
  })
})

describe('a service entry', () => {
  test.each([
    [{}, 'process is required'],
    [{ process: '' }, 'process "" is not a non-empty string'],
    [{ process: 'app:p' }, 'host is required'],
    [{ process: 'app:p', host: 'node:control' }, 'invalid host: node:control'],
    [{ process: 'app:p', host: HOST, input: 'x' }, 'input "x" is not a list'],
  ])('%j is refused', async (data, message) => {
    const host = await booted(processes(), main('app:p', ''), entry('app:s', 'process.service', data))
    expect(host.problems.map((problem) => problem.message)).toEqual([expect.stringContaining(message)])
  })

  test('names its process by a bare name of its own namespace; the host needs a full id', async () => {
    const service = entry('app:s', 'process.service', {
      process: 'p',
      host: HOST,
      lifecycle: { auto_start: true, startup: 'optional' },
    })
    const host = await booted(processes(), main('app:p', 'process.events():receive()'), service)
    expect(host.processes(HOST).map(({ source }) => source)).toEqual(['app:p'])
  })

  const report =
    'local security = require("security") local a = security.actor() store = { a and a:id(), security.scope() ~= nil, security.can("act", "thing") } process.send("test", "seen", store)'
  const allow = entry('app:allow', 'security.policy', {
    policy: { actions: ['act', 'process.send'], resources: '*', effect: 'allow' },
    groups: ['app:group'],
  })

  test.each([
    ['no security: neither actor nor scope', undefined, [null, false, false]],
    ['actor and policies', { actor: { id: 'me' }, policies: ['app:allow', 'app:unknown'] }, ['me', true, true]],
    ['the policies of its groups', { actor: { id: 'me' }, groups: ['app:group'] }, ['me', true, true]],
    [
      'only unknown ids: no scope',
      { actor: { id: 'me' }, groups: ['app:no'], policies: ['app:no'] },
      ['me', false, false],
    ],
  ])('has the identity it is given: %s', async (_what, security, seen) => {
    const service = entry('app:s', 'process.service', {
      process: 'app:p',
      host: HOST,
      lifecycle: security === undefined ? {} : { security },
    } as Entry['data'])
    const host = await booted(processes(), allow, main('app:p', report, ['security']), service)
    const message = new Promise((resolve) => host.listen(({ values }) => resolve(values[0]), { name: 'test' }))
    await host.supervisor.start('app:s')
    expect(await message).toEqual(seen)
  })

  test('waits for the services that its process, or what that imports, depends on', async () => {
    const service = (id: string, process: string): Entry =>
      entry(id, 'process.service', { process, host: HOST, lifecycle: { auto_start: true } })
    const library = entry('app:lib', 'library.lua', { source: 'return {}' })
    const waits = 'process.events():receive()'
    const host = await createHost({
      entries: [
        processes(),
        { ...library, meta: { depends_on: ['app:z_cache'] } },
        entry('app:uses', 'process.lua', {
          source: `return { main = function() ${waits} end }`,
          imports: { lib: 'app:lib' },
        }),
        main('app:p', waits),
        { ...main('app:child', waits), meta: { parent: 'app:z_db' } },
        service('app:a_web', 'app:uses'),
        service('app:b_job', 'app:child'),
        service('app:z_cache', 'app:p'),
        service('app:z_db', 'app:p'),
      ],
    })
    open.push(host)
    const began: string[] = []
    const isService = (path: string): boolean => path !== HOST
    host.subscribe({ system: 'supervisor', kind: 'service.update' }, ({ path, data }) => {
      const { status } = data as { status: string }
      if ((status === 'starting' || status === 'stopping') && isService(path)) began.push(`${status} ${path}`)
    })
    await host.start()
    const at = (line: string): number => began.indexOf(line)
    expect(at('starting app:z_cache')).toBeLessThan(at('starting app:a_web'))
    expect(at('starting app:z_db')).toBeLessThan(at('starting app:b_job'))
    await host.stop()
    expect(at('stopping app:a_web')).toBeLessThan(at('stopping app:z_cache'))
  })

  test('is seen from Lua with all that is known of it, sorted by id', async () => {
    const service = (name: string): Entry =>
      entry(name, 'process.service', { process: 'app:p', host: HOST, lifecycle: { auto_start: true } })
    const host = await booted(
      processes(),
      main('app:p', 'process.events():receive()'),
      service('app:z'),
      service('app:a'),
      main(
        'app:asks',
        `local system = require("system")
        local ids = {}
        for i, s in ipairs(system.supervisor.states()) do ids[i] = s.id end
        local one = system.supervisor.state("app:a")
        local _, err = system.supervisor.state("app:none")
        return { ids, one.status, one.desired, one.retry_count, one.details, one.started_at > 0, one.last_update > 0, err:kind(), err:message() }`,
        ['system'],
      ),
    )
    expect((await host.run('app:asks', HOST)).value).toEqual([
      ['app:a', 'app:processes', 'app:z'],
      'running',
      'running',
      0,
      null,
      true,
      true,
      'NotFound',
      'service not found: app:none',
    ])
  })
})

test('an error that nobody caught is a line of the log, with pid and definition; a normal end is none', async () => {
  const clock = manualClock()
  const logs: LogRecord[] = []
  const host = await createHost({
    clock,
    logger: createLogger({ clock, sinks: [(record) => logs.push(record)] }),
    entries: [
      processes(),
      main('app:p', 'local how = ... if how == "fail" then error("boom") end return process.pid()'),
    ],
  })
  open.push(host)
  await host.start()
  await host.run('app:p', HOST, ['well'])
  expect(logs.filter(({ level }) => level === 'error')).toEqual([])
  const pid = host.spawn('app:p', HOST, ['fail'])
  await new Promise((resolve) => host.kernel.watch(host.kernel.find(pid), resolve))
  expect(logs.filter(({ level }) => level === 'error')).toMatchObject([
    { message: 'process failed', fields: { pid, id: 'app:p', error: { message: expect.stringContaining('boom') } } },
  ])
})

test('print is a line of the log, its parts joined by a space, with pid and place', async () => {
  const clock = manualClock()
  const logs: LogRecord[] = []
  const host = await createHost({
    clock,
    logger: createLogger({ clock, sinks: [(record) => logs.push(record)] }),
    entries: [processes(), main('app:p', '\n print("a", 1, 2.5, nil, true, errors.new("e"))\n return process.pid()')],
  })
  open.push(host)
  await host.start()
  const { value } = await host.run('app:p', HOST)
  const line = logs.find(({ message }) => message.startsWith('a 1'))
  expect(line).toMatchObject({
    level: 'info',
    message: 'a 1 2.5 nil true e',
    fields: { pid: value, location: 'app:p:2' },
  })
})
