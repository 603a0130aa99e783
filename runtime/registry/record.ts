// Operations as the text a history keeps. JSON, with marks for what JSON lacks: big integers, bytes, numbers that are none.
// A map with a key that looks like a mark is written as a list of pairs, so nothing in an entry can pass for one.

import type { Origin } from '../core/entry.ts'
import { emptyMap, isMap, type Value } from '../core/value.ts'
import type { Held, Operation } from './changeset.ts'

export function writeOperations(operations: readonly Operation[]): string {
  return JSON.stringify(
    operations.map(({ id, before, after, disk }) => ({ id, before: writeHeld(before), after: writeHeld(after), disk })),
  )
}

/** Reads what `writeOperations` wrote; the text is ours, so its shape is trusted. */
export function readOperations(text: string): Operation[] {
  const list = JSON.parse(text) as { id: string; before?: WrittenHeld; after?: WrittenHeld; disk?: string }[]
  return list.map(({ id, before, after, disk }) => ({
    id,
    before: readHeld(id, before),
    after: readHeld(id, after),
    disk,
  }))
}

interface WrittenHeld {
  readonly kind: string
  readonly meta: unknown
  readonly data: unknown
  readonly origin: Origin
}

function writeHeld(held: Held | undefined): WrittenHeld | undefined {
  if (held === undefined) return undefined
  const { kind, meta, data } = held.entry
  return { kind, meta: write(meta), data: write(data), origin: held.origin }
}

function readHeld(id: string, written: WrittenHeld | undefined): Held | undefined {
  if (written === undefined) return undefined
  const { kind, meta, data, origin } = written
  const readMeta = read(meta)
  return { entry: { id, kind, meta: isMap(readMeta) ? readMeta : emptyMap(), data: read(data) }, origin }
}

function write(value: Value): unknown {
  if (typeof value === 'bigint') return { $int: value.toString() }
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) }
  if (Object.is(value, -0)) return { $number: '-0' }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(write)
  if (!isMap(value)) return value
  const keys = Object.keys(value)
  const pairs = keys.map((key) => [key, write(value[key] ?? null)] as const)
  // `__proto__` as a key of a plain object would be lost on the way.
  return keys.some((key) => key.startsWith('$') || key === '__proto__') ? { $map: pairs } : Object.fromEntries(pairs)
}

function read(written: unknown): Value {
  if (Array.isArray(written)) return written.map(read)
  if (typeof written !== 'object' || written === null) return written as Value // JSON has no other scalars
  const marked = written as { $int?: string; $number?: string; $bytes?: string; $map?: [string, unknown][] }
  if (marked.$int !== undefined) return BigInt(marked.$int)
  if (marked.$number !== undefined) return Number(marked.$number)
  if (marked.$bytes !== undefined) return new Uint8Array(Buffer.from(marked.$bytes, 'base64'))
  const map = emptyMap()
  for (const [key, value] of marked.$map ?? Object.entries(written)) map[key] = read(value)
  return map
}
