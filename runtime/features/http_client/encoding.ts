// Query escaping as Go's url.QueryEscape does it, on bytes: what Lua hands over need not be UTF-8.

import { isUtf8 } from 'node:buffer'
import { moduleError } from '../../core/error.ts'

const unescaped = new Uint8Array(256)
for (const code of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~'))
  unescaped[code] = 1
const hexDigits = Buffer.from('0123456789ABCDEF')
/** The value of a hex digit by its code, -1 for others. */
const hexValues = Int8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(value) ? -1 : value
})
const [PERCENT, PLUS, SPACE] = [0x25, 0x2b, 0x20]

export function queryEscape(text: string | Uint8Array): string {
  return Buffer.from(queryEscapeBytes(typeof text === 'string' ? Buffer.from(text, 'utf8') : text)).toString('latin1')
}

export function queryEscapeBytes(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length * 3)
  let length = 0
  for (const byte of bytes) {
    if (unescaped[byte] === 1) out[length++] = byte
    else if (byte === SPACE) out[length++] = PLUS
    else {
      out[length++] = PERCENT
      out[length++] = hexDigits[byte >> 4] as number
      out[length++] = hexDigits[byte & 15] as number
    }
  }
  return out.subarray(0, length)
}

/** Throws Invalid on a broken escape. */
export function queryUnescape(text: string | Uint8Array): string | Uint8Array {
  const decoded = queryUnescapeBytes(typeof text === 'string' ? Buffer.from(text, 'utf8') : text)
  return isUtf8(decoded) ? Buffer.from(decoded).toString('utf8') : decoded
}

/** Where to cut bytes at about `end`, so that no escape is cut. */
export function escapeBoundary(bytes: Uint8Array, end: number): number {
  if (end >= bytes.length) return bytes.length
  if (bytes[end - 1] === PERCENT) return end - 1
  return bytes[end - 2] === PERCENT ? end - 2 : end
}

export function queryUnescapeBytes(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte !== PERCENT) {
      out[length++] = byte === PLUS ? SPACE : byte
      continue
    }
    const high = hexValues[bytes[at + 1] ?? 0] ?? -1
    const low = hexValues[bytes[at + 2] ?? 0] ?? -1
    if (high < 0 || low < 0) {
      const shown = Buffer.from(bytes.subarray(at, at + 3)).toString('utf8')
      throw moduleError('Invalid', `invalid URL escape ${JSON.stringify(shown)}`)
    }
    out[length++] = high * 16 + low
    at += 2
  }
  return out.subarray(0, length)
}

/** `a=1&b=2`, keys in order, so that equal tables give equal requests. */
export function encodeForm(fields: ReadonlyMap<string, string | Uint8Array>): string {
  return [...fields.keys()]
    .sort()
    .map((key) => `${queryEscape(key)}=${queryEscape(fields.get(key) ?? '')}`)
    .join('&')
}

/** The query of a URL with these fields set: others stay as written, those of the same name are replaced. */
export function mergeQuery(query: string, fields: ReadonlyMap<string, string | Uint8Array>): string {
  const kept = query.split('&').filter((pair) => {
    if (pair === '') return false
    const name = pair.split('=', 1)[0] as string
    try {
      const decoded = queryUnescape(name)
      return typeof decoded !== 'string' || !fields.has(decoded)
    } catch {
      // A broken escape cannot be the name of a field.
      return true
    }
  })
  return [...kept, encodeForm(fields)].join('&')
}
