// The socket `Service`: how a living thing starts and stops, and how the supervisor learns that it ended by itself.

import type { RuntimeError } from '../core/error.ts'

/** How a service ended on its own: no error is a normal end (never restarted). */
export interface ServiceExit {
  readonly error?: RuntimeError | undefined
}

export interface Service {
  /** Resolves once running; `ended` is called at most once if it later ends by itself. `signal` aborts at start_timeout. */
  start(ended: (exit: ServiceExit) => void, signal: AbortSignal): void | Promise<void>
  /** Asks it to end and resolves when it has; the deadline is the supervisor's, which then calls `kill` if there is one. */
  stop(reason: string): void | Promise<void>
  kill?(): void
}
