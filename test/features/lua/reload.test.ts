// design/PROMISES.md P9: while code changes under a load of calls, each call is whole, of one version, and none fails.

import { expect, test } from 'vitest'
import { createHost, type Entry, type Host, type Value } from '../../../runtime/index.ts'

const entry = (id: string, kind: string, data: Entry['data']): Entry => ({ id, kind, meta: {}, data })

/** A function that says which version of itself and of its library ran, before and after it waited. */
const version = (n: number): Entry[] => [
  entry('app:lib', 'library.lua', { source: `return { version = ${n} }` }),
  entry('app:f', 'function.lua', {
    source: `local lib = require("lib")
      return { handler = function(gate)
        local before = { ${n}, lib.version }
        process.registry.register(gate)
        process.inbox():receive()
        return { before[1], before[2], ${n}, lib.version }
      end }`,
    method: 'handler',
    imports: { lib: 'app:lib' },
  }),
]

/** Until a call has come to its gate. */
async function waits(host: Host, gate: string): Promise<void> {
  while (host.kernel.names.lookup(gate) === undefined) await new Promise((resolve) => setImmediate(resolve))
}

test('running calls finish on the code they began with, new calls run the new code, none fails', async () => {
  const host = await createHost({ entries: version(0) })
  const calls: { began: number; result: Promise<Value> }[] = []
  const VERSIONS = 20
  for (let n = 0; n <= VERSIONS; n++) {
    if (n > 0) await host.registry.apply(version(n).map((changed) => ({ op: 'update' as const, entry: changed })))
    for (let i = 0; i < 4; i++) calls.push({ began: n, result: host.call('app:f', [`gate ${n} ${i}`]) })
    // Some go on at once, most only when the code has changed again and again.
    await waits(host, `gate ${n} 3`)
    host.send(`gate ${n} 0`, 'go')
  }
  for (let n = 0; n <= VERSIONS; n++) for (let i = 1; i < 4; i++) host.send(`gate ${n} ${i}`, 'go')
  for (const { began, result } of calls) expect(await result).toEqual([began, began, began, began])
  await host.stop()
})

test('a change that one entry refuses changes nothing, for running and for new calls', async () => {
  const host = await createHost({ entries: version(0) })
  const running = host.call('app:f', ['gate'])
  await waits(host, 'gate')
  const [lib, broken] = version(1) as [Entry, Entry]
  const source = 'return {'
  const changes = [lib, { ...broken, data: { ...(broken.data as object), source } }]
  await expect(
    host.registry.apply(changes.map((changed) => ({ op: 'update' as const, entry: changed }))),
  ).rejects.toThrow('app:f')
  host.send('gate', 'go')
  expect(await running).toEqual([0, 0, 0, 0])
  const next = host.call('app:f', ['gate'])
  await waits(host, 'gate')
  host.send('gate', 'go')
  expect(await next).toEqual([0, 0, 0, 0])
  await host.stop()
})
