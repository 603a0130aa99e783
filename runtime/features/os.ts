// The global `os`: time as Lua tells it, and nothing of the machine (spec/lua-modules.md §2).

import type { Clock } from '../core/clock.ts'
import { type Call, type LuaModule, number, optionalNumber, optionalText, raise } from '../lua/module.ts'

type Fields = { [key: string]: unknown }
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

/** A moment's parts, local or in UTC. */
function parts(
  seconds: number,
  utc: boolean,
): Record<'year' | 'month' | 'day' | 'hour' | 'min' | 'sec' | 'wday' | 'yday', number> {
  const date = new Date(seconds * 1000)
  const local = utc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  const year = local.getUTCFullYear()
  return {
    year,
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    min: local.getUTCMinutes(),
    sec: local.getUTCSeconds(),
    wday: local.getUTCDay() + 1,
    yday: Math.floor((Date.UTC(year, local.getUTCMonth(), local.getUTCDate()) - Date.UTC(year, 0, 1)) / 86_400_000) + 1,
  }
}

const two = (value: number): string => String(value).padStart(2, '0')

/** No format of sense is longer; `%c` in a text of megabytes would take seconds. */
const MAX_FORMAT = 1000

function formatted(template: string, seconds: number, utc: boolean): string {
  if (template.length > MAX_FORMAT) raise(`format of ${template.length} characters is too long`)
  const p = parts(seconds, utc)
  const dayName = dayNames[p.wday - 1] ?? ''
  const monthName = monthNames[p.month - 1] ?? ''
  const codes: Record<string, string> = {
    a: dayName.slice(0, 3),
    A: dayName,
    b: monthName.slice(0, 3),
    B: monthName,
    c: `${dayName.slice(0, 3)} ${monthName.slice(0, 3)} ${String(p.day).padStart(2)} ${two(p.hour)}:${two(p.min)}:${two(p.sec)} ${p.year}`,
    d: two(p.day),
    D: `${two(p.month)}/${two(p.day)}/${two(p.year % 100)}`,
    F: `${p.year}-${two(p.month)}-${two(p.day)}`,
    H: two(p.hour),
    I: two(p.hour % 12 || 12),
    j: String(p.yday).padStart(3, '0'),
    m: two(p.month),
    M: two(p.min),
    n: '\n',
    p: p.hour < 12 ? 'AM' : 'PM',
    S: two(p.sec),
    t: '\t',
    T: `${two(p.hour)}:${two(p.min)}:${two(p.sec)}`,
    w: String(p.wday - 1),
    x: `${two(p.month)}/${two(p.day)}/${two(p.year % 100)}`,
    X: `${two(p.hour)}:${two(p.min)}:${two(p.sec)}`,
    y: two(p.year % 100),
    Y: String(p.year),
    Z: utc ? 'UTC' : 'Local',
    '%': '%',
  }
  return template.replace(
    /%(.)/g,
    (_whole, code: string) => codes[code] ?? raise(`invalid conversion specifier '%${code}'`),
  )
}

export function osModule({ clock }: { readonly clock: Clock }): LuaModule {
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
      time: (_call: Call, table?: Fields) => {
        if (table === undefined || table === null) return seconds()
        const part = (name: string, fallback?: number): number => {
          const value = table[name] ?? fallback
          return value === undefined ? raise(`field '${name}' missing in date table`) : number(value, 1, "'time'")
        }
        // Absent hours are 0 here, 12 in stock Lua (spec typed-lua, dialect).
        const date = new Date(
          part('year'),
          part('month') - 1,
          part('day'),
          part('hour', 0),
          part('min', 0),
          part('sec', 0),
        )
        return Math.floor(date.getTime() / 1000)
      },
      date: (_call: Call, format: unknown, time: unknown) => {
        const given = optionalText(format, 1, "'date'") ?? '%c'
        const utc = given.startsWith('!')
        const template = utc ? given.slice(1) : given
        const moment = optionalNumber(time, 2, "'date'") ?? seconds()
        return template.startsWith('*t') ? { ...parts(moment, utc), isdst: false } : formatted(template, moment, utc)
      },
    }),
  }
}
