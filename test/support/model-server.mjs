// A scripted OpenAI-compatible server over real HTTP and SSE: Responses, Chat Completions, embeddings and models.
// Plain JavaScript so that e2e tests can also run it as a process: `node test/support/model-server.mjs script.json`
// prints `{"url": "http://127.0.0.1:PORT/v1"}` on its first line, then one JSON line for each request it gets.
// The shapes of scripts and of the returned object are in model-server.d.mts.

import { readFileSync, realpathSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

/** Starts a server on a free port. Turns are used up in order; `always` answers when none is left. */
export async function startModelServer(script = {}) {
  const state = {
    turns: [...(script.turns ?? [])],
    always: script.always,
    embeddings: script.embeddings ?? {},
    models: script.models ?? ['gpt-test'],
    requests: [],
    gates: new Map(),
    waiters: [],
    serial: 0,
    onRequest: script.onRequest,
  }
  const server = createServer((request, response) => {
    handle(state, request, response).catch((error) => response.destroy(error))
  })
  // A reader that goes away is part of what tests script.
  server.on('clientError', (_error, socket) => socket.destroy())
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(script.port ?? 0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    port: server.address().port,
    requests: state.requests,
    /** Adds turns behind those still waiting. */
    add(...turns) {
      state.turns.push(...turns)
    },
    /** Lets a turn go on past its `{ gate: name }`. Gates opened early stay open. */
    release(name) {
      gate(state, name).open()
    },
    /** Resolves with the n-th request (from 0) once it is there. */
    request(n) {
      if (state.requests[n] !== undefined) return Promise.resolve(state.requests[n])
      return new Promise((resolve) => state.waiters.push({ n, resolve }))
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A turn that answers with text, cut into chunks. */
export function text(content, options = {}) {
  const { chunkSize = 8, usage, ...rest } = options
  const chunks = []
  for (let at = 0; at < content.length; at += chunkSize) chunks.push(content.slice(at, at + chunkSize))
  return { parts: chunks.map((chunk) => ({ text: chunk })), usage, ...rest }
}

/** A turn that calls tools: `toolCalls({ name: 'now', arguments: {} })`. */
export function toolCalls(...calls) {
  return { parts: calls.map((call) => ({ call })) }
}

/** A turn that refuses: `failure(429, 'slow down', { headers: { 'retry-after': '1' } })`. */
export function failure(status, message, options = {}) {
  const { headers, ...error } = options
  return { status, headers, json: { error: { message, ...error } } }
}

async function handle(state, request, response) {
  const body = await readBody(request)
  const record = {
    n: state.requests.length,
    method: request.method,
    path: request.url,
    headers: request.headers,
    text: body,
    body: parse(body),
    /** Resolves when the connection of this request is gone or its answer complete: `complete` or `aborted`. */
    closed: new Promise((resolve) => {
      response.once('close', () => resolve(response.writableFinished ? 'complete' : 'aborted'))
    }),
  }
  state.requests.push(record)
  for (const waiter of state.waiters.filter((waiter) => waiter.n === record.n)) waiter.resolve(record)
  state.onRequest?.(record)

  const path = new URL(request.url, 'http://server').pathname
  if (request.method === 'GET' && path.endsWith('/models')) {
    return sendJson(response, 200, { object: 'list', data: state.models.map((id) => ({ id, object: 'model' })) })
  }
  if (request.method === 'POST' && path.endsWith('/embeddings')) return embed(state, record, response)
  const api = path.endsWith('/responses') ? responsesApi : path.endsWith('/chat/completions') ? chatApi : undefined
  if (request.method !== 'POST' || api === undefined) {
    return sendJson(response, 404, {
      error: { message: `no route ${request.method} ${path}`, type: 'invalid_request_error' },
    })
  }
  const turn = state.turns.shift() ?? (typeof state.always === 'function' ? state.always(record) : state.always)
  if (turn === undefined) return sendJson(response, 500, { error: { message: 'the script has no turn left' } })
  await answer(state, api, turn, record, response)
}

async function answer(state, api, turn, record, response) {
  const id = `${api.prefix}_${++state.serial}`
  const headers = { 'x-request-id': `req_${state.serial}`, 'openai-processing-ms': '7', ...turn.headers }
  if (turn.wait !== undefined) await gate(state, turn.wait).opened
  if (turn.destroy) return void response.destroy()
  if (turn.json !== undefined) return sendJson(response, turn.status ?? 200, turn.json, headers)
  if (turn.raw !== undefined && record.body?.stream !== true) {
    response.writeHead(turn.status ?? 200, { 'content-type': turn.contentType ?? 'application/json', ...headers })
    return void response.end(turn.raw)
  }
  const context = { id, model: record.body?.model ?? 'gpt-test', turn, calls: 0 }
  if (record.body?.stream !== true) {
    if (turn.parts?.some((part) => part.cut)) return void response.destroy()
    return sendJson(response, turn.status ?? 200, api.whole(context), headers)
  }
  response.writeHead(turn.status ?? 200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    ...headers,
  })
  response.flushHeaders()
  const write = writer(response, turn.split)
  if (turn.raw !== undefined) {
    await write(turn.raw)
  } else {
    await write(api.start(context))
    for (const part of turn.parts ?? []) {
      if (part.gate !== undefined) await gate(state, part.gate).opened
      else if (part.raw !== undefined) await write(part.raw)
      else if (part.repeat !== undefined) await repeat(api, context, part, write)
      else if (part.cut) return void response.destroy()
      else if (part.hang) return
      else await write(api.part(context, part))
    }
    if (turn.end !== false) await write(api.end(context))
  }
  // A server that never closes has said everything and keeps the line open.
  if (!turn.neverClose) response.end()
}

async function repeat(api, context, part, write) {
  for (let i = 0; i < part.repeat; ) {
    let block = ''
    for (let j = 0; j < 64 && i < part.repeat; j++, i++) block += api.part(context, { text: part.text })
    await write(block)
  }
}

/** Writes with back-pressure, optionally cut into pieces of `size` bytes so that frames and characters arrive in halves. */
function writer(response, size) {
  const closed = new Promise((resolve) => response.once('close', resolve))
  const put = async (bytes) => {
    if (response.destroyed || response.write(bytes)) return
    await Promise.race([closed, new Promise((resolve) => response.once('drain', resolve))])
  }
  return async (textOrBytes) => {
    if (textOrBytes === '') return
    if (size === undefined) return put(textOrBytes)
    const bytes = Buffer.from(textOrBytes)
    for (let at = 0; at < bytes.length; at += size) {
      await put(bytes.subarray(at, at + size))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

const frame = (event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

const defaultUsage = { input: 11, output: 5 }

const responsesApi = {
  prefix: 'resp',
  start({ id, model }) {
    const response = { id, object: 'response', model, status: 'in_progress', output: [] }
    return frame({ type: 'response.created', response }) + frame({ type: 'response.in_progress', response })
  },
  part(context, part) {
    if (part.event !== undefined) return frame(part.event)
    if (part.text !== undefined) {
      const delta = { item_id: 'msg_1', output_index: 0, content_index: 0, delta: part.text }
      return frame({ type: 'response.output_text.delta', ...delta })
    }
    if (part.thinking !== undefined) {
      const delta = { item_id: 'rs_1', summary_index: 0, delta: part.thinking }
      return frame({ type: 'response.reasoning_summary_text.delta', ...delta })
    }
    if (part.call === undefined) throw new Error(`unknown part ${JSON.stringify(part)}`)
    const item = callItem(context, part.call)
    const half = Math.ceil(item.arguments.length / 2)
    const place = { item_id: item.id, output_index: 0 }
    return [
      { type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '' } },
      { type: 'response.function_call_arguments.delta', ...place, delta: item.arguments.slice(0, half) },
      { type: 'response.function_call_arguments.delta', ...place, delta: item.arguments.slice(half) },
      { type: 'response.function_call_arguments.done', ...place, name: item.name, arguments: item.arguments },
      { type: 'response.output_item.done', output_index: 0, item },
    ]
      .map(frame)
      .join('')
  },
  end(context) {
    const response = this.whole(context)
    return frame({
      type: response.status === 'completed' ? 'response.completed' : `response.${response.status}`,
      response,
    })
  },
  whole(context) {
    const { id, model, turn } = context
    context.calls = 0
    const parts = turn.parts ?? []
    const words = partsText(parts)
    const output = []
    const thinking = parts.map((part) => part.thinking ?? '').join('')
    if (thinking !== '')
      output.push({ id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: thinking }] })
    if (words !== '') {
      const content = [{ type: 'output_text', text: words, annotations: [] }]
      output.push({ id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content })
    }
    for (const part of parts) if (part.call !== undefined) output.push(callItem(context, part.call))
    const { input, output: produced, cached, reasoning } = { ...defaultUsage, ...turn.usage }
    const usage = {
      input_tokens: input,
      output_tokens: produced,
      total_tokens: input + produced,
      ...(cached === undefined ? {} : { input_tokens_details: { cached_tokens: cached } }),
      ...(reasoning === undefined ? {} : { output_tokens_details: { reasoning_tokens: reasoning } }),
    }
    const incomplete = turn.incomplete === undefined ? {} : { incomplete_details: { reason: turn.incomplete } }
    const status = turn.incomplete === undefined ? 'completed' : 'incomplete'
    return { id, object: 'response', model, status, output, usage: turn.usage === null ? null : usage, ...incomplete }
  },
}

const chatApi = {
  prefix: 'chatcmpl',
  chunk({ id, model }, delta, finish = null, extra = {}) {
    const choices = [{ index: 0, delta, finish_reason: finish }]
    return `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', model, choices, ...extra })}\n\n`
  },
  start(context) {
    return this.chunk(context, { role: 'assistant', content: '' })
  },
  part(context, part) {
    if (part.event !== undefined) return `data: ${JSON.stringify(part.event)}\n\n`
    if (part.text !== undefined) return this.chunk(context, { content: part.text })
    if (part.thinking !== undefined) return this.chunk(context, { reasoning_details: [{ text: part.thinking }] })
    if (part.call === undefined) throw new Error(`unknown part ${JSON.stringify(part)}`)
    const index = context.calls
    const { call_id, name, arguments: text } = callItem(context, part.call)
    const half = Math.ceil(text.length / 2)
    const head = { index, id: call_id, type: 'function', function: { name, arguments: text.slice(0, half) } }
    const tail = { index, function: { arguments: text.slice(half) } }
    return this.chunk(context, { tool_calls: [head] }) + this.chunk(context, { tool_calls: [tail] })
  },
  end(context) {
    const { turn } = context
    const usage = turn.usage === null ? '' : this.usage(context)
    return `${this.chunk(context, {}, this.finish(turn))}${usage}data: [DONE]\n\n`
  },
  usage(context) {
    const counted = { id: context.id, object: 'chat.completion.chunk', choices: [], usage: chatUsage(context.turn) }
    return `data: ${JSON.stringify(counted)}\n\n`
  },
  finish(turn) {
    if (turn.incomplete !== undefined) return turn.incomplete === 'content_filter' ? 'content_filter' : 'length'
    return turn.parts?.some((part) => part.call !== undefined) ? 'tool_calls' : 'stop'
  },
  whole(context) {
    const { id, model, turn } = context
    context.calls = 0
    const parts = turn.parts ?? []
    const calls = parts
      .filter((part) => part.call !== undefined)
      .map((part) => {
        const { call_id, name, arguments: text } = callItem(context, part.call)
        return { id: call_id, type: 'function', function: { name, arguments: text } }
      })
    const message = {
      role: 'assistant',
      content: partsText(parts) || null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    }
    const choices = [{ index: 0, message, finish_reason: this.finish(turn) }]
    return { id, object: 'chat.completion', model, choices, ...(turn.usage === null ? {} : { usage: chatUsage(turn) }) }
  },
}

function chatUsage(turn) {
  const { input, output, cached, reasoning } = { ...defaultUsage, ...turn.usage }
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
    ...(reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } }),
  }
}

function callItem(context, call) {
  const n = ++context.calls
  const args = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments ?? {})
  const call_id = call.id ?? `call_${context.id}_${n}`
  return {
    id: `fc_${context.id}_${n}`,
    type: 'function_call',
    status: 'completed',
    call_id,
    name: call.name,
    arguments: args,
  }
}

function partsText(parts) {
  return parts.map((part) => (part.text ?? '').repeat(part.repeat ?? 1)).join('')
}

function embed(state, record, response) {
  if (state.embeddings.status !== undefined) {
    return sendJson(response, state.embeddings.status, state.embeddings.json ?? { error: { message: 'no embeddings' } })
  }
  const inputs = Array.isArray(record.body?.input) ? record.body.input : [record.body?.input ?? '']
  const size = record.body?.dimensions ?? 4
  // The same text has the same vector, and different texts almost surely different ones.
  const vector = (input) => Array.from({ length: size }, (_, i) => (hash(`${i}:${input}`) % 2001) / 1000 - 1)
  const data = inputs.map((input, index) => ({ object: 'embedding', index, embedding: vector(String(input)) }))
  const tokens = inputs.reduce((sum, input) => sum + Math.ceil(String(input).length / 4), 0)
  sendJson(response, 200, {
    object: 'list',
    data,
    model: record.body?.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

function hash(word) {
  let sum = 2166136261
  for (let i = 0; i < word.length; i++) sum = Math.imul(sum ^ word.charCodeAt(i), 16777619) >>> 0
  return sum
}

function gate(state, name) {
  let found = state.gates.get(name)
  if (found === undefined) {
    let open
    const opened = new Promise((resolve) => {
      open = resolve
    })
    found = { opened, open }
    state.gates.set(name, found)
  }
  return found
}

function sendJson(response, status, value, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}

async function readBody(request) {
  const pieces = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

function parse(body) {
  try {
    return body === '' ? undefined : JSON.parse(body)
  } catch {
    return undefined
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const script =
    process.argv[2] === undefined ? { always: text('Hello.') } : JSON.parse(readFileSync(process.argv[2], 'utf8'))
  const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
  const onRequest = ({ closed: _closed, ...record }) => say({ request: record })
  const server = await startModelServer({ ...script, onRequest })
  say({ url: server.url })
  // `{"release":"gate"}` and `{"add":[turn, …]}` on stdin steer a running script.
  process.stdin.setEncoding('utf8')
  let pending = ''
  process.stdin.on('data', (piece) => {
    pending += piece
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const command = JSON.parse(pending.slice(0, end))
      pending = pending.slice(end + 1)
      if (command.release !== undefined) server.release(command.release)
      if (command.add !== undefined) server.add(...command.add)
    }
  })
  process.on('SIGTERM', () => process.exit(0))
}
