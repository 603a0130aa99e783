// Time as a dependency: everything that waits asks a Clock, so that tests can hold it still.

import { type TimerItem, TimerQueue } from './timer-queue.ts'

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** It is the machine's own: other threads have the same time. */
  readonly shared?: boolean
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  wallNanos(): bigint
  /** Milliseconds since 1970-01-01T00:00:00Z, whole ones. */
  wallMs(): number
  /** Runs once after `ms`; does not keep the OS process alive. */
  after(ms: number, run: () => void): Timer
}

/** Whole seconds since 1970, as events carry them. */
export function unixSeconds(clock: Pick<Clock, 'wallMs'>): number {
  return Math.floor(clock.wallMs() / 1000)
}

const LONGEST_TIMEOUT = 2 ** 31 - 1
/** A hundred thousand that fall due at once must not hold up everything else. */
const LONGEST_BURST_MS = 5

/** The clock of the machine. Nanoseconds have the resolution of `hrtime`, anchored once so that they never jump within a run. */
export function systemClock(): Clock {
  const anchor = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
  const timeouts = new Timeouts()
  return {
    shared: true,
    now: () => performance.now(),
    wallNanos: () => anchor + process.hrtime.bigint(),
    wallMs: Date.now,
    after: (ms, run) => timeouts.add(performance.now() + Math.max(ms, 0), run),
  }
}

/** All that is pending behind one timeout of Node: with 100,000 of them a quarter of the time and memory of one each. */
class Timeouts {
  readonly #queue = new TimerQueue()
  #handle: NodeJS.Timeout | undefined
  /** When the timeout fires; it may be before the first that is due, never after. */
  #armedFor = Number.POSITIVE_INFINITY

  add(due: number, run: () => void): Timer {
    const timer = this.#queue.add(due, run)
    if (due < this.#armedFor) this.#arm(due)
    return timer
  }

  #arm(due: number): void {
    clearTimeout(this.#handle)
    this.#armedFor = due
    // A timeout fires up to a millisecond early and wraps beyond 2^31 ms: `#fire` waits on until something is really due.
    const left = Math.ceil(due - performance.now())
    this.#handle = setTimeout(this.#fire, Math.min(Math.max(left, 0), LONGEST_TIMEOUT))
    this.#handle.unref()
  }

  readonly #fire = (): void => {
    // While they run, what they arm waits for the end of the burst.
    this.#armedFor = Number.NEGATIVE_INFINITY
    const started = performance.now()
    try {
      for (let item = this.#queue.first; item !== undefined; item = this.#queue.first) {
        const now = performance.now()
        // What a timer arms while it runs is for the next burst: else one of a nanosecond would never let this one end.
        if (item.due > started || now - started > LONGEST_BURST_MS) break
        this.#queue.remove(item)
        item.run()
      }
    } finally {
      const next = this.#queue.first
      if (next === undefined) this.#armedFor = Number.POSITIVE_INFINITY
      else this.#arm(next.due)
    }
  }
}

export interface ManualClock extends Clock {
  /** Moves time forward, running what falls due in order. */
  advance(ms: number): void
}

/** A clock that moves only when told. Wall time starts at 2026-01-01T00:00:00Z unless given. */
export function manualClock(startWallMs: number = Date.UTC(2026, 0, 1)): ManualClock {
  let now = 0
  const queue = new TimerQueue()
  return {
    now: () => now,
    wallNanos: () => BigInt(Math.round((startWallMs + now) * 1000)) * 1000n,
    wallMs: () => Math.floor(startWallMs + now),
    after: (ms, run) => queue.add(now + Math.max(ms, 0), run),
    advance(ms) {
      const until = now + ms
      for (let next: TimerItem | undefined = queue.first; next !== undefined && next.due <= until; next = queue.first) {
        queue.remove(next)
        now = next.due
        next.run()
      }
      now = until
    },
  }
}
