// Durations as Lua gives and gets them: nanoseconds, as a number where that is exact and as a bigint beyond 2^53.
// Most durations of a program are small; keeping them numbers makes measuring time cheap.

import { formatDuration, parseDuration } from '../../core/duration.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { LuaType, luaTypeName } from '../../lua/module.ts'

/** Whole nanoseconds within int64. */
export type Nanos = number | bigint

const MAX = 2n ** 63n - 1n
const MIN = -(2n ** 63n)

/** A number when exact, and within int64: longer spans stop there, as Go's do. */
export function nanosOf(exact: bigint): Nanos {
  const clamped = exact > MAX ? MAX : exact < MIN ? MIN : exact
  const small = Number(clamped)
  return Number.isSafeInteger(small) ? small : clamped
}

export function milliseconds(nanos: Nanos): number {
  return Number(nanos) / 1e6
}

/** A duration argument: nanoseconds, a string such as `1m30s`, or a Duration. Throws Invalid, prefixed with `what`. */
export function readDuration(argument: unknown, what: string): Nanos {
  if (durationType.is(argument)) return argument.value
  if (typeof argument === 'bigint') return nanosOf(argument)
  if (typeof argument === 'number') {
    if (Number.isSafeInteger(argument)) return argument + 0
    if (Number.isFinite(argument) && Math.abs(argument) < 2 ** 63) return nanosOf(BigInt(Math.trunc(argument)))
    throw moduleError('Invalid', `${what}: duration ${argument} is out of range`)
  }
  if (typeof argument === 'string') {
    try {
      return nanosOf(parseDuration(argument))
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      throw moduleError('Invalid', `${what}: ${error.text}`, { cause: error })
    }
  }
  throw moduleError('Invalid', `${what}: duration must be a number, string or Duration, got ${luaTypeName(argument)}`)
}

/** Whole units, cut towards zero. */
function whole(nanos: Nanos, unit: number): number {
  // `+ 0` makes 0 of -0, which Lua would print as such.
  return typeof nanos === 'number' ? Math.trunc(nanos / unit) + 0 : Number(nanos / BigInt(unit))
}

/** Units with a fraction, computed as Go does so that the last digit agrees. */
function fraction(nanos: Nanos, unit: number): number {
  if (typeof nanos === 'number') return Math.trunc(nanos / unit) + (nanos % unit) / unit
  return Number(nanos / BigInt(unit)) + Number(nanos % BigInt(unit)) / unit
}

export const durationType: LuaType<Nanos> = new LuaType<Nanos>({
  name: 'time.Duration',
  methods: {
    nanoseconds: (_call, nanos) => nanos,
    microseconds: (_call, nanos) => whole(nanos, 1e3),
    milliseconds: (_call, nanos) => whole(nanos, 1e6),
    seconds: (_call, nanos) => fraction(nanos, 1e9),
    minutes: (_call, nanos) => fraction(nanos, 60e9),
    hours: (_call, nanos) => fraction(nanos, 3600e9),
  },
  tostring: (nanos) => formatDuration(BigInt(nanos)),
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are the same duration
  equals: (a, b) => a == b,
  less: (a, b) => a < b,
})
