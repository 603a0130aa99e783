// A small pool of threads for host functions that can take long (design/DECISIONS.md, Engine). Started at first use, gone when
// idle; a job that does not end is ended with its thread. The time of a job counts for whoever asked for it.

import { Worker } from 'node:worker_threads'
import { type Clock, systemClock, type Timer } from '../core/clock.ts'
import { type ErrorKind, moduleError, RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import { Assembly } from './pieces.ts'
import { type Answer, createTasks, type Job, TAKEN, type TaskName, type Tasks } from './tasks.ts'

export interface OffloadOptions {
  readonly clock?: Clock
  readonly threads?: number
  /** Milliseconds a job may take. */
  readonly deadline?: number
  /** Whether jobs go to other threads; not possible from TypeScript sources, whose threads Node 20 cannot load. */
  readonly threaded?: boolean
}

/** Who asks: a host call is one. */
export interface Caller {
  readonly frame: Frame
  /** Aborted when nobody waits for the answer any more: a job that has not begun is not begun then. */
  readonly signal: AbortSignal
  /** Told how many milliseconds the job took; throws when that was too much. */
  charge(cpu: number): void
}

/** Milliseconds after which a thread without work ends. */
const IDLE = 30_000
/** Milliseconds a job of code made at run time may take: what its CPU limit is, too. */
const CONFINED_DEADLINE = 2_000

interface Waiting {
  readonly job: Job
  readonly caller: Caller
  readonly deadline: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: RuntimeError) => void
}

interface Thread {
  readonly worker: Worker
  current: Waiting | undefined
  answer: Assembly
  timer: Timer | undefined
}

export class Offload {
  readonly #clock: Clock
  readonly #limit: number
  readonly #deadline: number
  readonly #threaded: boolean
  readonly #threads = new Set<Thread>()
  readonly #queue: Waiting[] = []
  /** Where jobs run that go to no thread. */
  #here: Tasks | undefined
  #lastId = 0
  #closed = false

  constructor(options: OffloadOptions = {}) {
    this.#clock = options.clock ?? systemClock()
    this.#limit = options.threads ?? 2
    this.#deadline = options.deadline ?? 30_000
    this.#threaded = options.threaded ?? import.meta.url.endsWith('.js')
  }

  /** Does a job elsewhere. Rejects as the task does, or with Timeout, Unavailable, Canceled, LimitExceeded. */
  run<Name extends TaskName>(caller: Caller, task: Name, ...args: Parameters<Tasks[Name]>): ReturnType<Tasks[Name]> {
    const started = this.#threaded ? this.#threadRun(caller, task, args) : this.#inline(task, args)
    return started as ReturnType<Tasks[Name]> // the table ties the name to the result
  }

  /** Ends all threads; jobs under way fail with Unavailable. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#queue.splice(0)) reject(closed())
    await Promise.all([...this.#threads].map((thread) => this.#end(thread, closed())))
  }

  #threadRun(caller: Caller, task: TaskName, args: readonly unknown[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(closed())
    const deadline = isConfined(caller) ? Math.min(this.#deadline, CONFINED_DEADLINE) : this.#deadline
    return new Promise((resolve, reject) => {
      this.#queue.push({ job: { id: ++this.#lastId, task, args }, caller, deadline, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    const waiting = this.#first()
    if (waiting === undefined) return
    const idle = [...this.#threads].find(({ current }) => current === undefined)
    const thread = idle ?? (this.#threads.size < this.#limit ? this.#start() : undefined)
    if (thread === undefined) return
    this.#queue.splice(this.#queue.indexOf(waiting), 1)
    thread.timer?.cancel()
    thread.current = waiting
    thread.worker.ref()
    const { task } = waiting.job
    thread.timer = this.#clock.after(waiting.deadline, () => {
      void this.#end(thread, moduleError('Timeout', `${task} took longer than ${waiting.deadline} ms`))
      this.#next()
    })
    thread.worker.postMessage(waiting.job)
  }

  /** Code made at run time waits behind the app's own, and leaves one thread free for it. */
  #first(): Waiting | undefined {
    for (let i = this.#queue.length - 1; i >= 0; i--) {
      if (!this.#queue[i]?.caller.signal.aborted) continue
      for (const { reject } of this.#queue.splice(i, 1)) reject(canceled())
    }
    const trusted = this.#queue.find(({ caller }) => !isConfined(caller))
    if (trusted !== undefined) return trusted
    const confined = [...this.#threads].filter(({ current }) => current !== undefined && isConfined(current.caller))
    return confined.length < Math.max(1, this.#limit - 1) ? this.#queue[0] : undefined
  }

  #start(): Thread {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv: [], env: {} })
    const thread: Thread = { worker, current: undefined, answer: new Assembly(), timer: undefined }
    this.#threads.add(thread)
    worker.on('message', (answer: Answer) => this.#answered(thread, answer))
    worker.on('error', (error) => {
      void this.#end(thread, new RuntimeError('Internal', `offload thread failed: ${error.message}`, { cause: error }))
      this.#next()
    })
    return thread
  }

  #answered(thread: Thread, answer: Answer): void {
    const waiting = thread.current
    if (waiting === undefined || waiting.job.id !== answer.id) return
    if ('piece' in answer) {
      thread.answer.add(answer.piece)
      thread.worker.postMessage(TAKEN)
      return
    }
    const { value } = thread.answer
    thread.answer = new Assembly()
    thread.current = undefined
    thread.timer?.cancel()
    // A thread without work must not keep the program alive.
    thread.worker.unref()
    thread.timer = this.#clock.after(IDLE, () => void this.#end(thread, closed()))
    this.#next()
    try {
      waiting.caller.charge(answer.cpu)
    } catch (error) {
      waiting.reject(error as RuntimeError) // the limit of the caller's process
      return
    }
    if ('kind' in answer) {
      waiting.reject(new RuntimeError(answer.kind as ErrorKind, answer.message, { retryable: false })) // a kind of ours
    } else waiting.resolve(value)
  }

  async #end(thread: Thread, reason: RuntimeError): Promise<void> {
    this.#threads.delete(thread)
    thread.timer?.cancel()
    thread.current?.reject(reason)
    thread.current = undefined
    await thread.worker.terminate()
  }

  /** On this thread, after a turn, so that callers see the same order. */
  async #inline(task: TaskName, args: readonly unknown[]): Promise<unknown> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#here ??= createTasks()
    return (this.#here[task] as (...args: readonly unknown[]) => Promise<unknown>)(...args)
  }
}

function isConfined({ frame }: Caller): boolean {
  return frame.confinement !== undefined
}

function closed(): RuntimeError {
  return new RuntimeError('Unavailable', 'the runtime is shutting down', { retryable: true })
}

function canceled(): RuntimeError {
  return new RuntimeError('Canceled', 'call ended', { retryable: false })
}
