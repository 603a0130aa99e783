// A pool of workers for one function entry: each worker is a VM that keeps its state between calls (spec/lua-modules.md §4).
// A call from Lua runs inside the caller's slice when a worker is free; only a callee that waits makes the caller wait.

import type { Clock } from '../core/clock.ts'
import { asRuntimeError, RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { Value } from '../core/value.ts'
import type { FunctionHandler } from '../process/functions.ts'
import type { Kernel } from '../process/kernel.ts'
import { type Exit, type Payload, type Process, settleExit } from '../process/process.ts'
import { Coroutine } from './coroutine.ts'
import { detached } from './detached.ts'
import type { LuaEngine } from './engine.ts'
import { KEY } from './keys.ts'
import { LuaProcess } from './lua-process.ts'
import type { Program } from './program.ts'
import type { VM } from './vm.ts'
import { REGISTRY } from './wasm.ts'

const MAX_INLINE_DEPTH = 8

export interface PoolDeps {
  readonly kernel: Kernel
  readonly clock: Clock
  /** The engine a program runs on now. */
  readonly engineFor: (program: Program) => LuaEngine
  /** The frame its code gets for a caller's frame (design PROMISES P8). */
  readonly confine: (program: Program, frame: Frame) => Frame
}

export interface PoolOptions {
  /** Workers at most; a call beyond that waits for one. */
  readonly maxSize: number
}

interface Worker {
  readonly vm: VM
  readonly program: Program
  readonly engine: LuaEngine
  readonly thread: number
  readonly host: string
  loaded: boolean
}

type Ended = (process: Process, exit: Exit) => void

export class FunctionPool implements FunctionHandler {
  readonly #deps: PoolDeps
  readonly #options: PoolOptions
  #program: Program
  readonly #idle: Worker[] = []
  readonly #waiting: ((worker: Worker) => void)[] = []
  #size = 0
  #made = 0
  #closed = false

  constructor(program: Program, options: PoolOptions, deps: PoolDeps) {
    this.#program = program
    this.#options = options
    this.#deps = deps
  }

  /** New calls use the new code from here on; running calls finish on the old. */
  replace(program: Program): void {
    this.#program = program
    for (const worker of this.#idle.splice(0)) this.#discard(worker)
  }

  /** No more calls; running ones finish. */
  close(): void {
    this.#closed = true
    for (const worker of this.#idle.splice(0)) this.#discard(worker)
  }

  get size(): number {
    return this.#size
  }

  async call(args: Payload, frame: Frame, signal: AbortSignal): Promise<Value> {
    const result = await this.callPayload(args, frame, signal)
    return result.values()[0] ?? null
  }

  callPayload(args: Payload, frame: Frame, signal: AbortSignal): Promise<Payload> {
    if (this.#closed) return Promise.reject(new RuntimeError('Unavailable', 'pool is closed', { retryable: true }))
    if (signal.aborted) return Promise.reject(canceled())
    const { kernel } = this.#deps
    return new Promise((resolve, reject) => {
      const run = (worker: Worker, given: Payload): void => {
        if (signal.aborted) {
          this.#giveBack(worker, true)
          reject(canceled())
          return
        }
        try {
          const process = this.#begin(worker, frame, given, (ended, exit) => {
            signal.removeEventListener('abort', abort)
            settleExit(exit, (result) => resolve(detached(result)), reject)
            kernel.remove(ended, exit)
          })
          const abort = (): void => process.terminate(canceled())
          signal.addEventListener('abort', abort)
          process.main.ready = true
          worker.engine.scheduler.enqueue(process.main)
        } catch (error) {
          reject(error)
        }
      }
      const worker = this.#take()
      if (worker === undefined) {
        const kept = detached(args)
        this.#waiting.push((free) => run(free, kept))
      } else {
        run(worker, args)
      }
    })
  }

  /**
   * Calls from a running Lua thread: pushes the results on it and answers their count, or makes the caller wait.
   * `undefined` when no worker is free or calls are nested too deeply: use `call` then.
   */
  callFrom(caller: LuaEngine, thread: number, args: Payload, frame: Frame): number | undefined {
    const me = caller.current
    if (me === null || this.#closed || caller.inlineDepth >= MAX_INLINE_DEPTH) return undefined
    const worker = this.#take()
    if (worker === undefined) return undefined
    const { kernel } = this.#deps
    let inline = true
    let results = -1
    const process = this.#begin(worker, frame, args, (ended, exit) => {
      if (!me.process.ended) {
        if (inline) {
          results = pushExit(caller, me.process.vm, thread, exit)
        } else if (me.wait === wait) {
          caller.wake(me, pushExit(caller, me.process.vm, me.thread, exit))
        }
      }
      kernel.remove(ended, exit)
    })
    const wait = { cancel: () => process.terminate(canceled()) }
    const slice = caller.scheduler.sliceStart
    caller.inlineDepth++
    process.main.run()
    caller.inlineDepth--
    caller.scheduler.sliceStart = slice
    inline = false
    if (results >= 0) return caller.endOperation(thread, results)
    if (caller.lua.api.lua_isyieldable(thread) === 0) {
      process.terminate(new RuntimeError('Canceled', 'the caller cannot wait'))
    }
    const coroutine = caller.mustYield(thread)
    coroutine.wait = wait
    return caller.suspend(coroutine, thread)
  }

  // ---- workers ----

  #take(): Worker | undefined {
    for (let worker = this.#idle.pop(); worker !== undefined; worker = this.#idle.pop()) {
      if (!worker.engine.lua.dead) return worker
      this.#size--
    }
    if (this.#size >= this.#options.maxSize) return undefined
    const engine = this.#deps.engineFor(this.#program)
    const vm = engine.newVm(this.#program)
    this.#size++
    const host = `${this.#program.code.id}#lua.${++this.#made}`
    return { vm, program: this.#program, engine, thread: vm.takeThread(), host, loaded: false }
  }

  /** Makes the process of one call, its method and arguments on the worker's thread. Throws when the code does not load. */
  #begin(worker: Worker, frame: Frame, args: Payload, ended: Ended): LuaProcess {
    const { engine, vm } = worker
    const { kernel, confine } = this.#deps
    const init = kernel.init(kernel.nextSerial(), worker.host, confine(worker.program, frame), args, ended)
    const process = new LuaProcess(engine, vm, worker.program, init)
    process.pooled = true
    // On the native stack only when it was ended from below a wait: such a thread cannot be used again.
    process.afterRelease = () => this.#giveBack(worker, process.main.onStack === 0, process.doomed !== null)
    process.main = new Coroutine(worker.thread, process)
    vm.processes++
    try {
      if (!worker.loaded) {
        engine.loadMethod(process)
        engine.lua.api.lua_rawsetp(worker.thread, REGISTRY, KEY.method)
        worker.loaded = true
      }
      engine.lua.api.lua_rawgetp(worker.thread, REGISTRY, KEY.method)
      engine.pushArguments(process, args)
    } catch (error) {
      process.abandon()
      kernel.remove(process, { error: asRuntimeError(error), result: undefined })
      this.#giveBack(worker, false)
      throw error
    }
    kernel.add(process)
    this.#limitWall(process)
    return process
  }

  #limitWall(process: LuaProcess): void {
    const { wall } = process.program.limits
    if (wall === Number.POSITIVE_INFINITY) return
    const timer = this.#deps.clock.after(wall, () => {
      process.terminate(new RuntimeError('Timeout', `time limit of ${wall} ms exceeded`, { retryable: false }))
    })
    process.own({ close: () => timer.cancel() })
  }

  /** `stopped`: its last call was cut off. */
  #giveBack(worker: Worker, reusable: boolean, stopped = false): void {
    const { engine, thread, vm } = worker
    const current = worker.program === this.#program && !this.#closed
    const again = reusable && current && !worker.program.generated && !engine.lua.dead
    const asNew = (): boolean => (engine.lua.api.lua_status(thread) === 0 && !stopped) || vm.resetThread(thread)
    if (!again || !asNew()) {
      this.#discard(worker)
    } else {
      engine.lua.api.lua_settop(thread, 0)
      this.#idle.push(worker)
    }
    this.#serveWaiting()
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#take()
      if (worker === undefined) return
      this.#waiting.shift()?.(worker)
    }
  }

  #discard(worker: Worker): void {
    this.#size--
    if (worker.engine.lua.dead) return
    const close = (): void => {
      // A VM cannot be closed under its own feet: try again after the slice that is in it.
      if (worker.vm.activations > 0) worker.engine.scheduler.enqueue({ run: close })
      else worker.vm.close()
    }
    close()
  }
}

/** Pushes what a call came to: its value, or nil and the error. */
function pushExit(caller: LuaEngine, vm: VM, thread: number, exit: Exit): number {
  const { api } = caller.lua
  const top = api.lua_gettop(thread)
  let count = 1
  vm.lift()
  settleExit(
    exit,
    (result) => {
      if (result.length === 0) api.lua_pushnil(thread)
      else caller.pushPayload(result, 0, thread, vm)
    },
    (error) => {
      api.lua_settop(thread, top)
      api.lua_pushnil(thread)
      caller.marshal.push(vm, thread, error)
      count = 2
    },
  )
  vm.limit()
  return count
}

function canceled(): RuntimeError {
  return new RuntimeError('Canceled', 'canceled', { retryable: false })
}
