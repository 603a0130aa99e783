// A JSON parser that works in steps, so that no text holds the thread however long it is. Says what is wrong in Go's words.

import { RuntimeError } from '../../core/error.ts'
import { MAX_DEPTH } from './encode.ts'

export const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Values or thousands of characters of one step. */
const PIECE = 1000
const TEXT_UNIT = 1000
/** Characters of a string that are decoded at once. */
const STRING_PIECE = 64 * 1024

interface Cursor {
  readonly text: string
  at: number
}

type Container =
  | { readonly bracket: ']'; readonly list: unknown[] }
  | { readonly bracket: '}'; readonly map: { [key: string]: unknown }; key: string }

/** What is expected at the cursor. */
type State = 'value' | 'first' | 'key' | 'after' | 'end'

/** A string on its way: where it opened, how far its end was looked for, what was decoded. */
interface OpenString {
  readonly start: number
  end: number | undefined
  from: number
  text: string
}

export class JsonParser {
  readonly #cursor: Cursor
  readonly #open: Container[] = []
  #state: State = 'value'
  #string: OpenString | undefined
  #room = 0
  /** The value of the text, when `step` has answered true. */
  value: unknown

  constructor(text: string) {
    this.#cursor = { text, at: 0 }
  }

  /** Parses a piece; true when that was the last. Throws Internal naming what is wrong and where. */
  readonly step = (): boolean => {
    this.#room = PIECE
    while (this.#room > 0) {
      if (this.#string !== undefined) this.#continueString(this.#string)
      else if (this.#state === 'end') return this.#atEnd()
      else this.#advance()
      this.#room--
    }
    return false
  }

  #advance(): void {
    const cursor = this.#cursor
    this.#room -= skipSpace(cursor) / TEXT_UNIT
    const top = this.#open.at(-1)
    if (this.#state === 'value') this.#beginValue()
    else if (this.#state === 'first') {
      // A container just opened: `top` is it, and may close at once.
      if (top !== undefined && cursor.text[cursor.at] === top.bracket) {
        cursor.at++
        this.#close()
      } else this.#state = top?.bracket === '}' ? 'key' : 'value'
    } else if (this.#state === 'key') {
      if (cursor.text.charCodeAt(cursor.at) !== QUOTE)
        throw unexpected(cursor, 'looking for beginning of object key string')
      this.#beginString()
    } else if (top !== undefined) {
      const inMap = top.bracket === '}'
      const char = cursor.text[cursor.at]
      if (char !== ',' && char !== top.bracket) {
        throw unexpected(cursor, inMap ? 'after object key:value pair' : 'after array element')
      }
      cursor.at++
      if (char === ',') this.#state = inMap ? 'key' : 'value'
      else this.#close()
    }
  }

  #atEnd(): boolean {
    const cursor = this.#cursor
    skipSpace(cursor)
    if (cursor.at < cursor.text.length) throw unexpected(cursor, 'after top-level value')
    return true
  }

  #beginValue(): void {
    const cursor = this.#cursor
    const char = cursor.text[cursor.at]
    if (char === '{' || char === '[') {
      if (this.#open.length >= MAX_DEPTH) throw failure(`exceeded maximum nesting depth of ${MAX_DEPTH}`, cursor)
      this.#open.push(char === '{' ? { bracket: '}', map: Object.create(null), key: '' } : { bracket: ']', list: [] })
      cursor.at++
      this.#state = 'first'
      return
    }
    if (char === '"') {
      this.#beginString()
      return
    }
    const literal = char === undefined ? undefined : literals[char]
    if (literal !== undefined) this.#deliver(parseLiteral(cursor, literal))
    else if (char === '-' || (char !== undefined && char >= '0' && char <= '9')) this.#deliver(parseNumber(cursor))
    else throw unexpected(cursor, 'looking for beginning of value')
  }

  #close(): void {
    const closed = this.#open.pop()
    this.#deliver(closed?.bracket === '}' ? closed.map : closed?.list)
  }

  /** A value is complete: it goes into the innermost container. */
  #deliver(value: unknown): void {
    const top = this.#open.at(-1)
    if (top === undefined) this.value = value
    else if (top.bracket === ']') top.list.push(value)
    else top.map[top.key] = value
    this.#state = top === undefined ? 'end' : 'after'
  }

  // ---- strings ----

  #beginString(): void {
    const { at } = this.#cursor
    this.#continueString((this.#string = { start: at, end: undefined, from: at + 1, text: '' }))
  }

  /** Looks for the end first, then decodes, each in pieces. */
  #continueString(string: OpenString): void {
    const { text } = this.#cursor
    if (string.end === undefined) {
      const { end, from } = endWithin(text, string.from, STRING_PIECE)
      this.#room -= (from - string.from) / TEXT_UNIT
      if (end === undefined) string.from = from
      else Object.assign(string, { end, from: string.start + 1 })
      if (end === undefined) return
    }
    const end = string.end ?? 0
    if (end < 0) throw badString(this.#cursor, string.start)
    const to = end - string.from <= STRING_PIECE ? end : pieceEnd(text, string.from, string.from + STRING_PIECE)
    this.#room -= (to - string.from) / TEXT_UNIT
    string.text += this.#decoded(string, to)
    string.from = to
    if (to < end) return
    this.#string = undefined
    this.#cursor.at = end + 1
    this.#finishString(string.text)
  }

  #decoded(string: OpenString, to: number): string {
    const raw = this.#cursor.text.slice(string.from, to)
    if (!needsDecoding.test(raw)) return raw
    try {
      return JSON.parse(`"${raw}"`)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw badString(this.#cursor, string.start)
    }
  }

  #finishString(value: string): void {
    const top = this.#open.at(-1)
    if (this.#state !== 'key' || top?.bracket !== '}') {
      this.#deliver(value)
      return
    }
    top.key = value
    const cursor = this.#cursor
    skipSpace(cursor)
    if (cursor.text[cursor.at] !== ':') throw unexpected(cursor, 'after object key')
    cursor.at++
    this.#state = 'value'
  }
}

const needsDecoding = /[\\\u0000-\u001f]/

/** Index of the closing quote of the string that opens at `start`, or -1. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0) {
    let before = end - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    if ((end - before) % 2 === 1) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

/** The closing quote from `from` on, -1 without one; or where to look on after `most` characters of quotes that close nothing. */
function endWithin(text: string, from: number, most: number): { end: number | undefined; from: number } {
  let at = from
  while (at - from <= most) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return { end: -1, from: text.length }
    let before = quote - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    if ((quote - before) % 2 === 1) return { end: quote, from: quote }
    at = quote + 1
  }
  return { end: undefined, from: at }
}

/** An index near `to` that no escape goes across; `from` is one. */
function pieceEnd(text: string, from: number, to: number): number {
  let slash = text.lastIndexOf('\\', to - 1)
  if (slash < to - 6 || slash < from) return to
  let first = slash
  while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first--
  // Of a run of backslashes the odd ones begin an escape.
  if ((slash - first) % 2 === 1) slash--
  return slash > from ? slash : to
}

const literals: Readonly<Record<string, { word: string; value: null | boolean }>> = {
  t: { word: 'true', value: true },
  f: { word: 'false', value: false },
  n: { word: 'null', value: null },
}

/** What is wrong with the string that opens at `start`: the first control character or escape that is none, or that it never ends. */
function badString(cursor: Cursor, start: number): RuntimeError {
  const { text } = cursor
  const suspicious = /[\\\u0000-\u001f]/g
  suspicious.lastIndex = start + 1
  for (let found = suspicious.exec(text); found !== null; found = suspicious.exec(text)) {
    cursor.at = found.index
    if (found[0] !== '\\') return unexpected(cursor, 'in string literal')
    const escaped = text[++cursor.at]
    if (escaped === undefined || !'"\\/bfnrtu'.includes(escaped)) return unexpected(cursor, 'in string escape code')
    if (escaped === 'u') {
      for (let digit = 0; digit < 4; digit++) {
        if (!/[0-9a-fA-F]/.test(text[++cursor.at] ?? '')) {
          return unexpected(cursor, 'in \\u hexadecimal character escape')
        }
      }
    }
    suspicious.lastIndex = cursor.at + 1
  }
  cursor.at = text.length
  return unexpected(cursor, '')
}

function parseLiteral(cursor: Cursor, literal: { word: string; value: null | boolean }): null | boolean {
  const { word, value } = literal
  for (let i = 0; i < word.length; i++) {
    if (cursor.text[cursor.at] !== word[i]) {
      throw unexpected(cursor, `in literal ${word} (expecting '${word[i]}')`)
    }
    cursor.at++
  }
  return value
}

function parseNumber(cursor: Cursor): number | bigint {
  const start = cursor.at
  const digits = (where: string): void => {
    const first = cursor.at
    while (isDigit(cursor.text.charCodeAt(cursor.at))) cursor.at++
    if (cursor.at === first) throw unexpected(cursor, where)
  }
  if (cursor.text[cursor.at] === '-') cursor.at++
  if (cursor.text[cursor.at] === '0') cursor.at++
  else digits('in numeric literal')
  const whole = cursor.at
  if (cursor.text[cursor.at] === '.') {
    cursor.at++
    digits('after decimal point in numeric literal')
  }
  if (cursor.text[cursor.at] === 'e' || cursor.text[cursor.at] === 'E') {
    cursor.at++
    if (cursor.text[cursor.at] === '+' || cursor.text[cursor.at] === '-') cursor.at++
    digits('in exponent of numeric literal')
  }
  const text = cursor.text.slice(start, cursor.at)
  return whole === cursor.at ? integer(text) : Number(text)
}

/** Exact when it fits int64, as Lua integers do; a double beyond. */
function integer(text: string): number | bigint {
  const value = Number(text)
  // 20 characters hold every int64; longer digit strings would only make BigInt slow.
  if (Number.isSafeInteger(value) || text.length > 20) return value
  const exact = BigInt(text)
  return BigInt.asIntN(64, exact) === exact ? exact : value
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** Answers how many characters were skipped. */
function skipSpace(cursor: Cursor): number {
  const start = cursor.at
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return cursor.at - start
    cursor.at++
  }
}

/** How Go shows characters that cannot be seen, and its own quote. */
const shorthand: Readonly<Record<string, string>> = {
  __proto__: null as never,
  "'": "\\'",
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

const noSpace = /in literal|in numeric|in exponent|decimal point|escape/

function unexpected(cursor: Cursor, where: string): RuntimeError {
  // At the end Go tries a space, and blames it where a space cannot stand.
  const code = cursor.text.codePointAt(cursor.at) ?? (noSpace.test(where) ? 0x20 : undefined)
  if (code === undefined) return failure('unexpected end of JSON input', cursor)
  const char = String.fromCodePoint(code)
  const shown = shorthand[char] ?? (code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : char)
  return failure(`invalid character '${shown}' ${where}`, cursor)
}

function failure(what: string, cursor: Cursor): RuntimeError {
  return new RuntimeError('Internal', `${what} at offset ${cursor.at}`, { retryable: false })
}
