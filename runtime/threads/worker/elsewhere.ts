// A process of another thread, as a worker sees it: somewhere messages can be sent. Whatever else is done to it is done in the main
// thread.

import type { RuntimeError } from '../../core/error.ts'
import { emptyFrame } from '../../core/frame.ts'
import type { Payload, Process, ProcessOptions } from '../../process/process.ts'
import { type Cell, type Cells, requireRoom, type SendLimits } from '../cells.ts'
import { TO_MAIN } from '../protocol.ts'
import { sayable } from '../sayable.ts'
import type { MainThread } from './main-thread.ts'

export interface ElsewhereDeps {
  readonly serial: number
  readonly pid: string
  readonly cell: Cell
  readonly limits: SendLimits
  readonly cells: Cells
  readonly main: MainThread
}

export class Elsewhere implements Process {
  readonly serial: number
  readonly pid: string
  readonly host = ''
  readonly definition = ''
  readonly frame = emptyFrame
  readonly options: ProcessOptions = { trap_links: false, upgradable: false, interrupts: false }
  readonly startedAt = 0
  readonly #deps: ElsewhereDeps

  constructor(deps: ElsewhereDeps) {
    this.#deps = deps
    this.serial = deps.serial
    this.pid = deps.pid
  }

  get alive(): boolean {
    return this.#deps.cells.alive(this.#deps.cell)
  }

  get ended(): boolean {
    return !this.alive
  }

  /** Messages on their way to it or in its mailbox. */
  get queued(): number {
    return this.#deps.cells.count(this.#deps.cell.index)
  }

  deliver(topic: string, from: string, payload: Payload): void {
    const { serial, cell, cells, limits, main } = this.#deps
    requireRoom(cells, cell, this.pid, limits)
    const limit = Math.min(limits.messageBytes, payload.limit ?? limits.messageBytes)
    const size = main.sayWithin(limit, TO_MAIN.deliver, serial, topic, from, cell.index, sayable(payload))
    cells.add(cell.index, size)
  }

  setOptions(): void {
    throw notHere('options')
  }
  event(): void {
    throw notHere('events')
  }
  terminate(_error: RuntimeError): void {
    throw notHere('ends')
  }
}

/** A broken invariant: modules that do more than send are the main thread's. */
function notHere(what: string): Error {
  return new Error(`${what} of a process in another thread are the main thread's`)
}
