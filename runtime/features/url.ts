// The `url` module, ours (Wippy has none): URLs to their parts and back, percent-encoding, query strings.
//
//   parse(s)         { scheme, user, password, host, port, path, query, fragment }, absent parts left out; relative references too.
//                    `path`, `query` and `fragment` stay encoded; `user` and `password` are decoded; `port` is an integer.
//   build(parts)     the text of such a table; `query` may be a table as for `query`. build(parse(s)) is s, scheme and host in lower case.
//   resolve(base, s) the absolute URL that s means on the page base.
//   encode(s)        percent-encodes all but letters, digits and -._~, so that s can be any part of a URL. decode(s) is its inverse.
//   query(t)         { q = "a b", tag = { "x", "y" } } as q=a%20b&tag=x&tag=y, keys sorted. parse_query(s) is its inverse and reads
//                    `+` as a space; a key that comes twice gives a list.

import { isUtf8 } from 'node:buffer'
import { CHUNK, eachChunk } from '../core/chunks.ts'
import { moduleError, type RuntimeError } from '../core/error.ts'
import { escapeBoundary, percentDecode, percentEncode, type Space } from '../core/percent.ts'
import { isMap, type Value, type ValueMap } from '../core/value.ts'
import { byteStrings, bytes, type Call, type LuaModule, table, text } from '../lua/module.ts'

export const urlModule: LuaModule = {
  name: 'url',
  description: 'URL parsing, building and encoding',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    parse: (_call: Call, url: unknown) => parseUrl(text(url, 1, 'parse')),
    build: (_call: Call, parts: unknown) => buildUrl(table(parts, 1, 'build')),
    resolve: (_call: Call, base: unknown, reference: unknown) =>
      resolveUrl(text(base, 1, 'resolve'), text(reference, 2, 'resolve')),
    encode: byteStrings((call: Call, given: unknown) => {
      const part = bytes(given, 1, 'encode')
      if (part.length <= CHUNK) return encodePart(part)
      const pieces: Buffer[] = []
      const step = eachChunk(part, (chunk) => pieces.push(percentEncode(chunk, 'percent')))
      return call.work(step, () => Buffer.concat(pieces))
    }),
    decode: byteStrings((call: Call, given: unknown) => {
      const part = bytes(given, 1, 'decode')
      if (part.length <= CHUNK) return decodePart(part)
      const pieces: Buffer[] = []
      let at = 0
      const step = (): boolean => {
        const end = escapeBoundary(part, at + CHUNK)
        pieces.push(percentDecode(part.subarray(at, end), 'percent', BROKEN))
        at = end
        return at === part.length
      }
      return call.work(step, () => Buffer.concat(pieces))
    }),
    query(call: Call, given: unknown) {
      const query = new QueryWriter(table(given, 1, 'query'))
      return call.work(query.step, () => query.text)
    },
    parse_query(call: Call, given: unknown) {
      const query = new QueryReader(text(given, 1, 'parse_query'))
      return call.work(query.step, () => query.fields)
    },
  }),
}

// RFC 3986, appendix B, with the authority taken apart.
const reference = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s
const authority = /^(?:([^@]*)@)?(\[[0-9a-fA-F:.]+\]|[^:[\]@]*)(?::(\d*))?$/
const LARGEST_PORT = 65_535
/** No server takes longer ones. */
const LONGEST_URL = 64 * 1024
const BROKEN = 'invalid escape'
/** Fields of a query in one step. */
const PIECE = 500
const MOST_FIELDS = 50_000

function parseUrl(url: string): ValueMap {
  if (url.length > LONGEST_URL) throw tooLong(url)
  if (/[\u0000-\u0020\u007f]/.test(url)) throw invalid(url, 'has a space or control character')
  const match = reference.exec(url)
  const [, scheme, place, path = '', query, fragment] = match ?? []
  if (scheme !== undefined && !/^[a-z][a-z0-9+.-]*$/i.test(scheme))
    throw invalid(url, `scheme "${scheme}" is not valid`)
  const parts: ValueMap = Object.create(null)
  if (scheme !== undefined) parts['scheme'] = scheme.toLowerCase()
  if (place !== undefined) Object.assign(parts, parseAuthority(url, place))
  parts['path'] = path
  if (query !== undefined) parts['query'] = query
  if (fragment !== undefined) parts['fragment'] = fragment
  for (const part of [path, query, fragment]) if (part !== undefined) checkEscapes(url, part)
  return parts
}

function parseAuthority(url: string, place: string): ValueMap {
  const match = authority.exec(place)
  if (match === null) throw invalid(url, `host "${place}" is not valid`)
  const [, credentials, host = '', port] = match
  const parts: ValueMap = {
    host: decoded(url, host)
      .replace(/^\[|\]$/g, '')
      .toLowerCase(),
  }
  if (credentials !== undefined) {
    const colon = credentials.indexOf(':')
    parts['user'] = decoded(url, colon < 0 ? credentials : credentials.slice(0, colon))
    if (colon >= 0) parts['password'] = decoded(url, credentials.slice(colon + 1))
  }
  if (port !== undefined && port !== '') {
    if (Number(port) > LARGEST_PORT) throw invalid(url, `port ${port} is out of range`)
    parts['port'] = Number(port)
  }
  return parts
}

function buildUrl(parts: { [key: string]: unknown }): string {
  const field = (name: string): string | undefined => {
    const value = parts[name]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string' && value.length > LONGEST_URL) throw tooLong(value)
    if (typeof value === 'string' || typeof value === 'number') return String(value)
    throw moduleError('Invalid', `url part ${name} must be a string`)
  }
  const scheme = field('scheme')
  const host = field('host')
  const path = field('path') ?? ''
  const fragment = field('fragment')
  const query = isMap(parts['query']) ? shortQuery(parts['query']) : field('query')
  if (scheme !== undefined && !/^[a-z][a-z0-9+.-]*$/i.test(scheme)) throw invalid(scheme, 'is not a valid scheme')
  let url = scheme === undefined ? '' : `${scheme.toLowerCase()}:`
  if (host !== undefined) url += `//${buildAuthority(host, field)}`
  if (host !== undefined && path !== '' && !path.startsWith('/')) url += '/'
  // Without a host, a path that starts with two slashes would be read as one.
  if (host === undefined && path.startsWith('//')) throw invalid(path, 'needs a host, as its path starts with "//"')
  url += safe(path, /[^\w!$&'()*+,;=:@/.~%-]/g)
  if (query !== undefined) url += `?${safe(query, /[^\w!$&'()*+,;=:@/?.~%-]/g)}`
  if (fragment !== undefined) url += `#${safe(fragment, /[^\w!$&'()*+,;=:@/?.~%-]/g)}`
  return url
}

function buildAuthority(host: string, field: (name: string) => string | undefined): string {
  const user = field('user')
  const password = field('password')
  const port = field('port')
  if (/[/?#@[\]\s]/.test(host)) throw invalid(host, 'is not a valid host')
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= LARGEST_PORT)) {
    throw moduleError('Invalid', `url part port ${JSON.stringify(port)} is not a port`)
  }
  const credentials =
    password === undefined ? encodeText(user ?? '') : `${encodeText(user ?? '')}:${encodeText(password)}`
  const place = host.includes(':') ? `[${host}]` : host.toLowerCase()
  return `${user === undefined && password === undefined ? '' : `${credentials}@`}${place}${port === undefined ? '' : `:${port}`}`
}

function resolveUrl(base: string, relative: string): string {
  for (const url of [base, relative]) if (url.length > LONGEST_URL) throw tooLong(url)
  if (!URL.canParse(base)) throw invalid(base, 'is not an absolute url')
  if (!URL.canParse(relative, base)) throw invalid(relative, `cannot be resolved against ${base}`)
  return new URL(relative, base).href
}

/** `tag=x&tag=y`, keys in order, some at a time. */
class QueryWriter {
  readonly #fields: { [key: string]: unknown }
  readonly #keys: string[]
  readonly #pairs: string[] = []
  #at = 0
  /** Characters written so far. */
  length = 0

  constructor(fields: { [key: string]: unknown }) {
    this.#fields = fields
    this.#keys = Object.keys(fields)
    if (this.#keys.length > MOST_FIELDS) throw tooMany()
    this.#keys.sort()
  }

  get text(): string {
    return this.#pairs.join('&')
  }

  readonly step = (): boolean => {
    for (const end = this.#at + PIECE; this.#at < Math.min(end, this.#keys.length); this.#at++) {
      const key = this.#keys[this.#at] as string // below the length
      const value = this.#fields[key]
      const name = encodeText(key)
      for (const item of Array.isArray(value) ? value : [value]) {
        const pair = `${name}=${encodeItem(key, item)}`
        this.#pairs.push(pair)
        this.length += pair.length + 1
      }
    }
    return this.#at === this.#keys.length
  }
}

/** The query of a URL that is built: the whole is short. */
function shortQuery(fields: { [key: string]: unknown }): string {
  const query = new QueryWriter(fields)
  let done = false
  while (!done) {
    done = query.step()
    if (query.length > LONGEST_URL)
      throw moduleError('Invalid', `url query exceeds the limit of ${LONGEST_URL} characters`)
  }
  return query.text
}

function encodeItem(key: string, item: unknown): string {
  if (item instanceof Uint8Array) return encodePart(item)
  if (typeof item === 'string' || typeof item === 'boolean') return encodeText(String(item))
  if (typeof item === 'number' || typeof item === 'bigint') return encodeText(String(item))
  throw moduleError('Invalid', `query field ${JSON.stringify(key)} must be a string, number, boolean or a list of them`)
}

/** The fields of a query, some at a time. */
class QueryReader {
  readonly #query: string
  readonly fields: ValueMap = Object.create(null)
  #at: number
  #count = 0

  constructor(query: string) {
    this.#query = query
    this.#at = query.startsWith('?') ? 1 : 0
  }

  readonly step = (): boolean => {
    for (let i = 0; i < PIECE && this.#at <= this.#query.length; i++) {
      const end = this.#query.indexOf('&', this.#at)
      const pair = this.#query.slice(this.#at, end < 0 ? undefined : end)
      this.#at = end < 0 ? this.#query.length + 1 : end + 1
      if (pair !== '') this.#add(pair)
    }
    return this.#at > this.#query.length
  }

  #add(pair: string): void {
    const equals = pair.indexOf('=')
    const key = decodeText(equals < 0 ? pair : pair.slice(0, equals), 'plus')
    const value: Value = equals < 0 ? '' : decodePart(Buffer.from(pair.slice(equals + 1), 'utf8'), 'plus')
    if (++this.#count > MOST_FIELDS) throw tooMany()
    const known = this.fields[key]
    if (known === undefined) this.fields[key] = value
    else if (Array.isArray(known)) known.push(value)
    else this.fields[key] = [known, value]
  }
}

function encodeText(part: string): string {
  return encodePart(Buffer.from(part, 'utf8'))
}

function encodePart(part: Uint8Array): string {
  return percentEncode(part, 'percent').toString('latin1')
}

/** Percent-encodes what `outside` matches. */
function safe(part: string, outside: RegExp): string {
  return part.replace(outside, (c) => Buffer.from(c, 'utf8').toString('hex').toUpperCase().replace(/../g, '%$&'))
}

function decodePart(part: Uint8Array, space: Space = 'percent'): string | Uint8Array {
  const raw = percentDecode(part, space, BROKEN)
  return isUtf8(raw) ? raw.toString('utf8') : raw
}

function decodeText(part: string, space: Space = 'percent'): string {
  const value = decodePart(Buffer.from(part, 'utf8'), space)
  return typeof value === 'string' ? value : Buffer.from(value).toString('utf8')
}

function decoded(url: string, part: string): string {
  checkEscapes(url, part)
  return decodeText(part)
}

function checkEscapes(url: string, part: string): void {
  const stray = /%(?![0-9a-fA-F]{2})/.exec(part)
  if (stray !== null)
    throw invalid(url, `has an invalid escape ${JSON.stringify(part.slice(stray.index, stray.index + 3))}`)
}

function invalid(url: string, what: string): RuntimeError {
  return moduleError('Invalid', `url ${JSON.stringify(url)} ${what}`)
}

function tooMany(): RuntimeError {
  return moduleError('LimitExceeded', `query has more than ${MOST_FIELDS} fields`)
}

function tooLong(url: string): RuntimeError {
  return moduleError('Invalid', `url of ${url.length} characters exceeds the limit of ${LONGEST_URL}`)
}
