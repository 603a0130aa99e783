// The one error type of the runtime: a kind a caller can act on, a message that names the thing and its value.
// A broken invariant of ours is a plain `Error`, never this.

import type { Value } from './value.ts'

/** The eleven kinds of spec/lua-modules.md §5 and the two the runtime adds. The empty string is "unknown". */
export type ErrorKind =
  | ''
  | 'NotFound'
  | 'AlreadyExists'
  | 'Invalid'
  | 'PermissionDenied'
  | 'Unavailable'
  | 'Internal'
  | 'Canceled'
  | 'Conflict'
  | 'Timeout'
  | 'RateLimited'
  | 'LimitExceeded'
  | 'InvalidState'

export interface ErrorOptions {
  /** Three-valued on purpose: `undefined` means nobody said. Supervision reads it (spec/supervision.md §3). */
  retryable?: boolean | undefined
  details?: { [key: string]: Value } | undefined
  cause?: unknown
  /** Lua traceback of the place that raised it, for a reader, never for a program. */
  luaStack?: string | undefined
  /** Prefixes added by `errors.wrap`, outermost first. `message` stays the innermost text. */
  context?: readonly string[] | undefined
}

export class RuntimeError extends Error {
  readonly kind: ErrorKind
  readonly retryable: boolean | undefined
  readonly details: { [key: string]: Value } | undefined
  readonly luaStack: string | undefined
  readonly context: readonly string[]

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    // What Lua raised has Lua's traceback: walking our own stack for it would cost more than the rest of a crash.
    const limit = Error.stackTraceLimit
    if (options.luaStack !== undefined) Error.stackTraceLimit = 0
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    Error.stackTraceLimit = limit
    this.name = 'RuntimeError'
    this.kind = kind
    this.retryable = options.retryable
    this.details = options.details
    this.luaStack = options.luaStack
    this.context = options.context ?? []
  }

  /** What `tostring(err)` shows: the wrapping contexts, then the message. */
  get text(): string {
    return this.context.length === 0 ? this.message : `${this.context.join(': ')}: ${this.message}`
  }

  /** The same failure seen from one level up; kind, retryability and details stay. */
  wrap(context: string): RuntimeError {
    return new RuntimeError(this.kind, this.message, {
      retryable: this.retryable,
      details: this.details,
      luaStack: this.luaStack,
      cause: this.cause,
      context: [context, ...this.context],
    })
  }
}

/** What a process that somebody terminated ended with (spec/process.md §5). */
export const TERMINATED = 'process terminated'

/** Ends a service or a process from inside the host without a failure: it is reported as a normal end (spec/process.md §5). */
export const serviceExited = new RuntimeError('Canceled', 'service exited', { retryable: false })

/** Builtin modules report failures as not retryable (spec/lua-modules.md, opening line). */
export function moduleError(kind: ErrorKind, message: string, options: ErrorOptions = {}): RuntimeError {
  return new RuntimeError(kind, message, { retryable: false, ...options })
}

/** Anything thrown, as a RuntimeError; unknown things become Internal with their message kept. */
export function asRuntimeError(thrown: unknown, kind: ErrorKind = 'Internal'): RuntimeError {
  if (thrown instanceof RuntimeError) return thrown
  return new RuntimeError(kind, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
}

/** The text of anything thrown, contexts included, without a stack. */
export function errorText(thrown: unknown): string {
  if (thrown instanceof RuntimeError) return thrown.text
  return thrown instanceof Error ? thrown.message : String(thrown)
}
