// Runs hostile Lua beside a ticker on the same node: says what the program came to, how late the ticker was, and what was
// left behind. The programs are in test/lua/hostile.

import { writeSync } from 'node:fs'
import { expect } from 'vitest'
import { systemClock } from '../../runtime/core/clock.ts'
import type { RuntimeError } from '../../runtime/core/error.ts'
import { emptyFrame, type Frame } from '../../runtime/core/frame.ts'
import type { Value } from '../../runtime/core/value.ts'
import { jsonModule } from '../../runtime/features/json/json-module.ts'
import { timeModule } from '../../runtime/features/time/time-module.ts'
import type { LuaProcess } from '../../runtime/lua/lua-process.ts'
import type { LuaModule } from '../../runtime/lua/module.ts'
import type { Limits } from '../../runtime/lua/program.ts'
import { Offload } from '../../runtime/offload/offload.ts'
import { settleExit } from '../../runtime/process/process.ts'
import { type LuaNode, luaNode } from './lua-node.ts'

/** The promise is 100 ms (design PROMISES P6); a loaded machine with two cores adds its own. */
export const LATEST_BEAT_MS = 250
const BEATS_AFTER = 3

/** As a host confines code made at run time, but for what it may do: only limits are in the way of these programs. */
const confined: Frame = {
  ...emptyFrame,
  confinement: { actor: { id: 'generated', meta: {} }, scope: { evaluate: () => 'allow' } },
}

export interface Hostile {
  readonly name: string
  /** Body of the main function; `...` are its arguments. */
  readonly lua: string
  /** Text before the main function: runs when the chunk loads. */
  readonly chunk?: string
  readonly trusted?: boolean
  readonly limits?: Partial<Limits>
  /** What it returns; left out when it must fail or need not end. */
  readonly value?: unknown
  readonly error?: string | RegExp
  readonly kind?: string
  /** It runs for ever within its rights: it is terminated after this many beats. */
  readonly stopAfterBeats?: number
}

export interface HostileNode {
  readonly node: LuaNode
  readonly latest: () => number
  run(program: Hostile): Promise<void>
  stop(): Promise<void>
}

/** `modules` are granted to every program, beside json and time. */
export async function hostileNode(modules: readonly LuaModule[] = []): Promise<HostileNode> {
  let last = performance.now()
  let lastCpu = cpuTime()
  let gap = 0
  let worst = 0
  let worstName = ''
  const beats: (() => void)[] = []
  const beatModule: LuaModule = {
    name: 'beat',
    description: 'marks the moments at which the ticker ran',
    traits: [],
    open: () => ({
      mark() {
        const now = performance.now()
        const cpu = cpuTime()
        // A test machine runs other things: only the time in which this process did something else counts.
        gap = Math.max(gap, Math.min(now - last, cpu - lastCpu))
        last = now
        lastCpu = cpu
        for (const beat of beats.splice(0)) beat()
      },
    }),
  }
  const offload = new Offload()
  const node = await luaNode([timeModule({ clock: systemClock() }), jsonModule({ offload }), beatModule, ...modules])
  node.process(
    'test:ticker',
    `local function main()
      local ticks = time.ticker("5ms"):channel()
      while true do ticks:receive() beat.mark() end
    end
    return { main = main }`,
    { modules: ['time', 'beat'] },
  )
  const ticker = node.spawn('test:ticker')
  const beat = (): Promise<void> => new Promise((resolve) => beats.push(resolve))
  const pause = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await beat()
  }
  const engines = () => node.engines.all()
  const census = () => {
    for (const engine of engines()) engine.collect()
    return {
      vms: engines().map((engine) => engine.vmCount),
      handles: engines().map((engine) => engine.lua.liveHandles),
      processes: node.kernel.processCount,
    }
  }
  let serial = 0

  return {
    node,
    latest: () => worst,
    async run(program) {
      const id = `hostile:p${++serial}`
      await pause(2)
      const before = census()
      await pause(1)
      gap = 0
      writeSync(2, process.env['HOSTILE_TRACE'] === undefined ? '' : `${program.name}\n`)
      const outcome = await new Promise<{ value?: Value; error?: RuntimeError }>((resolve) => {
        node.process(
          id,
          `${program.chunk ?? ''}\nlocal function main(...) ${program.lua}\nend return { main = main }`,
          {
            generated: program.trusted !== true,
            modules: ['json', 'time', ...modules.map(({ name }) => name)],
            limits: program.trusted === true ? { ...program.limits } : { cpu: 150, ...program.limits },
          },
        )
        let victim: LuaProcess
        try {
          victim = node.spawn(id, [], program.trusted === true ? emptyFrame : confined) as LuaProcess
        } catch (error) {
          resolve({ error: error as RuntimeError })
          return
        }
        node.kernel.watch(victim, (exit) =>
          settleExit(
            exit,
            (result) => resolve({ value: result.values()[0] ?? null }),
            (error) => resolve({ error }),
          ),
        )
        if (program.stopAfterBeats !== undefined)
          void pause(program.stopAfterBeats).then(() => node.kernel.terminate(victim))
      })
      const { error } = outcome
      await pause(BEATS_AFTER)
      const late = gap
      if (late > worst) {
        worst = late
        worstName = program.name
      }
      const text = error === undefined ? JSON.stringify(outcome.value) : `${error.kind}: ${error.message}`
      if (process.env['HOSTILE_TRACE'] !== undefined) writeSync(2, `   ${late.toFixed(0)} ms  ${text?.slice(0, 200)}\n`)
      for (const child of [...node.kernel.processes()]) if (child !== ticker) node.kernel.terminate(child)
      node.retire(id)
      await pause(1)

      if (program.error !== undefined) expect(text).toMatch(program.error)
      if (program.kind !== undefined) expect(error?.kind).toBe(program.kind)
      if ('value' in program) expect(outcome).toEqual({ value: program.value })
      expect(late, `the ticker was ${late.toFixed(0)} ms late`).toBeLessThan(LATEST_BEAT_MS)
      expect(ticker).toMatchObject({ ended: false })
      // What was collected is finalised in a later turn.
      for (let i = 0; i < 300 && JSON.stringify(census()) !== JSON.stringify(before); i++) await pause(1)
      expect(census()).toEqual(before)
    },
    async stop() {
      node.kernel.terminate(ticker)
      console.log(`latest tick beside hostile programs: ${worst.toFixed(0)} ms (${worstName})`)
    },
  }
}

/** Milliseconds of CPU this OS process has used. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
