// The engine as programs see it: values, limits, errors, coroutines, libraries.

import { beforeAll, describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { type LuaModule, LuaType, raise, results } from '../../runtime/lua/module.ts'
import { type LuaNode, luaNode } from '../support/lua-node.ts'

const pointType = new LuaType<{ x: number; y: number }>({
  name: 'point.Point',
  methods: {
    norm: (_call, self) => Math.hypot(self.x, self.y),
    add: (_call, self, dx: number) => pointType.wrap({ x: self.x + dx, y: self.y }),
  },
  fields: { x: (self) => self.x },
  tostring: (self) => `(${self.x}, ${self.y})`,
  equals: (a, b) => a.x === b.x && a.y === b.y,
  less: (a, b) => a.x < b.x,
})

const probe: LuaModule = {
  name: 'probe',
  description: 'what crosses the border',
  traits: ['deterministic'],
  open: () => ({
    echo: (_call, ...values: unknown[]) => results(...values),
    later: async (_call, value: unknown) => value,
    fails: () => {
      throw new RuntimeError('NotFound', 'nothing here', { retryable: false, details: { id: 'a' } })
    },
    fails_later: async () => {
      throw new RuntimeError('Timeout', 'too late')
    },
    raises: () => raise('raised'),
    point: (_call, x: number, y: number) => pointType.wrap({ x, y }),
    nested: { answer: () => 42, constant: 'c' },
    kinds: (_call, ...values: unknown[]) =>
      values.map((value) => (value instanceof Uint8Array ? 'bytes' : typeof value)),
    iterator: (_call, n: number) => {
      let i = 0
      return () => (i < n ? ++i : null)
    },
  }),
}

let node: LuaNode
beforeAll(async () => {
  node = await luaNode([probe])
})
const lua = (body: string) => node.eval(body, { modules: ['probe'] })

describe('values', () => {
  test('scalars, text and bytes survive both ways', async () => {
    expect(await lua('return probe.echo("héllo")')).toBe('héllo')
    expect(await lua('return probe.echo("\\0\\255\\1") == "\\0\\255\\1"')).toBe(true)
    expect(await lua('return probe.kinds("a", "\\255", 1, 2^52 | 0, 1.5, true)')).toEqual([
      'string',
      'bytes',
      'number',
      'number',
      'number',
      'boolean',
    ])
    expect(await lua('return probe.echo(9007199254740993) == 9007199254740993')).toBe(true)
    expect(await lua('return math.type(probe.echo(3))')).toBe('integer')
  })

  test('tables arrive as lists or maps, and an emptied map stays a map', async () => {
    expect(await lua('return probe.echo({1, 2, {a = "b"}})')).toEqual([1, 2, { a: 'b' }])
    expect(await lua('return probe.echo({x = {1}, ["__proto__"] = 1})')).toEqual(
      Object.assign(Object.create(null), { x: [1], ['__proto__']: 1 }),
    )
  })

  test('a value nested too deeply is an error, not a crash', async () => {
    await expect(lua('local t = {} for i = 1, 1000 do t = {t} end return assert(probe.echo(t))')).rejects.toThrow(
      /nested deeper than 128/,
    )
  })

  test('integral floats print without a fraction', async () => {
    expect(
      await lua('return tostring(10/2) .. " " .. 2^31 .. " " .. 1.5 .. " " .. string.format("%s %d", 4.0, 3.7)'),
    ).toBe('5 2147483648 1.5 4 3')
  })
})

describe('what native functions refuse', () => {
  test('of a format names the argument as the program counts it, and its line', async () => {
    const refused = async (call: string) =>
      String(await lua(`\nlocal ok, err = pcall(function()\nlocal text = ${call} return text end) return err`)).replace(
        /^test:eval\d+:3: /,
        'line 3: ',
      )
    const none = 'number has no integer representation'
    expect(await refused('("%d"):format(1e400)')).toBe(`line 3: bad argument #1 to 'format' (${none})`)
    expect(await refused('string.format("%d", 0/0)')).toBe(`line 3: bad argument #2 to 'format' (${none})`)
    expect(await refused('("%s %d"):format(1, {})')).toBe(
      "line 3: bad argument #2 to 'format' (number expected, got table)",
    )
    expect(await refused('string.format({})')).toBe("line 3: bad argument #1 to 'format' (string expected, got table)")
  })

  test.each([
    ['("x"):rep({})', /^test:eval\d+:2: bad argument #\d to 'rep' \(number expected, got table\)$/],
    ['string.upper()', /^test:eval\d+:2: bad argument #1 to 'upper'/],
    ['table.concat({ {} })', /^test:eval\d+:2: invalid value \(table\) at index 1 in table for 'concat'$/],
    ['("x"):find("[")', /^test:eval\d+:2: malformed pattern/],
  ])('ends a process with the line of the program: %s', async (call, text) => {
    await expect(lua(`\nlocal value = ${call} return value`)).rejects.toThrow(text)
  })
})

test.each([
  ['coroutine.spawn({})', /^test:eval\d+:2: bad argument #1 to 'spawn' \(function expected\)$/],
  [
    'table.unpack(setmetatable({}, { __index = function() channel.select { channel.new():case_receive() } end }), 1, 1)',
    /^test:eval\d+:2: attempt to yield across a C-call boundary$/,
  ],
  ['channel.select()', /^bad argument #1 to 'select' \(table expected\)$/],
  ['channel.select(5, true)', /^bad argument #1 to 'select' \(table expected\)$/],
])('what the host refuses is said of the line of the program: %s', async (call, text) => {
  expect(await lua(`\nlocal ok, err = pcall(function() local value = ${call} end) return tostring(err)`)).toMatch(text)
})

describe('module functions', () => {
  test('failures come back as nil and an error value', async () => {
    expect(
      await lua(
        'local v, err = probe.fails() return {v == nil, err:kind(), err:message(), err:retryable(), err:details().id, tostring(err), type(err), "x: " .. err}',
      ),
    ).toEqual([true, 'NotFound', 'nothing here', false, 'a', 'nothing here', 'userdata', 'x: nothing here'])
    expect(await lua('local v, err = probe.fails_later() return err:kind()')).toBe('Timeout')
  })

  test('a raise carries the position of the Lua line', async () => {
    expect(await lua('local ok, err = pcall(probe.raises) return {ok, (string.find(err, "raised"))~=nil}')).toEqual([
      false,
      true,
    ])
  })

  test('promises are waited for, in pcall and in coroutines too', async () => {
    expect(await lua('local ok, v = pcall(probe.later, {1}) return {ok, v[1]}')).toEqual([true, 1])
    expect(
      await lua(
        'local g = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(probe.later(i)) end end) return {g(), g(), g()}',
      ),
    ).toEqual([1, 2, 3])
  })

  test('userdata has methods, fields, comparison and text', async () => {
    expect(
      await lua(
        'local p = probe.point(3, 4) return {p:norm(), p.x, tostring(p), p == probe.point(3, 4), p < probe.point(4, 0), tostring(p:add(1)), "at " .. p}',
      ),
    ).toEqual([5, 3, '(3, 4)', true, true, '(4, 4)', 'at (3, 4)'])
    await expect(lua('return probe.point(1, 2).norm({})')).rejects.toThrow(/bad argument #1/)
  })

  test('functions returned by the host can be called', async () => {
    expect(await lua('local sum = 0 for i in probe.iterator(4) do sum = sum + i end return sum')).toBe(10)
  })

  test('module tables are frozen and can be walked', async () => {
    await expect(lua('probe.echo = nil')).rejects.toThrow(/read-only/)
    await expect(lua('string.upper = nil')).rejects.toThrow(/read-only/)
    expect(
      await lua(
        'local n = 0 for k in pairs(probe.nested) do n = n + 1 end return {n, probe.nested.answer(), probe.nested.constant}',
      ),
    ).toEqual([2, 42, 'c'])
  })
})

describe('globals and require', () => {
  test('a module that was not granted is not found', async () => {
    await expect(node.eval('return require("probe")')).rejects.toThrow(/module 'probe' not found/)
    expect(
      await node.eval(
        'return tostring(probe) .. tostring(load) .. tostring(debug) .. tostring(collectgarbage) .. tostring(dofile)',
      ),
    ).toBe('nilnilnilnilnil')
  })

  test('processes of one program share no globals', async () => {
    node.process(
      'test:leak',
      'local function main(v) local before = leaked leaked = v return tostring(before) end return { main = main }',
    )
    expect((await node.run('test:leak', 1)).value).toBe('nil')
    expect((await node.run('test:leak', 2)).value).toBe('nil')
  })

  test('libraries belong to the process that loads them and see only their own grants', async () => {
    const counter = node.library(
      'test:counter',
      'local M = { n = 0 } function M.inc() M.n = M.n + 1 return M.n end function M.answer() return probe.nested.answer() end return M',
      { modules: ['probe'] },
    )
    node.process(
      'test:user',
      'local counter = require("counter") local function main() return { counter.inc(), counter.inc(), counter.answer(), require("counter") == counter, tostring(probe) } end return { main = main }',
      { imports: { counter } },
    )
    for (let i = 0; i < 2; i++) expect((await node.run('test:user')).value).toEqual([1, 2, 42, true, 'nil'])
  })

  test('a global of the process shadows a module for require, as mocks need', async () => {
    expect(await lua('_G.probe = { echo = function() return "mock" end } return require("probe").echo()')).toBe('mock')
  })

  test('a chunk that fails to load fails the spawn', () => {
    node.process('test:broken', 'error("at load")')
    expect(() => node.spawn('test:broken')).toThrow(/at load/)
    node.process('test:empty', 'return {}')
    expect(() => node.spawn('test:empty')).toThrow('method "main" not found in module')
  })

  test('finalisers, metatables of strings and bytecode are out of reach', async () => {
    await expect(node.eval('setmetatable({}, { __gc = function() end })')).rejects.toThrow(/__gc/)
    expect(
      await node.eval('return tostring(getmetatable("")) .. tostring(getmetatable(string)) .. tostring(string.dump)'),
    ).toBe('nilfalsenil')
  })
})

describe('channels', () => {
  test('unbuffered sends meet receives, closed channels drain', async () => {
    expect(
      await node.eval(`
        local ch, log = channel.new(), {}
        coroutine.spawn(function() for i = 1, 3 do ch:send(i) end ch:close() end)
        while true do local v, ok = ch:receive() if not ok then break end log[#log + 1] = v end
        return log`),
    ).toEqual([1, 2, 3])
  })

  test('nil is a value', async () => {
    expect(
      await node.eval('local ch = channel.new(1) ch:send(nil) local v, ok = ch:receive() return { tostring(v), ok }'),
    ).toEqual(['nil', true])
  })

  test('select takes the first ready case in table order, or the default', async () => {
    expect(
      await node.eval(`
        local a, b = channel.new(1), channel.new(1)
        b:send("b") a:send("a")
        local first = channel.select { a:case_receive(), b:case_receive() }
        local second = channel.select { a:case_receive(), b:case_receive() }
        local third = channel.select { a:case_receive(), default = true }
        local sent = channel.select { a:case_send("s") }
        return { first.value, first.channel == a, second.value, second.channel == b, third.default, sent.value, sent.ok, (a:receive()) }`),
    ).toEqual(['a', true, 'b', true, true, 's', true, 's'])
  })

  test('select waits, in the main coroutine and inside one the user made', async () => {
    const body = (wrap: string) => `
      local a, b = channel.new(), channel.new()
      coroutine.spawn(function() b:send(7) end)
      local function wait() local r = channel.select { a:case_receive(), b:case_receive() } return r.value + (r.channel == b and 100 or 0) end
      return ${wrap}`
    expect(await node.eval(body('wait()'))).toBe(107)
    expect(await node.eval(body('coroutine.wrap(wait)()'))).toBe(107)
  })

  test('sending on a closed channel raises; a blocked sender gets an error', async () => {
    await expect(node.eval('local ch = channel.new() ch:close() ch:send(1)')).rejects.toThrow('send on closed channel')
    expect(
      await node.eval(`
        local ch, out = channel.new(), channel.new(1)
        coroutine.spawn(function() local ok, err = ch:send(1) out:send(tostring(ok) .. ":" .. tostring(err)) end)
        coroutine.yield()
        ch:close()
        return (out:receive())`),
    ).toBe('nil:send on closed channel')
  })

  test('a spawned coroutine can be ended, with what it waits for', async () => {
    expect(
      await node.eval(`
        local ch, log = channel.new(), channel.new(4)
        local co = coroutine.spawn(function() ch:receive() log:send("woke") end)
        coroutine.yield()
        log:send(tostring(coroutine.close(co)))
        coroutine.spawn(function() ch:send(1) end)
        coroutine.yield()
        log:send("end")
        return { (log:receive()), (log:receive()) }`),
    ).toEqual(['true', 'end'])
  })
})

describe('functions', () => {
  test('a call runs the function and copies arguments and results', async () => {
    node.function('test:double', 'return { handler = function(t) t.n = t.n * 2 return t end }')
    expect(
      await node.eval('local t = { n = 4 } local r = funcs.call("test:double", t) return { t.n, r.n }', {
        modules: ['funcs'],
      }),
    ).toEqual([4, 8])
  })

  test('errors of every form reach the caller as error values', async () => {
    node.function(
      'test:fail',
      'return { handler = function(how) if how == "error" then error("boom") end if how == "text" then return nil, "bad" end return nil, errors.new{message = "m", kind = "Conflict"} end }',
    )
    const call = (how: string) =>
      node.eval(`local v, err = funcs.call("test:fail", "${how}") return { tostring(v), err:kind(), err:message() }`, {
        modules: ['funcs'],
      })
    expect(await call('error')).toEqual(['nil', 'Internal', expect.stringMatching(/boom/)])
    expect(await call('text')).toEqual(['nil', 'Internal', 'bad'])
    expect(await call('object')).toEqual(['nil', 'Conflict', 'm'])
    expect(
      await node.eval(
        'local v, err = funcs.call("test:none") return { err:kind(), (string.find(tostring(err), "no handler registered for target")) }',
        { modules: ['funcs'] },
      ),
    ).toEqual(['NotFound', 1])
  })

  test('a callee that waits makes only its caller wait', async () => {
    node.function('test:slow', 'return { handler = function(v) return probe.later(v) end }', { modules: ['probe'] })
    expect(
      await node.eval('local ok, v = pcall(funcs.call, "test:slow", 5) return { ok, v }', { modules: ['funcs'] }),
    ).toEqual([true, 5])
  })

  test('a worker keeps its state; workers do not share it', async () => {
    node.function('test:count', 'local n = 0 return { handler = function() n = n + 1 return n end }')
    expect(
      await node.eval('local a, b = funcs.call("test:count"), funcs.call("test:count") return { a, b }', {
        modules: ['funcs'],
      }),
    ).toEqual([1, 2])
  })

  test('code made at run time starts afresh on every call', async () => {
    node.function('test:fresh', 'local n = 0 return { handler = function() n = n + 1 return n end }', {
      generated: true,
    })
    expect(
      await node.eval('local a, b = funcs.call("test:fresh"), funcs.call("test:fresh") return { a, b }', {
        modules: ['funcs'],
      }),
    ).toEqual([1, 1])
  })

  test('recursion through calls works beyond the inline depth', async () => {
    node.function(
      'test:down',
      'return { handler = function(n) if n == 0 then return 0 end return 1 + funcs.call("test:down", n - 1) end }',
      { modules: ['funcs'] },
    )
    expect(await node.eval('return funcs.call("test:down", 30)', { modules: ['funcs'] })).toBe(30)
  })

  test('a pool with one worker serialises its callers', async () => {
    node.function('test:one', 'return { handler = function(v) return probe.later(v) end }', {
      modules: ['probe'],
      maxSize: 1,
    })
    const body =
      'local done = channel.new(8) for i = 1, 5 do coroutine.spawn(function() done:send(funcs.call("test:one", i)) end) end local sum = 0 for i = 1, 5 do sum = sum + done:receive() end return sum'
    expect(await node.eval(body, { modules: ['funcs'] })).toBe(15)
  })

  test('futures deliver a payload or the error', async () => {
    expect(
      await node.eval(
        'local f = funcs.async("test:double", { n = 2 }) local p = f:response():receive() local g = funcs.async("test:fail", "text") local e = g:response():receive() return { p:data().n, f:is_complete(), e:message(), (f:result()):data().n }',
        { modules: ['funcs'] },
      ),
    ).toEqual([4, true, 'bad', 4])
  })
})

describe('limits', () => {
  test('a memory bomb ends with LimitExceeded', async () => {
    node.function(
      'test:bomb',
      'return { handler = function() local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end end }',
      { generated: true },
    )
    expect(
      await node.eval('local v, err = funcs.call("test:bomb") return { err:kind(), err:message() }', {
        modules: ['funcs'],
      }),
    ).toEqual(['LimitExceeded', 'memory limit of 16777216 bytes exceeded'])
  })

  test.each([
    ['a loop', 'while true do end'],
    ['a loop in pcall', 'while true do pcall(function() while true do end end) end'],
    ['a loop in a coroutine', 'coroutine.wrap(function() while true do end end)()'],
    ['a comparator', 'table.sort({3, 1, 2}, function() while true do end end)'],
    ['a replacement', '("abc"):gsub(".", function() while true do end end)'],
    ['a __tostring', 'tostring(setmetatable({}, { __tostring = function() while true do end end }))'],
    ['a message handler', 'xpcall(error, function() while true do end end)'],
    [
      'a metamethod of the native sort',
      'local m = { __lt = function() while true do end end } table.sort({ setmetatable({}, m), setmetatable({}, m) })',
    ],
  ])('%s that never ends is ended', async (_name, body) => {
    node.function('test:endless', `return { handler = function() ${body} end }`, {
      generated: true,
      limits: { cpu: 100 },
    })
    expect(await node.eval('local v, err = funcs.call("test:endless") return err:kind()', { modules: ['funcs'] })).toBe(
      'LimitExceeded',
    )
  })

  test('deep recursion is an error', async () => {
    node.function('test:deep', 'return { handler = function() local function f() return 1 + f() end return f() end }', {
      generated: true,
    })
    expect(
      await node.eval('local v, err = funcs.call("test:deep") return tostring(err)', { modules: ['funcs'] }),
    ).toMatch(/stack overflow|memory limit/)
  })
})

describe('patterns', () => {
  test('native and bounded matching agree', async () => {
    // The long subjects are beyond what native matching is trusted with for these patterns.
    const body = `
      local long = ("ab "):rep(4000) .. "x=1, y=22"
      local out = {}
      out[1] = { string.find(long, ".-(%w+)=(%d+)") }
      out[2] = { string.match(long, ".-(%w+)=.-(%d+)$") }
      out[3] = { select(2, string.gsub(long, "(%w+).-(%s)", "%2%1%0")) }
      local n = 0 for a, b in string.gmatch(long, "(%w+).-(%s+)") do n = n + 1 end
      out[4] = n
      out[5] = { ("hello world"):gsub("(o)(.-)(w?)", function(a, b, c) return a:upper() .. b .. c end) }
      out[6] = { ("abc"):gsub("%w", "%0%0"), ("abc"):gsub("", "-"), ("abc"):gsub("b", { b = "B" }) }
      out[7] = tostring(string.match("abc", "x"))
      return out`
    expect(await node.eval(body)).toEqual([
      [1, 12003, 'x', '1'],
      ['x', '22'],
      [4001],
      4001,
      ['hellO wOrld', 2],
      ['aabbcc', '-a-b-c-', 'aBc', 1],
      'nil',
    ])
  })

  test('a catastrophic pattern ends quickly with LimitExceeded', async () => {
    const body = 'local ok, err = pcall(string.find, ("a"):rep(300), ("a-"):rep(12) .. "b") return tostring(err)'
    expect(await node.eval(body)).toMatch(/steps|budget|complex/)
  })
})

describe('typed Lua', () => {
  test('annotations are erased and aliases read as values check', async () => {
    const body = `
      type User = { name: string, age: integer }
      local function check(v: unknown): (boolean, string?)
        local ok, err = User:is(v)
        return ok ~= nil, err
      end
      local good = check({ name = "a", age = 1 })
      local bad, why = check({ name = 1, age = 1 })
      return { good, bad, why }`
    expect(await node.eval(body)).toEqual([true, false, expect.stringMatching(/name: expected string, got number/)])
  })
})
