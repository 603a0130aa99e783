// `isolation: process`: a VM for every process, made when it starts and closed when it ends, whatever way it ends.

import { beforeEach, expect, test } from 'vitest'
import type { LuaProcess } from '../../runtime/lua/lua-process.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
beforeEach(async () => {
  node = await luaNode()
  node.process(
    'app:alone',
    `return { main = function(how, to)
      if how == "error" then error("x") end
      if how == "hoard" then local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end end
      if how == "upgrade" then process.upgrade(nil, "wait", to) end
      if how == "coroutine" then coroutine.spawn(function() error("inner") end) channel.new():receive() end
      if how == "wait" then return process.inbox():receive():payload():data() end
      return how
    end }`,
    { isolated: true, limits: { memory: 4 << 20 } },
  )
  node.process('app:bad', 'error("at load")', { isolated: true })
  // The VM of what evaluates is there before and after.
  await lua('return 1')
})
const lua = (body: string) => node.eval(body)
const vms = () => node.engines.get({ generated: false }).vmCount

test('every process has its own VM, and it is gone after the process', async () => {
  const before = vms()
  const all = Array.from({ length: 20 }, () => node.spawn('app:alone', ['wait']) as LuaProcess)
  expect(new Set(all.map(({ vm }) => vm)).size).toBe(20)
  expect(vms()).toBe(before + 20)
  expect(await lua(`process.send("${all[0]?.pid}", "t", 7) return 1`)).toBe(1)
  for (const one of all) node.kernel.terminate(one)
  await lua('coroutine.yield()')
  // Those of the two programs just run.
  expect(vms()).toBe(before + 2)
  expect(all.every(({ vm }) => vm.closed)).toBe(true)
})

test.each([
  ['return', 'return'],
  ['error', 'x'],
  ['hoard', 'memory limit of 4194304 bytes exceeded'],
  ['coroutine', 'inner'],
])('the VM is closed after %s', async (how, outcome) => {
  const process = node.spawn('app:alone', [how]) as LuaProcess
  const came = await new Promise((resolve) =>
    node.kernel.watch(process, ({ error, result }) => resolve(error?.message ?? result?.values()[0])),
  )
  expect(String(came)).toContain(outcome)
  await lua('coroutine.yield()')
  expect(process.vm.closed).toBe(true)
})

test('a process that another one terminates while it runs closes the VM of the other', async () => {
  expect(
    await lua(`
      local events = process.events()
      local pid = process.spawn_monitored("app:alone", "${HOST}", "wait")
      coroutine.yield()
      process.terminate(pid)
      return events:receive().result.error:message()`),
  ).toBe('process terminated')
})

test('a link that takes one down with the other closes both', async () => {
  node.process(
    'app:pair',
    `return { main = function() process.spawn_linked("app:alone", "${HOST}", "error") channel.new():receive() end }`,
    {
      isolated: true,
    },
  )
  const pair = node.spawn('app:pair') as LuaProcess
  const ended = new Promise((resolve) => node.kernel.watch(pair, ({ error }) => resolve(error?.message)))
  expect(await ended).toBe('linked process failed')
  await lua('coroutine.yield()')
  expect(pair.vm.closed).toBe(true)
})

test('an upgrade goes on in a new VM with the messages that wait, and the old one is closed', async () => {
  const before = node.spawn('app:alone', ['upgrade']) as LuaProcess
  const value = new Promise((resolve) => node.kernel.watch(before, (exit) => resolve(exit.result?.values()[0])))
  await lua(`process.send("${before.pid}", "t", { deep = { 1 } })`)
  expect(await value).toEqual({ deep: [1] })
  expect(before.vm.closed).toBe(true)
})

test('code that does not load leaves no VM', async () => {
  const before = vms()
  expect(
    await lua(`local n = 0 for i = 1, 5 do if not process.spawn("app:bad", "${HOST}") then n = n + 1 end end return n`),
  ).toBe(5)
  // That of the program just run.
  expect(vms()).toBe(before + 1)
})
