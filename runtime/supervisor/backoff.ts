// How long a service waits before its next attempt.

export interface Backoff {
  readonly initialDelay: number
  readonly maxDelay: number
  readonly factor: number
  /** Fraction of the delay by which it may be shorter or longer. */
  readonly jitter: number
}

/** The delay after `failures` failures in a row (from 1): grows by `factor` up to `maxDelay`, spread by `jitter`, never negative. */
export function delayAfter(failures: number, backoff: Backoff, random: () => number): number {
  const grown = backoff.initialDelay * backoff.factor ** (failures - 1)
  const delay = Math.min(grown, backoff.maxDelay)
  return Math.max(0, delay + delay * backoff.jitter * (2 * random() - 1))
}
