// Memory bombs (memory-programs.ts) and processes made without end, beside a ticker in the same thread.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hostile, type HostileNode, hostileNode } from '../../support/hostile.ts'
import { bombs } from './memory-programs.ts'

const limit = /LimitExceeded/

const spawned: Hostile[] = [
  {
    name: 'children beyond the limit',
    limits: { cpu: 2_000 },
    lua: 'for i = 1, 1000 do assert(process.spawn("test:idle", "app:processes")) end local _, err = process.spawn("test:idle", "app:processes") return tostring(err)',
    error: /live children of .*: more than the limit of 1000/,
  },
  { name: 'children without end', lua: 'while true do process.spawn("test:idle", "app:processes") end', error: limit },
  {
    name: 'children that end at once, without end',
    lua: 'while true do process.spawn("test:ends", "app:processes") end',
    error: limit,
  },
  {
    name: 'monitored children that fail, without end',
    lua: 'while true do process.spawn_monitored("test:fails", "app:processes") end',
    error: limit,
  },
  {
    name: 'children that loop',
    lua: 'for i = 1, 100 do process.spawn("test:loops", "app:processes") end time.sleep("100ms") return "over"',
    value: 'over',
  },
  {
    name: 'children of children without end',
    lua: 'process.spawn("test:fork", "app:processes", "test:fork") time.sleep("300ms") return "over"',
    value: 'over',
  },
  {
    name: 'children deeper than the limit',
    lua: 'process.spawn("test:deep", "app:processes", 1, process.pid()) local message = process.inbox():receive() return message:payload():data()',
    error: /^\[63,"depth of processes of .*: more than the limit of 64"\]$/,
  },
  {
    name: 'a child whose chunk loops',
    lua: 'while true do process.spawn("test:stuck", "app:processes") end',
    error: limit,
  },
]

let hostile: HostileNode
beforeAll(async () => {
  hostile = await hostileNode()
  const { node } = hostile
  node.process('test:idle', 'return { main = function() channel.new():receive() end }', { generated: true })
  node.process('test:ends', 'return { main = function() end }', { generated: true })
  node.process('test:fails', 'return { main = function() error("x") end }', { generated: true })
  node.process('test:loops', 'return { main = function() while true do end end }', {
    generated: true,
    limits: { cpu: 20 },
  })
  node.process('test:stuck', 'while true do end', { generated: true })
  node.process(
    'test:fork',
    `return { main = function(id)
      while true do if not process.spawn(id, "app:processes", id) then coroutine.yield() end end
    end }`,
    { generated: true, limits: { cpu: 50 } },
  )
  node.process(
    'test:deep',
    `return { main = function(depth, root)
      local _, err = process.spawn("test:deep", "app:processes", depth + 1, root)
      if err then process.send(root, "deepest", { depth, err:message() }) end
      channel.new():receive()
    end }`,
    { generated: true },
  )
  // Their VMs stay as long as the definitions: they are there before anything is counted.
  for (const id of ['test:idle', 'test:ends', 'test:fails', 'test:loops', 'test:fork', 'test:deep']) {
    node.kernel.terminate(node.spawn(id))
  }
  expect(() => node.spawn('test:stuck')).toThrow('cannot be interrupted')
})
afterAll(() => hostile.stop())

describe('a bomb ends at a limit, and nobody else notices', () => {
  for (const program of bombs) test(program.name, () => hostile.run(program))
})

describe('processes made without end', () => {
  for (const program of spawned) test(program.name, () => hostile.run(program))
})
