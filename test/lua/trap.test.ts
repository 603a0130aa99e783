// A WebAssembly instance that traps, here because its memory was broken on purpose: its processes end, each with an exit of
// its own, another instance is not touched, and a new one takes over (design/PROMISES.md P5).

import { expect, test } from 'vitest'
import { emptyFrame } from '../../runtime/core/frame.ts'
import type { LuaModule } from '../../runtime/lua/module.ts'
import { payloadOf } from '../../runtime/process/process.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

/** Where a `lua_State` of 32 bits holds the address of its global state. */
const GLOBAL_STATE = 16

const breaker = (node: () => LuaNode): LuaModule => ({
  name: 'breaker',
  description: 'breaks the memory of the engine it is called on',
  traits: ['nondeterministic'],
  open: () => ({
    smash() {
      const [engine] = node()
        .engines.all()
        .filter(({ current }) => current !== null)
      if (engine?.current === undefined || engine.current === null) throw new Error('nothing runs')
      engine.lua.setWord(engine.current.thread + GLOBAL_STATE, 0xfffffff0)
    },
  }),
})

test('a trap ends the processes of its instance, each with its own exit, and no others', async () => {
  const node: LuaNode = await luaNode([breaker(() => node)])
  const waits = 'return { main = function() return process.inbox():receive():topic() end }'
  node.process('app:waits', waits)
  node.process('app:also', waits)
  node.process('app:elsewhere', waits, { generated: true })
  node.process(
    'app:breaks',
    'return { main = function() breaker.smash() local t = {} for i = 1, 100 do t[i] = { "a" .. i } end return "went on" end }',
    {
      modules: ['breaker'],
    },
  )
  const exits: Record<string, string[]> = {}
  const start = (name: string, definition: string): string => {
    const process = node.kernel.spawn({ definition, host: HOST, args: payloadOf([]), frame: emptyFrame, name })
    exits[name] = []
    node.kernel.watch(process, ({ error, result }) => exits[name]?.push(error?.message ?? String(result?.values()[0])))
    return process.pid
  }
  for (let i = 0; i < 3; i++) start(`waits ${i}`, 'app:waits')
  start('also', 'app:also')
  const elsewhere = start('elsewhere', 'app:elsewhere')
  await new Promise((resolve) => setImmediate(resolve))
  start('breaks', 'app:breaks')
  while (exits['breaks']?.length === 0) await new Promise((resolve) => setImmediate(resolve))

  const trap = [expect.stringMatching(/^engine trap: /)]
  expect(exits).toEqual({
    'waits 0': trap,
    'waits 1': trap,
    'waits 2': trap,
    also: trap,
    breaks: trap,
    elsewhere: [],
  })
  expect(node.kernel.names.lookup('also')).toBeUndefined()
  node.kernel.find(elsewhere).deliver('still here', '', payloadOf([]))
  while (exits['elsewhere']?.length === 0) await new Promise((resolve) => setImmediate(resolve))
  expect(exits['elsewhere']).toEqual(['still here'])
  // It may take a moment until the new instance has booted.
  await node.engines.prepare({ generated: false })
  expect(await node.eval('return "again"')).toBe('again')
})
