// A function whose code was made at run time, called in the thread for such code.

import { RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { Value } from '../core/value.ts'
import type { Program } from '../lua/program.ts'
import type { FunctionHandler } from '../process/functions.ts'
import type { Payload } from '../process/process.ts'
import type { Threads } from './threads.ts'

export interface RemotePoolDeps {
  readonly threads: Threads
  /** The frame its code gets for a caller's frame (design PROMISES P8). */
  readonly confine: (program: Program, frame: Frame) => Frame
}

export class RemotePool implements FunctionHandler {
  readonly #deps: RemotePoolDeps
  readonly #maxSize: number
  #program: Program
  #closed = false

  constructor(program: Program, maxSize: number, deps: RemotePoolDeps) {
    this.#program = program
    this.#maxSize = maxSize
    this.#deps = deps
  }

  /** New calls use the new code from here on; running calls finish on the old. */
  replace(program: Program): void {
    const before = this.#program
    this.#program = program
    if (before !== program) this.#deps.threads.retire(before)
  }

  /** No more calls; running ones finish. */
  close(): void {
    this.#closed = true
    this.#deps.threads.retire(this.#program)
  }

  async call(args: Payload, frame: Frame, signal: AbortSignal): Promise<Value> {
    return (await this.callPayload(args, frame, signal)).values()[0] ?? null
  }

  callPayload(args: Payload, frame: Frame, signal: AbortSignal): Promise<Payload> {
    if (this.#closed) return Promise.reject(new RuntimeError('Unavailable', 'pool is closed', { retryable: true }))
    if (signal.aborted) return Promise.reject(new RuntimeError('Canceled', 'canceled', { retryable: false }))
    const program = this.#program
    return this.#deps.threads.generated.call(program, this.#maxSize, args, this.#deps.confine(program, frame), signal)
  }
}
