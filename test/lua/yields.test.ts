// Waiting and yielding from every place Lua allows: where the patched glue returns instead of unwinding (lua/glue-patches.ts),
// and where a C call lies between and it must unwind as C Lua does.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { beforeAll, describe, expect, test } from 'vitest'
import { patchGlue } from '../../runtime/lua/glue-patches.ts'
import { type LuaModule, raise } from '../../runtime/lua/module.ts'
import { type LuaNode, luaNode } from '../support/lua-node.ts'

const probe: LuaModule = {
  name: 'probe',
  description: 'answers later',
  traits: ['deterministic'],
  open: () => ({
    later: async (_call, value: unknown) => value,
    raises: async (_call, value: unknown) => {
      await value
      return raise('late failure')
    },
  }),
}

let node: LuaNode
beforeAll(async () => {
  node = await luaNode([probe])
})

/** Programs over `wait(value)`, which answers its argument after a wait; each returns what it must have computed. */
const places: Record<string, readonly [program: string, value: unknown]> = {
  'a call': ['return wait(1) + wait(2)', 3],
  'a tail call': ['local function f(n) return wait(n) end return f(3) + f(4)', 7],
  'a tail call of a tail call': [
    'local function f(n) return wait(n) end local function g(n) return f(n) end return g(5)',
    5,
  ],
  'a call whose results are not wanted': ['local n = 1 wait(9) n = n + 1 return n', 2],
  'the last argument of another call': ['return select("#", wait(1), wait(2))', 2],
  'a constructor': ['local t = { wait(1), wait(2), k = wait(3) } return t[1] + t[2] + t.k', 6],
  'a condition': ['if wait(true) then return wait("yes") end return "no"', 'yes'],
  'a loop': ['local sum = 0 for i = 1, wait(10) do sum = sum + wait(i) end return sum', 55],
  'a generic for': [
    'local i = 0 local sum = 0 for n in function() i = i + 1 if wait(i) < 4 then return i end end do sum = sum + n end return sum',
    6,
  ],
  'a protected call': ['local ok, v = pcall(wait, 6) return ok and v', 6],
  'a function in a protected call': [
    'local ok, v = pcall(function() local a = wait(1) return a + wait(6) end) return ok and v',
    7,
  ],
  'an error after a wait, in a protected call': [
    'local ok, e = pcall(function() wait(1) error("boom", 0) end) return e .. wait("!")',
    'boom!',
  ],
  'a wait after an error was caught': ['pcall(error) local a = wait(1) pcall(error) return a + wait(2)', 3],
  'nested protected calls': [
    'local ok, v = pcall(function() local k, w = pcall(function() return wait(8) end) return wait(w) end) return v',
    8,
  ],
  'a metamethod': [
    'local t = setmetatable({}, { __index = function(_, k) return wait(k) end }) return t.a .. t.b',
    'ab',
  ],
  'arithmetic with a metamethod': [
    'local t = setmetatable({}, { __add = function(_, n) return wait(n) end }) return t + 4',
    4,
  ],
  'a value that is called': [
    'local t = setmetatable({}, { __call = function(_, n) return wait(n) end }) return t(3) + t(4)',
    7,
  ],
  'a comparator': [
    'local t = { 3, 1, 2 } table.sort(t, function(a, b) return wait(a) < b end) return t[1] * 100 + t[2] * 10 + t[3]',
    123,
  ],
  'a closing variable': [
    'local log = "" do local c <close> = setmetatable({}, { __close = function() log = wait("closed") end }) end return log',
    'closed',
  ],
  'a vararg function': [
    'local function f(...) local n = wait(1) return n, ... end return select("#", f(nil, nil, 3))',
    4,
  ],
  'deep Lua calls': [
    'local function f(n) if n == 0 then return wait(0) end return 1 + f(n - 1) end return f(150)',
    150,
  ],
  'a deep chain of protected calls': [
    'local function f(n) if n == 0 then return wait(0) end local _, v = pcall(f, n - 1) return v + 1 end return f(50)',
    50,
  ],
  'a coroutine of the program': ['local co = coroutine.wrap(function() return wait(2) + wait(3) end) return co()', 5],
  'between yields of such a coroutine': [
    'local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(wait(i)) end return 9 end) return co() + co() + co() + co()',
    15,
  ],
  'a coroutine in a coroutine': [
    'local co = coroutine.wrap(function() local inner = coroutine.wrap(function() return wait(7) end) return inner() + wait(1) end) return co()',
    8,
  ],
}

/** Each makes `wait` another thing that suspends. */
const waits: Record<string, string> = {
  'a promise of the host': 'local wait = probe.later',
  'a channel': `
    local asked, answers = channel.new(), channel.new()
    coroutine.spawn(function() while true do answers:send((asked:receive())) end end)
    local function wait(v) asked:send(v) return (answers:receive()) end`,
  'a function call': 'local function wait(v) return (probe.later(v)) end',
}

for (const [name, wait] of Object.entries(waits)) {
  describe(`waiting for ${name} in`, () => {
    for (const [place, [program, value]] of Object.entries(places)) {
      test(place, async () => {
        expect(await node.eval(`${wait}\n${program}`, { modules: ['probe'] })).toEqual(value)
      })
    }
  })
}

describe('coroutine.yield', () => {
  const lua = (program: string): Promise<unknown> => node.eval(program)

  test('passes values both ways, from calls, tail calls and protected calls', async () => {
    expect(
      await lua(`
        local co = coroutine.create(function(a, b)
          local c = coroutine.yield(a + b)
          local ok, d, e = pcall(coroutine.yield, c * 2)
          local f = (function() return coroutine.yield(d, e) end)()
          return f
        end)
        local log = {}
        local function step(...) for _, v in ipairs(table.pack(...)) do log[#log + 1] = v end end
        step(coroutine.resume(co, 1, 2))
        step(coroutine.resume(co, 10))
        step(coroutine.resume(co, "d", "e"))
        step(coroutine.resume(co, "end"))
        step(coroutine.status(co))
        return log`),
    ).toEqual([true, 3, true, 20, true, 'd', 'e', true, 'end', 'dead'])
  })

  test('is the body of a coroutine, and the iterator of a loop', async () => {
    expect(
      await lua(`
        local co = coroutine.create(coroutine.yield)
        local _, first = coroutine.resume(co, 1)
        local _, second = coroutine.resume(co, 2)
        local out = {}
        for v in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do out[#out + 1] = v end
        return { first, second, coroutine.status(co), #out }`),
    ).toEqual([1, 2, 'dead', 3])
  })

  test('gives as many values as it was asked for', async () => {
    expect(
      await lua(`
        local co = coroutine.wrap(function() return select("#", coroutine.yield()) end)
        co()
        return co(nil, nil, nil)`),
    ).toBe(3)
  })

  test('is refused across a callback of C', async () => {
    expect(
      await lua(`
        local co = coroutine.create(function() return string.gsub("a", ".", { a = 1 }), coroutine.isyieldable() end)
        return { coroutine.resume(co) }`),
    ).toEqual([true, '1', true])
  })
})

describe('error', () => {
  const lua = (program: string): Promise<unknown> => node.eval(program)
  const cases: Record<string, readonly [program: string, value: unknown]> = {
    'is caught by pcall, again and again': [
      'local n = 0 for i = 1, 3 do local ok, e = pcall(error, { i }) if not ok then n = n + e[1] end end return n',
      6,
    ],
    'is caught after its body has yielded': [
      'local ok, e = pcall(function() coroutine.yield() error({ 7 }) end) coroutine.yield() return { ok, e[1] }',
      [false, 7],
    ],
    'is caught twice, from one body and then another': [
      `local function body(v) coroutine.yield() error(v, 0) end
       local _, a = pcall(body, "a") local _, b = pcall(body, "b")
       local ok, c = pcall(function() local _, c = pcall(body, "c") coroutine.yield() error(c .. "!", 0) end)
       coroutine.yield() return a .. b .. c`,
      'abc!',
    ],
    'is raised by assert': ['return select(2, pcall(function() coroutine.yield() assert(false, { 3 }) end))[1]', 3],
    'keeps its position': [
      'return (select(2, pcall(function() coroutine.yield()\nerror("here") end)):gsub("^.*eval%d+:", ""))',
      '2: here',
    ],
    'ends a coroutine of the program': [
      `local co = coroutine.create(function() coroutine.yield(1) error("end", 0) end)
       coroutine.resume(co) local ok, e = coroutine.resume(co)
       return { ok, e, coroutine.status(co), (select(2, coroutine.resume(co))) }`,
      [false, 'end', 'dead', 'cannot resume dead coroutine'],
    ],
    'of a tail call': [
      'local co = coroutine.create(function() return error("t", 0) end) return select(2, coroutine.resume(co))',
      't',
    ],
    'is the body of a coroutine': ['return select(2, coroutine.resume(coroutine.create(error), "b"))', 'b'],
    'closes what is to be closed': [
      `local log = {}
       local co = coroutine.create(function()
         local a <close> = setmetatable({}, { __close = function(_, e) log[#log + 1] = e end })
         coroutine.yield() error("x", 0)
       end)
       coroutine.resume(co) coroutine.resume(co) coroutine.close(co)
       local ok = pcall(function()
         local b <close> = setmetatable({}, { __close = function(_, e) log[#log + 1] = e end })
         coroutine.yield() error("y", 0)
       end)
       return log`,
      ['x', 'y'],
    ],
    'goes through a wrapped coroutine': [
      'local f = coroutine.wrap(function() coroutine.yield() error("w", 0) end) f() return select(2, pcall(f))',
      'w',
    ],
    'of a closing function': [
      `local ok, e = pcall(function()
         local a <close> = setmetatable({}, { __close = function() coroutine.yield() error("late", 0) end })
         coroutine.yield() error("early", 0)
       end) return e`,
      'late',
    ],
    'without a value': ['return { pcall(function() coroutine.yield() error() end) }', [false]],
  }
  for (const [name, [program, value]] of Object.entries(cases)) {
    test(name, async () => expect(await lua(program)).toEqual(value))
  }

  test('uncaught, ends the process with its message', async () => {
    node.process('app:fails', 'return { main = function() coroutine.yield() error("gone") end }')
    expect((await node.run('app:fails')).error).toMatchObject({ kind: 'Internal', message: 'app:fails:1: gone' })
  })
})

test('an error that a wait ends in is raised where the wait was', async () => {
  const program = 'local ok, e = pcall(function() return probe.raises(1) end) return tostring(ok) .. " " .. tostring(e)'
  expect(await node.eval(program, { modules: ['probe'] })).toMatch(/^false .*late failure$/)
})

test('a glue of another build is refused', () => {
  const path = createRequire(import.meta.url)
    .resolve('wasmoon')
    .replace(/index\.js$/, 'glue.wasm')
  const glue = readFileSync(path)
  expect(WebAssembly.validate(patchGlue(glue))).toBe(true)
  expect(() => patchGlue(Buffer.from(patchGlue(glue)))).toThrow(/cannot be patched/)
})
