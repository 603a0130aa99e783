// Percent-encoding of URLs, on bytes: what Lua hands over need not be UTF-8, and may be long.

import { moduleError } from './error.ts'

/** How a space is written: `+` in queries as Go writes them, `%20` everywhere. */
export type Space = 'plus' | 'percent'

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

/** All but letters, digits and -._~ escaped. */
export function percentEncode(bytes: Uint8Array, space: Space): Buffer {
  const out = Buffer.allocUnsafe(bytes.length * 3)
  let length = 0
  for (const byte of bytes) {
    if (unescaped[byte] === 1) out[length++] = byte
    else if (byte === SPACE && space === 'plus') out[length++] = PLUS
    else {
      out[length++] = PERCENT
      out[length++] = hexDigits[byte >> 4] as number // sixteen of them
      out[length++] = hexDigits[byte & 15] as number
    }
  }
  return out.subarray(0, length)
}

/** The inverse; with `plus` a `+` is a space. Throws Invalid on a broken escape, in the words of `broken`. */
export function percentDecode(bytes: Uint8Array, space: Space, broken = 'invalid URL escape'): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number // below the length
    if (byte !== PERCENT) {
      out[length++] = byte === PLUS && space === 'plus' ? SPACE : byte
      continue
    }
    const high = hexValues[bytes[at + 1] ?? 0] ?? -1
    const low = hexValues[bytes[at + 2] ?? 0] ?? -1
    if (high < 0 || low < 0) {
      const shown = Buffer.from(bytes.subarray(at, at + 3)).toString('utf8')
      throw moduleError('Invalid', `${broken} ${JSON.stringify(shown)}`)
    }
    out[length++] = high * 16 + low
    at += 2
  }
  return out.subarray(0, length)
}

/** Where to cut bytes at about `end`, so that no escape is cut. */
export function escapeBoundary(bytes: Uint8Array, end: number): number {
  if (end >= bytes.length) return bytes.length
  if (bytes[end - 1] === PERCENT) return end - 1
  return bytes[end - 2] === PERCENT ? end - 2 : end
}
