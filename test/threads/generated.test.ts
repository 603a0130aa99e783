// Code made at run time in its thread: calls look like any other, limits hold, and the main thread goes on (PROMISES P5 to P8).

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../runtime/core/clock.ts'
import { RuntimeError } from '../../runtime/core/error.ts'
import { emptyFrame, type Frame, withContext } from '../../runtime/core/frame.ts'
import { createLogger, type LogRecord } from '../../runtime/observe/logger.ts'
import { MAIN, type ThreadHost, threadHost } from '../support/thread-host.ts'

const log: LogRecord[] = []
let node: ThreadHost
beforeAll(async () => {
  const clock = systemClock()
  const logger = createLogger({ clock, level: 'debug', sinks: [(record: LogRecord) => void log.push(record)] })
  node = await threadHost({ logger })
})
afterAll(() => node.stop())

let made = 0
/** Calls a function made at run time whose handler has this body. */
async function tool(
  body: string,
  args: readonly never[] | readonly unknown[] = [],
  modules: string[] = [],
  frame?: Frame,
) {
  const name = `tool${++made}`
  await node.function(name, `return { handler = function(...) ${body}\nend }`, { modules, generated: true })
  return node.host.call(`app:${name}`, args as never[], frame === undefined ? {} : { frame })
}
const failure = (call: Promise<unknown>): Promise<RuntimeError> =>
  call.then(
    (value) => Promise.reject(new Error(`it returned ${JSON.stringify(value)}`)),
    (error: RuntimeError) => error,
  )

describe('a call', () => {
  test('takes and gives values of every kind', async () => {
    const value = { n: 1, f: 1.5, text: 'ä', list: [1, 2, { deep: true }], bytes: new Uint8Array([255, 0]) }
    expect(await tool('return ...', [value])).toEqual({ ...value, list: [1, 2, { deep: true }] })
    expect(await tool('return ...', [2n ** 60n])).toBe(2n ** 60n)
    expect(await tool('return math.type(...)', [3])).toBe('integer')
  })

  test('fails with the error of the callee, its kind and details', async () => {
    const error = await failure(
      tool('return nil, errors.new({ kind = errors.CONFLICT, message = "no", retryable = true, details = { a = 1 } })'),
    )
    expect(error).toBeInstanceOf(RuntimeError)
    expect(error).toMatchObject({ kind: 'Conflict', message: 'no', retryable: true, details: { a: 1 } })
    expect(await failure(tool('error("boom")'))).toMatchObject({
      message: expect.stringMatching(/^app:tool\d+:1: boom$/),
    })
  })

  test('from Lua looks like any other', async () => {
    await node.function('doubles', 'return { handler = function(n) return n * 2 end }', { generated: true })
    expect(await node.eval('return { funcs.call("app:doubles", 21) }', MAIN)).toEqual([42])
    expect(
      await node.eval('local f = funcs.async("app:doubles", 4) f:channel():receive() return f:result():data()', MAIN),
    ).toBe(8)
  })

  test('starts with a fresh state', async () => {
    await node.function('counts', 'n = (n or 0) + 1 return { handler = function() n = n + 1 return n end }', {
      generated: true,
    })
    expect([await node.host.call('app:counts'), await node.host.call('app:counts')]).toEqual([2, 2])
  })

  test('sees its context values', async () => {
    expect(await tool('return require("ctx").get("who")', [], ['ctx'], withContext(emptyFrame, { who: 'me' }))).toBe(
      'me',
    )
  })

  test('can be cancelled', async () => {
    await node.function('waits', 'return { handler = function() channel.new():receive() end }', { generated: true })
    const abort = new AbortController()
    const call = node.host.call('app:waits', [], { signal: abort.signal })
    await node.host.call('app:counts')
    abort.abort()
    expect(await failure(call)).toMatchObject({ kind: 'Canceled' })
  })

  test('finds new code after a change, and running calls finish on the old', async () => {
    const source = (version: number) => `return { handler = function(wait)
      if wait then require("time").sleep("50ms") end
      return ${version}
    end }`
    await node.function('changes', source(1), { modules: ['time'], generated: true })
    const running = node.host.call('app:changes', [true])
    await node.function('changes', source(2), { modules: ['time'], generated: true })
    expect([await running, await node.host.call('app:changes')]).toEqual([1, 2])
  })

  test('of an entry that is gone finds nobody', async () => {
    await node.function('goes', 'return { handler = function() end }', { generated: true })
    await node.host.registry.apply([{ op: 'delete', id: 'app:goes' }])
    expect(await failure(node.host.call('app:goes'))).toMatchObject({ kind: 'NotFound' })
  })

  test('too large to take is refused before it leaves', async () => {
    expect(await failure(tool('return 1', [{ text: 'x' }, deep(200)]))).toMatchObject({ kind: 'Invalid' })
  })
})

describe('limits', () => {
  test('of CPU end it, and the main thread is never late', async () => {
    let worst = 0
    let last = performance.now()
    const beat = setInterval(() => {
      worst = Math.max(worst, performance.now() - last - 5)
      last = performance.now()
    }, 5)
    try {
      expect(await failure(tool('while true do pcall(function() while true do end end) end'))).toMatchObject({
        kind: 'LimitExceeded',
        message: 'cpu limit of 2000 ms exceeded',
      })
    } finally {
      clearInterval(beat)
    }
    // The code has a core of its own; what is left is the machine's.
    expect(worst).toBeLessThan(250)
  })

  test('of memory end it, and others there go on', async () => {
    await node.function('answers', 'return { handler = function() return "still here" end }', { generated: true })
    const error = await failure(tool('local t = {} while true do t[#t + 1] = ("x"):rep(1e6) .. #t end'))
    expect(error).toMatchObject({ kind: 'LimitExceeded', message: expect.stringContaining('memory limit of 16777216') })
    expect(await node.host.call('app:answers')).toBe('still here')
  })
})

describe('authority', () => {
  test('is that of generated code, and a refusal is logged', async () => {
    const value = await tool(
      'local _, err = require("http_client").get("http://127.0.0.1:1/") return tostring(err)',
      [],
      ['http_client'],
    )
    expect(value).toContain('not allowed: private IP 127.0.0.1')
    expect(await tool('local _, err = process.spawn("app:any", "app:main") return tostring(err)')).toBe(
      'not allowed to spawn process: app:any',
    )
    expect(await tool('local _, err = require("funcs").call("app:counts") return tostring(err)', [], ['funcs'])).toBe(
      'not allowed: app:counts',
    )
    expect(log).toContainEqual(
      expect.objectContaining({
        message: 'permission denied',
        fields: expect.objectContaining({ action: 'process.spawn', actor: 'generated' }),
      }),
    )
  })

  test('follows a policy at once', async () => {
    const entry = {
      id: 'app:may_call',
      kind: 'security.policy',
      meta: {},
      data: {
        policy: { actions: ['funcs.call'], resources: ['app:counts'], effect: 'allow' },
        groups: ['wippy:generated'],
      },
    }
    await node.function('asks', 'return { handler = function() return (require("funcs").call("app:counts")) end }', {
      modules: ['funcs'],
      generated: true,
    })
    expect(await node.host.call('app:asks')).toBeNull()
    await node.host.registry.apply([{ op: 'create', entry }])
    expect(await node.host.call('app:asks')).toBe(2)
    await node.host.registry.apply([{ op: 'delete', id: entry.id }])
    expect(await node.host.call('app:asks')).toBeNull()
  })
})

describe('a process of such code', () => {
  test('has a pid, receives, is watched and named as any other', async () => {
    await node.process(
      'echo',
      `return { main = function(greeting)
        local inbox = process.inbox()
        local m = inbox:receive()
        process.send(m:from(), "echo", greeting .. m:payload():data())
        return "done"
      end }`,
      { generated: true },
    )
    const entry = {
      id: 'app:may_send',
      kind: 'security.policy',
      meta: {},
      data: { policy: { actions: ['process.send'], resources: '*', effect: 'allow' }, groups: ['wippy:generated'] },
    }
    await node.host.registry.apply([{ op: 'create', entry }])
    expect(
      await node.eval(
        `local pid = process.spawn_monitored("app:echo", "${MAIN}", "hello ")
        local back, events = process.listen("echo"), process.events()
        process.registry.register("the echo", pid)
        process.send("the echo", "say", "you")
        local heard, event = back:receive(), events:receive()
        return { heard, event.kind, event.from == pid, event.result.value }`,
        MAIN,
      ),
    ).toEqual(['hello you', 'pid.exit', true, 'done'])
  })

  test('whose code does not load is an error of the spawn, and no exit', async () => {
    await node.process('broken', 'error("not today")', { generated: true })
    expect(
      await node.eval(
        `local events = process.events()
        local pid, err = process.spawn_monitored("app:broken", "${MAIN}")
        local got = channel.select { events:case_receive(), time.after("20ms"):case_receive() }
        return { pid == nil, tostring(err), got.channel ~= events }`,
        MAIN,
      ),
    ).toEqual([true, expect.stringMatching(/^failed to execute script: app:broken:1: not today/), true])
  })

  test('goes on as trusted code only there, and trusted code as such with its unread messages', async () => {
    await node.process(
      'later',
      'return { main = function() local inbox = process.inbox() return { inbox:receive():topic(), inbox:receive():payload():data() } end }',
      { generated: true },
    )
    await node.process(
      'first',
      'return { main = function() process.listen("go"):receive() process.upgrade("app:later") end }',
    )
    expect(
      await node.eval(
        `local pid = process.spawn_monitored("app:first", "${MAIN}")
        process.send(pid, "one", 1)
        process.send(pid, "go")
        process.send(pid, "two", { "x" })
        return process.events():receive().result.value`,
        MAIN,
      ),
    ).toEqual(['one', ['x']])
  })
})

describe('an upgrade to such code', () => {
  test('that does not load is an exit with its error', async () => {
    await node.process('breaks', 'error("not now")', { generated: true })
    await node.process('turns', 'return { main = function() process.upgrade("app:breaks") end }')
    expect(
      await node.eval(
        `process.spawn_monitored("app:turns", "${MAIN}")
        return process.events():receive().result.error:message()`,
        MAIN,
      ),
    ).toBe('app:breaks:1: not now')
  })

  test('loses what its narrower limits do not allow, and nothing else', async () => {
    await node.process('takes', 'return { main = function() return (process.inbox():receive():topic()) end }', {
      generated: true,
    })
    await node.process(
      'waits_for_go',
      'return { main = function() process.listen("go"):receive() process.upgrade("app:takes") end }',
    )
    expect(
      await node.eval(
        `local pid = process.spawn_monitored("app:waits_for_go", "${MAIN}")
        process.send(pid, "big", ("x"):rep(9 << 20))
        process.send(pid, "small", 1)
        process.send(pid, "go")
        return process.events():receive().result.value`,
        MAIN,
      ),
    ).toBe('small')
  })
})

test('what it prints is logged with its line', async () => {
  await tool('print("a", 1)')
  expect(log).toContainEqual(
    expect.objectContaining({
      message: 'a 1',
      fields: expect.objectContaining({ location: expect.stringMatching(/^app:tool\d+:1$/) }),
    }),
  )
})

function deep(levels: number): unknown {
  return levels === 0 ? 1 : [deep(levels - 1)]
}
