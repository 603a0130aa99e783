// What Lua code can hand over and core/wire.ts does not know: tables without loss, host objects, channels, results of modules.
// Objects of the main thread stay there and are known to the worker by number; of a worker's own only the text arrives.

import type { Value } from '../core/value.ts'
import type { WireReader, WireWriter } from '../core/wire.ts'
import { FIRST_EXTENSION_TAG } from '../core/wire.ts'
import { DetachedFloat, DetachedPayload, DetachedTable } from '../lua/detached.ts'
import { FlatPayload, writeFlat } from '../lua/flat-wire.ts'
import { LuaFunctionRef, LuaObject, LuaPayload, LuaTable, LuaType, Results } from '../lua/module.ts'
import { StackPayload } from '../lua/stack-payload.ts'
import type { PipeExtension } from './pipe.ts'

const TAG = {
  float: FIRST_EXTENSION_TAG,
  table: FIRST_EXTENSION_TAG + 1,
  tableAgain: FIRST_EXTENSION_TAG + 2,
  exactTable: FIRST_EXTENSION_TAG + 3,
  exactTableAgain: FIRST_EXTENSION_TAG + 4,
  functionRef: FIRST_EXTENSION_TAG + 5,
  payload: FIRST_EXTENSION_TAG + 6,
  results: FIRST_EXTENSION_TAG + 7,
  shown: FIRST_EXTENSION_TAG + 8,
  entries: FIRST_EXTENSION_TAG + 9,
  /** What only one of the threads holds: see `Residents`. */
  resident: FIRST_EXTENSION_TAG + 10,
  arguments: FIRST_EXTENSION_TAG + 11,
  flat: FIRST_EXTENSION_TAG + 12,
} as const

/** Objects, functions and channels that live in one thread and are known to the other by number. */
export interface Residents {
  /** A new operation begins; `undo` takes back what was remembered since. */
  begin(): void
  undo(): void
  /** Writes what stands for it; false, with nothing written, when it cannot be known over there. */
  write(writer: WireWriter, value: object): boolean
  read(reader: WireReader): unknown
}

export class LuaValues implements PipeExtension {
  readonly #residents: Residents
  readonly #written = new Map<object, number>()
  readonly #read: object[] = []

  constructor(residents: Residents) {
    this.#residents = residents
  }

  begin(): void {
    this.#written.clear()
    this.#read.length = 0
    this.#residents.begin()
  }

  undo(): void {
    this.#residents.undo()
  }

  write(writer: WireWriter, value: object): boolean {
    if (value instanceof DetachedFloat) {
      writer.byte(TAG.float)
      writer.double(value.value)
    } else if (value instanceof DetachedTable) {
      this.#writeTable(writer, value)
    } else if (value instanceof LuaTable) {
      this.#writeExact(writer, value)
    } else if (value instanceof LuaFunctionRef) {
      writer.byte(TAG.functionRef)
    } else if (value instanceof LuaPayload) {
      writer.byte(TAG.payload)
      writer.value(value.value)
    } else if (value instanceof Results) {
      writeList(writer, TAG.results, value.values)
    } else if (value instanceof DetachedPayload) {
      writeList(writer, TAG.arguments, value.items)
    } else if (value instanceof StackPayload) {
      writeStack(writer, value)
    } else if (value instanceof FlatPayload) {
      writer.byte(TAG.flat)
      writer.block(() => {
        writer.copy(value.bytes, 0, value.bytes.length)
        return true
      })
    } else if (value instanceof Map) {
      writer.byte(TAG.entries)
      writeEntries(writer, [...value])
    } else {
      return this.#writeResident(writer, value) || writeShown(writer, value)
    }
    return true
  }

  read(reader: WireReader, tag: number): unknown {
    switch (tag) {
      case TAG.float:
        return new DetachedFloat(reader.double())
      case TAG.table:
        return this.#readTable(reader)
      case TAG.exactTable:
        return this.#readExact(reader)
      case TAG.tableAgain:
      case TAG.exactTableAgain:
        return this.#read[reader.count()]
      case TAG.functionRef:
        return new LuaFunctionRef()
      case TAG.payload:
        return new LuaPayload(reader.value())
      case TAG.results:
        return new Results(readList(reader))
      case TAG.arguments:
        return new DetachedPayload(readList(reader))
      case TAG.flat:
        return new FlatPayload(reader.block())
      case TAG.entries:
        return readMap(reader)
      case TAG.shown:
        return new LuaObject(shownType(reader.text(), reader.text()), null)
      case TAG.resident:
        return this.#residents.read(reader)
      default:
        throw new Error(`unknown wire tag ${tag}`)
    }
  }

  /** True when the table was written before: then a reference stands for it. */
  #again(writer: WireWriter, tag: number, value: object): boolean {
    const place = this.#written.get(value)
    if (place === undefined) {
      this.#written.set(value, this.#written.size)
      return false
    }
    writer.byte(tag)
    writer.count(place)
    return true
  }

  #writeTable(writer: WireWriter, table: DetachedTable): void {
    if (this.#again(writer, TAG.tableAgain, table)) return
    writer.byte(TAG.table)
    writeEntries(writer, table.entries)
    writer.value(table.metatable)
  }

  #readTable(reader: WireReader): DetachedTable {
    const table = new DetachedTable()
    this.#read.push(table)
    const { entries } = table
    for (let left = reader.count(); left > 0; left--) entries.push([reader.value(), reader.value()])
    table.metatable = reader.value() as DetachedTable | null // as it was written
    return table
  }

  #writeExact(writer: WireWriter, table: LuaTable): void {
    if (this.#again(writer, TAG.exactTableAgain, table)) return
    writer.byte(TAG.exactTable)
    writer.value(table.hadKeys)
    writeEntries(writer, [...table.entries])
  }

  #readExact(reader: WireReader): LuaTable {
    const table = new LuaTable(new Map(), reader.value() as boolean)
    this.#read.push(table)
    for (let left = reader.count(); left > 0; left--) table.entries.set(reader.value() as Value, reader.value())
    return table
  }

  #writeResident(writer: WireWriter, value: object): boolean {
    writer.byte(TAG.resident)
    if (this.#residents.write(writer, value)) return true
    writer.cut(writer.length - 1)
    return false
  }
}

/** Values that stand on a Lua stack: one flat value as it is, anything else without loss by way of JavaScript. */
function writeStack(writer: WireWriter, payload: StackPayload): void {
  const { engine, thread, first, length } = payload
  if (length === 1) {
    writer.byte(TAG.flat)
    if (writer.block(() => writeFlat(engine.lua, thread, first, writer))) return
    writer.cut(writer.length - 1)
  }
  writer.value(payload.detach())
}

function writeList(writer: WireWriter, tag: number, items: readonly unknown[]): void {
  writer.byte(tag)
  writer.count(items.length)
  for (const item of items) writer.value(item)
}

function readList(reader: WireReader): unknown[] {
  return Array.from({ length: reader.count() }, () => reader.value())
}

function writeEntries(writer: WireWriter, entries: readonly (readonly [unknown, unknown])[]): void {
  writer.count(entries.length)
  for (const [key, value] of entries) {
    writer.value(key)
    writer.value(value)
  }
}

function readMap(reader: WireReader): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>()
  for (let left = reader.count(); left > 0; left--) map.set(reader.value(), reader.value())
  return map
}

/** An object that has no life over there: its name and text, for whoever shows it. */
function writeShown(writer: WireWriter, value: object): boolean {
  if (!(value instanceof LuaObject)) return false
  const { name, tostring } = value.type.spec
  writer.byte(TAG.shown)
  writer.text(name)
  writer.text(tostring?.(value.value) ?? name)
  return true
}

function shownType(name: string, text: string): LuaType<unknown> {
  return new LuaType<unknown>({ name, tostring: () => text })
}
