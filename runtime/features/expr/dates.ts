// Times of expr-lang: `now()`, `date(text, layout?, zone?)` and the methods of Go's time.Time that expressions use.

import { ExprError } from './failure.ts'

/** A moment in nanoseconds since 1970, seen at an offset from UTC. */
export class ExprTime {
  readonly nanos: bigint
  readonly offsetSeconds: number
  readonly zone: string

  constructor(nanos: bigint, offsetSeconds = 0, zone = 'UTC') {
    this.nanos = nanos
    this.offsetSeconds = offsetSeconds
    this.zone = zone
  }

  plus(nanos: bigint): ExprTime {
    return new ExprTime(this.nanos + nanos, this.offsetSeconds, this.zone)
  }

  /** A Date whose UTC fields are this time's own fields. */
  get fields(): Date {
    return new Date(Number(floorDiv(this.nanos, 1_000_000n)) + this.offsetSeconds * 1000)
  }

  get nanosecond(): number {
    return Number(((this.nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)
  }
}

const months = 'January February March April May June July August September October November December'.split(' ')
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

interface Parsed {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  nanos: bigint
  afternoon?: boolean
  offset?: number
  zone?: string
}

interface LayoutPart {
  readonly text: string
  readonly pattern: string
  read?(parsed: Parsed, found: string): void
  write(time: ExprTime, fields: Date): string
}

const two = (value: number): string => String(value).padStart(2, '0')
const nameIn = (names: readonly string[], found: string): number =>
  names.findIndex((name) => name.slice(0, 3).toLowerCase() === found.slice(0, 3).toLowerCase())
const hour12 = (fields: Date): number => fields.getUTCHours() % 12 || 12

// Go's reference time, cut into its parts; the longer of two that begin alike stands first.
const parts: readonly LayoutPart[] = [
  {
    text: 'January',
    pattern: months.join('|'),
    read: (p, s) => (p.month = nameIn(months, s) + 1),
    write: (_, f) => months[f.getUTCMonth()] ?? '',
  },
  {
    text: 'Jan',
    pattern: months.map((m) => m.slice(0, 3)).join('|'),
    read: (p, s) => (p.month = nameIn(months, s) + 1),
    write: (_, f) => (months[f.getUTCMonth()] ?? '').slice(0, 3),
  },
  { text: 'Monday', pattern: days.join('|'), write: (_, f) => days[f.getUTCDay()] ?? '' },
  {
    text: 'Mon',
    pattern: days.map((d) => d.slice(0, 3)).join('|'),
    write: (_, f) => (days[f.getUTCDay()] ?? '').slice(0, 3),
  },
  { text: 'MST', pattern: '[A-Z]{3,5}', read: (p, s) => (p.zone = s), write: (t) => t.zone },
  {
    text: '2006',
    pattern: '\\d{4}',
    read: (p, s) => (p.year = Number(s)),
    write: (_, f) => String(f.getUTCFullYear()).padStart(4, '0'),
  },
  {
    text: '-07:00',
    pattern: '[+-]\\d{2}:\\d{2}',
    read: (p, s) => (p.offset = offsetOf(s)),
    write: (t) => offsetText(t, ':'),
  },
  { text: '-0700', pattern: '[+-]\\d{4}', read: (p, s) => (p.offset = offsetOf(s)), write: (t) => offsetText(t, '') },
  {
    text: 'Z07:00',
    pattern: 'Z|[+-]\\d{2}:\\d{2}',
    read: (p, s) => (p.offset = s === 'Z' ? 0 : offsetOf(s)),
    write: (t) => (t.offsetSeconds === 0 ? 'Z' : offsetText(t, ':')),
  },
  { text: '01', pattern: '\\d{2}', read: (p, s) => (p.month = Number(s)), write: (_, f) => two(f.getUTCMonth() + 1) },
  { text: '02', pattern: '\\d{2}', read: (p, s) => (p.day = Number(s)), write: (_, f) => two(f.getUTCDate()) },
  {
    text: '_2',
    pattern: '[ \\d]\\d',
    read: (p, s) => (p.day = Number(s)),
    write: (_, f) => String(f.getUTCDate()).padStart(2, ' '),
  },
  { text: '03', pattern: '\\d{2}', read: (p, s) => (p.hour = Number(s)), write: (_, f) => two(hour12(f)) },
  { text: '04', pattern: '\\d{2}', read: (p, s) => (p.minute = Number(s)), write: (_, f) => two(f.getUTCMinutes()) },
  { text: '05', pattern: '\\d{2}(?:\\.\\d{1,9})?', read: readSecond, write: (_, f) => two(f.getUTCSeconds()) },
  {
    text: '06',
    pattern: '\\d{2}',
    read: (p, s) => (p.year = Number(s) + (Number(s) >= 69 ? 1900 : 2000)),
    write: (_, f) => two(f.getUTCFullYear() % 100),
  },
  { text: '15', pattern: '\\d{2}', read: (p, s) => (p.hour = Number(s)), write: (_, f) => two(f.getUTCHours()) },
  {
    text: 'PM',
    pattern: 'AM|PM',
    read: (p, s) => (p.afternoon = s === 'PM'),
    write: (_, f) => (f.getUTCHours() >= 12 ? 'PM' : 'AM'),
  },
  {
    text: 'pm',
    pattern: 'am|pm',
    read: (p, s) => (p.afternoon = s === 'pm'),
    write: (_, f) => (f.getUTCHours() >= 12 ? 'pm' : 'am'),
  },
  {
    text: '1',
    pattern: '\\d{1,2}',
    read: (p, s) => (p.month = Number(s)),
    write: (_, f) => String(f.getUTCMonth() + 1),
  },
  { text: '2', pattern: '\\d{1,2}', read: (p, s) => (p.day = Number(s)), write: (_, f) => String(f.getUTCDate()) },
  { text: '3', pattern: '\\d{1,2}', read: (p, s) => (p.hour = Number(s)), write: (_, f) => String(hour12(f)) },
  {
    text: '4',
    pattern: '\\d{1,2}',
    read: (p, s) => (p.minute = Number(s)),
    write: (_, f) => String(f.getUTCMinutes()),
  },
  { text: '5', pattern: '\\d{1,2}(?:\\.\\d{1,9})?', read: readSecond, write: (_, f) => String(f.getUTCSeconds()) },
]

const fractionPart = /^[.,](0+|9+)(?!\d)/

/** What `date(text)` tries in this order. */
const defaultLayouts = [
  '2006-01-02',
  '15:04:05',
  '2006-01-02 15:04:05',
  '2006-01-02T15:04:05Z07:00',
  '02 Jan 06 15:04 MST',
  'Monday, 02-Jan-06 15:04:05 MST',
  'Mon, 02 Jan 2006 15:04:05 MST',
]

/** The moment a text names. Without a layout the documented ones are tried. */
export function parseDate(text: string, layout: string | undefined, zone: string | undefined): ExprTime {
  for (const candidate of layout === undefined ? defaultLayouts : [layout]) {
    const time = parseWith(text, candidate, zone)
    if (time !== undefined) return time
  }
  const wanted = layout === undefined ? '' : ` as ${JSON.stringify(layout)}`
  throw new ExprError(`invalid date ${JSON.stringify(text)}${wanted}`)
}

/** Text of a time by a Go layout; without one as Go prints a time. */
export function formatTime(time: ExprTime, layout = '2006-01-02 15:04:05 -0700 MST'): string {
  return cut(layout)
    .map((piece) => (typeof piece === 'string' ? (fractionOf(piece, time) ?? piece) : piece.write(time, time.fields)))
    .join('')
}

function parseWith(text: string, layout: string, zone: string | undefined): ExprTime | undefined {
  const pieces = cut(layout)
  const sources = pieces.map((piece) => {
    if (typeof piece !== 'string') return `(${piece.pattern})`
    return fractionPart.test(piece) ? '(?:[.,]\\d+)?' : `${piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`
  })
  const found = new RegExp(`^${sources.join('')}$`).exec(text)
  if (found === null) return undefined
  const parsed: Parsed = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanos: 0n }
  let group = 1
  for (const piece of pieces) {
    if (typeof piece !== 'string') piece.read?.(parsed, found[group++] ?? '')
  }
  return momentOf(parsed, zone)
}

function momentOf(parsed: Parsed, zone: string | undefined): ExprTime | undefined {
  const { year, month, day, minute, second } = parsed
  let hour = parsed.hour
  if (parsed.afternoon !== undefined) hour = (hour % 12) + (parsed.afternoon ? 12 : 0)
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  const kept = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  if (!kept) return undefined
  const wall = BigInt(date.getTime()) * 1_000_000n + parsed.nanos
  if (parsed.offset !== undefined)
    return new ExprTime(
      wall - BigInt(parsed.offset) * 1_000_000_000n,
      parsed.offset,
      parsed.zone ?? (parsed.offset === 0 ? 'UTC' : ''),
    )
  if (zone === undefined) return new ExprTime(wall, 0, parsed.zone ?? 'UTC')
  // Go's rule: take the offset at the wall time, correct once if that lands in another period.
  const guess = zoneOffset(zone, date.getTime())
  const settled = zoneOffset(zone, date.getTime() - guess * 1000)
  return new ExprTime(wall - BigInt(settled) * 1_000_000_000n, settled, zone)
}

function zoneOffset(zone: string, unixMs: number): number {
  if (zone === 'UTC' || zone === '') return 0
  try {
    const shown = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).format(unixMs)
    return offsetOf(/GMT([+-]\d{2}:\d{2})/.exec(shown)?.[1] ?? '+00:00')
  } catch (error) {
    if (error instanceof RangeError) throw new ExprError(`unknown time zone ${zone}`)
    throw error
  }
}

function cut(layout: string): (string | LayoutPart)[] {
  const pieces: (string | LayoutPart)[] = []
  let at = 0
  while (at < layout.length) {
    const fraction = fractionPart.exec(layout.slice(at))?.[0]
    const part = fraction === undefined ? parts.find((candidate) => layout.startsWith(candidate.text, at)) : undefined
    pieces.push(part ?? fraction ?? (layout[at] as string)) // at is inside the text
    at += (part?.text ?? fraction ?? ' ').length
  }
  return pieces
}

function fractionOf(piece: string, time: ExprTime): string | undefined {
  if (!fractionPart.test(piece)) return undefined
  const digits = String(time.nanosecond)
    .padStart(9, '0')
    .slice(0, piece.length - 1)
  if (piece[1] === '0') return `${piece[0]}${digits}`
  const trimmed = digits.replace(/0+$/, '')
  return trimmed === '' ? '' : `${piece[0]}${trimmed}`
}

function readSecond(parsed: Parsed, found: string): void {
  const [whole, fraction] = found.split('.')
  parsed.second = Number(whole)
  if (fraction !== undefined) parsed.nanos = BigInt(fraction.padEnd(9, '0'))
}

function offsetOf(text: string): number {
  const digits = text.replace(':', '')
  const sign = digits.startsWith('-') ? -1 : 1
  return sign * (Number(digits.slice(1, 3)) * 3600 + Number(digits.slice(3, 5)) * 60)
}

function offsetText(time: ExprTime, separator: string): string {
  const minutes = Math.abs(Math.trunc(time.offsetSeconds / 60))
  return `${time.offsetSeconds < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}${separator}${two(minutes % 60)}`
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}
