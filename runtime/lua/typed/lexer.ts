// Cuts Lua text into tokens: Lua 5.4's lexical rules plus the marks of types (`->`, `?`, `!`, `@`).
// Characters beyond 0x7f are opaque, so that UTF-8 text and byte strings (latin1) both pass.

import { RuntimeError } from '../../core/error.ts'

/** A token's kind: one of the four classes, `<eof>`, or the text of a keyword or an operator. */
export type TokenKind = string

export const NAME = '<name>'
export const NUMBER = '<number>'
export const STRING = '<string>'
export const EOF = '<eof>'

/** A replacement of `source[start..end)`. */
export interface Patch {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Tokens as columns: one object per token would cost more than the parse. */
export interface Tokens {
  readonly source: string
  readonly name: string
  readonly kinds: TokenKind[]
  readonly starts: number[]
  readonly ends: number[]
  /** Offset at which each line starts; line 1 first. */
  readonly lineStarts: number[]
  /** Dialect repairs inside tokens: escapes that Wippy accepts and stock Lua refuses. */
  readonly repairs: Patch[]
}

export interface Position {
  readonly line: number
  readonly column: number
}

const keywords: ReadonlyMap<string, TokenKind> = new Map(
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'
    .split(' ')
    .map((word) => [word, word]),
)

// Longest first: the first that matches wins.
const operators: readonly (readonly TokenKind[])[] = (() => {
  const table: TokenKind[][] = []
  const all = '... .. == ~= <= >= << >> // :: -> + - * / % ^ # & ~ | < > = ( ) { } [ ] ; : , . ? ! @'.split(' ')
  for (const operator of all) (table[operator.charCodeAt(0)] ??= []).push(operator)
  return table
})()

const NUMERAL =
  /^(?:0[xX](?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+)(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/

const TAB = 9
const NEWLINE = 10
const RETURN = 13
const SPACE = 32
const DOUBLE_QUOTE = 34
const HASH = 35
const QUOTE = 39
const PLUS = 43
const MINUS = 45
const DOT = 46
const EQUALS = 61
const OPEN_BRACKET = 91
const BACKSLASH = 92
const CLOSE_BRACKET = 93

/** Level of a `[` that opens no long bracket. */
const NO_BRACKET = -1

const isDigit = (code: number): boolean => code >= 48 && code <= 57
const isHex = (code: number): boolean => isDigit(code) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70)
const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95
const isBreak = (code: number): boolean => code === NEWLINE || code === RETURN

/** Cuts `source` into tokens. Throws Invalid, with the line, on what no Lua accepts. */
export function tokenize(source: string, name: string): Tokens {
  return new Lexer(source, name).run()
}

/** Line and column (both from 1) of an offset. */
export function positionAt(lineStarts: readonly number[], offset: number): Position {
  let low = 0
  let high = lineStarts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (lineStarts[middle]! <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - lineStarts[low]! + 1 }
}

/** The failure of a text that does not parse, in the style of Lua: `app:main:3: unexpected symbol near 'x'`. */
export function syntaxError(
  tokens: Pick<Tokens, 'name' | 'lineStarts'>,
  offset: number,
  message: string,
): RuntimeError {
  const { line, column } = positionAt(tokens.lineStarts, offset)
  return new RuntimeError('Invalid', `${tokens.name}:${line}: ${message}`, {
    retryable: false,
    details: { line, column },
  })
}

class Lexer {
  readonly #source: string
  readonly #tokens: Tokens
  #at = 0

  constructor(source: string, name: string) {
    this.#source = source
    this.#tokens = { source, name, kinds: [], starts: [], ends: [], lineStarts: [0], repairs: [] }
  }

  run(): Tokens {
    const source = this.#source
    this.#skipHeader()
    for (;;) {
      const code = source.charCodeAt(this.#at)
      if (Number.isNaN(code)) break
      if (code === SPACE || (code >= TAB && code <= RETURN && !isBreak(code))) this.#at += 1
      else if (isBreak(code)) this.#newline()
      else if (isLetter(code)) this.#name()
      else if (code === MINUS && source.charCodeAt(this.#at + 1) === MINUS) this.#comment()
      else this.#symbol(code)
    }
    this.#push(EOF, this.#at)
    return this.#tokens
  }

  /** A byte order mark and a `#!` line are for the file system, not for Lua. */
  #skipHeader(): void {
    const mark = /^(?:\uFEFF|\u00EF\u00BB\u00BF)/.exec(this.#source)
    if (mark !== null) this.#at = mark[0].length
    if (this.#source.charCodeAt(this.#at) === HASH) this.#skipLine()
    if (this.#at > 0) this.#tokens.repairs.push({ start: 0, end: this.#at, text: ' '.repeat(this.#at) })
  }

  #push(kind: TokenKind, start: number): void {
    this.#tokens.kinds.push(kind)
    this.#tokens.starts.push(start)
    this.#tokens.ends.push(this.#at)
  }

  #fail(message: string, near: number): RuntimeError {
    return syntaxError(this.#tokens, near, `${message} near '${shown(this.#source.slice(near, this.#at))}'`)
  }

  /** `\n`, `\r`, `\r\n` and `\n\r` are one line break each. */
  #newline(): void {
    const first = this.#source.charCodeAt(this.#at)
    const second = this.#source.charCodeAt(this.#at + 1)
    this.#at += isBreak(second) && second !== first ? 2 : 1
    this.#tokens.lineStarts.push(this.#at)
  }

  #name(): void {
    const source = this.#source
    const start = this.#at
    let at = start + 1
    for (let code = source.charCodeAt(at); isLetter(code) || isDigit(code); code = source.charCodeAt(at)) at += 1
    this.#at = at
    // No keyword is longer than `function`.
    this.#push((at - start <= 8 ? keywords.get(source.slice(start, at)) : undefined) ?? NAME, start)
  }

  #symbol(code: number): void {
    const start = this.#at
    const level = code === OPEN_BRACKET ? this.#bracketLevel() : NO_BRACKET
    if (isDigit(code) || (code === DOT && isDigit(this.#source.charCodeAt(start + 1)))) this.#number()
    else if (code === DOUBLE_QUOTE || code === QUOTE) this.#string(code)
    else if (level >= 0) {
      this.#longBracket(level, 'string', start)
      this.#push(STRING, start)
    } else if (level < NO_BRACKET) {
      this.#at += -level
      throw this.#fail('invalid long string delimiter', start)
    } else this.#operator(code)
  }

  #operator(code: number): void {
    const start = this.#at
    const candidates = operators[code]
    // Most characters begin one operator only, which is that character.
    const operator =
      candidates?.length === 1 && candidates[0]!.length === 1
        ? candidates[0]
        : candidates?.find((text) => this.#source.startsWith(text, start))
    this.#at += operator?.length ?? 1
    if (operator === undefined) throw this.#fail('unexpected symbol', start)
    this.#push(operator, start)
  }

  #number(): void {
    const source = this.#source
    const start = this.#at
    const hexadecimal = source.charCodeAt(start) === 48 && /[xX]/.test(source.charAt(start + 1))
    let at = hexadecimal ? start + 2 : start
    for (;;) {
      const code = source.charCodeAt(at)
      const exponent = (code | 32) === (hexadecimal ? 112 : 101)
      if (exponent) {
        const sign = source.charCodeAt(at + 1)
        at += sign === PLUS || sign === MINUS ? 2 : 1
      } else if (isHex(code) || code === DOT) at += 1
      else break
    }
    while (isLetter(source.charCodeAt(at)) || isDigit(source.charCodeAt(at))) at += 1
    this.#at = at
    if (!NUMERAL.test(source.slice(start, at))) throw this.#fail('malformed number', start)
    this.#push(NUMBER, start)
  }

  #string(quote: number): void {
    const source = this.#source
    const start = this.#at
    this.#at += 1
    for (;;) {
      const code = source.charCodeAt(this.#at)
      if (code === quote) break
      if (Number.isNaN(code)) throw syntaxError(this.#tokens, start, 'unfinished string near <eof>')
      if (isBreak(code)) throw this.#fail('unfinished string', start)
      if (code === BACKSLASH) this.#escape(start)
      else this.#at += 1
    }
    this.#at += 1
    this.#push(STRING, start)
  }

  /** After `\` anything goes in Wippy Lua: an unknown escape is the character itself, so the backslash is dropped. */
  #escape(stringStart: number): void {
    const source = this.#source
    const backslash = this.#at
    const code = source.charCodeAt(backslash + 1)
    this.#at += 1
    if (Number.isNaN(code)) throw syntaxError(this.#tokens, stringStart, 'unfinished string near <eof>')
    const letter = String.fromCharCode(code)
    if (isBreak(code)) this.#newline()
    else if (isDigit(code)) this.#decimalEscape(backslash)
    else if (letter === 'z') this.#skipSpace()
    else this.#letterEscape(letter)
  }

  #decimalEscape(backslash: number): void {
    const end = Math.min(this.#at + 3, this.#source.length)
    let value = 0
    for (let code = this.#source.charCodeAt(this.#at); this.#at < end && isDigit(code); ) {
      value = value * 10 + code - 48
      this.#at += 1
      code = this.#source.charCodeAt(this.#at)
    }
    if (value > 255) throw this.#fail('decimal escape too large', backslash)
  }

  /** `\z` and the white space it swallows. */
  #skipSpace(): void {
    this.#at += 1
    for (;;) {
      const code = this.#source.charCodeAt(this.#at)
      if (isBreak(code)) this.#newline()
      else if (code === SPACE || (code >= TAB && code <= RETURN)) this.#at += 1
      else return
    }
  }

  #letterEscape(letter: string): void {
    const source = this.#source
    const backslash = this.#at - 1
    const known =
      (letter === 'x' && isHex(source.charCodeAt(this.#at + 1)) && isHex(source.charCodeAt(this.#at + 2))) ||
      (letter === 'u' && this.#isCodePoint()) ||
      'abfnrtv\\"\''.includes(letter)
    this.#at += 1
    if (!known) this.#tokens.repairs.push({ start: backslash, end: backslash + 1, text: '' })
  }

  #isCodePoint(): boolean {
    const digits = /^u\{([\da-fA-F]+)\}/.exec(this.#source.slice(this.#at, this.#at + 32))?.[1]
    return digits !== undefined && Number.parseInt(digits, 16) < 2 ** 31
  }

  #comment(): void {
    const start = this.#at
    this.#at += 2
    const level = this.#source.charCodeAt(this.#at) === OPEN_BRACKET ? this.#bracketLevel() : NO_BRACKET
    if (level >= 0) this.#longBracket(level, 'comment', start)
    else this.#skipLine()
  }

  #skipLine(): void {
    const source = this.#source
    const newline = source.indexOf('\n', this.#at)
    const end = newline < 0 ? source.length : newline
    // A lone `\r` ends a line too.
    const carriage = source.slice(this.#at, end).indexOf('\r')
    this.#at = carriage < 0 ? end : this.#at + carriage
  }

  /** The number of `=` of the long bracket that opens here; -1 for a plain `[`, less for `[=` that opens nothing. */
  #bracketLevel(): number {
    let at = this.#at + 1
    while (this.#source.charCodeAt(at) === EQUALS) at += 1
    const level = at - this.#at - 1
    if (this.#source.charCodeAt(at) === OPEN_BRACKET) return level
    return -1 - level
  }

  #longBracket(level: number, what: 'string' | 'comment', start: number): void {
    const source = this.#source
    this.#at += level + 2
    const closing = `]${'='.repeat(level)}]`
    for (;;) {
      const code = source.charCodeAt(this.#at)
      if (Number.isNaN(code)) throw syntaxError(this.#tokens, start, `unfinished long ${what} near <eof>`)
      if (isBreak(code)) this.#newline()
      else if (code === CLOSE_BRACKET && source.startsWith(closing, this.#at)) break
      else this.#at += 1
    }
    this.#at += closing.length
  }
}

/** What an error shows of a token: its head, on one line. */
export function shown(text: string): string {
  const line = text.replace(/[\r\n][\s\S]*/, '')
  return line.length > 60 ? `${line.slice(0, 57)}...` : line
}
