// Query escaping as Go's url.QueryEscape does it, on bytes: what Lua hands over need not be UTF-8.

import { isUtf8 } from 'node:buffer'
import { percentDecode, percentEncode } from '../../core/percent.ts'

export function queryEscape(text: string | Uint8Array): string {
  return percentEncode(typeof text === 'string' ? Buffer.from(text, 'utf8') : text, 'plus').toString('latin1')
}

/** Throws Invalid on a broken escape. */
export function queryUnescape(text: string | Uint8Array): string | Uint8Array {
  const decoded = percentDecode(typeof text === 'string' ? Buffer.from(text, 'utf8') : text, 'plus')
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
