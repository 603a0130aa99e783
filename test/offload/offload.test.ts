// The offload pool as it is built: jobs on other threads, results, failures, deadlines, and an end. Runs a program over dist/,
// since Node 20 cannot load TypeScript in a thread.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Offload } from '../../runtime/offload/offload.ts'
import { fakeCall } from '../support/call-module.ts'

const program = `
import { Offload } from './dist/offload/offload.js'
let charged = 0
const signal = new AbortController().signal
const app = { frame: {}, signal, charge: (cpu) => { charged += cpu } }
const spent = { ...app, charge: () => { throw new Error('spent') } }
const gone = { ...app, signal: AbortSignal.abort() }
const madeAtRunTime = { ...app, frame: { confinement: {} } }
const pool = new Offload({ threads: 2, deadline: 4000 })
const long = Array.from({ length: 4000 }, (_, i) => 'key' + i + ': {a: ' + i + ', b: "text"}').join('\\n')
let ticks = 0
let longest = 0
let last = performance.now()
const timer = setInterval(() => { const now = performance.now(); longest = Math.max(longest, now - last); last = now; ticks++ }, 5)
const results = await Promise.all([1, 2, 3].map(() => pool.run(app, 'yaml.decode', long, {})))
clearInterval(timer)
const failed = await pool.run(app, 'yaml.decode', 'a: [1', {}).catch((error) => error)
const proto = Object.getPrototypeOf(results[0].key1)
const text = await pool.run(app, 'yaml.encode', { b: [1], a: null }, {})
const short = new Offload({ threads: 1, deadline: 1 })
const late = await short.run(app, 'yaml.decode', long, {}).catch((error) => error)
await short.close()
const overCharged = await pool.run(spent, 'yaml.decode', 'a: 1', {}).catch((error) => error.message)
const order = []
const jobs = [madeAtRunTime, madeAtRunTime, madeAtRunTime, app, gone].map((caller, i) =>
  pool.run(caller, 'yaml.decode', i === 3 ? 'a: 1' : long, {}).then(() => order.push(i), (error) => order.push(error.kind)))
await Promise.all(jobs)
await pool.close()
const after = await pool.run(app, 'yaml.decode', 'a: 1', {}).catch((error) => error)
console.log(JSON.stringify({
  sizes: results.map((r) => Object.keys(r).length), value: results[2].key3999, proto, ticks, longest,
  failed: [failed.kind, failed.message], text, late: late.kind, after: after.kind, charged, overCharged, order,
}))
`

test('jobs run beside the thread that asks', () => {
  const root = join(import.meta.dirname, '../..')
  const out = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8' }),
  )
  expect(out).toMatchObject({
    sizes: [4000, 4000, 4000],
    value: { a: 3999, b: 'text' },
    proto: null,
    failed: ['Invalid', expect.stringMatching(/^yaml: line 1: /)],
    text: 'a: null\nb:\n    - 1\n',
    late: 'Timeout',
    after: 'Unavailable',
  })
  expect(out.ticks).toBeGreaterThan(3)
  expect(out.charged).toBeGreaterThan(1)
  expect(out.overCharged).toBe('spent')
  // Nobody waits for the last; the app's own goes before all but the first of the others.
  expect(out.order[0]).toBe('Canceled')
  expect(out.order.indexOf(3)).toBeLessThan(out.order.indexOf(1))
})

test('from sources jobs run here, with the same results', async () => {
  const pool = new Offload()
  expect(await pool.run(fakeCall(), 'yaml.decode', 'a: 1', {})).toEqual({ a: 1 })
  await expect(pool.run(fakeCall(), 'yaml.decode', 'a: [', {})).rejects.toMatchObject({ kind: 'Invalid' })
  await pool.close()
})
