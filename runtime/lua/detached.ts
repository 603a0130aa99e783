// Lua values outside any Lua state, without loss: subtypes of numbers, keys of every kind, metatables, shared tables and cycles
// stay (spec/process.md §4). For arguments and results that have to wait; what need not wait is copied from stack to stack.

import { RuntimeError } from '../core/error.ts'
import { emptyMap, type Value } from '../core/value.ts'
import type { Payload } from '../process/process.ts'

/** A float whose value is integral: as a plain number it would come back as an integer. */
export class DetachedFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

export class DetachedTable {
  readonly entries: [key: unknown, value: unknown][] = []
  metatable: DetachedTable | null = null
}

export class DetachedPayload implements Payload {
  readonly items: readonly unknown[]
  readonly length: number
  constructor(items: readonly unknown[]) {
    this.items = items
    this.length = items.length
  }

  values(): Value[] {
    const budget = { parts: MAX_PARTS }
    return this.items.map((item) => plain(item, 0, budget))
  }
}

/** The same values for as long as they are wanted: a payload is valid only where it is handed out. */
export function detached(payload: Payload): Payload {
  return payload.detach?.() ?? payload
}

/** The first value, to be handed to Lua again: all of it, if the payload is detached. */
export function firstOf(payload: Payload): unknown {
  const kept = detached(payload)
  return (kept instanceof DetachedPayload ? kept.items[0] : kept.values()[0]) ?? null
}

const MAX_DEPTH = 128
/** A graph of shared tables can unfold to any size. */
const MAX_PARTS = 4_000_000

/** What everything outside the engine understands: a table with an array part is a list, others are maps by text. */
function plain(item: unknown, depth: number, budget: { parts: number }): Value {
  if (--budget.parts < 0) throw new RuntimeError('LimitExceeded', `value has more than ${MAX_PARTS} parts`)
  if (depth > MAX_DEPTH) {
    throw new RuntimeError('Invalid', `value is nested deeper than ${MAX_DEPTH} levels`, { retryable: false })
  }
  if (item instanceof DetachedFloat) return item.value
  if (!(item instanceof DetachedTable)) return (item ?? null) as Value
  const listed = new Map<number, unknown>()
  for (const [key, value] of item.entries)
    if (typeof key === 'number' && Number.isInteger(key) && key > 0) listed.set(key, value)
  const length = listLength(listed)
  if (length > 0) return Array.from({ length }, (_, i) => plain(listed.get(i + 1), depth + 1, budget))
  const map = emptyMap()
  for (const [key, value] of item.entries) map[String(key)] = plain(value, depth + 1, budget)
  return map
}

/** Up to the highest index, unless that leaves mostly holes: then up to the first hole. */
function listLength(listed: ReadonlyMap<number, unknown>): number {
  let highest = 0
  for (const index of listed.keys()) if (index > highest) highest = index
  if (highest <= listed.size * 4 + 64) return highest
  let border = 0
  while (listed.has(border + 1)) border++
  return border
}
