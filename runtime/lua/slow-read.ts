// Reads large Lua values in pieces, with the results of `Marshal.read`: what is under way stands on a thread of its own, and
// the program may run between two pieces.

import { RuntimeError } from '../core/error.ts'
import { emptyMap, type Value, type ValueMap } from '../core/value.ts'
import type { LuaInstance } from './instance.ts'
import { HANDLE_PAYLOAD } from './instance.ts'
import { listOrMap, type Marshal } from './marshal.ts'
import { LuaTable } from './module.ts'
import { LUA } from './wasm.ts'

/** Values read in one step. */
const PIECE = 500
/** Bytes of text that count as one value. */
const TEXT_UNIT = 512
const MAX_DEPTH = 128
const MAX_EXACT_DEPTH = 1000

interface List {
  readonly type: 'list'
  readonly index: number
  readonly length: number
  readonly items: unknown[]
}
interface Fields {
  readonly type: 'map' | 'exact'
  readonly index: number
  readonly map: ValueMap
  readonly table: LuaTable | undefined
  highest: number
  count: number
  key: unknown
  /** The number of the piece in which the key on the stack was last seen in its table. */
  seen: number
}
type Frame = List | Fields

export class SlowRead {
  readonly #lua: LuaInstance
  readonly #marshal: Marshal
  readonly #thread: number
  readonly #exact: boolean
  readonly #frames: Frame[] = []
  readonly #known = new Map<number, LuaTable>()
  #piece = 0
  #room = 0
  #total = 0
  /** What was read; complete when `step` has answered true. */
  readonly values: unknown[] = []
  readonly #count: number

  /** Reads the values that stand on `thread`, all of them, and leaves it to the caller to release. */
  constructor(lua: LuaInstance, marshal: Marshal, thread: number, exact: boolean) {
    this.#lua = lua
    this.#marshal = marshal
    this.#thread = thread
    this.#exact = exact
    this.#count = lua.api.lua_gettop(thread)
  }

  readonly step = (): boolean => {
    this.#piece++
    this.#room = PIECE
    while (this.#room > 0) {
      const frame = this.#frames.at(-1)
      if (frame !== undefined) this.#advance(frame)
      else if (this.values.length === this.#count) return true
      else {
        const { api } = this.#lua
        api.lua_checkstack(this.#thread, 8)
        api.lua_pushvalue(this.#thread, this.values.length + 1)
        this.#take(api.lua_gettop(this.#thread))
      }
    }
    return false
  }

  #advance(frame: Frame): void {
    if (frame.type === 'list') this.#nextItem(frame)
    else this.#nextField(frame)
  }

  #nextItem(frame: List): void {
    if (frame.items.length === frame.length) {
      this.#close(frame.items)
      return
    }
    this.#lua.side.rawgeti(this.#thread, frame.index, frame.items.length + 1)
    this.#take(frame.index + 1)
  }

  #nextField(frame: Fields): void {
    const { api } = this.#lua
    const thread = this.#thread
    const at = frame.index + 1
    if (frame.seen === 0) api.lua_pushnil(thread)
    else if (frame.seen !== this.#piece) {
      // The program has run since: lua_next fails on a key that is gone.
      api.lua_pushvalue(thread, at)
      const there = api.lua_rawget(thread, frame.index) !== LUA.nil
      api.lua_settop(thread, at)
      if (!there) throw new RuntimeError('Invalid', 'table changed while it was read', { retryable: false })
    }
    frame.seen = this.#piece
    if (api.lua_next(thread, frame.index) === 0) {
      const { map, highest, count } = frame
      this.#close(frame.table ?? listOrMap(map, highest, count))
      return
    }
    const key = this.#marshal.read(thread, at)
    frame.count++
    if (typeof key === 'number' && Number.isInteger(key) && key > 0) frame.highest = Math.max(frame.highest, key)
    frame.key = frame.type === 'exact' || typeof key === 'string' ? key : keyText(key)
    this.#take(at + 1)
  }

  /** Reads the value at the top, or begins with its parts. */
  #take(at: number): void {
    const { api, side } = this.#lua
    const thread = this.#thread
    this.#spend(1)
    if (this.#lua.handleAt(thread, at) === HANDLE_PAYLOAD) {
      api.lua_getiuservalue(thread, at, 1)
      api.lua_copy(thread, -1, at)
      api.lua_settop(thread, at)
    }
    const type = api.lua_type(thread, at)
    if (type === LUA.table) {
      this.#open(at)
      return
    }
    if (type === LUA.string) this.#spend(side.rawlen(thread, at) / TEXT_UNIT)
    const value = this.#marshal.read(thread, at)
    api.lua_settop(thread, at - 1)
    this.#deliver(value)
  }

  #open(index: number): void {
    const { api, side } = this.#lua
    const thread = this.#thread
    const limit = this.#exact ? MAX_EXACT_DEPTH : MAX_DEPTH
    if (this.#frames.length > limit) {
      throw new RuntimeError('Invalid', `value is nested deeper than ${limit} levels`, { retryable: false })
    }
    api.lua_checkstack(thread, 8)
    const fields = { index, map: emptyMap(), highest: 0, count: 0, key: null, seen: 0 }
    if (this.#exact) {
      const pointer = api.lua_topointer(thread, index)
      const known = this.#known.get(pointer)
      if (known !== undefined) {
        api.lua_settop(thread, index - 1)
        this.#deliver(known)
        return
      }
      const table = new LuaTable(new Map(), side.hashsize(thread, index) > 0)
      this.#known.set(pointer, table)
      this.#frames.push({ ...fields, type: 'exact', table })
      return
    }
    const length = side.rawlen(thread, index)
    this.#frames.push(
      length > 0 ? { type: 'list', index, length, items: [] } : { ...fields, type: 'map', table: undefined },
    )
  }

  /** The table of the innermost frame is complete. */
  #close(value: unknown): void {
    const frame = this.#frames.pop() as Frame // the caller has it in hand
    this.#lua.api.lua_settop(this.#thread, frame.index - 1)
    this.#deliver(value)
  }

  #deliver(value: unknown): void {
    const frame = this.#frames.at(-1)
    if (frame === undefined) this.values.push(value)
    else if (frame.type === 'list') frame.items.push(value)
    else if (frame.table !== undefined)
      frame.table.entries.set(frame.key as Value, value) // keys are scalars or tables
    else frame.map[frame.key as string] = value as Value // `#nextField` has made it text
  }

  #spend(units: number): void {
    this.#room -= units
    this.#total += units
    if (this.#total > this.#marshal.maxNodes) throw this.#marshal.tooMany()
  }
}

function keyText(key: unknown): string {
  return key instanceof Uint8Array ? Buffer.from(key).toString('utf8') : String(key)
}
