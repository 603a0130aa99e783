// The socket `Process`: how a scheduled thing looks to the kernel (links, names, hosts, router), whatever runs inside it.
// Engines (lua/ today) implement it; nothing here knows Lua.

import { asRuntimeError, type RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { Value } from '../core/value.ts'

/**
 * What a message, an argument list or an exit carries. An engine recognises its own payloads and copies them directly;
 * everybody else asks for plain values. A payload handed to `deliver` is only valid during that call.
 */
export interface Payload {
  readonly length: number
  /** Bytes a message may take as far as its sender is concerned. */
  readonly limit?: number
  /**
   * Its sender was told already that there is room for it, and is told through this when it has been read: a message from
   * another thread. It is never refused for want of room.
   */
  read?(): void
  values(): Value[]
  /** The same values as a payload that stays valid; without it, this one does. */
  detach?(): Payload
}

export const noPayload: Payload = { length: 0, values: () => [] }

/** Plain values as a payload. */
export function payloadOf(values: Value[]): Payload {
  return { length: values.length, values: () => values }
}

/** How a process ended. `result` is valid only while the exit is being reported. */
export type Exit =
  | { readonly error: undefined; readonly result: Payload }
  | { readonly error: RuntimeError; readonly result: undefined }

/**
 * Calls `take` with the result of an exit, or `fail` with its error; a result that cannot be taken (too deep, too big) is an
 * error too. Whoever watches an exit must not throw: others watch it as well.
 */
export function settleExit(exit: Exit, take: (result: Payload) => void, fail: (error: RuntimeError) => void): void {
  if (exit.error !== undefined) {
    fail(exit.error)
    return
  }
  try {
    take(exit.result)
  } catch (error) {
    fail(asRuntimeError(error))
  }
}

export type ProcessEvent =
  | { readonly kind: 'pid.exit' | 'pid.link.down'; readonly from: string; readonly at: number; readonly exit: Exit }
  | { readonly kind: 'pid.cancel'; readonly from: string; readonly at: number; readonly reason: string }
  | { readonly kind: 'pid.interrupt'; readonly from: string; readonly at: number }
  | { readonly kind: 'pid.outdated'; readonly from: string; readonly at: number; readonly sources: readonly string[] }

export interface ProcessOptions {
  trap_links: boolean
  upgradable: boolean
  interrupts: boolean
}

/** A process by its parts: the pid without its text, and without keeping the process. */
export interface Ancestor {
  readonly serial: number
  readonly host: string
}

/** What a process may hold at once; modules that hand such things out ask. */
export interface ProcessLimits {
  readonly timers: number
}

export interface ProcessActivity {
  readonly state: 'running' | 'ready' | 'waiting'
  /** Those that have not ended, the main one included. */
  readonly coroutines: number
  /** Messages that wait to be read. */
  readonly queued: number
  /** Milliseconds, as far as it was measured: short slices are not. */
  readonly cpu: number
}

export interface Process {
  /** The counter behind the pid: unique in this runtime, never reused. */
  readonly serial: number
  readonly pid: string
  /** Host entry id, or `ns:name#lua.N` for a function. */
  readonly host: string
  /** Registry id of the running definition. */
  readonly definition: string
  readonly frame: Frame
  readonly options: ProcessOptions
  readonly limits?: ProcessLimits
  setOptions(changes: Partial<ProcessOptions>): void
  readonly ended: boolean
  readonly startedAt: number
  /** Settles when its code has loaded, for one that runs in another thread and may yet fail to; rejects with why it did. */
  readonly starting?: Promise<void> | undefined
  /** It failed to, and whoever started it was told: nobody else hears of it. */
  readonly neverStarted?: boolean
  /** Who spawned it, if a process did. */
  readonly parent?: Ancestor | undefined
  /** Slices run so far. */
  readonly steps?: number
  /** What it does at this moment; for inspection. */
  inspect?(): ProcessActivity
  /** Queues a message. Throws RateLimited, LimitExceeded, Invalid when it cannot be queued. */
  deliver(topic: string, from: string, payload: Payload): void
  /** Queues a system event; never refused. */
  event(event: ProcessEvent): void
  /** Ends it before its next step with this error. */
  terminate(error: RuntimeError): void
}

/** A process that can go on as another one: same pid, name, relations and unread messages (spec/process.md §7). */
export interface Upgradable extends Process {
  /**
   * Hands over to what `create` makes from the terms this one was made under, and releases everything else. `undefined`
   * when it ended meanwhile. Whatever `create` throws passes through, and nothing has changed then.
   */
  become(create: (terms: ProcessTerms) => Process): Process | undefined
}

/** What a process is made under, and goes on under when it upgrades. */
export interface ProcessTerms {
  readonly serial: number
  readonly host: string
  /** What its pid calls this runtime; empty for nothing. */
  readonly node: string
  readonly frame: Frame
  readonly parent?: Ancestor | undefined
  /** Milliseconds since 1970; of the first process of this pid. */
  readonly startedAt: number
  /** Called exactly once, when the process has ended and its resources are free. */
  readonly ended: (process: Process, exit: Exit) => void
}

/** What a host hands to the factory of a definition to make a process. Not to be kept: there are many processes. */
export interface ProcessInit extends ProcessTerms {
  readonly args: Payload
}

/** Makes processes of one definition from its current code. Throws when the code does not load. */
export interface ProcessFactory {
  create(init: ProcessInit): Process
}
