// The `time` module: times, durations, zones, layouts, and everything that waits. Semantics are those of Go's time package.

import type { Clock } from '../../core/clock.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'
import {
  type Call,
  type LuaChannel,
  type LuaModule,
  type LuaObject,
  LuaType,
  number,
  optionalNumber,
  raise,
  results,
  text,
} from '../../lua/module.ts'
import { durationType, milliseconds, type Nanos, readDuration } from './duration.ts'
import {
  add,
  addDate,
  compare,
  type Instant,
  instantOf,
  isRepresentable,
  round,
  subtract,
  truncate,
  unixNano,
  wallOf,
  ZERO_SECOND,
} from './instant.ts'
import { formatInstant, type Layout, readLayout } from './layout.ts'
import { localLocation } from './local-zone.ts'
import { fixedZone, type Location, utc, zoneDatabase } from './location.ts'
import { parseInstant } from './parse.ts'
import { OneShot, ProcessTimers, sleep, Ticker } from './timers.ts'

export interface TimeDeps {
  readonly clock: Clock
  /** IANA name of the machine's zone; asked when a local time is first shown. */
  readonly localZone?: () => string
}

const layouts = {
  RFC3339: '2006-01-02T15:04:05Z07:00',
  RFC3339NANO: '2006-01-02T15:04:05.999999999Z07:00',
  RFC822: '02 Jan 06 15:04 MST',
  RFC822Z: '02 Jan 06 15:04 -0700',
  RFC850: 'Monday, 02-Jan-06 15:04:05 MST',
  RFC1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  RFC1123Z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  KITCHEN: '3:04PM',
  STAMP: 'Jan _2 15:04:05',
  STAMP_MILLI: 'Jan _2 15:04:05.000',
  STAMP_MICRO: 'Jan _2 15:04:05.000000',
  STAMP_NANO: 'Jan _2 15:04:05.000000000',
  DATE_TIME: '2006-01-02 15:04:05',
  DATE_ONLY: '2006-01-02',
  TIME_ONLY: '15:04:05',
} as const

const units = {
  NANOSECOND: 1,
  MICROSECOND: 1e3,
  MILLISECOND: 1e6,
  SECOND: 1e9,
  MINUTE: 60e9,
  HOUR: 3600e9,
} as const

const months = {
  JANUARY: 1,
  FEBRUARY: 2,
  MARCH: 3,
  APRIL: 4,
  MAY: 5,
  JUNE: 6,
  JULY: 7,
  AUGUST: 8,
  SEPTEMBER: 9,
  OCTOBER: 10,
  NOVEMBER: 11,
  DECEMBER: 12,
} as const

const weekdays = { SUNDAY: 0, MONDAY: 1, TUESDAY: 2, WEDNESDAY: 3, THURSDAY: 4, FRIDAY: 5, SATURDAY: 6 } as const

const locationType = new LuaType<Location>({
  name: 'time.Location',
  methods: { string: (_call, location) => location.name },
  tostring: (location) => location.name,
  equals: (a, b) => a === b || a.name === b.name,
})

const timerType = new LuaType<OneShot>({
  name: 'time.Timer',
  methods: {
    response: (_call, timer) => timer.channel,
    channel: (_call, timer) => timer.channel,
    stop: (_call, timer) => timer.stop(),
    reset: (call, timer, duration: unknown) => timer.reset(call, milliseconds(positiveOrRaise(duration))),
  },
})

const tickerType = new LuaType<Ticker>({
  name: 'time.Ticker',
  methods: {
    response: (_call, ticker) => ticker.channel,
    channel: (_call, ticker) => ticker.channel,
    stop(_call, ticker) {
      ticker.stop()
      return true
    },
  },
})

export const timeModule = (deps: TimeDeps): LuaModule => ({
  name: 'time',
  description: 'Time, durations, time zones and timers',
  traits: ['time', 'nondeterministic'],
  open() {
    const zones = zoneDatabase()
    const local = localLocation(zones, deps.localZone)
    const timeType = makeTimeType(local, layoutCache())
    const timers = new ProcessTimers(deps.clock)
    const now = wallClock(deps.clock, local)
    const fire = (channel: LuaChannel): boolean => channel.offer(timeType.wrap(now()))
    return {
      now: () => timeType.wrap(now()),
      sleep(call: Call, duration: unknown) {
        const nanos = readDuration(duration, 'time.sleep')
        return nanos <= 0 ? undefined : sleep(timers, call, milliseconds(nanos))
      },
      after(call: Call, duration: unknown) {
        const nanos = positive(duration, 'time.after')
        const channel = call.channel(1)
        timers.arm(call, milliseconds(nanos), () => {
          fire(channel)
          channel.close()
          channel.loosen()
        })
        return channel
      },
      timer(call: Call, duration: unknown) {
        const timer = new OneShot(timers, call, fire)
        timer.reset(call, milliseconds(positive(duration, 'time.timer')))
        return timerType.wrap(timer)
      },
      ticker: (call: Call, duration: unknown) =>
        tickerType.wrap(new Ticker(timers, call, milliseconds(positive(duration, 'time.ticker')), fire)),
      ...constructors(timeType, local, zones),
      utc: locationType.wrap(utc),
      localtz: locationType.wrap(local),
      ...layouts,
      ...units,
      ...months,
      ...weekdays,
    }
  },
})

type TimeType = LuaType<Instant>

function constructors(timeType: TimeType, local: Location, zones: (name: string) => Location | undefined) {
  const readLayoutOf = layoutCache()
  return {
    date(_call: Call, ...args: unknown[]) {
      const part = (position: number): number =>
        integer(args[position - 1], position, 'date', position > 3 ? 0 : undefined)
      const parts = {
        year: part(1),
        month: part(2),
        day: part(3),
        hour: part(4),
        minute: part(5),
        second: part(6),
        nano: part(7),
      }
      return wrapTime(timeType, instantOf(parts, optionalLocation(args[7], 8, 'date') ?? local))
    },
    unix(_call: Call, seconds: unknown, nanos: unknown) {
      const start = { second: integer(seconds, 1, 'unix'), nano: 0, location: local }
      return wrapTime(timeType, add(start, integer(nanos, 2, 'unix', 0)))
    },
    parse(_call: Call, layout: unknown, value: unknown, location: unknown) {
      const layoutText = short(text(layout, 1, 'parse'), 'layout')
      const place = optionalLocation(location, 3, 'parse') ?? local
      const valueText = short(text(value, 2, 'parse'), 'value')
      return wrapTime(timeType, parseInstant(layoutText, readLayoutOf(layoutText), valueText, place))
    },
    parse_duration: (_call: Call, value: unknown) => durationType.wrap(readDuration(value, 'time.parse_duration')),
    load_location(_call: Call, name: unknown) {
      const wanted = text(name, 1, 'load_location')
      if (wanted === '') throw moduleError('Invalid', 'time.load_location: location name is empty')
      const found = wanted === 'UTC' ? utc : wanted === 'Local' ? local : zones(wanted)
      if (found === undefined) throw moduleError('NotFound', `unknown time zone ${wanted}`)
      return locationType.wrap(found)
    },
    fixed_zone: (_call: Call, name: unknown, offset: unknown) =>
      locationType.wrap(fixedZone(text(name, 1, 'fixed_zone'), integer(offset, 2, 'fixed_zone'))),
  }
}

function makeTimeType(local: Location, readLayoutOf: (layout: string) => Layout): TimeType {
  const other = (argument: unknown, name: string): Instant => timeType.check(argument, 1, name)
  const timeType: TimeType = new LuaType<Instant>({
    name: 'time.Time',
    methods: {
      add: (_call, time, duration: unknown) => wrapTime(timeType, add(time, readDuration(duration, 'add'))),
      sub: (_call, time, earlier: unknown) => durationType.wrap(subtract(time, other(earlier, 'sub'))),
      add_date(_call, time, years: unknown, monthCount: unknown, days: unknown) {
        const [y, m, d] = [years, monthCount, days].map((count, i) => integer(count, i + 1, 'add_date', 0))
        return wrapTime(timeType, addDate(time, y ?? 0, m ?? 0, d ?? 0))
      },
      after: (_call, time, than: unknown) => compare(time, other(than, 'after')) > 0,
      before: (_call, time, than: unknown) => compare(time, other(than, 'before')) < 0,
      equal: (_call, time, to: unknown) => compare(time, other(to, 'equal')) === 0,
      format: (_call, time, layout: unknown) =>
        formatInstant(time, readLayoutOf(short(text(layout, 1, 'format'), 'layout'))),
      format_rfc3339: (_call, time) => formatInstant(time, readLayoutOf(layouts.RFC3339)),
      unix: (_call, time) => time.second,
      unix_nano: (_call, time) => unixNano(time),
      date(_call, time) {
        const { year, month, day } = wallOf(time)
        return results(year, month, day)
      },
      clock(_call, time) {
        const { hour, minute, second } = wallOf(time)
        return results(hour, minute, second)
      },
      year: (_call, time) => wallOf(time).year,
      month: (_call, time) => wallOf(time).month,
      day: (_call, time) => wallOf(time).day,
      hour: (_call, time) => wallOf(time).hour,
      minute: (_call, time) => wallOf(time).minute,
      second: (_call, time) => wallOf(time).second,
      nanosecond: (_call, time) => time.nano,
      weekday: (_call, time) => wallOf(time).weekday,
      year_day: (_call, time) => wallOf(time).yearDay,
      is_zero: (_call, time) => time.second === ZERO_SECOND && time.nano === 0,
      in_location: (_call, time, location: unknown) =>
        timeType.wrap({ ...time, location: locationType.check(location, 1, 'in_location') }),
      location: (_call, time) => locationType.wrap(time.location),
      utc: (_call, time) => timeType.wrap({ ...time, location: utc }),
      in_local: (_call, time) => timeType.wrap({ ...time, location: local }),
      round: (_call, time, step: unknown) => wrapTime(timeType, round(time, durationType.check(step, 1, 'round'))),
      truncate: (_call, time, step: unknown) =>
        wrapTime(timeType, truncate(time, durationType.check(step, 1, 'truncate'))),
    },
    tostring: (time) => formatInstant(time, readLayoutOf('2006-01-02 15:04:05.999999999 -0700 MST')),
    equals: (a, b) => compare(a, b) === 0,
    less: (a, b) => compare(a, b) < 0,
  })
  return timeType
}

function wrapTime(timeType: TimeType, instant: Instant): LuaObject<Instant> {
  if (!isRepresentable(instant)) throw moduleError('Invalid', 'time is out of range')
  return timeType.wrap(instant)
}

/** Wall time from the monotonic clock, anchored once: it never jumps, and reading it allocates no bigint. */
function wallClock(clock: Clock, location: Location): () => Instant {
  const anchor = clock.wallNanos()
  const started = clock.now()
  const second = Number(anchor / 1_000_000_000n)
  const nano = Number(anchor % 1_000_000_000n)
  return () => {
    const passed = clock.now() - started
    const whole = Math.floor(passed / 1000)
    const nanos = nano + Math.round((passed - whole * 1000) * 1e6)
    const carry = Math.floor(nanos / 1e9)
    return { second: second + whole + carry, nano: nanos - carry * 1e9, location }
  }
}

const CACHED_LAYOUTS = 64

/** No date needs more, and what is wrong with it is shown in full. */
const LONGEST = 4096

function short(value: string, what: string): string {
  if (value.length <= LONGEST) return value
  throw moduleError('Invalid', `${what} of ${value.length} characters exceeds the limit of ${LONGEST}`)
}

function layoutCache(): (layout: string) => Layout {
  const cache = new Map<string, Layout>()
  return (layout) => {
    const known = cache.get(layout)
    if (known !== undefined) return known
    const read = readLayout(layout)
    if (cache.size >= CACHED_LAYOUTS) cache.clear()
    cache.set(layout, read)
    return read
  }
}

function positive(duration: unknown, what: string): Nanos {
  const nanos = readDuration(duration, what)
  if (nanos <= 0) throw moduleError('Invalid', `${what}: duration must be > 0`)
  return nanos
}

function positiveOrRaise(duration: unknown): Nanos {
  try {
    return positive(duration, 'timer:reset')
  } catch (error) {
    if (error instanceof RuntimeError) raise(error)
    throw error
  }
}

function optionalLocation(argument: unknown, position: number, name: string): Location | undefined {
  return argument === undefined || argument === null ? undefined : locationType.check(argument, position, name)
}

/** An integer argument, fractions cut off; with a fallback it may be absent. */
function integer(argument: unknown, position: number, name: string, fallback?: number): number {
  const given = fallback === undefined ? number(argument, position, name) : optionalNumber(argument, position, name)
  return Math.trunc(given ?? fallback ?? 0)
}
