// Tables too large to cross at once: they arrive as small ones do, whoever waits for them may end, and the program may change
// them meanwhile.

import { beforeAll, expect, test } from 'vitest'
import {
  exactTables,
  type LuaModule,
  LuaObject,
  type LuaTable,
  LuaType,
  raise,
  results,
} from '../../runtime/lua/module.ts'
import { type LuaNode, luaNode } from '../support/lua-node.ts'

const seen: unknown[] = []
const thing = new LuaType<number>({
  name: 'test.Thing',
  methods: { add: (_call, self, list: unknown[]) => self + list.length },
})
const module: LuaModule = {
  name: 'border',
  description: 'hands over what it is given',
  traits: [],
  open: () => ({
    echo: (_call, value: unknown) => value,
    twice: (_call, value: unknown) => results(value, value),
    later: async (_call, value: unknown) => value,
    keep: (_call, value: unknown) => void seen.push(value),
    keep_exact: exactTables((_call, value: unknown) => void seen.push(value)),
    raise: (_call, _value: unknown) => raise('no'),
    thing: () => thing.wrap(1),
  }),
}

let node: LuaNode
beforeAll(async () => {
  node = await luaNode([module])
})
const lua = (body: string) => node.eval(body, { modules: ['border'] })

const same = `
  local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
    for k, v in pairs(a) do if not same(v, b[k]) then return false, k end end
    for k in pairs(b) do if a[k] == nil then return false, k end end
    return true
  end
  local function sample(i)
    return { id = i, name = "n" .. i, half = i + 0.25, big = 2^53 // 1 | 0, flags = { true, false, "x\\0y", "\\xff" }, deep = { { { i } } }, none = {} }
  end
  local list = {} for i = 1, 8000 do list[i] = sample(i) end
  local map = {} for i = 1, 20000 do map["key" .. i] = i end
`

test('a large list and a large map come back as they went', async () => {
  expect(
    await lua(
      `${same} return { same(list, border.echo(list)), same(map, border.echo(map)), same(list, (border.later(list))) }`,
    ),
  ).toEqual([true, true, true])
  expect(await lua(`${same} local a, b = border.twice(list) return { same(list, a), same(list, b), a == b }`)).toEqual([
    true,
    true,
    false,
  ])
})

test('the host sees of a large table what it sees of a small one', async () => {
  seen.length = 0
  await lua(`local t = { 1, "two", { three = 3, [4] = true } } t.hidden = 1
    local large = {} for i = 1, 30000 do large[i] = i end
    local sparse = { [2] = "b" } local mixed = { [1.5] = "x", [true] = "y" }
    local fn = { print, errors.new("bad"), border.thing() }
    for _, filler in ipairs({ {}, large }) do
      border.keep({ t = t, sparse = sparse, mixed = mixed, fn = fn, filler = filler })
      border.keep_exact({ t = t, sparse = sparse, mixed = mixed, filler = filler })
    end`)
  const [small, smallExact, large, largeExact] = seen as [Fields, LuaTable, Fields, LuaTable]
  expect({ ...large, filler: null }).toEqual({ ...small, filler: null })
  expect((large['filler'] as unknown[]).length).toBe(30_000)
  expect((large['fn'] as unknown[])[2]).toBeInstanceOf(LuaObject)
  for (const name of ['t', 'sparse', 'mixed'])
    expect(largeExact.entries.get(name)).toEqual(smallExact.entries.get(name))
  expect((largeExact.entries.get('filler') as LuaTable).entries.size).toBe(30_000)
})

interface Fields {
  readonly [name: string]: unknown
}

test('a cycle in a large table is one for who reads exactly, and too deep for the others', async () => {
  seen.length = 0
  expect(
    await lua(`local t = {} for i = 1, 20000 do t[i] = i end t[20001] = t
      border.keep_exact(t)
      local _, err = border.echo(t)
      return err:kind() .. ": " .. tostring(err)`),
  ).toBe('Invalid: value is nested deeper than 128 levels')
  const [root] = seen as [LuaTable]
  expect(root.entries.get(20_001)).toBe(root)
})

test('methods, raised errors and errors of types are those of small values', async () => {
  expect(
    await lua(`local t = {} for i = 1, 20000 do t[i] = i end
      local ok, message = pcall(border.raise, t)
      local wrong, why = pcall(border.thing().add, t, t)
      return { border.thing():add(t), ok, message, wrong, why }`),
  ).toEqual([
    20_001,
    false,
    'no',
    false,
    expect.stringContaining("bad argument #1 to 'add' (test.Thing expected, got table)"),
  ])
})

test('where code cannot wait a large value crosses at once', async () => {
  expect(
    await lua(`local t = {} for i = 1, 20000 do t[i] = i end
      local proxy = setmetatable({}, { __index = function() return #border.echo(t) end })
      return proxy.size`),
  ).toBe(20_000)
})

test('others run while a large table crosses', async () => {
  expect(
    await lua(`local t = {} for i = 1, 300000 do t[i] = i end
      local turns, done = 0, false
      coroutine.spawn(function() while not done do turns = turns + 1 coroutine.yield() end end)
      local back = border.echo(t)
      done = true
      return { #back, turns > 5 }`),
  ).toEqual([300_000, true])
})

test('a process that ends, or a coroutine that is closed, while its table crosses leaves nothing behind', async () => {
  const [engine] = node.engines.all()
  const before = engine?.vmCount
  await lua(`local t = {} for i = 1, 300000 do t[i] = i end
    coroutine.spawn(function() border.echo(t) end)
    coroutine.yield()
    return nil`)
  const again = `local t = {} for i = 1, 20000 do t[i] = i end return #border.echo(t)`
  expect(await lua(again)).toBe(20_000)
  expect(engine?.vmCount).toBeLessThanOrEqual((before ?? 0) + 2)
})
