// The `lifecycle` block of an entry, the same for every kind that is a service (spec/supervision.md §2).

import type { Entry } from '../core/entry.ts'
import {
  asBoolean,
  asCount,
  asDuration,
  asList,
  asMap,
  asName,
  asNumber,
  asText,
  type Decoder,
  field,
  notA,
} from '../core/field.ts'
import { parseId, resolveId } from '../core/id.ts'
import { readSecurityBlock, type SecurityBlock } from '../core/security-block.ts'
import { emptyMap, type ValueMap } from '../core/value.ts'
import type { Backoff } from './backoff.ts'

export interface Lifecycle {
  /** Started by the change that registers it. */
  readonly autoStart: boolean
  /** Its failure to start does not fail the start of the rest. */
  readonly optional: boolean
  readonly startTimeout: number
  readonly stopTimeout: number
  /** A run at least this long clears the count of failures. */
  readonly stableThreshold: number
  /** Ids that must be running first: `requires` and the older `depends_on` together. */
  readonly requires: readonly string[]
  readonly backoff: Backoff
  /** 0 is without limit; N allows N-1 restarts after the first failure. */
  readonly maxAttempts: number
  readonly security: SecurityBlock | undefined
}

export const defaultLifecycle: Lifecycle = {
  autoStart: false,
  optional: false,
  startTimeout: 10_000,
  stopTimeout: 10_000,
  stableThreshold: 5_000,
  requires: [],
  backoff: { initialDelay: 1_000, maxDelay: 90_000, factor: 2, jitter: 0.1 },
  maxAttempts: 0,
  security: undefined,
}

/** Reads `lifecycle` of an entry; without one the service has the defaults and waits to be started. */
export function decodeLifecycle(entry: Entry): Lifecycle {
  const block = within(entry, 'lifecycle', field(entry, 'lifecycle', asMap, emptyMap()))
  const restart = within(entry, 'lifecycle.restart', field(block, 'restart', asMap, emptyMap()))
  const { ns } = parseId(entry.id)
  const ids = (name: string): string[] =>
    field(block, name, asList(asName), []).map((reference) => resolveId(reference, ns))
  // As in Go, zero is "not given": `0s` cannot mean no time at all.
  const given = <T extends number>(value: T, fallback: number): number => (value === 0 ? fallback : value)
  const time = (from: Entry, name: string, fallback: number): number => {
    const ms = field(from, name, asDuration, 0)
    if (ms < 0) throw notA(`entry ${from.id}: ${name}`, fieldText(from, name), 'a positive duration')
    return given(ms, fallback)
  }
  const fallback = defaultLifecycle
  return {
    autoStart: field(block, 'auto_start', asBoolean, false),
    optional: field(block, 'startup', asText, 'required') === 'optional',
    startTimeout: time(block, 'start_timeout', fallback.startTimeout),
    stopTimeout: time(block, 'stop_timeout', fallback.stopTimeout),
    stableThreshold: time(block, 'stable_threshold', fallback.stableThreshold),
    requires: [...new Set([...ids('requires'), ...ids('depends_on')])],
    backoff: {
      initialDelay: time(restart, 'initial_delay', fallback.backoff.initialDelay),
      maxDelay: time(restart, 'max_delay', fallback.backoff.maxDelay),
      factor: given(field(restart, 'backoff_factor', asFactor, 0), fallback.backoff.factor),
      jitter: given(field(restart, 'jitter', asFraction, 0), fallback.backoff.jitter),
    },
    maxAttempts: field(restart, 'max_attempts', asCount, 0),
    security: decodeSecurity(entry, block),
  }
}

const asFactor: Decoder<number> = (value, what) => {
  const factor = asNumber(value, what)
  if (factor < 0) throw notA(what, value, 'a positive number')
  return factor
}

const asFraction: Decoder<number> = (value, what) => {
  const fraction = asNumber(value, what)
  if (fraction < 0 || fraction > 1) throw notA(what, value, 'between 0 and 1')
  return fraction
}

function decodeSecurity(entry: Entry, block: Entry): SecurityBlock | undefined {
  const security = field(block, 'security', asMap, undefined)
  return security && readSecurityBlock(within(entry, 'lifecycle.security', security))
}

/** A map inside an entry, read with the same functions and named in errors as `entry app:x lifecycle: …`. */
function within(entry: Entry, path: string, data: ValueMap): Entry {
  return { ...entry, id: `${entry.id} ${path}`, data }
}

function fieldText(entry: Entry, name: string): unknown {
  return (entry.data as ValueMap)[name] // `within` made it of a map
}
