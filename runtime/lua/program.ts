// Code ready to run: the checked and erased sources of an entry and of every library it reaches, and the limits it runs under.
// Immutable; a changed entry gets a new program, and what runs keeps its old one.

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
  /** Milliseconds of CPU a process may use without ever yielding to a wait; Infinity for trusted code. */
  readonly cpu: number
  /** Milliseconds a function call may take in all; Infinity for trusted code. */
  readonly wall: number
  readonly mailboxMessages: number
  /** Bytes that unread messages may take together. */
  readonly mailboxBytes: number
  /** Bytes of one message, sent or received. */
  readonly messageBytes: number
}

export const trustedLimits: Limits = {
  memory: 1 << 30,
  cpu: Number.POSITIVE_INFINITY,
  wall: Number.POSITIVE_INFINITY,
  mailboxMessages: 100_000,
  mailboxBytes: 64 << 20,
  messageBytes: 64 << 20,
}
/** design/PROMISES.md P7 */
export const generatedLimits: Limits = {
  memory: 16 << 20,
  cpu: 2_000,
  wall: 30_000,
  mailboxMessages: 10_000,
  mailboxBytes: 64 << 20,
  messageBytes: 8 << 20,
}

export interface Program {
  readonly code: Code
  readonly method: string
  readonly limits: Limits
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
