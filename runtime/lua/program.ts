// Code ready to run: the checked and erased sources of an entry and of every library it reaches, and the limits it runs under.
// Immutable; a changed entry gets a new program, and what runs keeps its old one.

import { SLICE_MS } from '../process/scheduler.ts'

/** One chunk: an entry's or a library's. */
export interface Code {
  /** Registry id: the chunk name in messages and tracebacks. */
  readonly id: string
  /** Plain Lua; types are erased with lines and columns kept. */
  readonly source: string
  /** The source calls the hidden library of run-time types (typed/types.lua). */
  readonly needsTypes: boolean
  /** Names the chunk may require and the module behind each: `{ json: 'json', j: 'json' }`. */
  readonly modules: ReadonlyMap<string, string>
  /** Import aliases and the libraries behind them. */
  readonly imports: ReadonlyMap<string, Code>
}

export interface Limits {
  /** Bytes of one VM. */
  readonly memory: number
  /** Milliseconds of CPU: of code made at run time in all, of other code since it last waited for anything. */
  readonly cpu: number
  /** Milliseconds after which a slice ends and others have their turn. */
  readonly slice: number
  /** Milliseconds a function call may take in all; Infinity for trusted code. */
  readonly wall: number
  readonly mailboxMessages: number
  /** Bytes that unread messages may take together. */
  readonly mailboxBytes: number
  /** Bytes of one message, sent or received. */
  readonly messageBytes: number
  /** Sleeps, timers and tickers of a process that are pending. */
  readonly timers: number
  /** Channels of a process, subscriptions too. */
  readonly channels: number
}

export const trustedLimits: Limits = {
  memory: 1 << 30,
  cpu: Number.POSITIVE_INFINITY,
  wall: Number.POSITIVE_INFINITY,
  mailboxMessages: 100_000,
  mailboxBytes: 64 << 20,
  messageBytes: 64 << 20,
  slice: SLICE_MS,
  timers: Number.POSITIVE_INFINITY,
  channels: Number.POSITIVE_INFINITY,
}
/** design/PROMISES.md P7 */
export const generatedLimits: Limits = {
  memory: 16 << 20,
  cpu: 2_000,
  wall: 30_000,
  mailboxMessages: 10_000,
  mailboxBytes: 64 << 20,
  messageBytes: 8 << 20,
  slice: SLICE_MS,
  timers: 10_000,
  channels: 20_000,
}

export interface Program {
  readonly code: Code
  readonly method: string
  readonly limits: Limits
  /** Each of its processes has a VM of its own. */
  readonly isolated?: boolean
  /** Made at run time: fresh state per call, small slices, an instance of its own. */
  readonly generated: boolean
}

/** The chunks of a program, the entry's first, each once. */
export function codesOf(program: Program): Code[] {
  const found = new Set<Code>()
  const visit = (code: Code): void => {
    if (found.has(code)) return
    found.add(code)
    for (const library of code.imports.values()) visit(library)
  }
  visit(program.code)
  return [...found]
}
