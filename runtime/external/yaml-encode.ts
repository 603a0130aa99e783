// Values to YAML text as Go's yaml.v3 writes it: block style, lists indented under their key, the same choice of quotes.
// Departures, where Go's own reader or a person stumbles: emoji stay as they are, `<<` is quoted, text whose first line
// starts with a space is quoted instead of written with an indentation hint.

import type { Value, ValueMap } from '../core/value.ts'
import { resolveScalar } from './yaml-scalar.ts'

export interface EncodeOptions {
  /** Spaces a level; Go's default is 4. */
  readonly indent?: number
  /** Keys that come first, in this order, at every level. */
  readonly fieldOrder?: readonly string[]
  /** Whether the other keys are sorted (default) or stay as they stand. */
  readonly sort?: boolean
}

/** YAML text of a value, with the final newline. */
export function encodeYaml(value: Value, options: EncodeOptions = {}): string {
  const { indent = 4, fieldOrder = [], sort = true } = options
  const rank = new Map(fieldOrder.map((key, index) => [key, index]))
  const keysOf = (map: ValueMap): string[] => {
    const keys = Object.keys(map)
    if (sort) keys.sort(naturalOrder)
    if (rank.size > 0) keys.sort((a, b) => (rank.get(a) ?? rank.size) - (rank.get(b) ?? rank.size))
    return keys
  }
  return `${isBlock(value) ? write(value, 0, indent, keysOf) : writeScalar(value, indent)}\n`
}

/** Text of a value that starts on a line indented by `column`; scalars and empty collections stay on it. */
function write(value: Value, column: number, indent: number, keysOf: (map: ValueMap) => string[]): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    const pad = ' '.repeat(column)
    return value.map((item) => `- ${write(item, column + 2, indent, keysOf)}`).join(`\n${pad}`)
  }
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) {
    return writeScalar(value, column)
  }
  const keys = keysOf(value)
  if (keys.length === 0) return '{}'
  const pad = ' '.repeat(column)
  return keys.map((key) => `${writeKey(key)}:${field(value[key] ?? null, column, indent, keysOf)}`).join(`\n${pad}`)
}

function field(value: Value, column: number, indent: number, keysOf: (map: ValueMap) => string[]): string {
  // Inside a list item the keys stand two columns in; the next level is aligned to a multiple of the indent, as Go does.
  const deeper = (Math.floor(column / indent) + 1) * indent
  if (!isBlock(value)) return ` ${writeScalar(value, deeper)}`
  return `\n${' '.repeat(deeper)}${write(value, deeper, indent, keysOf)}`
}

function isBlock(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && Object.keys(value).length > 0
}

function writeKey(key: string): string {
  return key.includes('\n') || key.length > 128 ? doubleQuoted(key) : writeText(key)
}

/** `bodyColumn` is where the lines of a literal block stand. */
function writeScalar(value: Value, bodyColumn: number): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return writeNumber(value)
  if (value instanceof Uint8Array) return `!!binary ${Buffer.from(value).toString('base64')}`
  if (typeof value !== 'string') return Array.isArray(value) ? '[]' : '{}'
  return value.includes('\n') && literalAllowed(value) ? literal(value, bodyColumn) : writeText(value)
}

function writeNumber(number: number): string {
  if (Number.isNaN(number)) return '.nan'
  if (!Number.isFinite(number)) return number > 0 ? '.inf' : '-.inf'
  if (Number.isSafeInteger(number)) return String(number)
  // Go's %g in its shortest form: an exponent from 1e6 on and below 1e-4, written with two digits.
  const [mantissa = '', exponentText = '0'] = number.toExponential().split('e')
  const exponent = Number(exponentText)
  if (exponent >= -4 && exponent < 6) return String(number)
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

const OLD_BOOL = /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/

function writeText(text: string): string {
  if (resolveScalar(text).type !== 'str' || OLD_BOOL.test(text) || BASE_60.test(text)) return doubleQuoted(text)
  if (needsEscapes(text) || text.includes('\t')) return doubleQuoted(text)
  return plainAllowed(text) ? text : `'${text.replaceAll("'", "''")}'`
}

/** Control characters, what a reader would not print, and breaks beside spaces survive only in double quotes. */
function needsEscapes(text: string): boolean {
  return /[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028\u2029\ufeff\ufffe\uffff\n\r\x85]|[\ud800-\udfff]/.test(
    text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ''),
  )
}

function plainAllowed(text: string): boolean {
  if (/^[ \t]|[ \t]$/.test(text) || text.includes('\t')) return false
  if (/^(?:---|\.\.\.)/.test(text)) return false
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](?:[ \t]|$)/.test(text)) return false
  return !/: |:$| #/.test(text)
}

function literalAllowed(text: string): boolean {
  // A space at the end, or a line that begins the text with one, would need hints that readers get wrong.
  return !/ $|^ |\t\n| \n/.test(text) && !needsEscapes(text.replaceAll('\n', '')) && !/^\n/.test(text)
}

function literal(text: string, bodyColumn: number): string {
  const deeper = ' '.repeat(bodyColumn)
  const tail = text.endsWith('\n\n') ? '+' : text.endsWith('\n') ? '' : '-'
  const body = tail === '-' ? text : text.slice(0, -1)
  return `|${tail}\n${body
    .split('\n')
    .map((line) => (line === '' ? '' : deeper + line))
    .join('\n')}`
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\x85': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
}

function doubleQuoted(text: string): string {
  const body = text.replace(/["\\]|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|[\ud800-\udfff]+/g, (found) => {
    const named = escapes[found]
    if (named !== undefined) return named
    if (found.length > 1 && !/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(found)) return found
    const code = found.charCodeAt(0)
    return code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`
  })
  return `"${body}"`
}

function hex(code: number, width: number): string {
  return code.toString(16).toUpperCase().padStart(width, '0')
}

/** Go's order of keys: runs of digits compare as numbers, letters come after other characters. */
function naturalOrder(a: string, b: string): number {
  const left = [...a]
  const right = [...b]
  let digits = false
  for (let i = 0; i < left.length && i < right.length; i++) {
    const x = left[i] ?? ''
    const y = right[i] ?? ''
    if (x === y) {
      digits = isDigit(x)
      continue
    }
    const letterX = isLetter(x)
    const letterY = isLetter(y)
    if (letterX && letterY) return x < y ? -1 : 1
    if (letterX || letterY) return digits === letterX ? -1 : 1
    return compareDigits(left, right, i, x, y)
  }
  return left.length - right.length
}

function compareDigits(left: string[], right: string[], at: number, x: string, y: string): number {
  // Leading zeros of an earlier run change nothing: count the runs that start here.
  let i = at
  let j = at
  let first = 0n
  let second = 0n
  if (x === '0' || y === '0') {
    let nonZero = false
    for (let k = at - 1; k >= 0 && isDigit(left[k] ?? ''); k--) nonZero ||= left[k] !== '0'
    if (nonZero) {
      first = 1n
      second = 1n
    }
  }
  for (; i < left.length && isDigit(left[i] ?? ''); i++) first = first * 10n + BigInt(left[i] ?? 0)
  for (; j < right.length && isDigit(right[j] ?? ''); j++) second = second * 10n + BigInt(right[j] ?? 0)
  if (first !== second) return first < second ? -1 : 1
  if (i !== j) return i - j
  return x < y ? -1 : 1
}

function isDigit(char: string): boolean {
  return /^\p{Nd}$/u.test(char) && char >= '0' && char <= '9'
}

function isLetter(char: string): boolean {
  return /^\p{L}$/u.test(char)
}
