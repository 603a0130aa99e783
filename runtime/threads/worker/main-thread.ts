// The way from a worker to the main thread: what it says, what it asks and waits for (a promise), and what it asks and stands still
// for. Standing still is safe: the main thread never waits for a worker.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { RuntimeError } from '../../core/error.ts'
import { LuaRaise } from '../../lua/module.ts'
import { Pipe, type PipeExtension } from '../pipe.ts'
import { ANSWER, SHARED, TO_MAIN, TO_WORKER, WORKER_STATE } from '../protocol.ts'

/** Bytes on the way to a main thread that has no time for them: a worker that has sent more stands still. */
const MOST_ON_THE_WAY = 4 << 20
/** Standing still is interrupted to look again, in case the word was missed. */
const LOOK_AGAIN_MS = 1000

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export interface MainThreadOptions {
  readonly port: MessagePort
  readonly shared: SharedArrayBuffer
  readonly extension: PipeExtension
  readonly handle: (operation: number, fields: readonly unknown[], size: number) => void
  /** Told how many milliseconds this thread stood still: no code of it ran meanwhile. */
  readonly stoodStill: (ms: number) => void
}

export class MainThread {
  readonly #port: MessagePort
  readonly #shared: Int32Array
  readonly #pipe: Pipe
  readonly #waiting = new Map<number, Waiting>()
  readonly #stoodStill: (ms: number) => void
  #lastQuestion = 0
  #sent = 0

  constructor({ port, shared, extension, handle, stoodStill }: MainThreadOptions) {
    this.#stoodStill = stoodStill
    this.#port = port
    this.#shared = new Int32Array(shared)
    this.#pipe = new Pipe({
      extension,
      post: (bytes) => {
        // Counted as the other side counts: the words wrap around together.
        this.#sent = (this.#sent + bytes.length) | 0
        port.postMessage(bytes, [bytes.buffer])
        this.#holdBack()
      },
      handle: (code, fields, size) => {
        if (code === TO_WORKER.answer) this.#answered(fields)
        else handle(code, fields, size)
      },
      broken: (error) => this.broken(error),
      // The end of this thread, which the main thread sees.
      garbled: (error) => {
        throw error
      },
      turn: (running) => this.running(running),
    })
  }

  /** From here on what arrives is handled. */
  listen(): void {
    this.#port.on('message', (bytes: Uint8Array) => {
      this.#pipe.receive(bytes)
      this.#pipe.pumpLater()
    })
  }

  /** Marks the turns of this thread, for the watch over it. */
  running(running: boolean): void {
    Atomics.add(this.#shared, SHARED.beat, 1)
    Atomics.store(this.#shared, SHARED.state, running ? WORKER_STATE.running : WORKER_STATE.idle)
  }

  /** Says something at the end of the turn. Answers its size. */
  say(code: number, ...fields: unknown[]): number {
    return this.#pipe.say(code, ...fields)
  }

  /** As `say`; throws LimitExceeded beyond so many bytes. */
  sayWithin(limit: number, code: number, ...fields: unknown[]): number {
    return this.#pipe.sayWithin(limit, code, ...fields)
  }

  broken(error: unknown): void {
    this.say(TO_MAIN.broken, error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  /** Asks and goes on; the signal tells the main thread that nobody waits any more. */
  request(signal: AbortSignal | undefined, code: number, ...fields: unknown[]): Promise<unknown> {
    const question = ++this.#lastQuestion
    this.say(code, question, ...fields)
    return new Promise((resolve, reject) => {
      const abort = (): void => void this.say(TO_MAIN.abort, question)
      const done = (): void => signal?.removeEventListener('abort', abort)
      signal?.addEventListener('abort', abort)
      this.#waiting.set(question, {
        resolve: (value) => {
          done()
          resolve(value)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
    })
  }

  /** Asks and stands still until it is answered. Throws the error it is answered with. */
  ask(code: number, ...fields: unknown[]): unknown {
    const question = ++this.#lastQuestion
    this.say(code, question, ...fields)
    this.#pipe.flush()
    const [, how, value] = this.#standStill((answer) => answer === question)
    if (how === ANSWER.value) return value
    throw failure(how as number, value)
  }

  #standStill(isMine: (question: unknown) => boolean): readonly unknown[] {
    const before = Atomics.load(this.#shared, SHARED.state)
    const start = performance.now()
    Atomics.store(this.#shared, SHARED.state, WORKER_STATE.waiting)
    try {
      for (;;) {
        const seen = Atomics.load(this.#shared, SHARED.posted)
        for (let got = receiveMessageOnPort(this.#port); got; got = receiveMessageOnPort(this.#port)) {
          this.#pipe.receive(got.message as Uint8Array)
        }
        const found = this.#pipe.find((code, [question]) => code === TO_WORKER.answer && isMine(question))
        if (found !== undefined) return found
        Atomics.wait(this.#shared, SHARED.posted, seen, LOOK_AGAIN_MS)
      }
    } finally {
      Atomics.store(this.#shared, SHARED.state, before)
      this.#stoodStill(performance.now() - start)
      // What came before the answer is handled when this turn is over.
      this.#pipe.pumpLater()
    }
  }

  #answered([question, how, value]: readonly unknown[]): void {
    const waiting = this.#waiting.get(question as number)
    this.#waiting.delete(question as number)
    if (how === ANSWER.value) waiting?.resolve(value)
    else waiting?.reject(failure(how as number, value))
  }

  /** A program that says more than the main thread can listen to waits for it. */
  #holdBack(): void {
    if (((this.#sent - Atomics.load(this.#shared, SHARED.consumed)) | 0) <= MOST_ON_THE_WAY) return
    const before = Atomics.load(this.#shared, SHARED.state)
    const start = performance.now()
    for (;;) {
      const consumed = Atomics.load(this.#shared, SHARED.consumed)
      if (((this.#sent - consumed) | 0) <= MOST_ON_THE_WAY) break
      Atomics.store(this.#shared, SHARED.state, WORKER_STATE.waiting)
      Atomics.wait(this.#shared, SHARED.consumed, consumed, LOOK_AGAIN_MS)
    }
    Atomics.store(this.#shared, SHARED.state, before)
    this.#stoodStill(performance.now() - start)
  }
}

function failure(how: number, value: unknown): Error {
  if (how === ANSWER.raise) return new LuaRaise(value as RuntimeError | string)
  return value instanceof RuntimeError ? value : new RuntimeError('Internal', String(value))
}
