// Long work of the host for one process, done a piece at a time in turns of the scheduler, so that no table and no text
// holds the thread however large it is. The time counts as CPU of the process.

import { RuntimeError } from '../core/error.ts'
import type { Task } from '../process/scheduler.ts'
import type { LuaProcess } from './lua-process.ts'

/** Does a piece of about a millisecond at most and says whether it was the last. */
export type Step = () => boolean

/** A turn ends after about this long. */
const TURN_MS = 4

/** Thrown by what would take too long at once: it is to be done in steps instead. */
export class Overdue extends Error {}

/** Runs a step until it says that it is done. Rejects as the step throws, or with Canceled when the process has ended. */
export function pace(process: LuaProcess, step: Step): Promise<void> {
  return new Promise((resolve, reject) => {
    const { scheduler } = process.engine
    const task: Task = {
      // Behind those that only answer: whoever waits for this expects it to take long.
      busy: true,
      run() {
        scheduler.sliceStart = performance.now()
        try {
          if (turn(process, step)) resolve()
          else scheduler.enqueue(task)
        } catch (error) {
          reject(error)
        }
      },
    }
    scheduler.enqueue(task)
  })
}

/** Answers whether the work is done. */
function turn(process: LuaProcess, step: Step): boolean {
  const started = performance.now()
  for (;;) {
    if (process.ended || process.engine.lua.dead) {
      throw new RuntimeError('Canceled', 'process ended', { retryable: false })
    }
    const done = step()
    const used = performance.now() - started
    if (!done && used < TURN_MS) continue
    process.charge(used)
    return done
  }
}
