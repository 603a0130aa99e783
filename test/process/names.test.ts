// spec/process.md §8: names of processes.

import { beforeEach, describe, expect, test } from 'vitest'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
beforeEach(async () => {
  node = await luaNode()
  node.process('app:wait', 'return { main = function() return process.inbox():receive():topic() end }')
})
const lua = (body: string) =>
  node.eval(`local names, me, events = process.registry, process.pid(), process.events() ${body}`)
const failure = (expression: string) =>
  lua(`local value, err = ${expression} return { tostring(value), err:kind(), tostring(err) }`)

describe('names', () => {
  test('register is for oneself or a pid; lookup gives one value', async () => {
    expect(
      await lua(`
        local pid = process.spawn("app:wait", "${HOST}")
        local a, b = names.register("mine"), names.register("other", pid)
        local n = select("#", names.lookup("mine"))
        return { a, b, names.lookup("mine") == me, names.lookup("other") == pid, n }`),
    ).toEqual([true, true, true, true, 1])
  })

  test('a pid may own many names; registering again is fine; a name of another is not', async () => {
    expect(await lua('return { names.register("a"), names.register("b"), names.register("a") }')).toEqual([
      true,
      true,
      true,
    ])
    expect(
      await lua(`
        local pid = process.spawn("app:wait", "${HOST}")
        names.register("taken", pid)
        local ok, err = names.register("taken")
        return { tostring(ok), err:kind(), err:message() }`),
    ).toEqual(['nil', 'AlreadyExists', 'name already registered'])
  })

  test('what is not registered is not found', async () => {
    expect(await failure('names.lookup("nobody")')).toEqual(['nil', 'NotFound', 'name not registered'])
    expect(await failure(`names.register("x", "{${HOST}|0xfffff}")`)).toEqual(['nil', 'NotFound', 'process not found'])
  })

  test('unregister answers whether there was one', async () => {
    expect(
      await lua(
        'names.register("a") return { names.unregister("a"), names.unregister("a"), (names.lookup("a")) == nil }',
      ),
    ).toEqual([true, false, true])
  })

  test('wider scopes need a cluster', async () => {
    expect(await lua('return { names.LOCAL, names.EVENTUAL, names.CONSISTENT, names.STRONG }')).toEqual([0, 1, 2, 3])
    expect(await lua('return names.register("a", nil, names.LOCAL)')).toBe(true)
    expect(await failure('names.register("b", nil, names.EVENTUAL)')).toEqual([
      'nil',
      'Internal',
      'eventual registry not available',
    ])
    expect(await failure('names.register("b", nil, names.CONSISTENT)')).toEqual([
      'nil',
      'Internal',
      'global registry not available',
    ])
    expect(await failure('names.register("b", nil, names.STRONG)')).toEqual([
      'nil',
      'Internal',
      'global registry not available',
    ])
    expect(await failure('names.unregister("b", names.EVENTUAL)')).toEqual([
      'nil',
      'Internal',
      'eventual registry not available',
    ])
  })

  test.each(['', 'with space', '@x', 'ünïcode', '{half'])('any text is a name: %j', async (name) => {
    expect(
      await lua(`return { names.register(${JSON.stringify(name)}), names.lookup(${JSON.stringify(name)}) == me }`),
    ).toEqual([true, true])
  })

  test('all names of a process are free when it ends, whatever way', async () => {
    expect(
      await lua(`
        for _, how in ipairs { "return", "terminate" } do
          local pid = process.spawn_monitored("app:wait", "${HOST}")
          names.register("one", pid) names.register("two", pid)
          if how == "return" then process.send("one", "bye") else process.terminate("two") end
          events:receive()
          if names.lookup("one") or names.lookup("two") then return how end
        end
        return "free"`),
    ).toBe('free')
  })
})
