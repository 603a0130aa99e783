// What `system` and the Host tell and do together: exit requests, and inspection from TypeScript.

import { expect, test } from 'vitest'
import { manualClock } from '../../../runtime/core/clock.ts'
import type { Entry } from '../../../runtime/core/entry.ts'
import { createHost, type HostOptions } from '../../../runtime/create-host.ts'
import { MemoryLimit, UNLIMITED } from '../../../runtime/features/system/memory.ts'

const lua = (id: string, kind: string, source: string): Entry => ({
  id,
  kind,
  meta: {},
  data: { source, method: 'main', modules: ['system'] },
})

const entries: Entry[] = [
  { id: 'app:processes', kind: 'process.host', meta: {}, data: { lifecycle: { auto_start: true } } },
  lua('app:leave', 'function.lua', 'return { main = function(code) return system.exit(code) end }'),
  lua('app:wait', 'process.lua', 'return { main = function() process.events():receive() end }'),
  lua(
    'app:parent',
    'process.lua',
    `
    return { main = function()
      process.spawn("app:wait", "app:processes")
      process.events():receive()
    end }`,
  ),
]

async function started(options: HostOptions = {}) {
  const host = await createHost({ entries, ...options })
  await host.start()
  return host
}

test('system.exit is handed to whoever runs the host, with its code', async () => {
  const codes: number[] = []
  const host = await started({ onExit: (code) => codes.push(code) })
  expect(await host.call('app:leave', [3])).toBe(true)
  expect(await host.call('app:leave')).toBe(true)
  expect(codes).toEqual([3, 0])
  await host.stop()
})

test('system.exit stops a host that nobody listens to', async () => {
  const host = await started()
  const pid = host.spawn('app:wait', 'app:processes')
  const process = host.kernel.find(pid)
  const ended = new Promise<void>((resolve) => host.kernel.watch(process, () => resolve()))
  await host.call('app:leave', [0])
  await ended
  expect(host.kernel.processCount).toBe(0)
})

test('hosts and processes can be looked at from TypeScript', async () => {
  const host = await started()
  const before = Date.now()
  const parent = host.spawn('app:parent', 'app:processes')
  while (host.processes('app:processes').length < 2) await new Promise((resolve) => setImmediate(resolve))
  const [first, second] = host.processes('app:processes')
  expect(first).toMatchObject({ pid: parent, source: 'app:parent', parent: undefined })
  expect(second).toMatchObject({ source: 'app:wait', parent, host: 'app:processes', actorId: undefined })
  expect(second?.startedAt).toBeGreaterThanOrEqual(before)
  expect(host.hosts()).toMatchObject([{ id: 'app:processes', workers: 1, processes: 2 }])
  expect(() => host.processes('app:nowhere')).toThrow('host not found')
  expect(host.hosts()[0]?.executed).toBeGreaterThanOrEqual(2)
  await host.stop()
})

test('beyond the memory limit the Lua states are collected, and not below', () => {
  const clock = manualClock()
  let collections = 0
  const lua = {
    memoryUsed: 100,
    handles: 0,
    collections: 0,
    gcPercent: 100,
    setGcPercent: () => {},
    collect: () => void collections++,
  }
  const limit = new MemoryLimit(clock, lua)
  expect(limit.set(1)).toBe(UNLIMITED)
  clock.advance(10_000)
  expect(collections).toBe(2)
  limit.set(2 ** 50)
  clock.advance(60_000)
  expect(collections).toBe(2)
  expect(limit.set(-5)).toBe(2 ** 50)
  expect(limit.bytes).toBe(UNLIMITED)
})
