// The time module: Go's layouts, zones, durations, and timers on a manual clock.

import { expect, test } from 'vitest'
import { type Clock, type ManualClock, manualClock } from '../../../runtime/core/clock.ts'
import { emptyFrame } from '../../../runtime/core/frame.ts'
import { timeModule } from '../../../runtime/features/time/time-module.ts'
import type { LuaObject, ModuleTable } from '../../../runtime/lua/module.ts'
import {
  callFunction,
  callMethod,
  type FakeCall,
  type FakeChannel,
  fakeCall,
  type Outcome,
} from '../../support/call-module.ts'

interface Fixture {
  readonly clock: ManualClock
  readonly caller: FakeCall
  readonly module: ModuleTable
  run(name: string, ...args: unknown[]): Outcome
  on(object: unknown, method: string, ...args: unknown[]): Outcome
}

function fixture(localZone = 'UTC'): Fixture {
  const clock = manualClock()
  const caller = fakeCall()
  const module = timeModule({ clock, localZone: () => localZone }).open() as ModuleTable
  return {
    clock,
    caller,
    module,
    run: (name, ...args) => callFunction(module, name, args, caller) as Outcome,
    on: (object, method, ...args) => callMethod(object, method, args, caller) as Outcome,
  }
}

const show = ({ on }: Fixture, time: unknown): unknown => on(time, 'format_rfc3339').value

test('now is the wall clock of the machine in its zone, to the nanosecond', () => {
  const f = fixture('America/New_York')
  f.clock.advance(1500.25)
  const now = f.run('now').value
  expect(f.on(now, 'format', f.module['RFC3339NANO']).value).toBe('2025-12-31T19:00:01.50025-05:00')
  expect(f.on(now, 'unix_nano').value).toBe(1767225601500250000n)
  expect(f.on(f.on(now, 'location').value, 'string').value).toBe('Local')
})

test('the difference of two times measures what passed between them', () => {
  const f = fixture()
  const start = f.run('now').value
  f.clock.advance(90_000.5)
  const passed = f.on(f.run('now').value, 'sub', start).value
  expect(f.on(passed, 'nanoseconds').value).toBe(90_000_500_000)
  expect(f.on(passed, 'milliseconds').value).toBe(90_000)
  expect(f.on(passed, 'minutes').value).toBeCloseTo(1.500008)
  expect((passed as LuaObject<never>).type.spec.tostring?.((passed as LuaObject<never>).value)).toBe('1m30.0005s')
})

test('times are made, shown, moved and compared as the documentation shows', () => {
  const f = fixture()
  const { run, on, module } = f
  const utc = module['utc']
  const christmas = run('date', 2024, module['DECEMBER'], 25, 10, 30, 0, 0, utc).value
  expect(show(f, christmas)).toBe('2024-12-25T10:30:00Z')
  expect(show(f, on(run('unix', 1703862245, 500_000_000).value, 'utc').value)).toBe('2023-12-29T15:04:05Z')
  expect(on(christmas, 'date').values).toEqual([2024, 12, 25])
  expect(on(christmas, 'clock').values).toEqual([10, 30, 0])
  for (const [part, value] of Object.entries({
    year: 2024,
    month: 12,
    day: 25,
    hour: 10,
    minute: 30,
    second: 0,
    nanosecond: 0,
  }))
    expect(on(christmas, part).value).toBe(value)
  expect(on(christmas, 'weekday').value).toBe(module['WEDNESDAY'])
  expect(on(christmas, 'year_day').value).toBe(360)
  expect(on(christmas, 'is_zero').value).toBe(false)
  expect(on(run('date', 1, 1, 1, 0, 0, 0, 0, utc).value, 'is_zero').value).toBe(true)
  const hour = run('parse_duration', '1h').value
  for (const step of ['24h', 24 * 3600e9, 86_400_000_000_000n])
    expect(show(f, on(christmas, 'add', step).value)).toBe('2024-12-26T10:30:00Z')
  expect(show(f, on(christmas, 'add', hour).value)).toBe('2024-12-25T11:30:00Z')
  expect(show(f, on(christmas, 'add_date', 0, 2, 6).value)).toBe('2025-03-03T10:30:00Z')
  expect(show(f, on(christmas, 'round', hour).value)).toBe('2024-12-25T11:00:00Z')
  expect(show(f, on(christmas, 'truncate', hour).value)).toBe('2024-12-25T10:00:00Z')
  const later = on(christmas, 'add', 1).value
  expect([
    on(christmas, 'before', later).value,
    on(christmas, 'after', later).value,
    on(christmas, 'equal', christmas).value,
  ]).toEqual([true, false, true])
})

test('zones are found by name, made by offset, and refused when unknown', () => {
  const f = fixture('Europe/Berlin')
  const tokyo = f.run('load_location', 'Asia/Tokyo').value
  const noon = f.run('date', 2024, 1, 15, 12, 0, 0, 0, f.module['utc']).value
  expect(show(f, f.on(noon, 'in_location', tokyo).value)).toBe('2024-01-15T21:00:00+09:00')
  expect(f.on(f.on(noon, 'in_location', tokyo).value, 'format', f.module['RFC850']).value).toBe(
    'Monday, 15-Jan-24 21:00:00 JST',
  )
  expect(show(f, f.on(noon, 'in_local').value)).toBe('2024-01-15T13:00:00+01:00')
  expect(show(f, f.run('date', 2024, 7, 15, 12).value)).toBe('2024-07-15T12:00:00+02:00')
  const india = f.run('fixed_zone', 'IST', 19_800).value
  expect(f.on(f.on(noon, 'in_location', india).value, 'format', f.module['RFC822']).value).toBe('15 Jan 24 17:30 IST')
  expect(f.run('load_location', 'Unknown/Zone').error).toMatchObject({
    kind: 'NotFound',
    text: 'unknown time zone Unknown/Zone',
    retryable: false,
  })
  for (const hostile of ['constructor', '__proto__', '../etc/passwd'])
    expect(f.run('load_location', hostile).error?.kind).toBe('NotFound')
  expect(f.run('load_location', '').error?.kind).toBe('Invalid')
})

test('parse reads in the local zone unless told, and says what it cannot read', () => {
  const f = fixture('America/New_York')
  expect(show(f, f.run('parse', '2006-01-02 15:04', '2024-12-29 14:30').value)).toBe('2024-12-29T14:30:00-05:00')
  expect(show(f, f.run('parse', '2006-01-02', '2024-12-29', f.module['utc']).value)).toBe('2024-12-29T00:00:00Z')
  expect(f.run('parse', f.module['RFC3339'], 'invalid').error).toMatchObject({
    kind: 'Invalid',
    text: 'parsing time "invalid" as "2006-01-02T15:04:05Z07:00": cannot parse "invalid" as "2006"',
  })
})

test('durations come from strings, numbers and durations', () => {
  const f = fixture()
  const read = (value: unknown): unknown => f.on(f.run('parse_duration', value).value, 'nanoseconds').value
  expect(read('1h30m45s500ms')).toBe(5_445_500_000_000)
  expect(read(1.9)).toBe(1)
  expect(read(2n ** 62n)).toBe(2n ** 62n)
  expect(read(f.run('parse_duration', '5s').value)).toBe(5_000_000_000)
  expect(f.run('parse_duration', '1d').error).toMatchObject({
    kind: 'Invalid',
    text: 'time.parse_duration: time: unknown unit "d" in duration "1d"',
  })
  expect(f.run('parse_duration', 2 ** 64).error?.kind).toBe('Invalid')
  expect(f.run('parse_duration', Number.NaN).error?.kind).toBe('Invalid')
  expect(f.run('parse_duration', undefined).error?.text).toBe(
    'time.parse_duration: duration must be a number, string or Duration, got no value',
  )
})

test('wrong arguments raise, times out of range are refused', () => {
  const f = fixture()
  const now = f.run('now').value
  expect(f.on(now, 'sub', 5).raised).toBe('bad argument #1 to sub (time.Time expected, got number)')
  expect(f.on(now, 'round', 5).raised).toBe('bad argument #1 to round (time.Duration expected, got number)')
  expect(f.run('date', 2024).raised).toBe('bad argument #2 to date (number expected, got no value)')
  for (const year of [1e300, Number.NaN, Number.NEGATIVE_INFINITY])
    expect(f.run('date', year, 1, 1).error).toMatchObject({ kind: 'Invalid', text: 'time is out of range' })
  expect(f.on(now, 'add_date', 1e12, 0, 0).error?.text).toBe('time is out of range')
})

test('sleep waits for its time, returns nothing, and not at all for what is not positive', async () => {
  const f = fixture()
  expect(f.run('sleep', 0).values).toEqual([])
  expect(f.run('sleep', '-5s').values).toEqual([])
  expect(f.run('sleep', 'soon').error).toMatchObject({
    kind: 'Invalid',
    text: 'time.sleep: time: invalid duration "soon"',
  })
  const done: string[] = []
  const waits = (['20ms', '10ms'] as const).map(async (duration) => {
    const outcome = await callFunction(f.module, 'sleep', [duration], f.caller)
    expect(outcome.values).toEqual([])
    done.push(duration)
  })
  f.clock.advance(9)
  await Promise.resolve()
  expect(done).toEqual([])
  f.clock.advance(11)
  await Promise.all(waits)
  expect(done).toEqual(['10ms', '20ms'])
})

test('a cancelled sleep ends at once', async () => {
  const f = fixture()
  const wait = callFunction(f.module, 'sleep', ['1h'], f.caller)
  f.caller.end()
  expect((await wait).error?.kind).toBe('Canceled')
})

test('after gives one time and closes', () => {
  const f = fixture()
  const channel = f.run('after', '5s').value as FakeChannel
  f.clock.advance(4999)
  expect(channel.queue).toEqual([])
  f.clock.advance(1)
  expect(channel.queue.map((time) => show(f, time))).toEqual(['2026-01-01T00:00:05Z'])
  expect(channel.closed).toBe(true)
  expect(f.run('after', 0).error).toMatchObject({ kind: 'Invalid', text: 'time.after: duration must be > 0' })
})

test('a timer fires once, can be stopped, and set again', () => {
  const f = fixture()
  const timer = f.run('timer', '1s').value
  const channel = f.on(timer, 'response').value as FakeChannel
  expect(f.on(timer, 'channel').value).toBe(channel)
  f.clock.advance(500)
  expect(f.on(timer, 'reset', '1s').value).toBe(true)
  f.clock.advance(999)
  expect(channel.queue).toHaveLength(0)
  f.clock.advance(1)
  expect(channel.queue).toHaveLength(1)
  expect(f.on(timer, 'stop').value).toBe(false)
  expect(f.on(timer, 'reset', 1_000_000).value).toBe(false)
  expect(f.on(timer, 'stop').value).toBe(true)
  f.clock.advance(10_000)
  expect(channel.queue).toHaveLength(1)
  expect(f.on(timer, 'reset', 0).raised).toBe('timer:reset: duration must be > 0')
})

test('a ticker keeps its beat, drops what nobody takes, and stops', () => {
  const f = fixture()
  const ticker = f.run('ticker', '10ms').value
  const channel = f.on(ticker, 'channel').value as FakeChannel
  f.clock.advance(35)
  expect(channel.queue).toHaveLength(3)
  f.clock.advance(1000)
  expect(channel.queue).toHaveLength(16)
  channel.queue.length = 0
  f.clock.advance(5)
  expect(channel.queue.map((time) => f.on(time, 'nanosecond').value)).toEqual([40_000_000])
  expect(f.on(ticker, 'stop').value).toBe(true)
  f.clock.advance(1000)
  expect(channel.queue).toHaveLength(1)
})

test('a ticker that runs late or early skips what it missed and stays on its beat', () => {
  let now = 0
  const armed: { due: number; run: () => void }[] = []
  const clock: Clock = {
    now: () => now,
    wallNanos: () => 0n,
    wallMs: () => 0,
    after(ms, run) {
      armed.push({ due: now + ms, run })
      return { cancel: () => undefined }
    },
  }
  const caller = fakeCall()
  const ticker = (callFunction(timeModule({ clock }).open(), 'ticker', ['10ms'], caller) as Outcome).value
  const channel = (callMethod(ticker, 'channel', [], caller) as Outcome).value as FakeChannel
  const beats: number[] = []
  for (const at of [35, 39.9, 50.1, 120, 130]) {
    now = at
    const next = armed.shift()
    beats.push(next?.due ?? 0)
    next?.run()
  }
  expect(beats).toEqual([10, 40, 50, 60, 130])
  expect(channel.queue).toHaveLength(5)
})

test('everything armed ends with the process', () => {
  const f = fixture()
  const channels = [
    f.run('after', '1s').value,
    f.on(f.run('timer', '1s').value, 'channel').value,
    f.on(f.run('ticker', '1s').value, 'channel').value,
  ] as FakeChannel[]
  expect(f.caller.owned.size).toBe(1)
  f.caller.end()
  f.clock.advance(5000)
  expect(channels.map((channel) => channel.queue.length)).toEqual([0, 0, 0])
})

test('code made at run time may have 10,000 timers at once', () => {
  const f = fixture()
  const confinement = { actor: { id: 'generated', meta: {} }, scope: { evaluate: () => 'deny' as const } }
  const confined = { ...f.caller, frame: { ...emptyFrame, confinement } }
  for (let i = 0; i < 10_000; i++) callFunction(f.module, 'after', ['1h'], confined)
  const refused = callFunction(f.module, 'after', ['1h'], confined) as Outcome
  expect(refused.error).toMatchObject({ kind: 'LimitExceeded', text: 'timers: 10001 exceeds the limit of 10000' })
})

test('equal instants are equal whatever their zone, and order by time', () => {
  const f = fixture()
  const time = f.run('unix', 5).value as LuaObject<unknown>
  const same = f.on(time, 'utc').value as LuaObject<unknown>
  const later = f.on(time, 'add', 1).value as LuaObject<unknown>
  const { equals, less } = time.type.spec
  expect(equals?.(time.value, same.value)).toBe(true)
  expect(equals?.(time.value, later.value)).toBe(false)
  expect(less?.(time.value, later.value)).toBe(true)
})
