// Limits as people write them: `options.limits` of a Lua entry, `process.limits` of `.wippy.yaml`. Each has a range, and an
// entry made at run time may go below what such code has, never above (design PROMISES P7).

import { formatDuration } from '../core/duration.ts'
import { moduleError } from '../core/error.ts'
import { asCount, asDuration, asSize, type Decoder, notA } from '../core/field.ts'
import type { ValueMap } from '../core/value.ts'
import type { Limits } from './program.ts'

/** The limits that somebody set; what is left out stays as it is. */
export type LimitOptions = Partial<Limits>

interface Field {
  readonly limit: keyof Limits
  readonly read: Decoder<number>
  readonly min: number
  readonly max: number
  readonly show: (value: number) => string
}

const duration = (ms: number): string => formatDuration(BigInt(Math.round(ms * 1e6)))
const number = (value: number): string => String(value)
const size = (bytes: number): string => {
  const power = bytes > 0 ? [30, 20, 10].find((shift) => bytes % 2 ** shift === 0) : undefined
  return power === undefined ? `${bytes}` : `${bytes / 2 ** power}${{ 30: 'GB', 20: 'MB', 10: 'KB' }[power]}`
}

const HOUR_MS = 3_600_000

/** By the names people use. */
const fields: Readonly<Record<string, Field>> = {
  memory: { limit: 'memory', read: asSize, min: 512 << 10, max: 1 << 30, show: size },
  cpu: { limit: 'cpu', read: asDuration, min: 1, max: 24 * HOUR_MS, show: duration },
  wall: { limit: 'wall', read: asDuration, min: 1, max: 24 * HOUR_MS, show: duration },
  // Longer slices than the loop's own turn would hold up everybody else.
  slice: { limit: 'slice', read: asDuration, min: 1, max: 10, show: duration },
  message: { limit: 'messageBytes', read: asSize, min: 1 << 10, max: 256 << 20, show: size },
  mailbox: { limit: 'mailboxMessages', read: asCount, min: 1, max: 10_000_000, show: number },
  mailbox_bytes: { limit: 'mailboxBytes', read: asSize, min: 1 << 10, max: 1 << 30, show: size },
  timers: { limit: 'timers', read: asCount, min: 1, max: 10_000_000, show: number },
  channels: { limit: 'channels', read: asCount, min: 1, max: 10_000_000, show: number },
}

/** Reads such a block; `where` names it in errors. Throws Invalid with the field and its value. */
export function decodeLimits(block: ValueMap, where: string): LimitOptions {
  const limits: { -readonly [name in keyof Limits]?: number } = {}
  for (const name of Object.keys(block)) {
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (known === undefined) {
      throw moduleError('Invalid', `${where}.${name} is no limit (there are ${Object.keys(fields).join(', ')})`)
    }
    const given = block[name] ?? null
    if (given === null) continue
    const value = known.read(given, `${where}.${name}`)
    if (value < known.min || value > known.max) {
      throw notA(`${where}.${name}`, given, `between ${known.show(known.min)} and ${known.show(known.max)}`)
    }
    limits[known.limit] = value
  }
  return limits
}

/** Refuses limits above the ceiling of code made at run time: throws Invalid with entry, field and both values. */
export function checkCeiling(id: string, asked: LimitOptions, ceiling: Limits): void {
  for (const [name, { limit, show }] of Object.entries(fields)) {
    const value = asked[limit]
    if (value === undefined || value <= ceiling[limit]) continue
    const most = `more than code made at run time may have (${show(ceiling[limit])})`
    throw moduleError('Invalid', `entry ${id}: options.limits.${name} ${show(value)} is ${most}`)
  }
}

/** The smaller of both, limit by limit. */
export function lowest(limits: Limits, others: LimitOptions): Limits {
  const lower = { ...limits } as { -readonly [name in keyof Limits]: number }
  for (const name of Object.keys(others) as (keyof Limits)[]) {
    lower[name] = Math.min(lower[name], others[name] ?? Number.POSITIVE_INFINITY)
  }
  return lower
}
