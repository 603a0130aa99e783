// The options table of a request, decoded: what Lua wrote becomes a plan the client can carry out without looking back.

import { parseDuration } from '../../core/duration.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { isMap } from '../../core/value.ts'
import { canonicalHeader } from '../../external/undici.ts'
import { type Call, LuaObject, Results } from '../../lua/module.ts'
import type { TlsSettings } from './connections.ts'
import { encodeForm, mergeQuery } from './encoding.ts'
import { type FilePart, multipartBody } from './multipart.ts'
import { requestUrl, shownUrl } from './urls.ts'

export interface RequestPlan {
  readonly method: string
  readonly url: URL
  /** The URL as it was given, without `query`: what policies are asked about. */
  readonly resource: string
  /** Canonical names; values hold one character per byte, as the wire does. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  readonly timeoutMs: number
  readonly stream: boolean
  /** Most bytes of a body; undefined for streams without a limit of their own. */
  readonly maxBody: number | undefined
  readonly unixSocket: string | undefined
  readonly tls: TlsSettings | undefined
  readonly network: string | undefined
}

export const DEFAULT_TIMEOUT = 30_000
export const DEFAULT_MAX_BODY = 120 * 1024 * 1024
const LONGEST_TIMEOUT = 2 ** 31 - 1
const USER_AGENT = 'wippy-http-client/1.0'

/** Headers that belong to the connection: the transport writes them, callers cannot. */
const transportHeaders = new Set(
  ['Content-Length', 'Transfer-Encoding', 'Trailer', 'Keep-Alive', 'Upgrade', 'Expect', 'Connection', 'Te'].concat(
    ...['Proxy-Connection', 'Proxy-Authorization', 'Http2-Settings'],
  ),
)

/** Checks and completes a request. Throws Invalid. Asynchronous for the sake of file readers only. */
export async function requestPlan(
  call: Call,
  method: string,
  address: string,
  options: Readonly<Record<string, unknown>>,
): Promise<RequestPlan> {
  const url = requestUrl(address)
  const resource = shownUrl(url, address)
  const query = stringMap(options['query'])
  if (query.size > 0) url.search = mergeQuery(url.search.slice(1), query)
  const headers: Record<string, string> = { 'User-Agent': USER_AGENT }
  for (const [name, value] of stringMap(options['headers'])) setHeader(headers, name, value)
  setCredentials(headers, url, options['auth'])
  const cookies = [...stringMap(options['cookies'])].map(([name, value]) => `${name}=${asText(value)}`).sort()
  if (cookies.length > 0) setHeader(headers, 'Cookie', [headers['Cookie'], ...cookies].filter(Boolean).join('; '))
  const body = await requestBody(call, options, headers)
  // Older drivers say how large a buffer they want instead of just `true`.
  const stream = options['stream'] === true || isMap(options['stream'])
  const max = options['max_response_body']
  const limited = typeof max === 'number' && max > 0
  return {
    method: method.toUpperCase(),
    url,
    resource,
    headers,
    body,
    timeoutMs: timeoutMs(options['timeout']),
    stream,
    maxBody: limited ? max : stream ? undefined : DEFAULT_MAX_BODY,
    unixSocket: optionalString(options, 'unix_socket'),
    tls: tlsSettings(options['tls']),
    network: optionalString(options, 'overlay_network'),
  }
}

/** Seconds, or a duration; what is neither is as good as absent (spec/lua-modules.md §17). */
function timeoutMs(value: unknown): number {
  const ms =
    typeof value === 'number' ? value * 1000 : typeof value === 'string' ? durationOrNothing(value) : Number.NaN
  return ms > 0 ? Math.min(Math.ceil(ms), LONGEST_TIMEOUT) : DEFAULT_TIMEOUT
}

function durationOrNothing(text: string): number {
  try {
    return Number(parseDuration(text)) / 1e6
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    return Number.NaN
  }
}

async function requestBody(
  call: Call,
  options: Readonly<Record<string, unknown>>,
  headers: Record<string, string>,
): Promise<Uint8Array | undefined> {
  const form = stringMap(options['form'])
  const files = await fileParts(call, options['files'])
  if (files.length > 0) {
    const { contentType, body } = multipartBody(form, files)
    headers['Content-Type'] = contentType
    return body
  }
  if (isMap(options['form'])) {
    headers['Content-Type'] ??= 'application/x-www-form-urlencoded'
    return Buffer.from(encodeForm(form))
  }
  const { body } = options
  if (body === undefined || body === null) return undefined
  if (typeof body === 'number' || typeof body === 'bigint') return Buffer.from(String(body))
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) throw moduleError('Invalid', 'body must be a string')
  return body.length === 0 ? undefined : asBytes(body)
}

async function fileParts(call: Call, value: unknown): Promise<FilePart[]> {
  if (!Array.isArray(value)) return []
  const parts: FilePart[] = []
  for (const [index, file] of value.entries()) {
    if (!isMap(file)) throw moduleError('Invalid', `file ${index + 1} must be a table`)
    const fields: Record<string, unknown> = file
    const name = fields['name']
    if (typeof name !== 'string' || name === '') throw moduleError('Invalid', `file ${index + 1}: name is required`)
    const content = fields['content'] ?? fields['reader']
    if (content === undefined || content === null) {
      throw moduleError('Invalid', `file ${JSON.stringify(name)}: content or reader is required`)
    }
    const filename = optionalString(fields, 'filename') ?? name
    const contentType = optionalString(fields, 'content_type') ?? 'application/octet-stream'
    if (/[\r\n]/.test(contentType)) {
      throw moduleError('Invalid', `file ${JSON.stringify(name)}: invalid content type ${JSON.stringify(contentType)}`)
    }
    parts.push({ name, filename, contentType, content: await fileContent(call, name, content) })
  }
  return parts
}

/** Text, or anything of ours with a `read` method: a file, the stream of another response. */
async function fileContent(call: Call, name: string, content: unknown): Promise<string | Uint8Array> {
  if (typeof content === 'string' || content instanceof Uint8Array) return content
  const read = content instanceof LuaObject ? content.type.spec.methods?.['read'] : undefined
  if (!(content instanceof LuaObject) || read === undefined) {
    throw moduleError('Invalid', `file ${JSON.stringify(name)}: content must be a string or have a read method`)
  }
  const pieces: Uint8Array[] = []
  let size = 0
  for (;;) {
    const piece = await readPiece(() => read(call, content.value, 64 * 1024))
    if (typeof piece !== 'string' && !(piece instanceof Uint8Array)) return Buffer.concat(pieces)
    if (piece.length === 0) return Buffer.concat(pieces)
    pieces.push(asBytes(piece))
    size += piece.length
    if (size > DEFAULT_MAX_BODY) {
      throw moduleError('LimitExceeded', `file ${JSON.stringify(name)}: larger than ${DEFAULT_MAX_BODY} bytes`)
    }
  }
}

/** What a `read` method gives; the end is nothing for streams and the error EOF for files. */
async function readPiece(read: () => unknown): Promise<unknown> {
  try {
    return firstResult(await read())
  } catch (error) {
    if (error instanceof RuntimeError && error.kind === 'NotFound' && error.message === 'EOF') return undefined
    throw error
  }
}

function firstResult(result: unknown): unknown {
  if (!(result instanceof Results)) return result
  const [value, error] = result.values
  if (error instanceof RuntimeError) throw error
  return value
}

function setHeader(headers: Record<string, string>, name: string, value: string | Uint8Array): void {
  const canonical = canonicalHeader(name)
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    throw moduleError('Invalid', `invalid header field name ${JSON.stringify(name)}`)
  }
  if (transportHeaders.has(canonical)) {
    const closes = canonical === 'Connection' && asText(value).toLowerCase() === 'close'
    if (!closes) return
  }
  const wire = asBytes(value).toString('latin1')
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(wire)) {
    throw moduleError('Invalid', `invalid header field value for ${JSON.stringify(canonical)}`)
  }
  headers[canonical] = wire
}

/** `auth` wins over a name in the URL; both win over nothing only, as a caller's own header is the last word. */
function setCredentials(headers: Record<string, string>, url: URL, auth: unknown): void {
  let credentials: Uint8Array | undefined
  if (url.username !== '' || url.password !== '') {
    credentials = Buffer.from(`${percentDecoded(url.username)}:${percentDecoded(url.password)}`)
  }
  if (isMap(auth)) {
    const { user, pass } = auth
    if (!isText(user) || !isText(pass))
      throw moduleError('Invalid', 'auth table must contain non-nil user and pass fields')
    credentials = Buffer.concat([asBytes(user), Buffer.from(':'), asBytes(pass)])
    delete headers['Authorization']
  }
  if (credentials !== undefined) headers['Authorization'] ??= `Basic ${Buffer.from(credentials).toString('base64')}`
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    // A stray percent sign stands for itself.
    if (!(error instanceof URIError)) throw error
    return text
  }
}

function tlsSettings(value: unknown): TlsSettings | undefined {
  if (!isMap(value)) return undefined
  const fields: Record<string, unknown> = value
  const cert = optionalString(fields, 'cert')
  const key = optionalString(fields, 'key')
  if ((cert === undefined) !== (key === undefined)) {
    throw moduleError('Invalid', 'tls: cert and key must be given together')
  }
  const ca = optionalString(fields, 'ca')
  const serverName = optionalString(fields, 'server_name')
  return { cert, key, ca, serverName, insecure: fields['insecure_skip_verify'] === true }
}

/** The string entries of a table; others are ignored (spec/lua-modules.md §17). */
function stringMap(value: unknown): Map<string, string | Uint8Array> {
  const map = new Map<string, string | Uint8Array>()
  if (!isMap(value)) return map
  for (const [key, item] of Object.entries(value)) if (isText(item)) map.set(key, item)
  return map
}

function optionalString(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name]
  return isText(value) && value.length > 0 ? asText(value) : undefined
}

function isText(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array
}

function asText(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString('utf8')
}

function asBytes(value: string | Uint8Array): Buffer {
  return typeof value === 'string'
    ? Buffer.from(value, 'utf8')
    : Buffer.from(value.buffer, value.byteOffset, value.length)
}
