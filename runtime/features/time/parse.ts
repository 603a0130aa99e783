// Reading times by a layout, as Go's time.ParseInLocation: what it accepts, what it assumes, and how it says what is wrong.

import { moduleError, type RuntimeError } from '../../core/error.ts'
import { daysInMonth, isLeapYear } from './civil.ts'
import { type Instant, instantOf } from './instant.ts'
import { type Element, type Layout, monthNames, weekdayNames } from './layout.ts'
import { fixedZone, type Location, utc } from './location.ts'

interface Fields {
  year: number
  month: number | undefined
  day: number | undefined
  yearDay: number | undefined
  hour: number
  minute: number
  second: number
  nano: number
  half: 'am' | 'pm' | undefined
  zone: Location | undefined
  offset: number | undefined
  abbreviation: string
}

interface Reader {
  /** What is left of the text. */
  rest: string
  readonly fields: Fields
}

/** Thrown by element readers: the text is no such element, or its value is out of range. */
class Mismatch extends Error {
  /** Undefined: the text does not have the form at all. */
  readonly outOfRange: string | undefined
  constructor(outOfRange?: string) {
    super('mismatch')
    this.outOfRange = outOfRange
  }
}

/** The instant a text means. `location` is where times without an offset are, and which abbreviations are known. */
export function parseInstant(layoutText: string, layout: Layout, text: string, location: Location): Instant {
  const fields: Fields = {
    year: 0,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nano: 0,
    half: undefined,
    zone: undefined,
    offset: undefined,
    abbreviation: '',
  }
  const reader: Reader = { rest: text, fields }
  const cannot = (value: string, element: string): RuntimeError =>
    failure(text, ` as ${quote(layoutText)}: cannot parse ${quote(value)} as ${quote(element)}`)
  layout.elements.forEach((element, i) => {
    skip(reader, element.prefix, cannot)
    const left = reader.rest
    try {
      readers[element.kind](reader, element, layout.elements[i + 1])
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error
      if (error.outOfRange !== undefined) throw failure(text, `: ${error.outOfRange} out of range`)
      throw cannot(left, element.text)
    }
  })
  skip(reader, layout.suffix, cannot)
  if (reader.rest !== '') throw failure(text, `: extra text: ${quote(reader.rest)}`)
  return assemble(fields, text, location)
}

/** Moves past a literal of the layout. A space there stands for any number of spaces, and for none at the end. */
function skip(reader: Reader, literal: string, cannot: (value: string, element: string) => RuntimeError): void {
  let wanted = 0
  let at = 0
  const text = reader.rest
  while (wanted < literal.length) {
    if (literal[wanted] === ' ') {
      if (at < text.length && text[at] !== ' ') throw cannot(text.slice(at), literal)
      while (literal[wanted] === ' ') wanted++
      while (text[at] === ' ') at++
      continue
    }
    if (text[at] !== literal[wanted]) throw cannot(text.slice(at), literal)
    wanted++
    at++
  }
  reader.rest = text.slice(at)
}

type ElementReader = (reader: Reader, element: Element, next: Element | undefined) => void

const readers: Readonly<Record<Element['kind'], ElementReader>> = {
  January: (reader) => void (reader.fields.month = name(reader, monthNames) + 1),
  Jan: (reader) => void (reader.fields.month = name(reader, shortMonths) + 1),
  '1': (reader) => void (reader.fields.month = within(digits(reader, 1), 1, 12, 'month')),
  '01': (reader) => void (reader.fields.month = within(digits(reader, 2), 1, 12, 'month')),
  Monday: (reader) => void name(reader, weekdayNames),
  Mon: (reader) => void name(reader, shortWeekdays),
  '2': (reader) => void (reader.fields.day = digits(reader, 1)),
  _2(reader) {
    if (reader.rest.startsWith(' ')) reader.rest = reader.rest.slice(1)
    reader.fields.day = digits(reader, 1)
  },
  '02': (reader) => void (reader.fields.day = digits(reader, 2)),
  __2(reader) {
    reader.rest = reader.rest.replace(/^ {1,2}/, '')
    reader.fields.yearDay = Number(take(reader, /^\d{1,3}/))
  },
  '002': (reader) => void (reader.fields.yearDay = Number(take(reader, /^\d{3}/))),
  '15': (reader) => void (reader.fields.hour = within(digits(reader, 1), 0, 23, 'hour')),
  '3': (reader) => void (reader.fields.hour = within(digits(reader, 1), 0, 12, 'hour')),
  '03': (reader) => void (reader.fields.hour = within(digits(reader, 2), 0, 12, 'hour')),
  '4': (reader) => void (reader.fields.minute = within(digits(reader, 1), 0, 59, 'minute')),
  '04': (reader) => void (reader.fields.minute = within(digits(reader, 2), 0, 59, 'minute')),
  '5': (reader, _element, next) => seconds(reader, 1, next),
  '05': (reader, _element, next) => seconds(reader, 2, next),
  '2006': (reader) => void (reader.fields.year = Number(take(reader, /^\d{4}/))),
  '06'(reader) {
    const short = Number(take(reader, /^\d\d/))
    reader.fields.year = short >= 69 ? short + 1900 : short + 2000
  },
  PM: (reader) => void (reader.fields.half = take(reader, /^[AP]M/) === 'PM' ? 'pm' : 'am'),
  pm: (reader) => void (reader.fields.half = take(reader, /^[ap]m/) === 'pm' ? 'pm' : 'am'),
  MST: (reader) => zoneName(reader),
  offset: (reader, element) => zoneOffset(reader, element.text),
  fraction(reader, element) {
    // `.999` is optional and takes as many digits as there are; `.000` is exact.
    if (element.text[1] === '9') {
      if (/^[.,]\d/.test(reader.rest)) reader.fields.nano = nanos(take(reader, /^[.,]\d+/))
      return
    }
    const length = element.text.length
    if (!/^[.,]\d+$/.test(reader.rest.slice(0, length)) || reader.rest.length < length) throw new Mismatch()
    reader.fields.nano = nanos(reader.rest.slice(0, length))
    reader.rest = reader.rest.slice(length)
  },
}

const shortMonths = monthNames.map((month) => month.slice(0, 3))
const shortWeekdays = weekdayNames.map((day) => day.slice(0, 3))

function take(reader: Reader, form: RegExp): string {
  const found = form.exec(reader.rest)?.[0]
  if (found === undefined) throw new Mismatch()
  reader.rest = reader.rest.slice(found.length)
  return found
}

/** One or two digits, two when `least` is 2. */
function digits(reader: Reader, least: 1 | 2): number {
  return Number(take(reader, least === 2 ? /^\d\d/ : /^\d\d?/))
}

function within(value: number, low: number, high: number, what: string): number {
  if (value < low || value > high) throw new Mismatch(what)
  return value
}

function name(reader: Reader, names: readonly string[]): number {
  const lower = reader.rest.slice(0, 9).toLowerCase()
  const index = names.findIndex((candidate) => lower.startsWith(candidate.toLowerCase()))
  if (index < 0) throw new Mismatch()
  reader.rest = reader.rest.slice((names[index] ?? '').length)
  return index
}

/** A fraction after the seconds is read even when the layout has none. */
function seconds(reader: Reader, least: 1 | 2, next: Element | undefined): void {
  reader.fields.second = within(digits(reader, least), 0, 59, 'second')
  if (/^[.,]\d/.test(reader.rest) && next?.kind !== 'fraction') reader.fields.nano = nanos(take(reader, /^[.,]\d+/))
}

/** Nanoseconds of `.123`; digits beyond the ninth are dropped. */
function nanos(fraction: string): number {
  return Number(fraction.slice(1, 10).padEnd(9, '0'))
}

const offsetForms: Readonly<Record<string, RegExp>> = {
  '07': /^([-+])(\d\d)/,
  '0700': /^([-+])(\d\d)(\d\d)/,
  '07:00': /^([-+])(\d\d):(\d\d)/,
  '070000': /^([-+])(\d\d)(\d\d)(\d\d)/,
  '07:00:00': /^([-+])(\d\d):(\d\d):(\d\d)/,
}

function zoneOffset(reader: Reader, text: string): void {
  if (text.startsWith('Z') && reader.rest.startsWith('Z')) {
    reader.rest = reader.rest.slice(1)
    reader.fields.zone = utc
    return
  }
  const [whole = '', sign, hours, minutes = '0', secs = '0'] = offsetForms[text.slice(1)]?.exec(reader.rest) ?? []
  if (whole === '') throw new Mismatch()
  // 24 hours and 60 minutes are accepted: some people write them.
  within(Number(hours), 0, 24, 'time zone offset hour')
  within(Number(minutes), 0, 60, 'time zone offset minute')
  within(Number(secs), 0, 60, 'time zone offset second')
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(secs)
  reader.fields.offset = sign === '-' ? -offset : offset
  reader.rest = reader.rest.slice(whole.length)
}

function zoneName(reader: Reader): void {
  if (reader.rest.startsWith('UTC')) {
    reader.fields.zone = utc
    reader.rest = reader.rest.slice(3)
    return
  }
  const length = abbreviationLength(reader.rest)
  if (length === 0) throw new Mismatch()
  reader.fields.abbreviation = reader.rest.slice(0, length)
  reader.rest = reader.rest.slice(length)
}

/** How much of a text is a zone abbreviation: three letters, four or five ending in T, `GMT+3`, `+03`. */
function abbreviationLength(text: string): number {
  if (text.length < 3) return 0
  if (/^(?:ChST|MeST)/.test(text)) return 4
  if (text.startsWith('GMT')) return 3 + signedHours(text.slice(3))
  if (/^[-+]/.test(text)) return signedHours(text)
  const upper = /^[A-Z]{0,6}/.exec(text)?.[0] ?? ''
  if (upper.length === 3) return 3
  if (upper.length === 4) return upper.endsWith('T') || upper === 'WITA' ? 4 : 0
  return upper.length === 5 && upper.endsWith('T') ? 5 : 0
}

function signedHours(text: string): number {
  const found = /^[-+](\d+)/.exec(text)
  return found === null || Number(found[1]) > 23 ? 0 : found[0].length
}

function assemble(fields: Fields, text: string, location: Location): Instant {
  let { hour } = fields
  if (fields.half === 'pm' && hour < 12) hour += 12
  else if (fields.half === 'am' && hour === 12) hour = 0
  const { month, day } = dateOf(fields, text)
  if (day < 1 || day > daysInMonth(month, fields.year)) throw failure(text, ': day out of range')
  const parts = { year: fields.year, month, day, hour, minute: fields.minute, second: fields.second, nano: fields.nano }
  if (fields.zone !== undefined) return instantOf(parts, fields.zone)
  const plain = instantOf(parts, utc)
  const { offset, abbreviation } = fields
  if (offset !== undefined) {
    const second = plain.second - offset
    const local = location.lookup(second)
    const known = local.offset === offset && (abbreviation === '' || local.abbreviation === abbreviation)
    return { second, nano: plain.nano, location: known ? location : fixedZone(abbreviation, offset) }
  }
  if (abbreviation === '') return instantOf(parts, location)
  const known = location.offsetOf(abbreviation, plain.second)
  if (known !== undefined) return { second: plain.second - known, nano: plain.nano, location }
  // An unknown abbreviation keeps its name and counts as UTC; `GMT+3` shows its offset, but the instant is not moved by it.
  const hours = /^GMT([-+]\d+)$/.exec(abbreviation)?.[1]
  return { ...plain, location: fixedZone(abbreviation, hours === undefined ? 0 : Number(hours) * 3600) }
}

function dateOf(fields: Fields, text: string): { month: number; day: number } {
  const { year, yearDay } = fields
  if (yearDay === undefined) return { month: fields.month ?? 1, day: fields.day ?? 1 }
  if (yearDay < 1 || yearDay > (isLeapYear(year) ? 366 : 365)) throw failure(text, ': day-of-year out of range')
  let month = 1
  let day = yearDay
  while (day > daysInMonth(month, year)) day -= daysInMonth(month++, year)
  if (fields.month !== undefined && fields.month !== month) throw failure(text, ': day-of-year does not match month')
  if (fields.day !== undefined && fields.day !== day) throw failure(text, ': day-of-year does not match day')
  return { month, day }
}

function failure(text: string, what: string): RuntimeError {
  return moduleError('Invalid', `parsing time ${quote(text)}${what}`)
}

/** As Go's time package quotes: other than printable ASCII as the hexadecimal of its UTF-8 bytes. */
function quote(text: string): string {
  const escaped = text.replace(/["\\]|[^\u0020-\u007f]/gu, (c) => {
    if (c === '"' || c === '\\') return `\\${c}`
    return Buffer.from(c, 'utf8').toString('hex').replace(/../g, '\\x$&')
  })
  return `"${escaped}"`
}
