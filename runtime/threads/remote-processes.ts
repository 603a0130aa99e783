// The processes of one worker thread as the main thread keeps them: which there are, what they may be sent, and who waits until
// the code of one has loaded.

import type { RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { Program } from '../lua/program.ts'
import type { ProcessActivity } from '../process/process.ts'
import type { SendLimits } from './cells.ts'
import type { Counted } from './numbered.ts'
import type { RemoteProcess } from './remote-process.ts'

interface Starting {
  readonly resolve: () => void
  readonly reject: (error: RuntimeError) => void
}

/** What a worker reports of a process: serial, state, coroutines, unread messages, milliseconds of CPU, slices. */
export type ActivityReport = readonly [number, ProcessActivity['state'], number, number, number, number]

export class RemoteProcesses {
  readonly #frames: Counted<Frame>
  readonly #bySerial = new Map<number, RemoteProcess>()
  readonly #limits = new WeakMap<RemoteProcess, SendLimits>()
  readonly #starting = new Map<number, Starting>()
  /** Programs that have loaded there once: their next process need not be waited for. */
  readonly #loaded = new WeakSet<Program>()
  readonly #changed: () => void

  /** `frames` keeps those of the processes known to the worker; `changed` is told when there are more or fewer. */
  constructor(frames: Counted<Frame>, changed: () => void) {
    this.#frames = frames
    this.#changed = changed
  }

  get size(): number {
    return this.#bySerial.size
  }

  get(serial: number): RemoteProcess | undefined {
    return this.#bySerial.get(serial)
  }

  /** Adds a process whose frame was taken for it. */
  add(process: RemoteProcess, limits: SendLimits): void {
    this.limit(process, limits)
    this.#bySerial.set(process.serial, process)
    this.#changed()
  }

  /** What its thread says of one that was met by its pid, in place of what was taken for true until then. */
  learn(process: RemoteProcess, known: Parameters<RemoteProcess['learn']>[0], limits: SendLimits): void {
    this.#frames.take(known.frame)
    this.#frames.give(process.frame)
    process.learn(known)
    this.limit(process, limits)
  }

  /** It is over there no longer; its frame is given back. */
  forget(serial: number): RemoteProcess | undefined {
    const process = this.#bySerial.get(serial)
    if (process === undefined) return undefined
    this.#bySerial.delete(serial)
    this.#frames.give(process.frame)
    this.#changed()
    return process
  }

  /** What it may be sent from here on. */
  limit(process: RemoteProcess, limits: SendLimits): void {
    this.#limits.set(process, limits)
  }

  limitsOf(process: RemoteProcess): SendLimits {
    const limits = this.#limits.get(process)
    if (limits === undefined) throw new Error(`${process.pid} is not of this thread`)
    return limits
  }

  // ---- until the code has loaded ----

  hasLoaded(program: Program): boolean {
    return this.#loaded.has(program)
  }

  /** From here on its `starting` says whether its code loads. */
  awaitStart(process: RemoteProcess, program: Program): void {
    const starting = new Promise<void>((resolve, reject) => {
      const loaded = (): void => {
        this.#loaded.add(program)
        resolve()
      }
      this.#starting.set(process.serial, { resolve: loaded, reject })
    })
    process.awaitStart(starting)
  }

  started(serial: number): void {
    this.#starting.get(serial)?.resolve()
    this.#starting.delete(serial)
  }

  notStarted(serial: number, error: RuntimeError): void {
    const process = this.forget(serial)
    const starting = this.#starting.get(serial)
    this.#starting.delete(serial)
    process?.startFailed(error)
    starting?.reject(error)
  }

  // ---- for all of them ----

  reported(reports: readonly ActivityReport[]): void {
    for (const [serial, state, coroutines, queued, cpu, steps] of reports) {
      const process = this.#bySerial.get(serial)
      if (process === undefined) continue
      process.activity = { state, coroutines, queued, cpu }
      process.steps = steps
    }
  }

  /** The thread is gone: each ends with this error. */
  lose(error: RuntimeError): void {
    for (const serial of [...this.#starting.keys()]) this.notStarted(serial, error)
    const processes = [...this.#bySerial.values()]
    this.#bySerial.clear()
    for (const process of processes) process.end({ error, result: undefined })
  }
}
