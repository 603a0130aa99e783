// The supervisor with a manual clock: states, restarts, order, deadlines, and its part in changesets.

import { describe, expect, test } from 'vitest'
import { manualClock } from '../../runtime/core/clock.ts'
import { moduleError, RuntimeError } from '../../runtime/core/error.ts'
import { createLogger, type LogRecord } from '../../runtime/observe/logger.ts'
import { defaultLifecycle, type Lifecycle } from '../../runtime/supervisor/lifecycle.ts'
import type { Service, ServiceExit } from '../../runtime/supervisor/service.ts'
import { Supervisor, type SupervisorDeps } from '../../runtime/supervisor/supervisor.ts'

/** A service under the test's control; `journal` is shared to see order. */
class ScriptedService implements Service {
  readonly starts: { ended: (exit: ServiceExit) => void; signal: AbortSignal }[] = []
  killed = 0
  stops = 0
  readonly #name: string
  readonly #journal: string[]
  /** What the next starts do: fail, hang, or run. */
  onStart: () => void | Promise<void> = () => {}
  onStop: () => void | Promise<void> = () => {}

  constructor(name: string, journal: string[]) {
    this.#name = name
    this.#journal = journal
  }
  start(ended: (exit: ServiceExit) => void, signal: AbortSignal): void | Promise<void> {
    this.starts.push({ ended, signal })
    this.#journal.push(`start ${this.#name}`)
    return this.onStart()
  }
  stop(): void | Promise<void> {
    this.stops++
    this.#journal.push(`stop ${this.#name}`)
    return this.onStop()
  }
  kill(): void {
    this.killed++
  }
  /** The service ends by itself. */
  end(error?: RuntimeError): void {
    this.starts.at(-1)?.ended({ error })
  }
}

function bench(deps: Partial<SupervisorDeps> = {}) {
  const clock = manualClock()
  const journal: string[] = []
  const logs: LogRecord[] = []
  const published: string[] = []
  const supervisor = new Supervisor({
    clock,
    random: () => 0.5,
    logger: createLogger({ clock, sinks: [(record) => logs.push(record)] }),
    publish: (id, { status }) => published.push(`${id} ${status}`),
    ...deps,
  })
  const add = (name: string, lifecycle: Partial<Lifecycle> = {}): ScriptedService => {
    const service = new ScriptedService(name, journal)
    supervisor.add(`app:${name}`, service, { ...defaultLifecycle, autoStart: true, ...lifecycle })
    return service
  }
  const status = (name: string) => supervisor.state(`app:${name}`).status
  return { clock, journal, logs, published, supervisor, add, status }
}

/** Lets promise callbacks run; no time passes. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
const boom = () => new RuntimeError('', 'boom')

test('a started service runs, and its state says since when and that it is wanted', async () => {
  const { clock, supervisor, add, published } = bench()
  add('a')
  expect(supervisor.state('app:a')).toMatchObject({ status: 'unknown', desired: 'stopped', startedAt: 0n })
  clock.advance(1_000)
  await supervisor.startAll()
  expect(supervisor.state('app:a')).toMatchObject({
    id: 'app:a',
    status: 'running',
    desired: 'running',
    retryCount: 0,
    details: '',
    startedAt: clock.wallNanos(),
    lastUpdate: clock.wallNanos(),
  })
  expect(published).toEqual(['app:a starting', 'app:a running'])
})

test('without auto_start a service waits until it is started by hand or needed', async () => {
  const { supervisor, add, status } = bench()
  add('idle', { autoStart: false })
  add('needed', { autoStart: false })
  add('a', { requires: ['app:needed'] })
  await supervisor.startAll()
  expect([status('idle'), status('needed'), status('a')]).toEqual(['unknown', 'running', 'running'])
  await supervisor.start('app:idle')
  expect(status('idle')).toBe('running')
})

test('a normal end is not restarted', async () => {
  const { clock, supervisor, add } = bench()
  const a = add('a')
  await supervisor.startAll()
  a.end()
  expect(supervisor.state('app:a')).toMatchObject({ status: 'exited', retryCount: 0, details: '' })
  clock.advance(1e9)
  expect(a.starts).toHaveLength(1)
})

test.each([
  ['an error that says it cannot be retried', moduleError('NotFound', 'no')],
  [
    'one that says so in its chain of causes',
    new RuntimeError('Internal', 'process failed: no', { cause: moduleError('NotFound', 'no') }),
  ],
  ['a cancellation', new RuntimeError('Canceled', 'context canceled')],
])('%s ends a service for good', async (_what, error) => {
  const { clock, supervisor, add } = bench()
  const a = add('a')
  await supervisor.startAll()
  a.end(error)
  expect(supervisor.state('app:a')).toMatchObject({ status: 'exited', details: error.message })
  clock.advance(1e9)
  expect(a.starts).toHaveLength(1)
})

test.each([
  ['an error of unknown kind', boom()],
  [
    'one that may be retried, whatever its cause says',
    new RuntimeError('', 'x', { retryable: true, cause: moduleError('Invalid', 'no') }),
  ],
  ['a terminated process', new RuntimeError('Internal', 'process terminated')],
])('%s is restarted', async (_what, error) => {
  const { clock, supervisor, add, status } = bench()
  const a = add('a')
  await supervisor.startAll()
  a.end(error)
  expect(status('a')).toBe('failed')
  clock.advance(999)
  expect(a.starts).toHaveLength(1)
  clock.advance(1)
  expect(a.starts).toHaveLength(2)
  await settle()
  expect(status('a')).toBe('running')
})

test('failures in a row wait 1 s, 2 s, 4 s ... up to 90 s', async () => {
  const { clock, supervisor, add } = bench()
  const a = add('a')
  await supervisor.startAll()
  const delays: number[] = []
  for (let failure = 1; failure <= 9; failure++) {
    a.end(boom())
    const before = clock.now()
    const count = a.starts.length
    while (a.starts.length === count) clock.advance(500)
    delays.push(clock.now() - before)
    await settle()
    expect(supervisor.state('app:a').retryCount).toBe(failure)
  }
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 90_000, 90_000])
})

test('a run of stable_threshold clears the count: the next failure is the first again', async () => {
  const { clock, supervisor, add } = bench()
  const a = add('a')
  await supervisor.startAll()
  for (const delay of [1_000, 2_000, 4_000]) {
    a.end(boom())
    clock.advance(delay)
  }
  expect(supervisor.state('app:a').retryCount).toBe(3)
  clock.advance(5_000)
  a.end(boom())
  expect(supervisor.state('app:a').retryCount).toBe(1)
  clock.advance(1_000)
  expect(a.starts).toHaveLength(5)
})

test('max_attempts N allows N-1 restarts, then the service stays failed', async () => {
  const { clock, supervisor, add } = bench()
  const a = add('a', { maxAttempts: 3 })
  await supervisor.startAll()
  for (const delay of [1_000, 2_000, 4_000]) {
    a.end(boom())
    clock.advance(delay)
  }
  expect(a.starts).toHaveLength(3)
  expect(supervisor.state('app:a')).toMatchObject({ status: 'failed', retryCount: 3, details: 'boom' })
  clock.advance(1e9)
  expect(a.starts).toHaveLength(3)
})

test('a failing start is retried by the same rules, and starting details name the attempt', async () => {
  const { clock, supervisor, add, logs } = bench()
  const a = add('a')
  a.onStart = () => {
    throw boom()
  }
  const started = supervisor.startAll()
  await settle()
  expect(supervisor.state('app:a')).toMatchObject({ status: 'failed', retryCount: 1, details: 'boom' })
  a.onStart = () => Promise.resolve()
  clock.advance(1_000)
  expect(supervisor.state('app:a')).toMatchObject({ status: 'starting', details: 'attempt 2' })
  await started
  expect(logs.map(({ message, fields }) => [message, fields['details']])).toContainEqual([
    'service app:a is starting',
    'attempt 2',
  ])
})

test('a required service that keeps failing holds the start until its attempts are used up', async () => {
  const { clock, supervisor, add } = bench()
  const a = add('a', { maxAttempts: 2 })
  a.onStart = () => Promise.reject(new RuntimeError('Unavailable', 'port in use'))
  const started = supervisor.startAll()
  const failure = expect(started).rejects.toMatchObject({
    kind: 'Unavailable',
    text: 'failed to start service app:a: port in use',
  })
  await settle()
  clock.advance(1_000)
  await failure
})

test('a start that cannot be retried fails at once', async () => {
  const { supervisor, add, status } = bench()
  add('a').onStart = () => Promise.reject(moduleError('NotFound', 'process not found: app:p'))
  await expect(supervisor.startAll()).rejects.toThrow('process not found: app:p')
  expect(status('a')).toBe('exited')
})

test('an optional service goes on trying in the background', async () => {
  const { clock, supervisor, add, status } = bench()
  const a = add('a', { optional: true })
  add('b')
  a.onStart = () => Promise.reject(boom())
  await supervisor.startAll()
  await settle()
  expect([status('a'), status('b')]).toEqual(['failed', 'running'])
  a.onStart = () => {}
  clock.advance(1_000)
  await settle()
  expect(status('a')).toBe('running')
})

test('start_timeout gives up a start, tells the service, and stops what comes late', async () => {
  const { clock, supervisor, add } = bench()
  const a = add('a', { maxAttempts: 1 })
  let arrive = (): void => {}
  a.onStart = () => new Promise((resolve) => (arrive = resolve))
  const failure = expect(supervisor.startAll()).rejects.toMatchObject({
    kind: 'Timeout',
    message: 'service start timed out',
  })
  await settle()
  clock.advance(10_000)
  await failure
  expect(a.starts[0]?.signal.aborted).toBe(true)
  expect(a.stops).toBe(0)
  arrive()
  await settle()
  expect(a.stops).toBe(1)
  expect(supervisor.state('app:a').status).toBe('failed')
})

test('a service that ends before its start returns has run', async () => {
  const { supervisor, add, published } = bench()
  const a = add('a')
  a.onStart = () => a.end()
  await supervisor.startAll()
  await settle()
  expect(published).toEqual(['app:a starting', 'app:a running', 'app:a exited'])
})

test('an end reported by an earlier run does not touch the present one', async () => {
  const { clock, supervisor, add, status } = bench()
  const a = add('a')
  await supervisor.startAll()
  a.end(boom())
  clock.advance(1_000)
  await settle()
  a.starts[0]?.ended({ error: boom() })
  expect(status('a')).toBe('running')
})

test('dependencies start first, independent services side by side', async () => {
  const { supervisor, add, journal } = bench()
  add('web', { requires: ['app:db', 'app:cache'] })
  const db = add('db')
  const cache = add('cache')
  let open = (): void => {}
  db.onStart = () => new Promise((resolve) => (open = resolve))
  const started = supervisor.startAll()
  await settle()
  expect(journal).toEqual(['start db', 'start cache'])
  expect(cache.starts).toHaveLength(1)
  open()
  await started
  expect(journal).toEqual(['start db', 'start cache', 'start web'])
})

test('dependencies are found through entries that are no services', async () => {
  const references: Record<string, string[]> = {
    'app:web': ['app:router'],
    'app:router': ['app:handler'],
    'app:handler': ['app:pool'],
  }
  const { supervisor, add, journal } = bench({ dependenciesOf: (id) => references[id] ?? [] })
  add('web')
  add('pool', { autoStart: false })
  await supervisor.startAll()
  expect(journal).toEqual(['start pool', 'start web'])
})

test('a requirement that leads to no service blocks the start before anything begins', async () => {
  const { supervisor, add, journal } = bench({ dependenciesOf: (id) => (id === 'app:plain' ? ['app:none'] : []) })
  add('other')
  add('a', { requires: ['app:plain'] })
  await expect(supervisor.startAll()).rejects.toMatchObject({
    kind: 'Invalid',
    message: 'service startup blocked by missing dependencies: app:a requires app:plain',
  })
  expect(journal).toEqual([])
})

test('a missing requirement of an optional service blocks only it, and a registry edge blocks nothing', async () => {
  const { supervisor, add, status } = bench({ dependenciesOf: () => ['app:nowhere'] })
  add('a', { requires: ['app:missing'], optional: true })
  add('b')
  await supervisor.startAll()
  expect([status('a'), status('b')]).toEqual(['unknown', 'running'])
})

test('a failure blocks the dependants and nothing else', async () => {
  const { supervisor, add, status } = bench()
  add('db').onStart = () => Promise.reject(moduleError('Invalid', 'no disk'))
  add('web', { requires: ['app:db'] })
  add('front', { requires: ['app:web'] })
  add('other')
  await expect(supervisor.startAll()).rejects.toMatchObject({ text: 'failed to start service app:db: no disk' })
  expect(['db', 'web', 'front', 'other'].map(status)).toEqual(['exited', 'unknown', 'unknown', 'running'])
})

test('several failures are named together', async () => {
  const { supervisor, add } = bench()
  add('a').onStart = () => Promise.reject(moduleError('Invalid', 'one'))
  add('b').onStart = () => Promise.reject(moduleError('Invalid', 'two'))
  await expect(supervisor.startAll()).rejects.toThrow(
    'start failed for multiple services: failed to start service app:a: one; failed to start service app:b: two',
  )
})

test('a cycle is an error that names its members', async () => {
  const { supervisor, add } = bench()
  add('a', { requires: ['app:b'] })
  add('b', { requires: ['app:a'] })
  await expect(supervisor.startAll()).rejects.toThrow('service dependency cycle: app:a -> app:b -> app:a')
})

test('a service that requires itself is a cycle', async () => {
  const { supervisor, add } = bench()
  add('a', { requires: ['app:a'] })
  await expect(supervisor.startAll()).rejects.toThrow('service dependency cycle: app:a -> app:a')
})

test('stop asks dependants first, then what they need', async () => {
  const { supervisor, add, journal, status } = bench()
  add('db')
  const web = add('web', { requires: ['app:db'] })
  add('front', { requires: ['app:web'] })
  await supervisor.startAll()
  journal.length = 0
  let close = (): void => {}
  web.onStop = () => new Promise((resolve) => (close = resolve))
  const stopped = supervisor.stopAll()
  await settle()
  expect(journal).toEqual(['stop front', 'stop web'])
  close()
  await stopped
  expect(journal).toEqual(['stop front', 'stop web', 'stop db'])
  expect(['db', 'web', 'front'].map(status)).toEqual(['stopped', 'stopped', 'stopped'])
})

test('stop_timeout kills and says so', async () => {
  const { clock, supervisor, add } = bench()
  const a = add('a')
  await supervisor.startAll()
  a.onStop = () => new Promise(() => {})
  const stopped = supervisor.stopAll()
  await settle()
  clock.advance(10_000)
  await stopped
  expect(a.killed).toBe(1)
  expect(supervisor.state('app:a')).toMatchObject({ status: 'failed', details: 'stop timeout after 10s' })
})

test('stop cancels a retry that is due', async () => {
  const { clock, supervisor, add, status } = bench()
  const a = add('a')
  await supervisor.startAll()
  a.end(boom())
  await supervisor.stop('app:a')
  expect(status('a')).toBe('stopped')
  clock.advance(1e9)
  expect(a.starts).toHaveLength(1)
})

test('a start that hangs is interrupted by the stop of everything', async () => {
  const { supervisor, add, status } = bench()
  const a = add('a')
  add('b', { requires: ['app:a'] })
  a.onStart = () => new Promise(() => {})
  const failure = expect(supervisor.startAll()).rejects.toMatchObject({ kind: 'Canceled' })
  await settle()
  await supervisor.stopAll()
  await failure
  expect(a.starts[0]?.signal.aborted).toBe(true)
  expect([status('a'), status('b')]).toEqual(['stopped', 'unknown'])
})

test('start during a stop begins anew once it has ended', async () => {
  const { supervisor, add, journal, status } = bench()
  const a = add('a')
  await supervisor.startAll()
  let close = (): void => {}
  a.onStop = () => new Promise((resolve) => (close = resolve))
  const stopped = supervisor.stop('app:a')
  const started = supervisor.start('app:a')
  close()
  await Promise.all([stopped, started])
  expect(journal).toEqual(['start a', 'stop a', 'start a'])
  expect(status('a')).toBe('running')
})

test('start by hand hurries a retry and forgets the failures', async () => {
  const { supervisor, add } = bench()
  const a = add('a')
  await supervisor.startAll()
  a.end(boom())
  await supervisor.start('app:a')
  expect(supervisor.state('app:a')).toMatchObject({ status: 'running', retryCount: 0 })
})

test('what a change registers is started when it commits, and by nothing before', async () => {
  const { supervisor, add, status, journal } = bench()
  await supervisor.startAll()
  supervisor.begin()
  add('late')
  add('manual', { autoStart: false })
  await settle()
  expect(journal).toEqual([])
  await supervisor.commit()
  expect([status('late'), status('manual')]).toEqual(['running', 'unknown'])
})

test('a change before the first start only registers; the start then starts it', async () => {
  const { supervisor, add, status } = bench()
  supervisor.begin()
  add('a')
  await supervisor.commit()
  expect(status('a')).toBe('unknown')
  await supervisor.startAll()
  expect(status('a')).toBe('running')
})

test('a commit fails when a required service does not start in time, naming it and why', async () => {
  const { clock, supervisor, add, logs } = bench()
  await supervisor.startAll()
  supervisor.begin()
  add('a').onStart = () => {
    throw boom()
  }
  const failure = expect(supervisor.commit()).rejects.toMatchObject({
    kind: 'Timeout',
    message: 'service start timed out: app:a (boom)',
  })
  await settle()
  clock.advance(30_000)
  await failure
  expect(logs.at(-1)).toMatchObject({
    level: 'error',
    message: 'failed to execute commit protocol',
    fields: { error: { kind: 'Timeout' } },
  })
})

test('what is started in the background and cannot be is told in the log', async () => {
  const { supervisor, add, logs } = bench()
  await supervisor.startAll()
  add('a').onStart = () => {
    throw moduleError('Invalid', 'never')
  }
  await settle()
  expect(logs.filter(({ level }) => level === 'error').at(-1)).toMatchObject({
    message: 'failed to execute start operations',
    fields: { error: { message: 'never' } },
  })
})

test('what the undoing of a change registers again is started in the background', async () => {
  const { supervisor, add, status } = bench()
  add('a')
  await supervisor.startAll()
  supervisor.begin()
  await supervisor.remove('app:a')
  add('a')
  supervisor.discard()
  await settle()
  expect(status('a')).toBe('running')
})

test('what needs a removed service stops before it, and starts again with the next of its id', async () => {
  const { supervisor, add, journal, status } = bench()
  add('a')
  add('b', { requires: ['app:a'], autoStart: false })
  add('c', { requires: ['app:b'] })
  add('d')
  await supervisor.startAll()
  await supervisor.stop('app:d')
  journal.length = 0
  supervisor.begin()
  await supervisor.remove('app:a')
  expect(journal).toEqual(['stop c', 'stop b', 'stop a'])
  add('a')
  await supervisor.commit()
  expect(journal.slice(3)).toEqual(['start a', 'start b', 'start c'])
  expect(['a', 'b', 'c', 'd'].map(status)).toEqual(['running', 'running', 'running', 'stopped'])
})

test('what was stopped by hand meanwhile does not come back with what it needs', async () => {
  const { supervisor, add, status } = bench()
  add('a')
  add('b', { requires: ['app:a'] })
  await supervisor.startAll()
  await supervisor.remove('app:a')
  await supervisor.stop('app:b')
  supervisor.begin()
  add('a')
  await supervisor.commit()
  expect([status('a'), status('b')]).toEqual(['running', 'stopped'])
})

test('what had ended for good does not come back with what it needs, unless the changeset brings it', async () => {
  const { supervisor, add, status } = bench()
  add('a')
  const once = add('once', { requires: ['app:a'], autoStart: false })
  const bad = add('bad', {
    requires: ['app:a'],
    autoStart: false,
    maxAttempts: 1,
  })
  await supervisor.startAll()
  await supervisor.start('app:once')
  await supervisor.start('app:bad')
  once.end()
  bad.end(boom())
  expect([status('once'), status('bad')]).toEqual(['exited', 'failed'])
  supervisor.begin()
  await supervisor.remove('app:a')
  add('a')
  await supervisor.commit()
  expect([once.starts.length, bad.starts.length]).toEqual([1, 1])
})

test('stopping one that has failed or ended already says nothing of that again', async () => {
  const { supervisor, add, status, logs } = bench()
  const a = add('a', { maxAttempts: 1 })
  const b = add('b')
  await supervisor.startAll()
  a.end(boom())
  b.end()
  expect([status('a'), status('b')]).toEqual(['failed', 'exited'])
  const said = logs.length
  await supervisor.stop('app:a')
  await supervisor.stopAll()
  expect(logs.slice(said).map(({ message }) => message)).toEqual(['supervisor control loop stopped'])
  expect(supervisor.state('app:a').desired).toBe('stopped')
})

describe('what a service needed when it began', () => {
  const moved = async () => {
    const all = bench()
    const { supervisor, add, journal } = all
    add('old')
    add('new')
    const service = new ScriptedService('s', journal)
    const lifecycle = { ...defaultLifecycle, autoStart: true }
    supervisor.add('app:s', service, lifecycle, ['app:old'])
    await supervisor.startAll()
    supervisor.update('app:s', lifecycle, ['app:new'])
    journal.length = 0
    return all
  }

  test('ends after it, though its entry names another by now', async () => {
    const { supervisor, journal } = await moved()
    await supervisor.stopAll()
    expect(journal.indexOf('stop s')).toBeLessThan(journal.indexOf('stop old'))
  })

  test('can go: the service begins anew with what it needs now', async () => {
    const { supervisor, add, journal, status } = await moved()
    supervisor.begin()
    await supervisor.remove('app:old')
    await supervisor.commit()
    expect(journal).toEqual(['stop s', 'stop old', 'start s'])
    // The next of that id is nothing to it.
    add('old')
    await settle()
    expect(journal).toEqual(['stop s', 'stop old', 'start s', 'start old'])
    await supervisor.remove('app:old')
    expect(status('s')).toBe('running')
  })
})

test('removing stops a service and forgets it; removing twice is nothing', async () => {
  const { supervisor, add, journal } = bench()
  add('a')
  await supervisor.startAll()
  await supervisor.remove('app:a')
  await supervisor.remove('app:a')
  expect(journal).toEqual(['start a', 'stop a'])
  expect(() => supervisor.state('app:a')).toThrow('service not found: app:a')
  await expect(supervisor.start('app:a')).rejects.toMatchObject({ kind: 'NotFound' })
})

test('an updated lifecycle holds from the next failure on, without a restart', async () => {
  const { clock, supervisor, add } = bench()
  const a = add('a')
  await supervisor.startAll()
  supervisor.update('app:a', { ...defaultLifecycle, backoff: { ...defaultLifecycle.backoff, initialDelay: 50 } })
  expect(a.starts).toHaveLength(1)
  a.end(boom())
  clock.advance(50)
  expect(a.starts).toHaveLength(2)
})

test('states are sorted by id', () => {
  const { supervisor, add } = bench()
  add('b')
  add('a')
  expect(supervisor.states().map(({ id }) => id)).toEqual(['app:a', 'app:b'])
})

test('each failure is logged once, with its error; running and stopped are not', async () => {
  const { clock, supervisor, add, logs } = bench()
  const a = add('a')
  await supervisor.startAll()
  a.end(boom())
  clock.advance(1_000)
  await settle()
  await supervisor.stopAll()
  expect(logs.map(({ level, name, message }) => `${level} ${name}: ${message}`)).toEqual([
    'info supervisor: service registered',
    'info supervisor: starting service',
    'info supervisor: service app:a is starting',
    'error supervisor: service app:a is failed',
    'info supervisor: service app:a is starting',
    'info supervisor: supervisor control loop stopped',
  ])
  expect(logs[3]?.fields).toMatchObject({ serviceID: 'app:a', status: 'failed', error: { message: 'boom' } })
})
