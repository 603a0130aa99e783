// Go's reference layouts (`Mon Jan 2 15:04:05 MST 2006`): cutting them into elements, and formatting an instant by them.

import { type Instant, type Wall, wallOf } from './instant.ts'

export const monthNames = [
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
] as const

export const weekdayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const

/** What an element stands for. Names follow the text in the layout, so that `01` and `1` are told apart. */
export type ElementKind =
  | 'January'
  | 'Jan'
  | '1'
  | '01'
  | 'Monday'
  | 'Mon'
  | '2'
  | '_2'
  | '02'
  | '__2'
  | '002'
  | '15'
  | '3'
  | '03'
  | '4'
  | '04'
  | '5'
  | '05'
  | '2006'
  | '06'
  | 'PM'
  | 'pm'
  | 'MST'
  | 'offset'
  | 'fraction'

export interface Element {
  readonly kind: ElementKind
  /** As written in the layout. */
  readonly text: string
  /** Literal text before it. */
  readonly prefix: string
}

export interface Layout {
  readonly elements: readonly Element[]
  /** Literal text after the last element. */
  readonly suffix: string
}

const numbers = /^(?:0[1-6]|002|15|2006|[1-5])/
const offsets = /^[-Z]07(?:0000|:00:00|00|:00)?/
const fractions = /^[.,](?:0+|9+)(?!\d)/
const named = ['January', 'Monday', 'MST', 'PM', 'pm'] as const

/** Cuts a layout into its elements, left to right, the longest that fits first. */
export function readLayout(layout: string): Layout {
  const elements: Element[] = []
  let literal = 0
  for (let at = 0; at < layout.length; ) {
    const found = elementAt(layout, at)
    if (found === undefined) {
      at++
      continue
    }
    const [kind, length] = found
    // `_2006` is an underscore and a year.
    const start = kind === '2006' && layout[at] === '_' ? at + 1 : at
    elements.push({ kind, text: layout.slice(start, start + length), prefix: layout.slice(literal, start) })
    at = literal = start + length
  }
  return { elements, suffix: layout.slice(literal) }
}

function elementAt(layout: string, at: number): [ElementKind, number] | undefined {
  const char = layout[at]
  if (char === 'J' || char === 'M' || char === 'P' || char === 'p') return nameAt(layout, at)
  if (char === '_') {
    if (layout.startsWith('_2006', at)) return ['2006', 4]
    if (layout.startsWith('_2', at)) return ['_2', 2]
    return layout.startsWith('__2', at) ? ['__2', 3] : undefined
  }
  const rest = layout.slice(at, at + 10)
  const number = numbers.exec(rest)
  if (number !== null) return [number[0] as ElementKind, number[0].length] // the expression lists kinds only
  const offset = offsets.exec(rest)
  if (offset !== null) return ['offset', offset[0].length]
  const fraction = char === '.' || char === ',' ? fractions.exec(layout.slice(at)) : null
  return fraction === null ? undefined : ['fraction', fraction[0].length]
}

function nameAt(layout: string, at: number): [ElementKind, number] | undefined {
  const long = named.find((name) => layout.startsWith(name, at))
  if (long !== undefined) return [long, long.length]
  const short = (['Jan', 'Mon'] as const).find((name) => layout.startsWith(name, at))
  // `Month` and `Janet` are words, not elements.
  return short === undefined || /^[a-z]/.test(layout.slice(at + 3)) ? undefined : [short, 3]
}

/** An instant by a layout, as Go's Time.Format. */
export function formatInstant(instant: Instant, layout: Layout): string {
  const wall = wallOf(instant)
  let text = ''
  for (const element of layout.elements) text += element.prefix + formatElement(element, wall)
  return text + layout.suffix
}

const formatters: Readonly<Record<ElementKind, (wall: Wall, text: string) => string>> = {
  January: ({ month }) => monthNames[month - 1] ?? '',
  Jan: ({ month }) => (monthNames[month - 1] ?? '').slice(0, 3),
  '1': ({ month }) => String(month),
  '01': ({ month }) => pad(month, 2),
  Monday: ({ weekday }) => weekdayNames[weekday] ?? '',
  Mon: ({ weekday }) => (weekdayNames[weekday] ?? '').slice(0, 3),
  '2': ({ day }) => String(day),
  _2: ({ day }) => String(day).padStart(2),
  '02': ({ day }) => pad(day, 2),
  __2: ({ yearDay }) => String(yearDay).padStart(3),
  '002': ({ yearDay }) => pad(yearDay, 3),
  '15': ({ hour }) => pad(hour, 2),
  '3': ({ hour }) => String(hour % 12 || 12),
  '03': ({ hour }) => pad(hour % 12 || 12, 2),
  '4': ({ minute }) => String(minute),
  '04': ({ minute }) => pad(minute, 2),
  '5': ({ second }) => String(second),
  '05': ({ second }) => pad(second, 2),
  '2006': ({ year }) => pad(year, 4),
  '06': ({ year }) => pad(Math.abs(year) % 100, 2),
  PM: ({ hour }) => (hour >= 12 ? 'PM' : 'AM'),
  pm: ({ hour }) => (hour >= 12 ? 'pm' : 'am'),
  MST: (wall) => wall.abbreviation || formatOffset(wall.offset, '-0700'),
  offset: ({ offset }, text) => formatOffset(offset, text),
  fraction: ({ nano }, text) => formatFraction(nano, text),
}

function formatElement(element: Element, wall: Wall): string {
  return formatters[element.kind](wall, element.text)
}

function pad(value: number, width: number): string {
  return value < 0 ? `-${pad(-value, width)}` : String(value).padStart(width, '0')
}

function formatOffset(offset: number, text: string): string {
  if (text.startsWith('Z') && offset === 0) return 'Z'
  const minutes = Math.trunc(Math.abs(offset) / 60)
  const colon = text.includes(':') ? ':' : ''
  // Below a minute the sign is lost, unlike in Go, where it stands before the seconds.
  const hours = `${offset <= -60 ? '-' : '+'}${pad(Math.trunc(minutes / 60), 2)}`
  if (text.length === 3) return hours
  const seconds = text.length >= 7 && text !== '-07:00' ? colon + pad(Math.abs(offset) % 60, 2) : ''
  return `${hours}${colon}${pad(minutes % 60, 2)}${seconds}`
}

function formatFraction(nano: number, text: string): string {
  const digits = pad(nano, 9)
    .slice(0, text.length - 1)
    .padEnd(text.length - 1, '0')
  if (text[1] === '0') return text[0] + digits
  const trimmed = digits.replace(/0+$/, '')
  return trimmed === '' ? '' : text[0] + trimmed
}
