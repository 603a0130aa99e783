// One request to an OpenAI-compatible server through the SDK: sent, timed, cancelled, and its failure named. The answer is
// handed on as it is; reading it is the business of module.ts and event-stream.ts.

import { setMaxListeners } from 'node:events'
import type { Clock } from '../../core/clock.ts'
import { durationMs } from '../../core/duration.ts'
import { RuntimeError } from '../../core/error.ts'
import { isMap } from '../../core/value.ts'
import { modelClient } from '../../external/openai.ts'
import { type Proxies, proxyFor } from '../../external/proxies.ts'
import { type Dispatcher, loadUndici, type RequestInit, type Response, type Undici } from '../../external/undici.ts'
import type { EventSource } from './event-stream.ts'
import {
  canceledFailure,
  type HttpFailure,
  limitFailure,
  networkFailure,
  statusFailure,
  timeoutFailure,
} from './failure.ts'

export interface ModelConfig {
  readonly apiKey: string
  readonly baseUrl: string
  readonly organization: string | undefined
  readonly timeoutMs: number
  readonly headers: Readonly<Record<string, string>>
}

const DEFAULT_BASE_URL = 'https://api.openai.com/v1'
const DEFAULT_TIMEOUT = 600_000
const LONGEST_TIMEOUT = 2 ** 31 - 1
const CONNECT_TIMEOUT = 30_000
/** Enough for any error a server explains, too little to hurt when it answers with a film. */
const ERROR_BODY_LIMIT = 64 * 1024
const ANSWER_LIMIT = 120 * 1024 * 1024
/** How long a finished answer may take to close itself before its connection is broken. */
const FINISH_GRACE = 250

/** The driver's settings from its Lua table. */
export function modelConfig(argument: unknown): ModelConfig {
  const table = isMap(argument) ? argument : {}
  // Trimmed as it will be on the wire, so that it is recognized where a server repeats it.
  const apiKey = headerText(table, 'api_key')
  if (apiKey === undefined) throw invalid('openai: api_key is required')
  const headers: Record<string, string> = {}
  if (isMap(table['headers'])) {
    for (const [name, value] of Object.entries(table['headers'])) {
      if (typeof value === 'string' || typeof value === 'number') headers[name] = checkedHeader(`header ${name}`, value)
    }
  }
  return {
    apiKey,
    baseUrl: checkedBase(optionalText(table, 'base_url')?.trim() ?? DEFAULT_BASE_URL),
    organization: headerText(table, 'organization'),
    timeoutMs: timeout(table['timeout']),
    headers,
  }
}

/** Path and query of a request are ours, and what is secret belongs into headers: an address has neither. */
function checkedBase(given: string): string {
  const base = given.replace(/\/+$/, '')
  // Once it is known to be a URL, what is shown of it leaves out what may be a secret.
  if (!URL.canParse(base)) throw invalid(`openai: base_url ${JSON.stringify(base)} is not a URL`)
  const { protocol, username, password, search, hash, host, pathname } = new URL(base)
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw invalid(`openai: base_url ${JSON.stringify(base)} does not begin with http:// or https://`)
  }
  const shown = JSON.stringify(`${protocol}//${host}${pathname}`)
  if (username !== '' || password !== '')
    throw invalid(`openai: base_url ${shown} has a user name or password before it`)
  if (search !== '' || hash !== '') throw invalid(`openai: base_url ${shown} is followed by a query or fragment`)
  return base
}

function headerText(table: Record<string, unknown>, field: string): string | undefined {
  const value = optionalText(table, field)?.trim()
  return value === undefined || value === '' ? undefined : checkedHeader(field, value)
}

/** What may not stand in a header is told without its value, which may be secret: fetch would quote it. */
function checkedHeader(what: string, value: string | number): string {
  const text = String(value)
  const at = text.search(/[^\t\x20-\x7e\x80-\xff]/)
  if (at < 0) return text
  const code = text.codePointAt(at) ?? 0
  const named = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  throw invalid(`openai: ${what}: character ${at + 1} is ${named}, which no HTTP header may hold`)
}

function timeout(value: unknown): number {
  if (value === undefined || value === null) return DEFAULT_TIMEOUT
  const ms = typeof value === 'number' ? value * 1000 : durationMs(value, 'openai: timeout')
  if (!(ms > 0)) throw invalid(`openai: timeout ${String(value)} is not positive`)
  return Math.min(Math.ceil(ms), LONGEST_TIMEOUT)
}

function optionalText(table: Record<string, unknown>, field: string): string | undefined {
  const value = table[field]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw invalid(`openai: ${field} must be a string`)
  return value
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('Invalid', message, { retryable: false })
}

export interface ModelRequest {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly body: string | undefined
  /** A stream has `timeoutMs` until its headers and then between any two pieces; anything else has it in all. */
  readonly stream: boolean
}

/** Keeps the connections to model servers. No address is private here: the user configured the endpoint, not a program. */
export class ModelTransport {
  readonly #clock: Clock
  readonly #proxies: Proxies
  /** By proxy, the empty name for none. */
  readonly #dispatchers = new Map<string, Dispatcher>()

  constructor(clock: Clock, proxies: Proxies) {
    this.#clock = clock
    this.#proxies = proxies
  }

  /** Resolves with a 2xx answer. Rejects with a RuntimeError. */
  async send(config: ModelConfig, request: ModelRequest, signal: AbortSignal): Promise<Answer> {
    const exchange = new Exchange(this.#clock, config, request.stream, signal)
    try {
      const client = await modelClient({ ...config, fetch: await this.#fetch(exchange) })
      const headers = {
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...config.headers,
      }
      const options = { body: request.body, headers, signal: exchange.signal }
      const response = await client[request.method](request.path, options).asResponse()
      // The SDK names the DOM's type; the object came out of undici's fetch.
      return new Answer(exchange, response as unknown as Response)
    } catch (error) {
      throw exchange.fail(error)
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()))
    this.#dispatchers.clear()
  }

  /** The fetch the SDK calls: on our connections, with the error text kept, in bounds, for `statusFailure`. */
  async #fetch(exchange: Exchange): Promise<typeof undici.fetch> {
    const undici = await loadUndici()
    const dispatcher = this.#dispatcher(undici, new URL(exchange.config.baseUrl))
    return async (input, init?: RequestInit) => {
      const response = await undici.fetch(input, { ...init, dispatcher })
      if (response.ok) return response
      const text = await firstBytes(response, ERROR_BODY_LIMIT)
      exchange.refused = { status: response.status, headers: response.headers, text }
      return new undici.Response(null, { status: response.status, headers: response.headers })
    }
  }

  #dispatcher(undici: Undici, base: URL): Dispatcher {
    const proxy = proxyFor(this.#proxies, base)
    const known = this.#dispatchers.get(proxy ?? '')
    if (known !== undefined) return known
    // Deadlines are ours: undici's own five minutes would cut a model that thinks for six.
    const options = { headersTimeout: 0, bodyTimeout: 0 }
    const connect = { timeout: CONNECT_TIMEOUT }
    const made =
      proxy === undefined
        ? new undici.Agent({ ...options, connect })
        : new undici.ProxyAgent({ ...options, uri: proxy, proxyTunnel: false, requestTls: connect })
    this.#dispatchers.set(proxy ?? '', made)
    return made
  }
}

/** What one request and its answer share: who may end it, and why it ended. */
class Exchange {
  readonly #clock: Clock
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal
  readonly #cancel = (): void => this.#controller.abort(canceledFailure())
  readonly config: ModelConfig
  readonly stream: boolean
  refused: HttpFailure | undefined
  answered = false
  #timer: { cancel(): void } | undefined

  constructor(clock: Clock, config: ModelConfig, stream: boolean, caller: AbortSignal) {
    this.#clock = clock
    this.config = config
    this.stream = stream
    this.#caller = caller
    // A process may have many requests under way: Node would take the eleventh listener for a leak and say so on stderr.
    setMaxListeners(0, caller)
    if (caller.aborted) this.#cancel()
    else caller.addEventListener('abort', this.#cancel, { once: true })
    this.startTimer()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  startTimer(): void {
    this.stopTimer()
    const { timeoutMs } = this.config
    const late = (): void => this.#controller.abort(timeoutFailure(timeoutMs, this.stream && this.answered))
    this.#timer = this.#clock.after(timeoutMs, late)
  }

  stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  after(ms: number, run: () => void): void {
    this.stopTimer()
    this.#timer = this.#clock.after(ms, run)
  }

  abort(): void {
    this.#controller.abort(canceledFailure())
    this.end()
  }

  /** The exchange is over: nothing is left that waits or listens. */
  end(): void {
    this.stopTimer()
    this.#caller.removeEventListener('abort', this.#cancel)
  }

  /** The error of a request that failed: ours when we ended it, else the server's, else the network's. */
  fail(thrown: unknown): RuntimeError {
    this.end()
    if (this.#controller.signal.aborted) return this.#controller.signal.reason as RuntimeError
    if (this.refused !== undefined) return statusFailure(this.refused, this.config.apiKey)
    return thrown instanceof RuntimeError ? thrown : networkFailure(thrown, this.config.apiKey, this.answered)
  }
}

/** A 2xx answer whose body has not been read. It is read whole, or as a source of events. */
export class Answer implements EventSource {
  readonly #exchange: Exchange
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  readonly status: number
  readonly headers: Response['headers']

  constructor(exchange: Exchange, response: Response) {
    this.#exchange = exchange
    this.#reader = response.body?.getReader()
    this.status = response.status
    this.headers = response.headers
    exchange.answered = true
    if (exchange.stream) exchange.stopTimer()
  }

  get apiKey(): string {
    return this.#exchange.config.apiKey
  }

  async read(): Promise<Uint8Array | undefined> {
    const exchange = this.#exchange
    try {
      if (exchange.stream) exchange.startTimer()
      const piece = await this.#reader?.read()
      if (exchange.stream) exchange.stopTimer()
      if (piece !== undefined && !piece.done) return piece.value
      exchange.end()
    } catch (error) {
      throw exchange.fail(error)
    }
  }

  /** The whole body as text. */
  async text(): Promise<string> {
    const pieces: Uint8Array[] = []
    let size = 0
    for (let piece = await this.read(); piece !== undefined; piece = await this.read()) {
      pieces.push(piece)
      size += piece.length
      if (size > ANSWER_LIMIT) {
        this.abort()
        throw limitFailure(this.status, ANSWER_LIMIT)
      }
    }
    return new TextDecoder().decode(Buffer.concat(pieces))
  }

  abort(): void {
    this.#exchange.abort()
  }

  /** The last event is read but the body may not have ended: given a moment it does, and the connection serves the next turn. */
  finish(): void {
    const exchange = this.#exchange
    exchange.after(FINISH_GRACE, () => exchange.abort())
    const drain = async (): Promise<void> => {
      for (
        let piece = await this.#reader?.read();
        piece !== undefined && !piece.done;
        piece = await this.#reader?.read()
      );
      exchange.end()
    }
    // Whatever breaks now concerns nobody: the answer is complete.
    drain().catch(() => exchange.end())
  }
}

async function firstBytes(response: Response, limit: number): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response.body ?? []) {
    pieces.push(piece)
    size += piece.length
    // Leaving the loop cancels the rest of the body.
    if (size >= limit) break
  }
  return Buffer.concat(pieces).subarray(0, limit).toString('utf8')
}
