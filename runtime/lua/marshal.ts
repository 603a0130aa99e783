// Values across the border: Lua to TypeScript, TypeScript to Lua, and straight from one Lua state to another.
// The rules are those of spec/process.md §4 (value conversion) and the opening comment of module.ts.

import { RuntimeError } from '../core/error.ts'
import { emptyMap, type Value, type ValueMap } from '../core/value.ts'
import { Channel } from './channel.ts'
import { DetachedFloat, DetachedTable } from './detached.ts'
import { HANDLE_MESSAGE, HANDLE_PAYLOAD, type LuaInstance, PAYLOAD_VALUES } from './instance.ts'
import { KEY } from './keys.ts'
import { type AnyHostFunction, LuaFunctionRef, LuaObject, LuaPayload, LuaTable, LuaType } from './module.ts'
import { Overdue } from './pace.ts'
import type { VM } from './vm.ts'
import { LUA, REGISTRY } from './wasm.ts'

const MAX_DEPTH = 128
/** Modules that ask for exact tables have a limit and words of their own; this one only guards the stacks. */
const MAX_EXACT_DEPTH = 1000
/** A table DAG can unfold to any size: this many nodes of one value is the end. */
const MAX_NODES = 4_000_000
/** What code made at run time may hand over at once: reading more would take too long. */
const MAX_NODES_GENERATED = 100_000
/** Text in one value read from Lua: a table may hold the same long string a million times. */
const MAX_TEXT = 512 << 20
/** Bytes of text that take about as long to read as one part. */
const TEXT_UNIT = 512
const functionRef = new LuaFunctionRef()
const opaqueChannel = new LuaType<null>({ name: 'channel' }).wrap(null)

export class Marshal {
  readonly #lua: LuaInstance
  #nodes = 0
  /** Parts of one value. */
  readonly maxNodes: number
  #bound: number
  #text = 0
  // The table copied last without a metatable of its own is remembered only when a nested table appears: most are flat.
  #seen = false
  #rootPointer = 0
  #rootIndex = 0

  /** `generated`: for an instance whose code was made at run time. */
  constructor(lua: LuaInstance, generated: boolean) {
    this.#lua = lua
    this.maxNodes = generated ? MAX_NODES_GENERATED : MAX_NODES
    this.#bound = this.maxNodes
  }

  // ---- Lua to TypeScript ----

  /** The value at `index` as plain data and host objects. Throws Invalid when nested too deeply, LimitExceeded when too big. */
  read(thread: number, index: number, exact = false): unknown {
    this.#nodes = 0
    this.#text = 0
    this.#bound = this.maxNodes
    return exact ? this.#readExact(thread, index, new Map(), 0) : this.#readAny(thread, index, 0)
  }

  #readAny(thread: number, index: number, depth: number): unknown {
    const { api } = this.#lua
    switch (api.lua_type(thread, index)) {
      case LUA.boolean:
        return api.lua_toboolean(thread, index) !== 0
      case LUA.number:
        return this.#readNumber(thread, index)
      case LUA.string:
        return this.#readString(thread, index)
      case LUA.table:
        return this.#readTable(thread, index, depth)
      case LUA.userdata:
        return this.#readUserdata(thread, index, depth)
      case LUA.function:
        return functionRef
      default:
        return null
    }
  }

  #readString(thread: number, index: number): string | Uint8Array | null {
    this.#text += this.#lua.side.rawlen(thread, index)
    if (this.#bound < this.maxNodes && this.#text > this.#bound * TEXT_UNIT) throw new Overdue()
    if (this.#text > MAX_TEXT) throw new RuntimeError('LimitExceeded', `value has more than ${MAX_TEXT} bytes of text`)
    return this.#lua.read(thread, index)
  }

  #readNumber(thread: number, index: number): number | bigint {
    const { api } = this.#lua
    const value = api.lua_tonumberx(thread, index, 0)
    if (Number.isSafeInteger(value) || api.lua_isinteger(thread, index) === 0) return value
    return api.lua_tointegerx(thread, index, 0)
  }

  #readUserdata(thread: number, index: number, depth: number): unknown {
    const handle = this.#lua.handleAt(thread, index)
    if (handle === HANDLE_MESSAGE) return null
    if (handle !== HANDLE_PAYLOAD) {
      const object = this.#lua.objectOf(handle) ?? null
      // Channels and cases are the engine's own: modules see that they are there, and nothing of them.
      return object === null || object instanceof LuaObject || object instanceof RuntimeError ? object : opaqueChannel
    }
    this.#lua.api.lua_getiuservalue(thread, index, 1)
    const inner = this.#readAny(thread, this.#lua.api.lua_gettop(thread), depth + 1)
    this.#lua.api.lua_settop(thread, -2)
    return inner
  }

  #enter(thread: number, depth: number, limit = MAX_DEPTH): void {
    if (depth > limit) throw tooDeep(limit)
    this.#lua.api.lua_checkstack(thread, 8)
  }

  #count(): void {
    if (++this.#nodes <= this.#bound) return
    throw this.#bound < this.maxNodes ? new Overdue() : this.tooMany()
  }

  tooMany(): RuntimeError {
    return new RuntimeError('LimitExceeded', `value has more than ${this.maxNodes} parts`)
  }

  #readTable(thread: number, at: number, depth: number): unknown {
    this.#enter(thread, depth)
    const { api, side } = this.#lua
    const index = at < 0 ? api.lua_gettop(thread) + at + 1 : at
    const length = side.rawlen(thread, index)
    if (length > 0) return this.#readArray(thread, index, depth, length)
    const map = emptyMap()
    let highest = 0
    let count = 0
    api.lua_pushnil(thread)
    const key = api.lua_gettop(thread)
    while (api.lua_next(thread, index) !== 0) {
      this.#count()
      count++
      const type = api.lua_type(thread, key)
      if (type === LUA.number) highest = Math.max(highest, arrayIndex(this.#readNumber(thread, key)))
      // lua_tolstring would turn a number key into a string under lua_next's feet: only strings are read as text.
      const name =
        type === LUA.string
          ? (this.#lua.readText(thread, key) as string)
          : String(this.#readAny(thread, key, depth + 1))
      map[name] = this.#readAny(thread, key + 1, depth + 1) as Value
      api.lua_settop(thread, key)
    }
    return listOrMap(map, highest, count)
  }

  #readArray(thread: number, index: number, depth: number, length: number): unknown {
    const { api, side } = this.#lua
    const top = api.lua_gettop(thread)
    const list: unknown[] = []
    for (let i = 1; i <= length; i++) {
      this.#count()
      side.rawgeti(thread, index, i)
      list.push(this.#readAny(thread, top + 1, depth + 1))
      api.lua_settop(thread, top)
    }
    return list
  }

  #readExact(thread: number, at: number, known: Map<number, LuaTable>, depth: number): unknown {
    const { api } = this.#lua
    if (api.lua_type(thread, at) !== LUA.table) return this.#readAny(thread, at, depth)
    this.#enter(thread, depth, MAX_EXACT_DEPTH)
    const index = at < 0 ? api.lua_gettop(thread) + at + 1 : at
    const pointer = api.lua_topointer(thread, index)
    const before = known.get(pointer)
    if (before !== undefined) return before
    const table = new LuaTable(new Map(), this.#lua.side.hashsize(thread, index) > 0)
    known.set(pointer, table)
    api.lua_pushnil(thread)
    const key = api.lua_gettop(thread)
    while (api.lua_next(thread, index) !== 0) {
      this.#count()
      table.entries.set(
        this.#readAny(thread, key, depth + 1) as Value,
        this.#readExact(thread, key + 1, known, depth + 1),
      )
      api.lua_settop(thread, key)
    }
    return table
  }

  /** As `read`, but throws Overdue instead of reading more than `bound` parts of a table. */
  readSome(thread: number, index: number, exact: boolean, bound: number): unknown {
    const type = this.#lua.api.lua_type(thread, index)
    if (type !== LUA.table && type !== LUA.userdata) return this.read(thread, index)
    this.#nodes = 0
    this.#text = 0
    this.#bound = bound
    try {
      return exact ? this.#readExact(thread, index, new Map(), 0) : this.#readAny(thread, index, 0)
    } finally {
      this.#bound = this.maxNodes
    }
  }

  /** The value at `index` without loss, to be pushed again later (detached.ts). Throws as `read` does. */
  detach(thread: number, index: number): unknown {
    this.#nodes = 0
    this.#text = 0
    return this.#detach(thread, index, new Map(), 0)
  }

  #detach(thread: number, at: number, known: Map<number, DetachedTable>, depth: number): unknown {
    const { api } = this.#lua
    const type = api.lua_type(thread, at)
    if (type === LUA.number) {
      const value = this.#readNumber(thread, at)
      const float = typeof value === 'number' && Number.isSafeInteger(value) && api.lua_isinteger(thread, at) === 0
      return float ? new DetachedFloat(value) : value
    }
    if (type === LUA.userdata) {
      if (this.#lua.handleAt(thread, at) === HANDLE_PAYLOAD) {
        this.#enter(thread, depth)
        api.lua_getiuservalue(thread, at, 1)
        const top = api.lua_gettop(thread)
        const inner = this.#detach(thread, top, known, depth + 1)
        api.lua_settop(thread, top - 1)
        return inner
      }
      const object = this.#readUserdata(thread, at, depth)
      return object instanceof RuntimeError ? object : null
    }
    if (type === LUA.function) return null
    if (type !== LUA.table) return this.#readAny(thread, at, depth)
    const index = at < 0 ? api.lua_gettop(thread) + at + 1 : at
    const pointer = api.lua_topointer(thread, index)
    const before = known.get(pointer)
    if (before !== undefined) return before
    this.#enter(thread, depth)
    const table = new DetachedTable()
    known.set(pointer, table)
    api.lua_pushnil(thread)
    const key = api.lua_gettop(thread)
    while (api.lua_next(thread, index) !== 0) {
      this.#count()
      const name = this.#detach(thread, key, known, depth + 1)
      if (name !== null) table.entries.push([name, this.#detach(thread, key + 1, known, depth + 1)])
      api.lua_settop(thread, key)
    }
    if (this.#openMetatable(thread, index)) {
      table.metatable = this.#detach(thread, key, known, depth + 1) as DetachedTable
      api.lua_settop(thread, key - 1)
    }
    return table
  }

  /** Pushes the metatable of the table at `index`, unless it has none or a protected one (ours are). */
  #openMetatable(thread: number, index: number): boolean {
    const { api } = this.#lua
    if (api.lua_getmetatable(thread, index) === 0) return false
    const metatable = api.lua_gettop(thread)
    api.lua_getfield(thread, metatable, this.#lua.symbol('__metatable'))
    const open = api.lua_type(thread, -1) === LUA.nil
    api.lua_settop(thread, open ? metatable : metatable - 1)
    return open
  }

  // ---- TypeScript to Lua ----

  /** Pushes anything a host function may return. The VM's memory limit must be lifted by the caller. */
  push(vm: VM, thread: number, value: unknown): void {
    this.#push(vm, thread, value, 0)
  }

  #push(vm: VM, thread: number, value: unknown, depth: number): void {
    const { api } = this.#lua
    switch (typeof value) {
      case 'string':
        this.#lua.pushText(thread, value)
        return
      case 'number':
        this.pushNumber(thread, value)
        return
      case 'boolean':
        api.lua_pushboolean(thread, value ? 1 : 0)
        return
      case 'bigint':
        api.lua_pushinteger(thread, BigInt.asIntN(64, value))
        return
      case 'function':
        vm.pushHostFunction(thread, value as AnyHostFunction)
        return
      case 'object':
        if (value !== null) {
          this.#pushObject(vm, thread, value, depth)
          return
        }
    }
    api.lua_pushnil(thread)
  }

  pushNumber(thread: number, value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#lua.side.pushint(thread, value)
    else this.#lua.api.lua_pushnumber(thread, value)
  }

  #pushObject(vm: VM, thread: number, value: object, depth: number): void {
    const { api, side } = this.#lua
    if (value instanceof RuntimeError) {
      this.#lua.pushUserdata(thread, this.#lua.handle(value), 0, KEY.error)
      return
    }
    if (value instanceof Uint8Array) {
      this.#lua.pushBytes(thread, value)
      return
    }
    if (value instanceof LuaObject) {
      this.#lua.pushUserdata(thread, this.#lua.handle(value), 0, vm.metatableOf(value.type))
      return
    }
    if (value instanceof Channel) {
      value.pushSelf(thread)
      return
    }
    if (value instanceof LuaPayload) {
      this.#lua.pushUserdata(thread, HANDLE_PAYLOAD, PAYLOAD_VALUES, KEY.payload)
      this.#push(vm, thread, value.value, depth + 1)
      api.lua_setiuservalue(thread, -2, 1)
      return
    }
    if (value instanceof LuaFunctionRef) {
      api.lua_pushnil(thread)
      return
    }
    if (value instanceof DetachedFloat) {
      api.lua_pushnumber(thread, value.value)
      return
    }
    if (value instanceof DetachedTable) {
      this.#pushDetached(vm, thread, value)
      return
    }
    this.#enter(thread, depth)
    if (Array.isArray(value)) {
      api.lua_createtable(thread, value.length, 0)
      for (let i = 0; i < value.length; i++) {
        this.#push(vm, thread, value[i], depth + 1)
        vm.checkBuilt()
        side.rawseti(thread, -2, i + 1)
      }
      return
    }
    const fields = value instanceof Map ? [...value.entries()] : Object.entries(value)
    // At least one slot, so that an empty map is still told from an empty list (LuaTable.hadKeys).
    api.lua_createtable(thread, 0, Math.max(1, fields.length))
    for (const [key, item] of fields) {
      if (item === null || item === undefined) continue
      this.#push(vm, thread, key, depth + 1)
      this.#push(vm, thread, item, depth + 1)
      vm.checkBuilt()
      api.lua_rawset(thread, -3)
    }
  }

  /** The tables made so far stand on the VM's memo thread, so that shared tables and cycles come out as they were. */
  #pushDetached(vm: VM, thread: number, root: DetachedTable): void {
    const { api } = this.#lua
    const places = new Map<DetachedTable, number>()
    const memo = vm.memoThread
    const push = (table: DetachedTable, depth: number): void => {
      this.#enter(thread, depth)
      const place = places.get(table)
      if (place !== undefined) {
        api.lua_pushvalue(memo, place)
        api.lua_xmove(memo, thread, 1)
        return
      }
      api.lua_checkstack(memo, 4)
      api.lua_createtable(thread, 0, table.entries.length)
      api.lua_pushvalue(thread, -1)
      api.lua_xmove(thread, memo, 1)
      places.set(table, api.lua_gettop(memo))
      for (const [key, value] of table.entries) {
        item(key, depth)
        item(value, depth)
        vm.checkBuilt()
        api.lua_rawset(thread, -3)
      }
      if (table.metatable === null) return
      push(table.metatable, depth + 1)
      api.lua_setmetatable(thread, -2)
    }
    const item = (value: unknown, depth: number): void => {
      if (value instanceof DetachedTable) push(value, depth + 1)
      else this.#push(vm, thread, value, depth + 1)
    }
    try {
      push(root, 0)
    } finally {
      api.lua_settop(memo, 0)
    }
  }

  // ---- Lua to Lua, in one instance ----

  /**
   * Deep copy of the value at `index` of `from`, pushed on `to`, a thread of `vm`. Shared references and cycles stay, integer
   * and float subtypes stay; functions, threads and userdata become nil, error values stay (spec/process.md §4).
   */
  copy(from: number, index: number, to: number, vm: VM): void {
    const absolute = index < 0 ? this.#lua.api.lua_gettop(from) + index + 1 : index
    const rest = this.#lua.side.copyvalue(from, absolute, to, this.#lua.scratch)
    if (rest === 0) return
    if (rest < 0) throw vm.tooBig()
    if (rest - 1 !== LUA.table) {
      this.#copyOther(from, absolute, to, vm, rest - 1, 0)
      return
    }
    this.#nodes = 0
    try {
      this.#copyTable(from, absolute, to, vm, 0)
    } finally {
      if (this.#seen) this.#lua.api.lua_settop(vm.memoThread, 0)
      this.#seen = false
    }
  }

  #copyOther(from: number, index: number, to: number, vm: VM, type: number, depth: number): void {
    const { api } = this.#lua
    if (type === LUA.userdata) {
      const handle = this.#lua.handleAt(from, index)
      if (handle === HANDLE_PAYLOAD) {
        // A payload wrapper is its value: forwarding one must not lose it.
        api.lua_getiuservalue(from, index, 1)
        const top = api.lua_gettop(from)
        if (depth === 0) this.copy(from, top, to, vm)
        else this.#copyAny(from, top, to, vm, depth)
        api.lua_settop(from, top - 1)
        return
      }
      const object = handle >= HANDLE_MESSAGE ? undefined : this.#lua.objectOf(handle)
      if (object instanceof RuntimeError) {
        this.#lua.pushUserdata(to, this.#lua.handle(object), 0, KEY.error)
        return
      }
    }
    api.lua_pushnil(to)
  }

  #copyAny(from: number, index: number, to: number, vm: VM, depth: number): void {
    this.#count()
    const rest = this.#lua.side.copyscalar(from, index, to, this.#lua.scratch)
    if (rest === 0) return
    if (rest < 0) throw vm.tooBig()
    if (rest - 1 === LUA.table) this.#copyTable(from, index, to, vm, depth)
    else this.#copyOther(from, index, to, vm, rest - 1, depth)
  }

  #copyTable(from: number, index: number, to: number, vm: VM, depth: number): void {
    const { api, side } = this.#lua
    if (depth > MAX_DEPTH) throw tooDeep()
    api.lua_checkstack(from, 6)
    api.lua_checkstack(to, 6)
    const pointer = api.lua_topointer(from, index)
    // The tables met so far stand on a thread of the receiving VM, by source address.
    const memo = vm.memoThread
    if (depth > 0) {
      if (!this.#seen) this.#startMemo(to, memo)
      api.lua_rawgetp(memo, 1, pointer)
      if (api.lua_type(memo, -1) === LUA.table) {
        api.lua_xmove(memo, to, 1)
        return
      }
      api.lua_settop(memo, 1)
    }
    vm.checkBuilt()
    api.lua_createtable(to, side.rawlen(from, index), side.hashsize(from, index))
    if (depth === 0) {
      this.#rootIndex = api.lua_gettop(to)
      this.#rootPointer = pointer
    } else {
      api.lua_pushvalue(to, -1)
      api.lua_xmove(to, memo, 1)
      api.lua_rawsetp(memo, 1, pointer)
    }
    api.lua_pushnil(from)
    const key = api.lua_gettop(from)
    while (api.lua_next(from, index) !== 0) {
      this.#copyAny(from, key, to, vm, depth + 1)
      if (api.lua_type(to, -1) === LUA.nil) {
        api.lua_settop(to, -2)
      } else {
        this.#copyAny(from, key + 1, to, vm, depth + 1)
        api.lua_rawset(to, -3)
      }
      api.lua_settop(from, key)
    }
    this.#copyMetatable(from, index, to, vm, depth)
  }

  /** Metatables travel too, unless protected (ours are); their functions do not, as no function does. */
  #copyMetatable(from: number, index: number, to: number, vm: VM, depth: number): void {
    const { api } = this.#lua
    if (!this.#openMetatable(from, index)) return
    const metatable = api.lua_gettop(from)
    this.#copyTable(from, metatable, to, vm, depth + 1)
    api.lua_setmetatable(to, -2)
    api.lua_settop(from, metatable - 1)
  }

  #startMemo(to: number, memo: number): void {
    const { api } = this.#lua
    api.lua_settop(memo, 0)
    api.lua_createtable(memo, 0, 4)
    this.#seen = true
    api.lua_pushvalue(to, this.#rootIndex)
    api.lua_xmove(to, memo, 1)
    api.lua_rawsetp(memo, 1, this.#rootPointer)
  }

  /** The error value at `index` of a failed thread as a RuntimeError, with a traceback when Lua raised a plain value. */
  errorAt(vm: VM, thread: number, status: number): RuntimeError {
    const { api } = this.#lua
    const value = this.#lua.objectAt(thread, -1)
    if (value instanceof RuntimeError) return value
    if (status === 4) {
      return new RuntimeError('LimitExceeded', `memory limit of ${vm.memoryLimit} bytes exceeded`)
    }
    const type = api.lua_type(thread, -1)
    const message =
      type === LUA.string || type === LUA.number
        ? (this.#lua.readText(thread, -1) as string)
        : `(error object is a ${luaTypeNames[type] ?? 'nil'} value)`
    const luaStack = vm.traceback(thread)
    return new RuntimeError('Internal', ofProgram(message, luaStack), { luaStack })
  }

  registryValue(thread: number, key: number): void {
    this.#lua.api.lua_rawgetp(thread, REGISTRY, key)
  }
}

/** Native functions blame the line that called them, and that may be one of the sandbox: the program's line is in the stack. */
function ofProgram(message: string, luaStack: string): string {
  const [position] = /^sandbox:\d+: /.exec(message) ?? []
  if (position === undefined) return message
  const [, line] = /^\t((?!sandbox:|\[C\]).+?:\d+): in /m.exec(luaStack) ?? []
  return (line === undefined ? '' : `${line}: `) + message.slice(position.length)
}

const luaTypeNames = ['nil', 'boolean', 'userdata', 'number', 'string', 'table', 'function', 'userdata', 'thread']

/** A sparse list (its border is 0 but it has integer keys) is still a list unless it is mostly holes. */
export function listOrMap(map: ValueMap, highest: number, count: number): Value {
  if (highest === 0 || highest > count * 4 + 64) return map
  return Array.from({ length: highest }, (_, i) => map[String(i + 1)] ?? null)
}

function arrayIndex(key: number | bigint): number {
  return typeof key === 'number' && Number.isInteger(key) && key > 0 ? key : 0
}

function tooDeep(limit = MAX_DEPTH): RuntimeError {
  return new RuntimeError('Invalid', `value is nested deeper than ${limit} levels`, { retryable: false })
}
