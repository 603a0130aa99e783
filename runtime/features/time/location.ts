// Time zones as Go has them: a name, and for every instant an offset, an abbreviation and the span they hold for.
// The rules of named zones are in zones.json (written by .build/time-zones.mjs from the IANA database), read when first needed.

import { readFileSync } from 'node:fs'
import { civilFromDays, daysFromCivil, daysInMonth, weekdayOf } from './civil.ts'

/** What holds in a zone from `start` until before `end` (seconds since 1970). */
export interface ZonePeriod {
  readonly abbreviation: string
  /** Seconds east of UTC. */
  readonly offset: number
  readonly start: number
  readonly end: number
}

export interface Location {
  readonly name: string
  lookup(second: number): ZonePeriod
  /** The offset an abbreviation means in this zone at a wall time; undefined when the zone never used it. */
  offsetOf(abbreviation: string, wallSecond: number): number | undefined
}

export function fixedZone(name: string, offset: number): Location {
  const period = always(name, offset)
  return {
    name,
    lookup: () => period,
    offsetOf: (abbreviation) => (abbreviation === name ? offset : undefined),
  }
}

export const utc: Location = fixedZone('UTC', 0)

function always(abbreviation: string, offset: number): ZonePeriod {
  return { abbreviation, offset, start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }
}

/** The zones of the IANA database by name, names in any case on no system: `Europe/Berlin`. */
export function zoneDatabase(): (name: string) => Location | undefined {
  let sources: { readonly [name: string]: string } | undefined
  const zones = new Map<string, Zone>()
  const zone = (name: string): Zone | undefined => {
    sources ??= readSources()
    const known = zones.get(name)
    const source = Object.hasOwn(sources, name) ? sources[name] : undefined
    if (known !== undefined || source === undefined) return known
    const read = source.startsWith('=') ? zone(source.slice(1)) : readZone(source)
    if (read !== undefined) zones.set(name, read)
    return read
  }
  return (name) => {
    const found = zone(name)
    return found === undefined
      ? undefined
      : { name, lookup: (s) => found.lookup(s), offsetOf: (a, s) => found.offsetOf(a, s) }
  }
}

function readSources(): { readonly [name: string]: string } {
  const file = JSON.parse(readFileSync(new URL('./zones.json', import.meta.url), 'utf8'))
  return file.zones
}

interface ZoneType {
  readonly abbreviation: string
  readonly offset: number
}

/** A change that comes every year: in `month`, on the `week`-th `weekday` (5 is the last), at a wall time in seconds. */
interface YearlyChange {
  readonly to: ZoneType
  readonly month: number
  readonly week: number
  readonly weekday: number
  readonly time: number
}

/** A zone text of zones.json: `types|indices|times|rule`; its writer explains the form. */
function readZone(source: string): Zone {
  const [types = '', indices = '', times = '', rule = ''] = source.split('|')
  const zoneTypes = types.split(',').map((text) => {
    const [abbreviation = '', offset] = text.split(' ')
    return { abbreviation, offset: Number(offset) }
  })
  const typeAt = (index: string): ZoneType => {
    const type = zoneTypes[Number.parseInt(index, 36)]
    if (type === undefined) throw new Error(`zones.json: no type ${index} in ${types}`)
    return type
  }
  const ends: number[] = []
  let last = 0
  for (const text of times === '' ? [] : times.split(' ')) {
    const [minutes = '', seconds = '0'] = text.split('.')
    last += Number.parseInt(minutes, 36) * 60 + Number(seconds)
    ends.push(last)
  }
  const changes = (rule === '' ? [] : rule.split(',')).map((text) => {
    const [to = '', month, week, weekday, time] = text.split(/[ ./]/)
    return { to: typeAt(to), month: Number(month), week: Number(week), weekday: Number(weekday), time: Number(time) }
  })
  return new Zone(zoneTypes, [...indices].map(typeAt), ends, changes)
}

class Zone {
  readonly #types: readonly ZoneType[]
  /** One per period; the first holds before `#ends[0]`, the last after the last end, or until the yearly changes start. */
  readonly #periods: readonly ZoneType[]
  readonly #ends: readonly number[]
  readonly #changes: readonly YearlyChange[]
  /** What was found last: neighbouring times are asked for together. */
  #last: ZonePeriod = always('', Number.NaN)

  constructor(
    types: readonly ZoneType[],
    periods: readonly ZoneType[],
    ends: readonly number[],
    changes: readonly YearlyChange[],
  ) {
    this.#types = types
    this.#periods = periods
    this.#ends = ends
    this.#changes = changes
  }

  lookup(second: number): ZonePeriod {
    const last = this.#last
    if (second >= last.start && second < last.end && !Number.isNaN(last.offset)) return last
    this.#last = this.#find(second)
    return this.#last
  }

  #find(second: number): ZonePeriod {
    // Binary search for the first end after the second.
    let low = 0
    let high = this.#ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ends[middle] ?? 0) > second) high = middle
      else low = middle + 1
    }
    const start = this.#ends[low - 1] ?? Number.NEGATIVE_INFINITY
    if (low === this.#ends.length && this.#changes.length > 0) return this.#byRule(second, start)
    const type = this.#periods[low]
    if (type === undefined) throw new Error('zones.json: a zone without periods')
    return { ...type, start, end: this.#ends[low] ?? Number.POSITIVE_INFINITY }
  }

  /** The period the yearly changes make around a second after the last listed change. */
  #byRule(second: number, lastListed: number): ZonePeriod {
    const { year } = civilFromDays(Math.floor(second / 86_400))
    let current: { at: number; to: ZoneType } | undefined
    for (let y = year - 1; y <= year + 1; y++) {
      for (const change of this.#yearly(y)) {
        if (change.at > second) return this.#between(current, change.at, lastListed)
        current = change
      }
    }
    return this.#between(current, Number.POSITIVE_INFINITY, lastListed)
  }

  #between(current: { at: number; to: ZoneType } | undefined, end: number, lastListed: number): ZonePeriod {
    const listed = this.#periods.at(-1)
    if (listed !== undefined && (current === undefined || current.at <= lastListed))
      return { ...listed, start: lastListed, end }
    if (current === undefined) throw new Error('zones.json: a zone without periods')
    return { ...current.to, start: current.at, end }
  }

  /** The changes of one year in order, as instants: each is on the wall clock that the other one set. */
  #yearly(year: number): { at: number; to: ZoneType }[] {
    const count = this.#changes.length
    return this.#changes
      .map((change, i) => {
        const before = this.#changes[(i + count - 1) % count] ?? change
        return { at: wallSecond(change, year) - before.to.offset, to: change.to }
      })
      .sort((a, b) => a.at - b.at)
  }

  offsetOf(abbreviation: string, wallSecond: number): number | undefined {
    const named = this.#types.filter((type) => type.abbreviation === abbreviation)
    // A zone may have used one name for several offsets: the one in force at that time comes first.
    const inForce = named.find((type) => this.lookup(wallSecond - type.offset).abbreviation === abbreviation)
    return inForce === undefined ? named[0]?.offset : this.lookup(wallSecond - inForce.offset).offset
  }
}

function wallSecond(change: YearlyChange, year: number): number {
  const first = daysFromCivil(year, change.month, 1)
  let day = 1 + ((change.weekday - weekdayOf(first) + 7) % 7) + (change.week - 1) * 7
  while (day > daysInMonth(change.month, year)) day -= 7
  return (first + day - 1) * 86_400 + change.time
}
