// Runs the workloads beside their peers, interleaved, and prints medians, spread and ratios, then the same as a table for
// RESULTS.md. With an Erlang on the path, Erlang is a peer too.
// usage: node test/bench/run.mjs [w1 w2 …] [--rounds 5] [--node <binary or version>]   (dist/ must be built)

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

const here = import.meta.dirname
const cli = path.resolve(here, '../../dist/cli/main.js')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, node: { type: 'string', default: process.execPath } },
})
const rounds = Number(values.rounds)
const scratch = mkdtempSync(path.join(tmpdir(), 'wippy-bench-'))
const node = nodeBinary(values.node)
const erlang = erlangPath()

/** What each workload runs: our app with these variables, and each peer at a size it can bear. */
const workloads = {
  w1: {
    what: '100k processes spawned, messaged, ended',
    unit: '/s',
    env: { BENCH_N: '100000' },
    peers: { erlang: 100_000, kernel: 100_000, nact: 2_000, xstate: 10_000, wasmoon: 500 },
  },
  w2: {
    what: 'ping-pong, messages',
    unit: '/s',
    env: { BENCH_N: '1000000' },
    peers: { erlang: 1_000_000, kernel: 1_000_000, nact: 200_000, xstate: 200_000, wasmoon: 10_000 },
  },
  w3: {
    what: 'ring of 1,000, hops',
    unit: '/s',
    env: {},
    peers: { erlang: 100_000, kernel: 1_000_000, nact: 100_000, xstate: 100_000, wasmoon: 10_000 },
  },
  w4: {
    what: 'fan-in of 100 senders, 1M copied maps',
    unit: '/s',
    env: {},
    peers: { erlang: 1_000_000, kernel: 200_000, nact: 200_000, xstate: 200_000, wasmoon: 10_000 },
  },
  w5: {
    what: 'idle process, its heap, 10k',
    unit: ' B',
    env: { BENCH_N: '10000' },
    peers: { erlang: 100_000, kernel: 10_000, nact: 10_000, xstate: 10_000, wasmoon: 1_000 },
  },
  w6: {
    what: 'crash, EXIT seen, next one started',
    unit: '/s',
    env: {},
    peers: { erlang: 10_000, kernel: 10_000, nact: 10_000, xstate: 2_000, wasmoon: 500 },
  },
  w6s: { what: 'the same by declared supervision, delay 1 ms', unit: '/s', env: {}, peers: {} },
  w7: {
    what: 'select over three channels and a timer, items',
    unit: '/s',
    env: {},
    peers: { erlang: 100_000, kernel: 100_000 },
  },
  w7t: {
    what: 'the same with a fresh timer each time',
    unit: '/s',
    app: 'w7',
    env: { BENCH_FRESH_TIMER: '1' },
    peers: { erlang: 100_000, kernel: 100_000 },
  },
  w8: { what: 'SSE chunks, each a message', unit: '/s', env: {}, peers: { kernel: 20_000 }, server: true },
  w8s: { what: 'the same through the SDK', unit: '/s', env: {}, peers: { kernel: 20_000 }, server: true },
  w9: { what: 'start: exec to the first line', unit: ' ms', peers: {} },
  w10: {
    what: 'call of a function by name, small table',
    unit: '/s',
    env: { BENCH_N: '300000' },
    peers: { erlang: 1_000_000, kernel: 1_000_000, nact: 100_000, xstate: 100_000, wasmoon: 20_000 },
  },
}

/** `24` is that version of Node, fetched by npx; anything else is a path. */
function nodeBinary(wanted) {
  if (!/^\d+$/.test(wanted)) return wanted
  return run('npx', ['-y', `node@${wanted}`, '-p', 'process.execPath']).trim()
}

/** Where bench.erl was compiled to; undefined without an Erlang. */
function erlangPath() {
  if (spawnSync('erlc', ['-o', scratch, path.join(here, 'peers/erlang/bench.erl')]).status !== 0) return undefined
  return scratch
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000, ...options })
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${result.error ?? result.stderr}`)
  return result.stdout
}

const lastJson = (text) =>
  JSON.parse(
    text
      .trim()
      .split('\n')
      .findLast((line) => line.startsWith('{')),
  )

function ours(folder, env) {
  return lastJson(run(node, [cli, 'run', '-x', 'app:bench'], { cwd: folder, env: { ...process.env, ...env } }))
}

function peer(name, workload, size, env) {
  const args =
    name === 'erlang'
      ? ['erl', ['-noshell', '+S', '1:1', '-pa', erlang, '-run', 'bench', 'main', workload, String(size)]]
      : [node, ['--expose-gc', path.join(here, 'peer.mjs'), name, workload, String(size)]]
  return lastJson(run(...args, { env: { ...process.env, ...env } }))
}

/** The app with a heartbeat beside it, in a folder of its own. */
function withHeartbeat(app) {
  const folder = path.join(scratch, app)
  cpSync(path.join(here, 'apps', app), folder, { recursive: true })
  cpSync(path.join(here, 'apps/heartbeat'), path.join(folder, 'src/heartbeat'), { recursive: true })
  return folder
}

/** Milliseconds from exec to the first line and to the exit. */
async function timed(command, args, cwd) {
  const started = performance.now()
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  let line
  child.stdout.once('data', () => (line = performance.now() - started))
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
  return { line, exit: performance.now() - started }
}

/** Four starts a round: one is over before the machine has settled. */
async function startUp(add) {
  for (let i = 0; i < 4; i++) {
    const mine = await timed(node, [cli, 'run', '-x', 'app:bench'], path.join(here, 'apps/w9'))
    add('ours', mine.line)
    add('ours, to the exit', mine.exit)
    add('node -p 1', (await timed(node, ['-p', '1'], here)).line)
    if (erlang !== undefined) {
      add('erlang', (await timed('erl', ['-noshell', '-eval', 'io:format("1~n"), halt().'], here)).line)
    }
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
const short = (value) => {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(1)}M`
  return value >= 10_000 ? `${(value / 1000).toFixed(0)}k` : value.toFixed(value < 10 ? 1 : 0)
}
const shown = (list, unit) => `${short(median(list))}${unit} (${short(Math.min(...list))}–${short(Math.max(...list))})`

function report(name, { unit }, { samples, beats }) {
  const mine = median(samples.get('ours'))
  for (const [system, list] of samples) {
    const ratio = system === 'ours' ? '' : `  ours is ${(mine / median(list)).toFixed(2)}x`
    console.log(`${name.padEnd(4)} ${system.padEnd(18)} ${shown(list, unit)}${ratio}`)
  }
  if (beats.length > 0) console.log(`${name.padEnd(4)} ${'heartbeat'.padEnd(18)} ${lateness(beats)}`)
}

/** The worst of all runs with a heartbeat: a pause counts however seldom it comes. */
function lateness(beats) {
  const worst = (field) => Math.max(...beats.map((beat) => beat[field])).toFixed(1)
  return `late by ${worst('max_ms')} ms at most, 99.9 % by ${worst('p999_ms')} ms`
}

async function measure(name) {
  const { app = name, env, peers, server } = workloads[name]
  const samples = new Map()
  const beats = []
  const add = (system, value) => samples.set(system, [...(samples.get(system) ?? []), value])
  const round = (extra) => {
    add('ours', ours(path.join(here, 'apps', app), { ...env, ...extra }).value)
    for (const [other, size] of Object.entries(peers)) {
      if (other !== 'erlang' || erlang !== undefined) add(other, peer(other, name, size, extra).value)
    }
    beats.push(ours(withHeartbeat(app), { ...env, ...extra }).heartbeat)
  }
  const all = (extra) => {
    for (let i = 0; i < rounds; i++) round(extra)
  }
  if (name === 'w9') for (let i = 0; i < rounds; i++) await startUp(add)
  else if (server) await withServer((url) => all({ BENCH_URL: `${url}/chat/completions`, OPENAI_BASE_URL: url }))
  else all({})
  report(name, workloads[name], { samples, beats })
  return { samples, beats }
}

/** The rows of RESULTS.md. */
function table(results) {
  const peers = ['erlang', 'kernel', 'nact', 'xstate', 'wasmoon']
  const titles = ['Erlang', 'JS generators', 'nact', 'xstate', "wasmoon's API"]
  const rows = [...results].map(([name, { samples, beats }]) => {
    const { what, unit } = workloads[name]
    const cells = peers.map((system) => (samples.has(system) ? short(median(samples.get(system))) : '–'))
    const beat = beats.length === 0 ? '–' : Math.max(...beats.map(({ max_ms }) => max_ms)).toFixed(0)
    return [name.toUpperCase(), what, shown(samples.get('ours'), unit), ...cells, beat]
  })
  const head = ['', 'Workload', 'Wippy for Node', ...titles, 'heartbeat late, ms']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

try {
  const chosen = positionals.length > 0 ? positionals : Object.keys(workloads)
  const unknown = chosen.find((name) => workloads[name] === undefined)
  if (unknown !== undefined) throw new Error(`no workload ${unknown}: ${Object.keys(workloads).join(' ')}`)
  const version = run(node, ['-p', 'process.version']).trim()
  const [load] = loadavg()
  console.log(
    `node ${version}, ${cpus().length} cores (${cpus()[0].model.trim()}), load ${load.toFixed(1)}, ${rounds} rounds, medians (min–max)`,
  )
  const results = new Map()
  for (const name of chosen) results.set(name, await measure(name))
  console.log(`\n${table(results)}`)
} finally {
  rmSync(scratch, { recursive: true })
}
