// Which programs run their chunk once for all their processes, and that no program can tell.

import { beforeAll, describe, expect, test } from 'vitest'
import { isStateless } from '../../runtime/lua/stateless.ts'
import { parse } from '../../runtime/lua/typed/parser.ts'
import { type LuaNode, luaNode } from '../support/lua-node.ts'

const stateless = (source: string): boolean => isStateless(parse(source, 'chunk').chunk.body, new Set(['json', 'time']))

describe('a chunk is shared when it', () => {
  const shared: Record<string, string> = {
    'returns a table of functions': 'local function main() return 1 end return { main = main }',
    'returns a function': 'return function() return 1 end',
    'returns functions in place': 'return { main = function(a) local b = a b = b + 1 return b end }',
    'takes modules it was granted':
      'local json = require("json") return { main = function() return json.encode({}) end }',
    'holds constants': 'local LIMIT <const>, name = -5, "x" return { main = function() return LIMIT, name end }',
    'calls its own functions':
      'local function f() return 1 end local g = f return { main = function() return f() + g() end }',
    'reads globals': 'return { main = function() return process.pid(), string.format("%d", 1) end }',
    'writes to what each call makes':
      'return { main = function() local t = { n = 0 } t.n = t.n + 1 function t.f() end function t:g() self.n = 2 end end }',
    'hides a forbidden name': 'return { main = function(_G) local require = print require(_G) end }',
    'has every statement': `return { main = function(...)
      for i = 1, 2, 1 do if i > 1 then break elseif i then goto on else end ::on:: end
      for k, v in pairs({ ... }) do while k do repeat local done = true until done do return v, -k, not k, (k), #v end end end
    end }`,
  }
  for (const [name, source] of Object.entries(shared)) test(name, () => expect(stateless(source)).toBe(true))
})

describe('a chunk is not shared when it', () => {
  const own: Record<string, string> = {
    'counts in a variable': 'local n = 0 return { main = function() n = n + 1 return n end }',
    'counts below a loop': 'local n = 0 return { main = function() for i = 1, 2 do if i then n = i end end end }',
    'holds a table': 'local t = {} return { main = function() t.n = 1 end }',
    'holds what a call made': 'local t = setmetatable({}, {}) return { main = function() return t end }',
    'holds a closure with a variable':
      'local function make() local n = 0 return function() n = n + 1 end end local f = make() return { main = f }',
    'writes a global': 'return { main = function() seen = true end }',
    'writes a global by a function statement': 'return { main = function() function helper() end end }',
    'writes a global from its own text': 'count = 1 return { main = function() return count end }',
    'assigns to its own function': 'local function f() end return { main = function() f = nil end }',
    'reaches its environment': 'return { main = function() _G.x = 1 end }',
    'reaches its environment by name': 'return { main = function() local env = _ENV env.x = 1 end }',
    'requires while it runs': 'return { main = function() return require("lib") end }',
    'requires what is no module of it': 'local lib = require("lib") return { main = function() lib.n = 1 end }',
    'calls something': 'print("hello") return { main = function() end }',
    branches: 'if true then end return { main = function() end }',
    'closes something': 'local x <close> = nil return { main = function() end }',
    'returns what it calls': 'return setmetatable({}, {})',
    'hides require': 'local require = print local json = require("json") return { main = function() end }',
  }
  for (const [name, source] of Object.entries(own)) test(name, () => expect(stateless(source)).toBe(false))
})

describe('after many processes of one program', () => {
  let node: LuaNode
  beforeAll(async () => {
    node = await luaNode()
  })

  const runs = async (id: string, source: string): Promise<unknown[]> => {
    node.process(id, source)
    const values: unknown[] = []
    for (let i = 0; i < 12; i++) values.push((await node.run(id, i)).value)
    return values
  }

  test('each has had its own variables and globals', async () => {
    const counting = 'local n = 0 return { main = function() n = n + 1 seen = (seen or 0) + n return seen end }'
    expect(await runs('app:counting', counting)).toEqual(Array(12).fill(1))
  })

  test('those that share one run of the chunk get their own arguments and see no globals', async () => {
    const plain = 'local function main(i) local t = { i } return t[1] * 2, seen end return { main = main }'
    expect(await runs('app:plain', plain)).toEqual(Array.from({ length: 12 }, (_, i) => i * 2))
  })

  test('one that shares keeps less than one that runs its own chunk', async () => {
    const cost = (id: string, source: string): number => {
      node.process(id, source)
      for (let i = 0; i < 20; i++) node.spawn(id)
      node.engines.collect()
      const before = node.engines.memoryUsed
      for (let i = 0; i < 100; i++) node.spawn(id)
      node.engines.collect()
      return node.engines.memoryUsed - before
    }
    const body = 'process.inbox():receive() end return { main = main }'
    const own = cost('app:own', `local t = {} local function main() ${body}`)
    expect(cost('app:shared', `local t = 0 local function main() ${body}`)).toBeLessThan(own)
  })
})
