// spec/process.md §11: calling functions by id, executors, futures, retries.

import { beforeEach, describe, expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../../runtime/core/clock.ts'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { ctxModule } from '../../../runtime/features/ctx.ts'
import { timeModule } from '../../../runtime/features/time/time-module.ts'
import type { LuaModule } from '../../../runtime/lua/module.ts'
import { frameAllowing, identityModule } from '../../support/identities.ts'
import { type LuaNode, luaNode } from '../../support/lua-node.ts'

let node: LuaNode
let clock: ManualClock
/** Promises that a test settles: `gate.wait(name)` in Lua. */
let gates: Map<string, { open: (value: unknown) => void; fail: (error: Error) => void; aborted: boolean }>

const gateModule: LuaModule = {
  name: 'gate',
  description: 'waits for the test',
  traits: ['nondeterministic'],
  open: () => ({
    wait: (call, name: string) =>
      new Promise((resolve, reject) => {
        const gate = { open: resolve, fail: reject, aborted: false }
        call.signal.addEventListener('abort', () => {
          gate.aborted = true
        })
        gates.set(name, gate)
      }),
  }),
}

beforeEach(async () => {
  clock = manualClock()
  gates = new Map()
  node = await luaNode([ctxModule, identityModule, gateModule, timeModule({ clock })], { clock, random: () => 0.5 })
  node.function('app:echo', 'return { handler = function(...) return ... end }')
  node.function(
    'app:context',
    'return { handler = function() return { all = ctx.all(), me = identity.me(), may = identity.may("x") } end }',
    {
      modules: ['ctx', 'identity'],
    },
  )
  node.function('app:gate', 'return { handler = function(name) return gate.wait(name) end }', { modules: ['gate'] })
})
const lua = (body: string, frame = undefined as Parameters<LuaNode['eval']>[1]) =>
  node.eval(body, { modules: ['funcs', 'identity', 'time'], ...frame })
const failure = (expression: string) =>
  lua(`local value, err = ${expression} return { tostring(value), err:kind(), tostring(err) }`)
/** Lets processes run until the gate is there. */
const gate = async (name: string) => {
  while (!gates.has(name)) await lua('coroutine.yield()')
  return gates.get(name) as NonNullable<ReturnType<typeof gates.get>>
}

describe('call', () => {
  test('ids are checked', async () => {
    expect(await failure('funcs.call()')).toEqual(['nil', 'Invalid', 'function ID required'])
    expect(await failure('funcs.call("")')).toEqual(['nil', 'Invalid', 'function ID required'])
    expect(await failure('funcs.call("echo")')).toEqual(['nil', 'Invalid', 'namespace required in function ID'])
    expect(await failure('funcs.call("app:")')).toEqual(['nil', 'Invalid', 'name required in function ID'])
    const [value, kind, text] = (await failure('funcs.call("app:none")')) as string[]
    expect([value, kind]).toEqual(['nil', 'NotFound'])
    expect(text).toContain('no handler registered for target')
  })

  test('only the first value comes back; a second string or error is the failure', async () => {
    expect(await lua('local a, b = funcs.call("app:echo", 1, 2, 3) return { a, b == nil }')).toEqual([1, true])
    expect(await failure('funcs.call("app:echo", 1, "bad")')).toEqual(['nil', 'Internal', 'bad'])
    expect(await failure('funcs.call("app:echo", nil, errors.new { kind = "Conflict", message = "c" })')).toEqual([
      'nil',
      'Conflict',
      'c',
    ])
    expect(await lua('return { funcs.call("app:echo", "v", { "not an error" }) }')).toEqual(['v'])
  })

  test('an error of the callee keeps kind, retryability and details', async () => {
    node.function(
      'app:raise',
      'return { handler = function() error(errors.new { kind = "Timeout", message = "m", retryable = true, details = { a = 1 } }) end }',
    )
    expect(
      await lua('local _, e = funcs.call("app:raise") return { e:kind(), e:message(), e:retryable(), e:details().a }'),
    ).toEqual(['Timeout', 'm', true, 1])
  })

  test('actor, scope and context go along; every call has its own pid', async () => {
    const frame = { ...frameAllowing('*'), context: { k: 'v' } }
    expect(await lua('return funcs.call("app:context")', { frame })).toEqual({
      all: { k: 'v' },
      me: 'tester',
      may: 'allow',
    })
    node.function('app:pid', 'return { handler = function() return process.pid() end }')
    expect(await lua('return funcs.call("app:pid") ~= funcs.call("app:pid")')).toBe(true)
  })

  test('a callee that waits is cancelled with its caller', async () => {
    node.process('app:caller', 'return { main = function() funcs.call("app:gate", "g") end }', { modules: ['funcs'] })
    const caller = node.spawn('app:caller')
    const waiting = await gate('g')
    caller.terminate(new RuntimeError('Internal', 'gone'))
    expect(waiting.aborted).toBe(true)
    expect(node.kernel.processCount).toBe(0)
  })

  test('a full pool makes its callers wait, with arguments as they were', async () => {
    node.function('app:one', 'return { handler = function(name, t) gate.wait(name) t.self.n = t.n + 1 return t end }', {
      modules: ['gate'],
      maxSize: 1,
    })
    const result = lua(`
      local out = channel.new(2)
      for i = 1, 2 do
        coroutine.spawn(function()
          local t = { n = i, 7, 8 }
          t.self = t
          local r = funcs.call("app:one", "g" .. i, t)
          out:send { r.n, r[2], r.self == r }
        end)
      end
      return { out:receive(), (out:receive()) }`)
    ;(await gate('g1')).open(1)
    ;(await gate('g2')).open(1)
    expect(await result).toEqual([
      [2, 8, true],
      [3, 8, true],
    ])
  })
})

describe('executors', () => {
  test('context is merged key by key; actor and scope replace', async () => {
    const frame = { ...frameAllowing('*'), context: { a: 1, b: 1 } }
    expect(
      await lua(
        'return funcs.new():with_context({ b = 2 }):with_context({ c = 3 }):with_actor(identity.actor("bob")):with_scope(identity.scope("y")):call("app:context")',
        { frame },
      ),
    ).toEqual({ all: { a: 1, b: 2, c: 3 }, me: 'bob', may: 'undefined' })
  })

  test('are immutable', async () => {
    expect(
      await lua('local base = funcs.new() base:with_context { x = 1 } return (base:call("app:context")).all.x == nil'),
    ).toBe(true)
  })

  test('give results and errors as call does, without loss', async () => {
    expect(
      await lua(`
        local t = setmetatable({ 1, x = 2.0 }, { tag = 1 })
        t.self = t
        local v = funcs.new():call("app:echo", t)
        local none, err = funcs.new():call("app:none")
        return { v[1], math.type(v.x), v.self == v, getmetatable(v).tag, none == nil, err:kind() }`),
    ).toEqual([1, 'float', true, 1, true, 'NotFound'])
  })

  test('the arguments of methods are checked', async () => {
    await expect(lua('funcs.new():with_context("x")')).rejects.toThrow(/table expected/)
    await expect(lua('funcs.new():with_actor({})')).rejects.toThrow(/security.Actor expected/)
    await expect(lua('funcs.new():with_scope(1)')).rejects.toThrow(/security.Scope expected/)
    expect(await failure('funcs.new():with_options { retry = { max_attempts = "x" } }')).toEqual([
      'nil',
      'Invalid',
      'option retry.max_attempts must be a non-negative number',
    ])
  })
})

describe('futures', () => {
  test('deliver a payload once, then the channel is closed', async () => {
    expect(
      await lua(`
        local f = funcs.async("app:echo", { n = 1 })
        local pending, none, not_failed = f:is_complete(), f:result(), select(2, f:error())
        local p, ok = f:response():receive()
        local again, open = f:response():receive()
        return { pending, none == nil, not_failed, p:data().n, ok, again == nil, open, f:is_complete(), f:is_canceled(), f:result():data().n, f:channel() == f:response() }`),
    ).toEqual([false, true, false, 1, true, true, false, true, false, 1, true])
  })

  test('deliver the error object', async () => {
    expect(
      await lua(`
        local f = funcs.async("app:echo", nil, "bad")
        local e = f:response():receive()
        local value, err = f:result()
        local same, failed = f:error()
        return { e:message(), value == nil, err:message(), same:message(), failed, f:is_complete() }`),
    ).toEqual(['bad', true, 'bad', 'bad', true, true])
  })

  test('several run at once', async () => {
    const result = lua(`
      local a, b = funcs.async("app:gate", "a"), funcs.async("app:gate", "b")
      local r = channel.select { a:response():case_receive(), b:response():case_receive() }
      return { r.channel == b:response(), r.value:data(), a:is_complete(), (a:response():receive()):data() }`)
    const [a, b] = [await gate('a'), await gate('b')]
    b.open('second')
    await lua('coroutine.yield()')
    a.open('first')
    expect(await result).toEqual([true, 'second', false, 'first'])
  })

  test('a cancelled one is closed at once and its callee ended', async () => {
    const result = lua(`
      local f = funcs.async("app:gate", "g")
      time.sleep("1s")
      local ok = f:cancel()
      local v, open = f:response():receive()
      local value, err = f:result()
      return { ok, v == nil, open, f:is_canceled(), f:is_complete(), value == nil, err:kind(), err:message(), f:cancel() }`)
    const waiting = await gate('g')
    clock.advance(1000)
    expect(await result).toEqual([true, true, false, true, true, true, 'Canceled', 'canceled', true])
    expect(waiting.aborted).toBe(true)
  })

  test('an unknown function fails at once', async () => {
    const [value, kind] = (await failure('funcs.async("app:none")')) as string[]
    expect([value, kind]).toEqual(['nil', 'NotFound'])
  })

  test('a result that nobody read yet survives a collection', async () => {
    const result = lua(`
      local f = funcs.async("app:gate", "g")
      time.sleep("1s")
      return (f:response():receive()):data()`)
    ;(await gate('g')).open('kept')
    await lua('coroutine.yield()')
    for (const engine of node.engines.all()) engine.collect()
    clock.advance(1000)
    expect(await result).toBe('kept')
  })

  test('a process that makes many holds none of them', async () => {
    node.process(
      'app:many',
      `return { main = function(n)
        for i = 1, n do funcs.async("app:echo", i):response():receive() end
        process.inbox():receive()
      end }`,
      { modules: ['funcs'] },
    )
    const held = async (n: number) => {
      const process = node.spawn('app:many', [n])
      const ready = lua('for i = 1, 3 do coroutine.yield() end')
      await ready
      while (node.kernel.processCount > 1) await lua('coroutine.yield()')
      for (const engine of node.engines.all()) engine.collect()
      const handles = node.engines.all().reduce((sum, engine) => sum + engine.lua.liveHandles, 0)
      node.kernel.terminate(process)
      return handles
    }
    const few = await held(10)
    const many = await held(2000)
    expect(many - few).toBeLessThan(50)
  })
})

describe('retries', () => {
  /** A function that fails `times` times with an error of these fields, then answers how often it was called. */
  const failing = (times: number, fields: string) =>
    node.function(
      'app:fails',
      `local calls = 0
      return { handler = function()
        calls = calls + 1
        if calls <= ${times} then return nil, errors.new { message = "try " .. calls, ${fields} } end
        return calls
      end }`,
      { maxSize: 1 },
    )
  const retried = (options: string) =>
    lua(
      `local v, err = funcs.new():with_options { retry = ${options} }:call("app:fails") return v or (err:kind() .. ": " .. err:message())`,
    )
  /** Runs to the end, moving time forward whenever everything waits; gives the result and the time it took. */
  const timed = async (run: Promise<unknown>) => {
    const start = clock.now()
    let done = false
    const finished = run.finally(() => {
      done = true
    })
    while (!done) {
      for (let i = 0; i < 3; i++) await lua('coroutine.yield()')
      if (!done) clock.advance(10)
    }
    return { value: await finished, ms: clock.now() - start }
  }

  test('max_attempts is the number in all', async () => {
    failing(2, 'kind = "Unavailable"')
    expect((await timed(retried('{ max_attempts = 3 }'))).value).toBe(3)
    failing(9, 'kind = "Unavailable"')
    expect((await timed(retried('{ max_attempts = 3 }'))).value).toBe('Unavailable: try 3')
    failing(1, 'kind = "Unavailable"')
    expect((await timed(retried('{ max_attempts = 1 }'))).value).toBe('Unavailable: try 1')
  })

  test('delays grow by the factor up to the limit', async () => {
    failing(9, 'kind = "Unavailable"')
    const { ms } = await timed(
      retried('{ max_attempts = 5, initial_delay = 100, backoff_factor = 2, max_delay = 300, jitter = 0 }'),
    )
    expect(ms).toBeGreaterThanOrEqual(100 + 200 + 300 + 300)
    expect(ms).toBeLessThan(1000)
  })

  test('errors that are not retryable, and cancellation, are final', async () => {
    failing(2, 'kind = "Unavailable", retryable = false')
    expect((await timed(retried('{ max_attempts = 3 }'))).value).toBe('Unavailable: try 1')
    failing(2, 'kind = "Canceled"')
    expect((await timed(retried('{ max_attempts = 3 }'))).value).toBe('Canceled: try 1')
  })

  test('kinds can be chosen and left out', async () => {
    failing(2, 'kind = "Conflict"')
    expect((await timed(retried('{ max_attempts = 3, retry_kinds = { "Timeout" } }'))).value).toBe('Conflict: try 1')
    failing(2, 'kind = "Conflict"')
    expect((await timed(retried('{ max_attempts = 3, retry_kinds = { "Conflict" } }'))).value).toBe(3)
    failing(2, 'kind = "Conflict"')
    expect((await timed(retried('{ max_attempts = 3, skip_kinds = { "Conflict" } }'))).value).toBe('Conflict: try 1')
  })

  test.each([
    ['{ retry_kinds = "Conflict" }', 'option retry.retry_kinds must be a list of kinds'],
    ['{ skip_kinds = { 5 } }', 'option retry.skip_kinds must be a list of kinds'],
    ['{ skip_kinds = { Conflict = true } }', 'option retry.skip_kinds must be a list of kinds'],
    ['5', 'option retry must be a table'],
  ])('retry = %s is refused', async (options, message) => {
    const refused = `local new, err = funcs.new():with_options { retry = ${options} } return new == nil and err:kind() .. ": " .. err:message()`
    expect(await lua(refused)).toBe(`Invalid: ${message}`)
  })

  test('futures are retried as calls are', async () => {
    failing(2, 'kind = "Unavailable"')
    const run = lua(
      'return (funcs.new():with_options { retry = { max_attempts = 5 } }:async("app:fails"):response():receive()):data()',
    )
    expect((await timed(run)).value).toBe(3)
  })

  test('the arguments of every attempt are the same', async () => {
    node.function(
      'app:spoils',
      'local calls = 0 return { handler = function(t) calls = calls + 1 t.n = t.n + 1 if calls < 3 then return nil, errors.new { kind = "Timeout", message = "again" } end return t.n end }',
      { maxSize: 1 },
    )
    const run = lua('return funcs.new():with_options { retry = { max_attempts = 3 } }:call("app:spoils", { n = 1 })')
    expect((await timed(run)).value).toBe(2)
  })
})
