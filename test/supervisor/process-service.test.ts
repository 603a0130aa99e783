// `process.service` on a whole host: what each way to end comes to (the table of spec/supervision.md §3), and what is logged.

import { afterEach, expect, test } from 'vitest'
import { manualClock } from '../../runtime/core/clock.ts'
import { serviceExited } from '../../runtime/core/error.ts'
import { createHost, type Entry, type Host } from '../../runtime/index.ts'
import { createLogger, type LogRecord } from '../../runtime/observe/logger.ts'

const HOST = 'app:processes'
const entry = (id: string, kind: string, data: Entry['data']): Entry => ({ id, kind, meta: {}, data })

/** A whole host with one service over this main function, started. `runs` are the pids it has had, with their input. */
async function serving(body: string, lifecycle: object = {}) {
  const clock = manualClock()
  const logs: LogRecord[] = []
  const runs: string[] = []
  const events: string[] = []
  const host = await createHost({
    clock,
    logger: createLogger({ clock, sinks: [(record) => logs.push(record)] }),
    entries: [
      entry(HOST, 'process.host', { lifecycle: { auto_start: true, stop_timeout: '50ms' } }),
      entry('app:main', 'process.lua', {
        source: `return { main = function(a, b) process.send("runs", "run", a, b) ${body} end }`,
        modules: ['json'],
      }),
      entry('app:failing', 'process.lua', { source: 'return { main = function() error("peer") end }' }),
      entry('app:s', 'process.service', {
        process: 'main',
        host: HOST,
        input: ['one', { two: 2 }],
        lifecycle: { auto_start: true, startup: 'optional', ...lifecycle },
      }),
    ],
  })
  host.listen(({ from, values }) => void runs.push(`${from} ${JSON.stringify(values)}`), { name: 'runs' })
  host.subscribe({ system: 'supervisor', kind: 'service.update' }, ({ path, data }) => {
    if (path === 'app:s') events.push((data as { status: string }).status)
  })
  await host.start()
  hosts.push(host)
  await settle(host)
  const lines = (): string[] =>
    logs.filter(({ message }) => message.includes('app:s ')).map(({ level, message }) => `${level} ${message}`)
  const state = () => host.supervisor.state('app:s')
  return { clock, host, runs, lines, logs, state, events }
}

const hosts: Host[] = []
afterEach(async () => {
  for (const host of hosts.splice(0)) {
    for (const process of [...host.kernel.processes()]) host.kernel.terminate(process)
    await host.stop()
  }
})

/** Lets everything run that is ready. */
async function settle({ kernel }: Host): Promise<void> {
  for (let i = 0; i < 5; i++) {
    do await new Promise((resolve) => setImmediate(resolve))
    while (kernel.scheduler.readyCount > 0)
  }
}

const exited: [string, string, string, string][] = [
  ['a normal return', 'return 1', '', 'info'],
  [
    'an error of a module, which are not retryable',
    'return nil, select(2, json.decode("{"))',
    'process failed: ',
    'error',
  ],
  [
    'an error that says it cannot be retried',
    'return nil, errors.new({ message = "final", retryable = false })',
    'process failed: final',
    'error',
  ],
  ['the same, raised', 'error(errors.new({ message = "final", retryable = false }))', 'process failed: final', 'error'],
  [
    'the same, wrapped',
    'return nil, errors.wrap(errors.new({ message = "final", retryable = false }), "outer")',
    'process failed: outer: final',
    'error',
  ],
]

test.each(exited)('%s: exited, no restart', async (_what, body, details, level) => {
  const { clock, host, runs, lines, state, events } = await serving(body)
  expect(state()).toMatchObject({ status: 'exited', desired: 'running', retryCount: 0 })
  expect(state().details.startsWith(details)).toBe(true)
  expect(state().details === '').toBe(details === '')
  clock.advance(1e7)
  await settle(host)
  expect(runs).toHaveLength(1)
  expect(lines()).toEqual(['info service app:s is starting', `${level} service app:s is exited`])
  expect(events).toEqual(['starting', 'running', 'exited'])
})

const failed: [string, string, string][] = [
  ['error("x")', 'error("x")', 'process failed: '],
  ['error with a table', 'error({ code = 1 })', 'process failed: '],
  ['return nil, "x"', 'return nil, "x"', 'process failed: x'],
  [
    'an error that may be retried',
    'return nil, errors.new({ message = "again", retryable = true })',
    'process failed: again',
  ],
  ['an error that says nothing about it', 'return nil, errors.new({ message = "perhaps" })', 'process failed: perhaps'],
  [
    'a linked process that failed',
    `process.spawn_linked("app:failing", "${HOST}") channel.new():receive()`,
    'process failed: linked process failed',
  ],
  [
    'an error in a coroutine',
    'coroutine.spawn(function() error("inner") end) channel.new():receive()',
    'process failed: ',
  ],
]

test.each(failed)('%s: failed, then a restart with another pid and the same input', async (_what, body, details) => {
  const { clock, host, runs, lines, state, events } = await serving(body)
  expect(state()).toMatchObject({ status: 'failed', desired: 'running', retryCount: 1 })
  expect(state().details.startsWith(details)).toBe(true)
  clock.advance(1_200)
  await settle(host)
  expect(runs).toHaveLength(2)
  const [first, second] = runs.map((run) => run.split(' ['))
  expect(first?.[0]).not.toBe(second?.[0])
  expect([first?.[1], second?.[1]]).toEqual(['"one",{"two":2}]', '"one",{"two":2}]'])
  expect(lines().slice(0, 3)).toEqual([
    'info service app:s is starting',
    'error service app:s is failed',
    'info service app:s is starting',
  ])
  expect(events.slice(0, 5)).toEqual(['starting', 'running', 'failed', 'starting', 'running'])
})

test('process.terminate: failed, logged as a warning, then a restart', async () => {
  const { clock, host, runs, lines, state } = await serving('channel.new():receive()')
  const terminate = (): void => {
    const [living] = host.processes(HOST)
    host.kernel.terminate(host.kernel.find(living?.pid as string))
  }
  terminate()
  await settle(host)
  expect(state()).toMatchObject({ status: 'failed', details: 'process failed: process terminated' })
  clock.advance(1_200)
  await settle(host)
  expect(runs).toHaveLength(2)
  expect(lines()).toContain('warn service app:s is failed')
})

test('a cancelled context: exited, logged as a warning', async () => {
  const { clock, host, runs, lines, state } = await serving('channel.new():receive()')
  host.kernel.hosts.get(HOST)?.kill()
  await settle(host)
  expect(state()).toMatchObject({ status: 'exited', details: 'process failed: context canceled' })
  clock.advance(1e7)
  expect(runs).toHaveLength(1)
  expect(lines()).toContain('warn service app:s is exited')
})

test('an exit by the marker of the host is reported as normal, to monitors and links too', async () => {
  const { host, lines, state } = await serving('channel.new():receive()')
  const pid = host.processes(HOST)[0]?.pid as string
  await host.registry.apply([
    {
      op: 'create',
      entry: entry('app:watch', 'process.lua', {
        source: `return { main = function(pid)
          process.monitor(pid) process.link(pid)
          process.registry.register("watch")
          local events = process.events()
          local e = events:receive()
          coroutine.yield()
          local more = channel.select { events:case_receive(), default = true }
          return { e.kind, e.result.error == nil, more.default }
        end }`,
      }),
    },
  ])
  const seen = host.run('app:watch', HOST, [pid])
  await settle(host)
  host.kernel.find(pid).terminate(serviceExited)
  expect(await seen).toEqual({ value: ['pid.exit', true, true] })
  expect(state()).toMatchObject({ status: 'exited', details: '' })
  expect(lines()).toEqual(['info service app:s is starting', 'info service app:s is exited'])
})

test('a stop asks by an event, and one that does not end in time is ended and says so', async () => {
  const polite = await serving('local e = process.events():receive() process.send("runs", "end", e.reason, e.from)')
  await polite.host.supervisor.stop('app:s')
  expect(polite.state().status).toBe('stopped')
  await settle(polite.host)
  expect(polite.runs[1]).toContain('["service stopping",""]')

  const deaf = await serving('channel.new():receive()')
  const stopped = deaf.host.supervisor.stop('app:s')
  await settle(deaf.host)
  deaf.clock.advance(10_000)
  await expect(stopped).rejects.toMatchObject({ kind: 'Timeout', message: 'service stop timed out: app:s' })
  expect(deaf.state()).toMatchObject({ status: 'failed', details: 'stop timeout after 10s' })
  expect(deaf.host.processes(HOST)).toEqual([])
})

test('an update is kept for the next start and does not disturb the process that runs', async () => {
  const { clock, host, runs } = await serving('process.events():receive() error("again")')
  const before = host.registry.get('app:s') as Entry
  await host.registry.apply([
    { op: 'update', entry: { ...before, data: { ...(before.data as object), input: ['new'] } } },
  ])
  await settle(host)
  expect(runs).toHaveLength(1)
  const [living] = host.processes(HOST)
  host.kernel.find(living?.pid as string).event({ kind: 'pid.cancel', from: '', at: 0, reason: '' })
  await settle(host)
  clock.advance(1_200)
  await settle(host)
  expect(runs[1]).toContain('["new",null]')
})

test('removal stops a service, and registering and removing are logged', async () => {
  const { host, logs } = await serving('process.events():receive()')
  await host.registry.apply([{ op: 'delete', id: 'app:s' }])
  expect(host.processes(HOST)).toEqual([])
  expect(() => host.supervisor.state('app:s')).toThrow('service not found: app:s')
  const told = logs
    .filter(({ fields }) => fields['serviceID'] === 'app:s')
    .map(({ level, message }) => [level, message])
  expect(told[0]).toEqual(['info', 'service registered'])
  expect(told.at(-1)).toEqual(['info', 'service removed'])
})
