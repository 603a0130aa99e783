// Input as one buffer of bytes: whoever reads a line or some bytes takes from the same place, so nothing is lost between reads.

import type { Readable } from 'node:stream'

/** Watched bytes that nobody reads: beyond this they wait in the terminal. */
const ENOUGH = 64 * 1024
const NEWLINE = 0x0a

export class ByteInput {
  readonly #stream: Readable
  #bytes: Buffer = Buffer.alloc(0)
  /** No newline before this offset. */
  #searched = 0
  #ended = false
  #attached = false
  #closed = false
  #taker: ((bytes: Buffer) => void) | undefined
  #watcher: ((bytes: Buffer) => void) | undefined
  readonly #waiters = new Set<() => void>()

  /** Reads nothing until somebody waits: a program that ignores its input must not keep the pipe busy. */
  constructor(stream: Readable) {
    this.#stream = stream
  }

  /** No more will come; what is buffered can still be taken. */
  get ended(): boolean {
    return this.#ended
  }

  /** A whole line without its `\n` or `\r\n`; at the end the rest, if any. Undefined when there is none yet. */
  takeLine(): Buffer | undefined {
    const at = this.#bytes.indexOf(NEWLINE, this.#searched)
    if (at < 0) {
      this.#searched = this.#bytes.length
      return this.#ended && this.#bytes.length > 0 ? this.take(this.#bytes.length) : undefined
    }
    const end = at > 0 && this.#bytes[at - 1] === 0x0d ? at - 1 : at
    const line = this.#bytes.subarray(0, end)
    this.#bytes = this.#bytes.subarray(at + 1)
    this.#searched = 0
    return line
  }

  /** Up to `count` bytes of what is there. Undefined when nothing is. */
  take(count: number): Buffer | undefined {
    if (this.#bytes.length === 0) return undefined
    const bytes = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(bytes.length)
    this.#searched = 0
    return bytes
  }

  /** Resolves when something has arrived or nothing will; `signal` ends the wait without taking anything. */
  more(signal: AbortSignal): Promise<void> {
    if (this.#ended || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake)
        signal.removeEventListener('abort', wake)
        this.#rest()
        resolve()
      }
      this.#waiters.add(wake)
      signal.addEventListener('abort', wake, { once: true })
      this.#attach()
      this.#stream.resume()
    })
  }

  /** All input goes to `taker` as it arrives, what is buffered first, until the returned function is called. */
  divert(taker: (bytes: Buffer) => void): () => void {
    this.#taker = taker
    const buffered = this.take(this.#bytes.length)
    if (buffered !== undefined) taker(buffered)
    this.#attach()
    this.#stream.resume()
    return () => {
      this.#taker = undefined
      this.#rest()
    }
  }

  /** `watcher` sees all input as it arrives, whether or not somebody reads it, until the returned function is called. */
  watch(watcher: (bytes: Buffer) => void): () => void {
    this.#watcher = watcher
    this.#attach()
    this.#stream.resume()
    return () => {
      this.#watcher = undefined
      this.#rest()
    }
  }

  /** Nothing more is read: those who wait see the end. What is buffered is dropped. */
  close(): void {
    this.#closed = true
    this.#bytes = Buffer.alloc(0)
    this.#finish()
    this.#stream.pause()
  }

  /** Stops the stream when nobody wants its bytes now. */
  #rest(): void {
    if (this.#waiters.size > 0 || this.#taker !== undefined || this.#watcher !== undefined) return
    this.#stream.pause()
  }

  #attach(): void {
    if (this.#attached) return
    this.#attached = true
    this.#stream.on('data', (chunk: Buffer | string) => {
      if (this.#closed) return
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      if (this.#taker !== undefined) {
        this.#taker(bytes)
        return
      }
      this.#watcher?.(bytes)
      this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
      if (this.#bytes.length >= ENOUGH && this.#waiters.size === 0) this.#stream.pause()
      for (const wake of [...this.#waiters]) wake()
    })
    this.#stream.on('end', () => this.#finish())
    this.#stream.on('close', () => this.#finish())
    // A terminal that goes away reports EIO: for a reader that is the end.
    this.#stream.on('error', () => this.#finish())
  }

  #finish(): void {
    this.#ended = true
    for (const wake of [...this.#waiters]) wake()
  }
}
