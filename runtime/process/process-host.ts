// A process host: where processes run and are counted, a supervised service. Stopping cancels all and waits for them.

import { RuntimeError } from '../core/error.ts'
import type { Process } from './process.ts'
import { ProcessTable } from './process-table.ts'

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

  /** Terminal hosts: logs go to the event bus alone while a process runs here. */
  readonly hideLogs: boolean

  constructor(id: string, kind: 'process' | 'terminal', hideLogs = false) {
    this.id = id
    this.kind = kind
    this.hideLogs = hideLogs
  }

  get running(): boolean {
    return this.#state === 'running'
  }

  start(): void {
    this.#state = 'running'
  }

  /** Throws Unavailable unless it runs (spec/process.md §2). */
  accept(): void {
    if (this.#state === 'running') return
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
    const at = Math.floor(Date.now() / 1000)
    for (const process of [...this.processes])
      process.event({ kind: 'pid.cancel', from: '', at, reason: 'scheduler shutdown' })
    return new Promise((resolve) => {
      this.#drained = () => {
        this.#state = 'stopped'
        this.#drained = null
        resolve()
      }
      if (this.processes.size === 0) this.#drained()
    })
  }

  /** Ends what is left: the deadline has passed. */
  kill(): void {
    for (const process of [...this.processes]) process.terminate(new RuntimeError('Canceled', 'context canceled'))
  }
}
