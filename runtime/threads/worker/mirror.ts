// The modules of the main thread as a worker's Lua sees them: tables and objects that stand for those over there. Calling one asks
// the main thread and waits for the answer, as for any host function that takes time.

import type { WireReader, WireWriter } from '../../core/wire.ts'
import type { Channel } from '../../lua/channel.ts'
import {
  type AnyHostFunction,
  byteStrings,
  type Call,
  exactTables,
  type LuaModule,
  LuaObject,
  LuaType,
  type ModuleMember,
  type ModuleTable,
  RawFunction,
  restPayload,
} from '../../lua/module.ts'
import type { Payload, Process } from '../../process/process.ts'
import type { Residents } from '../lua-values.ts'
import { ASK, TO_MAIN } from '../protocol.ts'
import { sayable } from '../sayable.ts'
import { INSPECT, MEMBER, RESIDENT } from '../served.ts'
import type { MainThread } from './main-thread.ts'

/** An object of the main thread, by its number there. */
class Resident {
  readonly number: number
  constructor(number: number) {
    this.number = number
  }
}

export interface MirrorDeps {
  readonly main: () => MainThread
  /** Makes a process known to the main thread, which acts on its behalf. */
  readonly introduce: (process: Process) => void
  /** A text that may be the pid of a process of this thread, which the main thread is then to know. */
  readonly mention: (text: string) => void
  readonly channel: (id: number) => Channel | undefined
}

export class Mirror implements Residents {
  readonly #deps: MirrorDeps
  readonly #types: LuaType<Resident>[] = []
  readonly #known = new Map<number, WeakRef<object>>()
  /** How often the main thread has mentioned something, for as long as it is held here. */
  readonly #mentions = new Map<number, number>()
  readonly #released: FinalizationRegistry<number>

  constructor(deps: MirrorDeps) {
    this.#deps = deps
    this.#released = new FinalizationRegistry((number) => {
      if (this.#known.get(number)?.deref() !== undefined) return
      this.#known.delete(number)
      const mentions = this.#mentions.get(number) ?? 0
      this.#mentions.delete(number)
      deps.main().say(TO_MAIN.released, number, mentions)
    })
  }

  /** The module of this name, whose table is asked for when it is first opened. */
  module(name: string): LuaModule {
    let table: ModuleTable | LuaObject<unknown> | undefined
    return {
      name,
      description: '',
      traits: [],
      open: () => (table ??= this.#member(this.#deps.main().ask(ASK.open, name)) as ModuleTable | LuaObject<unknown>),
    }
  }

  /** A member as it was described (served.ts). */
  #member(described: unknown): ModuleMember {
    const [kind, content] = described as [number, unknown]
    if (kind === MEMBER.raw) return new RawFunction(content as string)
    if (kind !== MEMBER.table) return content as ModuleMember
    const table: Record<string, ModuleMember> = {}
    for (const [name, member] of content as [string, unknown][]) table[name] = this.#member(member)
    return table
  }

  // ---- what crosses (threads/lua-values.ts, Residents) ----

  begin(): void {}
  undo(): void {}

  write(writer: WireWriter, value: object): boolean {
    const resident = value instanceof LuaObject ? value.value : value
    if (!(resident instanceof Resident)) return false
    writer.count(resident.number)
    return true
  }

  read(reader: WireReader): unknown {
    switch (reader.byte()) {
      case RESIDENT.channel:
        return this.#deps.channel(reader.count()) ?? null
      case RESIDENT.function:
        return this.#readFunction(reader)
      default:
        return this.#readObject(reader)
    }
  }

  #readObject(reader: WireReader): LuaObject<unknown> {
    const number = reader.count()
    const type = this.#readType(reader)
    return this.#held(number, () => new LuaObject(type, new Resident(number)))
  }

  #readFunction(reader: WireReader): AnyHostFunction {
    const number = reader.count()
    const marks = {
      exact: reader.value() as boolean,
      bytes: reader.value() as boolean,
      rest: reader.value() as number | undefined,
    }
    return this.#held(number, () => marked((call, ...args) => this.#invoke(number, call, args), marks))
  }

  /** The thing of this number, made unless it is held already. */
  #held<T extends object>(number: number, make: () => T): T {
    this.#mentions.set(number, (this.#mentions.get(number) ?? 0) + 1)
    const known = this.#known.get(number)?.deref() as T | undefined
    if (known !== undefined) return known
    const made = make()
    this.#known.set(number, new WeakRef(made))
    this.#released.register(made, number)
    return made
  }

  #readType(reader: WireReader): LuaType<Resident> {
    const index = reader.count()
    if (reader.value() !== true) return this.#types[index] as LuaType<Resident> // described before
    const name = reader.text()
    const methods: Record<string, (call: Call, self: Resident, ...args: unknown[]) => unknown> = {}
    for (let left = reader.count(); left > 0; left--) methods[reader.text()] = this.#readFunction(reader)
    const names = reader.value() as string[]
    const [tostring, equals, less, method] = [0, 1, 2, 3].map(() => reader.value() === true)
    const ask = ({ number }: Resident, what: number, argument?: unknown): unknown =>
      this.#deps.main().ask(ASK.inspect, number, what, argument)
    const fields = Object.fromEntries(
      names.map((field) => [field, (self: Resident) => ask(self, INSPECT.field, field)] as const),
    )
    const type = new LuaType<Resident>({
      name,
      methods,
      ...(names.length > 0 ? { fields } : {}),
      ...(tostring ? { tostring: (self) => String(ask(self, INSPECT.text)) } : {}),
      ...(equals ? { equals: (a, b) => a === b || ask(a, INSPECT.equal, b) === true } : {}),
      ...(less ? { less: (a, b) => ask(a, INSPECT.less, b) === true } : {}),
      ...(method
        ? { method: (self, wanted) => (ask(self, INSPECT.method, wanted) ?? undefined) as AnyHostFunction | undefined }
        : {}),
    })
    this.#types[index] = type
    return type
  }

  #invoke(number: number, call: Call, args: readonly unknown[]): unknown {
    const main = this.#deps.main()
    this.#deps.introduce(call.process)
    // What is done to a process by its pid finds it as it is now: by the time it is done the process may have ended.
    for (const argument of args) if (typeof argument === 'string') this.#deps.mention(argument)
    const given = args.map((argument) => (isPayload(argument) ? sayable(argument) : argument))
    const { serial } = call.process
    if (call.mayWait === false) return main.ask(ASK.invoke, serial, number, call.where(), given, true)
    return main.request(call.signal, ASK.invoke, serial, number, call.where(), given, false)
  }
}

/** How a function over there wants its arguments, and so the one here that stands for it. */
interface Marks {
  readonly exact: boolean
  readonly bytes: boolean
  readonly rest: number | undefined
}

function marked(run: AnyHostFunction, { exact, bytes, rest }: Marks): AnyHostFunction {
  if (exact) exactTables(run)
  if (bytes) byteStrings(run)
  return rest === undefined ? run : restPayload(rest, run)
}

function isPayload(argument: unknown): argument is Payload {
  return typeof argument === 'object' && argument !== null && 'values' in argument && 'detach' in argument
}
