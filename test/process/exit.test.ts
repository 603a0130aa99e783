// spec/process.md §5, §6: how processes end, who is told, cancelling, terminating, hosts that stop.

import { beforeEach, describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { noPayload, type Process } from '../../runtime/process/process.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
beforeEach(async () => {
  node = await luaNode()
  node.process('app:wait', 'return { main = function() return process.inbox():receive():topic() end }')
  node.process(
    'app:end',
    `return { main = function(how)
      if how == "fail" then error("boom") end
      if how == "wait" then channel.new():receive() end
      return how
    end }`,
  )
})
const lua = (body: string) => node.eval(`local me, events = process.pid(), process.events() ${body}`)
const failure = (expression: string) =>
  lua(`local value, err = ${expression} return { tostring(value), err:kind(), tostring(err) }`)

/** The exit of a process whose main function has this body, as its monitor sees it. */
const exitOf = (body: string) => {
  node.process('app:ends', `return { main = function() ${body} end }`)
  return lua(`
    process.spawn_monitored("app:ends", "${HOST}")
    local r = events:receive().result
    local e = r.error
    return { value = r.value, error = e and { kind = e:kind(), message = e:message(), text = tostring(e), retryable = e:retryable() } }`)
}

describe('what main returns', () => {
  test('only the first value counts', async () => {
    expect(await exitOf('return 1, 2, 3')).toEqual({ value: 1 })
    expect(await exitOf('return { a = 1 }')).toEqual({ value: { a: 1 } })
    expect(await exitOf('return 1, { "not an error" }')).toEqual({ value: 1 })
    expect(await exitOf('return 1, false')).toEqual({ value: 1 })
    expect(await exitOf('return 1, 7')).toEqual({ value: 1 })
    expect(await exitOf('return')).toEqual(Object.create(null))
  })

  test('a string or error in second place is the error', async () => {
    expect(await exitOf('return 1, "bad"')).toEqual({ error: { kind: 'Internal', message: 'bad', text: 'bad' } })
    expect(
      await exitOf(
        'return nil, errors.wrap(errors.new { message = "inner", kind = "Conflict", retryable = true }, "outer")',
      ),
    ).toEqual({ error: { kind: 'Conflict', message: 'inner', text: 'outer: inner', retryable: true } })
  })

  test('an error nobody catches is the error, in main and in any coroutine', async () => {
    expect(await exitOf('error("boom")')).toMatchObject({
      error: { kind: 'Internal', message: expect.stringMatching(/app:ends:1: boom/) },
    })
    expect(await exitOf('error(errors.new { message = "m", kind = "NotFound" })')).toMatchObject({
      error: { kind: 'NotFound', message: 'm' },
    })
    expect(
      await exitOf('coroutine.spawn(function() error("in a coroutine") end) channel.new():receive()'),
    ).toMatchObject({
      error: { message: expect.stringMatching(/in a coroutine/) },
    })
    expect(await exitOf('error({ 1 })')).toMatchObject({ error: { message: '(error object is a table value)' } })
  })

  test('when main returns the other coroutines end without a word', async () => {
    node.process(
      'app:ends',
      `return { main = function(to)
        coroutine.spawn(function()
          local guard <close> = setmetatable({}, { __close = function() process.send(to, "closed") end })
          channel.new():receive()
        end)
        coroutine.spawn(function() while true do coroutine.yield() process.send(to, "tick") end end)
        coroutine.yield()
        return "done"
      end }`,
    )
    expect(
      await lua(`
        local inbox, topics = process.inbox(), {}
        process.spawn_monitored("app:ends", "${HOST}", me)
        local value = events:receive().result.value
        for i = 1, 5 do coroutine.yield() end
        while true do
          local r = channel.select { inbox:case_receive(), default = true }
          if r.default then break end
          topics[r.value:topic()] = true
        end
        return { value, topics.closed == nil }`),
    ).toEqual(['done', true])
    expect(node.kernel.processCount).toBe(0)
  })
})

describe('events', () => {
  test('the constants are the kinds', async () => {
    expect(await lua('local e = process.event return { e.EXIT, e.LINK_DOWN, e.CANCEL, e.OUTDATED }')).toEqual([
      'pid.exit',
      'pid.link.down',
      'pid.cancel',
      'pid.outdated',
    ])
  })

  test('EXIT says who, when and what', async () => {
    const before = Math.floor(Date.now() / 1000)
    const [kind, from, at, value] = (await lua(`
      local pid = process.spawn_monitored("app:end", "${HOST}", "v")
      local e = events:receive()
      return { e.kind, e.from == pid, e.at, e.result.value, e.result.error == nil }`)) as [
      string,
      boolean,
      number,
      string,
    ]
    expect([kind, from, value]).toEqual(['pid.exit', true, 'v'])
    expect(at).toBeGreaterThanOrEqual(before)
    expect(at).toBeLessThanOrEqual(before + 5)
  })

  test('events wait until they are asked for', async () => {
    expect(
      await node.eval(`
        process.spawn_monitored("app:end", "${HOST}", "early")
        for i = 1, 5 do coroutine.yield() end
        return process.events():receive().result.value`),
    ).toBe('early')
  })

  test('EXIT comes after everything the process sent before', async () => {
    node.process('app:sends', 'return { main = function(to) for i = 1, 100 do process.send(to, "n", i) end end }')
    expect(
      await node.eval(`
        local inbox, pid = process.inbox(), process.spawn_monitored("app:sends", "${HOST}", process.pid())
        process.events():receive()
        local n = 0
        while not channel.select { inbox:case_receive(), default = true }.default do n = n + 1 end
        return n`),
    ).toBe(100)
  })

  test('names are free when the exit is seen', async () => {
    node.process(
      'app:named',
      'return { main = function() process.registry.register("n") process.inbox():receive() end }',
    )
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:named", "${HOST}")
        coroutine.yield() coroutine.yield()
        local held = process.registry.lookup("n") == pid
        process.send(pid, "end")
        events:receive()
        local owner, err = process.registry.lookup("n")
        return { held, owner == nil, process.registry.register("n") }`),
    ).toEqual([true, true, true])
  })
})

describe('monitors', () => {
  test('any exit reaches every monitor once', async () => {
    node.process(
      'app:watcher',
      `return { main = function(pid, to)
        process.monitor(pid)
        process.send(to, "ready")
        local e = process.events():receive()
        for i = 1, 5 do coroutine.yield() end
        local more = not channel.select { process.events():case_receive(), default = true }.default
        return { e.kind, tostring(e.result.error or e.result.value), more }
      end }`,
    )
    expect(
      await lua(`
        local pid, inbox = process.spawn("app:wait", "${HOST}"), process.inbox()
        for i = 1, 3 do process.spawn_monitored("app:watcher", "${HOST}", pid, me) inbox:receive() end
        process.send(pid, "bye")
        local seen = {}
        for i = 1, 3 do local v = events:receive().result.value seen[i] = v[1] .. v[2] .. tostring(v[3]) end
        return seen`),
    ).toEqual(['pid.exitbyefalse', 'pid.exitbyefalse', 'pid.exitbyefalse'])
  })

  test('monitor answers true, a second time AlreadyExists, for the dead NotFound at once', async () => {
    expect(
      await lua(`
        local pid = process.spawn("app:wait", "${HOST}")
        local first, none = process.monitor(pid)
        local second, err = process.monitor(pid)
        return { first, none == nil, second == nil, err:kind(), err:message() }`),
    ).toEqual([true, true, true, 'AlreadyExists', 'already monitoring pid'])
    expect(await failure(`process.monitor("{${HOST}|0xfffff}")`)).toEqual(['nil', 'NotFound', 'pid not registered'])
    expect(await failure('process.monitor("nobody")')).toEqual(['nil', 'NotFound', 'pid not registered'])
    expect(await failure(`process.link("{${HOST}|0xfffff}")`)).toEqual(['nil', 'NotFound', 'pid not registered'])
  })

  test('after unmonitor nothing comes; unmonitor and unlink never fail', async () => {
    expect(
      await lua(`
        local pid = process.spawn_linked_monitored("app:wait", "${HOST}")
        local a, b = process.unmonitor(pid), process.unlink(pid)
        local c, d = process.unmonitor(pid), process.unlink("nobody")
        process.terminate(pid)
        for i = 1, 5 do coroutine.yield() end
        return { a, b, c, d, channel.select { events:case_receive(), default = true }.default }`),
    ).toEqual([true, true, true, true, true])
  })

  test('names are accepted', async () => {
    expect(
      await lua(`
        local pid = process.with_options({}):with_name("worker"):spawn("app:wait", "${HOST}")
        local ok = process.monitor("worker")
        process.send("worker", "bye")
        return { ok, events:receive().from == pid }`),
    ).toEqual([true, true])
  })
})

describe('links', () => {
  test('a failure takes the linked process down, without an events subscription too', async () => {
    node.process(
      'app:linked',
      `return { main = function() process.spawn_linked("app:end", "${HOST}", "fail") channel.new():receive() end }`,
    )
    expect(
      await lua(
        `process.spawn_monitored("app:linked", "${HOST}") local e = events:receive().result.error return { e:kind(), e:message() }`,
      ),
    ).toEqual(['Internal', 'linked process failed'])
  })

  test('with trap_links the failure is an event', async () => {
    expect(
      await lua(`
        process.set_options { trap_links = true }
        local pid = process.spawn_linked("app:end", "${HOST}", "fail")
        local e = events:receive()
        return { e.kind, e.from == pid, (e.result.error:message():find("boom")) ~= nil, e.result.value == nil, type(e.at) }`),
    ).toEqual(['pid.link.down', true, true, true, 'number'])
  })

  test('a normal end only unlinks', async () => {
    expect(
      await lua(`
        process.spawn_linked("app:end", "${HOST}", "fine")
        for i = 1, 5 do coroutine.yield() end
        return { channel.select { events:case_receive(), default = true }.default }`),
    ).toEqual([true])
  })

  test('who is linked and monitors gets EXIT first, then LINK_DOWN', async () => {
    expect(
      await lua(`
        process.set_options { trap_links = true }
        process.spawn_linked_monitored("app:end", "${HOST}", "fail")
        return { events:receive().kind, events:receive().kind }`),
    ).toEqual(['pid.exit', 'pid.link.down'])
  })

  test('linking twice is one link', async () => {
    expect(
      await lua(`
        process.set_options { trap_links = true }
        local pid = process.spawn("app:end", "${HOST}", "wait")
        local a, b = process.link(pid), process.link(pid)
        process.terminate(pid)
        local kind = events:receive().kind
        for i = 1, 3 do coroutine.yield() end
        return { a, b, kind, channel.select { events:case_receive(), default = true }.default }`),
    ).toEqual([true, true, 'pid.link.down', true])
  })

  test('a failure runs through a long chain of links', async () => {
    node.process(
      'app:chain',
      `return { main = function(n)
        if n > 0 then process.spawn_linked("app:chain", "${HOST}", n - 1) channel.new():receive() end
        error("end of the chain")
      end }`,
    )
    expect(
      await lua(
        `process.spawn_monitored("app:chain", "${HOST}", 20000) return events:receive().result.error:message()`,
      ),
    ).toBe('linked process failed')
    expect(node.kernel.processCount).toBe(0)
  })
})

describe('a result that cannot be taken along', () => {
  const deep = 'local t = {} for i = 1, 300 do t = { t } end return t'
  const wide = 'local t = {} for i = 1, 60 do t = { t, t } end return t'

  test('is an error to those who watch, one EXIT each', async () => {
    node.process('app:deep', `return { main = function() process.listen("go"):receive() ${deep} end }`)
    node.process(
      'app:watcher',
      `return { main = function(pid, to)
        process.monitor(pid)
        process.send(to, "ready")
        local e = process.events():receive()
        return { e.kind, e.result.value == nil, e.result.error:kind() }
      end }`,
    )
    expect(
      await lua(`
        local inbox, pid = process.inbox(), process.spawn("app:deep", "${HOST}")
        for i = 1, 2 do process.spawn_monitored("app:watcher", "${HOST}", pid, me) inbox:receive() end
        process.send(pid, "go")
        return { events:receive().result.value, events:receive().result.value }`),
    ).toEqual(Array(2).fill(['pid.exit', true, 'Invalid']))
  })

  test('is an error to those who called', async () => {
    node.process('app:deep', `return { main = function() ${deep} end }`)
    node.function('app:f', `return { handler = function() ${deep} end }`)
    node.function('app:slow', `return { handler = function() coroutine.yield() ${deep} end }`)
    expect(
      await node.eval(
        `local function kind(v, err) return v == nil and err:kind() end
        return {
          kind(process.exec("app:deep", "${HOST}")), kind(funcs.call("app:f")), kind(funcs.call("app:slow")),
          kind(funcs.new():call("app:f")), kind(nil, (funcs.async("app:f"):response():receive())),
        }`,
        { modules: ['funcs'] },
      ),
    ).toEqual(Array(5).fill('Invalid'))
    expect((await node.run('app:deep')).error?.kind).toBe('Invalid')
  })

  test('shared tables come along as they are, and do not unfold without end', async () => {
    node.process('app:wide', `return { main = function() ${wide} end }`)
    expect(
      await lua(`
        local t = process.exec("app:wide", "${HOST}")
        local n = 0
        while t do if t[1] ~= t[2] then return "unfolded" end t, n = t[1], n + 1 end
        return n`),
    ).toBe(61)
    const { error } = await node.run('app:wide')
    expect(error?.kind).toBe('LimitExceeded')
  })
})

describe('options', () => {
  test('are set and read; what is wrong is said', async () => {
    expect(
      await lua(`
        local ok, none = process.set_options { trap_links = true }
        local texts = {}
        for i, bad in ipairs({ { other = true }, { trap_links = 1 }, "x" }) do
          local no, err = process.set_options(bad)
          texts[i] = tostring(no) .. " " .. err:kind() .. " " .. err:message()
        end
        return { ok, none == nil, process.get_options().trap_links, texts }`),
    ).toEqual([
      true,
      true,
      true,
      [
        'false Invalid option other is not supported',
        'false Invalid trap_links must be a boolean',
        'false Invalid options parameter must be a table',
      ],
    ])
  })
})

describe('cancel', () => {
  test('is an event with a reason, and nothing more', async () => {
    node.process(
      'app:cancelled',
      `return { main = function()
        local first, second = process.events():receive(), process.events():receive()
        return { first.kind, first.from, first.reason, second.reason, type(first.at) }
      end }`,
    )
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:cancelled", "${HOST}")
        local ok = process.cancel(pid, "enough")
        process.cancel(pid)
        local v = events:receive().result.value
        return { ok, v[1], v[2] == me, v[3], v[4], v[5] }`),
    ).toEqual([true, 'pid.cancel', true, 'enough', '', 'number'])
  })

  test('a process that does not read events goes on', async () => {
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:wait", "${HOST}")
        process.cancel(pid)
        for i = 1, 5 do coroutine.yield() end
        process.send(pid, "still here")
        return events:receive().result.value`),
    ).toBe('still here')
  })

  test('somebody unknown is not found', async () => {
    expect(await failure('process.cancel("nobody")')).toEqual([
      'nil',
      'NotFound',
      "could not resolve 'nobody' as PID or registered name",
    ])
  })
})

describe('terminate', () => {
  test('ends a process that waits, at once, without CANCEL', async () => {
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:wait", "${HOST}")
        coroutine.yield()
        local ok = process.terminate(pid)
        local e = events:receive()
        local _, err = process.send(pid, "t")
        return { ok, e.kind, e.result.error:kind(), e.result.error:message(), err:message() }`),
    ).toEqual([true, 'pid.exit', 'Internal', 'process terminated', 'process not found'])
  })

  test('a process that was never run yet ends too', async () => {
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:end", "${HOST}", "ran")
        process.terminate(pid)
        return events:receive().result.error:message()`),
    ).toBe('process terminated')
  })

  test('its own slice finishes first', async () => {
    node.process(
      'app:self',
      `return { main = function(to)
        process.terminate(process.pid())
        process.send(to, "after")
        coroutine.yield()
        process.send(to, "never")
      end }`,
    )
    expect(
      await lua(`
        local inbox = process.inbox()
        process.spawn_monitored("app:self", "${HOST}", me)
        local message = events:receive().result.error:message()
        local topics = { inbox:receive():topic() }
        local r = channel.select { inbox:case_receive(), default = true }
        return { message, topics[1], r.default }`),
    ).toEqual(['process terminated', 'after', true])
  })

  test('children stay', async () => {
    node.process(
      'app:parent',
      `return { main = function(to) process.send(to, "child", process.spawn_monitored("app:wait", "${HOST}")) channel.new():receive() end }`,
    )
    expect(
      await lua(`
        local inbox = process.inbox()
        local pid = process.spawn_monitored("app:parent", "${HOST}", me)
        local child = inbox:receive():payload():data()
        process.monitor(child)
        process.terminate(pid)
        events:receive()
        process.send(child, "alive")
        return events:receive().result.value`),
    ).toBe('alive')
  })

  test('somebody unknown is not found', async () => {
    expect(await failure(`process.terminate("{${HOST}|0xfffff}")`)).toEqual([
      'nil',
      'NotFound',
      'terminate failed: process not found',
    ])
  })
})

describe('a host that stops', () => {
  test('asks all, waits, and ends what is left', async () => {
    const host = node.host('app:stopping')
    node.process(
      'app:polite',
      'return { main = function() local e = process.events():receive() return { e.kind, e.reason, e.from } end }',
    )
    const spawn = (definition: string): Process =>
      node.kernel.spawn({
        definition,
        host: 'app:stopping',
        args: noPayload,
        frame: { actor: undefined, scope: undefined, context: {}, confinement: undefined },
      })
    const polite = spawn('app:polite')
    const stubborn = spawn('app:wait')
    const exits: Record<string, unknown> = {}
    node.kernel.watch(polite, (exit) => {
      exits['polite'] = exit.result?.values()[0]
    })
    node.kernel.watch(stubborn, (exit) => {
      exits['stubborn'] = exit.error
    })
    let stopped = false
    const stopping = host.stop().then(() => {
      stopped = true
    })
    await node.eval('for i = 1, 10 do coroutine.yield() end')
    expect(exits).toEqual({ polite: ['pid.cancel', 'scheduler shutdown', ''] })
    expect(stopped).toBe(false)
    host.kill()
    await stopping
    expect(exits['stubborn']).toBeInstanceOf(RuntimeError)
    expect(exits['stubborn']).toMatchObject({ kind: 'Canceled', message: 'context canceled' })
  })
})
