// The values of a message that came from another thread, with what its sender is told when it has been read.

import { DetachedPayload } from '../lua/detached.ts'
import { FlatPayload } from '../lua/flat-wire.ts'
import type { Payload } from '../process/process.ts'
import type { Cells } from './cells.ts'

/** Where the message is counted, and as how many bytes. */
interface Counted {
  readonly cells: Cells
  readonly cell: number
  readonly size: number
}

/** A message that takes room in its receiver's mailbox until `read` is called. */
export interface RemotePayload extends Payload {
  read(): void
}

class RemoteFlat extends FlatPayload implements RemotePayload {
  readonly #counted: Counted
  constructor(bytes: Uint8Array, counted: Counted) {
    super(bytes)
    this.#counted = counted
  }
  read(): void {
    release(this.#counted)
  }
}

class RemoteValues extends DetachedPayload implements RemotePayload {
  readonly #counted: Counted
  constructor(items: readonly unknown[], counted: Counted) {
    super(items)
    this.#counted = counted
  }
  read(): void {
    release(this.#counted)
  }
}

export function remotePayload(values: CrossedPayload, cells: Cells, cell: number, size: number): RemotePayload {
  const counted = { cells, cell, size }
  return values instanceof FlatPayload ? new RemoteFlat(values.bytes, counted) : new RemoteValues(values.items, counted)
}

/** What a payload is after it has crossed. */
export type CrossedPayload = FlatPayload | DetachedPayload

function release({ cells, cell, size }: Counted): void {
  cells.remove(cell, size)
}
