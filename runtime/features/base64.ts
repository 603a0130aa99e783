// The `base64` module: bytes to base64 and back, standard alphabet, padded (RFC 4648). Decoding is strict, as Go's is.

import { moduleError } from '../core/error.ts'
import type { LuaModule } from '../lua/module.ts'

export const base64Module: LuaModule = {
  name: 'base64',
  description: 'Base64 encoding and decoding',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    encode: (_call, value: unknown) => Buffer.from(stringBytes(value)).toString('base64'),
    decode: (_call, value: unknown) => decodeBase64(Buffer.from(stringBytes(value)).toString('latin1')),
  }),
}

function stringBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  throw moduleError('Invalid', 'string expected')
}

/** The bytes of base64 text. Line breaks are skipped; anything else outside the alphabet or the padding is Invalid. */
export function decodeBase64(text: string): Uint8Array {
  const packed = text.replace(/[\r\n]/g, '')
  const wrong = firstWrong(packed)
  if (wrong !== undefined) {
    throw moduleError('Invalid', `decode failed: illegal base64 data at input byte ${offsetOf(text, wrong)}`)
  }
  return Buffer.from(packed, 'base64')
}

/** Index of what breaks the text, as Go reports it: the stray character, or the group of four that is incomplete. */
function firstWrong(packed: string): number | undefined {
  const end = packed.search(/[^A-Za-z0-9+/]/)
  const digits = end < 0 ? packed.length : end
  const used = digits % 4
  if (end < 0) return used === 0 ? undefined : digits - used
  if (packed[end] !== '=' || used < 2) return end
  const whole = end + 4 - used
  if (used === 2 && packed[end + 1] !== '=') return packed.length < whole ? packed.length : end
  return packed.length > whole ? whole : undefined
}

/** Where the n-th character that is no line break stands. */
function offsetOf(text: string, n: number): number {
  let left = n
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\r' || text[i] === '\n') continue
    if (left-- === 0) return i
  }
  return text.length
}
