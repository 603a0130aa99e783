// The modules of the main thread, served to a worker: it asks for their tables once, and calls their functions by number. What
// they return stays here unless it is data; the worker holds it by number until it says that nobody does any more.

import { asRuntimeError, RuntimeError } from '../core/error.ts'
import type { WireReader, WireWriter } from '../core/wire.ts'
import {
  type AnyHostFunction,
  type Call,
  type LuaModule,
  LuaObject,
  LuaRaise,
  type LuaType,
  type ModuleMember,
  RawFunction,
  restPosition,
  wantsByteStrings,
  wantsExactTables,
} from '../lua/module.ts'
import { ANSWER, TO_WORKER } from './protocol.ts'
import { RemoteChannel } from './remote-channel.ts'
import type { RemoteProcess } from './remote-process.ts'
import { INSPECT, MEMBER, RESIDENT } from './served.ts'

interface Served {
  readonly item: AnyHostFunction | LuaObject<unknown>
  /** A function of a type: its first argument is the object. */
  readonly method: boolean
  /** How often the worker was told of it: it is let go when the worker has let go of all of these. */
  mentions: number
}

/** How a call went, in the words of the protocol. */
export type Answered = readonly [how: number, value: unknown]

export interface ModuleServerDeps {
  readonly modules: ReadonlyMap<string, LuaModule>
  readonly say: (operation: number, ...fields: unknown[]) => void
  /** An error that is ours, not the program's. */
  readonly broken: (error: unknown) => void
}

export class ModuleServer {
  readonly #deps: ModuleServerDeps
  /** By number: functions and objects the worker knows. */
  readonly #served = new Map<number, Served>()
  readonly #numbers = new Map<object, number>()
  readonly #types = new Map<LuaType<unknown>, number>()
  readonly #newTypes: LuaType<unknown>[] = []
  readonly #channels = new Map<number, RemoteChannel>()
  /** Calls that wait, by question: how to end them. */
  readonly #waiting = new Map<number, AbortController>()
  #last = 0

  constructor(deps: ModuleServerDeps) {
    this.#deps = deps
  }

  // ---- what crosses (threads/lua-values.ts, Residents) ----

  begin(): void {
    this.#newTypes.length = 0
  }

  /** The worker never heard of the types of an operation that was not said. */
  undo(): void {
    for (const type of this.#newTypes) this.#types.delete(type)
    this.#newTypes.length = 0
  }

  write(writer: WireWriter, value: object): boolean {
    if (value instanceof RemoteChannel) {
      writer.byte(RESIDENT.channel)
      writer.count(value.id)
    } else if (typeof value === 'function') {
      writer.byte(RESIDENT.function)
      this.#writeFunction(writer, value as AnyHostFunction, false)
    } else if (value instanceof LuaObject) {
      writer.byte(RESIDENT.object)
      writer.count(this.#mention(value, false))
      this.#writeType(writer, value.type)
    } else {
      return false
    }
    return true
  }

  read(reader: WireReader): unknown {
    const item = this.#served.get(reader.count())?.item
    return item instanceof LuaObject ? item : null
  }

  #mention(item: AnyHostFunction | LuaObject<unknown>, method: boolean): number {
    let number = this.#numbers.get(item)
    if (number === undefined) {
      number = ++this.#last
      this.#numbers.set(item, number)
      this.#served.set(number, { item, method, mentions: 0 })
    }
    const served = this.#served.get(number)
    if (served !== undefined) served.mentions++
    return number
  }

  #writeFunction(writer: WireWriter, run: AnyHostFunction, method: boolean): void {
    writer.count(this.#mention(run, method))
    writer.value(wantsExactTables(run))
    writer.value(wantsByteStrings(run))
    writer.value(restPosition(run))
  }

  /** The first time with all that the worker needs to make a type of its own. */
  #writeType(writer: WireWriter, type: LuaType<unknown>): void {
    const known = this.#types.get(type)
    writer.count(known ?? this.#types.size)
    writer.value(known === undefined)
    if (known !== undefined) return
    this.#types.set(type, this.#types.size)
    this.#newTypes.push(type)
    const { spec } = type
    const methods = Object.entries(spec.methods ?? {})
    writer.text(spec.name)
    writer.count(methods.length)
    for (const [name, method] of methods) {
      writer.text(name)
      this.#writeFunction(writer, method as AnyHostFunction, true)
    }
    writer.value(Object.keys(spec.fields ?? {}))
    for (const part of [spec.tostring, spec.equals, spec.less, spec.method]) writer.value(part !== undefined)
  }

  /** Lua over there holds it no longer, after having been told of it so many times. */
  released(number: number, mentions: number): void {
    const served = this.#served.get(number)
    if (served === undefined) return
    served.mentions -= mentions
    if (served.mentions > 0) return
    this.#served.delete(number)
    this.#numbers.delete(served.item)
  }

  channelCollected(id: number, how: 'lost' | 'taken'): void {
    const channel = this.#channels.get(id)
    if (channel === undefined) return
    channel.collected = how
    this.#channels.delete(id)
  }

  // ---- questions ----

  /** The table of a module as a description (served.ts). Throws NotFound. */
  open(name: string): unknown {
    const module = this.#deps.modules.get(name)
    if (module === undefined) throw new RuntimeError('NotFound', `module '${name}' not found`, { retryable: false })
    return this.#describe(module.open())
  }

  #describe(member: ModuleMember): unknown {
    if (typeof member === 'function' || member instanceof LuaObject) return [MEMBER.value, member]
    if (member instanceof RawFunction) return [MEMBER.raw, member.slot]
    if (typeof member !== 'object' || Array.isArray(member)) return [MEMBER.value, member]
    const fields = Object.entries(member as { [name: string]: ModuleMember })
    return [MEMBER.table, fields.map(([name, inner]) => [name, this.#describe(inner)])]
  }

  /** Calls a function for a process over there; `answer` is called once, at once when the function need not wait. */
  invoke(
    question: number,
    process: RemoteProcess,
    number: number,
    where: string,
    args: readonly unknown[],
    standsStill: boolean,
    answer: (answered: Answered) => void,
  ): void {
    const served = this.#served.get(number)
    if (served === undefined || served.item instanceof LuaObject) {
      answer([ANSWER.error, new RuntimeError('InvalidState', 'the function is gone', { retryable: false })])
      return
    }
    const abort = new AbortController()
    const owned = process.own({ close: () => abort.abort() })
    const done = (answered: Answered): void => {
      owned.release()
      this.#waiting.delete(question)
      answer(answered)
    }
    let returned: unknown
    const started = performance.now()
    try {
      const [first, ...rest] = args
      const self = served.method && first instanceof LuaObject ? first.value : first
      const given = args.length === 0 ? [] : [self, ...rest]
      returned = served.item(this.#call(process, where, abort.signal), ...given)
    } catch (thrown) {
      this.#charge(process, started)
      done(this.#thrown(thrown))
      return
    }
    this.#charge(process, started)
    if (!(returned instanceof Promise)) {
      done([ANSWER.value, returned])
      return
    }
    if (standsStill) {
      // Its thread would wait with it.
      abort.abort()
      returned.catch(() => undefined)
      done([ANSWER.raise, 'attempt to yield across a C-call boundary'])
      return
    }
    this.#waiting.set(question, abort)
    returned.then(
      (value: unknown) => done([ANSWER.value, value]),
      (error: unknown) => done(this.#thrown(error)),
    )
  }

  /** The coroutine that waits for this call was closed, or its process ended. */
  abort(question: number): void {
    this.#waiting.get(question)?.abort()
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** What can be asked of an object without a call. */
  inspect(number: number, what: number, argument: unknown): unknown {
    const object = this.#served.get(number)?.item
    if (!(object instanceof LuaObject)) return null
    const { spec } = object.type
    const other = argument instanceof LuaObject ? argument.value : undefined
    switch (what) {
      case INSPECT.text:
        return spec.tostring?.(object.value) ?? spec.name
      case INSPECT.field:
        return spec.fields?.[String(argument)]?.(object.value)
      case INSPECT.method:
        return spec.method?.(object.value, String(argument)) ?? null
      case INSPECT.equal:
        return spec.equals?.(object.value, other) ?? object.value === other
      case INSPECT.less:
        return spec.less?.(object.value, other) ?? false
      default:
        return null
    }
  }

  /** The thread is gone: whatever it waited for is told to stop. */
  close(): void {
    for (const abort of this.#waiting.values()) abort.abort()
    for (const channel of this.#channels.values()) channel.closed = true
    this.#waiting.clear()
    this.#channels.clear()
    this.#served.clear()
    this.#numbers.clear()
  }

  #call(process: RemoteProcess, where: string, signal: AbortSignal): Call {
    return {
      process,
      frame: process.frame,
      definition: process.definition,
      signal,
      get lifetime() {
        return process.signal
      },
      where: () => where,
      traceback: () => `stack traceback:\n\t${where}: in function`,
      channel: (capacity) => {
        const channel = new RemoteChannel(++this.#last, process.serial, capacity, this.#deps.say)
        this.#channels.set(channel.id, channel)
        process.own({
          close: () => {
            channel.closed = true
            this.#channels.delete(channel.id)
          },
        })
        return channel
      },
      own: (resource) => process.own(resource),
      work: (step, result) => inTurns(step, signal, (start) => this.#charge(process, start)).then(result),
      charge: (cpu) => this.#deps.say(TO_WORKER.charge, process.serial, cpu),
    }
  }

  /** What this thread did for a process since then is CPU of the process. */
  #charge({ serial }: RemoteProcess, started: number): void {
    const used = performance.now() - started
    if (used >= WORTH_TELLING_MS) this.#deps.say(TO_WORKER.charge, serial, used)
  }

  /** A failure of ours is reported where we read it, and still reaches Lua as an Internal error. */
  #thrown(thrown: unknown): Answered {
    if (thrown instanceof LuaRaise) return [ANSWER.raise, thrown.value]
    if (!(thrown instanceof RuntimeError)) this.#deps.broken(thrown)
    return [ANSWER.error, asRuntimeError(thrown)]
  }
}

/** A turn of long work ends after about this long. */
const TURN_MS = 4
/** Milliseconds of work for a process that are worth a word of it. */
const WORTH_TELLING_MS = 0.5

/** Does a piece after the other, with other work of this thread between, until the last or until nobody waits for it. */
async function inTurns(step: () => boolean, signal: AbortSignal, used: (since: number) => void): Promise<void> {
  for (;;) {
    const started = performance.now()
    let done = false
    do done = step()
    while (!done && performance.now() - started < TURN_MS)
    used(started)
    if (done) return
    await new Promise((resolve) => setImmediate(resolve))
    if (signal.aborted) throw new RuntimeError('Canceled', 'call ended', { retryable: false })
  }
}
