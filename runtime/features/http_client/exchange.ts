// What one request and its answer share: the deadline, who may end it, and why it ended. Without a stream the deadline is for the
// whole; a stream has it until its headers, and then for every wait for its next bytes, however long it lasts in all.

import { setMaxListeners } from 'node:events'
import type { Clock } from '../../core/clock.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'

export class Exchange {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #caller: AbortSignal
  readonly #controller = new AbortController()
  readonly #cancel = (): void => this.abort(moduleError('Canceled', `${this.#what}: canceled`))
  #what: string
  #timer: { cancel(): void } | undefined

  constructor(clock: Clock, timeoutMs: number, caller: AbortSignal, what: string) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#caller = caller
    this.#what = what
    // A process may have many requests under way: Node would take the eleventh listener for a leak and say so on stderr.
    setMaxListeners(0, caller)
    if (caller.aborted) this.#cancel()
    else caller.addEventListener('abort', this.#cancel, { once: true })
    this.startTimer('no answer within')
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The request has moved to another URL; messages name that one. */
  moved(what: string): void {
    this.#what = what
  }

  startTimer(limit: string): void {
    this.stopTimer()
    const late = (): void => {
      // The words `request timeout` are what callers that classify by text look for.
      const message = `${this.#what}: request timeout: ${limit} ${this.#timeoutMs / 1000}s`
      this.abort(moduleError('Internal', message, { retryable: true }))
    }
    this.#timer = this.#clock.after(this.#timeoutMs, late)
  }

  stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  abort(reason: RuntimeError): void {
    this.#controller.abort(reason)
    this.end()
  }

  /** Nothing is left that waits or listens. */
  end(): void {
    this.stopTimer()
    this.#caller.removeEventListener('abort', this.#cancel)
  }

  /** The error to report: ours when we ended the exchange, else the network's (Internal and retryable, as documented). */
  fail(thrown: unknown): RuntimeError {
    this.end()
    if (this.#controller.signal.aborted) return this.#controller.signal.reason as RuntimeError
    if (thrown instanceof RuntimeError) return thrown
    return moduleError('Internal', `${this.#what}: ${networkCause(thrown)}`, { retryable: true })
  }
}

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EPIPE: 'connection closed by peer',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'host name lookup failed',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  UND_ERR_SOCKET: 'connection closed before the answer was complete',
  UND_ERR_CONNECT_TIMEOUT: 'connect timeout',
  UND_ERR_HEADERS_OVERFLOW: 'response headers too large',
}

function networkCause(thrown: unknown): string {
  let cause = thrown
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) cause = cause.errors[0]
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  const known = causes[code]
  if (known === undefined) return cause.message === '' ? code || cause.name : cause.message
  // Node's own texts end with the address or name that failed: `connect ECONNREFUSED 127.0.0.1:1`.
  const place = code.startsWith('E') ? cause.message.slice(cause.message.lastIndexOf(' ') + 1) : ''
  return /[.:]/.test(place) || code === 'ENOTFOUND' ? `${known} (${place})` : known
}
