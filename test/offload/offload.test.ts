// The offload pool as it is built: jobs on other threads, results, failures, deadlines, and an end. Runs a program over dist/,
// since Node 20 cannot load TypeScript in a thread.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Offload } from '../../runtime/offload/offload.ts'

const program = `
import { Offload } from './dist/offload/offload.js'
const pool = new Offload({ threads: 2, deadline: 4000 })
const long = Array.from({ length: 4000 }, (_, i) => 'key' + i + ': {a: ' + i + ', b: "text"}').join('\\n')
let ticks = 0
let longest = 0
let last = performance.now()
const timer = setInterval(() => { const now = performance.now(); longest = Math.max(longest, now - last); last = now; ticks++ }, 5)
const results = await Promise.all([1, 2, 3].map(() => pool.run('yaml.decode', long, {})))
clearInterval(timer)
const failed = await pool.run('yaml.decode', 'a: [1', {}).catch((error) => error)
const proto = Object.getPrototypeOf(results[0].key1)
const text = await pool.run('yaml.encode', { b: [1], a: null }, {})
const short = new Offload({ threads: 1, deadline: 1 })
const late = await short.run('yaml.decode', long, {}).catch((error) => error)
await short.close()
await pool.close()
const after = await pool.run('yaml.decode', 'a: 1', {}).catch((error) => error)
console.log(JSON.stringify({
  sizes: results.map((r) => Object.keys(r).length), value: results[2].key3999, proto, ticks, longest,
  failed: [failed.kind, failed.message], text, late: late.kind, after: after.kind,
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
})

test('from sources jobs run here, with the same results', async () => {
  const pool = new Offload()
  expect(await pool.run('yaml.decode', 'a: 1', {})).toEqual({ a: 1 })
  await expect(pool.run('yaml.decode', 'a: [', {})).rejects.toMatchObject({ kind: 'Invalid' })
  await pool.close()
})
