// Query escaping as Go's url.QueryEscape does it, on bytes: what Lua hands over need not be UTF-8.

import { isUtf8 } from 'node:buffer'
import { moduleError } from '../../core/error.ts'

const unescaped = new Set(Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~'))
const escapes = Array.from({ length: 256 }, (_, byte) => {
  if (unescaped.has(byte)) return String.fromCharCode(byte)
  return byte === 0x20 ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

export function queryEscape(text: string | Uint8Array): string {
  let escaped = ''
  for (const byte of typeof text === 'string' ? Buffer.from(text, 'utf8') : text) escaped += escapes[byte]
  return escaped
}

/** Throws Invalid on a broken escape. */
export function queryUnescape(text: string): string | Uint8Array {
  const bytes = Buffer.from(text, 'utf8')
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === 0x25) {
      const digits = bytes.toString('latin1', at + 1, at + 3)
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
        throw moduleError('Invalid', `invalid URL escape ${JSON.stringify(bytes.toString('utf8', at, at + 3))}`)
      }
      out[length++] = Number.parseInt(digits, 16)
      at += 2
    } else {
      out[length++] = byte === 0x2b ? 0x20 : byte
    }
  }
  const decoded = out.subarray(0, length)
  return isUtf8(decoded) ? decoded.toString('utf8') : decoded
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
