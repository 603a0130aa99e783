// spec/process.md §1-3: pids, hosts, spawning, exec and the spawner builder.

import { beforeEach, describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { parsePid } from '../../runtime/core/pid.ts'
import { ctxModule } from '../../runtime/features/ctx.ts'
import { noPayload } from '../../runtime/process/process.ts'
import { frameAllowing, identityModule } from '../support/identities.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
beforeEach(async () => {
  node = await luaNode([ctxModule, identityModule])
  node.process('app:echo', 'return { main = function(...) return { n = select("#", ...), ... } end }')
  node.process('app:id', 'return { main = function() return process.id() end }')
  node.process('app:wait', 'return { main = function() return process.inbox():receive():topic() end }')
  node.process('app:fail', 'return { main = function() error("boom") end }')
  node.process('app:bad', 'error("at load")')
})
const lua = (body: string) => node.eval(body, { modules: ['ctx', 'identity'] })
/** `nil, err` of an expression, as kind and text. */
const failure = (expression: string) =>
  lua(`local value, err = ${expression} return { tostring(value), err:kind(), tostring(err) }`)

describe('pids', () => {
  test('a pid names host and counter, in braces', async () => {
    const pid = String(await lua('return process.pid()'))
    expect(pid).toMatch(/^\{app:processes\|0x[0-9a-f]{5,}\}$/)
    expect(await lua('return process.id()')).toMatch(/^test:eval\d+$/)
  })

  test('pids are read with and without node, and in the legacy form', () => {
    expect(parsePid('{n@app:p|0x0001f}')).toEqual({ node: 'n', host: 'app:p', serial: 31 })
    expect(parsePid('{app:p|0x00001}')).toEqual({ node: '', host: 'app:p', serial: 1 })
    expect(parsePid('{n@app:p|x|0x00002}')).toEqual({ node: 'n', host: 'app:p', serial: 2 })
    expect(() => parsePid('app:p|0x00001')).toThrow('invalid pid format: missing braces')
    expect(() => parsePid('{app:p}')).toThrow('invalid pid format: missing pipe')
  })

  test('the counter is shared by hosts and functions', async () => {
    node.function('app:f', 'return { handler = function() return process.pid() end }')
    const first = String(await lua('return process.pid()'))
    const inside = String(await node.eval('return funcs.call("app:f")', { modules: ['funcs'] }))
    expect(inside).toMatch(/^\{app:f#lua\.\d+\|0x/)
    expect(parsePid(inside).serial).toBeGreaterThan(parsePid(first).serial)
  })
})

describe('hosts', () => {
  test('a host that is missing, stopped or stopping refuses', async () => {
    expect(await failure('process.spawn("app:echo", "app:none")')).toEqual(['nil', 'NotFound', 'host not found'])
    const host = node.host('app:other')
    node.kernel.spawn({ definition: 'app:wait', host: 'app:other', args: noPayload, frame: frameAllowing('*') })
    const stopped = host.stop()
    expect(await failure('process.spawn("app:echo", "app:other")')).toEqual([
      'nil',
      'Unavailable',
      'host is shutting down',
    ])
    host.kill()
    await stopped
    expect(await failure('process.spawn("app:echo", "app:other")')).toEqual([
      'nil',
      'Unavailable',
      'host is not running',
    ])
  })

  test('a terminal host does not terminate its processes', async () => {
    node.host('app:terminal', 'terminal')
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:wait", "app:terminal")
        local ok = process.terminate(pid)
        process.send(pid, "bye")
        return { ok, process.events():receive().result.value }`),
    ).toEqual([true, 'bye'])
  })
})

describe('spawn', () => {
  test('gives the pid; the method gets the arguments', async () => {
    expect(
      await lua(`
        local pid, err = process.spawn_monitored("app:echo", "${HOST}", 1, "two", nil, { 3 })
        local event = process.events():receive()
        local r = event.result.value
        return { type(pid), err == nil, event.from == pid, r.n, r[1], r[2], r[3] == nil, r[4][1] }`),
    ).toEqual(['string', true, true, 4, 1, 'two', true, 3])
  })

  test.each(['spawn', 'spawn_monitored', 'spawn_linked', 'spawn_linked_monitored'])(
    '%s needs an id and a host',
    async (name) => {
      expect(await failure(`process.${name}("app:echo")`)).toEqual([
        'nil',
        'Invalid',
        `${name} requires at least id and host arguments`,
      ])
    },
  )

  test('an unknown definition is not found; code that does not load fails the call', async () => {
    expect(await failure(`process.spawn("app:none", "${HOST}")`)).toEqual(['nil', 'NotFound', 'factory not found'])
    const [, , text] = (await failure(`process.spawn("app:bad", "${HOST}")`)) as string[]
    expect(text).toMatch(/^failed to execute script: .*at load/)
    node.process('app:empty', 'return { other = function() end }')
    expect(await failure(`process.spawn("app:empty", "${HOST}")`)).toEqual([
      'nil',
      'NotFound',
      'method "main" not found in module',
    ])
  })

  test('an error inside the method is seen only in the exit', async () => {
    expect(
      await lua(`
        local pid, err = process.spawn_monitored("app:fail", "${HOST}")
        return { pid ~= nil, err == nil, process.events():receive().result.error:message() }`),
    ).toEqual([true, true, expect.stringMatching(/boom/)])
  })

  test('the child starts after the caller has given up its turn', async () => {
    node.process('app:tell', 'return { main = function(to) process.send(to, "hello") end }')
    expect(
      await lua(`
        local inbox = process.inbox()
        process.spawn("app:tell", "${HOST}", process.pid())
        local early = channel.select { inbox:case_receive(), default = true }.default
        return { early, inbox:receive():topic() }`),
    ).toEqual([true, 'hello'])
  })

  test('a chunk may return the method itself; its name is then ignored', async () => {
    node.process('app:fn', 'return function(v) return v end', { method: 'anything' })
    expect((await node.run('app:fn', 5)).value).toBe(5)
  })

  test('a child inherits context, actor and scope', async () => {
    node.process(
      'app:whoami',
      'return { main = function() return { identity.me(), ctx.get("k"), identity.may("x") } end }',
      {
        modules: ['ctx', 'identity'],
      },
    )
    const frame = { ...frameAllowing('*'), context: { k: 'v' } }
    expect(
      await node.eval(
        `process.spawn_monitored("app:whoami", "${HOST}") return process.events():receive().result.value`,
        {
          frame,
        },
      ),
    ).toEqual(['tester', 'v', 'allow'])
  })

  test('a monitor and a link are there before the first step', async () => {
    node.process(
      'app:quick',
      'return { main = function(how) if how == "error" then error("quick") end return "done" end }',
    )
    expect(
      await lua(`
        process.set_options { trap_links = true }
        local events = process.events()
        process.spawn_monitored("app:quick", "${HOST}")
        process.spawn_linked("app:quick", "${HOST}", "error")
        process.spawn_linked_monitored("app:quick", "${HOST}", "error")
        local kinds = {}
        for i = 1, 4 do kinds[i] = events:receive().kind end
        return kinds`),
    ).toEqual(['pid.exit', 'pid.link.down', 'pid.exit', 'pid.link.down'])
  })

  test('functions spawn, monitor and listen too', async () => {
    node.function(
      'app:f',
      `return { handler = function()
      local inbox = process.listen("x")
      process.send(process.pid(), "x", 1)
      local pid = process.spawn_monitored("app:id", "${HOST}")
      local event = process.events():receive()
      return { inbox:receive(), event.from == pid, event.result.value }
    end }`,
    )
    expect(await node.eval('return funcs.call("app:f")', { modules: ['funcs'] })).toEqual([1, true, 'app:id'])
  })
})

describe('exec', () => {
  test('waits for the result or the error', async () => {
    expect(await lua(`local v, err = process.exec("app:echo", "${HOST}", "a") return { v[1], err == nil }`)).toEqual([
      'a',
      true,
    ])
    const [value, kind, text] = (await failure(`process.exec("app:fail", "${HOST}")`)) as string[]
    expect([value, kind, text]).toEqual(['nil', 'Internal', expect.stringMatching(/boom/)])
  })

  test('checks its arguments', async () => {
    expect(await failure('process.exec()')).toEqual(['nil', 'Invalid', 'process ID required'])
    expect(await failure('process.exec("app:echo")')).toEqual(['nil', 'Invalid', 'host ID required'])
    expect(await failure(`process.exec("echo", "${HOST}")`)).toEqual([
      'nil',
      'Invalid',
      'invalid process ID format (namespace:name required)',
    ])
    expect(await failure(`process.exec("app:none", "${HOST}")`)).toEqual(['nil', 'NotFound', 'factory not found'])
  })

  test('arguments and results keep all that Lua values have', async () => {
    node.process('app:same', 'return { main = function(t) return t end }')
    expect(
      await lua(`
        local t = setmetatable({ 1, 2, x = 2.0 }, { tag = "m" })
        t.self, t.again = t, { t }
        local r = process.exec("app:same", "${HOST}", t)
        return { r[2], math.type(r.x), r.self == r, r.again[1] == r, getmetatable(r).tag, r ~= t }`),
    ).toEqual([2, 'float', true, true, 'm', true])
  })

  test('the child goes on when the caller ends', async () => {
    node.process('app:caller', `return { main = function() process.exec("app:wait", "${HOST}") end }`)
    const caller = node.spawn('app:caller')
    await lua('for i = 1, 5 do coroutine.yield() end')
    caller.terminate(new RuntimeError('Internal', 'gone'))
    const left = [...node.kernel.processes()].map((process) => process.definition)
    expect(left).toEqual(['app:wait'])
  })
})

describe('the spawner', () => {
  test('context values are merged over the caller’s, key by key, as plain data', async () => {
    node.process('app:ctx', 'return { main = function() return ctx.all() end }', { modules: ['ctx'] })
    const body = `
      local base = process.with_context { a = 1, list = { 1, 2, x = "dropped" } }
      local more = base:with_context { b = 2 }
      base:spawn_monitored("app:ctx", "${HOST}")
      more:spawn_monitored("app:ctx", "${HOST}")
      local events = process.events()
      return { events:receive().result.value, events:receive().result.value }`
    const [first, second] = (await node.eval(body, { frame: { ...frameAllowing('*'), context: { z: 0 } } })) as object[]
    expect(first).toEqual({ z: 0, a: 1, list: [1, 2] })
    expect(second).toEqual({ z: 0, a: 1, list: [1, 2], b: 2 })
  })

  test('context values that are no data become data', async () => {
    node.process(
      'app:ctx',
      `return { main = function()
        local all = ctx.all()
        local l = all.list
        all.list = { l[1], l[2] == nil, l[3], l.x == nil, #l }
        return all
      end }`,
      { modules: ['ctx'] },
    )
    expect(
      await lua(`return process.with_context {
        list = { 1, nil, 3, x = "dropped" }, map = { a = 1 }, empty = {}, fn = print, err = errors.new("text"),
        float = 1.5, yes = true,
      }:exec("app:ctx", "${HOST}")`),
    ).toEqual({
      list: [1, true, 3, true, 3],
      map: { a: 1 },
      empty: {},
      fn: expect.stringMatching(/^function/),
      err: 'text',
      float: 1.5,
      yes: true,
    })
  })

  test('actor, scope and context are those of the caller unless given', async () => {
    node.process(
      'app:whoami',
      'return { main = function() return { identity.me(), identity.may("x"), ctx.get("k") } end }',
      { modules: ['ctx', 'identity'] },
    )
    expect(
      await node.eval(`return process.with_options({}):exec("app:whoami", "${HOST}")`, {
        frame: { ...frameAllowing('*'), context: { k: 'v' } },
      }),
    ).toEqual(['tester', 'allow', 'v'])
  })

  test('actor and scope can be given', async () => {
    node.process(
      'app:whoami',
      'return { main = function() return { identity.me(), identity.may("a"), identity.may("b") } end }',
      {
        modules: ['identity'],
      },
    )
    expect(
      await lua(`
        return process.with_context({}):with_actor(identity.actor("bob")):with_scope(identity.scope("a"))
          :exec("app:whoami", "${HOST}")`),
    ).toEqual(['bob', 'allow', 'undefined'])
  })

  test('a name is registered before the start, and messages wait in the mailbox', async () => {
    node.process(
      'app:named',
      `return { main = function()
      local m = process.inbox():receive()
      return { process.registry.lookup("worker") == process.pid(), m:topic(), m:payload()[1]:data(), m:payload()[2]:data().x, m:from() }
    end }`,
    )
    expect(
      await lua(`
        local s = process.with_options({}):with_name("worker"):with_message("hi", 1, { x = 2 })
        s:spawn_monitored("app:named", "${HOST}")
        return process.events():receive().result.value`),
    ).toEqual([true, 'hi', 1, 2, ''])
  })

  test('with a name that is taken the messages go to its owner, and nothing is spawned', async () => {
    expect(
      await lua(`
        process.registry.register("owner")
        local inbox = process.inbox()
        local pid, err = process.with_options({}):with_name("owner"):with_message("hi", "x"):spawn("app:wait", "${HOST}")
        local m = inbox:receive()
        return { pid == process.pid(), err == nil, m:topic(), m:payload():data(), m:from() }`),
    ).toEqual([true, true, 'hi', 'x', ''])
    expect(node.kernel.processCount).toBe(0)
  })

  test('options are what the process begins with', async () => {
    node.process('app:options', 'return { main = function() return process.get_options() end }')
    expect(
      await lua(`return process.with_options { trap_links = true, other = 1 }:exec("app:options", "${HOST}")`),
    ).toEqual({ trap_links: true, upgradable: false, interrupts: false })
    await expect(lua('process.with_options { trap_links = 1 }')).rejects.toThrow('trap_links must be a boolean')
  })

  test('spawners are immutable', async () => {
    expect(
      await lua(`
        local base = process.with_options({})
        base:with_name("n"):with_message("m")
        local pid = base:spawn("app:wait", "${HOST}")
        local _, err = process.registry.lookup("n")
        process.terminate(pid)
        return tostring(err)`),
    ).toBe('name not registered')
  })

  test('an empty name and a system topic raise', async () => {
    await expect(lua('process.with_options({}):with_name("")')).rejects.toThrow('name cannot be empty')
    await expect(lua('process.with_options({}):with_message("@x")')).rejects.toThrow('cannot send to @ topics')
  })

  test.each(['spawn', 'spawn_monitored', 'spawn_linked', 'spawn_linked_monitored'])(
    '%s checks its arguments',
    async (name) => {
      expect(await failure(`process.with_options({}):${name}("app:echo")`)).toEqual([
        'nil',
        'Invalid',
        `${name} requires at least id and host arguments`,
      ])
    },
  )
})
