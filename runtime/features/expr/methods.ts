// Methods that times and durations have in expressions, named as in Go.

import { formatDuration } from '../../core/duration.ts'
import { ExprTime, formatTime } from './dates.ts'
import { fail } from './failure.ts'
import { ExprDuration, isInteger, typeName } from './values.ts'

type Method<T> = (self: T, args: readonly unknown[]) => unknown

const NANOS = { h: 3_600e9, m: 60e9, s: 1e9 } as const

const durationMethods: Readonly<Record<string, Method<ExprDuration>>> = {
  Hours: (d) => Number(d.nanos) / NANOS.h,
  Minutes: (d) => Number(d.nanos) / NANOS.m,
  Seconds: (d) => Number(d.nanos) / NANOS.s,
  Milliseconds: (d) => Number(d.nanos / 1_000_000n),
  Microseconds: (d) => Number(d.nanos / 1_000n),
  Nanoseconds: (d) => Number(d.nanos),
  Abs: (d) => new ExprDuration(d.nanos < 0n ? -d.nanos : d.nanos),
  String: (d) => formatDuration(d.nanos),
}

const timeMethods: Readonly<Record<string, Method<ExprTime>>> = {
  Year: (t) => t.fields.getUTCFullYear(),
  Month: (t) => t.fields.getUTCMonth() + 1,
  Day: (t) => t.fields.getUTCDate(),
  Hour: (t) => t.fields.getUTCHours(),
  Minute: (t) => t.fields.getUTCMinutes(),
  Second: (t) => t.fields.getUTCSeconds(),
  Nanosecond: (t) => t.nanosecond,
  Weekday: (t) => t.fields.getUTCDay(),
  YearDay: (t) => Math.floor((t.fields.getTime() - Date.UTC(t.fields.getUTCFullYear(), 0, 1)) / 86_400_000) + 1,
  Unix: (t) => Math.floor(Number(t.nanos / 1_000_000n) / 1000),
  UnixMilli: (t) => Number(t.nanos / 1_000_000n),
  UnixNano: (t) => t.nanos,
  UTC: (t) => new ExprTime(t.nanos),
  Format: (t, [layout]) => (typeof layout === 'string' ? formatTime(t, layout) : wrong('Format', layout)),
  String: (t) => formatTime(t),
  Add: (t, [d]) => (d instanceof ExprDuration ? t.plus(d.nanos) : wrong('Add', d)),
  Sub: (t, [other]) => (other instanceof ExprTime ? new ExprDuration(t.nanos - other.nanos) : wrong('Sub', other)),
  Before: (t, [other]) => (other instanceof ExprTime ? t.nanos < other.nanos : wrong('Before', other)),
  After: (t, [other]) => (other instanceof ExprTime ? t.nanos > other.nanos : wrong('After', other)),
  Equal: (t, [other]) => (other instanceof ExprTime ? t.nanos === other.nanos : wrong('Equal', other)),
  IsZero: (t) => t.nanos === -62_135_596_800_000_000_000n,
  AddDate: (t, args) => {
    const [years, months, days] = args
    if (!isInteger(years) || !isInteger(months) || !isInteger(days))
      return wrong(
        'AddDate',
        args.find((arg) => !isInteger(arg)),
      )
    const moved = new Date(t.fields)
    moved.setUTCFullYear(
      moved.getUTCFullYear() + Number(years),
      moved.getUTCMonth() + Number(months),
      moved.getUTCDate() + Number(days),
    )
    return t.plus(BigInt(moved.getTime() - t.fields.getTime()) * 1_000_000n)
  },
}

/** `target.name(args)`. Only times and durations have methods. */
export function callMethod(target: unknown, name: string, args: readonly unknown[]): unknown {
  if (target instanceof ExprTime && Object.hasOwn(timeMethods, name)) return timeMethods[name]?.(target, args)
  if (target instanceof ExprDuration && Object.hasOwn(durationMethods, name))
    return durationMethods[name]?.(target, args)
  return fail(`type ${typeName(target)} has no method ${name}`)
}

function wrong(name: string, value: unknown): never {
  return fail(`invalid argument for ${name} (type ${typeName(value)})`)
}
