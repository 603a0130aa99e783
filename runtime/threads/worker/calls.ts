// Functions that run in this thread: on behalf of the main thread, or called by processes here. A pool for each program.

import type { Frame } from '../../core/frame.ts'
import { FunctionPool, type PoolDeps } from '../../lua/function-pool.ts'
import type { Program } from '../../lua/program.ts'
import type { Payload } from '../../process/process.ts'

export class Calls {
  readonly #deps: Omit<PoolDeps, 'confine'>
  readonly #pools = new Map<Program, FunctionPool>()
  /** Calls of the main thread, by their numbers. */
  readonly #running = new Map<number, AbortController>()

  constructor(deps: Omit<PoolDeps, 'confine'>) {
    this.#deps = deps
  }

  poolOf(program: Program, maxSize: number): FunctionPool {
    let pool = this.#pools.get(program)
    if (pool === undefined) {
      // Frames arrive as they are to be: confined already, if they must be.
      pool = new FunctionPool(program, { maxSize }, { ...this.#deps, confine: (_program, frame) => frame })
      this.#pools.set(program, pool)
    }
    return pool
  }

  /** Answers a call of the main thread; `cancel` ends it. */
  async run(call: number, program: Program, maxSize: number, frame: Frame, args: Payload): Promise<Payload> {
    const abort = new AbortController()
    this.#running.set(call, abort)
    try {
      return await this.poolOf(program, maxSize).callPayload(args, frame, abort.signal)
    } finally {
      this.#running.delete(call)
    }
  }

  cancel(call: number): void {
    this.#running.get(call)?.abort()
  }

  /** No new call uses this program; running ones finish. */
  retire(program: Program): void {
    this.#pools.get(program)?.close()
    this.#pools.delete(program)
  }
}
