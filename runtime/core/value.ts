// Plain data: what entries hold, what crosses between Lua and TypeScript, what a message carries outside an engine.
// Text is a JS string (UTF-8 on the Lua side); a Lua string that is not UTF-8 is a Uint8Array, so bytes survive both ways.
// Integers beyond 2^53 are bigint. Tables read from Lua are arrays or null-prototype objects, so no key is special.

export type Value = null | boolean | number | bigint | string | Uint8Array | Value[] | ValueMap
export interface ValueMap {
  [key: string]: Value
}

/** An empty map whose keys can be anything, `__proto__` included. */
export function emptyMap(): ValueMap {
  return Object.create(null) as ValueMap
}

/** True for a map value: not null, not an array, not bytes. */
export function isMap(value: unknown): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** A deep copy that shares nothing with its source. */
export function cloneValue(value: Value): Value {
  if (Array.isArray(value)) return value.map(cloneValue)
  if (value instanceof Uint8Array) return value.slice()
  if (!isMap(value)) return value
  const copy = emptyMap()
  for (const key of Object.keys(value)) copy[key] = cloneValue(value[key] ?? null)
  return copy
}

/** Deep equality; numbers and bigints compare by value, key order does not matter. */
export function equalValues(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are the same Lua number
  if (isNumeric(a) && isNumeric(b)) return a == b || (Number.isNaN(a) && Number.isNaN(b))
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => equalValues(item, b[i]))
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  if (!isMap(a) || !isMap(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && equalValues(a[key], b[key]))
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** JSON text of a value, keys sorted at every level: equal values give equal text. Used for hashes and diffs. */
export function canonicalJson(value: Value | undefined): string {
  return JSON.stringify(sorted(value ?? null))
}

function sorted(value: Value): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(sorted)
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  )
}
