// Values on a Lua stack as a payload of the kernel: what a message, an argument list or an exit carries on its way.

import { RuntimeError } from '../core/error.ts'
import type { Value } from '../core/value.ts'
import type { Payload } from '../process/process.ts'
import { DetachedPayload } from './detached.ts'
import type { LuaEngine } from './engine.ts'

/** Values on a Lua stack as a payload: copied directly into VMs of the same instance. Valid only where it is handed out. */
export class StackPayload implements Payload {
  readonly engine: LuaEngine
  readonly thread: number
  readonly first: number
  readonly length: number
  readonly limit: number

  constructor(engine: LuaEngine, thread: number, first: number, length: number, limit = Number.POSITIVE_INFINITY) {
    this.engine = engine
    this.thread = thread
    this.first = first
    this.length = length
    this.limit = limit
  }

  detach(): Payload {
    const { marshal } = this.engine
    return new DetachedPayload(
      Array.from({ length: this.length }, (_, i) => marshal.detach(this.thread, this.first + i)),
    )
  }

  values(): Value[] {
    return Array.from({ length: this.length }, (_, i) => plain(this.engine.marshal.read(this.thread, this.first + i)))
  }
}

/** What may leave the engine as a plain value: host objects other than errors become nil. */
function plain(value: unknown): Value {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value as Value
  if (Array.isArray(value)) return value.map(plain)
  if (Object.getPrototypeOf(value) !== null) return value instanceof RuntimeError ? (value as unknown as Value) : null
  for (const key of Object.keys(value))
    (value as Record<string, Value>)[key] = plain((value as Record<string, unknown>)[key])
  return value as Value
}
