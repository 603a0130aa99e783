// design/PROMISES.md P1 to P5, and the limits of mailboxes and messages behind P2.

import { beforeEach, describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import type { Frame, Scope } from '../../runtime/core/frame.ts'
import type { LuaProcess } from '../../runtime/lua/lua-process.ts'
import { noPayload, payloadOf } from '../../runtime/process/process.ts'
import { frameAllowing } from '../support/identities.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
beforeEach(async () => {
  node = await luaNode()
  node.process('app:sleep', 'return { main = function() channel.new():receive() end }')
})
const lua = (body: string) => node.eval(`local me = process.pid() ${body}`)
const thrown = (run: () => void): RuntimeError => {
  try {
    run()
  } catch (error) {
    if (error instanceof RuntimeError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
const turns = (n: number) => node.eval(`for i = 1, ${n} do coroutine.yield() end`)

describe('P1 delivery', () => {
  test('what was sent with true is received once by who lives', async () => {
    node.process(
      'app:counts',
      `return { main = function(to)
        local inbox, seen, n = process.inbox(), {}, 0
        while true do
          local m = inbox:receive()
          if m:topic() == "stop" then return n end
          local i = m:payload():data()
          if seen[i] then return "twice" end
          seen[i], n = true, n + 1
        end
      end }`,
    )
    expect(
      await lua(`
        local pid, sent = process.spawn_monitored("app:counts", "${HOST}"), 0
        for i = 1, 5000 do if process.send(pid, "n", i) then sent = sent + 1 end end
        process.send(pid, "stop")
        return { sent, process.events():receive().result.value }`),
    ).toEqual([5000, 5000])
  })

  test('a message taken before an upgrade is gone, one not taken is there', async () => {
    node.process(
      'app:takes',
      `return { main = function(again)
        local inbox = process.inbox()
        if not again then inbox:receive() process.upgrade(nil, true) end
        return inbox:receive():topic()
      end }`,
    )
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:takes", "${HOST}")
        process.send(pid, "taken") process.send(pid, "kept")
        return process.events():receive().result.value`),
    ).toBe('kept')
  })
})

describe('P2 refusal', () => {
  test('a dead receiver', async () => {
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:sleep", "${HOST}")
        process.terminate(pid)
        local ok, err = process.send(pid, "t")
        return { ok == nil, err:kind() }`),
    ).toEqual([true, 'NotFound'])
  })

  test('a receiver about to end is dead already', async () => {
    node.process(
      'app:tells',
      `return { main = function(to)
      process.terminate(process.pid())
      local _, err = process.send(process.pid(), "t")
      process.send(to, "kind", err:kind())
    end }`,
    )
    expect(
      await lua(
        `local inbox = process.inbox() process.spawn("app:tells", "${HOST}", me) return inbox:receive():payload():data()`,
      ),
    ).toBe('NotFound')
  })

  test('a mailbox with 100,000 messages', async () => {
    const receiver = node.spawn('app:sleep')
    for (let i = 0; i < 100_000; i++) receiver.deliver('t', '', noPayload)
    const error = thrown(() => receiver.deliver('t', '', noPayload))
    expect([error.kind, error.retryable]).toEqual(['RateLimited', true])
    expect(error.message).toBe(`mailbox of ${receiver.pid} is full (100000 messages)`)
  })

  test('a mailbox with too many bytes; reading makes room again', async () => {
    node.process(
      'app:small',
      `return { main = function()
        local inbox = process.inbox()
        process.listen("go"):receive()
        inbox:receive()
        process.listen("end"):receive()
      end }`,
      { limits: { mailboxBytes: 1 << 20 } },
    )
    const receiver = node.spawn('app:small') as LuaProcess
    await turns(3)
    const chunk = payloadOf(['x'.repeat(300 << 10)])
    for (let i = 0; i < 3; i++) receiver.deliver('t', '', chunk)
    const full = thrown(() => receiver.deliver('t', '', chunk))
    expect([full.kind, full.message]).toEqual(['RateLimited', `mailbox of ${receiver.pid} is full (1048576 bytes)`])
    expect(receiver.queued).toBe(3)
    receiver.deliver('go', '', noPayload)
    await turns(3)
    expect(receiver.queued).toBe(2)
    receiver.deliver('t', '', chunk)
    expect(receiver.queued).toBe(3)
  })

  test('system events go into a full mailbox', async () => {
    node.process(
      'app:full',
      'return { main = function() process.listen("go"):receive() local e = process.events() return { e:receive().kind, e:receive().kind } end }',
      { limits: { mailboxMessages: 1 } },
    )
    expect(
      await lua(`
        local child = process.spawn("app:sleep", "${HOST}")
        local pid = process.spawn_monitored("app:full", "${HOST}")
        coroutine.yield() coroutine.yield()
        local first, second, err = process.send(pid, "other"), process.send(pid, "other")
        process.cancel(pid, "why")
        process.cancel(pid, "again")
        process.send(pid, "go")
        return { first, second == nil, process.events():receive().result.value }`),
    ).toEqual([true, true, ['pid.cancel', 'pid.cancel']])
  })

  test('a message bigger than the limit of its sender or its receiver names limit and value', async () => {
    node.process(
      'app:sender',
      `return { main = function(to) local _, err = process.send(to, "t", { ("x"):rep(200000) }) return { err:kind(), err:message() } end }`,
      {
        limits: { messageBytes: 100_000 },
      },
    )
    node.process('app:picky', 'return { main = function() return process.inbox():receive():topic() end }', {
      limits: { messageBytes: 100_000 },
    })
    const refused = ['LimitExceeded', 'value takes more than the limit of 100000 bytes']
    const receiver = node.spawn('app:sleep')
    expect((await node.run('app:sender', receiver.pid)).value).toEqual(refused)
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:picky", "${HOST}")
        local _, err = process.send(pid, "t", ("x"):rep(200000))
        process.send(pid, "small", ("x"):rep(20000))
        return { { err:kind(), err:message() }, process.events():receive().result.value }`),
    ).toEqual([refused, 'small'])
  })

  test('a table that holds one long string many times is stopped on the way', async () => {
    const before = node.engines.all()[0]?.lua.api.memory.buffer.byteLength ?? 0
    expect(
      await lua(`
        local s, flat, nested = ("x"):rep(4 << 20), {}, {}
        for i = 1, 4000 do flat[i], nested[i] = s, { s } end
        local kinds = {}
        for i, value in ipairs { flat, nested, { flat } } do
          local ok, err = process.send(me, "t", value)
          kinds[i] = err and err:kind() or "sent"
        end
        return kinds`),
    ).toEqual(['LimitExceeded', 'LimitExceeded', 'LimitExceeded'])
    const after = node.engines.all()[0]?.lua.api.memory.buffer.byteLength ?? 0
    expect(after - before).toBeLessThan(512 << 20)
  })

  test('nesting beyond the limit', async () => {
    expect(
      await lua(
        'local t = {} for i = 1, 500 do t = { t } end local _, err = process.send(me, "t", t) return err:kind()',
      ),
    ).toBe('Invalid')
  })

  test('no right', async () => {
    expect(
      await node.eval('return (select(2, process.send(process.pid(), "t"))):kind()', {
        frame: frameAllowing('nothing'),
      }),
    ).toBe('PermissionDenied')
  })
})

describe('one copy', () => {
  test('a message takes its size once in the receiver, however it is received', async () => {
    node.process(
      'app:receives',
      `return { main = function(how)
        if how == "none" then process.listen("go"):receive() end
        local ch = how == "inbox" and process.inbox() or process.listen("t")
        if how ~= "none" then process.listen("go"):receive() end
        local v = ch:receive()
        process.listen("end"):receive()
      end }`,
    )
    const size = 4 << 20
    for (const how of ['none', 'inbox', 'listen']) {
      const receiver = node.spawn('app:receives', [how]) as LuaProcess
      await turns(3)
      const before = receiver.vm.used
      await lua(`process.send("${receiver.pid}", "t", { ("x"):rep(${size}) })`)
      expect(receiver.vm.used - before).toBeLessThan(size * 1.5)
      receiver.deliver('go', '', noPayload)
      await turns(3)
      expect(receiver.queued).toBe(0)
      expect(receiver.vm.used - before).toBeLessThan(size * 1.5)
      node.kernel.terminate(receiver)
      receiver.vm.collect()
      expect(receiver.vm.used - before).toBeLessThan(size / 2)
    }
  })
})

describe('P3 order', () => {
  test('messages of each sender stay in order between many senders, and exits come last', async () => {
    node.process(
      'app:numbers',
      'return { main = function(to, name) for i = 1, 300 do process.send(to, "n", { name, i }) if i % 7 == 0 then coroutine.yield() end end end }',
    )
    expect(
      await lua(`
        local inbox, events, last, done = process.inbox(), process.events(), {}, 0
        local names = {}
        for name = 1, 20 do names[process.spawn_monitored("app:numbers", "${HOST}", me, name)] = name end
        while done < 20 do
          local r = channel.select { events:case_receive(), inbox:case_receive() }
          if r.channel == inbox then
            local v = r.value:payload():data()
            if v[2] ~= (last[v[1]] or 0) + 1 then return "out of order" end
            last[v[1]] = v[2]
          else
            -- everything it sent is there already
            while true do
              local m = channel.select { inbox:case_receive(), default = true }
              if m.default then break end
              local v = m.value:payload():data()
              if v[2] ~= (last[v[1]] or 0) + 1 then return "out of order" end
              last[v[1]] = v[2]
            end
            if last[names[r.value.from]] ~= 300 then return "exit before messages" end
            done = done + 1
          end
        end
        return "in order"`),
    ).toBe('in order')
  })
})

describe('P4 exit', () => {
  const ways: Record<
    string,
    { code: string; generated?: boolean; limits?: object; value?: unknown; error?: RegExp; kill?: boolean }
  > = {
    return: { code: 'return 7', value: 7 },
    error: { code: 'error("oops")', error: /oops/ },
    kill: { code: 'channel.new():receive()', kill: true, error: /^process terminated$/ },
    memory: {
      code: 'local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end',
      limits: { memory: 4 << 20 },
      error: /^memory limit of 4194304 bytes exceeded$/,
    },
    stall: { code: 'while true do end', limits: { cpu: 60 }, error: /^cpu limit of 60 ms exceeded$/ },
    coroutine: { code: 'coroutine.spawn(function() error("inner") end) channel.new():receive()', error: /inner/ },
  }

  test.each(Object.entries(ways))('%s: each monitor gets one EXIT, links only errors', async (_name, way) => {
    node.process(
      'app:ends',
      `return { main = function() process.registry.register("n") process.listen("go"):receive() ${way.code} end }`,
      {
        ...(way.limits !== undefined && { limits: way.limits }),
      },
    )
    node.process(
      'app:watcher',
      `return { main = function(pid, to)
        process.set_options { trap_links = true }
        process.monitor(pid) process.link(pid)
        process.send(to, "ready")
        local log, events = {}, process.events()
        local first = events:receive()
        local free = process.registry.lookup("n") == nil
        for i = 1, 5 do coroutine.yield() end
        local kinds = first.kind
        while true do
          local r = channel.select { events:case_receive(), default = true }
          if r.default then break end
          kinds = kinds .. " " .. r.value.kind
        end
        return { kinds, free, first.result.value, first.result.error and first.result.error:message() }
      end }`,
    )
    const seen = (await lua(`
      local pid, inbox, events = process.spawn("app:ends", "${HOST}"), process.inbox(), process.events()
      for i = 1, 3 do process.spawn_monitored("app:watcher", "${HOST}", pid, me) end
      for i = 1, 3 do inbox:receive() end
      process.send(pid, "go")
      ${way.kill === true ? 'process.terminate(pid)' : ''}
      local all = {}
      for i = 1, 3 do all[i] = events:receive().result.value end
      return all`)) as [string, boolean, unknown, string][]
    for (const [kinds, free, value, error] of seen) {
      expect(kinds).toBe(way.error === undefined ? 'pid.exit' : 'pid.exit pid.link.down')
      expect(free).toBe(true)
      if (way.error === undefined) expect(value).toBe(way.value)
      else expect(error).toMatch(way.error)
    }
  })

  test('a host that is stopped: each process once', async () => {
    const host = node.host('app:h')
    const ended: string[] = []
    for (let i = 0; i < 20; i++) {
      const process = node.kernel.spawn({
        definition: 'app:sleep',
        host: 'app:h',
        args: noPayload,
        frame: frameAllowing('*'),
      })
      node.kernel.watch(process, (exit) => ended.push(`${exit.error?.message}`))
    }
    const stopping = host.stop()
    await turns(3)
    host.kill()
    await stopping
    expect(ended).toEqual(Array(20).fill('context canceled'))
  })

  test('monitoring the dead is NotFound at once', async () => {
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:sleep", "${HOST}")
        process.terminate(pid)
        process.events():receive()
        return (select(2, process.monitor(pid))):kind()`),
    ).toBe('NotFound')
  })
})

describe('P7 limits of processes made by code of run time', () => {
  const confined = (): Frame => ({
    ...frameAllowing('*'),
    confinement: { actor: { id: 'generated', meta: {} }, scope: frameAllowing('*').scope as Scope },
  })

  test('1,000 live children; one that ends makes room', async () => {
    expect(
      await node.eval(
        `local events, last = process.events(), nil
        for i = 1, 1000 do last = assert(process.spawn_monitored("app:sleep", "${HOST}")) end
        local _, err = process.spawn("app:sleep", "${HOST}")
        local _, again = process.exec("app:sleep", "${HOST}")
        process.terminate(last)
        events:receive()
        return { err:kind(), (err:message():gsub("{.*}", "P")), again:kind(), process.spawn("app:sleep", "${HOST}") ~= nil }`,
        { frame: confined() },
      ),
    ).toEqual(['LimitExceeded', 'live children of P: more than the limit of 1000', 'LimitExceeded', true])
  })

  test('64 processes deep', async () => {
    node.process(
      'app:deeper',
      `return { main = function(to, n)
        local pid, err = process.spawn("app:deeper", "${HOST}", to, n + 1)
        if err then process.send(to, "stopped", n, err:kind()) end
        channel.new():receive()
      end }`,
    )
    expect(
      await node.eval(
        `local inbox = process.inbox()
        process.spawn("app:deeper", "${HOST}", process.pid(), 2)
        local p = inbox:receive():payload()
        return { p[1]:data(), p[2]:data() }`,
        { frame: confined() },
      ),
    ).toEqual([64, 'LimitExceeded'])
  })

  test('trusted code has neither', async () => {
    expect(await node.eval(`for i = 1, 1100 do assert(process.spawn("app:sleep", "${HOST}")) end return "ok"`)).toBe(
      'ok',
    )
  })
})

describe('P5 isolation', () => {
  test('processes share no tables, globals or library state, also in one VM', async () => {
    const library = node.library('app:lib', 'return { state = {} }')
    node.process(
      'app:shares',
      `local top = {}
      return { main = function(to)
        local lib = require("lib")
        G = (G or 0) + 1
        lib.state.n = (lib.state.n or 0) + 1
        top.n = (top.n or 0) + 1
        local t = { n = 1 }
        process.send(process.pid(), "t", t)
        t.n = 2
        local copy = process.inbox():receive():payload():data()
        copy.n = copy.n + 10
        return { G, lib.state.n, top.n, t.n, copy.n }
      end }`,
      { imports: { lib: library } },
    )
    for (let i = 0; i < 3; i++) expect((await node.run('app:shares')).value).toEqual([1, 1, 1, 2, 11])
  })

  test('what belongs to all cannot be written', async () => {
    for (const write of [
      'string.format = nil',
      'table.insert = print',
      'process.send = print',
      'channel.new = nil',
      'errors.NEW = 1',
      'rawset(string, "x", 1)',
      'setmetatable(string, {})',
      'getmetatable("").__index = nil',
      'getmetatable(channel.new()).__index = {}',
    ]) {
      await expect(node.eval(write), write).rejects.toThrow()
    }
    expect(await node.eval('return string.format("%d", 1) .. tostring(string.x)')).toBe('1nil')
  })

  test('a crash or an endless loop ends that process alone', async () => {
    node.process(
      'app:any',
      'return { main = function(how) if how == "loop" then while true do end end if how == "error" then error("x") end return process.inbox():receive():topic() end }',
      {
        limits: { cpu: 50 },
      },
    )
    expect(
      await lua(`
        local good = process.spawn_monitored("app:any", "${HOST}")
        local events, kinds = process.events(), {}
        for i, how in ipairs { "loop", "error" } do
          process.spawn_monitored("app:any", "${HOST}", how)
          kinds[i] = events:receive().result.error:kind()
        end
        process.send(good, "fine")
        return { kinds, events:receive().result.value }`),
    ).toEqual([['LimitExceeded', 'Internal'], 'fine'])
  })

  test('a memory limit spares the processes of other definitions', async () => {
    node.process(
      'app:bomb',
      'return { main = function() local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end end }',
      {
        limits: { memory: 2 << 20 },
      },
    )
    node.process('app:wait', 'return { main = function() return process.inbox():receive():topic() end }')
    expect(
      await lua(`
        local good, events = process.spawn_monitored("app:wait", "${HOST}"), process.events()
        process.spawn_monitored("app:bomb", "${HOST}")
        local kind = events:receive().result.error:kind()
        process.send(good, "fine")
        return { kind, events:receive().result.value }`),
    ).toEqual(['LimitExceeded', 'fine'])
  })
})
