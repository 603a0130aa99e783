// Cuts a Jet template into text, and into the tokens of its actions. Handles delimiters, comments and trimming.

import { RuntimeError } from '../../core/error.ts'

export interface Delimiters {
  readonly left: string
  readonly right: string
}

export const jetDelimiters: Delimiters = { left: '{{', right: '}}' }

export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'field' | 'operator' | 'end'
  readonly text: string
  readonly line: number
}

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly line: number }

const MAX_SOURCE = 1024 * 1024
const operators = [':=', '==', '!=', '<=', '>=', '&&', '||', ...'+-*/%<>!?:|=.,;()[]']

/** The pieces of a template. Throws Invalid with name and line. */
export function cutTemplate(name: string, source: string, { left, right }: Delimiters): Piece[] {
  if (source.length > MAX_SOURCE) {
    throw new RuntimeError(
      'LimitExceeded',
      `template ${name} of ${source.length} characters exceeds the limit of ${MAX_SOURCE}`,
    )
  }
  const pieces: Piece[] = []
  let at = 0
  let line = 1
  let trimNext = false
  const addText = (text: string): void => {
    const shown = trimNext ? text.trimStart() : text
    if (shown !== '') pieces.push({ kind: 'text', text: shown })
    line += countLines(text)
    trimNext = false
  }
  while (at < source.length) {
    const action = source.indexOf(left, at)
    const comment = source.indexOf('{*', at)
    if (comment >= 0 && (action < 0 || comment <= action)) {
      const end = source.indexOf('*}', comment + 2)
      if (end < 0) throw templateError(name, line, 'unclosed comment')
      addText(source.slice(at, comment))
      line += countLines(source.slice(comment, end))
      at = end + 2
      continue
    }
    if (action < 0) {
      addText(source.slice(at))
      break
    }
    const text = source.slice(at, action)
    const inner = action + left.length
    const trimBefore = /^-\s/.test(source.slice(inner, inner + 2))
    addText(trimBefore ? text.trimEnd() : text)
    if (trimBefore) line += countLines(text) - countLines(text.trimEnd())
    const { tokens, end, trimAfter } = tokensOf(name, source, inner + (trimBefore ? 1 : 0), line, right)
    pieces.push({ kind: 'action', tokens, line })
    line += countLines(source.slice(action, end))
    trimNext = trimAfter
    at = end
  }
  return pieces
}

/** A template that cannot be used: the message has its name and the line. */
export function templateError(name: string, line: number, message: string): RuntimeError {
  return new RuntimeError('Invalid', `template ${name}:${line}: ${message}`, { retryable: false })
}

function tokensOf(
  name: string,
  source: string,
  start: number,
  firstLine: number,
  right: string,
): { tokens: Token[]; end: number; trimAfter: boolean } {
  const tokens: Token[] = []
  let at = start
  let line = firstLine
  for (;;) {
    const rest = source.slice(at, at + 400)
    const space = /^\s+/.exec(rest)?.[0] ?? ''
    line += countLines(space)
    at += space.length
    const ahead = source.slice(at, at + 400)
    if (ahead === '') throw templateError(name, firstLine, 'unclosed action')
    if (space !== '' && ahead.startsWith(`-${right}`)) return { tokens, end: at + 1 + right.length, trimAfter: true }
    if (ahead.startsWith(right)) return { tokens, end: at + right.length, trimAfter: false }
    const token = tokenAt(name, source, at, line)
    tokens.push(token.token)
    line += countLines(source.slice(at, token.end))
    at = token.end
  }
}

function tokenAt(name: string, source: string, at: number, line: number): { token: Token; end: number } {
  const sticky = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(source)?.[0]
  }
  const word = sticky(/[\p{L}_][\p{L}\p{Nd}_]*/uy)
  if (word !== undefined) return { token: { kind: 'name', text: word, line }, end: at + word.length }
  const number = sticky(/\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
  if (number !== undefined) return { token: { kind: 'number', text: number, line }, end: at + number.length }
  const field = sticky(/\.[\p{L}_][\p{L}\p{Nd}_]*/uy)
  if (field !== undefined) return { token: { kind: 'field', text: field.slice(1), line }, end: at + field.length }
  const raw = sticky(/`[^`]*`/y)
  if (raw !== undefined) return { token: { kind: 'string', text: raw.slice(1, -1), line }, end: at + raw.length }
  const quoted = sticky(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/y)
  if (quoted !== undefined) {
    return { token: { kind: 'string', text: unescapeText(quoted.slice(1, -1)), line }, end: at + quoted.length }
  }
  const operator = operators.find((one) => source.startsWith(one, at))
  if (operator === undefined) throw templateError(name, line, `unexpected ${JSON.stringify(source[at])} in action`)
  return { token: { kind: 'operator', text: operator, line }, end: at + operator.length }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

function unescapeText(text: string): string {
  return text.replace(/\\(u[\da-fA-F]{4}|x[\da-fA-F]{2}|.)/g, (_, code: string) => {
    if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return escapes[code] ?? code
  })
}

function countLines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}
