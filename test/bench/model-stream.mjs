// What our path from the model server to a Lua event costs beside the same stream through the SDK's own loop:
//   npm run build && node test/bench/model-stream.mjs
// Prints one JSON line. Both sides read the same server; rounds are interleaved, the medians count.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OpenAI } from 'openai'

const dist = process.env.DIST ?? new URL('../../dist/', import.meta.url).href
const { openaiModule } = await import(new URL('features/openai/module.js', dist).href)

const chunks = Number(process.env.CHUNKS ?? 20_000)
const rounds = Number(process.env.ROUNDS ?? 7)

const folder = mkdtempSync(join(tmpdir(), 'wippy-bench-'))
const script = join(folder, 'script.json')
writeFileSync(script, JSON.stringify({ always: { parts: [{ text: 'tok1 ', repeat: chunks }] } }))
// A process of its own, so that only the reading side is measured.
const server = spawn(process.execPath, [new URL('../support/model-server.mjs', import.meta.url).pathname, script], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
const [first] = await once(server.stdout, 'data')
const url = JSON.parse(String(first).split('\n')[0]).url
server.stdout.resume()

async function sdk() {
  const client = new OpenAI({ apiKey: 'sk-bench-0000', baseURL: url, maxRetries: 0 })
  const stream = await client.chat.completions.create({ model: 'm', messages: [], stream: true })
  let length = 0
  for await (const event of stream) length += event.choices[0]?.delta.content?.length ?? 0
  return length
}

const table = openaiModule().open()
const call = { signal: new AbortController().signal, own: () => ({ release() {} }) }

async function ours() {
  const object = await table.chat(
    call,
    { api_key: 'sk-bench-0000', base_url: url },
    { model: 'm', messages: [], stream: true },
  )
  const { next, close } = object.type.spec.methods
  let length = 0
  for (;;) {
    let event = next(call, object.value)
    if (event instanceof Promise) event = await event
    if (event === undefined) break
    length += event.choices[0]?.delta.content?.length ?? 0
  }
  close(call, object.value)
  return length
}

async function rate(run) {
  const start = performance.now()
  const length = await run()
  if (length !== chunks * 5) throw new Error(`read ${length} characters of ${chunks * 5}`)
  return (chunks / (performance.now() - start)) * 1000
}

const rates = { ours: [], sdk: [] }
await rate(ours)
await rate(sdk)
for (let round = 0; round < rounds; round++) {
  rates.ours.push(await rate(ours))
  rates.sdk.push(await rate(sdk))
}
const median = (values) => Math.round([...values].sort((a, b) => a - b)[values.length >> 1])
console.log(
  JSON.stringify({ bench: 'model-stream', chunks, ours: median(rates.ours), sdk: median(rates.sdk), unit: 'chunks/s' }),
)
server.kill()
rmSync(folder, { recursive: true })
process.exit(0)
