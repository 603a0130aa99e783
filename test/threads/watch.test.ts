// The watch over worker threads (threads/threads.ts): one that no longer turns is ended, what ran in it fails, the rest goes on.

import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../runtime/core/clock.ts'
import type { RuntimeError } from '../../runtime/core/error.ts'
import { emptyFrame } from '../../runtime/core/frame.ts'
import { processModule } from '../../runtime/features/process/process-module.ts'
import { generatedLimits, type Program, trustedLimits } from '../../runtime/lua/program.ts'
import { compileLua } from '../../runtime/lua/wasm.ts'
import { Functions } from '../../runtime/process/functions.ts'
import { Kernel } from '../../runtime/process/kernel.ts'
import { noPayload, payloadOf } from '../../runtime/process/process.ts'
import { ProcessHost } from '../../runtime/process/process-host.ts'
import { Scheduler } from '../../runtime/process/scheduler.ts'
import { Guard } from '../../runtime/security/guard.ts'
import { CellTable } from '../../runtime/threads/cells.ts'
import { Threads } from '../../runtime/threads/threads.ts'

const built = new URL('../../dist/threads/worker/worker.js', import.meta.url)
const stuck = new URL('../support/stuck-worker.mjs', import.meta.url)
const HOST = 'app:processes'

const program = (source: string, generated: boolean): Program => ({
  code: { id: 'app:code', source, needsTypes: false, modules: new Map(), imports: new Map() },
  method: 'main',
  limits: generated ? generatedLimits : trustedLimits,
  generated,
})

let open: Threads | undefined
afterEach(() => open?.close())

/** Threads of which the first start is a stuck one. */
function start(entries: URL[]) {
  const clock = systemClock()
  const kernel = new Kernel(new Scheduler(), '', () => undefined, clock)
  const host = new ProcessHost(HOST, 'process', { clock })
  host.start()
  kernel.hosts.set(HOST, host)
  const lost: string[] = []
  const broken: unknown[] = []
  const threads = new Threads({
    kernel,
    functions: new Functions(),
    // Every Lua state opens it.
    modules: new Map([['process', processModule({ kernel, guard: new Guard({ strict: false }) })]]),
    wasm: compileLua(),
    cells: new CellTable(),
    clock,
    definition: () => undefined,
    functionProgram: () => undefined,
    print: () => undefined,
    denied: () => undefined,
    broken: (error) => broken.push(error),
    strict: false,
    lost: (thread, error) => lost.push(`${thread}: ${error.message}`),
    get entry() {
      return entries.length > 1 ? (entries.shift() as URL) : (entries[0] as URL)
    },
  })
  open = threads
  return { kernel, threads, lost, broken }
}

describe('code made at run time that hangs', () => {
  test('is ended with its thread, every call in it fails, and the next finds a fresh thread', async () => {
    const { threads, lost, broken } = start([stuck, built])
    const answers = program('return { main = function(n) return n * 2 end }', true)
    const call = () =>
      threads.generated.call(answers, 1, payloadOf([21]), emptyFrame, new AbortController().signal).then(
        (result) => result.values()[0],
        (error: RuntimeError) => error,
      )
    const failed = await Promise.all([call(), call()])
    for (const error of failed) {
      expect(error).toMatchObject({ kind: 'LimitExceeded', message: expect.stringContaining('400 ms without a pause') })
    }
    expect(lost).toEqual([expect.stringMatching(/^generated: code made at run time kept its thread busy/)])
    expect(broken).toEqual([])
    expect(await call()).toBe(42)
  })

  test('ends its processes, each with an exit that says why', async () => {
    const { kernel, threads } = start([stuck])
    const thread = threads.generated
    const ended: string[] = []
    const spawned = [1, 2].map(() => {
      const serial = kernel.nextSerial()
      const init = kernel.init(serial, HOST, emptyFrame, noPayload, (process, exit) => {
        // Nothing is said against another attempt: most of them did no wrong, and a service of theirs is to go on.
        ended.push(`${process.serial}: ${exit.error?.kind} ${exit.error?.retryable}`)
        kernel.remove(process, exit)
      })
      const process = thread.create(program('return { main = function() end }', true), init)
      kernel.add(process)
      return process
    })
    await Promise.all(spawned.map((process) => process.starting?.catch(() => undefined)))
    expect(ended).toEqual(spawned.map(({ serial }) => `${serial}: LimitExceeded undefined`))
    expect(kernel.processCount).toBe(0)
    expect(() => spawned[0]?.deliver('x', '', noPayload)).toThrow(expect.objectContaining({ kind: 'NotFound' }))
  })
})

test('threads with as many processes take turns, for some of those counted have ended', () => {
  const { threads } = start([built])
  threads.addHost(HOST, 2)
  const code = program('return { main = function() end }', false)
  const given = [1, 2, 3, 4].map(() => threads.placeFor(code, HOST))
  expect(given[0]).not.toBe(given[1])
  expect(given.slice(2)).toEqual(given.slice(0, 2))
})

test('a thread that cannot start fails what was given to it', async () => {
  const { threads, lost } = start([new URL('../support/no-such-worker.mjs', import.meta.url)])
  const call = threads.generated.call(
    program('return { main = function() end }', true),
    1,
    noPayload,
    emptyFrame,
    new AbortController().signal,
  )
  await expect(call).rejects.toMatchObject({ kind: 'Internal', message: expect.stringContaining('generated failed') })
  expect(lost).toHaveLength(1)
})

test('after the end no thread is started', async () => {
  const { threads } = start([built])
  await threads.close()
  expect(() => threads.generated).toThrow(expect.objectContaining({ kind: 'Unavailable' }))
})
