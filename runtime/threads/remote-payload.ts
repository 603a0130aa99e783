// The values of a message that came from another thread, with what its sender is told when it has been read.

import { DetachedPayload } from '../lua/detached.ts'
import type { Cells } from './cells.ts'

export class RemotePayload extends DetachedPayload {
  readonly #cells: Cells
  readonly cell: number
  readonly #size: number

  constructor(items: readonly unknown[], cells: Cells, cell: number, size: number) {
    super(items)
    this.#cells = cells
    this.cell = cell
    this.#size = size
  }

  /** It takes room in the mailbox no longer, or never got there. */
  read(): void {
    this.#cells.remove(this.cell, this.#size)
  }
}
