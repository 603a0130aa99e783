// The limit on code that cannot be interrupted is for what code does, not for what else the machine does meanwhile.

import { afterEach, expect, test } from 'vitest'
import { createHost, type Entry, type Host, type LuaModule } from '../../runtime/index.ts'

/** `require("machine").elsewhere()`: for a fifth of a second the processor is somebody else's. */
const machine: LuaModule = {
  name: 'machine',
  description: 'a machine with other things to do',
  traits: [],
  open: () => ({
    elsewhere() {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
      return true
    },
  }),
}

const entry = (name: string, kind: string, data: Entry['data']): Entry => ({ id: `app:${name}`, kind, meta: {}, data })
let host: Host
afterEach(() => host.stop())

async function running(chunk: string): Promise<Host> {
  const source = `local machine = require("machine")\n${chunk}\nreturn { main = function() return "loaded" end }`
  host = await createHost({
    env: {},
    modules: [machine],
    entries: [
      entry('processes', 'process.host', { lifecycle: { auto_start: true } }),
      entry('p', 'process.lua', { source, modules: ['machine'] }),
    ],
  })
  await host.start()
  return host
}

test('a chunk that is slow to load because the machine is busy loads', async () => {
  const { run } = await running(
    'local function work() local n = 0 for i = 1, 2000 do n = n + i end end work() machine.elsewhere() work()',
  )
  expect(await run('app:p', 'app:processes')).toEqual({ value: 'loaded' })
})

test('one that loops while it loads is ended', async () => {
  const { spawn } = await running('while true do end')
  expect(() => spawn('app:p', 'app:processes')).toThrow('code that cannot be interrupted ran for more than 90 ms')
})
