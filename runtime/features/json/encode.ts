// Lua values to JSON text by the rules of the `json` module: which tables are arrays, what cannot be written, Go's escapes.
// Keys are sorted: equal tables give equal text, which caches, hashes and prompt prefixes rely on. Works in steps, so that no
// value holds the thread however large it is.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Value } from '../../core/value.ts'
import { LuaTable } from '../../lua/module.ts'
import { SortedMembers } from './members.ts'

/** Tables nested deeper than this are refused in both directions. */
export const MAX_DEPTH = 128

/** A table may stand in many others, and unfold to any size. */
const MAX_TABLES = 1_000_000
const MAX_TEXT = 256 << 20
/** Values, or hundreds of characters, of one step. */
const PIECE = 1000
const TEXT_UNIT = 256
/** Characters of a string that are escaped at once. */
const STRING_PIECE = 64 * 1024

interface List {
  readonly table: LuaTable
  readonly members: undefined
  at: number
}
interface Fields {
  readonly table: LuaTable
  readonly members: SortedMembers
  at: number
}

/** JSON text of a value read with `exactTables`. Throws Internal when a table has no JSON form. */
export function encodeJson(value: unknown, limit = MAX_TEXT): string {
  const writer = new JsonWriter(value, limit)
  while (!writer.step());
  return writer.text
}

export class JsonWriter {
  readonly #open: (List | Fields)[] = []
  readonly #pieces: string[] = []
  #text = ''
  #length = 0
  #tables = 0
  #room = 0
  #begun = false
  readonly #root: unknown
  /** A long string on its way, without its quotes. */
  #string: { readonly text: string; at: number } | undefined

  readonly #limit: number

  /** Throws LimitExceeded beyond `limit` characters. */
  constructor(value: unknown, limit = MAX_TEXT) {
    this.#root = value
    this.#limit = limit
  }

  /** The text, when `step` has answered true. */
  get text(): string {
    return this.#pieces.length === 0 ? this.#text : this.#pieces.join('')
  }

  /** Writes a piece; true when that was the last. */
  readonly step = (): boolean => {
    this.#room = PIECE
    if (!this.#begun) {
      this.#begun = true
      this.#value(this.#root)
    }
    while (this.#room > 0) {
      const top = this.#open.at(-1)
      if (this.#string !== undefined) this.#continueString(this.#string)
      else if (top === undefined) return this.#flush(true)
      else if (top.members === undefined) this.#nextItem(top)
      else this.#nextMember(top)
    }
    return this.#flush(false)
  }

  #flush(last: boolean): boolean {
    if (this.#text !== '' && !(last && this.#pieces.length === 0)) {
      this.#pieces.push(this.#text)
      this.#text = ''
    }
    return last
  }

  #nextItem(list: List): void {
    if (list.at === list.table.entries.size) {
      this.#close(']')
      return
    }
    if (list.at++ > 0) this.#write(',')
    this.#value(list.table.entries.get(list.at))
  }

  #nextMember(fields: Fields): void {
    const { members, table } = fields
    if (!members.ready) {
      this.#room -= members.step()
      return
    }
    if (fields.at === members.names.length) {
      this.#close('}')
      return
    }
    const member = members.names[fields.at++] as (typeof members.names)[number] // below the length
    if (fields.at > 1) this.#write(',')
    const { name, key } = member
    this.#write(`${key instanceof Uint8Array ? quoteBytes(key) : quote(name)}:`)
    this.#value(table.entries.get(member.key))
  }

  #close(bracket: string): void {
    this.#open.pop()
    this.#write(bracket)
  }

  #value(value: unknown): void {
    this.#room--
    if (typeof value === 'string') this.#quoted(value)
    else if (value instanceof LuaTable) this.#begin(value)
    else if (value instanceof Uint8Array) this.#write(quoteBytes(value))
    else if (value instanceof RuntimeError) this.#quoted(value.text)
    else this.#write(scalar(value))
  }

  #begin(table: LuaTable): void {
    if (this.#open.some((open) => open.table === table))
      throw failure('cannot encode recursively nested tables to JSON')
    if (++this.#tables > MAX_TABLES) throw new RuntimeError('LimitExceeded', `more than ${MAX_TABLES} tables to encode`)
    if (this.#open.length >= MAX_DEPTH) throw failure('exceeded maximum nesting depth for JSON encoding')
    if (table.entries.size === 0) {
      this.#write(table.hadKeys ? '{}' : '[]')
      return
    }
    const list = isArray(table)
    this.#room -= table.entries.size / 16
    this.#write(list ? '[' : '{')
    this.#open.push(
      list ? { table, members: undefined, at: 0 } : { table, members: new SortedMembers(table.entries.keys()), at: 0 },
    )
  }

  #quoted(text: string): void {
    if (text.length <= STRING_PIECE) {
      this.#write(quote(text))
      return
    }
    this.#write('"')
    this.#string = { text, at: 0 }
  }

  #continueString(string: { readonly text: string; at: number }): void {
    const { text, at } = string
    let end = Math.min(text.length, at + STRING_PIECE)
    // A pair of surrogates is one character.
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end++
    this.#write(quote(text.slice(at, end)).slice(1, -1))
    string.at = end
    if (end < text.length) return
    this.#string = undefined
    this.#write('"')
  }

  #write(text: string): void {
    this.#text += text
    this.#length += text.length
    this.#room -= text.length / TEXT_UNIT
    if (this.#length <= this.#limit) return
    throw new RuntimeError('LimitExceeded', `JSON exceeds the limit of ${this.#limit} characters`)
  }
}

function scalar(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  return typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : 'null'
}

/** True for keys 1..n without holes, false when no key is a positive integer; anything between is refused. */
function isArray(table: LuaTable): boolean {
  let positions = 0
  let last = 0
  for (const key of table.entries.keys()) {
    if (!isPosition(key)) continue
    positions++
    last = Math.max(last, Number(key))
  }
  if (positions === 0) return false
  if (positions < table.entries.size) {
    throw failure('cannot encode mixed-key table: table has both numeric and non-numeric keys')
  }
  if (last !== positions) throw failure('cannot encode sparse array: non-contiguous numeric keys found')
  return true
}

function isPosition(key: Value): boolean {
  return (typeof key === 'number' && key > 0 && Number.isInteger(key)) || (typeof key === 'bigint' && key > 0n)
}

const special = /["\\<>&\u0000-\u001f\u2028\u2029\ud800-\udfff]/
const htmlSpecial = /[<>&\u2028\u2029]/g

/** As Go does by default: safe inside HTML and JavaScript too. */
function quote(text: string): string {
  if (!special.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(htmlSpecial, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** As Go does it: each byte that is no part of UTF-8 becomes the escape of U+FFFD. */
function quoteBytes(bytes: Uint8Array): string {
  let text = ''
  let start = 0
  const flush = (end: number): void => {
    text += quote(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')).slice(1, -1)
  }
  for (let at = 0; at < bytes.length; ) {
    const width = characterWidth(bytes, at)
    if (width === 0) {
      flush(at)
      text += '\\ufffd'
      start = at + 1
    }
    at += width || 1
  }
  flush(bytes.length)
  return `"${text}"`
}

/** Bytes of the UTF-8 character that begins here, 0 when none does. */
function characterWidth(bytes: Uint8Array, at: number): number {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes.subarray(at, at + 4)
  const follows = (byte: number): boolean => (byte & 0xc0) === 0x80
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4 || !follows(second)) return 0
  if (first < 0xe0) return 2
  // No longer forms than needed, no surrogates, nothing beyond U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < least || second > most || !follows(third)) return 0
  if (first < 0xf0) return 3
  return follows(fourth) ? 4 : 0
}

function failure(message: string): RuntimeError {
  return moduleError('Internal', message)
}
