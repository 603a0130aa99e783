// Cuts an expr-lang text into tokens. Knows words, numbers, strings and operators; knows no grammar.

import { RuntimeError } from '../../core/error.ts'

export type Token =
  | {
      readonly kind: 'number'
      readonly at: number
      readonly text: string
      readonly value: number | bigint
      readonly float: boolean
    }
  | { readonly kind: 'string' | 'name' | 'operator'; readonly at: number; readonly text: string }
  | { readonly kind: 'end'; readonly at: number; readonly text: '' }

// Longest first: the first that fits is the operator.
const operators = [
  '?.',
  '??',
  '?:',
  '**',
  '==',
  '!=',
  '<=',
  '>=',
  '&&',
  '||',
  '..',
  '::',
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '<',
  '>',
  '!',
  '?',
  ':',
  '.',
  ',',
  ';',
  '|',
  '=',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '#',
]

const MAX_LENGTH = 64 * 1024

/** The tokens of a text, ended by one of kind `end`. Throws Internal with a marked snippet. */
export function tokenize(source: string): Token[] {
  if (source.length > MAX_LENGTH) {
    throw new RuntimeError(
      'LimitExceeded',
      `expression of ${source.length} characters exceeds the limit of ${MAX_LENGTH}`,
    )
  }
  const tokens: Token[] = []
  let at = 0
  while (at < source.length) {
    const skipped = blank(source, at)
    if (skipped > at) {
      at = skipped
      continue
    }
    const token = tokenAt(source, at)
    tokens.push(token.token)
    at = token.end
  }
  tokens.push({ kind: 'end', at: source.length, text: '' })
  return tokens
}

/** An error as expr-lang prints it: message, line and column, the line, and a caret below the place. */
export function expressionError(message: string, source: string, at: number): RuntimeError {
  const before = source.slice(0, at)
  const line = before.split('\n').length
  const column = at - (before.lastIndexOf('\n') + 1)
  const shown = source.split('\n')[line - 1] ?? ''
  return new RuntimeError('Internal', `${message} (${line}:${column + 1})\n | ${shown}\n | ${'.'.repeat(column)}^`, {
    retryable: false,
  })
}

function blank(source: string, at: number): number {
  const spaces = matchAt(/\s+/y, source, at)
  if (spaces !== undefined) return at + spaces.length
  if (source.startsWith('//', at)) {
    const end = source.indexOf('\n', at)
    return end < 0 ? source.length : end
  }
  if (source.startsWith('/*', at)) {
    const end = source.indexOf('*/', at + 2)
    if (end < 0) throw expressionError('unclosed comment', source, at)
    return end + 2
  }
  return at
}

function tokenAt(source: string, at: number): { token: Token; end: number } {
  const name = matchAt(/[\p{L}_$][\p{L}\p{Nd}_$]*/uy, source, at)
  if (name !== undefined) return { token: { kind: 'name', at, text: name }, end: at + name.length }
  if (/^\.?\d/.test(source.slice(at, at + 2))) return numberAt(source, at)
  const quote = source[at]
  if (quote === '"' || quote === "'") return stringAt(source, at, quote)
  if (quote === '`') {
    const end = source.indexOf('`', at + 1)
    if (end < 0) throw expressionError('literal not terminated', source, at)
    return { token: { kind: 'string', at, text: source.slice(at + 1, end) }, end: end + 1 }
  }
  // `a ?.5 : b` is a condition with a number, not an optional member.
  const condition = /^\?\.\d/.test(source.slice(at, at + 3))
  const operator = condition ? '?' : operators.find((candidate) => source.startsWith(candidate, at))
  if (operator === undefined) {
    const character = String.fromCodePoint(source.codePointAt(at) ?? 0)
    throw expressionError(`unrecognized character: U+${hex4(character)} '${character}'`, source, at)
  }
  return { token: { kind: 'operator', at, text: operator }, end: at + operator.length }
}

function hex4(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
}

function numberAt(source: string, at: number): { token: Token; end: number } {
  const based = matchAt(/0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+/y, source, at)
  // `1..3` is a range, so a dot only belongs to the number when a digit follows it or no dot does.
  const text = based ?? matchAt(/(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y, source, at) ?? ''
  const end = at + text.length
  if (text === '' || /^[\p{L}_$\d]/u.test(source.slice(end, end + 2))) {
    throw expressionError(`bad number syntax: ${JSON.stringify(source.slice(at, end + 1))}`, source, at)
  }
  const digits = text.replaceAll('_', '')
  const float = based === undefined && /[.eE]/.test(digits)
  if (float) return { token: { kind: 'number', at, text, value: Number(digits), float: true }, end }
  const exact = BigInt(based === undefined ? digits.replace(/^0+(?=\d)/, '') : digits)
  if (exact > 2n ** 63n - 1n) throw expressionError('integer literal is too large', source, at)
  const value = exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact
  return { token: { kind: 'number', at, text, value, float: false }, end }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  '`': '`',
  '/': '/',
  '?': '?',
}

function stringAt(source: string, at: number, quote: string): { token: Token; end: number } {
  let text = ''
  let cursor = at + 1
  for (;;) {
    const character = source[cursor]
    if (character === undefined || character === '\n') throw expressionError('literal not terminated', source, at)
    if (character === quote) return { token: { kind: 'string', at, text }, end: cursor + 1 }
    if (character !== '\\') {
      text += character
      cursor++
      continue
    }
    const piece = escapeAt(source, cursor)
    text += piece.text
    cursor = piece.end
  }
}

function escapeAt(source: string, at: number): { text: string; end: number } {
  const simple = simpleEscapes[source[at + 1] ?? '']
  if (simple !== undefined) return { text: simple, end: at + 2 }
  const coded = matchAt(/\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3})/y, source, at)
  if (coded === undefined) throw expressionError('unable to unescape string', source, at)
  const code = /^\\[xuU]/.test(coded) ? Number.parseInt(coded.slice(2), 16) : Number.parseInt(coded.slice(1), 8)
  if (code > 0x10ffff) throw expressionError('unable to unescape string', source, at)
  return { text: String.fromCodePoint(code), end: at + coded.length }
}

function matchAt(sticky: RegExp, source: string, at: number): string | undefined {
  sticky.lastIndex = at
  return sticky.exec(source)?.[0]
}
