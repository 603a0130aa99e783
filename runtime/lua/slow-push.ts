// Builds large Lua values in pieces, with the results of `Marshal.push`: what is under way stands on a thread of its own until
// it is complete.

import { RuntimeError } from '../core/error.ts'
import type { ValueMap } from '../core/value.ts'
import type { LuaInstance } from './instance.ts'
import type { Marshal } from './marshal.ts'
import { LuaPayload } from './module.ts'
import type { VM } from './vm.ts'

/** Values built in one step. */
const PIECE = 500
/** Characters of text that count as one value. */
const TEXT_UNIT = 2048
const MAX_DEPTH = 128
/** What all pieces together may take. */
const MAX_BUILT = 256 << 20

interface Frame {
  readonly items: readonly unknown[]
  /** Of a map, as many as items. */
  readonly keys: readonly unknown[] | undefined
  at: number
}

/** Whether a value is to be built in pieces; looks at no more than the first thousands of its parts. */
export function isLarge(value: unknown, limit: number): boolean {
  let room = limit
  const visit = (part: unknown): boolean => {
    room -= 1 + (typeof part === 'string' ? part.length / TEXT_UNIT : 0)
    if (room < 0) return true
    if (typeof part !== 'object' || part === null) return false
    if (Array.isArray(part)) return part.length > room || part.some(visit)
    if (part instanceof LuaPayload) return visit(part.value)
    if (part instanceof Map) return part.size > room || [...part.values()].some(visit)
    if (!isPlainMap(part)) return false
    for (const key in part) if (visit(part[key])) return true
    return false
  }
  return typeof value === 'object' && value !== null && visit(value)
}

/** JSON.parse gives its maps the prototype of objects, everything else of ours gives them none. */
function isPlainMap(value: object): value is ValueMap {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** What a table is made of; undefined for what is no table. */
function partsOf(value: object): Pick<Frame, 'items' | 'keys'> | undefined {
  if (Array.isArray(value)) return { items: value, keys: undefined }
  if (value instanceof Map) return { items: [...value.values()], keys: [...value.keys()] }
  return isPlainMap(value) ? { items: Object.values(value), keys: Object.keys(value) } : undefined
}

export class SlowPush {
  readonly #lua: LuaInstance
  readonly #marshal: Marshal
  readonly #vm: VM
  readonly #thread: number
  readonly #values: readonly unknown[]
  readonly #frames: Frame[] = []
  #next = 0
  #room = 0
  #built = 0

  /** Pushes the values on `thread`, a thread of the VM. */
  constructor(lua: LuaInstance, marshal: Marshal, vm: VM, thread: number, values: readonly unknown[]) {
    this.#lua = lua
    this.#marshal = marshal
    this.#vm = vm
    this.#thread = thread
    this.#values = values
  }

  readonly step = (): boolean => {
    this.#room = PIECE
    this.#vm.lift(MAX_BUILT - this.#built)
    try {
      while (this.#room > 0) {
        const frame = this.#frames.at(-1)
        if (frame !== undefined) this.#advance(frame)
        else if (this.#next === this.#values.length) return true
        else this.#build(this.#values[this.#next++])
      }
      return false
    } finally {
      this.#built += this.#vm.built
      this.#vm.limit()
    }
  }

  #advance(frame: Frame): void {
    const { api } = this.#lua
    const { items, keys } = frame
    while (keys !== undefined && frame.at < items.length && (items[frame.at] ?? null) === null) frame.at++
    if (frame.at === items.length) {
      this.#frames.pop()
      this.#store()
      return
    }
    this.#vm.checkBuilt()
    const { at } = frame
    frame.at++
    if (keys !== undefined) this.#marshal.push(this.#vm, this.#thread, keys[at])
    api.lua_checkstack(this.#thread, 4)
    this.#build(items[at])
  }

  /** Pushes a value, or begins with its parts. */
  #build(value: unknown): void {
    this.#room -= 1 + (typeof value === 'string' ? value.length / TEXT_UNIT : 0)
    // Scalars first: optimised code of Node 20 crashed on a number that was asked whether it is a Map.
    const table = typeof value === 'object' && value !== null ? partsOf(value) : undefined
    const { api } = this.#lua
    if (table === undefined) {
      this.#marshal.push(this.#vm, this.#thread, value)
      this.#store()
      return
    }
    if (this.#frames.length > MAX_DEPTH) {
      throw new RuntimeError('Invalid', `value is nested deeper than ${MAX_DEPTH} levels`, { retryable: false })
    }
    const { items, keys } = table
    api.lua_checkstack(this.#thread, 8)
    if (keys === undefined) api.lua_createtable(this.#thread, items.length, 0)
    // At least one slot, so that an empty map is still told from an empty list (LuaTable.hadKeys).
    else api.lua_createtable(this.#thread, 0, Math.max(1, keys.length))
    this.#frames.push({ items, keys, at: 0 })
  }

  /** The value on top is complete: it goes into the table below, if there is one. */
  #store(): void {
    const frame = this.#frames.at(-1)
    if (frame === undefined) return
    if (frame.keys === undefined) this.#lua.side.rawseti(this.#thread, -2, frame.at)
    else this.#lua.api.lua_rawset(this.#thread, -3)
  }
}
