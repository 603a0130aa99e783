// A clock turned by hand reaches everything that happens at a time: events, starts, sleeps, tickers, calls that give up.

import { expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../runtime/core/clock.ts'
import { timeModule } from '../../runtime/features/time/time-module.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

const START = 1_000_000_000_000

async function timed(): Promise<{ clock: ManualClock; node: LuaNode }> {
  const clock = manualClock(START)
  return { clock, node: await luaNode([timeModule({ clock })], { clock }) }
}

/** Lets everything run that is ready. */
async function settle(node: LuaNode): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve))
  while (node.kernel.scheduler.readyCount > 0)
}

test('EXIT, LINK_DOWN, CANCEL and OUTDATED carry the second of the clock', async () => {
  const { clock, node } = await timed()
  node.process('app:fails', 'return { main = function() process.listen("go"):receive() error("x") end }')
  node.process(
    'app:watches',
    `return { main = function()
      process.set_options({ trap_links = true, upgradable = true })
      local pid = process.spawn_linked_monitored("app:fails", "${HOST}")
      process.registry.register("fails", pid)
      local events, at = process.events(), {}
      for i = 1, 4 do local e = events:receive() at[e.kind] = e.at end
      return at
    end }`,
  )
  const watches = node.spawn('app:watches')
  const done = new Promise((resolve) => node.kernel.watch(watches, (exit) => resolve(exit.result?.values()[0])))
  await settle(node)
  clock.advance(5_000)
  await node.eval(`process.cancel("${watches.pid}")`)
  clock.advance(5_000)
  node.kernel.outdated(new Map([['app:watches', ['app:lib']]]))
  clock.advance(5_000)
  await node.eval('process.send("fails", "go")')
  expect(await done).toEqual({
    'pid.cancel': START / 1000 + 5,
    'pid.outdated': START / 1000 + 10,
    'pid.exit': START / 1000 + 15,
    'pid.link.down': START / 1000 + 15,
  })
})

test('a host that stops tells the time of the clock', async () => {
  const { clock, node } = await timed()
  const host = node.host('app:other')
  node.process('app:waits', 'return { main = function() return process.events():receive().at end }')
  const child = node.eval('return (process.exec("app:waits", "app:other"))')
  await settle(node)
  clock.advance(2_000)
  await host.stop()
  expect(await child).toBe(START / 1000 + 2)
})

test('a process has started when the clock says so, and an upgrade is the same process', async () => {
  const { clock, node } = await timed()
  node.process(
    'app:waits',
    'return { main = function(again) process.listen("go"):receive() if not again then process.upgrade(nil, true) end end }',
  )
  clock.advance(1_234)
  const { pid, startedAt } = node.spawn('app:waits')
  expect(startedAt).toBe(START + 1_234)
  clock.advance(1_000)
  await node.eval(`process.send("${pid}", "go")`)
  await settle(node)
  expect(node.kernel.byPid(pid)?.startedAt).toBe(START + 1_234)
})

test('sleeps, timers and tickers wait for the clock', async () => {
  const { clock, node } = await timed()
  const result = node.eval(
    `local out, done = {}, channel.new(4)
    local function note(name) out[#out + 1] = name end
    coroutine.spawn(function() time.sleep("30s") note("sleep") done:send(true) end)
    coroutine.spawn(function() time.after("10s"):receive() note("after") done:send(true) end)
    coroutine.spawn(function() time.timer("20s"):channel():receive() note("timer") done:send(true) end)
    local ticks = time.ticker("25s")
    coroutine.spawn(function() ticks:channel():receive() note("tick") ticks:stop() done:send(true) end)
    for i = 1, 4 do done:receive() end
    return out`,
    { modules: ['time'] },
  )
  await settle(node)
  for (let i = 0; i < 30; i++) {
    clock.advance(1_000)
    await settle(node)
  }
  expect(await result).toEqual(['after', 'timer', 'tick', 'sleep'])
})

test('a ticker never drifts: after two thousand late beats it is on its beat', async () => {
  const { clock, node } = await timed()
  node.process(
    'app:ticks',
    `return { main = function()
      local start, ticks, last = time.now(), time.ticker("100ms"):channel(), nil
      local n = 0
      while n < 2000 do last = ticks:receive() n = n + 1 end
      return last:sub(start):milliseconds()
    end }`,
    { modules: ['time'] },
  )
  const done = node.run('app:ticks')
  await settle(node)
  // 7 ms late at every look, 2000 times.
  for (let i = 0; i < 2000; i++) {
    clock.advance(i === 0 ? 107 : 100)
    await settle(node)
  }
  expect((await done).value).toBe(200_000)
})

test('a ticker nobody reads keeps 16 ticks and drops the rest', async () => {
  const { clock, node } = await timed()
  const result = node.eval(
    `local ticks = time.ticker("1s"):channel()
    process.listen("go"):receive()
    local n = 0
    while true do
      local r = channel.select { ticks:case_receive(), default = true }
      if r.default then return n end
      n = n + 1
    end`,
    { modules: ['time'] },
  )
  await settle(node)
  clock.advance(1_000_000)
  const [reader] = node.kernel.processes()
  await node.eval(`process.send("${reader?.pid}", "go")`)
  expect(await result).toBe(16)
})

test('a call gives up when the clock says so', async () => {
  const { clock, node } = await timed()
  node.function('app:slow', 'return { handler = function() channel.new():receive() end }')
  const result = node.eval(
    'local v, err = funcs.new():with_options({ timeout = "3s" }):call("app:slow") return { v == nil, err:kind(), err:message() }',
    { modules: ['funcs'] },
  )
  await settle(node)
  clock.advance(2_999)
  await settle(node)
  expect(node.kernel.processCount).toBe(2)
  clock.advance(1)
  expect(await result).toEqual([true, 'Timeout', 'call took longer than 3000 ms'])
})

test('code made at run time that waits too long is ended by the clock', async () => {
  const { clock, node } = await timed()
  node.function('app:waits', 'return { handler = function() channel.new():receive() end }', { generated: true })
  const result = node.eval('local _, err = funcs.call("app:waits") return { err:kind(), err:message() }', {
    modules: ['funcs'],
  })
  await settle(node)
  clock.advance(30_000)
  expect(await result).toEqual(['Timeout', 'time limit of 30000 ms exceeded'])
})
