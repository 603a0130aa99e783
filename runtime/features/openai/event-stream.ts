// The answer of a model as it arrives: server-sent events read one at a time, as tolerantly as spec/openai-wire.md §4 asks.
// Nothing is read ahead but the piece of the body that came last: a slow reader slows the server.

import type { RuntimeError } from '../../core/error.ts'
import { isMap } from '../../core/value.ts'

export type ModelEvent = { readonly [key: string]: unknown }

/** The body behind the stream. `read` rejects with the RuntimeError the reader shall see. */
export interface EventSource {
  /** The next piece of the body, undefined at its end. */
  read(): Promise<Uint8Array | undefined>
  /** Breaks the connection. */
  abort(): void
  /** Lets a finished answer run out so that its connection can be used again, then breaks it. */
  finish(): void
}

/** No event of any API comes near it: a server that never ends its line is broken or hostile. */
const LONGEST_LINE = 64 * 1024 * 1024

const terminalTypes = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.error',
  'error',
])

/** The errors of an answer that is no stream of events. */
export interface StreamFailures {
  /** A line without end. */
  tooLong(limit: number): RuntimeError
  /** It ended, and no event was in it. */
  empty(): RuntimeError
}

export class EventStream {
  readonly #source: EventSource
  readonly #failures: StreamFailures
  readonly #decoder = new TextDecoder()
  /** Complete lines, and where reading goes on in them. Empty before more is read. */
  #text = ''
  #at = 0
  /** Pieces of a line whose end has not come: joined once, so that a huge line costs no more than its length. */
  #parts: string[] = []
  #partsLength = 0
  #skipLineFeed = false
  #filling: Promise<void> | undefined
  #terminal = false
  #anyEvent = false
  /** Nothing more will arrive; what has arrived may still be read, unless it is closed too. */
  #ended = false
  #closed = false
  #failure: unknown

  constructor(source: EventSource, failures: StreamFailures) {
    this.#source = source
    this.#failures = failures
  }

  /** The next event, undefined at the end. Answers at once what has already arrived; throws or rejects when the stream broke. */
  next(): ModelEvent | undefined | Promise<ModelEvent | undefined> {
    return this.#take() ?? (this.#ended ? this.#end() : this.#await())
  }

  /** Idempotent. Aborts the request unless the model had finished. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#drop()
    if (this.#ended) return
    this.#ended = true
    if (this.#terminal) this.#source.finish()
    else this.#source.abort()
  }

  async #await(): Promise<ModelEvent | undefined> {
    for (;;) {
      // Two coroutines may wait on one stream: they share the read and take turns on what it brought.
      this.#filling ??= this.#fill().finally(() => {
        this.#filling = undefined
      })
      await this.#filling
      const event = this.#take()
      if (event !== undefined) return event
      if (this.#ended) return this.#end()
    }
  }

  #end(): undefined {
    const failure = this.#failure
    // Told once: after its error a stream is at its end.
    this.#failure = undefined
    if (failure !== undefined) throw failure
    if (this.#closed || this.#anyEvent) return
    this.#anyEvent = true
    throw this.#failures.empty()
  }

  async #fill(): Promise<void> {
    try {
      const piece = await this.#source.read()
      if (this.#ended) return
      if (piece === undefined) {
        this.#append(`${this.#decoder.decode()}\n`)
        this.#ended = true
      } else {
        this.#append(this.#decoder.decode(piece, { stream: true }))
      }
    } catch (error) {
      if (this.#ended) return
      this.#ended = true
      this.#failure = error
    }
  }

  #append(piece: string): void {
    const text = piece.includes('\r') || this.#skipLineFeed ? this.#lineFeedsOnly(piece) : piece
    if (!text.includes('\n')) {
      this.#parts.push(text)
      this.#partsLength += text.length
      if (this.#partsLength > LONGEST_LINE) {
        this.#source.abort()
        this.#drop()
        throw this.#failures.tooLong(LONGEST_LINE)
      }
      return
    }
    const pending = this.#parts.length === 0 ? text : this.#parts.join('') + text
    this.#parts = []
    this.#partsLength = 0
    this.#text = pending
    this.#at = 0
  }

  /** CRLF and CR as LF, also where a CRLF is cut in two. */
  #lineFeedsOnly(piece: string): string {
    const text = this.#skipLineFeed && piece.startsWith('\n') ? piece.slice(1) : piece
    if (piece !== '') this.#skipLineFeed = piece.endsWith('\r')
    return text.replace(/\r\n?/g, '\n')
  }

  /** The next event of the lines at hand. Each `data:` line is an event of its own; other lines say nothing we need. */
  #take(): ModelEvent | undefined {
    for (;;) {
      const text = this.#text
      const start = this.#at
      const end = text.indexOf('\n', start)
      if (end < 0) {
        // What follows the last line feed waits as a part for the rest of its line.
        if (start < text.length) {
          this.#parts.push(text.slice(start))
          this.#partsLength += text.length - start
        }
        this.#text = ''
        this.#at = 0
        return undefined
      }
      this.#at = end + 1
      if (!text.startsWith('data:', start)) continue
      const event = this.#decode(text.slice(text.charCodeAt(start + 5) === 0x20 ? start + 6 : start + 5, end))
      if (event !== undefined) return event
      if (this.#closed) return undefined
    }
  }

  #decode(line: string): ModelEvent | undefined {
    if (line.startsWith('[DONE]')) {
      this.#terminal = true
      this.close()
      return undefined
    }
    let event: unknown
    try {
      event = JSON.parse(line)
    } catch (error) {
      // A line that is not JSON is skipped: servers in the wild send comments and half events.
      if (!(error instanceof SyntaxError)) throw error
      return undefined
    }
    if (!isMap(event)) return undefined
    this.#anyEvent = true
    if (terminalTypes.has(event['type'] as string)) this.#terminal = true
    return event
  }

  #drop(): void {
    this.#text = ''
    this.#at = 0
    this.#parts = []
    this.#partsLength = 0
  }
}
