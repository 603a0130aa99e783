// Runs the workloads beside their peers, interleaved, and prints medians, spread and ratios.
// usage: node test/bench/run.mjs [w1 w2 …] [--rounds 5]   (dist/ must be built)

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

const here = import.meta.dirname
const cli = path.resolve(here, '../../dist/cli/main.js')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
})
const rounds = Number(values.rounds)

/** What each workload runs: our app with these variables, and each peer at a size it can bear. */
const workloads = {
  w1: {
    unit: 'processes/s',
    env: { BENCH_N: '100000' },
    peers: { kernel: 100_000, nact: 2_000, xstate: 10_000, wasmoon: 500 },
  },
  w2: { unit: 'msgs/s', env: { BENCH_N: '1000000' }, peers: { kernel: 1_000_000, nact: 200_000, xstate: 200_000 } },
  w3: { unit: 'hops/s', env: {}, peers: {} },
  w4: { unit: 'msgs/s', env: {}, peers: { kernel: 200_000 } },
  w5: { unit: 'B/process', env: {}, peers: {} },
  w6: { unit: 'restarts/s', env: {}, peers: {} },
  w7: { unit: 'items/s', env: {}, peers: {} },
  w8: { unit: 'chunks/s', env: {}, peers: {}, server: true },
  w8s: { unit: 'chunks/s', env: {}, peers: {}, server: true },
  w9: { unit: 'ms', peers: {} },
  w10: { unit: 'calls/s', env: { BENCH_N: '300000' }, peers: { kernel: 300_000, wasmoon: 20_000 } },
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 120_000, ...options })
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${result.stderr}`)
  return result.stdout
}

const lastJson = (text) =>
  JSON.parse(
    text
      .trim()
      .split('\n')
      .findLast((line) => line.startsWith('{')),
  )
const app = (name, env) =>
  lastJson(
    run(process.execPath, [cli, 'run', '-x', 'app:bench'], {
      cwd: path.join(here, 'apps', name),
      env: { ...process.env, ...env },
    }),
  )

function timed(args, cwd) {
  const started = performance.now()
  run(process.execPath, args, { cwd })
  return performance.now() - started
}

/** Exec to exit of an app that prints one line, and of `node -e ''`. */
function startUp() {
  return {
    ours: timed([cli, 'run', '-x', 'app:bench'], path.join(here, 'apps/w9')),
    "node -e ''": timed(['-e', ''], here),
  }
}

async function withServer(body) {
  const server = spawn(process.execPath, [path.join(here, 'llm/server.mjs')], {
    env: { ...process.env, PORT: '0', CHUNKS: '20000' },
  })
  try {
    const [first] = await once(server.stdout, 'data')
    const port = /(\d+)\s*$/m.exec(String(first).trim())[1]
    await body(`http://127.0.0.1:${port}/v1`)
  } finally {
    server.kill()
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
const short = (value) => (value >= 10_000 ? `${(value / 1000).toFixed(0)}k` : value.toFixed(value < 100 ? 1 : 0))

function report(name, unit, samples) {
  const ours = median(samples.get('ours'))
  for (const [system, list] of samples) {
    const spread = `${short(Math.min(...list))}–${short(Math.max(...list))}`
    const ratio = system === 'ours' ? '' : `  ours is ${(ours / median(list)).toFixed(2)}x`
    console.log(
      `${name.padEnd(4)} ${system.padEnd(14)} ${short(median(list)).padStart(8)} ${unit.padEnd(12)} (${spread})${ratio}`,
    )
  }
}

async function measure(name) {
  const { unit, env, peers, server } = workloads[name]
  const samples = new Map()
  const add = (system, value) => samples.set(system, [...(samples.get(system) ?? []), value])
  const round = (extra) => {
    if (name === 'w9') for (const [system, ms] of Object.entries(startUp())) add(system, ms)
    else add('ours', app(name, { ...env, ...extra }).value)
    for (const [peer, size] of Object.entries(peers)) {
      const row = lastJson(run(process.execPath, [path.join(here, 'peer.mjs'), peer, name, String(size)]))
      add(row.sys, row.value)
    }
  }
  const all = (extra) => {
    for (let i = 0; i < rounds; i++) round(extra)
  }
  if (server) await withServer((url) => all({ BENCH_URL: `${url}/chat/completions`, OPENAI_BASE_URL: url }))
  else all({})
  report(name, unit, samples)
}

const chosen = positionals.length > 0 ? positionals : Object.keys(workloads)
console.log(
  `node ${process.version}, ${cpus().length} cores (${cpus()[0].model.trim()}), ${rounds} rounds, medians (min–max)`,
)
for (const name of chosen) await measure(name)
