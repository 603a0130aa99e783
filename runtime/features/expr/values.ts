// What expr-lang operators do to values: arithmetic, equality, order, membership, text form. Integers are exact to 64 bits:
// a result beyond 2^53 becomes a bigint, beyond 64 bits a float (expr-lang wraps around there; a wrong sign helps nobody).

import { formatDuration } from '../../core/duration.ts'
import { isMap } from '../../core/value.ts'
import { ExprTime, formatTime } from './dates.ts'
import { fail } from './failure.ts'

/** A span of time in nanoseconds: what `duration("1h")` gives. */
export class ExprDuration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

export type Numeric = number | bigint

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint'
}

export function isInteger(value: unknown): value is Numeric {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
}

/** expr-lang's name of the type of a value, as `type(v)` gives it. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'nil'
  if (typeof value === 'boolean') return 'bool'
  if (isNumeric(value)) return isInteger(value) ? 'int' : 'float'
  if (typeof value === 'string') return 'string'
  if (Array.isArray(value)) return 'array'
  if (value instanceof ExprTime) return 'time.Time'
  if (value instanceof ExprDuration) return 'time.Duration'
  return isMap(value) ? 'map' : 'unknown'
}

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** The smallest form that holds an integer exactly. */
export function shrink(value: bigint): Numeric {
  if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  return value < MIN_INT64 || value > MAX_INT64 ? Number(value) : value
}

function arithmetic(operator: '+' | '-' | '*', a: Numeric, b: Numeric): Numeric {
  if (typeof a === 'number' && typeof b === 'number') {
    const quick = operator === '+' ? a + b : operator === '-' ? a - b : a * b
    if (Number.isSafeInteger(quick) || !Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return quick
  }
  if (!isInteger(a) || !isInteger(b)) return arithmetic(operator, Number(a), Number(b))
  const [x, y] = [BigInt(a), BigInt(b)]
  return shrink(operator === '+' ? x + y : operator === '-' ? x - y : x * y)
}

export function add(a: unknown, b: unknown): unknown {
  if (isNumeric(a) && isNumeric(b)) return arithmetic('+', a, b)
  if (typeof a === 'string' && typeof b === 'string') return a + b
  if (a instanceof ExprTime && b instanceof ExprDuration) return a.plus(b.nanos)
  if (a instanceof ExprDuration && b instanceof ExprTime) return b.plus(a.nanos)
  if (a instanceof ExprDuration && b instanceof ExprDuration) return new ExprDuration(a.nanos + b.nanos)
  return mismatch('+', a, b)
}

export function subtract(a: unknown, b: unknown): unknown {
  if (isNumeric(a) && isNumeric(b)) return arithmetic('-', a, b)
  if (a instanceof ExprTime && b instanceof ExprTime) return new ExprDuration(a.nanos - b.nanos)
  if (a instanceof ExprTime && b instanceof ExprDuration) return a.plus(-b.nanos)
  if (a instanceof ExprDuration && b instanceof ExprDuration) return new ExprDuration(a.nanos - b.nanos)
  return mismatch('-', a, b)
}

export function multiply(a: unknown, b: unknown): unknown {
  if (isNumeric(a) && isNumeric(b)) return arithmetic('*', a, b)
  if (a instanceof ExprDuration && isInteger(b)) return new ExprDuration(a.nanos * BigInt(b))
  if (isInteger(a) && b instanceof ExprDuration) return new ExprDuration(b.nanos * BigInt(a))
  return mismatch('*', a, b)
}

/** Always a float: `1 / 2` is 0.5. */
export function divide(a: unknown, b: unknown): unknown {
  return isNumeric(a) && isNumeric(b) ? Number(a) / Number(b) : mismatch('/', a, b)
}

export function modulo(a: unknown, b: unknown): unknown {
  if (!isInteger(a) || !isInteger(b)) return mismatch('%', a, b)
  if (b === 0 || b === 0n) return fail('integer divide by zero')
  return typeof a === 'number' && typeof b === 'number' ? (a % b) + 0 : shrink(BigInt(a) % BigInt(b))
}

export function power(a: unknown, b: unknown): unknown {
  return isNumeric(a) && isNumeric(b) ? Number(a) ** Number(b) : mismatch('**', a, b)
}

export function negate(value: unknown): unknown {
  if (typeof value === 'number') return value === 0 ? 0 : -value
  if (typeof value === 'bigint') return shrink(-value)
  if (value instanceof ExprDuration) return new ExprDuration(-value.nanos)
  return fail(`invalid operation: - ${typeName(value)}`)
}

/** Below, equal, above as -1, 0, 1. Fails for types that have no common order. */
export function compare(operator: string, a: unknown, b: unknown): number {
  if (isNumeric(a) && isNumeric(b)) return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (a instanceof ExprTime && b instanceof ExprTime) return compare(operator, a.nanos, b.nanos)
  if (a instanceof ExprDuration && b instanceof ExprDuration) return compare(operator, a.nanos, b.nanos)
  return mismatch(operator, a, b)
}

/** By code points, which is the order of their UTF-8 bytes. */
function compareText(a: string, b: string): number {
  if (a === b) return 0
  const isPlain = (text: string): boolean => !/[\ud800-\udfff]/.test(text)
  if (isPlain(a) && isPlain(b)) return a < b ? -1 : 1
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}

/** Deep equality; numbers compare by value. `spend` is told of every pair looked at. */
export function equal(a: unknown, b: unknown, spend: (steps: number) => void): boolean {
  spend(1)
  if (a === b) return true
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are the same number
  if (isNumeric(a) && isNumeric(b)) return a == b
  if ((a ?? null) === null || (b ?? null) === null) return (a ?? null) === (b ?? null)
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index], spend))
  }
  if (a instanceof ExprTime) return b instanceof ExprTime && a.nanos === b.nanos
  if (a instanceof ExprDuration) return b instanceof ExprDuration && a.nanos === b.nanos
  if (!isMap(a) || !isMap(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key], spend))
  )
}

/** `needle in container`. */
export function isIn(needle: unknown, container: unknown, spend: (steps: number) => void): boolean {
  if ((container ?? null) === null) return false
  if (Array.isArray(container)) return container.some((item) => equal(item, needle, spend))
  if (isMap(container)) return isKey(needle) && Object.hasOwn(container, String(needle))
  return fail(`operator "in" not defined on ${typeName(container)}`)
}

export function isKey(value: unknown): value is string | Numeric | boolean {
  return typeof value === 'string' || isNumeric(value) || typeof value === 'boolean'
}

/** `object[key]`: negative indexes count from the end, a missing key is nil, nil itself has no members. */
export function fetch(object: unknown, key: unknown): unknown {
  if ((object ?? null) === null) return fail(`cannot fetch ${textOf(key)} from <nil>`)
  if (Array.isArray(object) && isInteger(key)) {
    const index = Number(key)
    const at = index < 0 ? object.length + index : index
    if (at < 0 || at >= object.length) return fail(`index out of range: ${index} (array length is ${object.length})`)
    return object[at] ?? null
  }
  if (isPlainMap(object) && isKey(key)) return Object.hasOwn(object, String(key)) ? (object[String(key)] ?? null) : null
  return fail(`cannot fetch ${textOf(key)} from ${typeName(object)}`)
}

/** A map and not one of our own objects: those have methods only. */
export function isPlainMap(value: unknown): value is Record<string, unknown> {
  return isMap(value) && !(value instanceof ExprTime) && !(value instanceof ExprDuration)
}

/** Go's `%v`. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(textOf).join(' ')}]`
  if (value instanceof ExprTime) return formatTime(value)
  if (value instanceof ExprDuration) return formatDuration(value.nanos)
  if (!isPlainMap(value)) return String(value)
  const keys = Object.keys(value).sort()
  return `map[${keys.map((key) => `${key}:${textOf(value[key])}`).join(' ')}]`
}

function mismatch(operator: string, a: unknown, b: unknown): never {
  return fail(`invalid operation: ${operator} (mismatched types ${typeName(a)} and ${typeName(b)})`)
}
