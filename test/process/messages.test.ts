// spec/process.md §4: sending, what survives the way, and how messages are received.

import { beforeEach, describe, expect, test } from 'vitest'
import type { LuaProcess } from '../../runtime/lua/lua-process.ts'
import { noPayload } from '../../runtime/process/process.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
beforeEach(async () => {
  node = await luaNode()
})
const lua = (body: string) => node.eval(`local me, inbox = process.pid(), process.inbox() ${body}`)
const bare = (body: string) => node.eval(`local me = process.pid() ${body}`)
const failure = (expression: string) =>
  lua(`local value, err = ${expression} return { tostring(value), err:kind(), tostring(err) }`)

describe('send', () => {
  test('answers true when the message is queued', async () => {
    expect(await lua('local ok, err = process.send(me, "t", 1) return { ok, err == nil }')).toEqual([true, true])
  })

  test('reaches pids and names', async () => {
    expect(
      await lua(
        'process.registry.register("me") process.send("me", "by name") process.send(me, "by pid") return { inbox:receive():topic(), inbox:receive():topic() }',
      ),
    ).toEqual(['by name', 'by pid'])
  })

  test('refuses with kind and text', async () => {
    const usage = ['nil', 'Invalid', 'send requires at least destination and topic arguments']
    expect(await failure('process.send(me)')).toEqual(usage)
    expect(await failure('process.send()')).toEqual(usage)
    expect(await failure('process.send(me, "@system")')).toEqual(['nil', 'Invalid', 'cannot send to @ topics'])
    expect(await failure('process.send("nobody", "t")')).toEqual([
      'nil',
      'NotFound',
      "could not resolve 'nobody' as PID or registered name",
    ])
    const dead = ['nil', 'NotFound', 'process not found']
    expect(await failure(`process.send("{${HOST}|0xfffff}", "t")`)).toEqual(dead)
    expect(await failure(`process.send("{app:elsewhere|" .. me:match("|(.*)"), "t")`)).toEqual(dead)
    expect(await failure('process.send("{" .. "}", "t")')).toEqual([
      'nil',
      'NotFound',
      "could not resolve '{}' as PID or registered name",
    ])
  })

  test('a name that reads as a pid is a pid', async () => {
    expect(
      await lua(
        `process.registry.register("{${HOST}|0xfffff}") local _, err = process.send("{${HOST}|0xfffff}", "t") return tostring(err)`,
      ),
    ).toBe('process not found')
  })

  test('a pid of another node is nobody here', async () => {
    const body = `local pid = process.pid()
      local _, err = process.send((pid:gsub("{", "{elsewhere@")), "t")
      return { tostring(err), process.send((pid:gsub("{", "{@")), "t"), process.send((pid:gsub("|", "|x|")), "t") }`
    expect(await lua(body)).toEqual(['process not found', true, true])
  })

  test('messages of one sender arrive in order, whatever the topic', async () => {
    expect(
      await lua(`
        for i = 1, 200 do process.send(me, "t" .. i % 3, i) end
        for i = 1, 200 do if inbox:receive():payload():data() ~= i then return i end end
        return "in order"`),
    ).toBe('in order')
  })
})

describe('what a value is after the way', () => {
  /** Sends `expression` to itself and gives what comes out, as `v`. */
  const through = (expression: string, check: string) =>
    lua(
      `local original = ${expression} process.send(me, "t", original) local v = inbox:receive():payload():data() return ${check}`,
    )

  test('scalars, with the subtype of numbers', async () => {
    expect(await through('2', 'math.type(v)')).toBe('integer')
    expect(await through('2.0', 'math.type(v)')).toBe('float')
    expect(await through('"a\\0b\\255"', 'v == original')).toBe(true)
    expect(await through('false', 'v')).toBe(false)
    expect(await through('9007199254740993', 'v == original')).toBe(true)
    expect(await through('0/0', 'v ~= v')).toBe(true)
  })

  test('tables are copied deep, with keys of every kind', async () => {
    expect(
      await through(
        '{ 1, nil, 3, [10] = "ten", [-1] = "minus", [1.5] = "half", [true] = "yes", name = { deep = { 1 } } }',
        '{ v[1], v[2] == nil, v[3], v[10], v[-1], v[1.5], v[true], v.name.deep[1], v ~= original }',
      ),
    ).toEqual([1, true, 3, 'ten', 'minus', 'half', 'yes', 1, true])
  })

  test('metatables are copied too', async () => {
    expect(
      await through('setmetatable({}, { __index = { x = 1 }, tag = "t" })', '{ v.x, getmetatable(v).tag }'),
    ).toEqual([1, 't'])
  })

  test('shared tables stay shared and cycles stay cycles', async () => {
    expect(
      await through(
        '(function() local s = { n = 1 } local t = { s, s, { s } } t.self = t return t end)()',
        '{ v[1] == v[2], v[3][1] == v[1], v.self == v, v[1] ~= original[1] }',
      ),
    ).toEqual([true, true, true, true])
  })

  test('the copy is the receiver’s own, and the sender keeps its table', async () => {
    expect(
      await lua(
        'local t = { n = 1 } process.send(me, "t", t) t.n = 2 local v = inbox:receive():payload():data() v.n = v.n + 10 return { t.n, v.n }',
      ),
    ).toEqual([2, 11])
  })

  test('error values keep kind, retryability and details', async () => {
    expect(
      await through(
        'errors.new { message = "m", kind = "Conflict", retryable = true, details = { a = 1 } }',
        '{ v:kind(), v:message(), v:retryable(), v:details().a }',
      ),
    ).toEqual(['Conflict', 'm', true, 1])
    expect(await through('{ err = errors.new("inside") }', 'v.err:message()')).toBe('inside')
  })

  test('functions, threads, channels and other userdata become nil', async () => {
    expect(
      await through(
        '{ print, coroutine.create(print), channel.new(), inbox, keep = 1, [print] = "key" }',
        '{ v[1] == nil, v[2] == nil, v[3] == nil, v[4] == nil, v.keep, (function() local n = 0 for _ in pairs(v) do n = n + 1 end return n end)() }',
      ),
    ).toEqual([true, true, true, true, 1, 1])
    expect(await through('print', 'v == nil')).toBe(true)
  })

  test('a payload is forwarded as what it holds', async () => {
    expect(
      await lua(`
        process.send(me, "a", { x = { 1 } })
        process.send(me, "b", inbox:receive():payload(), { p = payload.new { y = 2 } })
        local b = inbox:receive():payload()
        return { b[1]:data().x[1], b[2]:data().p.y }`),
    ).toEqual([1, 2])
  })

  test('nesting beyond the limit is refused, and the receiver goes on', async () => {
    expect(
      await lua(`
        local t = {} for i = 1, 200 do t = { t } end
        local ok, err = process.send(me, "t", t)
        process.send(me, "next")
        return { tostring(ok), err:kind(), inbox:receive():topic() }`),
    ).toEqual(['nil', 'Invalid', 'next'])
  })
})

describe('receiving', () => {
  test('listen gives the value, nil for none, a list for several', async () => {
    expect(
      await bare(`
        local ch = process.listen("t")
        process.send(me, "t") process.send(me, "t", "one") process.send(me, "t", "a", nil, "c")
        local none, ok = ch:receive()
        local one, several = ch:receive(), ch:receive()
        return { none == nil, ok, one, several[1], several[2] == nil, several[3] }`),
    ).toEqual([true, true, 'one', 'a', true, 'c'])
  })

  test('listen with message = true gives Messages', async () => {
    expect(
      await bare(`
        local ch = process.listen("t", { message = true })
        process.send(me, "t", 5)
        local m = ch:receive()
        return { m:topic(), m:from() == me, m:payload():data(), tostring(m) }`),
    ).toEqual(['t', true, 5, 'process.Message{topic=t}'])
  })

  test('the same topic gives the same channel, and so do inbox and events', async () => {
    expect(
      await bare(
        'return { process.listen("t") == process.listen("t"), process.inbox() == process.inbox(), process.events() == process.events(), process.listen("t") == process.listen("u") }',
      ),
    ).toEqual([true, true, true, false])
  })

  test('topics are checked', async () => {
    expect(await failure('process.listen("")')).toEqual(['nil', 'Invalid', 'topic cannot be empty'])
    expect(await failure('process.listen("@t")')).toEqual(['nil', 'Invalid', 'cannot listen to @ topics'])
  })

  test('a subscription comes before the inbox', async () => {
    expect(
      await lua(`
        local ch = process.listen("mine")
        process.send(me, "mine", 1) process.send(me, "other", 2)
        return { inbox:receive():topic(), (ch:receive()) }`),
    ).toEqual(['other', 1])
  })

  test('topics of the system never go to the inbox', async () => {
    node.process(
      'app:inbox',
      'return { main = function() local i = process.inbox() return { i:receive():topic(), i:receive():topic() } end }',
    )
    const receiver = node.spawn('app:inbox') as LuaProcess
    const value = new Promise((resolve) => node.kernel.watch(receiver, (exit) => resolve(exit.result?.values()[0])))
    receiver.deliver('@early', '', noPayload)
    receiver.deliver('a', '', noPayload)
    await bare('coroutine.yield()')
    receiver.deliver('@late', '', noPayload)
    expect(receiver.queued).toBe(2)
    receiver.deliver('b', '', noPayload)
    expect(await value).toEqual(['a', 'b'])
  })

  test('what nobody listens for waits until somebody does', async () => {
    expect(
      await bare(`
        process.send(me, "a", 1) process.send(me, "b", 2) process.send(me, "a", 3)
        local a = process.listen("a")
        local first, second = a:receive(), a:receive()
        return { first, second, process.inbox():receive():topic() }`),
    ).toEqual([1, 3, 'b'])
  })

  test('a full listener keeps nobody else waiting, and its order', async () => {
    expect(
      await lua(`
        local ch = process.listen("busy")
        for i = 1, 50 do process.send(me, "busy", i) end
        process.send(me, "free")
        local topic = inbox:receive():topic()
        for i = 1, 50 do if ch:receive() ~= i then return "order" end end
        return topic`),
    ).toBe('free')
  })

  test('unlisten closes the channel once; later messages go to the inbox', async () => {
    expect(
      await lua(`
        local ch = process.listen("t")
        local first, none = process.unlisten(ch)
        local again, err = process.unlisten(ch)
        process.send(me, "t", 7)
        local v, ok = ch:receive()
        return { first, none == nil, again, err:message(), v == nil, ok, inbox:receive():payload():data() }`),
    ).toEqual([true, true, false, 'channel not found', true, false, 7])
  })

  test('after unlisten one buffered value stays readable, the rest goes back to the mailbox in order', async () => {
    expect(
      await lua(`
        local ch = process.listen("t")
        process.send(me, "t", 1) process.send(me, "t", 2) process.send(me, "u", 3) process.send(me, "t", 4, 5)
        process.unlisten(ch)
        local log = {}
        for i = 1, 3 do
          local m = inbox:receive()
          local p = m:payload()
          log[i] = m:topic() .. (p.data and p:data() or p[1]:data() + p[2]:data()) .. tostring(m:from() == me)
        end
        local v, ok = ch:receive()
        local _, after = ch:receive()
        return { log[1], log[2], log[3], v, ok, after }`),
    ).toEqual(['t2true', 'u3true', 't9true', 1, true, false])
  })

  test('without an inbox what comes back waits for the next listener', async () => {
    expect(
      await bare(`
        local ch = process.listen("t", { message = true })
        process.send(me, "t", 1) process.send(me, "t", 2)
        process.unlisten(ch)
        local again = process.listen("t")
        return { again:receive(), ch:receive():payload():data(), again ~= ch }`),
    ).toEqual([2, 1, true])
  })

  test('listening and unlistening again and again holds nothing', async () => {
    const parked = () => node.engines.all().reduce((sum, engine) => sum + engine.parkedValues, 0)
    node.process(
      'app:listens',
      'return { main = function() for i = 1, 500 do process.unlisten(process.listen("t")) end process.inbox():receive() end }',
    )
    const before = parked()
    const process = node.spawn('app:listens')
    await bare('for i = 1, 3 do coroutine.yield() end')
    expect(parked() - before).toBeLessThan(5)
    node.kernel.terminate(process)
  })

  test('subscribe feeds a channel the program made, from several topics', async () => {
    expect(
      await lua(`
        local ch = channel.new(4)
        local ok = subscribe("a", ch) and subscribe("b", ch)
        process.send(me, "a", 1) process.send(me, "b", 2)
        local values = { ch:receive(), (ch:receive()) }
        local ended, twice = unsubscribe(ch), unsubscribe(ch)
        process.send(me, "a", 3)
        ch:send("own")
        return { ok, values, ended, twice, inbox:receive():payload():data(), (ch:receive()) }`),
    ).toEqual([true, [1, 2], true, false, 3, 'own'])
    expect(await failure('subscribe("@x", channel.new())')).toEqual(['nil', 'Invalid', 'cannot subscribe to @ topics'])
  })
})

describe('messages and payloads', () => {
  test('a message has none, one or several payloads', async () => {
    expect(
      await lua(`
        process.send(me, "t") process.send(me, "t", nil) process.send(me, "t", 1, 2)
        local none, one, two = inbox:receive():payload(), inbox:receive():payload(), inbox:receive():payload()
        return { none == nil, one:data() == nil, #two, two[2]:data() }`),
    ).toEqual([true, true, 2, 2])
  })

  test('a payload tells its format and gives its value', async () => {
    expect(
      await lua(`
        process.send(me, "t", { 1 })
        local p = inbox:receive():payload()
        local same, err = p:transcode(payload.format.JSON)
        return { p:get_format(), p:unmarshal()[1], tostring(p), err == nil, type(same) }`),
    ).toEqual(['lua/any', 1, 'payload{format=lua/any}', true, 'userdata'])
  })

  test('payloads can be made; the formats have names', async () => {
    expect(
      await lua(`
        local f = payload.format
        return { payload.new({ x = 1 }):data().x, f.JSON, f.YAML, f.STRING, f.GOLANG, f.LUA, f.BYTES, f.MSGPACK, f.ERROR }`),
    ).toEqual([
      1,
      'json/plain',
      'yaml/plain',
      'text/plain',
      'golang/any',
      'lua/any',
      'application/octet-stream',
      'application/msgpack',
      'golang/error',
    ])
  })
})
