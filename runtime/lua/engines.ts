// The engines of one thread: one for trusted code, one for code made at run time, each replaced when its instance traps.

import { RuntimeError } from '../core/error.ts'
import type { Kernel } from '../process/kernel.ts'
import { type EngineOptions, LuaEngine } from './engine.ts'
import { LuaProcess } from './lua-process.ts'
import type { Program } from './program.ts'
import { GC_PERCENT } from './vm.ts'

export class Engines {
  readonly #options: Omit<EngineOptions, 'name'>
  readonly #kernel: Kernel
  readonly #ready = new Map<'trusted' | 'generated', LuaEngine>()
  readonly #booting = new Map<'trusted' | 'generated', Promise<LuaEngine>>()
  #gcPercent = GC_PERCENT
  #collections = 0

  constructor(options: Omit<EngineOptions, 'name'>, kernel: Kernel) {
    this.#options = options
    this.#kernel = kernel
  }

  /** Boots the engine a program runs on, if it is not there yet. */
  prepare(program: Pick<Program, 'generated'>): Promise<LuaEngine> {
    return this.#boot(program.generated ? 'generated' : 'trusted')
  }

  /** The engine a program runs on. Throws Unavailable while it is being replaced after a trap. */
  get(program: Pick<Program, 'generated'>): LuaEngine {
    const engine = this.#ready.get(program.generated ? 'generated' : 'trusted')
    if (engine === undefined) throw new RuntimeError('Unavailable', 'the Lua engine is starting', { retryable: true })
    return engine
  }

  all(): LuaEngine[] {
    return [...this.#ready.values()]
  }

  // ---- memory of all Lua states, for `system.memory` and `system.gc` ----

  /** Bytes in use. */
  get memoryUsed(): number {
    return this.all().reduce((sum, engine) => sum + engine.memoryUsed, 0)
  }

  /** Host objects that Lua code holds: channels, times, errors, everything that is userdata. */
  get handles(): number {
    return this.all().reduce((sum, { lua }) => sum + lua.handles, 0)
  }

  /** Full collections that were asked for. */
  get collections(): number {
    return this.#collections
  }

  collect(): void {
    this.#collections++
    for (const engine of this.all()) engine.collect()
  }

  get gcPercent(): number {
    return this.#gcPercent
  }

  /** How much heaps grow before they are collected again; also of engines that boot later. */
  setGcPercent(percent: number): void {
    this.#gcPercent = percent
    for (const engine of this.all()) engine.setGcPercent(percent)
  }

  #boot(name: 'trusted' | 'generated'): Promise<LuaEngine> {
    let booting = this.#booting.get(name)
    if (booting === undefined) {
      booting = LuaEngine.create({ ...this.#options, name }).then((engine) => {
        engine.onTrap((error) => this.#trapped(name, engine, error))
        engine.setGcPercent(this.#gcPercent)
        this.#ready.set(name, engine)
        return engine
      })
      this.#booting.set(name, booting)
    }
    return booting
  }

  /** Its processes end, each with its own exit, and a fresh instance takes over (design PROMISES P5). */
  #trapped(name: 'trusted' | 'generated', engine: LuaEngine, error: Error): void {
    this.#ready.delete(name)
    this.#booting.delete(name)
    const reason = new RuntimeError('Internal', error.message, { cause: error })
    for (const process of [...this.#kernel.processes()]) {
      if (process instanceof LuaProcess && process.engine === engine) process.end(reason, 0, 0)
    }
    // From a stack of its own: that of a trap may be the one that was exhausted.
    setImmediate(() => {
      this.#boot(name).catch((failure: unknown) => {
        this.#booting.delete(name)
        this.#options.broken(failure)
      })
    })
  }
}
