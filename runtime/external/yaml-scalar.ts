// What a plain YAML scalar means, by the rules of Go's yaml.v3: 1.2 booleans, 1.1 octals, `_` in numbers, dates as dates.
// Apps are written against those rules; test/external/golden holds what Go answered.

import type { Value } from '../core/value.ts'

export type ScalarType = 'str' | 'int' | 'float' | 'bool' | 'null' | 'timestamp' | 'merge'

export interface Scalar {
  readonly type: ScalarType
  /** For a timestamp the text as written: who wants seconds asks `timestampSeconds`. */
  readonly value: Value
}

const words: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, { type: 'null', value: null }] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, { type: 'bool', value: true }] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, { type: 'bool', value: false }] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, { type: 'float', value: Number.NaN }] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map(
    (word) => [word, { type: 'float', value: Number.POSITIVE_INFINITY }] as const,
  ),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, { type: 'float', value: Number.NEGATIVE_INFINITY }] as const),
  ['<<', { type: 'merge', value: '<<' }],
])

const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9]\d*|0)$/
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/
const TIMESTAMP =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]|[ ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?(Z|[-+]\d{2}:\d{2})?)?$/

/** The type and value of a plain (unquoted, untagged) scalar. */
export function resolveScalar(text: string): Scalar {
  const word = words.get(text)
  if (word !== undefined) return word
  const first = text.charCodeAt(0)
  const digit = first >= 48 && first <= 57
  // Only these can start a number or a date: `+`, `-`, `.` or a digit.
  if (!digit && first !== 43 && first !== 45 && first !== 46) return { type: 'str', value: text }
  if (digit && TIMESTAMP.test(text) && timestampSeconds(text) !== undefined) return { type: 'timestamp', value: text }
  const plain = first === 46 ? text : text.replaceAll('_', '')
  const integer = first === 46 ? null : INTEGER.exec(plain)
  if (integer !== null) return integerScalar(integer[1] ?? '', integer[2] ?? '')
  if (FLOAT.test(plain)) {
    const number = Number(plain)
    // Go calls a number that does not fit out of range, and leaves the text.
    if (Number.isFinite(number)) return { type: 'float', value: number }
  }
  return { type: 'str', value: text }
}

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

function integerScalar(sign: string, digits: string): Scalar {
  // A leading zero without a letter is octal, as YAML 1.1 and Go have it.
  const magnitude = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits)
  const integer = sign === '-' ? -magnitude : magnitude
  if (integer > MAX_INT64 || integer < MIN_INT64) return { type: 'float', value: Number(integer) }
  const number = Number(integer)
  return { type: 'int', value: Number.isSafeInteger(number) ? number + 0 : integer }
}

/** Seconds since 1970 of a YAML timestamp, fraction included; undefined when it is no real date. */
export function timestampSeconds(text: string): number | undefined {
  const match = TIMESTAMP.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ] // the pattern has these six groups
  const ms = Date.UTC(year, month - 1, day, hour, minute, second)
  const date = new Date(ms)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    return undefined
  }
  const zone = /^([-+])(\d{2}):(\d{2})$/.exec(match[8] ?? '')
  const offset = zone === null ? 0 : (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 3600 + Number(zone[3]) * 60)
  return ms / 1000 - offset + (match[7] === undefined ? 0 : Number(`0.${match[7]}`))
}
