// The `base64` module: bytes to base64 and back, standard alphabet, padded (RFC 4648). Decoding is strict, as Go's is.

import { CHUNK, eachChunk } from '../core/chunks.ts'
import { moduleError } from '../core/error.ts'
import { byteStrings, type Call, type LuaModule } from '../lua/module.ts'

export const base64Module: LuaModule = {
  name: 'base64',
  description: 'Base64 encoding and decoding',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    encode: byteStrings((call: Call, value: unknown) => {
      const source = stringBytes(value)
      if (source.length <= CHUNK) return Buffer.from(source).toString('base64')
      const encoded = Buffer.allocUnsafe(4 * Math.ceil(source.length / 3))
      // Whole groups of three: only the last chunk is padded.
      const step = eachChunk(source, (chunk, at) => encoded.write(Buffer.from(chunk).toString('base64'), (at / 3) * 4))
      return call.work(step, () => encoded)
    }),
    decode: byteStrings((call: Call, value: unknown) => {
      const source = stringBytes(value)
      if (source.length <= CHUNK) return decodeBase64(Buffer.from(source).toString('latin1'))
      const decoder = new Decoder(source)
      return call.work(decoder.step, () => decoder.decoded)
    }),
  }),
}

function stringBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  throw moduleError('Invalid', 'string expected')
}

/** Decodes long text in steps. */
class Decoder {
  readonly #source: Buffer
  readonly #pieces: Uint8Array[] = []
  #at = 0
  /** Digits of an incomplete group, and where its first stands. */
  #rest = ''
  #restAt = 0

  constructor(source: Uint8Array) {
    this.#source = Buffer.from(source.buffer, source.byteOffset, source.length)
  }

  get decoded(): Uint8Array {
    return Buffer.concat(this.#pieces)
  }

  readonly step = (): boolean => {
    const end = Math.min(this.#source.length, this.#at + CHUNK)
    const chunk = this.#source.toString('latin1', this.#at, end)
    const digits = this.#rest + chunk.replace(/[\r\n]/g, '')
    // Padding, or what is wrong: from here on it is looked at as a whole.
    if (end === this.#source.length || /[^A-Za-z0-9+/]/.test(digits)) {
      this.#pieces.push(decodeBase64(this.#source.toString('latin1', this.#restAt), this.#restAt))
      return true
    }
    const whole = digits.length - (digits.length % 4)
    this.#pieces.push(Buffer.from(digits.slice(0, whole), 'base64'))
    if (whole > 0) this.#restAt = this.#at + startOfLast(chunk, digits.length - whole)
    this.#rest = digits.slice(whole)
    this.#at = end
    return false
  }
}

/** Where the last `count` characters that are no line breaks begin. */
function startOfLast(chunk: string, count: number): number {
  let at = chunk.length
  for (let left = count; left > 0 && at > 0; ) {
    at--
    if (chunk[at] !== '\r' && chunk[at] !== '\n') left--
  }
  return at
}

/** The bytes of base64 text. Line breaks are skipped; anything else outside the alphabet or the padding is Invalid. */
export function decodeBase64(text: string, offset = 0): Uint8Array {
  const packed = text.replace(/[\r\n]/g, '')
  const wrong = firstWrong(packed)
  if (wrong !== undefined) {
    const at = wrong < 0 ? text.length + wrong : offsetOf(text, wrong)
    throw moduleError('Invalid', `decode failed: illegal base64 data at input byte ${offset + at}`)
  }
  return Buffer.from(packed, 'base64')
}

/**
 * Index of what breaks the text, as Go reports it: the stray character, or, counted from the end of the whole text, how many
 * digits an incomplete group has.
 */
function firstWrong(packed: string): number | undefined {
  const end = packed.search(/[^A-Za-z0-9+/]/)
  const digits = end < 0 ? packed.length : end
  const used = digits % 4
  if (end < 0) return used === 0 ? undefined : -used
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
