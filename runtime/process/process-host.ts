// A process host: where processes run and are counted, a supervised service. Stopping cancels all and waits for them.

import { type Clock, unixSeconds } from '../core/clock.ts'
import { RuntimeError } from '../core/error.ts'
import type { Process } from './process.ts'
import { ProcessTable } from './process-table.ts'

export interface ProcessHostOptions {
  readonly clock: Clock
  readonly hideLogs?: boolean
  /** Living processes at most. */
  readonly maxProcesses?: number
}

/** The part of supervisor/service.ts that a host is; the supervisor adds deadlines and restarts. */
export class ProcessHost {
  readonly id: string
  /** `terminal` hosts give their processes a terminal and ignore `terminate`. */
  readonly kind: 'process' | 'terminal'
  readonly processes = new ProcessTable()
  #state: 'stopped' | 'running' | 'stopping' = 'stopped'
  #drained: (() => void) | null = null
  /** Steps of the processes that ended here, for inspection. */
  executed = 0
  /** Threads that run its processes. */
  workers = 1

  /** Terminal hosts: logs go to the event bus alone while a process runs here. */
  readonly hideLogs: boolean
  readonly maxProcesses: number
  readonly #clock: Clock

  constructor(
    id: string,
    kind: 'process' | 'terminal',
    { clock, hideLogs = false, maxProcesses = Number.POSITIVE_INFINITY }: ProcessHostOptions,
  ) {
    this.id = id
    this.kind = kind
    this.hideLogs = hideLogs
    this.maxProcesses = maxProcesses
    this.#clock = clock
  }

  get running(): boolean {
    return this.#state === 'running'
  }

  start(): void {
    this.#state = 'running'
  }

  /** Takes no more processes; those it has are somebody else's concern. */
  close(): void {
    this.#state = 'stopped'
  }

  /** Throws Unavailable unless it runs (spec/process.md §2), and LimitExceeded when it is full. */
  accept(): void {
    if (this.#state === 'running') {
      if (this.processes.size < this.maxProcesses) return
      throw new RuntimeError('LimitExceeded', `processes on ${this.id}: more than the limit of ${this.maxProcesses}`, {
        retryable: true,
      })
    }
    const why = this.#state === 'stopping' ? 'host is shutting down' : 'host is not running'
    throw new RuntimeError('Unavailable', why, { retryable: true })
  }

  add(process: Process): void {
    this.processes.set(process)
  }

  remove(process: Process): void {
    this.processes.delete(process)
    this.executed += process.steps ?? 0
    if (this.processes.size === 0) this.#drained?.()
  }

  /** A process of this host was upgraded: it is the same one for everybody else. */
  replace(process: Process, next: Process): void {
    if (!this.processes.delete(process)) return
    this.executed += process.steps ?? 0
    this.processes.set(next)
  }

  /** Sends CANCEL to all and resolves when they have ended. */
  stop(): Promise<void> {
    this.#state = 'stopping'
    for (const process of [...this.processes]) this.cancel(process)
    return new Promise((resolve) => {
      this.#drained = () => {
        this.#state = 'stopped'
        this.#drained = null
        resolve()
      }
      if (this.processes.size === 0) this.#drained()
    })
  }

  /** Asks one process to end because the host does. */
  cancel(process: Process): void {
    const at = unixSeconds(this.#clock)
    process.event({ kind: 'pid.cancel', from: '', at, reason: 'scheduler shutdown' })
  }

  /** Ends what is left: the deadline has passed. */
  kill(): void {
    for (const process of [...this.processes]) process.terminate(new RuntimeError('Canceled', 'context canceled'))
  }
}
