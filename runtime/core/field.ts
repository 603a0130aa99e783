// Reads the fields of an entry's data with a type and a name in every error: `entry app:cache: ttl "x" is not a duration`.

import { durationMs } from './duration.ts'
import type { Entry } from './entry.ts'
import { RuntimeError } from './error.ts'
import { parseSize } from './size.ts'
import { emptyMap, isMap, type Value, type ValueMap } from './value.ts'

/** Turns a value into what the field means, or throws Invalid with a message that starts with `what`. */
export type Decoder<T> = (value: Value, what: string) => T

/** A field that must be there. */
export function requiredField<T>(entry: Entry, name: string, decode: Decoder<T>): T {
  const value = fieldOf(entry, name)
  if (value === undefined) throw new RuntimeError('Invalid', `entry ${entry.id}: ${name} is required`)
  return decode(value, `entry ${entry.id}: ${name}`)
}

/** A field that may be absent or null. */
export function field<T, F>(entry: Entry, name: string, decode: Decoder<T>, fallback: F): T | F {
  const value = fieldOf(entry, name)
  return value === undefined ? fallback : decode(value, `entry ${entry.id}: ${name}`)
}

function fieldOf(entry: Entry, name: string): Value | undefined {
  const { data } = entry
  return isMap(data) && Object.hasOwn(data, name) && data[name] !== null ? data[name] : undefined
}

/** The message of a value that is not what it should be. */
export function notA(what: string, value: unknown, expected: string): RuntimeError {
  return new RuntimeError('Invalid', `${what} ${shown(value)} is not ${expected}`)
}

export const asText: Decoder<string> = (value, what) => {
  if (typeof value !== 'string') throw notA(what, value, 'a string')
  return value
}

/** Text that is not empty. */
export const asName: Decoder<string> = (value, what) => {
  if (typeof value !== 'string' || value === '') throw notA(what, value, 'a non-empty string')
  return value
}

export const asBoolean: Decoder<boolean> = (value, what) => {
  if (typeof value !== 'boolean') throw notA(what, value, 'a boolean')
  return value
}

export const asNumber: Decoder<number> = (value, what) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw notA(what, value, 'a number')
  return value
}

/** A whole number of at least zero. */
export const asCount: Decoder<number> = (value, what) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw notA(what, value, 'a non-negative integer')
  }
  return value
}

/** Bytes: a number of them, or text such as `64MB`. */
export const asSize: Decoder<number> = (value, what) => {
  const bytes = typeof value === 'string' ? parseSize(value) : value
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0)
    throw notA(what, value, 'a size such as 64MB')
  return bytes
}

/** Milliseconds of a Go duration. */
export const asDuration: Decoder<number> = (value, what) => durationMs(value, what)

/** An empty list is an empty map too: a table made by Lua does not say which it is. */
// Entries made by Lua write an empty list and an empty map alike: each is taken for the other.
const isEmpty = (value: Value): boolean =>
  Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0

export const asMap: Decoder<ValueMap> = (value, what) => {
  if (Array.isArray(value) && isEmpty(value)) return emptyMap()
  if (Array.isArray(value) && value.length === 0) return emptyMap()
  if (!isMap(value)) throw notA(what, value, 'a map')
  return value
}

/** A list whose items are decoded one by one; errors name the item: `storages[1]`. An empty map is an empty list. */
export function asList<T>(item: Decoder<T>): Decoder<T[]> {
  return (value, what) => {
    if (isMap(value) && Object.keys(value).length === 0) return []
    if (!Array.isArray(value)) throw notA(what, value, 'a list')
    return value.map((one, index) => item(one, `${what}[${index}]`))
  }
}

/**
 * A file mode. YAML readers differ on `0600`: text is read as octal, and so is a number beyond 0o777 whose digits are
 * octal, since nobody means mode 1130.
 */
export const asFileMode: Decoder<number> = (value, what) => {
  const digits = typeof value === 'number' && value > 0o777 ? String(value) : value
  const mode =
    typeof digits === 'string' && /^0?o?[0-7]{1,4}$/.test(digits) ? Number.parseInt(digits.replace('o', ''), 8) : digits
  if (typeof mode !== 'number' || !Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    throw notA(what, value, 'a file mode')
  }
  return mode
}

function shown(value: unknown): string {
  // Of numbers JSON has no infinite ones.
  if (value === undefined || typeof value === 'bigint' || typeof value === 'number') return String(value)
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
