// Functions as a worker calls them: Lua ones run here, on pools of this thread; others are called in the main thread.

import type { Frame } from '../../core/frame.ts'
import { type FunctionHandler, Functions } from '../../process/functions.ts'
import type { Payload } from '../../process/process.ts'
import { ASK } from '../protocol.ts'
import { sayable } from '../sayable.ts'
import type { MainThread } from './main-thread.ts'

/** Ids that are remembered; a program may make up any number. */
const MOST_KNOWN = 4096

export interface WorkerFunctionsDeps {
  readonly main: MainThread
  readonly pool: (program: number, maxSize: number) => FunctionHandler
  readonly frameNumber: (frame: Frame) => number
}

export class WorkerFunctions extends Functions {
  readonly #deps: WorkerFunctionsDeps
  readonly #known = new Map<string, FunctionHandler>()

  constructor(deps: WorkerFunctionsDeps) {
    super()
    this.#deps = deps
  }

  /** Whoever answers to this id; an unknown one is answered by the main thread's error. */
  override get(id: string): FunctionHandler {
    let handler = this.#known.get(id)
    if (handler === undefined) {
      const found = this.#deps.main.ask(ASK.function, id) as [program: number, maxSize: number] | null
      handler = found === null ? this.#overThere(id) : this.#deps.pool(...found)
      if (this.#known.size >= MOST_KNOWN) this.#known.clear()
      this.#known.set(id, handler)
    }
    return handler
  }

  override require(id: string): FunctionHandler {
    return this.get(id)
  }

  /** What is known of functions may be out of date. */
  forget(): void {
    this.#known.clear()
  }

  #overThere(id: string): FunctionHandler {
    const { main, frameNumber } = this.#deps
    const callPayload = (args: Payload, frame: Frame, signal: AbortSignal): Promise<Payload> =>
      main.request(signal, ASK.call, frameNumber(frame), id, sayable(args)) as Promise<Payload>
    return {
      callPayload,
      call: async (args, frame, signal) => (await callPayload(args, frame, signal)).values()[0] ?? null,
    }
  }
}
