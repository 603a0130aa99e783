// Time as a dependency: everything that waits asks a Clock, so that tests can hold it still.

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  wallNanos(): bigint
  /** Runs once after `ms`; does not keep the OS process alive. */
  after(ms: number, run: () => void): Timer
}

const LONGEST_TIMEOUT = 2 ** 31 - 1

/** The clock of the machine. Wall time has the resolution of `hrtime`, anchored once so that it never jumps within a run. */
export function systemClock(): Clock {
  const anchor = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
  return {
    now: () => performance.now(),
    wallNanos: () => anchor + process.hrtime.bigint(),
    after(ms, run) {
      const due = performance.now() + ms
      let handle: NodeJS.Timeout
      // A timeout fires up to a millisecond early and wraps beyond 2^31 ms: wait on until it is really due.
      const arm = (): void => {
        const left = Math.ceil(due - performance.now())
        handle = setTimeout(check, Math.min(Math.max(left, 0), LONGEST_TIMEOUT))
        handle.unref()
      }
      const check = (): void => {
        if (performance.now() < due) arm()
        else run()
      }
      arm()
      return { cancel: () => clearTimeout(handle) }
    },
  }
}

export interface ManualClock extends Clock {
  /** Moves time forward, running what falls due in order. */
  advance(ms: number): void
}

/** A clock that moves only when told. Wall time starts at 2026-01-01T00:00:00Z unless given. */
export function manualClock(startWallMs: number = Date.UTC(2026, 0, 1)): ManualClock {
  let now = 0
  let order = 0
  const pending: { due: number; order: number; run: () => void }[] = []
  return {
    now: () => now,
    wallNanos: () => BigInt(Math.round((startWallMs + now) * 1000)) * 1000n,
    after(ms, run) {
      const item = { due: now + Math.max(0, ms), order: order++, run }
      pending.push(item)
      return {
        cancel() {
          const at = pending.indexOf(item)
          if (at >= 0) pending.splice(at, 1)
        },
      }
    },
    advance(ms) {
      const until = now + ms
      for (;;) {
        pending.sort((a, b) => a.due - b.due || a.order - b.order)
        const next = pending[0]
        if (next === undefined || next.due > until) break
        pending.shift()
        now = next.due
        next.run()
      }
      now = until
    },
  }
}
