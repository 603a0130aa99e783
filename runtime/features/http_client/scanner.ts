// A stream cut into lines, words, bytes or runes, as Go's bufio.Scanner does it.

import { moduleError, type RuntimeError } from '../../core/error.ts'

/** A token of `buffer` from `at`: where it stands and where the next one starts. `more` asks for bytes, `none` is the end. */
type Split = (buffer: Uint8Array, at: number, whole: boolean) => Token | 'more' | 'none'
interface Token {
  readonly start: number
  readonly end: number
  readonly next: number
}

const LONGEST_TOKEN = 8 * 1024 * 1024
const replacement = Buffer.from('\uFFFD')

const splits: Readonly<Record<string, Split>> = { lines, words, bytes, runes }

/** The split of this name. Throws Invalid; the names come from Lua, so only own ones count. */
export function splitOf(name: string): Split {
  const found = Object.hasOwn(splits, name) ? splits[name] : undefined
  if (found === undefined) throw moduleError('Invalid', `invalid split type: ${name}`)
  return found
}

/** Whatever gives bytes until it gives none: a response's stream, a file. */
export interface ByteSource {
  read(): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

export class Scanner {
  readonly #stream: ByteSource
  readonly #split: Split
  #buffer: Uint8Array = new Uint8Array(0)
  #at = 0
  #whole = false
  #token: Uint8Array = new Uint8Array(0)
  error: RuntimeError | undefined

  constructor(stream: ByteSource, split: Split) {
    this.#stream = stream
    this.#split = split
  }

  /** The current token; empty before the first and after the last. */
  get token(): Uint8Array {
    return this.#token
  }

  /** Steps to the next token: false at the end. At once when it has arrived. Throws or rejects when the stream broke. */
  scan(): boolean | Promise<boolean> {
    for (;;) {
      const found = this.#find()
      if (found !== undefined) return found
      const piece = this.#stream.read()
      if (piece instanceof Promise) return this.#scanLater(piece)
      this.#add(piece)
    }
  }

  async #scanLater(first: Promise<Uint8Array | undefined>): Promise<boolean> {
    this.#add(await first)
    return this.scan()
  }

  #find(): boolean | undefined {
    const found = this.#split(this.#buffer, this.#at, this.#whole)
    if (found === 'more' && !this.#whole) {
      if (this.#buffer.length - this.#at <= LONGEST_TOKEN) return undefined
      throw moduleError('LimitExceeded', `token too long (max ${LONGEST_TOKEN} bytes)`)
    }
    if (found === 'none' || found === 'more') {
      this.#token = new Uint8Array(0)
      return false
    }
    this.#token = this.#buffer.subarray(found.start, found.end)
    if (this.#split === runes && isBroken(this.#token)) this.#token = replacement
    this.#at = found.next
    return true
  }

  #add(piece: Uint8Array | undefined): void {
    if (piece === undefined) {
      this.#whole = true
      return
    }
    const rest = this.#buffer.subarray(this.#at)
    this.#buffer = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    this.#at = 0
  }
}

function lines(buffer: Uint8Array, at: number, whole: boolean): Token | 'more' | 'none' {
  const lineFeed = buffer.indexOf(0x0a, at)
  if (lineFeed < 0 && !whole) return 'more'
  if (lineFeed < 0 && at >= buffer.length) return 'none'
  const stop = lineFeed < 0 ? buffer.length : lineFeed
  const end = stop > at && buffer[stop - 1] === 0x0d ? stop - 1 : stop
  return { start: at, end, next: lineFeed < 0 ? stop : stop + 1 }
}

function bytes(buffer: Uint8Array, at: number, whole: boolean): Token | 'more' | 'none' {
  if (at < buffer.length) return { start: at, end: at + 1, next: at + 1 }
  return whole ? 'none' : 'more'
}

function runes(buffer: Uint8Array, at: number, whole: boolean): Token | 'more' | 'none' {
  if (at >= buffer.length) return whole ? 'none' : 'more'
  const size = runeSize(buffer, at)
  if (size === 0 && !whole) return 'more'
  return { start: at, end: at + (size || 1), next: at + (size || 1) }
}

function words(buffer: Uint8Array, at: number, whole: boolean): Token | 'more' | 'none' {
  let start = at
  for (let size = spaceSize(buffer, start); size > 0; size = spaceSize(buffer, start)) start += size
  if (start >= buffer.length) return whole ? 'none' : 'more'
  let end = start
  while (end < buffer.length) {
    const space = spaceSize(buffer, end)
    if (space > 0) return { start, end, next: end + space }
    const size = runeSize(buffer, end)
    // The start of a character whose rest has not come may be the start of a space.
    if (size === 0 && !whole) return 'more'
    end += size || 1
  }
  return whole ? { start, end, next: end } : 'more'
}

/** Bytes of the character at `at`: 1 for a byte that starts none, 0 when its rest is missing. */
function runeSize(buffer: Uint8Array, at: number): number {
  const first = buffer[at] as number
  const size = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1
  for (let i = 1; i < size; i++) {
    const byte = buffer[at + i]
    if (byte === undefined) return 0
    if (!continues(first, i, byte)) return 1
  }
  return size
}

/** Overlong forms, surrogates and code points beyond Unicode are no characters. */
function continues(first: number, index: number, byte: number): boolean {
  if (index > 1) return byte >= 0x80 && byte <= 0xbf
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  return byte >= low && byte <= high
}

function isBroken(token: Uint8Array): boolean {
  return token.length === 1 && (token[0] as number) >= 0x80
}

/** Bytes of the white space character at `at` (Unicode White_Space), 0 if there is none. */
function spaceSize(buffer: Uint8Array, at: number): number {
  const first = buffer[at]
  if (first === undefined) return 0
  if (first === 0x20 || (first >= 0x09 && first <= 0x0d)) return 1
  if (first < 0x80) return 0
  const second = buffer[at + 1]
  if (first === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0
  const third = buffer[at + 2]
  if (second === undefined || third === undefined) return 0
  const rune = ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f)
  if (first < 0xe1 || first > 0xe3) return 0
  const space =
    rune === 0x1680 || (rune >= 0x2000 && rune <= 0x200a) || [0x2028, 0x2029, 0x202f, 0x205f, 0x3000].includes(rune)
  return space ? 3 : 0
}
