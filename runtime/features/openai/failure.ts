// What went wrong with a model request, as the error the driver classifies (spec/openai-wire.md §9). The API key is taken out of
// every text, whoever wrote it there.

import { type ErrorKind, RuntimeError } from '../../core/error.ts'
import { isMap, type ValueMap } from '../../core/value.ts'
import { canonicalHeader } from '../../external/undici.ts'

const kindOfStatus: Readonly<Record<number, ErrorKind>> = {
  400: 'Invalid',
  401: 'PermissionDenied',
  403: 'PermissionDenied',
  404: 'NotFound',
  409: 'Conflict',
  429: 'RateLimited',
}

const retryableStatuses = new Set([408, 409, 425, 429])

export interface HttpFailure {
  readonly status: number
  readonly headers: Iterable<[string, string]>
  readonly text: string
}

/** An answer with a status outside 2xx. */
export function statusFailure(failure: HttpFailure, secret: string): RuntimeError {
  const { status } = failure
  const headers = headerTable(failure.headers)
  const problem = errorObject(failure.text)
  const message = textOf(problem['message']) ?? `OpenAI API error: ${status}`
  const details: ValueMap = { status_code: status, message, headers }
  for (const field of ['type', 'code', 'param']) {
    const value = problem[field]
    if (typeof value === 'string' || typeof value === 'number') details[field] = value
  }
  const requestId = headers['X-Request-Id']
  if (requestId !== undefined) details['request_id'] = requestId
  const retryAfter = Number(headers['Retry-After'])
  if (headers['Retry-After'] !== undefined && Number.isFinite(retryAfter)) details['retry_after'] = retryAfter
  return new RuntimeError(kindOfStatus[status] ?? 'Unavailable', scrubText(message, secret), {
    retryable: status >= 500 || retryableStatuses.has(status),
    details: scrub(details, secret) as ValueMap,
  })
}

/** No answer, or one that stopped: refused, cut, unresolvable. */
export function networkFailure(thrown: unknown, secret: string, midStream: boolean): RuntimeError {
  const message = scrubText(`Connection failed: ${rootCause(thrown)}`, secret)
  const details: ValueMap = { status_code: 0, message, network: true }
  if (midStream) details['mid_stream'] = true
  return new RuntimeError('Unavailable', message, { retryable: true, details })
}

export function timeoutFailure(ms: number, midStream: boolean): RuntimeError {
  const what = midStream ? 'the stream was silent for' : 'no answer within'
  const message = `Request timeout: ${what} ${ms / 1000}s`
  const details: ValueMap = { status_code: 0, message, timeout: true }
  if (midStream) details['mid_stream'] = true
  return new RuntimeError('Timeout', message, { retryable: true, details })
}

export function canceledFailure(): RuntimeError {
  const message = 'model request canceled'
  return new RuntimeError('Canceled', message, { retryable: false, details: { status_code: 0, message } })
}

/** A 2xx answer that is no JSON object. */
export function parseFailure(status: number, reason: string, secret: string): RuntimeError {
  const message = scrubText(`Failed to parse OpenAI response: ${reason}`, secret)
  return new RuntimeError('Internal', message, { retryable: false, details: { status_code: status, message } })
}

export function limitFailure(status: number, limit: number): RuntimeError {
  const message = `response body too large (max ${limit} bytes)`
  return new RuntimeError('LimitExceeded', message, { retryable: false, details: { status_code: status, message } })
}

/** Response headers under the names Go gives them, first value of each. */
export function headerTable(headers: Iterable<[string, string]>): { [name: string]: string } {
  const table: { [name: string]: string } = Object.create(null)
  for (const [name, value] of headers) table[canonicalHeader(name)] ??= value
  return table
}

/** The error object of a body: `{error: {…}}`, `{error: "text"}`, or what compatible servers put at the top level. */
function errorObject(text: string): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  if (!isMap(body)) return {}
  const inner: unknown = body['error']
  if (isMap(inner)) return inner
  if (typeof inner === 'string') return { ...body, message: inner }
  return typeof body['detail'] === 'string' ? { message: body['detail'], ...body } : body
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** `fetch failed` says nothing: the reason is the innermost cause. */
function rootCause(thrown: unknown): string {
  let cause = thrown
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) cause = cause.errors[0]
  if (!(cause instanceof Error)) return String(cause)
  const code: unknown = 'code' in cause ? cause.code : undefined
  return cause.message !== '' ? cause.message : typeof code === 'string' ? code : cause.name
}

/** A key short enough to be an everyday word is a placeholder of a local server, and hiding it would garble texts. */
const SHORTEST_SECRET = 8

function scrubText(text: string, secret: string): string {
  return secret.length < SHORTEST_SECRET ? text : text.replaceAll(secret, '***')
}

function scrub(value: unknown, secret: string): unknown {
  if (typeof value === 'string') return scrubText(value, secret)
  if (!isMap(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, scrub(item, secret)]))
}
