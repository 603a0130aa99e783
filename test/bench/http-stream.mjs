// What reading a stream through http_client costs beside undici itself, as W8 does it (reads of 64 KiB) and line by line:
//   npm run build && node test/bench/http-stream.mjs
// Prints one JSON line; rounds are interleaved, the medians count.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'

const dist = process.env.DIST ?? new URL('../../dist/', import.meta.url).href
const { httpClientModule } = await import(new URL('features/http_client/module.js', dist).href)
const { Guard } = await import(new URL('security/guard.js', dist).href)

const chunks = Number(process.env.CHUNKS ?? 20_000)
const rounds = Number(process.env.ROUNDS ?? 9)
const server = spawn(process.execPath, [fileURLToPath(new URL('llm/server.mjs', import.meta.url))], {
  env: { ...process.env, PORT: '0', CHUNKS: String(chunks) },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const url = `http://127.0.0.1:${String((await once(server.stdout, 'data'))[0]).trim()}/v1/chat/completions`

const table = httpClientModule({ guard: new Guard({ strict: false }) }).open()
const call = { signal: new AbortController().signal, frame: {}, process: {}, own: () => ({ release() {} }) }
const open = async () => (await table.post(call, url, { body: '{}', stream: true })).stream

async function undici() {
  let events = 0
  const { body } = await request(url, { method: 'POST', body: '{}' })
  for await (const piece of body) events += lineFeeds(piece)
  return events
}

async function reads() {
  const { type, value } = await open()
  let events = 0
  for (;;) {
    let piece = type.spec.methods.read(call, value, 65_536)
    if (piece instanceof Promise) piece = await piece
    if (piece === undefined) return events
    events += lineFeeds(piece)
  }
}

async function lines() {
  const { type, value } = await open()
  const scanner = type.spec.methods.scanner(call, value, 'lines')
  const { scan, text } = scanner.type.spec.methods
  let events = 0
  for (;;) {
    let more = scan(call, scanner.value)
    if (more instanceof Promise) more = await more
    if (more !== true) return events
    text(call, scanner.value)
    events++
  }
}

function lineFeeds(piece) {
  let count = 0
  for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) count++
  return count
}

async function rate(run) {
  const start = performance.now()
  const events = (await run()) / 2
  if (events !== chunks + 2) throw new Error(`read ${events} events of ${chunks + 2}`)
  return (events / (performance.now() - start)) * 1000
}

const runs = { undici, reads, lines }
const rates = { undici: [], reads: [], lines: [] }
for (const run of Object.values(runs)) await rate(run)
for (let round = 0; round < rounds; round++)
  for (const name of Object.keys(runs)) rates[name].push(await rate(runs[name]))
const median = (values) => Math.round([...values].sort((a, b) => a - b)[values.length >> 1])
const medians = Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, median(values)]))
console.log(JSON.stringify({ bench: 'http-stream', chunks, ...medians, unit: 'chunks/s' }))
server.kill()
process.exit(0)
