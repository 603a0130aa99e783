// A process that runs in a worker thread, as the main thread's kernel sees it: messages, events and ends are passed on, and what
// is asked of it is answered from what its thread reported.

import { setMaxListeners } from 'node:events'
import { RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import { formatPid } from '../core/pid.ts'
import type {
  Ancestor,
  Exit,
  Payload,
  Process,
  ProcessActivity,
  ProcessEvent,
  ProcessOptions,
  ProcessTerms,
} from '../process/process.ts'
import type { SendLimits } from './cells.ts'
import type { CrossedPayload } from './remote-payload.ts'

/** The way to the thread it runs in. */
export interface RemoteThread {
  deliver(process: RemoteProcess, topic: string, from: string, payload: Payload): void
  /** Passes on a message of another thread, which its sender has counted in the cell. */
  forward(serial: number, topic: string, from: string, cell: number, values: CrossedPayload): void
  limitsOf(process: RemoteProcess): SendLimits
  queued(process: RemoteProcess): number
  event(process: RemoteProcess, event: ProcessEvent): void
  terminate(process: RemoteProcess, error: RuntimeError): void
}

const sharedOptions: ProcessOptions = Object.freeze({ trap_links: false, upgradable: false, interrupts: false })

export class RemoteProcess implements Process {
  readonly serial: number
  readonly host: string
  frame: Frame
  parent: Ancestor | undefined
  startedAt: number
  readonly thread: RemoteThread
  definition: string
  options: ProcessOptions = sharedOptions
  ended = false
  /** Its code did not load, and whoever started it was told so: nobody else has to hear of it. */
  neverStarted = false
  steps = 0
  activity: ProcessActivity | undefined
  readonly #node: string
  readonly #report: ProcessTerms['ended']
  #pid: string | undefined
  #starting: Promise<void> | undefined
  #claimed = false
  #abort: AbortController | undefined
  #owned: Set<{ close(): void }> | undefined

  constructor(thread: RemoteThread, definition: string, terms: ProcessTerms, startedAt: number) {
    this.thread = thread
    this.definition = definition
    this.serial = terms.serial
    this.host = terms.host
    this.frame = terms.frame
    this.parent = terms.parent
    this.startedAt = startedAt
    this.#node = terms.node
    this.#report = terms.ended
  }

  /**
   * Settles when its code has loaded; rejects with why it did not. Absent when nobody has to wait for that. Whoever asks takes it
   * upon himself to tell of a failure: for others there was no such process then.
   */
  get starting(): Promise<void> | undefined {
    this.#claimed = this.#starting !== undefined
    return this.#starting
  }

  /** Its code has yet to load. */
  awaitStart(starting: Promise<void>): void {
    this.#starting = starting
    // Nobody has to ask.
    starting.catch(() => undefined)
  }

  /** Its code did not load. */
  startFailed(error: RuntimeError): void {
    this.neverStarted = this.#claimed
    this.end({ error, result: undefined })
  }

  get pid(): string {
    return (this.#pid ??= formatPid(this.host, this.serial, this.#node))
  }

  /** Aborted when it ends: for what modules do on its behalf. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      // As many calls as a process has under way listen to its end.
      setMaxListeners(0, this.#abort.signal)
      if (this.ended) this.#abort.abort()
    }
    return this.#abort.signal
  }

  /** Closed when it ends, unless released before. */
  own(resource: { close(): void }): { release(): void } {
    if (this.ended) resource.close()
    else (this.#owned ??= new Set()).add(resource)
    return { release: () => void this.#owned?.delete(resource) }
  }

  /** Messages on their way to it or in its mailbox, of other threads' senders. */
  get queued(): number {
    return this.ended ? 0 : this.thread.queued(this)
  }

  inspect(): ProcessActivity {
    return this.activity ?? { state: 'waiting', coroutines: 1, queued: 0, cpu: 0 }
  }

  setOptions(changes: Partial<ProcessOptions>): void {
    this.options = { ...this.options, ...changes }
  }

  deliver(topic: string, from: string, payload: Payload): void {
    if (this.ended) throw new RuntimeError('NotFound', 'process not found', { retryable: false })
    this.thread.deliver(this, topic, from, payload)
  }

  event(event: ProcessEvent): void {
    if (!this.ended) this.thread.event(this, event)
  }

  terminate(error: RuntimeError): void {
    if (!this.ended) this.thread.terminate(this, error)
  }

  /** What its thread says of one that was met by its pid before anything was known of it. */
  learn(known: Pick<RemoteProcess, 'definition' | 'frame' | 'parent' | 'startedAt'>): void {
    this.definition = known.definition
    this.frame = known.frame
    this.parent = known.parent
    this.startedAt = known.startedAt
  }

  /** It goes on as another program under the same pid. */
  upgraded(definition: string): void {
    this.definition = definition
    this.options = sharedOptions
  }

  /** Its thread reported the end, or ended itself. Everything it held here is closed, then the kernel is told. */
  end(exit: Exit): void {
    if (this.ended) return
    this.ended = true
    this.#abort?.abort(new RuntimeError('Canceled', 'process ended', { retryable: false }))
    for (const resource of this.#owned ?? []) resource.close()
    this.#owned = undefined
    this.#report(this, exit)
  }
}
