// What Go says, case by case: golden/goldens.go writes the file.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatDuration } from '../../../runtime/core/duration.ts'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { durationType, nanosOf } from '../../../runtime/features/time/duration.ts'
import {
  add,
  addDate,
  type Instant,
  instantOf,
  round,
  subtract,
  truncate,
  wallOf,
} from '../../../runtime/features/time/instant.ts'
import { formatInstant, readLayout } from '../../../runtime/features/time/layout.ts'
import { fixedZone, type Location, utc, zoneDatabase } from '../../../runtime/features/time/location.ts'
import { parseInstant } from '../../../runtime/features/time/parse.ts'
import { callMethod, type Outcome } from '../../support/call-module.ts'

type Stamp = [second: number, nano: number]
interface Goldens {
  zones: [name: string, second: number, abbreviation: string, offset: number][]
  dates: [name: string, parts: number[], second: number, nano: number, weekday: number, yearDay: number][]
  formats: [
    second: number,
    nano: number,
    zone: string,
    abbreviation: string,
    offset: number,
    layout: string,
    text: string,
  ][]
  parses: [layout: string, text: string, zone: string, error: string, ...Stamp, abbreviation: string, offset: number][]
  arithmetic: [
    zone: string,
    ...Stamp,
    span: string,
    rounded: Stamp,
    truncated: Stamp,
    other: Stamp,
    difference: string,
    dates: [number, number, number],
    moved: Stamp,
    step: string,
    far: Stamp,
  ][]
  durations: [
    nanos: string,
    text: string,
    micro: string,
    milli: string,
    seconds: number,
    minutes: number,
    hours: number,
  ][]
}
const goldens: Goldens = JSON.parse(readFileSync(new URL('./golden/goldens.json', import.meta.url), 'utf8'))

const database = zoneDatabase()
function zone(name: string): Location {
  const found = name === 'UTC' ? utc : database(name)
  if (found === undefined) throw new Error(`no zone ${name}`)
  return found
}
const stamp = (instant: Instant): Stamp => [instant.second, instant.nano]

/** All rows at once, so that a failure shows every row that differs. */
function agree<T>(rows: readonly T[], ours: (row: T) => unknown, theirs: (row: T) => unknown): void {
  expect(rows.length).toBeGreaterThan(50)
  expect(rows.map((row) => ({ row, says: ours(row) }))).toEqual(rows.map((row) => ({ row, says: theirs(row) })))
}

test('offsets and abbreviations are those of Go, from 1880 to 2120', () => {
  agree(
    goldens.zones,
    ([name, second]) => {
      const { abbreviation, offset } = zone(name).lookup(second)
      return [abbreviation, offset]
    },
    ([, , abbreviation, offset]) => [abbreviation, offset],
  )
})

test('wall times carry over and fall into gaps and overlaps as in Go', () => {
  agree(
    goldens.dates,
    ([name, [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, nano = 0]]) => {
      const instant = instantOf({ year, month, day, hour, minute, second, nano }, zone(name))
      const wall = wallOf(instant)
      return [...stamp(instant), wall.weekday, wall.yearDay]
    },
    ([, , ...rest]) => rest,
  )
})

test('every layout formats as in Go', () => {
  agree(
    goldens.formats,
    ([second, nano, name, abbreviation, offset, layout]) => {
      const location = database(name) ?? fixedZone(abbreviation, offset)
      return formatInstant({ second, nano, location }, readLayout(layout))
    },
    (row) => row[6],
  )
})

test('texts parse as in Go, errors word by word', () => {
  agree(
    goldens.parses,
    ([layout, text, name]) => {
      try {
        const instant = parseInstant(layout, readLayout(layout), text, zone(name))
        const { abbreviation, offset } = wallOf(instant)
        return ['', ...stamp(instant), abbreviation, offset]
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error
        return [error.text]
      }
    },
    ([, , , ...rest]) => rest,
  )
})

test('adding, subtracting, rounding and calendar steps are those of Go', () => {
  agree(
    goldens.arithmetic,
    ([name, second, nano, span, , , other, , dates, , step]) => {
      const instant = { second, nano, location: zone(name) }
      return [
        stamp(round(instant, nanosOf(BigInt(span)))),
        stamp(truncate(instant, nanosOf(BigInt(span)))),
        String(subtract(instant, { second: other[0], nano: other[1], location: utc })),
        stamp(addDate(instant, ...dates)),
        stamp(add(instant, nanosOf(BigInt(step)))),
      ]
    },
    ([, , , , rounded, truncated, , difference, , moved, , far]) => [rounded, truncated, difference, moved, far],
  )
})

test('durations convert and print as in Go', () => {
  agree(
    goldens.durations,
    ([nanos]) => {
      const duration = durationType.wrap(nanosOf(BigInt(nanos)))
      const as = (unit: string): unknown => (callMethod(duration, unit) as Outcome).value
      const wholes = [as('microseconds'), as('milliseconds')].map(Number)
      return [formatDuration(BigInt(nanos)), ...wholes, as('seconds'), as('minutes'), as('hours')]
    },
    ([, text, micro, milli, ...fractions]) => [text, Number(micro), Number(milli), ...fractions],
  )
})
