// What a second core brings: the workloads of apps/cores with one worker (the thread of the runtime) and with two, interleaved.
// usage: node test/bench/cores.mjs [--rounds 5] [--workers 2]   (dist/ must be built)

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

const cli = path.resolve(import.meta.dirname, '../../dist/cli/main.js')
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, workers: { type: 'string', default: '2' } },
})
const workloads = ['spawn', 'fan_in', 'fan_across', 'compute']
const counts = ['1', values.workers]
const scratch = mkdtempSync(path.join(tmpdir(), 'wippy-cores-'))
cpSync(path.join(import.meta.dirname, 'apps/cores'), scratch, { recursive: true })

const results = new Map()
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const workload of workloads) {
      for (const workers of counts) {
        const key = `${workload} ${workers}`
        results.set(key, [...(results.get(key) ?? []), run(workload, workers)])
      }
    }
  }
} finally {
  rmSync(scratch, { recursive: true })
}

console.log(
  `node ${process.version}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, ${values.rounds} rounds\n`,
)
console.log(`| | one worker | ${values.workers} workers | gain |\n|---|---|---|---|`)
for (const workload of workloads) {
  const [one, more] = counts.map((workers) => results.get(`${workload} ${workers}`).sort((a, b) => a - b))
  const show = (sorted) => `${rate(median(sorted))} (${rate(sorted[0])}–${rate(sorted[sorted.length - 1])})`
  console.log(`| ${workload} | ${show(one)} | ${show(more)} | ${(median(more) / median(one)).toFixed(2)}x |`)
}

function run(workload, workers) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [cli, 'run', '-x', `app:${workload}`, '-o', `app:processes:host.workers=${workers}`],
    { cwd: scratch, encoding: 'utf8' },
  )
  const line = stdout.split('\n').find((text) => text.startsWith('{'))
  if (status !== 0 || line === undefined) throw new Error(`${workload} with ${workers} workers: ${stderr}${stdout}`)
  return JSON.parse(line).value
}

function median(sorted) {
  return sorted[Math.floor(sorted.length / 2)]
}

function rate(value) {
  return value >= 10_000 ? `${Math.round(value / 1000)}k/s` : `${value.toFixed(value < 100 ? 1 : 0)}/s`
}
