// Living processes by serial. Serials only grow, so that they can stand in pages of an array; a Map of a hundred thousand
// costs several times as much to fill and to collect.

import type { Process } from './process.ts'

const PAGE_BITS = 8
const PAGE = 1 << PAGE_BITS

interface Page {
  readonly processes: (Process | undefined)[]
  count: number
}

export class ProcessTable implements Iterable<Process> {
  /** By the upper bits of the serial; a page without processes is dropped, but for the last one. */
  readonly #pages = new Map<number, Page>()
  /** The page that was added to last: most go there. */
  #last: Page | undefined
  #lastNumber = -1
  #size = 0

  get size(): number {
    return this.#size
  }

  get(serial: number): Process | undefined {
    return this.#pages.get(Math.floor(serial / PAGE))?.processes[serial % PAGE]
  }

  /** Puts a process in its place; another with the same serial is replaced. */
  set(process: Process): void {
    const page = this.#pageFor(Math.floor(process.serial / PAGE))
    const at = process.serial % PAGE
    if (page.processes[at] === undefined) {
      page.count++
      this.#size++
    }
    page.processes[at] = process
  }

  /** False when this process (not: one with its serial) is not in the table. */
  delete(process: Process): boolean {
    const number = Math.floor(process.serial / PAGE)
    const page = this.#pages.get(number)
    const at = process.serial % PAGE
    if (page?.processes[at] !== process) return false
    page.processes[at] = undefined
    this.#size--
    if (--page.count === 0 && page !== this.#last) this.#pages.delete(number)
    return true
  }

  /** In the order of serials, as far as pages were made in that order. */
  *[Symbol.iterator](): IterableIterator<Process> {
    for (const { processes } of this.#pages.values()) {
      for (const process of processes) if (process !== undefined) yield process
    }
  }

  #pageFor(number: number): Page {
    if (this.#last !== undefined && number === this.#lastNumber) return this.#last
    let page = this.#pages.get(number)
    if (page === undefined) {
      page = { processes: new Array<Process | undefined>(PAGE).fill(undefined), count: 0 }
      this.#pages.set(number, page)
    }
    if (this.#last?.count === 0) this.#pages.delete(this.#lastNumber)
    this.#last = page
    this.#lastNumber = number
    return page
  }
}
