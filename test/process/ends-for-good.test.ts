// What must not go on, or be run by somebody else, when a process or a call is over before its time.

import { beforeEach, describe, expect, test } from 'vitest'
import { manualClock } from '../../runtime/core/clock.ts'
import type { LuaProcess } from '../../runtime/lua/lua-process.ts'
import type { LuaModule } from '../../runtime/lua/module.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
let answers: ((value: unknown) => void)[]
let seen: unknown[]
beforeEach(async () => {
  answers = []
  seen = []
  const testing: LuaModule = {
    name: 'testing',
    description: 'answers when the test wants',
    traits: [],
    open: () => ({
      later: () => new Promise((resolve) => answers.push(resolve)),
      saw: (_call, value: unknown) => void seen.push(value),
    }),
  }
  node = await luaNode([testing], { clock: manualClock() })
})
const lua = (body: string) => node.eval(body, { modules: ['funcs', 'testing'] })
const trusted = () => node.engines.get({ generated: false })

describe('a call that is cut off', () => {
  test('runs none of its variables to close, neither as itself nor as who ended it', async () => {
    node.function(
      'app:holds',
      `return { handler = function()
        local held <close> = setmetatable({}, { __close = function() process.registry.register("stolen") end })
        channel.new():receive()
      end }`,
    )
    node.process('app:calls', 'return { main = function() return funcs.call("app:holds") end }', { modules: ['funcs'] })
    expect(
      await lua(
        `local pid = process.spawn_monitored("app:calls", "${HOST}")
        coroutine.yield() coroutine.yield()
        process.terminate(pid)
        local event = process.events():receive()
        return { event.result.error:message(), (process.registry.lookup("stolen")) == nil }`,
      ),
    ).toEqual(['process terminated', true])
  })

  test('leaves a worker that is used again', async () => {
    const pool = node.function(
      'app:slow',
      `return { handler = function(loop)
        if loop then string.format("%s", setmetatable({}, { __tostring = function() while true do end end })) end
        return "done"
      end }`,
      { maxSize: 1 },
    )
    expect(await lua('local _, err = funcs.call("app:slow", true) return err:kind()')).toBe('LimitExceeded')
    expect(await lua('return (funcs.call("app:slow"))')).toBe('done')
    expect(pool.size).toBe(1)
  })
})

describe('code that does not load', () => {
  test('leaves nothing running and no name taken', async () => {
    node.process(
      'app:broken',
      `require("testing")
      process.registry.register("boss")
      coroutine.spawn(function() testing.saw("a ghost") end)
      error("no")`,
      { modules: ['testing'] },
    )
    expect(
      await lua(
        `local _, err = process.spawn("app:broken", "${HOST}")
        coroutine.yield() coroutine.yield()
        return { err:message(), (process.registry.lookup("boss")) == nil }`,
      ),
    ).toEqual(['app:broken:4: no', true])
    expect(seen).toEqual([])
    expect(node.failures).toEqual([])
  })

  test('because it starts itself is an error, and nobody else notices', async () => {
    node.process('app:again', `process.spawn("app:again", "${HOST}") return { main = function() end }`)
    expect(await lua(`local pid, err = process.spawn("app:again", "${HOST}") return pid ~= nil or err:kind()`)).toBe(
      true,
    )
    node.process('app:strict', `assert(process.spawn("app:strict", "${HOST}")) return { main = function() end }`)
    expect(await lua(`local _, err = process.spawn("app:strict", "${HOST}") return err:message()`)).toContain(
      'code that loads starts other code: more than 16 deep',
    )
    expect(trusted().lua.dead).toBe(false)
  })
})

test('CPU counts although the waits between are answered at once', async () => {
  node.process(
    'app:busy',
    `return { main = function()
      local ch = channel.new()
      while true do
        for i = 1, 200000 do end
        coroutine.spawn(function() ch:send(1) end)
        ch:receive()
      end
    end }`,
    { generated: true, limits: { cpu: 100 } },
  )
  const { error } = await node.run('app:busy')
  expect(error?.message).toBe('cpu limit of 100 ms exceeded')
})

test('a large answer to a process that has ended is dropped', async () => {
  node.process('app:asks', 'return { main = function() return testing.later() end }', { modules: ['testing'] })
  const process = node.spawn('app:asks') as LuaProcess
  await lua('coroutine.yield() coroutine.yield()')
  node.retire('app:asks')
  node.kernel.terminate(process)
  expect(process.vm.closed).toBe(true)
  answers[0]?.(Array.from({ length: 100_000 }, (_, i) => i))
  await lua('coroutine.yield() coroutine.yield()')
  expect(trusted().lua.dead).toBe(false)
  expect(process.vm.processes).toBe(0)
})

test('the VM of code that was replaced goes with the last process, however that ends', async () => {
  const vms = []
  for (let i = 0; i < 3; i++) {
    node.process('app:changes', `return { main = function() return channel.new():receive(), ${i} end }`)
    const process = node.spawn('app:changes') as LuaProcess
    await lua('coroutine.yield()')
    node.retire('app:changes')
    expect(process.vm.closed).toBe(false)
    node.kernel.terminate(process)
    vms.push(process.vm.closed)
  }
  expect(vms).toEqual([true, true, true])
})
