// Lua's memory in all threads taken together: of the engines here, and as the others last reported.

import type { Engines } from '../lua/engines.ts'
import type { Threads } from './threads.ts'

export class AllLuaMemory {
  readonly #engines: Engines
  readonly #threads: Threads | undefined

  constructor(engines: Engines, threads: Threads | undefined) {
    this.#engines = engines
    this.#threads = threads
  }

  get memoryUsed(): number {
    return this.#engines.memoryUsed + (this.#threads?.memoryUsed ?? 0)
  }

  get handles(): number {
    return this.#engines.handles + (this.#threads?.handles ?? 0)
  }

  get collections(): number {
    return this.#engines.collections
  }

  get gcPercent(): number {
    return this.#engines.gcPercent
  }

  setGcPercent(percent: number): void {
    this.#engines.setGcPercent(percent)
    this.#threads?.setGcPercent(percent)
  }

  /** Here at once; elsewhere with `refresh`. */
  collect(): void {
    this.#engines.collect()
  }

  refresh(collected: boolean): Promise<void> | undefined {
    return this.#threads?.refresh(collected)
  }
}
