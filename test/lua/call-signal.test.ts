// The signals of a host call: what a closed coroutine, an ended process and a finished call mean for them.

import { expect, test } from 'vitest'
import { createHost } from '../../runtime/create-host.ts'
import type { Call, LuaModule } from '../../runtime/lua/module.ts'

interface Seen {
  readonly signals: AbortSignal[]
  readonly lifetimes: AbortSignal[]
}

/**
 * `probe.wait()` never answers, `probe.now()` answers at once, `probe.soon()` in a moment; all note their signals.
 * `probe.aborted()` tells which of them are aborted.
 */
function probe(seen: Seen): LuaModule {
  const note = (call: Call): void => {
    seen.signals.push(call.signal)
    seen.lifetimes.push(call.lifetime)
  }
  return {
    name: 'probe',
    description: '',
    traits: [],
    open: () => ({
      aborted: () => seen.signals.map(({ aborted }) => aborted),
      wait: (call: Call) => {
        note(call)
        return new Promise(() => {})
      },
      soon: async (call: Call) => {
        note(call)
        await Promise.resolve()
        return 1
      },
      now: (call: Call) => {
        note(call)
        return 1
      },
    }),
  }
}

async function run(source: string): Promise<unknown> {
  const seen: Seen = { signals: [], lifetimes: [] }
  const host = await createHost({
    modules: [probe(seen)],
    entries: [
      { id: 'x:host', kind: 'process.host', meta: {}, data: { lifecycle: { auto_start: true } } },
      { id: 'x:main', kind: 'process.lua', meta: {}, data: { source, method: 'main', modules: ['probe', 'time'] } },
    ],
  })
  await host.start()
  const { value, error } = await host.run('x:main', 'x:host')
  const aborted = seen.signals.map(({ aborted }) => aborted)
  const ended = seen.lifetimes.map(({ aborted }) => aborted)
  await host.stop()
  return error ?? { value, aborted, ended }
}

test('closing a coroutine aborts the call it waits for, and no other', async () => {
  const outcome = await run(`
    local probe, time = require("probe"), require("time")
    return { main = function()
      local first = coroutine.spawn(function() probe.wait() end)
      local second = coroutine.spawn(function() probe.wait() end)
      time.sleep("1ms")
      coroutine.close(first)
      return probe.aborted()
    end }`)
  // What was left is aborted by the end of the process.
  expect(outcome).toEqual({ value: [true, false], aborted: [true, true], ended: [true, true] })
})

test('a call that has its answer is not aborted by the end of its process', async () => {
  const outcome = await run(`
    local probe = require("probe")
    return { main = function() return probe.soon() + probe.now() end }`)
  expect(outcome).toEqual({ value: 2, aborted: [false, false], ended: [true, true] })
})
