// threads/lua-values.ts: what only Lua has, across threads without loss.

import { describe, expect, test } from 'vitest'
import { WireReader, WireWriter } from '../../runtime/core/wire.ts'
import { DetachedFloat, DetachedPayload, DetachedTable } from '../../runtime/lua/detached.ts'
import { LuaFunctionRef, LuaObject, LuaPayload, LuaTable, LuaType, Results } from '../../runtime/lua/module.ts'
import { LuaValues } from '../../runtime/threads/lua-values.ts'

/** Everything stays with the writer, known as number 7. */
const resident = new LuaType<string>({ name: 'test.Resident', tostring: (text) => `<${text}>` })
const local = new LuaType<string>({ name: 'test.Local', tostring: (text) => `<${text}>` })

function crossed(value: unknown): unknown {
  const values = new LuaValues({
    begin() {},
    undo() {},
    write(writer, object) {
      if (!(object instanceof LuaObject) || object.type !== (resident as LuaType<unknown>)) return false
      writer.count(7)
      return true
    },
    read: (reader) => `number ${reader.count()}`,
  })
  const writer = new WireWriter(values)
  values.begin()
  writer.value(value)
  values.begin()
  return new WireReader(writer.take(), values).value()
}

function table(...entries: [unknown, unknown][]): DetachedTable {
  const made = new DetachedTable()
  for (const entry of entries) made.entries.push(entry)
  return made
}

describe('tables', () => {
  test('keep keys of every kind, floats and metatables', () => {
    const meta = table(['__name', 'thing'])
    const given = table([1, 'one'], ['x', new DetachedFloat(2)], [true, 3n], [new DetachedFloat(1.5), null])
    given.metatable = meta
    expect(crossed(given)).toEqual(given)
  })

  test('that are shared or hold themselves come out as they were', () => {
    const shared = table(['n', 1])
    const given = table(['a', shared], ['b', shared])
    given.entries.push(['me', given])
    const read = crossed(given) as DetachedTable
    const at = (key: string): unknown => new Map(read.entries).get(key)
    expect(at('a')).toBe(at('b'))
    expect(at('me')).toBe(read)
  })

  test('read exactly keep their order, and that they once had keys', () => {
    const inner = new LuaTable(new Map(), true)
    const given = new LuaTable(new Map<never, unknown>([['z', 1] as never, ['a', inner] as never]), false)
    const read = crossed(given) as LuaTable
    expect([...read.entries.keys()]).toEqual(['z', 'a'])
    expect(read.entries.get('a')).toEqual(inner)
  })
})

test('results, payloads, argument lists and functions stay what they are', () => {
  expect(crossed(new Results([1, undefined, 'x']))).toEqual(new Results([1, undefined, 'x']))
  expect(crossed(new LuaPayload({ a: 1 }))).toEqual(new LuaPayload({ a: 1 }))
  expect(crossed(new DetachedPayload([1, table(['k', 'v'])]))).toEqual(new DetachedPayload([1, table(['k', 'v'])]))
  expect(crossed(new LuaFunctionRef())).toBeInstanceOf(LuaFunctionRef)
})

describe('objects', () => {
  test('that the other thread may know are known by number', () => {
    expect(crossed(resident.wrap('me'))).toBe('number 7')
  })

  test('that it may not arrive as their text', () => {
    const read = crossed({ at: local.wrap('noon') }) as { at: LuaObject<unknown> }
    expect(read.at).toBeInstanceOf(LuaObject)
    expect(read.at.type.spec.name).toBe('test.Local')
    expect(read.at.type.spec.tostring?.(read.at.value)).toBe('<noon>')
  })
})
