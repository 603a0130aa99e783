// Random schedules of random programs (test/support/schedules.ts). Every seed replays: WIPPY_SEED=<n> runs one, and
// WIPPY_SCHEDULES=<n> says how many are tried.

import { expect, test, vi } from 'vitest'
import { luaNode } from '../support/lua-node.ts'
import { BATCH, freshRun, type Run } from '../support/schedules.ts'

const SCHEDULES = Number(process.env['WIPPY_SCHEDULES'] ?? 500)
const ONLY = process.env['WIPPY_SEED']

test(`${SCHEDULES} schedules keep every promise`, { timeout: 600_000 }, async () => {
  const last = ONLY === undefined ? SCHEDULES : Number(ONLY)
  // A single one is replayed after those of its batch.
  const first = ONLY === undefined ? 1 : last - ((last - 1) % BATCH)
  let run: Run | undefined
  for (let seed = first; seed <= last; seed++) {
    if (run === undefined || (seed - 1) % BATCH === 0) run = await freshRun()
    const wrong = await run.play(seed)
    if (wrong !== undefined) expect.fail(`WIPPY_SEED=${seed}: ${wrong}`)
    // The zones that the time module has as constants.
    if (seed % BATCH === 0) expect(run.held()).toEqual({ handles: 2, parked: 0 })
  }
})

test('a seed gives the same steps again, on a machine that is slow now and then too', async () => {
  const played = async (atStep?: () => void): Promise<unknown[]> => {
    const run = await freshRun(atStep)
    const all: unknown[] = []
    for (let seed = 1; seed <= BATCH; seed++) all.push(await run.play(seed), [...run.steps], run.clock.now())
    return all
  }
  let steps = 0
  const slow = (): void => {
    if (++steps % 20 !== 0) return
    const until = performance.now() + 25
    while (performance.now() < until);
  }
  const quick = await played()
  expect(await played(slow)).toEqual(quick)
  expect(steps).toBeGreaterThan(2000)
})

test('the order of keys and random numbers are part of a schedule too', async () => {
  const seen = async (year: number, options: { pick?: () => number }): Promise<unknown> => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(year) })
    try {
      const node = await luaNode([], options)
      return await node.eval(
        `local keys, t = {}, {}
        for i = 1, 20 do t["key " .. i] = i end
        for key in pairs(t) do keys[#keys + 1] = key end
        return { table.concat(keys, ","), math.random(1000000000) }`,
      )
    } finally {
      vi.useRealTimers()
    }
  }
  const pick = (): number => 0
  expect(await seen(2001, { pick })).toEqual(await seen(2031, { pick }))
  expect(await seen(2001, {})).not.toEqual(await seen(2031, {}))
})
