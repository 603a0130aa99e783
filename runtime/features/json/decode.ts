// JSON text to values. V8's parser does the work; ours takes over for what it would get wrong (integers beyond 2^53,
// nesting without a limit) and to say in Go's words what is wrong with malformed text.

import { RuntimeError } from '../../core/error.ts'
import { MAX_DEPTH } from './encode.ts'

/** The value of a JSON text. Throws Internal naming what is wrong and where; trailing text is wrong too. */
export function decodeJson(text: string): unknown {
  if (needsOwnParser(text)) return parse(text)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return parse(text)
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Shorter digit runs are exact as doubles. */
const LONG_NUMBER = 16

/** One cheap pass over the text: too deep, or a number whose digits a double may not hold? */
function needsOwnParser(text: string): boolean {
  let depth = 0
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x30 && code <= 0x39) {
      // Fractions are doubles anyway: only digits that start a number count.
      if (digits >= 0 && ++digits >= LONG_NUMBER) return true
      continue
    }
    digits = code === 0x2e ? Number.NEGATIVE_INFINITY : 0
    if (code === QUOTE) {
      i = endOfString(text, i)
      if (i < 0) return false
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH) return true
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return false
}

/** Index of the closing quote of the string that opens at `start`, or -1. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0) {
    let before = end - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    if ((end - before) % 2 === 1) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

interface Cursor {
  readonly text: string
  at: number
}

function parse(text: string): unknown {
  const cursor: Cursor = { text, at: 0 }
  const value = parseValue(cursor, 0)
  skipSpace(cursor)
  if (cursor.at < text.length) throw unexpected(cursor, 'after top-level value')
  return value
}

const literals: Readonly<Record<string, { word: string; value: null | boolean }>> = {
  t: { word: 'true', value: true },
  f: { word: 'false', value: false },
  n: { word: 'null', value: null },
}

function parseValue(cursor: Cursor, depth: number): unknown {
  skipSpace(cursor)
  const char = cursor.text[cursor.at]
  if (char === '{' || char === '[') {
    if (depth >= MAX_DEPTH) throw failure(`exceeded maximum nesting depth of ${MAX_DEPTH}`, cursor)
    return char === '{' ? parseObject(cursor, depth) : parseArray(cursor, depth)
  }
  if (char === '"') return parseString(cursor)
  const literal = char === undefined ? undefined : literals[char]
  if (literal !== undefined) return parseLiteral(cursor, literal)
  if (char === '-' || (char !== undefined && char >= '0' && char <= '9')) return parseNumber(cursor)
  throw unexpected(cursor, 'looking for beginning of value')
}

function parseObject(cursor: Cursor, depth: number): unknown {
  const result: { [key: string]: unknown } = Object.create(null)
  cursor.at++
  skipSpace(cursor)
  if (cursor.text[cursor.at] === '}') {
    cursor.at++
    return result
  }
  for (;;) {
    skipSpace(cursor)
    if (cursor.text[cursor.at] !== '"') throw unexpected(cursor, 'looking for beginning of object key string')
    const key = parseString(cursor)
    skipSpace(cursor)
    if (cursor.text[cursor.at] !== ':') throw unexpected(cursor, 'after object key')
    cursor.at++
    result[key] = parseValue(cursor, depth + 1)
    if (closes(cursor, '}', 'after object key:value pair')) return result
  }
}

function parseArray(cursor: Cursor, depth: number): unknown[] {
  const result: unknown[] = []
  cursor.at++
  skipSpace(cursor)
  if (cursor.text[cursor.at] === ']') {
    cursor.at++
    return result
  }
  for (;;) {
    result.push(parseValue(cursor, depth + 1))
    if (closes(cursor, ']', 'after array element')) return result
  }
}

/** Past the comma or the closing bracket that must come next; true for the bracket. */
function closes(cursor: Cursor, bracket: string, where: string): boolean {
  skipSpace(cursor)
  const char = cursor.text[cursor.at]
  if (char !== ',' && char !== bracket) throw unexpected(cursor, where)
  cursor.at++
  return char === bracket
}

function parseString(cursor: Cursor): string {
  const start = cursor.at
  const end = endOfString(cursor.text, start)
  const raw = end < 0 ? cursor.text.slice(start) : cursor.text.slice(start, end + 1)
  try {
    const value: string = JSON.parse(raw)
    cursor.at = end + 1
    return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badString(cursor, start, end < 0 ? cursor.text.length : end)
  }
}

function badString(cursor: Cursor, start: number, end: number): RuntimeError {
  for (let i = start + 1; i < end; i++) {
    cursor.at = i
    if (cursor.text.charCodeAt(i) < 0x20) return unexpected(cursor, 'in string literal')
    if (cursor.text.charCodeAt(i) !== BACKSLASH) continue
    cursor.at = ++i
    if (i < end && !'"\\/bfnrtu'.includes(cursor.text.charAt(i))) return unexpected(cursor, 'in string escape code')
    if (cursor.text[i] !== 'u') continue
    for (const last = i + 4; i < last; ) {
      cursor.at = ++i
      if (i < end && !/[0-9a-fA-F]/.test(cursor.text.charAt(i))) {
        return unexpected(cursor, 'in \\u hexadecimal character escape')
      }
    }
  }
  cursor.at = cursor.text.length
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

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
    cursor.at++
  }
}

function unexpected(cursor: Cursor, where: string): RuntimeError {
  const code = cursor.text.codePointAt(cursor.at)
  if (code === undefined) return failure('unexpected end of JSON input', cursor)
  const shown = JSON.stringify(String.fromCodePoint(code)).slice(1, -1).replace('\\"', '"').replace("'", "\\'")
  return failure(`invalid character '${shown}' ${where}`, cursor)
}

function failure(what: string, cursor: Cursor): RuntimeError {
  return new RuntimeError('Internal', `${what} at offset ${cursor.at}`, { retryable: false })
}
