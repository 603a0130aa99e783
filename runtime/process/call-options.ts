// Options of one call to a function, shared by funcs and contracts: repeat on failure, give up after a time.

import type { Clock } from '../core/clock.ts'
import { durationMs } from '../core/duration.ts'
import { moduleError, RuntimeError } from '../core/error.ts'
import { isMap } from '../core/value.ts'

export interface RetryOptions {
  /** Attempts in all; 1 is no retry. */
  readonly maxAttempts: number
  readonly initialDelay: number
  readonly maxDelay: number
  readonly backoffFactor: number
  readonly jitter: number
  /** Only these kinds; undefined is every kind but Invalid, PermissionDenied and Internal. */
  readonly retryKinds: readonly string[] | undefined
  readonly skipKinds: readonly string[]
}

export interface CallOptions {
  readonly retry: RetryOptions | undefined
  /** Milliseconds for all attempts together. */
  readonly timeout: number | undefined
}

export const noCallOptions: CallOptions = { retry: undefined, timeout: undefined }

const neverByDefault = new Set(['Invalid', 'PermissionDenied', 'Internal'])

/** Reads `{retry = {max_attempts, initial_delay, …}, timeout}`. Throws Invalid with the name of what is wrong. */
export function decodeCallOptions(options: unknown): CallOptions {
  if (!isMap(options)) return noCallOptions
  const retry = retryMap(options['retry'])
  return {
    timeout: options['timeout'] === undefined ? undefined : delay(options['timeout'], 'timeout', 0),
    retry: retry && {
      maxAttempts: amount(retry['max_attempts'], 'retry.max_attempts', 1),
      initialDelay: delay(retry['initial_delay'], 'retry.initial_delay', 100),
      maxDelay: delay(retry['max_delay'], 'retry.max_delay', 10_000),
      backoffFactor: amount(retry['backoff_factor'], 'retry.backoff_factor', 2),
      jitter: amount(retry['jitter'], 'retry.jitter', 0.1),
      retryKinds: kinds(retry['retry_kinds'], 'retry.retry_kinds'),
      skipKinds: kinds(retry['skip_kinds'], 'retry.skip_kinds') ?? [],
    },
  }
}

function retryMap(value: unknown): { readonly [key: string]: unknown } | undefined {
  if (value === undefined || value === null || isEmptyTable(value)) return undefined
  if (!isMap(value)) throw moduleError('Invalid', 'option retry must be a table')
  return value
}

/** A list of error kinds; undefined for none. */
function kinds(value: unknown, name: string): readonly string[] | undefined {
  if (value === undefined || value === null || isEmptyTable(value)) return undefined
  if (Array.isArray(value) && value.every((kind) => typeof kind === 'string')) return value
  throw moduleError('Invalid', `option ${name} must be a list of kinds`)
}

/** An empty table of Lua may come as a list or as a map. */
function isEmptyTable(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0
}

export interface CallDeps {
  readonly clock: Clock
  /** 0 to 1, for the jitter of delays. */
  readonly random: () => number
}

/** Calls until it succeeds, may not be repeated, or the time is over. `attempt` gets a signal that ends with all of these. */
export async function callWithOptions<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { retry, timeout }: CallOptions,
  signal: AbortSignal,
  { clock, random }: CallDeps,
): Promise<T> {
  if (retry === undefined && !timeout) return attempt(signal)
  const limit = timeout ? timeLimit(timeout, signal, clock) : undefined
  const ends = limit?.signal ?? signal
  try {
    for (let count = 1; ; count++) {
      try {
        return await until(attempt(ends), ends)
      } catch (error) {
        if (retry === undefined || count >= retry.maxAttempts || ends.aborted || !mayRepeat(error, retry)) throw error
      }
      await until(pause(delayBefore(count, retry, random), clock, ends), ends)
    }
  } finally {
    limit?.clear()
  }
}

/** Delay after the attempt of this number: grows by the factor up to the bound, spread by the jitter. */
export function delayBefore(count: number, retry: RetryOptions, random: () => number): number {
  const base = Math.min(retry.initialDelay * retry.backoffFactor ** (count - 1), retry.maxDelay)
  return Math.max(0, base * (1 + retry.jitter * (2 * random() - 1)))
}

function mayRepeat(error: unknown, { retryKinds, skipKinds }: RetryOptions): boolean {
  if (!(error instanceof RuntimeError) || error.retryable === false || error.kind === 'Canceled') return false
  if (skipKinds.includes(error.kind)) return false
  if (retryKinds !== undefined) return retryKinds.includes(error.kind)
  return error.retryable === true || !neverByDefault.has(error.kind)
}

function timeLimit(ms: number, signal: AbortSignal, clock: Clock): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  const timer = clock.after(ms, () => {
    controller.abort(new RuntimeError('Timeout', `call took longer than ${ms} ms`, { retryable: true }))
  })
  return { signal: AbortSignal.any([signal, controller.signal]), clear: () => timer.cancel() }
}

/** The result, or the reason of the signal if that comes first. */
function until<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      const { reason } = signal
      reject(reason instanceof RuntimeError ? reason : new RuntimeError('Canceled', 'canceled', { retryable: false }))
    }
    if (signal.aborted) aborted()
    signal.addEventListener('abort', aborted, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve)
    signal.addEventListener('abort', () => timer.cancel(), { once: true })
  })
}

/** Milliseconds as a number, or a Go duration. */
function delay(value: unknown, name: string, fallback: number): number {
  if (value === undefined || value === null) return fallback
  return typeof value === 'string' ? durationMs(value, name) : amount(value, name, fallback)
}

function amount(value: unknown, name: string, fallback: number): number {
  if (value === undefined || value === null) return fallback
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw moduleError('Invalid', `option ${name} must be a non-negative number`)
}
