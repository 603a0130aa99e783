// A process whose code is Lua: its coroutines, mailbox and channels inside a VM. Implements the kernel's socket `Process`.

import { RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { Value } from '../core/value.ts'
import type { Exit, Payload, Process, ProcessEvent, ProcessInit, ProcessOptions } from '../process/process.ts'
import { type Channel, forgetWait } from './channel.ts'
import { type Coroutine, isCancellable } from './coroutine.ts'
import type { LuaEngine } from './engine.ts'
import { HANDLE_MESSAGE } from './instance.ts'
import { environmentKey, KEY } from './keys.ts'
import type { Program } from './program.ts'
import type { VM } from './vm.ts'
import { LUA, REGISTRY } from './wasm.ts'

/** Values on a Lua stack as a payload: copied directly into VMs of the same instance. Valid only where it is handed out. */
export class StackPayload implements Payload {
  readonly engine: LuaEngine
  readonly thread: number
  readonly first: number
  readonly length: number

  constructor(engine: LuaEngine, thread: number, first: number, length: number) {
    this.engine = engine
    this.thread = thread
    this.first = first
    this.length = length
  }

  values(): Value[] {
    return Array.from({ length: this.length }, (_, i) => plain(this.engine.marshal.read(this.thread, this.first + i)))
  }
}

/** What may leave the engine as a plain value: host objects other than errors become nil. */
function plain(value: unknown): Value {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value as Value
  if (Array.isArray(value)) return value.map(plain)
  if (Object.getPrototypeOf(value) !== null) return value instanceof RuntimeError ? (value as unknown as Value) : null
  for (const key of Object.keys(value))
    (value as Record<string, Value>)[key] = plain((value as Record<string, unknown>)[key])
  return value as Value
}

interface PendingMessage {
  readonly topic: string
  readonly from: string
  /** A parked Message object, complete. */
  readonly slot: number
}

const sharedOptions: ProcessOptions = Object.freeze({ trap_links: false, upgradable: false, interrupts: false })

export class LuaProcess implements Process {
  readonly engine: LuaEngine
  readonly vm: VM
  readonly program: Program
  readonly serial: number
  readonly host: string
  readonly frame: Frame
  readonly startedAt = Date.now()
  options: ProcessOptions = sharedOptions
  ended = false
  /** An end that waits for the running slice to finish. */
  doomed: RuntimeError | null = null
  main!: Coroutine
  coroutines: Coroutine[] | null = null
  channels: Channel | null = null
  /** Messages and values queued and not yet received. */
  queued = 0
  /** A call on a pool's worker: its environment and main thread stay for the next call. */
  pooled = false
  /** Runs when everything is released; the pool takes its worker back here. */
  afterRelease: (() => void) | null = null
  /** Milliseconds of CPU counted so far. */
  cpu = 0
  readonly #init: ProcessInit
  #pid: string | null = null
  #subscriptions: Channel[] | null = null
  #inbox: Channel | null = null
  #events: Channel | null = null
  #pending: PendingMessage[] | null = null
  #pendingEvents: number[] | null = null
  #abort: AbortController | null = null
  #owned: Set<{ close(): void }> | null = null

  constructor(engine: LuaEngine, vm: VM, program: Program, init: ProcessInit) {
    this.engine = engine
    this.vm = vm
    this.program = program
    this.serial = init.serial
    this.host = init.host
    this.frame = init.frame
    this.#init = init
  }

  get pid(): string {
    return (this.#pid ??= this.#init.pid)
  }

  get definition(): string {
    return this.program.code.id
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController()
      if (this.ended) this.#abort.abort()
    }
    return this.#abort.signal
  }

  own(resource: { close(): void }): { release(): void } {
    if (this.#owned === null) this.#owned = new Set()
    this.#owned.add(resource)
    return { release: () => this.#owned?.delete(resource) }
  }

  setOptions(changes: Partial<ProcessOptions>): void {
    this.options = { ...this.options, ...changes }
  }

  // ---- mailbox ----

  deliver(topic: string, from: string, payload: Payload): void {
    if (this.ended || this.doomed !== null)
      throw new RuntimeError('NotFound', 'process not found', { retryable: false })
    const { vm } = this
    if (this.queued >= this.program.limits.mailboxMessages) {
      throw new RuntimeError(
        'RateLimited',
        `mailbox of ${this.pid} is full (${this.program.limits.mailboxMessages} messages)`,
        { retryable: true },
      )
    }
    if (vm.used > vm.memoryLimit * 1.25) {
      throw new RuntimeError('RateLimited', `mailbox of ${this.pid} is over its memory limit`, { retryable: true })
    }
    const channel = this.#subscriptionFor(topic) ?? (topic.startsWith('@') ? null : this.#inbox)
    const target = channel === null ? vm.scratchThread : channel.target()
    const { api } = this.engine.lua
    const top = api.lua_gettop(target)
    vm.lift()
    try {
      if (channel === null || channel.asMessage) this.#buildMessage(target, topic, from, payload)
      else this.#buildValue(target, payload)
    } catch (error) {
      api.lua_settop(target, top)
      vm.limit()
      throw error
    }
    if (channel !== null) {
      channel.arrived(target)
    } else {
      if (this.#pending === null) this.#pending = []
      this.#pending.push({ topic, from, slot: vm.park(target) })
      this.queued++
    }
    vm.limit()
  }

  #subscriptionFor(topic: string): Channel | null {
    if (this.#subscriptions !== null) {
      for (const channel of this.#subscriptions) if (channel.topic === topic) return channel
    }
    return null
  }

  /** One payload is its value, none is nil, several are a list (spec/process.md §4). */
  #buildValue(target: number, payload: Payload): void {
    const { length } = payload
    if (length === 1) {
      this.engine.pushPayload(payload, 0, target, this.vm)
    } else if (length === 0) {
      this.engine.lua.api.lua_pushnil(target)
    } else {
      this.engine.lua.api.lua_createtable(target, length, 0)
      for (let i = 0; i < length; i++) {
        this.engine.pushPayload(payload, i, target, this.vm)
        this.engine.lua.side.rawseti(target, -2, i + 1)
      }
    }
  }

  /** A Message userdata: topic, sender, value(s) and how many they were as user values. */
  #buildMessage(target: number, topic: string, from: string, payload: Payload): void {
    const { lua } = this.engine
    lua.pushUserdata(target, HANDLE_MESSAGE, 4, KEY.message)
    lua.pushText(target, topic)
    lua.api.lua_setiuservalue(target, -2, 1)
    lua.pushText(target, from)
    lua.api.lua_setiuservalue(target, -2, 2)
    this.#buildValue(target, payload)
    lua.api.lua_setiuservalue(target, -2, 3)
    lua.side.pushint(target, payload.length)
    lua.api.lua_setiuservalue(target, -2, 4)
  }

  event(event: ProcessEvent): void {
    if (this.ended) return
    const { vm } = this
    vm.lift()
    const target = this.#events === null ? vm.scratchThread : this.#events.target()
    this.#buildEvent(target, event)
    if (this.#events !== null) {
      this.#events.arrived(target)
    } else {
      if (this.#pendingEvents === null) this.#pendingEvents = []
      this.#pendingEvents.push(vm.park(target))
    }
    vm.limit()
  }

  #buildEvent(target: number, event: ProcessEvent): void {
    const { lua, marshal } = this.engine
    const { api } = lua
    api.lua_createtable(target, 0, 4)
    const field = (name: string, value: unknown): void => {
      marshal.push(this.vm, target, value)
      api.lua_setfield(target, -2, lua.symbol(name))
    }
    field('kind', event.kind)
    field('from', event.from)
    field('at', event.at)
    if (event.kind === 'pid.cancel') field('reason', event.reason)
    if (event.kind === 'pid.outdated') field('sources', event.sources)
    if (event.kind !== 'pid.exit' && event.kind !== 'pid.link.down') return
    api.lua_createtable(target, 0, 2)
    if (event.exit.error !== undefined) field('error', event.exit.error)
    else if (event.exit.result.length > 0) {
      this.engine.pushPayload(event.exit.result, 0, target, this.vm)
      api.lua_setfield(target, -2, lua.symbol('value'))
    }
    api.lua_setfield(target, -2, lua.symbol('result'))
  }

  // ---- subscriptions: called from Lua, each leaves the channel on `thread` ----

  listen(thread: number, topic: string, asMessage: boolean): void {
    const known = this.#subscriptionFor(topic)
    if (known !== null) {
      known.pushSelf(thread)
      return
    }
    const channel = this.engine.newSubscription(thread, this, topic, asMessage)
    if (this.#subscriptions === null) this.#subscriptions = [channel]
    else this.#subscriptions.push(channel)
    this.#takePending(channel)
  }

  inbox(thread: number): void {
    if (this.#inbox !== null) {
      this.#inbox.pushSelf(thread)
      return
    }
    this.#inbox = this.engine.newSubscription(thread, this, null, true)
    this.#takePending(this.#inbox)
  }

  events(thread: number): void {
    if (this.#events !== null) {
      this.#events.pushSelf(thread)
      return
    }
    this.#events = this.engine.newSubscription(thread, this, null, false)
    for (const slot of this.#pendingEvents ?? []) this.#events.enqueueParked(slot)
    this.#pendingEvents = null
  }

  /** False when the channel is not a subscription of this process, or no longer. */
  unlisten(channel: Channel): boolean {
    const at = this.#subscriptions?.indexOf(channel) ?? -1
    if (at >= 0) this.#subscriptions?.splice(at, 1)
    else if (channel === this.#inbox && channel !== null) this.#inbox = null
    else return false
    channel.close()
    return true
  }

  #takePending(channel: Channel): void {
    if (this.#pending === null) return
    const { vm } = this
    const { api } = this.engine.lua
    const rest: PendingMessage[] = []
    vm.lift()
    for (const message of this.#pending) {
      const wanted = channel.topic === null ? !message.topic.startsWith('@') : message.topic === channel.topic
      if (!wanted) {
        rest.push(message)
      } else if (channel.asMessage) {
        channel.enqueueParked(message.slot)
      } else {
        vm.unpark(vm.scratchThread, message.slot)
        api.lua_getiuservalue(vm.scratchThread, -1, 3)
        channel.enqueueParked(vm.park(vm.scratchThread))
        api.lua_settop(vm.scratchThread, 0)
      }
    }
    vm.limit()
    this.#pending = rest.length > 0 ? rest : null
  }

  // ---- end ----

  terminate(error: RuntimeError): void {
    if (this.ended) return
    if (this.engine.isRunning(this)) this.doomed ??= error
    else this.end(error, 0, 0)
  }

  /**
   * Ends the process: everything it holds is released and the kernel is told, once. Without an error, `results` values on
   * top of `thread` are what main returned (spec/process.md §5).
   */
  end(error: RuntimeError | null, thread: number, results: number): void {
    if (this.ended) return
    const exit = this.#exit(error, thread, results)
    this.ended = true
    this.#abort?.abort(new RuntimeError('Canceled', 'process ended', { retryable: false }))
    for (const coroutine of this.coroutines === null ? [this.main] : [this.main, ...this.coroutines]) {
      const { wait } = coroutine
      coroutine.wait = null
      if (isCancellable(wait)) wait.cancel()
    }
    try {
      this.#init.ended(this, exit)
    } finally {
      // After a trap the instance is not touched any more: its memory goes as a whole.
      if (this.engine.lua.dead) this.#releaseHostSide()
      else this.#release(thread, error === null)
      this.afterRelease?.()
    }
  }

  #exit(error: RuntimeError | null, thread: number, results: number): Exit {
    if (error !== null) return { error, result: undefined }
    const { api } = this.engine.lua
    const first = api.lua_gettop(thread) - results + 1
    if (results >= 2) {
      const second = api.lua_type(thread, first + 1)
      if (second === LUA.string) {
        const message = this.engine.lua.readText(thread, first + 1) as string
        return { error: new RuntimeError('Internal', message), result: undefined }
      }
      const object = this.engine.lua.objectAt(thread, first + 1)
      if (object instanceof RuntimeError) return { error: object, result: undefined }
    }
    return { error: undefined, result: new StackPayload(this.engine, thread, first, Math.min(results, 1)) }
  }

  #release(finished: number, clean: boolean): void {
    const { vm, engine } = this
    const { api } = engine.lua
    this.#releaseHostSide()
    for (let channel = this.channels; channel !== null; ) {
      const next: Channel | null = channel.next
      channel.release()
      channel.previous = channel.next = null
      channel = next
    }
    this.channels = null
    for (const message of this.#pending ?? []) vm.freeSlot(message.slot)
    for (const slot of this.#pendingEvents ?? []) vm.freeSlot(slot)
    this.#pending = this.#pendingEvents = this.#subscriptions = this.#inbox = this.#events = null
    vm.lift()
    if (!this.pooled) {
      api.lua_pushnil(vm.main)
      api.lua_rawsetp(vm.main, REGISTRY, environmentKey(this.main.thread))
    }
    const mine = this.pooled ? [] : [this.main]
    for (const coroutine of this.coroutines === null ? mine : [...mine, ...this.coroutines]) {
      if (coroutine.onStack > 0) continue
      vm.releaseThread(coroutine.thread, clean && coroutine.thread === finished)
      coroutine.thread = 0
    }
    vm.limit()
    this.coroutines = null
    vm.processes--
  }

  #releaseHostSide(): void {
    for (const resource of this.#owned ?? []) resource.close()
    this.#owned = null
  }

  /** A coroutine that was on the native stack when the process ended has left it. */
  reaped(coroutine: Coroutine): void {
    if (this.pooled && coroutine === this.main) return
    this.vm.releaseThread(coroutine.thread, false)
    coroutine.thread = 0
  }

  /** Ends one spawned coroutine and what it waits for. */
  endCoroutine(coroutine: Coroutine): void {
    const { wait } = coroutine
    coroutine.wait = null
    coroutine.ready = false
    if (isCancellable(wait)) wait.cancel()
    else forgetWait(wait, coroutine)
    if (coroutine.resident) coroutine.dropped = true
    else this.dropCoroutine(coroutine)
  }

  dropCoroutine(coroutine: Coroutine): void {
    this.vm.releaseThread(coroutine.thread, false)
    coroutine.thread = 0
    const at = this.coroutines?.indexOf(coroutine) ?? -1
    if (at >= 0) this.coroutines?.splice(at, 1)
  }
}
