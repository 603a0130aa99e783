// A point in time with a zone to show it in, and the arithmetic on it, with the rules of Go's time.Time.

import { civilFromDays, daysFromCivil, weekdayOf, yearDayOf } from './civil.ts'
import { type Nanos, nanosOf } from './duration.ts'
import type { Location } from './location.ts'

/** Two numbers instead of one bigint: taking and comparing times allocates nothing else. */
export interface Instant {
  /** Whole seconds since 1970-01-01T00:00:00Z, rounded down. */
  readonly second: number
  /** 0 to 999 999 999 */
  readonly nano: number
  readonly location: Location
}

/** The wall clock of an instant in its zone. */
export interface Wall {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nano: number
  readonly weekday: number
  readonly yearDay: number
  readonly offset: number
  readonly abbreviation: string
}

const DAY = 86_400
const BILLION = 1_000_000_000

/** 0001-01-01T00:00:00Z, the zero time; rounding counts from here. */
export const ZERO_SECOND = -62_135_596_800

export function wallOf(instant: Instant): Wall {
  const { abbreviation, offset } = instant.location.lookup(instant.second)
  const local = instant.second + offset
  const days = Math.floor(local / DAY)
  const rest = local - days * DAY
  const date = civilFromDays(days)
  return {
    ...date,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
    nano: instant.nano,
    weekday: weekdayOf(days),
    yearDay: yearDayOf(days, date.year),
    offset,
    abbreviation,
  }
}

/** The components of a wall clock; all may lie outside their usual range and carry over, as in Go's time.Date. */
export interface WallParts {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nano: number
}

/** In a gap or overlap of the zone's clock: one of the two possible instants, the same one as Go's. */
export function instantOf(parts: WallParts, location: Location): Instant {
  const months = parts.month - 1
  const year = parts.year + Math.floor(months / 12)
  const month = months - Math.floor(months / 12) * 12 + 1
  const carry = Math.floor(parts.nano / BILLION)
  const days = daysFromCivil(year, month, parts.day)
  const wall = days * DAY + parts.hour * 3600 + parts.minute * 60 + parts.second + carry
  return { second: wall - offsetAt(wall, location), nano: parts.nano - carry * BILLION, location }
}

/** Takes the wall second for UTC, and corrects once when the zone changed in between. */
function offsetAt(wall: number, location: Location): number {
  const { offset, start, end } = location.lookup(wall)
  if (offset === 0) return 0
  const instant = wall - offset
  return instant >= start && instant < end ? offset : location.lookup(instant).offset
}

/** True when every instant computed from this one stays exact. */
export function isRepresentable(instant: Instant): boolean {
  return Math.abs(instant.second) <= 2 ** 52
}

export function add(instant: Instant, nanos: Nanos): Instant {
  const big = typeof nanos === 'bigint'
  const seconds = big ? Number(nanos / 1_000_000_000n) : Math.trunc(nanos / BILLION)
  const nano = instant.nano + (big ? Number(nanos % 1_000_000_000n) : nanos % BILLION)
  const carry = Math.floor(nano / BILLION)
  return { second: instant.second + seconds + carry, nano: nano - carry * BILLION, location: instant.location }
}

/** `a - b`. */
export function subtract(a: Instant, b: Instant): Nanos {
  const seconds = a.second - b.second
  const nanos = seconds * BILLION + (a.nano - b.nano)
  if (Number.isSafeInteger(nanos) && Math.abs(seconds) < 9_000_000) return nanos
  return nanosOf(BigInt(seconds) * 1_000_000_000n + BigInt(a.nano - b.nano))
}

export function addDate(instant: Instant, years: number, months: number, days: number): Instant {
  const wall = wallOf(instant)
  const moved = { ...wall, year: wall.year + years, month: wall.month + months, day: wall.day + days }
  return instantOf(moved, instant.location)
}

/** Negative when a is before b. */
export function compare(a: Instant, b: Instant): number {
  return a.second - b.second || a.nano - b.nano
}

export function unixNano(instant: Instant): Nanos {
  const exact = BigInt.asIntN(64, BigInt(instant.second) * 1_000_000_000n + BigInt(instant.nano))
  const small = Number(exact)
  return Number.isSafeInteger(small) ? small : exact
}

/** Down to a multiple of the duration since the zero time; unchanged for durations that are not positive. */
export function truncate(instant: Instant, nanos: Nanos): Instant {
  return nanos <= 0 ? instant : add(instant, nanosOf(-remainder(instant, BigInt(nanos))))
}

/** To the nearest multiple, halves up. */
export function round(instant: Instant, nanos: Nanos): Instant {
  if (nanos <= 0) return instant
  const step = BigInt(nanos)
  const rest = remainder(instant, step)
  return add(instant, nanosOf(rest + rest < step ? -rest : step - rest))
}

function remainder(instant: Instant, step: bigint): bigint {
  const total = BigInt(instant.second - ZERO_SECOND) * 1_000_000_000n + BigInt(instant.nano)
  const rest = total % step
  return rest < 0n ? rest + step : rest
}
