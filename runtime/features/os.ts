// The global `os`: time as Lua tells it, and nothing of the machine (spec/lua-modules.md §2).

import type { Clock } from '../core/clock.ts'
import { type Call, type LuaModule, number, optionalNumber, optionalTable, optionalText, raise } from '../lua/module.ts'

const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

interface Parts {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly min: number
  readonly sec: number
  readonly wday: number
  readonly yday: number
  readonly isdst: boolean
}

/** A moment's parts, local or in UTC. */
function parts(seconds: number, utc: boolean): Parts {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) raise('time result cannot be represented')
  const offset = utc ? 0 : offsetOf(date)
  const local = new Date(date.getTime() + offset * 60_000)
  const year = local.getUTCFullYear()
  return {
    year,
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    min: local.getUTCMinutes(),
    sec: local.getUTCSeconds(),
    wday: local.getUTCDay() + 1,
    yday: Math.floor((startOfDay(year, local.getUTCMonth(), local.getUTCDate()) - startOfDay(year, 0, 1)) / DAY) + 1,
    isdst: !utc && offset > standardOffset(year),
  }
}

const DAY = 86_400_000

/** Milliseconds of a day in UTC; `Date.UTC` takes years below 100 for those of the last century. */
function startOfDay(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day)
}

/** Minutes east of UTC. */
const offsetOf = (date: Date): number => -date.getTimezoneOffset()

/** The smaller offset of a year's two halves: in one of them no zone saves daylight. */
function standardOffset(year: number): number {
  return Math.min(offsetOf(new Date(startOfDay(year, 0, 1))), offsetOf(new Date(startOfDay(year, 6, 1))))
}

const two = (value: number): string => String(value).padStart(2, '0')

/** The year and week of ISO 8601: weeks start on Monday and belong to the year of their Thursday. */
function isoWeek({ year, wday, yday }: Parts): { year: number; week: number } {
  const thursday = new Date(startOfDay(year, 0, yday - ((wday + 5) % 7) + 3))
  const first = startOfDay(thursday.getUTCFullYear(), 0, 1)
  return { year: thursday.getUTCFullYear(), week: Math.floor((thursday.getTime() - first) / (7 * DAY)) + 1 }
}

/** `-0430`. */
function zoneOffset(minutes: number): string {
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
}

/** No format of sense is longer; `%c` in a text of megabytes would take seconds. */
const MAX_FORMAT = 1000

function formatted(template: string, seconds: number, utc: boolean, zoneAt: (second: number) => string): string {
  if (template.length > MAX_FORMAT) raise(`format of ${template.length} characters is too long`)
  const p = parts(seconds, utc)
  const dayName = dayNames[p.wday - 1] ?? ''
  const monthName = monthNames[p.month - 1] ?? ''
  const clock = `${two(p.hour)}:${two(p.min)}:${two(p.sec)}`
  const twelve = two(p.hour % 12 || 12)
  const half = p.hour < 12 ? 'AM' : 'PM'
  const date = `${two(p.month)}/${two(p.day)}/${two(p.year % 100)}`
  const iso = isoWeek(p)
  const codes: Record<string, () => string> = {
    a: () => dayName.slice(0, 3),
    A: () => dayName,
    b: () => monthName.slice(0, 3),
    B: () => monthName,
    c: () => `${dayName.slice(0, 3)} ${monthName.slice(0, 3)} ${String(p.day).padStart(2)} ${clock} ${p.year}`,
    C: () => two(Math.floor(p.year / 100)),
    d: () => two(p.day),
    D: () => date,
    e: () => String(p.day).padStart(2),
    F: () => `${p.year}-${two(p.month)}-${two(p.day)}`,
    g: () => two(iso.year % 100),
    G: () => String(iso.year),
    h: () => monthName.slice(0, 3),
    H: () => two(p.hour),
    I: () => twelve,
    j: () => String(p.yday).padStart(3, '0'),
    m: () => two(p.month),
    M: () => two(p.min),
    n: () => '\n',
    p: () => half,
    r: () => `${twelve}:${two(p.min)}:${two(p.sec)} ${half}`,
    R: () => `${two(p.hour)}:${two(p.min)}`,
    S: () => two(p.sec),
    t: () => '\t',
    T: () => clock,
    u: () => String(p.wday === 1 ? 7 : p.wday - 1),
    U: () => two(Math.floor((p.yday + 7 - p.wday) / 7)),
    V: () => two(iso.week),
    w: () => String(p.wday - 1),
    W: () => two(Math.floor((p.yday + 6 - ((p.wday + 5) % 7)) / 7)),
    x: () => date,
    X: () => clock,
    y: () => two(p.year % 100),
    Y: () => String(p.year),
    z: () => zoneOffset(utc ? 0 : offsetOf(new Date(seconds * 1000))),
    Z: () => (utc ? 'UTC' : zoneAt(seconds)),
    '%': () => '%',
  }
  return template.replace(/%(.)/g, (_whole, code: string) => {
    const text = Object.hasOwn(codes, code) ? codes[code] : undefined
    return text?.() ?? raise(`invalid conversion specifier '%${code}'`)
  })
}

export interface OsDeps {
  readonly clock: Clock
  /** How the zone of the machine is called at a second. */
  readonly zoneAt: (second: number) => string
}

export function osModule({ clock, zoneAt }: OsDeps): LuaModule {
  const started = clock.now()
  const seconds = (): number => Number(clock.wallNanos() / 1_000_000_000n)
  return {
    name: 'os',
    description: 'Time and date',
    traits: ['time', 'nondeterministic'],
    open: () => ({
      platform: 'wippy',
      clock: () => (clock.now() - started) / 1000,
      difftime: (_call: Call, later: unknown, earlier: unknown) =>
        number(later, 1, "'difftime'") - (optionalNumber(earlier, 2, "'difftime'") ?? 0),
      time: (_call: Call, argument: unknown) => {
        const table = optionalTable(argument, 1, "'time'")
        if (table === undefined) return seconds()
        const today = new Date(seconds() * 1000)
        const part = (name: string, fallback: number): number => {
          const value = table[name]
          return value === undefined || value === null ? fallback : number(value, 1, "'time'")
        }
        // What is missing of the date is today's, of the time 0: hours too, where stock Lua has 12.
        const date = new Date(0)
        date.setHours(0, 0, 0, 0)
        date.setFullYear(
          part('year', today.getFullYear()),
          part('month', today.getMonth() + 1) - 1,
          part('day', today.getDate()),
        )
        date.setHours(part('hour', 0), part('min', 0), part('sec', 0))
        const result = Math.floor(date.getTime() / 1000)
        return Number.isNaN(result) ? raise('time result cannot be represented') : result
      },
      date: (_call: Call, format: unknown, time: unknown) => {
        const given = optionalText(format, 1, "'date'") ?? '%c'
        const utc = given.startsWith('!')
        const template = utc ? given.slice(1) : given
        const moment = optionalNumber(time, 2, "'date'") ?? seconds()
        return template.startsWith('*t') ? { ...parts(moment, utc) } : formatted(template, moment, utc, zoneAt)
      },
    }),
  }
}
