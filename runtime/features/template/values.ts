// What the operators of templates do to values.

import { isMap } from '../../core/value.ts'
import { RenderError, SafeText } from './parts.ts'

/** nil, false, zero and everything empty are false. */
export function truthy(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === 0n || value === '')
    return false
  if (Array.isArray(value)) return value.length > 0
  return isMap(value) && Object.getPrototypeOf(value) === null ? Object.keys(value).length > 0 : true
}

/** Text of a printed value; nil is nothing. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (value instanceof SafeText) return value.text
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (Array.isArray(value)) return `[${value.map(textOf).join(' ')}]`
  if (typeof value === 'function') return 'function'
  if (!isMap(value)) return String(value)
  const keys = Object.keys(value).sort()
  return `map[${keys.map((key) => `${key}:${textOf(value[key])}`).join(' ')}]`
}

/** `object[key]`: nil for a missing key or item; nil itself has no members. */
export function indexOf(object: unknown, key: unknown): unknown {
  if (object === null || object === undefined) throw new RenderError(`cannot get ${textOf(key)} of nil`)
  if (Array.isArray(object)) {
    if (typeof key !== 'number' || !Number.isInteger(key)) throw new RenderError(`a list has no field ${textOf(key)}`)
    if (key < 0 || key >= object.length) throw new RenderError(`index ${key} is out of range (length ${object.length})`)
    return object[key]
  }
  if (typeof object === 'string' && typeof key === 'number') {
    const byte = Buffer.from(object, 'utf8')[key]
    if (byte === undefined) throw new RenderError(`index ${key} is out of range`)
    return byte
  }
  if (!isMap(object) || object instanceof SafeText)
    throw new RenderError(`${typeof object} has no field ${textOf(key)}`)
  const name = textOf(key)
  return Object.hasOwn(object, name) ? object[name] : null
}

export function sliceOf(object: unknown, from: unknown, to: unknown): unknown {
  if (typeof object !== 'string' && !Array.isArray(object)) throw new RenderError('only lists and texts can be sliced')
  const start = from === undefined ? 0 : Number(from)
  const end = to === undefined ? object.length : Number(to)
  if (!(start >= 0 && end >= start && end <= object.length)) {
    throw new RenderError(`slice [${textOf(from)}:${textOf(to)}] is out of range (length ${object.length})`)
  }
  return object.slice(start, end)
}

export function equalTo(a: unknown, b: unknown): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are the same number
  if (isNumber(a) && isNumber(b)) return a == b
  return (a ?? null) === (b ?? null)
}

/** Numbers by value, anything else by its text. */
export function compareValues(a: unknown, b: unknown): number {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0
  const [x, y] = [textOf(a), textOf(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

/** Arithmetic; `+` with a text on either side joins texts. */
export function operate(operator: string, a: unknown, b: unknown): unknown {
  if (operator === '+' && (typeof a === 'string' || typeof b === 'string')) return textOf(a) + textOf(b)
  const [x, y] = [numberOf(a, operator), numberOf(b, operator)]
  if (operator === '+') return x + y
  if (operator === '-') return x - y
  if (operator === '*') return x * y
  if (y === 0 && Number.isInteger(x)) throw new RenderError('division by zero')
  return operator === '/' ? (Number.isInteger(x) && Number.isInteger(y) ? Math.trunc(x / y) : x / y) : x % y
}

function numberOf(value: unknown, operator: string): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value)
  throw new RenderError(
    `${operator} needs numbers, got ${value === null || value === undefined ? 'nil' : JSON.stringify(textOf(value).slice(0, 40))}`,
  )
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}
