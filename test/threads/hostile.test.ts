// The hostile programs of test/lua/hostile as code made at run time on a host with threads, beside a ticker of the main thread: each
// comes to its limit over there, and the main thread is never late (PROMISES P6).

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ValueMap } from '../../runtime/core/value.ts'
import type { Host } from '../../runtime/create-host.ts'
import { generatedLimits } from '../../runtime/lua/program.ts'
import { settleExit } from '../../runtime/process/process.ts'
import { floods, reaching } from '../lua/hostile/escape-programs.ts'
import { libraryCalls } from '../lua/hostile/library-programs.ts'
import { loops } from '../lua/hostile/loops-programs.ts'
import { bombs } from '../lua/hostile/memory-programs.ts'
import { type Hostile, LATEST_BEAT_MS } from '../support/hostile.ts'
import { MAIN, type ThreadHost, threadHost } from '../support/thread-host.ts'

const BEAT_MS = 5
/** Everything is allowed: only limits are in the way of these programs. */
const allowed = {
  id: 'app:all_is_allowed',
  kind: 'security.policy',
  meta: {},
  data: { policy: { actions: '*', resources: '*', effect: 'allow' }, groups: ['wippy:generated'] },
}

let node: ThreadHost
let ticker: NodeJS.Timeout
let last = performance.now()
let gap = 0
let worst = { late: 0, name: '' }
beforeAll(async () => {
  node = await threadHost({ entries: [allowed] })
  ticker = setInterval(() => {
    const now = performance.now()
    gap = Math.max(gap, now - last - BEAT_MS)
    last = now
  }, BEAT_MS)
  // The thread is there before anything is measured.
  await node.function('first', 'return { handler = function() end }', { generated: true })
  await node.host.call('app:first')
})
afterAll(async () => {
  clearInterval(ticker)
  await node.stop()
  console.log(`latest tick of the main thread beside hostile programs: ${worst.late.toFixed(0)} ms (${worst.name})`)
})

/** Code made at run time can have no more memory than it has by default. */
const isGenerated = ({ trusted, limits }: Hostile): boolean =>
  trusted !== true && (limits?.memory ?? 0) <= generatedLimits.memory

let serial = 0
async function run(program: Hostile): Promise<void> {
  const name = `hostile${++serial}`
  // Time is the machine's: what is to end well gets more of it.
  const limits: ValueMap = { cpu: `${program.limits?.cpu ?? ('value' in program ? 2_000 : 150)}ms` }
  await node.process(
    name,
    `${program.chunk ?? ''}\nlocal function main(...) ${program.lua}\nend return { main = main }`,
    { modules: ['json', 'time'], data: { options: { limits } }, generated: true },
  )
  gap = 0
  last = performance.now()
  const text = await outcome(node.host, `app:${name}`, program.stopAfterBeats)
  const late = gap
  if (late > worst.late) worst = { late, name: program.name }
  if (program.error !== undefined) expect(text).toMatch(program.error)
  if ('value' in program) expect(text).toBe(JSON.stringify(program.value))
  expect(late, `the ticker was ${late.toFixed(0)} ms late`).toBeLessThan(LATEST_BEAT_MS)
  await node.host.registry.apply([{ op: 'delete', id: `app:${name}` }])
}

/** What the program came to; one that runs for ever within its rights is terminated after so many beats. */
async function outcome(host: Host, id: string, stopAfter: number | undefined): Promise<string> {
  const pid = host.spawn(id, MAIN)
  const process = host.kernel.byPid(pid)
  if (process === undefined) throw new Error(`${id} has no process`)
  const end = new Promise<string>((resolve) =>
    host.kernel.watch(process, (exit) =>
      settleExit(
        exit,
        (result) => resolve(JSON.stringify(result.values()[0] ?? null)),
        ({ kind, message }) => resolve(`${kind}: ${message}`),
      ),
    ),
  )
  const stop =
    stopAfter === undefined ? undefined : setTimeout(() => host.kernel.terminate(process), stopAfter * BEAT_MS)
  try {
    return await end
  } finally {
    clearTimeout(stop)
  }
}

describe.each([
  ['loops', loops],
  ['library functions', libraryCalls],
  ['what reaches for its surroundings', reaching],
  ['floods', floods],
  ['memory bombs', bombs],
] as const)('%s', (_name, programs) => {
  test.each(programs.filter(isGenerated).map((program) => [program.name, program] as const))(
    '%s',
    (_program, program) => run(program),
  )
})

test('nothing is left over', async () => {
  expect([...node.host.kernel.processes()].filter((process) => !process.ended)).toEqual([])
})
