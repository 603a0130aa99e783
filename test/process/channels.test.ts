// spec/process.md §9, §10: coroutines, channels and select.

import { beforeAll, describe, expect, test } from 'vitest'
import { manualClock } from '../../runtime/core/clock.ts'
import { timeModule } from '../../runtime/features/time/time-module.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

const clock = manualClock()
let node: LuaNode
beforeAll(async () => {
  node = await luaNode([timeModule({ clock })], { clock })
})
const lua = (body: string) => node.eval(body)

describe('coroutines', () => {
  test('a spawned one starts when the current one gives up its turn, first come first served', async () => {
    expect(
      await lua(`
        local log = {}
        for i = 1, 3 do coroutine.spawn(function() log[#log + 1] = i coroutine.yield() log[#log + 1] = i * 10 end) end
        log[#log + 1] = "main"
        coroutine.yield() coroutine.yield()
        return log`),
    ).toEqual(['main', 1, 2, 3, 10, 20, 30])
  })

  test('spawn gives a thread; its function gets nothing and its result goes nowhere', async () => {
    expect(
      await lua(`
        local got
        local thread = coroutine.spawn(function(...) got = select("#", ...) return "ignored" end)
        coroutine.yield()
        return { type(thread), got, coroutine.status(thread) }`),
    ).toEqual(['thread', 0, 'dead'])
    await expect(lua('coroutine.spawn("x")')).rejects.toThrow(/function expected/)
  })

  test('a spawned one can be ended, but not resumed by hand', async () => {
    expect(
      await lua(`
        local ch, gate = channel.new(), channel.new()
        local thread = coroutine.spawn(function() ch:receive() error("woke") end)
        coroutine.spawn(function() gate:send(true) end)
        gate:receive()
        local ok = coroutine.resume(thread)
        local ended = coroutine.close(thread)
        local left = channel.select { ch:case_send(1), default = true }.default
        return { ok, ended, left }`),
    ).toEqual([false, true, true])
  })

  test('create, resume, wrap, status and isyieldable are Lua’s own', async () => {
    expect(
      await lua(`
        local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) error({ code = b }) end)
        local ok, v = coroutine.resume(co, 1)
        local status = coroutine.status(co)
        local bad, err = coroutine.resume(co, 7)
        local again, text = coroutine.resume(co)
        local gen = coroutine.wrap(function() for i = 1, 2 do coroutine.yield(i) end end)
        return { ok, v, status, bad, err.code, again, text, gen(), gen(), coroutine.isyieldable(), coroutine.status(co) }`),
    ).toEqual([true, 2, 'suspended', false, 7, false, 'cannot resume dead coroutine', 1, 2, true, 'dead'])
  })

  test('a process that waits on a private channel for ever is idle', async () => {
    node.process('app:idle', 'return { main = function() channel.new():receive() end }')
    const idle = node.spawn('app:idle')
    await lua('for i = 1, 5 do coroutine.yield() end')
    expect(idle.ended).toBe(false)
    node.kernel.terminate(idle)
    expect(idle.ended).toBe(true)
  })

  test('pending operations of a killed process are abandoned', async () => {
    node.process('app:sleeper', 'return { main = function() time.sleep("1h") error("woke") end }', {
      modules: ['time'],
    })
    const sleeper = node.spawn('app:sleeper')
    await lua('for i = 1, 5 do coroutine.yield() end')
    node.kernel.terminate(sleeper)
    clock.advance(3_600_000)
    await lua('coroutine.yield()')
    expect(node.failures.filter(({ error }) => error.message.includes('woke'))).toEqual([])
  })
})

describe('channels', () => {
  test('new takes a capacity; negative is none', async () => {
    expect(
      await lua(`
        local function sends(ch) local n = 0 while not channel.select { ch:case_send(1), default = true }.default do n = n + 1 end return n end
        return { sends(channel.new()), sends(channel.new(3)), sends(channel.new(-2)), sends(channel.new(0)) }`),
    ).toEqual([0, 3, 0, 0])
  })

  test('send waits while full, answers true when taken', async () => {
    expect(
      await lua(`
        local ch, log = channel.new(1), {}
        coroutine.spawn(function() for i = 1, 3 do log[#log + 1] = { i, ch:send(i) } end end)
        coroutine.yield()
        local before = #log
        local values = {}
        for i = 1, 3 do values[i] = ch:receive() end
        coroutine.yield()
        return { before, values, #log, log[3][2] }`),
    ).toEqual([1, [1, 2, 3], 3, true])
  })

  test('receive gives the value and true; nil is a value; closed and empty gives nil and false', async () => {
    expect(
      await lua(`
        local ch = channel.new(2)
        ch:send(nil) ch:send(false)
        ch:close()
        local a, ok1 = ch:receive() local b, ok2 = ch:receive() local c, ok3 = ch:receive() local d, ok4 = ch:receive()
        return { a == nil, ok1, b, ok2, c == nil, ok3, d == nil, ok4 }`),
    ).toEqual([true, true, false, true, true, false, true, false])
  })

  test('close gives nothing, wakes receivers, and may be repeated', async () => {
    expect(
      await lua(`
        local ch, log = channel.new(), {}
        for i = 1, 2 do coroutine.spawn(function() local v, ok = ch:receive() log[#log + 1] = { v == nil, ok } end) end
        coroutine.yield()
        local n = select("#", ch:close())
        ch:close()
        coroutine.yield()
        return { n, log }`),
    ).toEqual([
      0,
      [
        [true, false],
        [true, false],
      ],
    ])
  })

  test('sending on a closed channel raises; a send that waited comes back as nil and the error', async () => {
    expect(
      await lua(`
        local ch, out = channel.new(), channel.new(1)
        coroutine.spawn(function() local ok, err = ch:send(1) out:send({ ok == nil, tostring(err) }) end)
        coroutine.yield()
        ch:close()
        local raised, message = pcall(ch.send, ch, 2)
        return { out:receive(), raised, (tostring(message):find("send on closed channel")) ~= nil }`),
    ).toEqual([[true, 'send on closed channel'], false, true])
  })

  test('waiters are served in the order they came', async () => {
    expect(
      await lua(`
        local ch, log = channel.new(), {}
        for i = 1, 4 do coroutine.spawn(function() local v = ch:receive() log[#log + 1] = i .. v end) end
        coroutine.yield()
        for _, v in ipairs { "a", "b", "c", "d" } do ch:send(v) end
        coroutine.yield()
        return log`),
    ).toEqual(['1a', '2b', '3c', '4d'])
  })

  test('values are passed as they are, functions and tables too', async () => {
    expect(
      await lua(
        'local ch, t = channel.new(2), {} ch:send(t) ch:send(print) return { ch:receive() == t, ch:receive() == print }',
      ),
    ).toEqual([true, true])
  })

  test('a channel has no length', async () => {
    expect(
      await lua('local ch = channel.new() return { ch.len == nil, ch.cap == nil, (pcall(function() return #ch end)) }'),
    ).toEqual([true, true, false])
  })
})

test('channels of timers that have fired are not held', async () => {
  const handles = () => {
    // Twice: what a collected channel held is free only then.
    for (let i = 0; i < 2; i++) for (const engine of node.engines.all()) engine.collect()
    return node.engines.all().reduce((sum, engine) => sum + engine.lua.liveHandles, 0)
  }
  node.process(
    'app:afters',
    'return { main = function() for i = 1, 500 do time.after("1s") end process.inbox():receive() end }',
    {
      modules: ['time'],
    },
  )
  const before = handles()
  const process = node.spawn('app:afters')
  // On a busy machine it takes several slices to make them all.
  do await lua('coroutine.yield()')
  while (process.inspect?.().state !== 'waiting')
  clock.advance(1000)
  await lua('coroutine.yield()')
  expect(handles() - before).toBeLessThan(50)
  node.kernel.terminate(process)
})

describe('select', () => {
  test('the first ready case in table order wins', async () => {
    expect(
      await lua(`
        local a, b, c = channel.new(1), channel.new(1), channel.new(1)
        b:send("b") c:send("c")
        local r = channel.select { a:case_receive(), c:case_receive(), b:case_receive() }
        return { r.channel == c, r.value, r.ok, r.default == nil }`),
    ).toEqual([true, 'c', true, true])
  })

  test('default is taken when nothing is ready, from the table or the second argument', async () => {
    expect(
      await lua(`
        local ch = channel.new()
        local one, two = channel.select { ch:case_receive(), default = true }, channel.select({ ch:case_receive() }, true)
        return { one.default, one.ok, one.channel == nil, two.default, two.ok }`),
    ).toEqual([true, true, true, true, true])
  })

  test('a receive case on a closed channel is ready with nil and false', async () => {
    expect(
      await lua(
        'local ch = channel.new() ch:close() local r = channel.select { ch:case_receive() } return { r.channel == ch, r.value == nil, r.ok }',
      ),
    ).toEqual([true, true, false])
    expect(
      await lua(`
        local ch = channel.new()
        coroutine.spawn(function() ch:close() end)
        local r = channel.select { ch:case_receive() }
        return { r.channel == ch, r.value == nil, r.ok }`),
    ).toEqual([true, true, false])
  })

  test('a send case gives the value it sent', async () => {
    expect(
      await lua(`
        local ch, got = channel.new(), nil
        coroutine.spawn(function() got = ch:receive() end)
        coroutine.yield()
        local now = channel.select { ch:case_send("now") }
        coroutine.yield()
        local first = got
        coroutine.spawn(function() got = ch:receive() end)
        local later = channel.select { ch:case_send("later") }
        coroutine.yield()
        return { now.value, now.ok, now.channel == ch, first, later.value, later.ok, got }`),
    ).toEqual(['now', true, true, 'now', 'later', true, 'later'])
  })

  test('a send case on a closed channel raises, also when it closes while waiting', async () => {
    expect(
      await lua(`
        local ch, other = channel.new(), channel.new()
        coroutine.spawn(function() ch:close() end)
        local waited, first = pcall(channel.select, { other:case_receive(), ch:case_send(1) })
        local now, second = pcall(channel.select, { ch:case_send(1) })
        return { waited, tostring(first), now, tostring(second) }`),
    ).toEqual([false, 'send on closed channel', false, expect.stringMatching(/send on closed channel/)])
  })

  test.each([
    ['receive first', 'c:case_receive(), c:case_send(1)', [true, false, true]],
    ['send first', 'c:case_send(1), c:case_receive()', ['send on closed channel', true]],
    ['two sends', 'c:case_send(1), c:case_send(2)', ['send on closed channel', true]],
    ['two receives', 'c:case_receive(), c:case_receive()', [true, false, true]],
  ])('one that waits twice on a channel that closes wakes once: %s', async (_name, cases, expected) => {
    expect(
      await lua(`
        local c, told = channel.new(), channel.new()
        coroutine.spawn(function()
          local ok, r = pcall(channel.select, { ${cases} })
          -- Woken twice, it would not wait here.
          local private = channel.new()
          coroutine.spawn(function()
            for _ = 1, 20 do coroutine.yield() end
            private:send("in time")
          end)
          local waited = private:receive() == "in time"
          told:send(ok and { r.channel == c, r.ok, waited } or { tostring(r), waited })
        end)
        coroutine.yield()
        c:close()
        local result = told:receive()
        -- What it wanted to send is let go of once: no two values get its place.
        local kept = channel.new(20)
        for i = 1, 20 do kept:send(i) end
        for i = 1, 20 do assert(kept:receive() == i, "value " .. i) end
        return result`),
    ).toEqual(expected)
  })

  test('cases that lost are forgotten', async () => {
    expect(
      await lua(`
        local a, b = channel.new(), channel.new()
        coroutine.spawn(function() a:send("a") end)
        local r = channel.select { b:case_send("lost"), a:case_receive() }
        local nothing = channel.select { b:case_receive(), default = true }
        coroutine.spawn(function() b:send("b") end)
        local s = channel.select { a:case_receive(), b:case_receive() }
        return { r.value, nothing.default, s.value }`),
    ).toEqual(['a', true, 'b'])
  })

  test('what is no case is ignored', async () => {
    expect(
      await lua(`
        local a, b = channel.new(1), channel.new(1)
        a:send("a") b:send("b")
        local r = channel.select { 1, "x", {}, a, b:case_receive() }
        return { r.channel == b, r.value }`),
    ).toEqual([true, 'b'])
  })

  test('an empty select waits for ever, and a default makes it return', async () => {
    node.process('app:empty', 'return { main = function() process.inbox() channel.select {} end }')
    const empty = node.spawn('app:empty')
    expect(await lua('return channel.select { default = true }.default')).toBe(true)
    await lua('for i = 1, 5 do coroutine.yield() end')
    expect(empty.ended).toBe(false)
    node.kernel.terminate(empty)
  })

  test.each([
    ['alone', '', 1],
    ['after another has ended', 'coroutine.spawn(function() coroutine.yield() end)', 1],
    ['beside others like it', 'for i = 1, 2 do coroutine.spawn(function() channel.select {} end) end', 3],
  ])('a process in which nothing can ever happen again ends: an empty select %s', async (_what, before, threads) => {
    node.process('app:dead', `return { main = function() ${before} channel.select {} end }`)
    const { error } = await node.run('app:dead')
    expect(error?.message).toBe(`deadlock: all coroutines blocked with no pending operations (threads=${threads})`)
    expect(error?.kind).toBe('Internal')
  })

  test.each([
    ['a private channel', 'channel.new():receive()'],
    ['a channel beside an empty select', 'coroutine.spawn(function() channel.select {} end) channel.new():receive()'],
    ['a subscription', 'process.listen("t") channel.select {}'],
    ['its events', 'process.events() channel.select {}'],
    ['a pending operation', 'coroutine.spawn(function() process.exec("app:waits", HOST) end) channel.select {}'],
  ])('a process that waits for %s is idle, not dead', async (_what, body) => {
    node.process('app:waits', 'return { main = function() channel.new():receive() end }')
    node.process('app:idle', `local HOST = "${HOST}" return { main = function() ${body} end }`)
    const idle = node.spawn('app:idle')
    await lua('for i = 1, 10 do coroutine.yield() end')
    expect(idle.ended).toBe(false)
  })

  test('the same case can be used again and again', async () => {
    expect(
      await lua(`
        local ch, sum = channel.new(), 0
        local case = ch:case_receive()
        coroutine.spawn(function() for i = 1, 10 do ch:send(i) end ch:close() end)
        while true do
          local r = channel.select { case }
          if not r.ok then return sum end
          sum = sum + r.value
        end`),
    ).toBe(55)
  })

  test('a select of one coroutine meets a select of another', async () => {
    expect(
      await lua(`
        local a, b, got = channel.new(), channel.new(), nil
        coroutine.spawn(function() got = channel.select { a:case_receive(), b:case_receive() } end)
        coroutine.yield()
        local sent = channel.select { b:case_send("hi"), a:case_receive() }
        coroutine.yield()
        return { sent.value, got.value, got.channel == b }`),
    ).toEqual(['hi', 'hi', true])
  })
})
