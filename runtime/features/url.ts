// The `url` module, ours (Wippy has none): URLs to their parts and back, percent-encoding, query strings.
//
//   parse(s)         { scheme, user, password, host, port, path, query, fragment }, absent parts left out; relative references too.
//                    `path`, `query` and `fragment` stay encoded; `user` and `password` are decoded; `port` is an integer.
//   build(parts)     the text of such a table; `query` may be a table as for `query`. build(parse(s)) is s, scheme and host in lower case.
//   resolve(base, s) the absolute URL that s means on the page base.
//   encode(s)        percent-encodes all but letters, digits and -._~, so that s can be any part of a URL. decode(s) is its inverse.
//   query(t)         { q = "a b", tag = { "x", "y" } } as q=a%20b&tag=x&tag=y, keys sorted. parse_query(s) is its inverse and reads
//                    `+` as a space; a key that comes twice gives a list.

import { moduleError, type RuntimeError } from '../core/error.ts'
import { isMap, type Value, type ValueMap } from '../core/value.ts'
import { bytes, type Call, type LuaModule, table, text } from '../lua/module.ts'

export const urlModule: LuaModule = {
  name: 'url',
  description: 'URL parsing, building and encoding',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    parse: (_call: Call, url: unknown) => parseUrl(text(url, 1, 'parse')),
    build: (_call: Call, parts: unknown) => buildUrl(table(parts, 1, 'build')),
    resolve: (_call: Call, base: unknown, reference: unknown) =>
      resolveUrl(text(base, 1, 'resolve'), text(reference, 2, 'resolve')),
    encode: (_call: Call, part: unknown) => encodePart(bytes(part, 1, 'encode')),
    decode: (_call: Call, part: unknown) => decodePart(text(part, 1, 'decode')),
    query: (_call: Call, fields: unknown) => buildQuery(table(fields, 1, 'query')),
    parse_query: (_call: Call, query: unknown) => parseQuery(text(query, 1, 'parse_query')),
  }),
}

// RFC 3986, appendix B, with the authority taken apart.
const reference = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s
const authority = /^(?:([^@]*)@)?(\[[0-9a-fA-F:.]+\]|[^:[\]@]*)(?::(\d*))?$/
const LARGEST_PORT = 65_535

function parseUrl(url: string): ValueMap {
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
    if (typeof value === 'string' || typeof value === 'number') return String(value)
    throw moduleError('Invalid', `url part ${name} must be a string`)
  }
  const scheme = field('scheme')
  const host = field('host')
  const path = field('path') ?? ''
  const fragment = field('fragment')
  const query = isMap(parts['query']) ? buildQuery(parts['query']) : field('query')
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
  if (!URL.canParse(base)) throw invalid(base, 'is not an absolute url')
  if (!URL.canParse(relative, base)) throw invalid(relative, `cannot be resolved against ${base}`)
  return new URL(relative, base).href
}

function buildQuery(fields: { [key: string]: unknown }): string {
  const pairs: string[] = []
  for (const key of Object.keys(fields).sort()) {
    const value = fields[key]
    for (const item of Array.isArray(value) ? value : [value]) pairs.push(`${encodeText(key)}=${encodeItem(key, item)}`)
  }
  return pairs.join('&')
}

function encodeItem(key: string, item: unknown): string {
  if (item instanceof Uint8Array) return encodePart(item)
  if (typeof item === 'string' || typeof item === 'boolean') return encodeText(String(item))
  if (typeof item === 'number' || typeof item === 'bigint') return encodeText(String(item))
  throw moduleError('Invalid', `query field ${JSON.stringify(key)} must be a string, number, boolean or a list of them`)
}

function parseQuery(query: string): ValueMap {
  const fields: ValueMap = Object.create(null)
  for (const pair of query.replace(/^\?/, '').split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = decodeText(equals < 0 ? pair : pair.slice(0, equals))
    const value: Value = equals < 0 ? '' : decodePart(pair.slice(equals + 1).replaceAll('+', ' '))
    const known = fields[key]
    if (known === undefined) fields[key] = value
    else if (Array.isArray(known)) known.push(value)
    else fields[key] = [known, value]
  }
  return fields
}

function encodeText(part: string): string {
  return encodePart(Buffer.from(part, 'utf8'))
}

function encodePart(part: Uint8Array): string {
  return safe(Buffer.from(part).toString('latin1'), /[^A-Za-z0-9._~-]/g, 'latin1')
}

/** Percent-encodes what `outside` matches. */
function safe(part: string, outside: RegExp, encoding: 'latin1' | 'utf8' = 'utf8'): string {
  return part.replace(outside, (c) => Buffer.from(c, encoding).toString('hex').toUpperCase().replace(/../g, '%$&'))
}

function decodePart(part: string): string | Uint8Array {
  const stray = /%(?![0-9a-fA-F]{2})/.exec(part)
  if (stray !== null)
    throw moduleError('Invalid', `invalid escape ${JSON.stringify(part.slice(stray.index, stray.index + 3))}`)
  const raw = Buffer.from(
    Buffer.from(part, 'utf8')
      .toString('latin1')
      .replace(/%(..)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    'latin1',
  )
  const whole = raw.toString('utf8')
  return Buffer.from(whole, 'utf8').equals(raw) ? whole : raw
}

function decodeText(part: string): string {
  const value = decodePart(part.replaceAll('+', ' '))
  return typeof value === 'string' ? value : Buffer.from(value).toString('utf8')
}

function decoded(url: string, part: string): string {
  checkEscapes(url, part)
  const value = decodePart(part)
  return typeof value === 'string' ? value : Buffer.from(value).toString('utf8')
}

function checkEscapes(url: string, part: string): void {
  const stray = /%(?![0-9a-fA-F]{2})/.exec(part)
  if (stray !== null)
    throw invalid(url, `has an invalid escape ${JSON.stringify(part.slice(stray.index, stray.index + 3))}`)
}

function invalid(url: string, what: string): RuntimeError {
  return moduleError('Invalid', `url ${JSON.stringify(url)} ${what}`)
}
