// The `http_client` module: HTTP requests from Lua. Any status is an answer; what Lua gets as an error is a request that had none.

import { CHUNK, eachChunk } from '../../core/chunks.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { asRuntimeError, moduleError, type RuntimeError } from '../../core/error.ts'
import { escapeBoundary, percentDecode, percentEncode } from '../../core/percent.ts'
import type { Proxies } from '../../external/proxies.ts'
import {
  badArgument,
  byteStrings,
  bytes,
  type Call,
  type LuaModule,
  list,
  optionalTable,
  raise,
  results,
  text,
} from '../../lua/module.ts'
import type { Guard } from '../../security/guard.ts'
import type { Lookup } from './connections.ts'
import { queryEscape, queryUnescape } from './encoding.ts'
import type { HttpResponse } from './response.ts'
import { Sockets } from './sockets.ts'

export interface HttpClientModuleDeps {
  readonly guard: Guard
  readonly clock?: Clock
  /** `environmentProxies(process.env)` for a host that shall use them. */
  readonly proxies?: Proxies
  /** Replaces DNS, for tests. */
  readonly lookup?: Lookup
}

/** The module, and the end of its connections when the host stops. */
export interface HttpClientModule extends LuaModule {
  close(): Promise<void>
}

type Options = Readonly<Record<string, unknown>>

const BATCH_AT_ONCE = 64

export function httpClientModule(deps: HttpClientModuleDeps): HttpClientModule {
  const sockets = new Sockets()
  let engine: ReturnType<typeof loadEngine> | undefined

  const perform = async (call: Call, method: string, url: string, options: Options): Promise<HttpResponse> => {
    engine ??= loadEngine(deps)
    const { client, requestPlan, respond } = await engine
    const release = sockets.take(call)
    try {
      const plan = await requestPlan(call, method, url, options)
      return await respond(call, plan, await client.send(plan, call.frame, call.signal), release)
    } catch (error) {
      release()
      throw error
    }
  }

  const verb = (method: string) => {
    const name = method.toLowerCase()
    return (call: Call, url: unknown, options?: unknown) =>
      perform(call, method, urlArgument(url, 1, name), optionalTable(options, 2, name) ?? {})
  }

  return {
    name: 'http_client',
    description: 'HTTP requests',
    traits: ['network', 'io', 'nondeterministic'],
    open: () => ({
      get: verb('GET'),
      post: verb('POST'),
      put: verb('PUT'),
      delete: verb('DELETE'),
      head: verb('HEAD'),
      patch: verb('PATCH'),
      request: (call: Call, method: unknown, url: unknown, options?: unknown) =>
        perform(
          call,
          methodArgument(method),
          urlArgument(url, 2, 'request'),
          optionalTable(options, 3, 'request') ?? {},
        ),
      request_batch: (call: Call, requests: unknown) => {
        const batch = batchArgument(requests)
        const width = Math.min(BATCH_AT_ONCE, Math.max(1, sockets.free(call)))
        return runBatch(batch, width, ([method, url, options]) => perform(call, method, url, options))
      },
      encode_uri: byteStrings((call: Call, value: unknown) => {
        const source = bytes(value, 1, 'encode_uri')
        if (source.length <= CHUNK) return queryEscape(source)
        const pieces: Uint8Array[] = []
        const step = eachChunk(source, (chunk) => pieces.push(percentEncode(chunk, 'plus')))
        return call.work(step, () => Buffer.concat(pieces))
      }),
      decode_uri: byteStrings((call: Call, value: unknown) => {
        const source = bytes(value, 1, 'decode_uri')
        if (source.length <= CHUNK) return queryUnescape(source)
        const pieces: Uint8Array[] = []
        let at = 0
        const step = (): boolean => {
          const end = escapeBoundary(source, at + CHUNK)
          pieces.push(percentDecode(source.subarray(at, end), 'plus'))
          at = end
          return at === source.length
        }
        return call.work(step, () => Buffer.concat(pieces))
      }),
    }),
    close: async () => (await engine)?.client.close(),
  }
}

/** All that a first request needs and a start without one does not. */
async function loadEngine(deps: HttpClientModuleDeps) {
  const [{ HttpClient }, { requestPlan }, { respond }] = await Promise.all([
    import('./client.ts'),
    import('./options.ts'),
    import('./response.ts'),
  ])
  const client = new HttpClient({ ...deps, clock: deps.clock ?? systemClock() })
  return { client, requestPlan, respond }
}

type BatchItem = readonly [method: string, url: string, options: Options]

/** At most `width` requests at a time. A request that fails leaves a hole in the first list and its error in the second. */
async function runBatch(
  batch: readonly BatchItem[],
  width: number,
  perform: (item: BatchItem) => Promise<HttpResponse>,
): Promise<unknown> {
  const responses: (HttpResponse | null)[] = batch.map(() => null)
  const errors: (RuntimeError | null)[] = batch.map(() => null)
  const queue = batch.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      try {
        responses[index] = await perform(item)
      } catch (error) {
        errors[index] = asRuntimeError(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, batch.length) }, worker))
  return errors.some((error) => error !== null) ? results(responses, errors) : responses
}

function batchArgument(argument: unknown): BatchItem[] {
  const items = list(argument, 1, 'request_batch')
  const refuse = (why: string): never => raise(`bad argument #1 to request_batch (${why})`)
  if (items.length === 0) refuse('requests table cannot be empty')
  return items.map((item): BatchItem => {
    if (!Array.isArray(item)) return refuse('request must be a table')
    const [method, url, options] = item as unknown[]
    if (typeof method !== 'string') return refuse('method must be a string')
    if (typeof url !== 'string') return refuse('URL must be a string')
    const table = optionalTable(options, 1, 'request_batch') ?? {}
    if (table['stream'] !== undefined && table['stream'] !== null && table['stream'] !== false)
      throw moduleError('Invalid', 'streaming not supported in batch requests')
    return [checkedMethod(method, 'request_batch'), urlArgument(url, 1, 'request_batch'), table]
  })
}

function urlArgument(argument: unknown, position: number, name: string): string {
  const url = text(argument, position, name)
  return url === '' ? raise(`bad argument #${position} to ${name} (URL cannot be empty)`) : url
}

function methodArgument(argument: unknown): string {
  return typeof argument === 'string'
    ? checkedMethod(argument, 'request')
    : badArgument(1, 'request', 'string', argument)
}

/** A method is any token, but CONNECT would turn the request into a tunnel. */
function checkedMethod(method: string, name: string): string {
  if (method === '') return raise(`bad argument #1 to ${name} (method cannot be empty)`)
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method) || method.toUpperCase() === 'CONNECT') {
    throw moduleError('Invalid', `invalid method ${JSON.stringify(method)}`)
  }
  return method
}
