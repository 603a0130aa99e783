// Waiting: sleeps, one-shot timers and tickers of a process, on the injected clock. All of them end with their process.

import type { Clock, Timer } from '../../core/clock.ts'
import { RuntimeError } from '../../core/error.ts'
import type { Call, LuaChannel } from '../../lua/module.ts'
import type { Process } from '../../process/process.ts'

/** Timers alive at once in a process that works for code made at run time (design/PROMISES.md, P7). */
const CONFINED_LIMIT = 10_000

/** Milliseconds of CPU that a timer which fires is worth: a thousand tickers of a nanosecond are work too. */
const FIRING_MS = 0.002

/** Counts the firing of a timer for its process; false when that was more than the process may use, and its end. */
function paidFor(call: Call): boolean {
  try {
    call.charge(FIRING_MS)
    return true
  } catch (error) {
    if (error instanceof RuntimeError) return false
    throw error
  }
}

function limitOf({ frame, process }: Call): number {
  const own = process.limits?.timers ?? Number.POSITIVE_INFINITY
  return frame.confinement === undefined ? own : Math.min(own, CONFINED_LIMIT)
}

/** What every process has armed. One owned resource per process, not per timer: timers are made in tight loops. */
export class ProcessTimers {
  readonly #clock: Clock
  readonly #armed = new WeakMap<Process, Map<Timer, () => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  /** Runs once after `ms`, unless cancelled or the process ends first (then `abandoned` runs). Throws LimitExceeded when it has too many. */
  arm(call: Call, ms: number, run: () => void, abandoned: () => void = () => undefined): Timer {
    const armed = this.#of(call)
    const most = limitOf(call)
    if (armed.size >= most) {
      throw new RuntimeError('LimitExceeded', `timers: ${armed.size + 1} exceeds the limit of ${most}`)
    }
    const pending = this.#clock.after(ms, () => {
      armed.delete(timer)
      if (paidFor(call)) run()
    })
    const timer: Timer = {
      cancel() {
        armed.delete(timer)
        pending.cancel()
      },
    }
    armed.set(timer, abandoned)
    return timer
  }

  #of(call: Call): Map<Timer, () => void> {
    const known = this.#armed.get(call.process)
    if (known !== undefined) return known
    const armed = new Map<Timer, () => void>()
    this.#armed.set(call.process, armed)
    call.own({
      close() {
        for (const [timer, abandoned] of [...armed]) {
          timer.cancel()
          abandoned()
        }
      },
    })
    return armed
  }
}

const sleepCancelled = new RuntimeError('Canceled', 'time.sleep: cancelled')

/** Resolves after `ms`; rejects with Canceled as soon as the call is cancelled. */
export function sleep(timers: ProcessTimers, call: Call, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // Neither a signal nor an error of its own for each: a process may have ten thousand sleepers, which end together.
    const cancelled = (): void => reject(sleepCancelled)
    if (call.process.ended) cancelled()
    else timers.arm(call, ms, resolve, cancelled)
  })
}

/** A timer that fires once and can be stopped and set again. Its channel never closes: a reset may still feed it. */
export class OneShot {
  readonly channel: LuaChannel
  readonly #timers: ProcessTimers
  readonly #fire: (channel: LuaChannel) => void
  #pending: Timer | undefined

  constructor(timers: ProcessTimers, call: Call, fire: (channel: LuaChannel) => void) {
    this.channel = call.channel(1)
    this.#timers = timers
    this.#fire = fire
  }

  /** True when it was running. */
  stop(): boolean {
    const running = this.#pending !== undefined
    this.#pending?.cancel()
    this.#pending = undefined
    return running
  }

  /** Starts it over; true when it was running. */
  reset(call: Call, ms: number): boolean {
    const running = this.stop()
    this.#pending = this.#timers.arm(call, ms, () => {
      this.#pending = undefined
      this.#fire(this.channel)
    })
    return running
  }
}

const TICKS_KEPT = 16

/** Fires at multiples of its interval since it was made, however late each tick was; ticks nobody takes are dropped. */
export class Ticker {
  readonly channel: LuaChannel
  readonly #timers: ProcessTimers
  readonly #call: Call
  readonly #fire: (channel: LuaChannel) => void
  readonly #interval: number
  readonly #start: number
  #pending: Timer | undefined

  constructor(timers: ProcessTimers, call: Call, interval: number, fire: (channel: LuaChannel) => void) {
    this.channel = call.channel(TICKS_KEPT)
    this.#timers = timers
    this.#call = call
    this.#fire = fire
    this.#interval = interval
    this.#start = timers.now()
    this.#arm(this.#start)
  }

  stop(): void {
    this.#pending?.cancel()
    this.#pending = undefined
  }

  /** For the first beat after `from`. */
  #arm(from: number): void {
    const passed = Math.floor((from - this.#start) / this.#interval)
    const next = this.#start + (passed + 1) * this.#interval
    this.#pending = this.#timers.arm(this.#call, next - this.#timers.now(), () => {
      // A timer of the machine may fire a moment early: then this tick counts, and the next one is a whole interval away.
      this.#arm(Math.max(next, this.#timers.now()))
      this.#fire(this.channel)
    })
  }
}
