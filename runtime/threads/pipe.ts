// One end of the way between two threads: operations out in batches of bytes, operations in one after the other. Everything
// takes this one way, so that it arrives in the order in which it was said.

import { RuntimeError } from '../core/error.ts'
import { type WireExtension, WireReader, WireWriter } from '../core/wire.ts'
import { LAST_DEFINITION } from './protocol.ts'

/** The extension of a pipe forgets, between operations, which tables it has met. */
export interface PipeExtension extends WireExtension {
  begin(): void
  /** What was written since `begin` is not said after all. */
  undo(): void
}

export interface PipeOptions {
  readonly extension: PipeExtension
  readonly post: (bytes: Uint8Array<ArrayBuffer>) => void
  /** Does what an operation says. What it throws is a fault of ours and does not stop the pipe. */
  readonly handle: (operation: number, fields: readonly unknown[], size: number) => void
  readonly broken: (error: unknown) => void
  /** Told when what was received cannot be read; nothing more is handled then. */
  readonly garbled: (error: unknown) => void
  /** Told of each batch that was worked off, with its size. */
  readonly consumed?: (bytes: number) => void
  /** Told when working off begins and when it is over. */
  readonly turn?: (running: boolean) => void
}

interface Operation {
  readonly code: number
  readonly fields: readonly unknown[]
  /** Bytes it took on the way. */
  readonly size: number
}

/** A batch goes out at this size, before its turn is over. */
const BATCH_BYTES = 64 << 10
/** Working off operations pauses after so many milliseconds. */
const PUMP_MS = 5

export class Pipe {
  readonly #options: PipeOptions
  readonly #writer: WireWriter
  readonly #batches: { reader: WireReader; size: number }[] = []
  /** Read while an answer was waited for, and not handled yet. */
  readonly #held: Operation[] = []
  #flushing = false
  #pumping = false
  #scheduled = false
  #closed = false

  constructor(options: PipeOptions) {
    this.#options = options
    this.#writer = new WireWriter(options.extension)
  }

  // ---- out ----

  /** Says something; it goes out at the end of the turn. Answers its size in bytes. */
  say(code: number, ...fields: unknown[]): number {
    return this.sayWithin(Number.POSITIVE_INFINITY, code, ...fields)
  }

  /** As `say`, but throws LimitExceeded, with nothing said, beyond so many bytes. */
  sayWithin(limit: number, code: number, ...fields: unknown[]): number {
    const writer = this.#writer
    const before = writer.length
    this.#options.extension.begin()
    try {
      writer.byte(code)
      writer.byte(fields.length)
      for (const field of fields) writer.value(field)
      if (writer.length - before > limit) throw tooBig(limit)
    } catch (error) {
      writer.cut(before)
      this.#options.extension.undo()
      throw error
    }
    const size = writer.length - before
    if (writer.length > BATCH_BYTES) this.flush()
    else if (!this.#flushing) {
      this.#flushing = true
      queueMicrotask(this.#flushLater)
    }
    return size
  }

  readonly #flushLater = (): void => {
    this.#flushing = false
    this.flush()
  }

  flush(): void {
    if (this.#writer.length === 0) return
    const bytes = this.#writer.take()
    if (!this.#closed) this.#options.post(bytes)
  }

  // ---- in ----

  receive(bytes: Uint8Array): void {
    this.#batches.push({ reader: new WireReader(bytes, this.#options.extension), size: bytes.length })
  }

  /**
   * Has what was received worked off when this turn of Node's loop is over: in one turn a port may hand over any number of
   * batches, and others want to run between them.
   */
  pumpLater(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    setImmediate(this.pump)
  }

  /** Works off what was received, for a while, and goes on in a later turn if that was not enough. */
  readonly pump = (): void => {
    this.#scheduled = false
    if (this.#pumping) return
    this.#pumping = true
    this.#options.turn?.(true)
    const start = performance.now()
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        this.#handle(next)
        // One operation may call a function that takes long: the clock is read after each.
        if (performance.now() - start > PUMP_MS) {
          this.pumpLater()
          return
        }
      }
    } finally {
      this.#pumping = false
      this.#options.turn?.(false)
    }
  }

  /**
   * Reads on until an operation is the one wanted, which is answered; the others are handled later, in order. `undefined` when
   * all that was received has been looked at.
   */
  find(wanted: (code: number, fields: readonly unknown[]) => boolean): readonly unknown[] | undefined {
    for (let next = this.#read(); next !== undefined; next = this.#read()) {
      if (wanted(next.code, next.fields)) return next.fields
      this.#held.push(next)
    }
    return undefined
  }

  /** Nothing goes out or is handled any more. */
  close(): void {
    this.#closed = true
    this.#batches.length = this.#held.length = 0
  }

  #next(): Operation | undefined {
    return this.#held.shift() ?? this.#read()
  }

  /** The next operation; definitions are taken in on the way. */
  #read(): Operation | undefined {
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      while (!batch.reader.done) {
        const operation = this.#parse(batch.reader)
        if (operation === undefined) return undefined
        if (operation.code > LAST_DEFINITION) return operation
        this.#handle(operation)
      }
      this.#batches.shift()
      this.#options.consumed?.(batch.size)
    }
    return undefined
  }

  #parse(reader: WireReader): Operation | undefined {
    this.#options.extension.begin()
    try {
      const start = reader.position
      const code = reader.byte()
      const count = reader.byte()
      const fields: unknown[] = []
      for (let i = 0; i < count; i++) fields.push(reader.value())
      return { code, fields, size: reader.position - start }
    } catch (error) {
      this.close()
      this.#options.garbled(error)
      return undefined
    }
  }

  #handle({ code, fields, size }: Operation): void {
    if (this.#closed) return
    try {
      this.#options.handle(code, fields, size)
    } catch (error) {
      this.#options.broken(error)
    }
  }
}

function tooBig(limit: number): RuntimeError {
  return new RuntimeError('LimitExceeded', `value takes more than the limit of ${limit} bytes`, { retryable: false })
}
