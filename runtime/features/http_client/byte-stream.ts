// A response body as it arrives, read at the pace of its reader: what is there is handed over at once, nothing is read ahead
// beyond the buffers of the socket.

import type { Readable } from 'node:stream'
import { moduleError } from '../../core/error.ts'
import type { Exchange } from './exchange.ts'

export class ByteStream {
  readonly #body: Readable
  readonly #exchange: Exchange
  readonly #limit: number
  readonly #onEnd: () => void
  readonly size: number
  position = 0
  /** Bytes taken from the body that the last read had no room for. */
  #rest: Uint8Array | undefined
  #arrived = 0
  #waiting: { readonly promise: Promise<void>; readonly wake: () => void } | undefined
  #ended = false
  #closed = false
  #failure: unknown

  /** `size` is the announced length or -1; `onEnd` runs once, when nothing more of the connection is in use. */
  constructor(body: Readable, exchange: Exchange, size: number, limit: number, onEnd: () => void) {
    this.#body = body
    this.#exchange = exchange
    this.size = size
    this.#limit = limit
    this.#onEnd = onEnd
    exchange.stopTimer()
    body.on('readable', () => this.#wake())
    body.on('end', () => this.#finish(undefined))
    body.on('error', (error) => this.#finish(error))
    body.on('close', () => this.#finish(new Error('connection closed before the answer was complete')))
  }

  /** Up to `most` bytes, undefined at the end. Answers at once what has arrived; throws or rejects when the connection broke. */
  read(most = Number.POSITIVE_INFINITY): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#closed) throw moduleError('Internal', 'stream is closed')
    return this.#take(most) ?? (this.#ended ? this.#end() : this.#await(most))
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Idempotent. Breaks the connection if the body has not ended. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#rest = undefined
    this.#finish(undefined)
    this.#body.destroy()
  }

  async #await(most: number): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#exchange.startTimer('the stream was silent for')
      this.#waiting ??= waiter()
      await this.#waiting.promise
      if (!this.#ended) this.#exchange.stopTimer()
      const bytes = this.#take(most)
      if (bytes !== undefined) return bytes
      if (this.#ended) return this.#end()
    }
  }

  #take(most: number): Uint8Array | undefined {
    const bytes = this.#rest ?? this.#arrive()
    if (bytes === undefined) return undefined
    const fits = bytes.length <= most
    this.#rest = fits ? undefined : bytes.subarray(most)
    const taken = fits ? bytes : bytes.subarray(0, most)
    this.position += taken.length
    return taken
  }

  #arrive(): Uint8Array | undefined {
    const bytes = this.#body.read() as Buffer | null
    if (bytes === null) return undefined
    this.#arrived += bytes.length
    if (this.#arrived > this.#limit) {
      this.#body.destroy()
      const error = moduleError('LimitExceeded', `response body too large (max ${this.#limit} bytes)`)
      this.#finish(error)
      throw this.#exchange.fail(error)
    }
    return bytes
  }

  #end(): undefined {
    const failure = this.#failure
    // Told once: after its error a stream is at its end.
    this.#failure = undefined
    if (failure !== undefined) throw this.#exchange.fail(failure)
  }

  #finish(failure: unknown): void {
    if (!this.#ended) {
      this.#ended = true
      this.#failure = failure
      this.#exchange.end()
      this.#onEnd()
    }
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.wake()
  }
}

function waiter(): { promise: Promise<void>; wake: () => void } {
  let wake = (): void => {}
  const promise = new Promise<void>((resolve) => {
    wake = resolve
  })
  return { promise, wake }
}

/** The whole body. Rejects with LimitExceeded as soon as more than `limit` bytes are announced or have come. */
export async function readWhole(body: Readable, size: number, limit: number): Promise<Buffer> {
  const tooLarge = () => {
    body.on('error', () => {}).destroy()
    return moduleError('LimitExceeded', `response body too large (max ${limit} bytes)`)
  }
  if (size > limit) throw tooLarge()
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > limit) throw tooLarge()
    pieces.push(piece)
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
}
