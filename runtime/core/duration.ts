// Durations as Go writes them: `1h30m`, `500ms`, `1.5s`, `-2us`. Nanoseconds are bigint; configuration uses milliseconds.

import { RuntimeError } from './error.ts'

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

const MAX_INT64 = 2n ** 63n - 1n

/** Nanoseconds of a Go duration string. Throws Invalid with the texts of Go's time.ParseDuration. */
export function parseDuration(text: string): bigint {
  const invalid = (): RuntimeError => new RuntimeError('Invalid', `time: invalid duration ${JSON.stringify(text)}`)
  const sign = text.startsWith('-') ? -1n : 1n
  let rest = text.startsWith('-') || text.startsWith('+') ? text.slice(1) : text
  if (rest === '0') return 0n
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const number = /^(\d*)(?:\.(\d*))?/.exec(rest)
    const whole = number?.[1] ?? ''
    const fraction = number?.[2] ?? ''
    if (number === null || (whole === '' && fraction === '')) throw invalid()
    rest = rest.slice(number[0].length)
    const unit = /^[^\d.]+/.exec(rest)?.[0]
    if (unit === undefined) throw new RuntimeError('Invalid', `time: missing unit in duration ${JSON.stringify(text)}`)
    const scale = unitNanos[unit]
    if (scale === undefined) {
      throw new RuntimeError(
        'Invalid',
        `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`,
      )
    }
    rest = rest.slice(unit.length)
    total += BigInt(whole || '0') * scale
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
    if (total > MAX_INT64) throw invalid()
  }
  return sign * total
}

/** `1h30m0s`, `1.5s`, `500ms`, `0s`: Go's Duration.String. */
export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s'
  const sign = nanos < 0n ? '-' : ''
  const n = nanos < 0n ? -nanos : nanos
  if (n < 1_000n) return `${sign}${n}ns`
  if (n < 1_000_000n) return `${sign}${decimal(n, 1_000n)}µs`
  if (n < 1_000_000_000n) return `${sign}${decimal(n, 1_000_000n)}ms`
  const minutes = n / 60_000_000_000n
  const seconds = decimal(n % 60_000_000_000n, 1_000_000_000n)
  if (minutes === 0n) return `${sign}${seconds}s`
  const hours = minutes / 60n
  return hours === 0n ? `${sign}${minutes}m${seconds}s` : `${sign}${hours}h${minutes % 60n}m${seconds}s`
}

function decimal(n: bigint, unit: bigint): string {
  const fraction = (n % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '')
  return fraction === '' ? `${n / unit}` : `${n / unit}.${fraction}`
}

/** Milliseconds of a duration in configuration: Go's text, or 0, which needs no unit. Throws Invalid as `<what>: ttl "5 parsecs" is not a duration`. */
export function durationMs(value: unknown, what: string): number {
  if (value === 0) return 0
  if (typeof value === 'string') {
    try {
      return Number(parseDuration(value)) / 1e6
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
    }
  }
  throw new RuntimeError('Invalid', `${what} ${JSON.stringify(value)} is not a duration`)
}
