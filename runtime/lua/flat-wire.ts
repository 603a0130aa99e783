// Most messages are one scalar or one table of scalars. Between threads these go as bytes straight from a Lua stack and straight
// onto another, without becoming JavaScript on the way; everything else is detached first (detached.ts).

import { isUtf8 } from 'node:buffer'
import type { Value } from '../core/value.ts'
import { WireReader, type WireWriter } from '../core/wire.ts'
import type { Payload } from '../process/process.ts'
import { DetachedFloat, DetachedPayload, DetachedTable } from './detached.ts'
import type { LuaInstance } from './instance.ts'
import type { VM } from './vm.ts'
import { LUA } from './wasm.ts'

/** How each scalar begins; a table begins with its own and ends with `end` where a key would stand. */
const IS = { nil: 0, false: 1, true: 2, integer: 3, negative: 4, float: 5, wide: 6, text: 7, table: 8, end: 9 } as const

/** One value as it came from another thread. */
export class FlatPayload implements Payload {
  readonly bytes: Uint8Array
  readonly length = 1

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  values(): Value[] {
    return this.detach().values()
  }

  detach(): DetachedPayload {
    return new DetachedPayload([readFlat(new WireReader(this.bytes))])
  }
}

/** Writes the value at `index`; false, with the writer as it was, when it is neither a scalar nor a flat table. */
export function writeFlat(lua: LuaInstance, thread: number, index: number, writer: WireWriter): boolean {
  const { api, side } = lua
  if (api.lua_type(thread, index) !== LUA.table) return writeScalar(lua, thread, index, writer)
  const before = writer.length
  if (api.lua_getmetatable(thread, index) !== 0) {
    api.lua_settop(thread, -2)
    return false
  }
  writer.byte(IS.table)
  writer.count(side.rawlen(thread, index))
  writer.count(side.hashsize(thread, index))
  api.lua_checkstack(thread, 4)
  api.lua_pushnil(thread)
  const key = api.lua_gettop(thread)
  while (api.lua_next(thread, index) !== 0) {
    if (!writeScalar(lua, thread, key, writer) || !writeScalar(lua, thread, key + 1, writer)) {
      api.lua_settop(thread, key - 1)
      writer.cut(before)
      return false
    }
    api.lua_settop(thread, key)
  }
  writer.byte(IS.end)
  return true
}

function writeScalar(lua: LuaInstance, thread: number, index: number, writer: WireWriter): boolean {
  const { api } = lua
  switch (api.lua_type(thread, index)) {
    case LUA.nil:
      writer.byte(IS.nil)
      return true
    case LUA.boolean:
      writer.byte(api.lua_toboolean(thread, index) === 0 ? IS.false : IS.true)
      return true
    case LUA.number:
      writeNumber(lua, thread, index, writer)
      return true
    case LUA.string: {
      const pointer = api.lua_tolstring(thread, index, lua.scratch)
      const length = lua.word(lua.scratch)
      writer.byte(IS.text)
      writer.count(length)
      writer.copy(lua.u8, pointer, length)
      return true
    }
    default:
      return false
  }
}

function writeNumber({ api }: LuaInstance, thread: number, index: number, writer: WireWriter): void {
  const value = api.lua_tonumberx(thread, index, 0)
  if (api.lua_isinteger(thread, index) === 0) {
    writer.byte(IS.float)
    writer.double(value)
  } else if (Number.isSafeInteger(value)) {
    writer.byte(value < 0 ? IS.negative : IS.integer)
    writer.count(Math.abs(value))
  } else {
    writer.byte(IS.wide)
    writer.wide(api.lua_tointegerx(thread, index, 0))
  }
}

/** Pushes the value on `thread`, a thread of `vm`. Throws LimitExceeded beyond what the VM may build. */
export function pushFlat(lua: LuaInstance, vm: VM, thread: number, bytes: Uint8Array): void {
  const { api } = lua
  // Texts are made from one copy of all bytes in Lua's memory.
  const start = lua.scratchBytes(bytes)
  const reader = new WireReader(bytes)
  const first = reader.byte()
  if (first !== IS.table) {
    pushScalar(lua, thread, first, reader, start)
    return
  }
  api.lua_checkstack(thread, 4)
  api.lua_createtable(thread, reader.count(), reader.count())
  for (let is = reader.byte(); is !== IS.end; is = reader.byte()) {
    pushScalar(lua, thread, is, reader, start)
    pushScalar(lua, thread, reader.byte(), reader, start)
    api.lua_rawset(thread, -3)
  }
  vm.checkBuilt()
}

function pushScalar(lua: LuaInstance, thread: number, is: number, reader: WireReader, start: number): void {
  const { api, side } = lua
  switch (is) {
    case IS.false:
    case IS.true:
      api.lua_pushboolean(thread, is === IS.true ? 1 : 0)
      return
    case IS.integer:
      side.pushint(thread, reader.count())
      return
    case IS.negative:
      side.pushint(thread, -reader.count())
      return
    case IS.float:
      api.lua_pushnumber(thread, reader.double())
      return
    case IS.wide:
      api.lua_pushinteger(thread, reader.wide())
      return
    case IS.text: {
      const length = reader.count()
      api.lua_pushlstring(thread, start + reader.position, length)
      reader.skip(length)
      return
    }
    default:
      api.lua_pushnil(thread)
  }
}

function readFlat(reader: WireReader): unknown {
  const first = reader.byte()
  if (first !== IS.table) return readScalar(reader, first)
  const table = new DetachedTable()
  reader.count()
  reader.count()
  for (let is = reader.byte(); is !== IS.end; is = reader.byte()) {
    table.entries.push([readScalar(reader, is), readScalar(reader, reader.byte())])
  }
  return table
}

function readScalar(reader: WireReader, is: number): unknown {
  switch (is) {
    case IS.false:
    case IS.true:
      return is === IS.true
    case IS.integer:
      return reader.count()
    case IS.negative:
      return -reader.count()
    case IS.float: {
      const value = reader.double()
      return Number.isSafeInteger(value) ? new DetachedFloat(value) : value
    }
    case IS.wide:
      return reader.wide()
    case IS.text: {
      const bytes = reader.bytes()
      return isUtf8(bytes) ? Buffer.from(bytes.buffer).toString('utf8') : bytes
    }
    default:
      return null
  }
}
