// The Lua thread of a process that failed or was ended serves the next one, which must not notice.

import { beforeAll, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
beforeAll(async () => {
  node = await luaNode()
})

/** Definitions count from one, so that each test has a Lua state of its own. */
let made = 0
const define = (main: string): string => {
  const id = `app:recycled${++made}`
  node.process(id, `return { main = function(what) ${main} end }`)
  return id
}

test('after every way to fail, the next process begins with nothing but its arguments', async () => {
  const id = define(`
    local depth = 0
    local function fall(n) if n == 0 then error("deep") end return 1 + fall(n - 1) end
    if what == "error" then error({ 1 }) end
    if what == "deep" then return fall(100) end
    if what == "caught" then pcall(fall, 50) error("late", 0) end
    if what == "below" then coroutine.wrap(function() error("below", 0) end)() end
    if what == "field" then return what.no.field end
    return { what, select("#", fall), depth }`)
  for (const what of ['error', 'deep', 'caught', 'below', 'field']) {
    expect((await node.run(id, what)).error).toBeInstanceOf(RuntimeError)
    expect((await node.run(id, 'well')).value).toEqual(['well', 1, 0])
  }
})

test('one that was ended while it waited, in a call or in a protected one, leaves nothing behind', async () => {
  const id = define(`
    if what == "wait" then process.inbox():receive() end
    if what == "protected" then pcall(function() process.inbox():receive() end) end
    return what`)
  for (const what of ['wait', 'protected']) {
    const waiting = node.spawn(id, [what])
    await node.run(id, 'meanwhile')
    waiting.terminate(new RuntimeError('Canceled', 'enough'))
    expect((await node.run(id, 'next')).value).toBe('next')
  }
})

test('one that had to be stopped in a loop is as quick afterwards', async () => {
  const id = `app:stopped${++made}`
  const source =
    'if what == "loop" then while true do pcall(function() while true do end end) end end local n = 0 for i = 1, 1e5 do n = n + i end return n'
  node.process(id, `return { main = function(what) ${source} end }`, { limits: { cpu: 20 } })
  expect((await node.run(id, 'loop')).error).toMatchObject({ kind: 'LimitExceeded' })
  expect((await node.run(id, 'well')).value).toBe(5_000_050_000)
})

test('what a dead process had to close is not closed, and its thread is not used again', async () => {
  const id = define(`
    if what == "hold" then
      local held <close> = setmetatable({}, { __close = function() print("closed") end })
      process.inbox():receive()
    end
    return what`)
  const before = node.prints.length
  const holding = node.spawn(id, ['hold'])
  await node.run(id, 'meanwhile')
  holding.terminate(new RuntimeError('Canceled', 'enough'))
  expect((await node.run(id, 'next')).value).toBe('next')
  expect(node.prints.slice(before)).toEqual([])
})
