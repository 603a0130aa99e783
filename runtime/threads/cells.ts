// How full the mailboxes of other threads are, in memory that all threads share: a sender learns at once that a process has ended
// or has no room (PROMISES P1, P2), though its message still has a way to go. Cells are given out by the main thread.

import { RuntimeError } from '../core/error.ts'
import type { Limits } from '../lua/program.ts'

const WORDS = 3
const GENERATION = 0
const COUNT = 1
const BYTES = 2
const CELLS = 1 << 16
/** Cells that rest before they are given again. */
const RESTING = 1024
/** No cell: nothing is known of the receiver, and nothing is counted. */
export const NO_CELL = 0

/** Where to count what one receiver was sent and has not read. A generation that has changed is another process. */
export interface Cell {
  readonly index: number
  readonly generation: number
}

export class Cells {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array

  /** Over memory made by another thread, or new. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(CELLS * WORDS * 4)) {
    this.memory = memory
    this.#words = new Int32Array(memory)
  }

  alive({ index, generation }: Cell): boolean {
    return index === NO_CELL || Atomics.load(this.#words, index * WORDS + GENERATION) === generation
  }

  count(index: number): number {
    return index === NO_CELL ? 0 : Atomics.load(this.#words, index * WORDS + COUNT)
  }

  bytes(index: number): number {
    return index === NO_CELL ? 0 : Atomics.load(this.#words, index * WORDS + BYTES)
  }

  /** A message of so many bytes is on its way. */
  add(index: number, bytes: number): void {
    if (index === NO_CELL) return
    Atomics.add(this.#words, index * WORDS + COUNT, 1)
    Atomics.add(this.#words, index * WORDS + BYTES, bytes)
  }

  /** It was read, or will never be. */
  remove(index: number, bytes: number): void {
    if (index === NO_CELL) return
    Atomics.sub(this.#words, index * WORDS + COUNT, 1)
    Atomics.sub(this.#words, index * WORDS + BYTES, bytes)
  }
}

/** Gives cells to processes; in the main thread. */
export class CellTable {
  readonly cells = new Cells()
  readonly #words = new Int32Array(this.cells.memory)
  readonly #free: number[] = []
  readonly #bySerial = new Map<number, Cell>()
  #next = 1

  /** The cell of a process, taken when first asked for. Without a free one its mailbox is not counted. */
  of(serial: number): Cell {
    let cell = this.#bySerial.get(serial)
    if (cell === undefined) {
      const index = this.#fresh()
      cell = { index, generation: Atomics.load(this.#words, index * WORDS + GENERATION) }
      if (index === NO_CELL) return cell
      Atomics.store(this.#words, index * WORDS + COUNT, 0)
      Atomics.store(this.#words, index * WORDS + BYTES, 0)
      this.#bySerial.set(serial, cell)
    }
    return cell
  }

  /** One that was given up long ago, if possible: messages to its process may still be on their way. */
  #fresh(): number {
    if (this.#next < CELLS && this.#free.length < RESTING) return this.#next++
    return this.#free.shift() ?? NO_CELL
  }

  /** The process has ended: senders see it from here on. */
  release(serial: number): void {
    const cell = this.#bySerial.get(serial)
    if (cell === undefined) return
    this.#bySerial.delete(serial)
    Atomics.add(this.#words, cell.index * WORDS + GENERATION, 1)
    this.#free.push(cell.index)
  }

  get used(): number {
    return this.#bySerial.size
  }
}

/** What a process may be sent. */
export interface SendLimits {
  readonly mailboxMessages: number
  readonly mailboxBytes: number
  readonly messageBytes: number
}

/** A mailbox can hold no more than the memory it is in. */
export function sendLimits({ mailboxMessages, mailboxBytes, messageBytes, memory }: Limits): SendLimits {
  return { mailboxMessages, mailboxBytes: Math.min(mailboxBytes, memory), messageBytes }
}

/** Throws NotFound for a receiver that has ended, RateLimited for one whose mailbox is full. */
export function requireRoom(cells: Cells, cell: Cell, pid: string, limits: Omit<SendLimits, 'messageBytes'>): void {
  if (!cells.alive(cell)) throw new RuntimeError('NotFound', 'process not found', { retryable: false })
  const full = (limit: string): RuntimeError =>
    new RuntimeError('RateLimited', `mailbox of ${pid} is full (${limit})`, { retryable: true })
  if (cells.count(cell.index) >= limits.mailboxMessages) throw full(`${limits.mailboxMessages} messages`)
  if (cells.bytes(cell.index) >= limits.mailboxBytes) throw full(`${limits.mailboxBytes} bytes`)
}
