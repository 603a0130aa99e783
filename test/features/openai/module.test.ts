// The `openai` module against the scripted server, over real HTTP.

import { getEventListeners } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../../runtime/core/clock.ts'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { openaiModule } from '../../../runtime/features/openai/module.ts'
import type { AnyHostFunction, LuaObject } from '../../../runtime/lua/module.ts'
import { type FakeCall, fakeCall, luaResult } from '../../support/fake-call.ts'
import {
  failure,
  type ModelServer,
  type Script,
  startModelServer,
  text,
  toolCalls,
} from '../../support/model-server.mjs'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const KEY = 'sk-secret-key-0123456789'

interface Bench {
  server: ModelServer
  call: FakeCall
  clock: ManualClock
  config: { [key: string]: unknown }
  request(name: 'responses' | 'chat' | 'embeddings' | 'models', body?: unknown, config?: object): Promise<unknown>
}

async function bench(script: Script): Promise<Bench> {
  const server = await startModelServer(script)
  const clock = manualClock()
  const module = openaiModule({ clock })
  const table = module.open() as { [name: string]: AnyHostFunction }
  closing.push(
    () => server.close(),
    () => module.close(),
  )
  const call = fakeCall()
  const config = { api_key: KEY, base_url: server.url }
  const request = (name: string, body?: unknown, more: object = {}) =>
    table[name]!(call, { ...config, ...more }, body) as Promise<unknown>
  return { server, call, clock, config, request }
}

/** The methods and fields of a stream, as Lua sees them. */
function streamOf(result: unknown) {
  const object = result as LuaObject<never>
  const { methods, fields } = object.type.spec
  const call = fakeCall()
  return {
    next: () => methods!['next']!(call, object.value) as Event | undefined | Promise<Event | undefined>,
    close: () => methods!['close']!(call, object.value),
    field: (name: string) => fields![name]!(object.value),
  }
}
// biome-ignore lint/suspicious/noExplicitAny: events are looked into freely
type Event = { [key: string]: any }

async function drain(stream: ReturnType<typeof streamOf>): Promise<Event[]> {
  const events: Event[] = []
  for (let event = await stream.next(); event !== undefined; event = await stream.next()) events.push(event)
  return events
}

const textOf = (events: Event[]) =>
  events.map((event) => (event['type'] === 'response.output_text.delta' ? event['delta'] : '')).join('')

async function errorOf(run: () => unknown): Promise<RuntimeError> {
  const [value, error] = await luaResult(run)
  expect(value).toBeUndefined()
  expect(error).toBeInstanceOf(RuntimeError)
  return error as RuntimeError
}

test('a response is the decoded body, with the facts of its headers beside it', async () => {
  const { server, request } = await bench({ turns: [text('Hello world', { usage: { input: 9, output: 2 } })] })
  const body = {
    model: 'm',
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi ✓' }] }],
  }
  expect(await request('responses', body, { organization: 'org-1' })).toMatchObject({
    status: 'completed',
    output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hello world' }] }],
    usage: { input_tokens: 9, output_tokens: 2, total_tokens: 11 },
    _http: { status_code: 200, request_id: 'req_1', processing_ms: 7, headers: { 'X-Request-Id': 'req_1' } },
  })
  expect(server.requests[0]).toMatchObject({
    method: 'POST',
    path: '/v1/responses',
    body,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'openai-organization': 'org-1' },
  })
})

test('chat, embeddings and models go to their own paths', async () => {
  const { server, request } = await bench({
    always: toolCalls({ name: 'now', arguments: { zone: 'UTC' } }),
    models: ['a', 'b'],
  })
  expect(await request('chat', { model: 'm', messages: [{ role: 'user', content: 'hi' }] })).toMatchObject({
    choices: [
      {
        finish_reason: 'tool_calls',
        message: { tool_calls: [{ function: { name: 'now', arguments: '{"zone":"UTC"}' } }] },
      },
    ],
  })
  expect(await request('embeddings', { model: 'e', input: ['a', 'b'], dimensions: 3 })).toMatchObject({
    data: [{ index: 0 }, { index: 1 }],
  })
  expect(await request('models')).toMatchObject({ data: [{ id: 'a' }, { id: 'b' }] })
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /v1/chat/completions',
    'POST /v1/embeddings',
    'GET /v1/models',
  ])
})

test('a trailing slash of the base URL and headers of the caller do what they say', async () => {
  const { server, request, config } = await bench({ always: text('x') })
  const headers = { Authorization: 'Custom abc', 'X-Extra': '1' }
  await request('responses', { model: 'm', input: [] }, { base_url: `${String(config['base_url'])}/`, headers })
  expect(server.requests[0]).toMatchObject({
    path: '/v1/responses',
    headers: { authorization: 'Custom abc', 'x-extra': '1' },
  })
})

test('empty Lua tables are lists where the API has lists, and JSON text is sent as it is', async () => {
  const { server, request } = await bench({ always: text('x') })
  const parameters = { type: 'object', properties: { content: {}, required: { type: 'string' } }, required: {} }
  await request('responses', {
    model: 'm',
    input: {},
    tools: [{ type: 'function', name: 't', parameters }],
    metadata: { tools: {} },
  })
  expect(server.requests[0]!.body).toEqual({
    model: 'm',
    input: [],
    tools: [{ type: 'function', name: 't', parameters: { ...parameters, required: [] } }],
    metadata: { tools: {} },
  })
  const raw = '{ "model": "m", "input": [], "big": 9007199254740993 }'
  await request('responses', raw)
  expect(server.requests[1]!.text).toBe(raw)
  await request('responses', { model: 'm', n: 9007199254740993n, data: Buffer.from('bytes') })
  expect(server.requests[2]!.text).toBe('{"model":"m","n":9007199254740993,"data":"bytes"}')
})

test('a stream hands over each event as it arrives, before the answer is complete', async () => {
  const { server, request } = await bench({ turns: [{ parts: [{ text: 'one ' }, { gate: 'more' }, { text: 'two' }] }] })
  const stream = streamOf(await request('responses', { model: 'm', input: [], stream: true }))
  expect(stream.field('status_code')).toBe(200)
  expect(stream.field('request_id')).toBe('req_1')
  const seen: Event[] = []
  while (seen.at(-1)?.['type'] !== 'response.output_text.delta') seen.push((await stream.next())!)
  expect(seen.at(-1)).toMatchObject({ delta: 'one ' })
  const waiting = stream.next()
  expect(waiting).toBeInstanceOf(Promise)
  server.release('more')
  expect(await waiting).toMatchObject({ delta: 'two' })
  expect((await drain(stream)).at(-1)).toMatchObject({
    type: 'response.completed',
    response: { usage: { total_tokens: 16 } },
  })
})

test('an event that has arrived is there at once, without a promise', async () => {
  const { request } = await bench({ turns: [{ raw: 'data: {"n":1}\ndata: {"n":2}\ndata: {"n":3}\n\n' }] })
  const stream = streamOf(await request('chat', { model: 'm', stream: true }))
  expect(await stream.next()).toEqual({ n: 1 })
  expect(stream.next()).toEqual({ n: 2 })
  expect(stream.next()).toEqual({ n: 3 })
  expect(await stream.next()).toBeUndefined()
  expect(stream.next()).toBeUndefined()
})

test.each([1, 2, 3, 7])('frames cut into pieces of %i bytes are whole again, characters too', async (split) => {
  const answer = 'Grüße, 世界 👋\n'
  const { request } = await bench({ turns: [text(answer, { split, chunkSize: 3 })] })
  expect(textOf(await drain(streamOf(await request('responses', { model: 'm', stream: true }))))).toBe(answer)
})

test.each(['\n', '\r\n', '\r'])('lines may end with %j, comments and half events are skipped', async (eol) => {
  const lines = [
    ': hello',
    'event: x',
    'data: {"n":1}',
    '',
    'data: {oops',
    '',
    'data: 7',
    'data: [1]',
    '',
    'data:{"n":2}',
    'id: 3',
    '',
    'data: {"n":3}',
  ]
  for (const split of [undefined, 1, 5]) {
    const { request } = await bench({ turns: [{ raw: lines.join(eol), ...(split === undefined ? {} : { split }) }] })
    // The last line has no end of its own: the end of the body ends it.
    expect(await drain(streamOf(await request('chat', { model: 'm', stream: true })))).toEqual([
      { n: 1 },
      { n: 2 },
      { n: 3 },
    ])
  }
})

test('an error object inside a stream is data, not the end', async () => {
  const { request } = await bench({ turns: [{ raw: 'data: {"error":{"message":"boom"}}\n\ndata: {"n":2}\n\n' }] })
  const stream = streamOf(await request('chat', { model: 'm', stream: true }))
  expect(await drain(stream)).toEqual([{ error: { message: 'boom' } }, { n: 2 }])
})

test('[DONE] ends a stream whose server never closes it, and its connection goes', async () => {
  const { server, request, clock } = await bench({ turns: [text('hi', { neverClose: true })] })
  const stream = streamOf(await request('chat', { model: 'm', stream: true }))
  expect((await drain(stream)).length).toBeGreaterThan(1)
  clock.advance(250)
  expect(await server.requests[0]!.closed).toBe('aborted')
})

test('after its terminal event a stream can be closed at once though the server never closes it', async () => {
  const { server, request, clock, call } = await bench({ turns: [text('hi', { neverClose: true })] })
  const stream = streamOf(await request('responses', { model: 'm', stream: true }))
  for (let event = await stream.next(); event!['type'] !== 'response.completed'; event = await stream.next());
  expect(stream.close()).toBe(true)
  expect(stream.close()).toBe(true)
  expect(call.owned.size).toBe(0)
  expect(await stream.next()).toBeUndefined()
  clock.advance(250)
  expect(await server.requests[0]!.closed).toBe('aborted')
})

test('a stream read to its terminal event leaves its connection for the next turn', async () => {
  const { server, request } = await bench({ always: text('hi') })
  for (let turn = 0; turn < 3; turn++) {
    const stream = streamOf(await request('responses', { model: 'm', stream: true }))
    for (let event = await stream.next(); event!['type'] !== 'response.completed'; event = await stream.next());
    stream.close()
    expect(await server.requests[turn]!.closed).toBe('complete')
  }
})

test('close in mid-stream aborts the request', async () => {
  const { server, request } = await bench({ turns: [{ parts: [{ text: 'one' }, { hang: true }] }] })
  const stream = streamOf(await request('responses', { model: 'm', stream: true }))
  await stream.next()
  stream.close()
  expect(await stream.next()).toBeUndefined()
  expect(await server.requests[0]!.closed).toBe('aborted')
})

test('a stream whose process ends is closed, and its reader told Canceled', async () => {
  const { server, request, call } = await bench({ turns: [{ parts: [{ hang: true }] }] })
  const stream = streamOf(await request('responses', { model: 'm', stream: true }))
  await stream.next()
  await stream.next()
  const waiting = luaResult(() => stream.next())
  call.end()
  const [value, error] = await waiting
  expect([value, (error as RuntimeError | undefined)?.kind ?? 'Canceled']).toEqual([undefined, 'Canceled'])
  expect(await server.requests[0]!.closed).toBe('aborted')
})

test('a request whose call is cancelled before an answer is aborted', async () => {
  const { server, request, call } = await bench({ turns: [{ wait: 'never', parts: [] }] })
  const waiting = errorOf(() => request('responses', { model: 'm', stream: true }))
  const { closed } = await server.request(0)
  call.end()
  expect(await waiting).toMatchObject({ kind: 'Canceled', retryable: false })
  expect(await closed).toBe('aborted')
})

test('a connection cut in mid-stream is an error after the events that came before', async () => {
  const { request, server } = await bench({ turns: [{ parts: [{ text: 'one' }, { gate: 'cut' }, { cut: true }] }] })
  const stream = streamOf(await request('responses', { model: 'm', stream: true }))
  for (let event = await stream.next(); event!['delta'] !== 'one'; event = await stream.next());
  server.release('cut')
  const error = await errorOf(() => stream.next())
  expect(error).toMatchObject({
    kind: 'Unavailable',
    retryable: true,
    message: 'Connection failed: other side closed',
    details: { status_code: 0, network: true, mid_stream: true },
  })
  expect(await stream.next()).toBeUndefined()
})

test.each([
  [400, 'Invalid', false],
  [401, 'PermissionDenied', false],
  [403, 'PermissionDenied', false],
  [404, 'NotFound', false],
  [408, 'Unavailable', true],
  [409, 'Conflict', true],
  [429, 'RateLimited', true],
  [500, 'Unavailable', true],
  [503, 'Unavailable', true],
])('status %i is %s, streamed or not', async (status, kind, retryable) => {
  const options = { type: 'some_type', code: 'some_code', param: 'input', headers: { 'retry-after': '3' } }
  const { request, server } = await bench({ always: failure(status, 'no luck', options) })
  for (const stream of [false, true]) {
    const error = await errorOf(() => request('responses', { model: 'm', stream }))
    expect(error).toMatchObject({ kind, retryable, message: 'no luck' })
    expect(error.details).toMatchObject({
      status_code: status,
      message: 'no luck',
      type: 'some_type',
      code: 'some_code',
      param: 'input',
      retry_after: 3,
      request_id: expect.stringMatching(/^req_/),
    })
  }
  // Nothing was retried here.
  expect(server.requests.length).toBe(2)
})

test.each([
  ['{"error":"flat text"}', 'flat text'],
  ['{"detail":"not here"}', 'not here'],
  ['{"message":"top level"}', 'top level'],
  ['<html>gateway</html>', 'OpenAI API error: 502'],
  ['', 'OpenAI API error: 502'],
  ['x'.repeat(3_000_000), 'OpenAI API error: 502'],
])('an error body is told as its message (%#)', async (raw, message) => {
  const { request } = await bench({ always: { status: 502, raw } })
  expect((await errorOf(() => request('responses', { model: 'm' }))).message).toBe(message)
})

test('the key never appears in an error, even if the server repeats it', async () => {
  const { request } = await bench({
    always: failure(401, `Incorrect API key provided: ${KEY}.`, { code: KEY, headers: { 'x-echo': KEY } }),
  })
  const error = await errorOf(() => request('responses', { model: 'm' }))
  expect(error.message).toBe('Incorrect API key provided: ***.')
  expect(JSON.stringify({ ...error, stack: error.stack, cause: error.cause })).not.toContain(KEY)
})

test('a key with white space around it, as a file gives it, works and stays hidden too', async () => {
  const { request, server } = await bench({ always: failure(401, `no such key: ${KEY}`, {}) })
  const error = await errorOf(() => request('responses', { model: 'm' }, { api_key: `${KEY}\n` }))
  expect(error.message).toBe('no such key: ***')
  expect(server.requests[0]!.headers['authorization']).toBe(`Bearer ${KEY}`)
})

test('nobody listening is a connection failure that may be retried', async () => {
  const { request } = await bench({})
  const free = createServer().listen(0, '127.0.0.1')
  const { port } = await new Promise<{ port: number }>((resolve) =>
    free.once('listening', () => resolve(free.address() as { port: number })),
  )
  await new Promise((resolve) => free.close(resolve))
  const error = await errorOf(() => request('responses', { model: 'm' }, { base_url: `http://127.0.0.1:${port}/v1` }))
  expect(error).toMatchObject({ kind: 'Unavailable', retryable: true, details: { status_code: 0, network: true } })
  expect(error.message).toBe(`Connection failed: connect ECONNREFUSED 127.0.0.1:${port}`)
})

test('a server that hangs up without an answer is a connection failure', async () => {
  const { request } = await bench({ turns: [{ destroy: true }] })
  expect(await errorOf(() => request('chat', { model: 'm' }))).toMatchObject({
    kind: 'Unavailable',
    details: { status_code: 0, network: true },
  })
})

test('no answer within the timeout is a Timeout, and the request is aborted', async () => {
  const { request, server, clock } = await bench({ turns: [{ wait: 'never', parts: [] }] })
  const waiting = errorOf(() => request('responses', { model: 'm' }, { timeout: 20 }))
  const { closed } = await server.request(0)
  clock.advance(19_999)
  clock.advance(1)
  expect(await waiting).toMatchObject({
    kind: 'Timeout',
    retryable: true,
    message: 'Request timeout: no answer within 20s',
    details: { status_code: 0, timeout: true },
  })
  expect(await closed).toBe('aborted')
})

test('a stream may last longer than its timeout but not be silent for so long', async () => {
  const parts = [{ text: 'a' }, { gate: 'g1' }, { text: 'b' }, { gate: 'g2' }, { text: 'c' }, { hang: true } as const]
  const { request, server, clock } = await bench({ turns: [{ parts }] })
  const stream = streamOf(await request('responses', { model: 'm', stream: true }, { timeout: '10s' }))
  const until = async (delta: string) => {
    for (let event = await stream.next(); event!['delta'] !== delta; event = await stream.next());
  }
  await until('a')
  for (const [gate, delta] of [
    ['g1', 'b'],
    ['g2', 'c'],
  ] as const) {
    const waiting = until(delta)
    clock.advance(9_000)
    server.release(gate)
    await waiting
  }
  const waiting = errorOf(() => stream.next())
  clock.advance(10_000)
  expect(await waiting).toMatchObject({ kind: 'Timeout', message: 'Request timeout: the stream was silent for 10s' })
  expect(await server.requests[0]!.closed).toBe('aborted')
})

test.each(['not json', '[1,2]', '"text"'])('a 2xx body %s is a parse failure', async (raw) => {
  const { request } = await bench({ always: { raw } })
  const error = await errorOf(() => request('responses', { model: 'm' }))
  expect(error).toMatchObject({ kind: 'Internal', retryable: false, details: { status_code: 200 } })
  expect(error.message).toMatch(/^Failed to parse OpenAI response: /)
})

test('a server that does not stream answers a streaming request with one event', async () => {
  const { request } = await bench({ always: { json: { id: 'r', output: [] } } })
  expect(await drain(streamOf(await request('responses', { model: 'm', stream: true })))).toEqual([
    { id: 'r', output: [] },
  ])
})

test.each([
  [{ raw: '<html>Sign in</html>', headers: { 'content-type': 'text/html' } }, 'an answer of type text/html'],
  [{ raw: '', headers: { 'content-type': 'text/event-stream' } }, 'an answer of type text/event-stream'],
  [{ raw: '[]', headers: { 'content-type': 'application/json' } }, 'an answer of type application/json'],
])('a stream without any event is a parse failure, once (%#)', async (always, what) => {
  const { request } = await bench({ always })
  const stream = streamOf(await request('responses', { model: 'm', stream: true }))
  expect(await errorOf(async () => stream.next())).toMatchObject({
    kind: 'Internal',
    message: `Failed to parse OpenAI response: no event in ${what}`,
    details: { status_code: 200 },
  })
  expect(await stream.next()).toBeUndefined()
})

test('a reader that does not read stops the server: a huge answer is not piled up in memory', async () => {
  const { request, server } = await bench({ turns: [{ parts: [{ text: 'x'.repeat(1000), repeat: 60_000 }] }] })
  const stream = streamOf(await request('responses', { model: 'm', stream: true }))
  for (let i = 0; i < 10; i++) await stream.next()
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  // 60 MB would have come in this time if nothing held them back.
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
  const after = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  expect(after - before).toBeLessThan(20_000_000)
  expect(await Promise.race([server.requests[0]!.closed, Promise.resolve('open')])).toBe('open')
  expect(textOf(await drain(stream)).length).toBeGreaterThan(59_000_000)
})

test.each([
  [{ api_key: '' }, 'openai: api_key is required'],
  [{ api_key: undefined }, 'openai: api_key is required'],
  [{ base_url: 'nonsense' }, 'openai: base_url "nonsense" is not a URL'],
  [{ base_url: 'localhost:11434/v1' }, 'openai: base_url "localhost:11434/v1" does not begin with http:// or https://'],
  [
    { base_url: 'http://ann:secret@host:1/v1' },
    'openai: base_url "http://host:1/v1" has a user name or password before it',
  ],
  [{ base_url: 'http://host/v1?key=secret' }, 'openai: base_url "http://host/v1" is followed by a query or fragment'],
  [{ api_key: 'sk-secret\nmore' }, 'openai: api_key: character 10 is U+000A, which no HTTP header may hold'],
  [{ headers: { 'X-Key': 'secret €' } }, 'openai: header X-Key: character 8 is U+20AC, which no HTTP header may hold'],
  [{ timeout: -1 }, 'openai: timeout -1 is not positive'],
  [{ timeout: 'soon' }, 'openai: timeout "soon" is not a duration'],
])('a configuration %j is refused before anything is sent', async (config, message) => {
  const { request, server } = await bench({ always: text('x') })
  expect(await errorOf(() => request('responses', { model: 'm' }, config))).toMatchObject({ kind: 'Invalid', message })
  expect(server.requests).toEqual([])
})

test('a body that is no table and no JSON object is refused', async () => {
  const { request } = await bench({ always: text('x') })
  expect((await errorOf(() => request('responses', 12))).message).toBe('openai: body must be a table or JSON text')
  expect((await errorOf(() => request('responses', '[1]'))).message).toBe(
    'openai: body is not the JSON text of an object',
  )
})

test('the configured proxy is used for model servers elsewhere', async () => {
  const proxy = await startModelServer({ always: text('through') })
  const module = openaiModule({ clock: manualClock(), proxies: { http: `http://127.0.0.1:${proxy.port}` } })
  closing.push(
    () => proxy.close(),
    () => module.close(),
  )
  const { responses } = module.open() as { [name: string]: AnyHostFunction }
  const config = { api_key: KEY, base_url: 'http://models.test/v1' }
  expect(await responses!(fakeCall(), config as never, { model: 'm' } as never)).toMatchObject({ status: 'completed' })
  expect(proxy.requests[0]).toMatchObject({ path: 'http://models.test/v1/responses', headers: { host: 'models.test' } })
})

test('many requests of one process at once are no leak', async () => {
  const { request, call } = await bench({ always: text('x') })
  const warnings: Error[] = []
  const note = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', note)
  await Promise.all(Array.from({ length: 20 }, () => request('responses', { model: 'm' })))
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', note)
  expect(warnings).toEqual([])
  expect(getEventListeners(call.signal, 'abort')).toEqual([])
})
