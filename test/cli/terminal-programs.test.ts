// Which host a command runs on, and what is said when there is none that runs.

import { afterEach, expect, test } from 'vitest'
import { chooseTerminal, requireProcess, terminalRunning } from '../../runtime/cli/terminal-programs.ts'
import { createHost, type Entry, type Host, type ManualClock, manualClock } from '../../runtime/index.ts'
import { defaultLifecycle } from '../../runtime/supervisor/lifecycle.ts'

const entry = (name: string, kind: string, data: Entry['data'] = {}): Entry => ({
  id: `app:${name}`,
  kind,
  meta: {},
  data,
})
const main = entry('main', 'process.lua', { source: 'return { main = function() end }' })
const terminal = (name: string): Entry => entry(name, 'terminal.host', { lifecycle: { auto_start: true } })

let host: Host
let clock: ManualClock
async function open(...entries: Entry[]): Promise<void> {
  clock = manualClock()
  host = await createHost({ entries, env: {}, clock })
}
afterEach(() => host.stop())

/** Lets promise callbacks run; no time passes. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

test('the only terminal host is chosen, one of several has to be named, and none is said', async () => {
  await open()
  expect(() => chooseTerminal(host, undefined)).toThrow('no terminal.host found in registry')
  await host.registry.apply([{ op: 'create', entry: terminal('a') }])
  expect(chooseTerminal(host, undefined)).toBe('app:a')
  await host.registry.apply([
    { op: 'create', entry: terminal('b') },
    { op: 'create', entry: entry('p', 'process.host') },
  ])
  expect(() => chooseTerminal(host, undefined)).toThrow(
    'multiple terminal hosts found (app:a, app:b), use --host to specify',
  )
  expect(chooseTerminal(host, 'app:b')).toBe('app:b')
  expect(() => chooseTerminal(host, 'app:p')).toThrow('--host app:p: a process.host has no terminal')
})

test('a host that does not come up is waited for five seconds', async () => {
  await open()
  const service = { start: () => new Promise<void>(() => {}), stop() {}, kill() {} }
  host.supervisor.add('app:slow', service, { ...defaultLifecycle, startTimeout: 60_000, autoStart: true })
  void host.supervisor.startAll().catch(() => {})
  await settle()
  let outcome = 'waits'
  const waiting = terminalRunning(host, 'app:slow', clock).catch((error: Error) => {
    outcome = error.message
  })
  for (let waited = 0; waited < 5_000; waited += 10) {
    clock.advance(10)
    await settle()
  }
  expect(outcome).toBe('waits')
  clock.advance(10)
  await waiting
  expect(outcome).toBe('timeout waiting for host app:slow to start (status: starting)')
})

test('a host that runs is found, one that is none or does not start by itself is not', async () => {
  await open(terminal('a'), entry('idle', 'terminal.host'))
  await host.start()
  await terminalRunning(host, 'app:a', clock)
  await expect(terminalRunning(host, 'app:none', clock)).rejects.toThrow(
    'host app:none not found in supervisor: no such',
  )
  await expect(terminalRunning(host, 'app:idle', clock)).rejects.toThrow(
    'host app:idle not found in supervisor: it does not start by itself (lifecycle.auto_start)',
  )
})

test('a process is run, anything else is named for what it is', async () => {
  await open(main, entry('f', 'registry.entry'), entry('broken', 'process.lua', { source: 'return {' }))
  expect(requireProcess(host, 'app:main').id).toBe('app:main')
  expect(() => requireProcess(host, 'app:f')).toThrow('entry app:f is a registry.entry, not a process')
  expect(() => requireProcess(host, 'app:broken')).toThrow(/app:broken/)
  expect(() => requireProcess(host, 'app:mian')).toThrow('process app:mian not found')
})
