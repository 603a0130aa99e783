// Calls from Lua into modules: arguments and results converted, errors and promises handled, methods and metatables of
// userdata. Everything a module author writes passes through here (module.ts says how).

import { asRuntimeError, RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { Process } from '../process/process.ts'
import type { Channel } from './channel.ts'
import type { LuaEngine } from './engine.ts'
import type { RawFunctions } from './instance.ts'
import { KEY } from './keys.ts'
import type { LuaProcess } from './lua-process.ts'
import {
  type AnyHostFunction,
  type Call,
  type LuaChannel,
  LuaObject,
  LuaRaise,
  type LuaType,
  Results,
  restPosition,
  wantsByteStrings,
  wantsExactTables,
} from './module.ts'
import { Overdue, pace } from './pace.ts'
import { isLarge, SlowPush } from './slow-push.ts'
import { SlowRead } from './slow-read.ts'
import { StackPayload } from './stack-payload.ts'
import type { VM } from './vm.ts'
import { LUA, REGISTRY } from './wasm.ts'

interface Registered {
  readonly run: AnyHostFunction
  readonly name: string
  /** For methods: the type its first argument must have. */
  readonly self: LuaType<unknown> | undefined
  readonly exact: boolean
  /** Strings come as bytes. */
  readonly bytes: boolean
  /** Stack position from which the arguments are one payload. */
  readonly rest: number | undefined
}

const FIRST_UPVALUE = REGISTRY - 1

/** Parts of a value that cross at once; larger ones cross in pieces, others running between (design PROMISES P6). */
const AT_ONCE = 16_000
/** Milliseconds of work that are done at once. */
const SHORT_MS = 4
/** The same where the code cannot wait, in a chunk that loads for example. */
const SHORT_WITHOUT_WAITING_MS = 50

/** Why a call is over before it has an answer. One for all: ten thousand may end together, and an error is dear to make. */
const callEnded = new RuntimeError('Canceled', 'canceled', { retryable: false })

class HostCall implements Call {
  readonly #engine: LuaEngine
  readonly #thread: number
  readonly #process: LuaProcess
  /** Made when somebody asks for the signal; AbortSignal.any costs 30 times as much, and leaks on Node 20. */
  #abort: AbortController | undefined
  #owned: { release(): void } | undefined
  #canceled = false
  /** Set when its coroutine waits for the answer. */
  waiting = false
  /** Threads with values on their way. */
  #borrowed: number[] = []

  constructor(engine: LuaEngine, process: LuaProcess, thread: number) {
    this.#engine = engine
    this.#process = process
    this.#thread = thread
  }

  get process(): Process {
    return this.#process
  }
  get frame(): Frame {
    return this.#process.frame
  }
  get definition(): string {
    return this.#process.definition
  }
  get lifetime(): AbortSignal {
    return this.#process.signal
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#canceled || this.#process.ended) this.#abort.abort(callEnded)
      else this.#owned = this.#process.own(this)
    }
    return this.#abort.signal
  }

  /** The coroutine that waits for this call was closed, or its process ended: what the call started must not go on. */
  close(): void {
    this.#canceled = true
    this.#abort?.abort(callEnded)
    this.settled()
    this.giveBack()
  }

  /** A thread for values on their way, until `giveBack`. */
  borrowThread(): number {
    const thread = this.#process.vm.takeThread()
    this.#borrowed.push(thread)
    return thread
  }

  giveBack(): void {
    const { vm } = this.#process
    for (const thread of this.#borrowed.splice(0))
      if (!vm.closed && !this.#engine.lua.dead) vm.releaseThread(thread, true)
  }

  /** False once nobody waits for the answer. */
  get wanted(): boolean {
    return !this.#canceled && !this.#process.ended
  }

  /** Does steps in turns of the process, until the last or until nobody waits for it. */
  pace(step: () => boolean): Promise<void> {
    return pace(this.#process, () => {
      if (!this.wanted) throw new RuntimeError('Canceled', 'call ended', { retryable: false })
      return step()
    })
  }

  /** The call has its answer. */
  settled(): void {
    this.#owned?.release()
    this.#owned = undefined
  }

  get mayWait(): boolean {
    return this.#engine.lua.api.lua_isyieldable(this.#thread) !== 0
  }

  where(): string {
    return this.#engine.where(this.#thread)
  }

  traceback(): string {
    return this.#process.vm.traceback(this.#thread)
  }

  channel(capacity: number): LuaChannel {
    return this.#engine.newHostChannel(this.#process, capacity)
  }

  own(resource: { close(): void }): { release(): void } {
    return this.#process.own(resource)
  }

  work<T>(step: () => boolean, result: () => T): T | Promise<T> {
    if (this.waiting) return this.pace(step).then(result)
    // Most work is one step: no look at the clock then.
    if (step()) return result()
    const canWait = this.#engine.lua.api.lua_isyieldable(this.#thread) !== 0
    const end = performance.now() + (canWait ? SHORT_MS : SHORT_WITHOUT_WAITING_MS)
    do if (step()) return result()
    while (performance.now() < end)
    this.#engine.mustYield(this.#thread)
    return this.pace(step).then(result)
  }

  charge(cpu: number): void {
    if (this.wanted) this.#process.charge(cpu)
  }
}

/** Results that stand complete on a thread of the same state. */
class Built {
  readonly thread: number
  readonly count: number
  constructor(thread: number, count: number) {
    this.thread = thread
    this.count = count
  }
}

function registration(run: AnyHostFunction, name: string, self: LuaType<unknown> | undefined): Registered {
  return { run, name, self, exact: wantsExactTables(run), bytes: wantsByteStrings(run), rest: restPosition(run) }
}

export class HostFunctions {
  readonly #engine: LuaEngine
  readonly #functions: Registered[] = []
  readonly #indices = new Map<AnyHostFunction, number>()
  readonly #types = new Map<LuaType<unknown>, number>()

  constructor(engine: LuaEngine) {
    this.#engine = engine
  }

  indexOf(run: AnyHostFunction, name: string, self: LuaType<unknown> | undefined): number {
    const known = this.#indices.get(run)
    if (known !== undefined) return known
    const index = this.#functions.push(registration(run, name, self)) - 1
    this.#indices.set(run, index)
    return index
  }

  typeKey(type: LuaType<unknown>): number {
    const known = this.#types.get(type)
    if (known !== undefined) return known
    const key = KEY.types + this.#types.size * 2
    this.#types.set(type, key)
    return key
  }

  raw(): RawFunctions {
    const engine = this.#engine
    const { lua } = engine
    return {
      // Upvalue 1: the function's index.
      call: (thread) => {
        const registered = this.#functions[lua.api.lua_tonumberx(thread, FIRST_UPVALUE, 0)]
        if (registered === undefined) throw new Error('unknown host function')
        return this.#call(thread, registered)
      },
      // Upvalue 1: a userdata that owns the function.
      call_dynamic: (thread) => {
        const run = lua.objectAt(thread, FIRST_UPVALUE) as AnyHostFunction
        return this.#call(thread, registration(run, 'function', undefined))
      },
      type_index: (thread) => this.#index(thread),
      type_tostring: (thread) => {
        const object = lua.objectAt(thread, 1)
        const text =
          object instanceof LuaObject
            ? (object.type.spec.tostring?.(object.value) ?? object.type.spec.name)
            : 'userdata'
        lua.pushText(thread, text)
        return 1
      },
      type_concat: (thread) => {
        const side = (index: number): string => {
          const object = lua.objectAt(thread, index)
          if (object instanceof LuaObject) return object.type.spec.tostring?.(object.value) ?? object.type.spec.name
          return lua.readText(thread, index) ?? ''
        }
        lua.pushText(thread, side(1) + side(2))
        return 1
      },
      type_eq: (thread) => this.#compare(thread, (type, a, b) => type.spec.equals?.(a, b) ?? a === b),
      type_lt: (thread) => this.#compare(thread, (type, a, b) => type.spec.less?.(a, b) ?? false),
      type_le: (thread) => this.#compare(thread, (type, a, b) => !(type.spec.less?.(b, a) ?? true)),
    }
  }

  #call(thread: number, registered: Registered): number {
    const engine = this.#engine
    const coroutine = engine.current
    if (coroutine === null) throw new LuaRaise(`${registered.name} cannot be called while code loads`)
    const { process } = coroutine
    const call = new HostCall(engine, process, thread)
    let answer: unknown
    try {
      const args = this.#arguments(thread, registered)
      answer = args === undefined ? this.#callLater(thread, registered, call) : registered.run(call, ...args)
    } catch (thrown) {
      call.settled()
      return this.#thrown(thread, thrown)
    }
    if (answer instanceof Promise || this.#isLarge(thread, answer)) return this.#wait(thread, call, answer)
    call.settled()
    const { vm } = process
    vm.lift()
    let count: number
    try {
      count = this.#pushResults(vm, thread, answer)
    } catch (thrown) {
      return this.#thrown(thread, thrown)
    } finally {
      vm.limit()
    }
    return engine.endOperation(thread, count)
  }

  /** Undefined when they are too large to be read at once. */
  #arguments(thread: number, registered: Registered): unknown[] | undefined {
    const { lua, marshal } = this.#engine
    const count = lua.api.lua_gettop(thread)
    const args: unknown[] = []
    const { rest, exact } = registered
    const single = rest === undefined ? count : Math.min(count, rest - 1)
    for (let i = 1; i <= single; i++) {
      if (registered.bytes && lua.api.lua_type(thread, i) === LUA.string) {
        args.push(lua.bytesAt(thread, i))
        continue
      }
      try {
        args.push(marshal.readSome(thread, i, exact, AT_ONCE))
      } catch (thrown) {
        lua.api.lua_settop(thread, count)
        if (!(thrown instanceof Overdue)) throw thrown
        if (rest === undefined && lua.api.lua_isyieldable(thread) !== 0) return undefined
        args.push(marshal.read(thread, i, exact))
      }
    }
    if (rest !== undefined) {
      while (args.length < rest - 1) args.push(undefined)
      const limit = this.#engine.current?.process.program.limits.messageBytes
      args.push(new StackPayload(this.#engine, thread, rest, Math.max(0, count - rest + 1), limit))
    }
    if (registered.self !== undefined) args[0] = registered.self.check(args[0], 1, `'${registered.name}'`)
    return args
  }

  /** Reads the arguments in pieces, then calls. */
  #callLater(thread: number, registered: Registered, call: HostCall): Promise<unknown> {
    const { lua, marshal } = this.#engine
    const { api } = lua
    const { vm } = call.process as LuaProcess
    const count = api.lua_gettop(thread)
    const borrowed = call.borrowThread()
    vm.lift()
    api.lua_checkstack(borrowed, count + 8)
    api.lua_checkstack(thread, 2)
    for (let i = 1; i <= count; i++) {
      api.lua_pushvalue(thread, i)
      api.lua_xmove(thread, borrowed, 1)
    }
    vm.limit()
    const reading = new SlowRead(lua, marshal, borrowed, registered.exact)
    const step = (): boolean => {
      vm.lift()
      try {
        return reading.step()
      } finally {
        vm.limit()
      }
    }
    return call.pace(step).then(() => {
      call.giveBack()
      // Its process may have ended after the last piece.
      if (!call.wanted) throw callEnded
      const args = reading.values
      if (registered.self !== undefined) args[0] = registered.self.check(args[0], 1, `'${registered.name}'`)
      return registered.run(call, ...args)
    })
  }

  #isLarge(thread: number, answer: unknown): boolean {
    if (typeof answer !== 'object' || answer === null) return false
    const large = answer instanceof Results ? isLarge(answer.values, AT_ONCE) : isLarge(answer, AT_ONCE)
    return large && this.#engine.lua.api.lua_isyieldable(thread) !== 0
  }

  #wait(thread: number, call: HostCall, answer: unknown): number {
    call.waiting = true
    const settle = (vm: VM, target: number, outcome: { value: unknown } | { error: unknown }): number => {
      call.settled()
      try {
        if ('value' in outcome) return this.#pushResults(vm, target, outcome.value)
        if (outcome.error instanceof LuaRaise) throw outcome.error
        return this.#pushFailure(vm, target, this.#known(outcome.error))
      } finally {
        call.giveBack()
      }
    }
    const built =
      answer instanceof Promise ? answer.then((value) => this.#build(call, value)) : this.#build(call, answer)
    return this.#engine.awaitPromise(thread, Promise.resolve(built), settle, () => call.close())
  }

  /** Builds what is large on a thread of its own, in pieces. */
  #build(call: HostCall, answer: unknown): unknown {
    // Nobody waits for it, and its VM may be closed.
    if (!call.wanted) return answer
    const values = answer instanceof Results ? answer.values : [answer]
    if (!isLarge(values, AT_ONCE)) return answer
    const { vm } = call.process as LuaProcess
    const thread = call.borrowThread()
    const building = new SlowPush(this.#engine.lua, this.#engine.marshal, vm, thread, values)
    return call.pace(building.step).then(() => new Built(thread, values.length))
  }

  #thrown(thread: number, thrown: unknown): number {
    if (thrown instanceof LuaRaise) throw thrown
    return this.#engine.endOperation(thread, this.#engine.fail(thread, this.#known(thrown)))
  }

  /** A failure of ours is reported where we read it, and still reaches Lua as an Internal error. */
  #known(thrown: unknown): RuntimeError {
    if (!(thrown instanceof RuntimeError)) this.#engine.options.broken(thrown)
    return asRuntimeError(thrown)
  }

  #pushResults(vm: VM, thread: number, answer: unknown): number {
    const { lua, marshal } = this.#engine
    if (answer === undefined) return 0
    if (answer instanceof Built) {
      lua.api.lua_checkstack(thread, answer.count)
      lua.api.lua_xmove(answer.thread, thread, answer.count)
      return answer.count
    }
    if (!(answer instanceof Results)) {
      marshal.push(vm, thread, answer)
      return 1
    }
    lua.api.lua_checkstack(thread, answer.values.length)
    for (const value of answer.values) marshal.push(vm, thread, value)
    return answer.values.length
  }

  #pushFailure(vm: VM, thread: number, error: RuntimeError): number {
    this.#engine.lua.api.lua_pushnil(thread)
    this.#engine.marshal.push(vm, thread, error)
    return 2
  }

  // ---- userdata ----

  /** Leaves the metatable of a type on the stack of `thread`. */
  buildMetatable(vm: VM, thread: number, type: LuaType<unknown>): void {
    const { lua } = this.#engine
    const { api } = lua
    const { spec } = type
    vm.lift()
    api.lua_createtable(thread, 0, 10)
    const method = (name: string): void => {
      lua.pushFunction(thread, name)
    }
    const set = (key: string): void => api.lua_setfield(thread, -2, lua.symbol(key))
    if (spec.fields !== undefined || spec.method !== undefined) method('type_index')
    else this.#pushMethods(vm, thread, type)
    set('__index')
    method('release_handle')
    set('__gc')
    method('type_tostring')
    set('__tostring')
    method('type_concat')
    set('__concat')
    method('type_eq')
    set('__eq')
    if (spec.less !== undefined) {
      method('type_lt')
      set('__lt')
      method('type_le')
      set('__le')
    }
    api.lua_pushboolean(thread, 0)
    set('__metatable')
    lua.pushText(thread, spec.name)
    set('__name')
    vm.limit()
  }

  #pushMethods(vm: VM, thread: number, type: LuaType<unknown>): void {
    const { lua } = this.#engine
    const methods = Object.entries(type.spec.methods ?? {})
    lua.api.lua_rawgetp(thread, REGISTRY, KEY.freeze)
    lua.api.lua_createtable(thread, 0, methods.length)
    for (const [name, run] of methods) {
      this.#pushMethod(thread, run as AnyHostFunction, name, type)
      lua.api.lua_setfield(thread, -2, lua.symbol(name))
    }
    if (lua.api.lua_pcallk(thread, 1, 1, 0, 0, 0) !== 0) throw new Error(`${vm.program.code.id}: cannot freeze methods`)
  }

  #pushMethod(thread: number, run: AnyHostFunction, name: string, type: LuaType<unknown>): void {
    const { lua } = this.#engine
    lua.side.pushint(thread, this.indexOf(run, name, type))
    lua.api.lua_pushcclosure(thread, lua.slots['call'] as number, 1)
  }

  /** `object.name` for types with fields or with methods only known at run time. */
  #index(thread: number): number {
    const { lua, marshal } = this.#engine
    const object = lua.objectAt(thread, 1)
    if (!(object instanceof LuaObject) || lua.api.lua_type(thread, 2) !== LUA.string) return 0
    const name = lua.readText(thread, 2) as string
    const { spec } = object.type
    const vm = this.#engine.activeVm
    vm.lift()
    try {
      if (spec.fields !== undefined && Object.hasOwn(spec.fields, name)) {
        marshal.push(vm, thread, spec.fields[name]?.(object.value))
        return 1
      }
      if (spec.methods !== undefined && Object.hasOwn(spec.methods, name)) {
        this.#pushMethod(thread, spec.methods[name] as AnyHostFunction, name, object.type)
        return 1
      }
      const dynamic = spec.method?.(object.value, name)
      if (dynamic === undefined) return 0
      vm.pushHostFunction(thread, dynamic)
      return 1
    } finally {
      vm.limit()
    }
  }

  #compare(thread: number, compare: (type: LuaType<unknown>, a: unknown, b: unknown) => boolean): number {
    const { lua } = this.#engine
    const a = lua.objectAt(thread, 1)
    const b = lua.objectAt(thread, 2)
    const same =
      a instanceof LuaObject && b instanceof LuaObject && a.type === b.type && compare(a.type, a.value, b.value)
    lua.api.lua_pushboolean(thread, same ? 1 : 0)
    return 1
  }
}

/** The engine's channels are what modules see as LuaChannel. */
export type EngineChannel = Channel & LuaChannel
