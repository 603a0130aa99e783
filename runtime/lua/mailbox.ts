// What a Lua process was sent and has not read yet, and the channels it reads from (spec/process.md §4, §5). A message nobody
// listens for waits here until somebody does; one that was never read goes along when the process upgrades.

import { RuntimeError } from '../core/error.ts'
import type { Value } from '../core/value.ts'
import {
  type Exit,
  noPayload,
  type Payload,
  type Process,
  type ProcessEvent,
  payloadOf,
  settleExit,
} from '../process/process.ts'
import type { Channel } from './channel.ts'
import type { Coroutine } from './coroutine.ts'
import { DetachedPayload, DetachedTable } from './detached.ts'
import type { LuaEngine } from './engine.ts'
import { HANDLE_MESSAGE } from './instance.ts'
import { KEY } from './keys.ts'
import type { LuaProcess } from './lua-process.ts'
import { StackPayload } from './stack-payload.ts'
import { Topics } from './topics.ts'
import type { VM } from './vm.ts'

/** A message or event that waits to be read: its parked value and what is known of it. */
export interface Arrival {
  readonly slot: number
  /** Null for system events. */
  readonly topic: string | null
  readonly from: string
  /** How many values it carries. */
  readonly count: number
  /** Bytes that building it took. */
  readonly size: number
  /** Place among all that arrived: topics that are read together again keep their order. */
  readonly order: number
  /** What came from another thread says there that it was read. */
  readonly source: Payload | null
}

const NOT_PARKED = -1
/** Most mailboxes never keep anything outside channels. */
const NONE: Arrival[] = []

export class Mailbox {
  readonly #process: LuaProcess
  /** Messages that wait to be read, in subscriptions too. */
  count = 0
  /** Bytes they took to build. */
  bytes = 0
  #order = 0
  #subscriptions: Topics | null = null
  #inbox: Channel | null = null
  #events: Channel | null = null
  #pending: Arrival[] = NONE
  #pendingEvents: Arrival[] = NONE
  /** The OUTDATED event that was not read yet: later ones are merged into it. */
  #outdated: { arrival: Arrival; sources: readonly string[] } | null = null

  constructor(process: LuaProcess) {
    this.#process = process
  }

  get #engine(): LuaEngine {
    return this.#process.engine
  }

  get #vm(): VM {
    return this.#process.vm
  }

  /** Whether the program reads messages or events anywhere. */
  get listens(): boolean {
    return this.#inbox !== null || this.#events !== null || (this.#subscriptions?.channels().length ?? 0) > 0
  }

  // ---- arriving ----

  /** Throws RateLimited when the mailbox has no room, LimitExceeded for a message too big, Invalid for one nested too deeply. */
  deliver(topic: string, from: string, payload: Payload): void {
    const vm = this.#vm
    const { limits } = this.#process.program
    const channel = this.#channelFor(topic)
    const source = payload.read === undefined ? null : payload
    if (source === null && (channel === null || !channel.hasReceiver)) this.#checkRoom()
    const target = channel === null ? vm.scratchThread : channel.target()
    const { api } = this.#engine.lua
    const top = api.lua_gettop(target)
    vm.lift(Math.min(limits.messageBytes, payload.limit ?? limits.messageBytes))
    try {
      if (channel === null || channel.asMessage) this.#buildMessage(target, topic, from, payload)
      else this.#buildValue(target, payload)
      vm.checkBuilt()
      if (source === null && this.bytes + vm.built > limits.mailboxBytes)
        throw this.#full(`${limits.mailboxBytes} bytes`)
    } catch (error) {
      api.lua_settop(target, top)
      vm.limit()
      throw error
    }
    this.#arrived(channel, target, topic, from, payload.length, vm.built, source)
    vm.limit()
  }

  #checkRoom(): void {
    const vm = this.#vm
    const { limits } = this.#process.program
    if (this.count >= limits.mailboxMessages) throw this.#full(`${limits.mailboxMessages} messages`)
    // The heap is shared with the other processes of the VM: they, not the receiver, may have filled it.
    if (vm.used > vm.memoryLimit) throw this.#full(`${vm.memoryLimit} bytes of memory`)
  }

  #full(limit: string): RuntimeError {
    return new RuntimeError('RateLimited', `mailbox of ${this.#process.pid} is full (${limit})`, { retryable: true })
  }

  /** The value on top of `target` goes to who waits for it, to its channel, or waits for one. */
  #arrived(
    channel: Channel | null,
    target: number,
    topic: string,
    from: string,
    count: number,
    size: number,
    source: Payload | null,
  ): void {
    const order = this.#order++
    if (channel?.hasReceiver === true) {
      channel.handOver(target, { slot: NOT_PARKED, topic, from, count, size: 0, order, source: null })
      source?.read?.()
      return
    }
    const arrival = { slot: this.#vm.park(target), topic, from, count, size, order, source }
    this.count++
    this.bytes += size
    if (channel !== null) channel.enqueue(arrival)
    else this.#pending = appended(this.#pending, arrival)
  }

  #channelFor(topic: string): Channel | null {
    return this.#subscriptions?.get(topic) ?? (topic.charCodeAt(0) === 64 ? null : this.#inbox)
  }

  /** One payload is its value, none is nil, several are a list (spec/process.md §4). */
  #buildValue(target: number, payload: Payload): void {
    const { length } = payload
    if (length === 1) {
      this.#engine.pushPayload(payload, 0, target, this.#vm)
    } else if (length === 0) {
      this.#engine.lua.api.lua_pushnil(target)
    } else {
      this.#engine.lua.api.lua_createtable(target, length, 0)
      for (let i = 0; i < length; i++) {
        this.#engine.pushPayload(payload, i, target, this.#vm)
        this.#engine.lua.side.rawseti(target, -2, i + 1)
      }
    }
  }

  /** A Message userdata: topic, sender, value(s) and how many they were as user values. */
  #buildMessage(target: number, topic: string, from: string, payload: Payload): void {
    this.#startMessage(target, topic, from)
    this.#buildValue(target, payload)
    this.#finishMessage(target, payload.length)
  }

  #startMessage(target: number, topic: string, from: string): void {
    const { lua } = this.#engine
    lua.pushUserdata(target, HANDLE_MESSAGE, 4, KEY.message)
    lua.pushText(target, topic)
    lua.api.lua_setiuservalue(target, -2, 1)
    lua.pushText(target, from)
    lua.api.lua_setiuservalue(target, -2, 2)
  }

  #finishMessage(target: number, count: number): void {
    const { lua } = this.#engine
    lua.api.lua_setiuservalue(target, -2, 3)
    lua.side.pushint(target, count)
    lua.api.lua_setiuservalue(target, -2, 4)
  }

  /** Never refused; an OUTDATED event joins the one that was not read yet. */
  event(event: ProcessEvent): void {
    const vm = this.#vm
    if (event.kind === 'pid.outdated') {
      this.#outdate(event)
      return
    }
    vm.lift()
    const target = this.#events === null ? vm.scratchThread : this.#events.target()
    this.#buildEvent(target, event)
    if (this.#events?.hasReceiver === true) {
      const order = this.#order++
      const { from } = event
      this.#events.handOver(target, { slot: NOT_PARKED, topic: null, from, count: 1, size: 0, order, source: null })
    } else {
      this.#queueEvent(target, event.from)
    }
    vm.limit()
  }

  #outdate(event: ProcessEvent & { readonly kind: 'pid.outdated' }): void {
    const vm = this.#vm
    const known = this.#outdated
    const sources = known === null ? event.sources : [...new Set([...known.sources, ...event.sources])]
    vm.lift()
    const target = known !== null || this.#events === null ? vm.scratchThread : this.#events.target()
    this.#buildEvent(target, { ...event, sources })
    if (known !== null) {
      vm.repark(target, known.arrival.slot)
      this.#outdated = { arrival: known.arrival, sources }
    } else if (this.#events?.handOver(target) !== true) {
      // (one that was handed over is not kept through an upgrade, which answers it)
      this.#outdated = { arrival: this.#queueEvent(target, event.from), sources }
    }
    vm.limit()
  }

  #queueEvent(target: number, from: string): Arrival {
    const slot = this.#vm.park(target)
    const arrival = { slot, topic: null, from, count: 1, size: 0, order: this.#order++, source: null }
    if (this.#events === null) this.#pendingEvents = appended(this.#pendingEvents, arrival)
    else this.#events.enqueue(arrival)
    return arrival
  }

  #buildEvent(target: number, event: ProcessEvent): void {
    const { lua, marshal } = this.#engine
    const { api } = lua
    api.lua_createtable(target, 0, 4)
    const field = (name: string, value: unknown): void => {
      marshal.push(this.#vm, target, value)
      api.lua_setfield(target, -2, lua.symbol(name))
    }
    field('kind', event.kind)
    field('from', event.from)
    field('at', event.at)
    if (event.kind === 'pid.cancel') field('reason', event.reason)
    if (event.kind === 'pid.outdated') field('sources', event.sources)
    if (event.kind !== 'pid.exit' && event.kind !== 'pid.link.down') return
    api.lua_createtable(target, 0, 2)
    const top = api.lua_gettop(target)
    settleExit(
      event.exit,
      (result) => {
        if (result.length === 0) return
        this.#engine.pushPayload(result, 0, target, this.#vm)
        api.lua_setfield(target, -2, lua.symbol('value'))
      },
      (error) => {
        api.lua_settop(target, top)
        field('error', error)
      },
    )
    api.lua_setfield(target, -2, lua.symbol('result'))
  }

  /** A channel of this mailbox has given an arrival to its reader. */
  read(arrival: Arrival): void {
    if (arrival.topic !== null) {
      this.count--
      this.bytes -= arrival.size
      arrival.source?.read?.()
    } else if (this.#outdated?.arrival === arrival) {
      this.#outdated = null
    }
  }

  // ---- subscriptions: called from Lua, each leaves the channel on `thread` ----

  listen(thread: number, topic: string, asMessage: boolean): void {
    const known = this.#subscriptions?.get(topic)
    if (known !== undefined) {
      known.pushSelf(thread)
      return
    }
    const channel = this.#engine.newSubscription(thread, this.#process, asMessage)
    this.#subscribe(topic, channel)
  }

  inbox(thread: number): void {
    if (this.#inbox !== null) {
      this.#inbox.pushSelf(thread)
      return
    }
    this.#inbox = this.#engine.newSubscription(thread, this.#process, true)
    this.#takePending(this.#inbox, null)
  }

  events(thread: number): void {
    if (this.#events !== null) {
      this.#events.pushSelf(thread)
      return
    }
    this.#events = this.#engine.newSubscription(thread, this.#process, false)
    for (const arrival of this.#pendingEvents) this.#events.enqueue(arrival)
    this.#pendingEvents = NONE
  }

  /** Feeds a channel the program made from a topic, in place of whatever listened to it. Its userdata is on top of `thread`. */
  subscribe(thread: number, topic: string, channel: Channel): void {
    if (channel.anchor < 0) {
      this.#engine.lua.api.lua_pushvalue(thread, -1)
      channel.anchor = this.#vm.park(thread)
    }
    this.#subscribe(topic, channel)
  }

  #subscribe(topic: string, channel: Channel): void {
    this.#subscriptions ??= new Topics()
    this.#subscriptions.set(topic, channel)
    this.#takePending(channel, topic)
  }

  /**
   * Ends a subscription and closes its channel; what was not read goes back to the mailbox, but for the one value that
   * stands in the buffer of a `listen`. False when the channel is not a subscription, or no longer.
   */
  unlisten(channel: Channel): boolean {
    const isInbox = channel === this.#inbox
    if (!isInbox && !this.#dropTopics(channel)) return false
    if (isInbox) this.#inbox = null
    const returned = channel.takeArrivals(isInbox ? 0 : 1)
    channel.close()
    channel.dropAnchor()
    this.#putBack(returned, channel.asMessage)
    return true
  }

  /** Ends what `subscribe` began; the channel stays open. */
  unsubscribe(channel: Channel): boolean {
    if (!this.#dropTopics(channel)) return false
    channel.dropAnchor()
    return true
  }

  #dropTopics(channel: Channel): boolean {
    return this.#subscriptions?.drop(channel) === true
  }

  #putBack(arrivals: readonly Arrival[], asMessages: boolean): void {
    const vm = this.#vm
    vm.lift()
    for (const arrival of arrivals) {
      if (!asMessages) this.#wrap(arrival)
    }
    vm.limit()
    this.#pending = [...this.#pending, ...arrivals].sort(byOrder)
    if (this.#inbox !== null) this.#takePending(this.#inbox, null)
  }

  /** Makes a Message of a bare value, in its slot. */
  #wrap(arrival: Arrival): void {
    const vm = this.#vm
    this.#startMessage(vm.scratchThread, arrival.topic ?? '', arrival.from)
    vm.peek(vm.scratchThread, arrival.slot)
    this.#finishMessage(vm.scratchThread, arrival.count)
    vm.repark(vm.scratchThread, arrival.slot)
  }

  /** Moves what waits for this topic, or for any, into the channel. */
  #takePending(channel: Channel, topic: string | null): void {
    if (this.#pending.length === 0) return
    const vm = this.#vm
    const { api } = this.#engine.lua
    const rest: Arrival[] = []
    vm.lift()
    for (const arrival of this.#pending) {
      const wanted = topic === null ? arrival.topic?.charCodeAt(0) !== 64 : arrival.topic === topic
      if (!wanted) {
        rest.push(arrival)
        continue
      }
      if (!channel.asMessage) {
        vm.peek(vm.scratchThread, arrival.slot)
        api.lua_getiuservalue(vm.scratchThread, -1, 3)
        vm.repark(vm.scratchThread, arrival.slot)
        api.lua_settop(vm.scratchThread, 0)
      }
      channel.accept(arrival)
    }
    vm.limit()
    this.#pending = rest
  }

  // ---- ending ----

  /** Everything that was not read, in order and as Messages; the mailbox is empty afterwards. */
  takeAll(): { messages: Arrival[]; events: Arrival[] } {
    const messages = [...this.#pending]
    const channels = new Set(this.#subscriptions?.channels())
    if (this.#inbox !== null) channels.add(this.#inbox)
    this.#vm.lift()
    for (const channel of channels) {
      for (const arrival of channel.takeArrivals(0)) {
        if (!channel.asMessage) this.#wrap(arrival)
        messages.push(arrival)
      }
    }
    const events = this.#pendingEvents.concat(this.#events?.takeArrivals(0) ?? [])
    for (const coroutine of this.#process.allCoroutines()) this.#takeGiven(coroutine, messages, events)
    this.#vm.limit()
    const stale = this.#outdated?.arrival
    if (stale !== undefined) this.#vm.freeSlot(stale.slot)
    this.#pending = NONE
    this.#pendingEvents = NONE
    this.#outdated = null
    this.count = this.bytes = 0
    return { messages: messages.sort(byOrder), events: events.filter((event) => event !== stale).sort(byOrder) }
  }

  /** What was handed to a coroutine that has not run since: its value stands below the `ok` of the receive. */
  #takeGiven(coroutine: Coroutine, messages: Arrival[], events: Arrival[]): void {
    const { given, thread } = coroutine
    if (given === null || !coroutine.ready) return
    const { lua } = this.#engine
    lua.api.lua_pushvalue(thread, -2)
    const bare = given.topic !== null && lua.handleAt(thread, -1) !== HANDLE_MESSAGE
    const arrival = { ...given, slot: this.#vm.park(thread) }
    if (bare) this.#wrap(arrival)
    if (given.topic === null) events.push(arrival)
    else messages.push(arrival)
  }

  /** Takes over what the process before this one, with the same pid, did not read. */
  adopt(from: Mailbox): void {
    const vm = this.#vm
    const old = from.#vm
    const { api } = from.#engine.lua
    const { messages, events } = from.takeAll()
    // Often the same VM: built on a thread of its own, not on the one the old values are read from.
    const built = vm.takeThread()
    vm.lift()
    for (const { slot, topic, from: sender, count, size, source } of messages) {
      old.unpark(old.scratchThread, slot)
      api.lua_getiuservalue(old.scratchThread, -1, 3)
      this.#startMessage(built, topic ?? '', sender)
      this.#copyTop(from, built)
      this.#finishMessage(built, count)
      this.#arrived(null, built, topic ?? '', sender, count, size, source)
    }
    for (const { slot, from: sender } of events) {
      old.unpark(old.scratchThread, slot)
      this.#copyTop(from, built)
      this.#queueEvent(built, sender)
    }
    vm.releaseThread(built, true)
    vm.limit()
  }

  /**
   * Hands what was not read to the process after this one, which has the same pid and runs in another thread. What that cannot
   * take (it may have narrower limits) is lost, as an upgrade may lose messages (PROMISES P1).
   */
  handTo(next: Process): void {
    const vm = this.#vm
    const { lua, marshal } = this.#engine
    const { messages, events } = this.takeAll()
    for (const { slot, topic, from, count, source } of messages) {
      vm.unpark(vm.scratchThread, slot)
      lua.api.lua_getiuservalue(vm.scratchThread, -1, 3)
      try {
        next.deliver(topic ?? '', from, separate(marshal.detach(vm.scratchThread, -1), count))
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error
      } finally {
        lua.api.lua_settop(vm.scratchThread, 0)
        source?.read?.()
      }
    }
    for (const { slot } of events) {
      vm.unpark(vm.scratchThread, slot)
      next.event(asEvent(marshal.read(vm.scratchThread, -1) as { [field: string]: unknown })) // events are tables
      lua.api.lua_settop(vm.scratchThread, 0)
    }
  }

  /** Pushes a copy of the value on top of the other's scratch thread, which is empty afterwards. */
  #copyTop(from: Mailbox, target: number): void {
    const { api } = from.#engine.lua
    const { scratchThread } = from.#vm
    const value = new StackPayload(from.#engine, scratchThread, api.lua_gettop(scratchThread), 1)
    this.#engine.pushPayload(value, 0, target, this.#vm)
    api.lua_settop(scratchThread, 0)
  }

  /** Frees what waits outside channels; those are released with the process. */
  release(): void {
    for (const { slot } of this.#pending) this.#vm.freeSlot(slot)
    for (const { slot } of this.#pendingEvents) this.#vm.freeSlot(slot)
    this.#pending = NONE
    this.#pendingEvents = NONE
    this.#subscriptions = this.#inbox = this.#events = null
    this.#outdated = null
  }
}

/** The values of a message that carried so many: several were kept as a list. */
function separate(kept: unknown, count: number): Payload {
  if (count === 0) return noPayload
  if (count === 1 || !(kept instanceof DetachedTable)) return new DetachedPayload([kept])
  const items = new Map(kept.entries)
  return new DetachedPayload(Array.from({ length: count }, (_, i) => items.get(i + 1) ?? null))
}

/** An event again, from the table that Lua would have been given. */
function asEvent({ kind, from, at, reason, sources, result }: { [field: string]: unknown }): ProcessEvent {
  const { value, error } = (result ?? {}) as { value?: Value; error?: RuntimeError }
  const exit: Exit =
    error === undefined
      ? { error, result: payloadOf(value === undefined ? [] : [value]) }
      : { error, result: undefined }
  // One of the shapes it was built from.
  return { kind, from, at, reason, sources, exit } as unknown as ProcessEvent
}

/** The list with one more; the empty one, which mailboxes share, is left alone. */
function appended(list: Arrival[], arrival: Arrival): Arrival[] {
  if (list.length === 0) return [arrival]
  list.push(arrival)
  return list
}

function byOrder(a: Arrival, b: Arrival): number {
  return a.order - b.order
}
