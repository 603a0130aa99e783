// A small pool of threads for host functions that can take long (design/DECISIONS.md, Engine). Started at first use, gone when
// idle; a job that does not end is ended with its thread.

import { Worker } from 'node:worker_threads'
import { type Clock, systemClock, type Timer } from '../core/clock.ts'
import { type ErrorKind, moduleError, RuntimeError } from '../core/error.ts'
import { emptyMap, isMap, type ValueMap } from '../core/value.ts'
import { type Answer, type Job, type TaskName, type Tasks, tasks } from './tasks.ts'

export interface OffloadOptions {
  readonly clock?: Clock
  readonly threads?: number
  /** Milliseconds a job may take. */
  readonly deadline?: number
  /** Whether jobs go to other threads; not possible from TypeScript sources, whose threads Node 20 cannot load. */
  readonly threaded?: boolean
}

/** Milliseconds after which a thread without work ends. */
const IDLE = 30_000

interface Waiting {
  readonly job: Job
  readonly resolve: (value: unknown) => void
  readonly reject: (error: RuntimeError) => void
}

interface Thread {
  readonly worker: Worker
  current: Waiting | undefined
  timer: Timer | undefined
}

export class Offload {
  readonly #clock: Clock
  readonly #limit: number
  readonly #deadline: number
  readonly #threaded: boolean
  readonly #threads = new Set<Thread>()
  readonly #queue: Waiting[] = []
  #lastId = 0
  #closed = false

  constructor(options: OffloadOptions = {}) {
    this.#clock = options.clock ?? systemClock()
    this.#limit = options.threads ?? 2
    this.#deadline = options.deadline ?? 10_000
    this.#threaded = options.threaded ?? import.meta.url.endsWith('.js')
  }

  /** Does a job elsewhere. Rejects as the task does, or with Timeout, Unavailable. */
  run<Name extends TaskName>(task: Name, ...args: Parameters<Tasks[Name]>): ReturnType<Tasks[Name]> {
    const started = this.#threaded ? this.#threadRun(task, args) : inline(task, args)
    return started as ReturnType<Tasks[Name]> // the table ties the name to the result
  }

  /** Ends all threads; jobs under way fail with Unavailable. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#queue.splice(0)) reject(closed())
    await Promise.all([...this.#threads].map((thread) => this.#end(thread, closed())))
  }

  #threadRun(task: TaskName, args: readonly unknown[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(closed())
    return new Promise((resolve, reject) => {
      this.#queue.push({ job: { id: ++this.#lastId, task, args }, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#queue.length === 0) return
    const idle = [...this.#threads].find(({ current }) => current === undefined)
    const thread = idle ?? (this.#threads.size < this.#limit ? this.#start() : undefined)
    const waiting = thread === undefined ? undefined : this.#queue.shift()
    if (thread === undefined || waiting === undefined) return
    thread.timer?.cancel()
    thread.current = waiting
    thread.worker.ref()
    const { task } = waiting.job
    thread.timer = this.#clock.after(this.#deadline, () => {
      void this.#end(thread, moduleError('Timeout', `${task} took longer than ${this.#deadline} ms`))
      this.#next()
    })
    thread.worker.postMessage(waiting.job)
  }

  #start(): Thread {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv: [], env: {} })
    const thread: Thread = { worker, current: undefined, timer: undefined }
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
    thread.current = undefined
    thread.timer?.cancel()
    // A thread without work must not keep the program alive.
    thread.worker.unref()
    thread.timer = this.#clock.after(IDLE, () => void this.#end(thread, closed()))
    if ('value' in answer) waiting.resolve(restored(answer.value))
    else waiting.reject(new RuntimeError(answer.kind as ErrorKind, answer.message, { retryable: false })) // a kind of ours
    this.#next()
  }

  async #end(thread: Thread, reason: RuntimeError): Promise<void> {
    this.#threads.delete(thread)
    thread.timer?.cancel()
    thread.current?.reject(reason)
    thread.current = undefined
    await thread.worker.terminate()
  }
}

/** On this thread, after a turn, so that callers see the same order. */
async function inline(task: TaskName, args: readonly unknown[]): Promise<unknown> {
  await new Promise((resolve) => setImmediate(resolve))
  return (tasks[task] as (...args: readonly unknown[]) => Promise<unknown>)(...args)
}

/** Copies between threads get the prototype of objects: maps of ours have none. */
function restored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(restored)
  if (!isMap(value)) return value
  const map: ValueMap = emptyMap()
  for (const key of Object.keys(value)) map[key] = restored(value[key]) as ValueMap[string] // plain data stays plain
  return map
}

function closed(): RuntimeError {
  return new RuntimeError('Unavailable', 'the runtime is shutting down', { retryable: true })
}
