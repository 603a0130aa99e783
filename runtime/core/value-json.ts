// Values as JSON and back without loss: marks stand for what JSON lacks (big integers, bytes, numbers that are none).
// A map with a key that looks like a mark is written as a list of pairs, so no value can pass for one.

import { emptyMap, isMap, type Value } from './value.ts'

/** What `JSON.stringify` keeps of a value; `fromJson` gives the value again. */
export function toJson(value: Value): unknown {
  if (typeof value === 'bigint') return { $int: value.toString() }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { $number: Object.is(value, -0) ? '-0' : String(value) }
  }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(toJson)
  if (!isMap(value)) return value
  const pairs = Object.keys(value).map((key) => [key, toJson(value[key] ?? null)] as const)
  const marked = pairs.some(([key]) => key.startsWith('$') || key === '__proto__')
  return marked ? { $map: pairs } : Object.fromEntries(pairs)
}

/** Reads what `toJson` made. Throws for a mark that holds something else, as text from outside may. */
export function fromJson(written: unknown): Value {
  if (Array.isArray(written)) return written.map(fromJson)
  if (typeof written !== 'object' || written === null) return written as Value // JSON has no other scalars
  const { $int, $number, $bytes, $map } = written as Record<string, unknown>
  if (typeof $int === 'string') return BigInt($int)
  if (typeof $number === 'string') return Number($number)
  if (typeof $bytes === 'string') return Uint8Array.from(Buffer.from($bytes, 'base64'))
  const map = emptyMap()
  const pairs: readonly unknown[] = Array.isArray($map) ? $map : Object.entries(written)
  for (const pair of pairs) {
    if (!Array.isArray(pair) || typeof pair[0] !== 'string') throw new SyntaxError('a map is not a list of pairs')
    map[pair[0]] = fromJson(pair[1])
  }
  return map
}
