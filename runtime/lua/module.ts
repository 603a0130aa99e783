// The socket `LuaModule`: what Lua can `require`. A module is a table of host functions; the engine converts what crosses.
//
// Arguments arrive as plain values (core/value.ts): text as JS strings, other bytes as Uint8Array, integers beyond 2^53 as
// bigint, tables as arrays or null-prototype objects, error values as RuntimeError, userdata of ours as LuaObject.
// What a function returns goes back the same way. Nothing (`undefined`) is no value, `results(a, b)` is several.
// A thrown RuntimeError becomes `nil, err`; `raise(...)` becomes a Lua error; a promise makes the coroutine wait.

import { RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { Value } from '../core/value.ts'
import type { Process } from '../process/process.ts'

/** Classes of modules, as `system.modules()` and `eval_runner` know them. */
export type Trait =
  | 'deterministic'
  | 'nondeterministic'
  | 'encoding'
  | 'time'
  | 'io'
  | 'network'
  | 'storage'
  | 'process'
  | 'security'
  | 'registry'
  | 'system'

/** The calling side of one host call. Stays valid across awaits; ends with its process. */
export interface Call {
  readonly process: Process
  readonly frame: Frame
  /** Registry id of the code that runs, for relative names and messages. */
  readonly definition: string
  /** Aborted when the process ends or the waiting coroutine is closed: pass it to everything this call waits for. */
  readonly signal: AbortSignal
  /** Aborted when the process ends: for what goes on after this call has returned. */
  readonly lifetime: AbortSignal
  /** False where Lua cannot be suspended (inside a sort, an iterator of the language): a promise is an error then. */
  readonly mayWait?: boolean
  /** `id:line` of the Lua line that called. */
  where(): string
  /** Lua traceback of the caller; for errors that are made to be read. */
  traceback(): string
  /** A channel of this process that host code feeds. */
  channel(capacity: number): LuaChannel
  /** Ties a resource to the process: closed when it ends, unless `release` was called before. */
  own(resource: { close(): void }): { release(): void }
  /**
   * Does work that may be long: `step` does a piece of about a millisecond at most and says whether it was the last. Short
   * work is done at once, the rest in later turns with others between. Its time counts for the process.
   */
  work<T>(step: () => boolean, result: () => T): T | Promise<T>
  /** Counts milliseconds of CPU that another thread spent on this call. */
  charge(cpu: number): void
}

/** The host's end of a channel. The Lua end is the object itself, returned or stored anywhere in a result. */
export interface LuaChannel {
  readonly closed: boolean
  /** Queues always, beyond the capacity too: for events that must not be lost. False when closed. */
  push(value: unknown): boolean
  /** Queues only if somebody waits or there is room. False when full or closed. */
  offer(value: unknown): boolean
  close(): void
  /**
   * From here on it lives only as long as Lua holds it; otherwise it stays until the process ends. For channels the host
   * is done with.
   */
  loosen(): void
  /** `lost` when it was collected with something in it, `taken` when it was empty. */
  readonly collected: 'lost' | 'taken' | undefined
}

export type HostFunction = (call: Call, ...args: never[]) => unknown
// biome-ignore lint/suspicious/noExplicitAny: module authors declare `unknown` or narrower; variance would refuse both
export type AnyHostFunction = (call: Call, ...args: any[]) => unknown

/**
 * A function written against the engine's stack, for the few that are too hot for conversion: names one of the raw
 * functions the engine was made with.
 */
export class RawFunction {
  readonly slot: string
  constructor(slot: string) {
    this.slot = slot
  }
}

export interface ModuleTable {
  readonly [name: string]: ModuleMember
}
export type ModuleMember =
  | AnyHostFunction
  | RawFunction
  | LuaObject<unknown>
  | ModuleTable
  | readonly Value[]
  | string
  | number
  | bigint
  | boolean

export interface LuaModule {
  /** The name `modules:` grants and `require` takes. */
  readonly name: string
  readonly description: string
  readonly traits: readonly Trait[]
  /** Called once per engine; the table is frozen and shared by all processes. State belongs in closures or per process. */
  open(): ModuleTable | LuaObject<unknown>
}

/** Several results: `return results(false, error)`. */
export class Results {
  readonly values: readonly unknown[]
  constructor(values: readonly unknown[]) {
    this.values = values
  }
}
export function results(...values: unknown[]): Results {
  return new Results(values)
}

/** Thrown to raise in Lua instead of returning `nil, err`. */
export class LuaRaise extends Error {
  readonly value: RuntimeError | string
  constructor(value: RuntimeError | string) {
    super(typeof value === 'string' ? value : value.text)
    this.value = value
  }
}
export function raise(value: RuntimeError | string): never {
  throw new LuaRaise(value)
}

/** What a kind of userdata can do. Methods get the wrapped value after the call. */
export interface LuaTypeSpec<T> {
  /** Shown by `type`-like messages: `time.Time`. */
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: see AnyHostFunction
  readonly methods?: { readonly [name: string]: (call: Call, self: T, ...args: any[]) => unknown }
  /** Fields read without a call. */
  readonly fields?: { readonly [name: string]: (self: T) => unknown }
  readonly tostring?: (self: T) => string
  readonly equals?: (a: T, b: T) => boolean
  readonly less?: (a: T, b: T) => boolean
  /** For objects with methods only known at run time (contract instances): the function for a name, or undefined. */
  readonly method?: (self: T, name: string) => AnyHostFunction | undefined
}

/** A kind of userdata. `wrap` makes the Lua object, `check` reads an argument or raises `bad argument #n`. */
export class LuaType<T> {
  readonly spec: LuaTypeSpec<T>
  constructor(spec: LuaTypeSpec<T>) {
    this.spec = spec
  }
  wrap(value: T): LuaObject<T> {
    return new LuaObject(this, value)
  }
  is(argument: unknown): argument is LuaObject<T> {
    return argument instanceof LuaObject && argument.type === (this as LuaType<unknown>)
  }
  check(argument: unknown, position: number, name: string): T {
    if (this.is(argument)) return argument.value
    return badArgument(position, name, this.spec.name, argument)
  }
}

/** A TypeScript value in Lua's hands. */
export class LuaObject<T> {
  readonly type: LuaType<unknown>
  readonly value: T
  constructor(type: LuaType<T>, value: T) {
    this.type = type as LuaType<unknown>
    this.value = value
  }
}

/** A value in the wrapper that futures and messages deliver: `payload:data()`. */
export class LuaPayload {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/** A Lua function seen from the host: it can be recognised, not called. */
export class LuaFunctionRef {}

/** A table read without loss, for functions marked by `exactTables`: every key and value, in Lua's order of iteration. */
export class LuaTable {
  readonly entries: Map<Value, unknown>
  /** True for `{}` that once had string keys: JSON writes it as an object (spec/framework-requirements.md §4). */
  readonly hadKeys: boolean
  constructor(entries: Map<Value, unknown>, hadKeys: boolean) {
    this.entries = entries
    this.hadKeys = hadKeys
  }
}

const exact = new WeakSet<object>()

/** Marks a host function to get its tables as LuaTable, cycles included, instead of plain values. */
export function exactTables<F extends AnyHostFunction>(fn: F): F {
  exact.add(fn)
  return fn
}
export function wantsExactTables(fn: object): boolean {
  return exact.has(fn)
}

const inBytes = new WeakSet<object>()

/** Marks a host function to get its strings as bytes: long ones are then not decoded and encoded again. */
export function byteStrings<F extends AnyHostFunction>(fn: F): F {
  inBytes.add(fn)
  return fn
}
export function wantsByteStrings(fn: object): boolean {
  return inBytes.has(fn)
}

const rest = new WeakMap<object, number>()

/**
 * Marks a host function to get its Lua arguments from `position` on (1 is the first, the object itself for a method) as one
 * Payload, which carries Lua values on without loss. It is valid until the function returns or awaits: `detached` keeps it.
 */
export function restPayload<F extends AnyHostFunction>(position: number, fn: F): F {
  rest.set(fn, position)
  return fn
}
export function restPosition(fn: object): number | undefined {
  return rest.get(fn)
}

/** Lua's own name for the type of an argument. */
export function luaTypeName(value: unknown): string {
  if (value === undefined) return 'no value'
  if (value === null) return 'nil'
  if (value instanceof RuntimeError || value instanceof LuaObject) return 'userdata'
  if (value instanceof LuaFunctionRef) return 'function'
  if (value instanceof Uint8Array) return 'string'
  if (typeof value === 'bigint') return 'number'
  return typeof value === 'object' ? 'table' : typeof value
}

/** Raises Lua's standard message for a wrong argument type. */
export function badArgument(position: number, name: string, expected: string, got: unknown): never {
  return raise(`bad argument #${position} to ${name} (${expected} expected, got ${luaTypeName(got)})`)
}

/** A string argument as text; numbers become strings as Lua does; error values give their message. Raises otherwise. */
export function text(argument: unknown, position: number, name: string): string {
  if (typeof argument === 'string') return argument
  if (typeof argument === 'number' || typeof argument === 'bigint') return String(argument)
  if (argument instanceof Uint8Array) return Buffer.from(argument).toString('utf8')
  if (argument instanceof RuntimeError) return argument.text
  return badArgument(position, name, 'string', argument)
}

export function optionalText(argument: unknown, position: number, name: string): string | undefined {
  return argument === undefined || argument === null ? undefined : text(argument, position, name)
}

/** A string argument as bytes. Raises otherwise. */
export function bytes(argument: unknown, position: number, name: string): Uint8Array {
  return argument instanceof Uint8Array ? argument : Buffer.from(text(argument, position, name), 'utf8')
}

/** A number argument; numeric strings count, as in Lua. Raises otherwise. */
export function number(argument: unknown, position: number, name: string): number {
  if (typeof argument === 'number') return argument
  if (typeof argument === 'bigint') return Number(argument)
  if (typeof argument === 'string' && argument.trim() !== '' && Number.isFinite(Number(argument)))
    return Number(argument)
  return badArgument(position, name, 'number', argument)
}

export function optionalNumber(argument: unknown, position: number, name: string): number | undefined {
  return argument === undefined || argument === null ? undefined : number(argument, position, name)
}

/** How much a reader is asked for, at least one byte; undefined, which is its own measure, for nothing and for 0 or less. */
export function pieceSize(argument: unknown, position: number, name: string): number | undefined {
  const size = optionalNumber(argument, position, name) ?? 0
  return size > 0 ? Math.floor(size) || 1 : undefined
}

/** A table argument as a plain map; an empty table is an empty map. Raises otherwise. */
export function table(argument: unknown, position: number, name: string): { [key: string]: unknown } {
  if (Array.isArray(argument))
    return Object.assign(Object.create(null), Object.fromEntries(argument.map((v, i) => [String(i + 1), v])))
  if (typeof argument === 'object' && argument !== null && luaTypeName(argument) === 'table')
    return argument as { [key: string]: unknown }
  return badArgument(position, name, 'table', argument)
}

export function optionalTable(
  argument: unknown,
  position: number,
  name: string,
): { [key: string]: unknown } | undefined {
  return argument === undefined || argument === null ? undefined : table(argument, position, name)
}

/** A table argument as a list; an empty table is an empty list. Raises otherwise. */
export function list(argument: unknown, position: number, name: string): unknown[] {
  if (Array.isArray(argument)) return argument
  if (
    typeof argument === 'object' &&
    argument !== null &&
    luaTypeName(argument) === 'table' &&
    Object.keys(argument).length === 0
  )
    return []
  return badArgument(position, name, 'table', argument)
}
