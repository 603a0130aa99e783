// Channels and select: Go-like queues inside one process (spec/process.md §10). Values stay Lua values, parked in the VM or
// handed from stack to stack; an operation answers at once when it can and suspends the coroutine only when it must.

import { RuntimeError } from '../core/error.ts'
import type { Coroutine } from './coroutine.ts'
import type { LuaEngine } from './engine.ts'
import type { RawFunctions } from './instance.ts'
import { KEY } from './keys.ts'
import type { LuaProcess } from './lua-process.ts'
import type { Arrival } from './mailbox.ts'
import type { VM } from './vm.ts'
import { LUA } from './wasm.ts'

/** More than a channel ever holds, and as a number cheaper to keep than infinity. */
const UNBOUNDED = 2 ** 30

/** A coroutine waiting on a channel; `select` is set when it waits on several. Those of one channel form a ring. */
interface Waiter {
  readonly coroutine: Coroutine
  readonly channel: Channel
  readonly select: Select | null
  readonly index: number
  /** Holds what it wants to send; negative for one that receives. */
  readonly slot: number
  next: Waiter | null
}

interface Select {
  readonly waiters: Waiter[]
  /** Where the cases table is: parked, or at index 1 of the waiting coroutine's stack when negative. */
  parked: number
}

class SendCase {
  readonly channel: Channel
  constructor(channel: Channel) {
    this.channel = channel
  }
}

export class Channel {
  readonly process: LuaProcess
  readonly capacity: number
  /** Subscriptions: true delivers Message objects, false bare values. */
  readonly asMessage: boolean
  handle = 0
  /** Address of its userdata: what tells the channel from its receive case. */
  pointer = 0
  closed = false
  /** Parked userdata, when the host must be able to push the channel again; -1 otherwise. */
  anchor = -1
  /** Ran when the process ends or the channel is collected (timers). */
  onRelease: (() => void) | null = null
  previous: Channel | null = null
  next: Channel | null = null
  /** Parked values, with what is known of those that came from the mailbox. */
  #values: (number | Arrival)[] | null = null
  #loose = false
  collected: 'lost' | 'taken' | undefined
  #head = 0
  /** The last of those that wait: its next is the first. */
  #receivers: Waiter | null = null
  #senders: Waiter | null = null

  constructor(process: LuaProcess, capacity: number, asMessage: boolean) {
    this.process = process
    this.capacity = Math.min(capacity, UNBOUNDED)
    this.asMessage = asMessage
  }

  get #engine(): LuaEngine {
    return this.process.engine
  }

  get queued(): number {
    return this.#values === null ? 0 : this.#values.length - this.#head
  }

  get hasReceiver(): boolean {
    return this.#receivers !== null
  }

  /** Pushes the channel's userdata, the same one every time. Not for channels Lua made, nor for collected ones. */
  pushSelf(thread: number): void {
    if (this.anchor >= 0) {
      this.process.vm.peek(thread, this.anchor)
      return
    }
    if (!this.#loose) throw new Error('channel is not anchored')
    if (this.collected === undefined) this.process.vm.peekLoose(thread, this.handle)
    // Only closed channels are let go of: any closed and empty one is as good.
    else this.#engine.newChannel(thread, 0).close()
  }

  loosen(): void {
    if (this.anchor < 0 || this.process.ended) return
    this.process.vm.loosen(this.handle, this.anchor)
    this.anchor = -1
    this.#loose = true
  }

  // ---- host side ----

  /** Where to build the next value: on the stack of whoever waits for it, else on the VM's scratch thread. */
  target(): number {
    const waiter = this.#receivers?.next ?? null
    return waiter === null ? this.process.vm.scratchThread : waiter.coroutine.thread
  }

  /** Gives the value on top of `target()` to who waits for it; false when nobody does. */
  handOver(target: number, arrival: Arrival | null = null): boolean {
    const waiter = this.#takeReceiver()
    if (waiter === null) return false
    this.#give(waiter, target)
    waiter.coroutine.given = arrival
    return true
  }

  /** Queues a parked value as it is. */
  enqueue(item: number | Arrival): void {
    if (this.#values === null) this.#values = [item]
    else this.#values.push(item)
  }

  // ---- for the mailbox ----

  /** Takes an arrival that waited elsewhere: to who waits, else to its place among the others. */
  accept(arrival: Arrival): void {
    const { process } = this
    if (this.hasReceiver) {
      const target = this.target()
      process.vm.unpark(target, arrival.slot)
      process.mailbox.read(arrival)
      this.handOver(target, arrival)
      return
    }
    this.enqueue(arrival)
    const values = this.#values as (number | Arrival)[]
    for (let i = values.length - 1; i > this.#head; i--) {
      const before = values[i - 1] as number | Arrival
      if (typeof before === 'number' || before.order < arrival.order) break
      values[i] = before
      values[i - 1] = arrival
    }
  }

  /** Gives up the unread arrivals but the first `keep`; values the program sent itself stay. */
  takeArrivals(keep: number): Arrival[] {
    const taken: Arrival[] = []
    let kept = 0
    const rest = (this.#values ?? []).slice(this.#head).filter((item) => {
      if (typeof item === 'number' || kept++ < keep) return true
      taken.push(item)
      return false
    })
    this.#values = rest.length > 0 ? rest : null
    this.#head = 0
    return taken
  }

  /** The host will not push the channel any more: Lua alone decides how long it lives. */
  dropAnchor(): void {
    if (this.anchor >= 0) this.process.vm.freeSlot(this.anchor)
    this.anchor = -1
  }

  /** Queues a host value always. False when closed. */
  push(value: unknown): boolean {
    if (this.closed || this.process.ended) return false
    const { vm } = this.process
    vm.lift()
    const target = this.target()
    this.#engine.marshal.push(vm, target, value)
    if (!this.handOver(target)) this.enqueue(vm.park(target))
    vm.limit()
    return true
  }

  /** Queues a host value if somebody waits or there is room. */
  offer(value: unknown): boolean {
    return (this.hasReceiver || this.queued < this.capacity) && this.push(value)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    const receivers = inOrder(this.#receivers)
    const senders = inOrder(this.#senders)
    this.#receivers = this.#senders = null
    const { vm, engine } = this.process
    const { api } = engine.lua
    if (vm.closed || this.process.ended) return
    vm.lift()
    const answered = firstCases([...receivers, ...senders])
    for (const waiter of receivers) {
      if (!answered.has(waiter)) continue
      const { thread } = waiter.coroutine
      if (waiter.select !== null) {
        this.#pushCase(waiter, thread)
        this.#forgetOthers(waiter)
      }
      api.lua_pushnil(thread)
      api.lua_pushboolean(thread, 0)
      engine.wake(waiter.coroutine, waiter.select === null ? 2 : 3)
    }
    for (const waiter of senders) {
      if (!answered.has(waiter)) continue
      const { thread } = waiter.coroutine
      vm.freeSlot(waiter.slot)
      if (waiter.select !== null) this.#forgetOthers(waiter)
      api.lua_pushnil(thread)
      engine.marshal.push(vm, thread, new RuntimeError('InvalidState', 'send on closed channel', { retryable: false }))
      engine.wake(waiter.coroutine, 2)
    }
    vm.limit()
  }

  /** Frees what is queued; the process has ended or the channel was collected. */
  release(): void {
    this.collected = this.queued > 0 ? 'lost' : 'taken'
    this.onRelease?.()
    this.onRelease = null
    const { process } = this
    if (!process.vm.closed) {
      for (const item of this.#values?.slice(this.#head) ?? []) {
        process.vm.freeSlot(typeof item === 'number' ? item : item.slot)
        if (typeof item !== 'number' && !process.ended) process.mailbox.read(item)
      }
      // All at once: one by one, ten thousand waiting senders would each search the others.
      for (const waiter of inOrder(this.#senders)) {
        process.vm.freeSlot(waiter.slot)
        dropCases(waiter, process.vm)
      }
      for (const waiter of inOrder(this.#receivers)) dropCases(waiter, process.vm)
      this.dropAnchor()
    }
    this.#values = null
    this.#receivers = this.#senders = null
    this.closed = true
  }

  // ---- Lua side; `thread` is the running thread, possibly of a coroutine the user made ----

  /** Pushes value and ok when something is there; false when the caller must wait. */
  tryReceive(thread: number): boolean {
    const { vm } = this.process
    if (this.#values !== null && this.#head < this.#values.length) {
      vm.unpark(thread, this.#shift())
      this.#refill()
      this.#engine.lua.api.lua_pushboolean(thread, 1)
      return true
    }
    const sender = this.#takeSender()
    if (sender !== null) {
      vm.unpark(thread, sender.slot)
      this.#sent(sender)
      this.#engine.lua.api.lua_pushboolean(thread, 1)
      return true
    }
    if (!this.closed) return false
    this.#engine.lua.api.lua_pushnil(thread)
    this.#engine.lua.api.lua_pushboolean(thread, 0)
    return true
  }

  /** Takes the value on top of `thread`; false when the caller must wait (the value stays). */
  trySend(thread: number): boolean {
    const { api } = this.#engine.lua
    const receiver = this.#takeReceiver()
    if (receiver !== null) {
      const target = receiver.coroutine.thread
      if (target !== thread) api.lua_xmove(thread, target, 1)
      this.#give(receiver, target)
      return true
    }
    if (this.queued >= this.capacity) return false
    this.enqueue(this.process.vm.park(thread))
    return true
  }

  waitToReceive(coroutine: Coroutine, select: Select | null, index: number): Waiter {
    const waiter: Waiter = { coroutine, channel: this, select, index, slot: -1, next: null }
    this.#receivers = behind(this.#receivers, waiter)
    return waiter
  }

  waitToSend(coroutine: Coroutine, select: Select | null, index: number, slot: number): Waiter {
    const waiter: Waiter = { coroutine, channel: this, select, index, slot, next: null }
    this.#senders = behind(this.#senders, waiter)
    return waiter
  }

  #takeReceiver(): Waiter | null {
    const first = this.#receivers?.next ?? null
    if (first !== null) this.#receivers = withoutFirst(this.#receivers as Waiter)
    return first
  }

  #takeSender(): Waiter | null {
    const first = this.#senders?.next ?? null
    if (first !== null) this.#senders = withoutFirst(this.#senders as Waiter)
    return first
  }

  /** A coroutine that was ended waits no more. */
  forget(coroutine: Coroutine): void {
    const stays = (waiter: Waiter): boolean => waiter.coroutine !== coroutine
    this.#receivers = ring(inOrder(this.#receivers).filter(stays))
    const senders = inOrder(this.#senders)
    for (const { slot } of senders.filter((waiter) => !stays(waiter))) this.process.vm.freeSlot(slot)
    this.#senders = ring(senders.filter(stays))
  }

  #shift(): number {
    const values = this.#values as (number | Arrival)[]
    const item = values[this.#head] as number | Arrival
    values[this.#head++] = 0
    if (this.#head === values.length) {
      values.length = 0
      this.#head = 0
    } else if (this.#head > 64 && this.#head * 2 > values.length) {
      this.#values = values.slice(this.#head)
      this.#head = 0
    }
    if (typeof item === 'number') return item
    this.process.mailbox.read(item)
    return item.slot
  }

  /** The value for this receiver is on its stack: complete its results and wake it. */
  #give(waiter: Waiter, thread: number): void {
    const { api } = this.#engine.lua
    if (waiter.select === null) {
      api.lua_pushboolean(thread, 1)
      this.#engine.wake(waiter.coroutine, 2)
      return
    }
    this.#pushCase(waiter, thread)
    api.lua_rotate(thread, -2, 1)
    api.lua_pushboolean(thread, 1)
    this.#forgetOthers(waiter)
    this.#engine.wake(waiter.coroutine, 3)
  }

  /** A sender's value was taken: its operation is complete. */
  #sent(waiter: Waiter): void {
    const { api } = this.#engine.lua
    const { thread } = waiter.coroutine
    if (waiter.select === null) {
      api.lua_pushboolean(thread, 1)
      this.#engine.wake(waiter.coroutine, 1)
      return
    }
    this.#pushCase(waiter, thread, true)
    api.lua_pushboolean(thread, 1)
    this.#forgetOthers(waiter)
    this.#engine.wake(waiter.coroutine, 3)
  }

  /** Pushes the channel of the case that won, and for a send its value. */
  #pushCase(waiter: Waiter, thread: number, withValue = false): void {
    const { api, side } = this.#engine.lua
    const { parked } = waiter.select as Select
    const base = api.lua_gettop(thread)
    if (parked >= 0) {
      this.process.vm.peek(thread, parked)
      side.rawgeti(thread, base + 1, waiter.index)
    } else {
      side.rawgeti(thread, 1, waiter.index)
    }
    const caseIndex = api.lua_gettop(thread)
    api.lua_getiuservalue(thread, caseIndex, 1)
    if (withValue) api.lua_getiuservalue(thread, caseIndex, 2)
    const kept = withValue ? 2 : 1
    // the case (and the table, if it was parked) go from under the results
    api.lua_rotate(thread, base + 1, kept)
    api.lua_settop(thread, base + kept)
  }

  #forgetOthers(winner: Waiter): void {
    const select = winner.select as Select
    for (const waiter of select.waiters) if (waiter !== winner) waiter.channel.#remove(waiter)
    if (select.parked >= 0) this.process.vm.freeSlot(select.parked)
    // The winner's own value, when it was a send, has been taken by the receiver already.
  }

  #remove(waiter: Waiter): void {
    if (waiter.slot < 0) {
      this.#receivers = without(this.#receivers, waiter)
    } else {
      this.#senders = without(this.#senders, waiter)
      this.process.vm.freeSlot(waiter.slot)
    }
  }

  #refill(): void {
    if (this.queued >= this.capacity) return
    const waiter = this.#takeSender()
    if (waiter === null) return
    this.enqueue(waiter.slot)
    this.#sent(waiter)
  }
}

// ---- rings of waiters, known by their last ----

function behind(last: Waiter | null, waiter: Waiter): Waiter {
  if (last === null) {
    waiter.next = waiter
  } else {
    waiter.next = last.next
    last.next = waiter
  }
  return waiter
}

function withoutFirst(last: Waiter): Waiter | null {
  const first = last.next as Waiter
  if (first === last) return null
  last.next = first.next
  return last
}

function without(last: Waiter | null, waiter: Waiter): Waiter | null {
  if (last === null) return null
  let before = last
  while (before.next !== waiter) {
    before = before.next as Waiter
    if (before === last) return last
  }
  if (before === waiter) return null
  before.next = waiter.next
  return waiter === last ? before : last
}

function inOrder(last: Waiter | null): Waiter[] {
  const waiters: Waiter[] = []
  if (last === null) return waiters
  let waiter = last
  do {
    waiter = waiter.next as Waiter
    waiters.push(waiter)
  } while (waiter !== last)
  return waiters
}

function ring(waiters: readonly Waiter[]): Waiter | null {
  return waiters.reduce<Waiter | null>(behind, null)
}

/** Those that are answered when all are ready at once: of a select with several cases, the first in table order. */
function firstCases(waiters: readonly Waiter[]): ReadonlySet<Waiter> {
  const firsts = new Map<unknown, Waiter>()
  for (const waiter of waiters) {
    const other = firsts.get(waiter.select ?? waiter)
    if (other === undefined || waiter.index < other.index) firsts.set(waiter.select ?? waiter, waiter)
  }
  return new Set(firsts.values())
}

/** Lets go of the cases table of a select that nobody waits in any more. */
function dropCases({ select }: Waiter, vm: VM): void {
  if (select === null || select.parked < 0) return
  vm.freeSlot(select.parked)
  select.parked = -1
}

/** The raw functions behind the global `channel` and the methods of channels. */
export function channelFunctions(engine: LuaEngine): RawFunctions {
  const { lua } = engine

  const channelAt = (thread: number, index: number, name: string): Channel => {
    const object = lua.objectAt(thread, index)
    if (object instanceof Channel) return object
    throw new RuntimeError('Invalid', `bad argument #${index} to '${name}' (channel expected)`)
  }

  /** The case at `index` of the stack; anything else, a bare channel too, is no case. */
  const caseAt = (thread: number, index: number): unknown => {
    const object = lua.objectAt(thread, index)
    return object instanceof Channel && lua.api.lua_touserdata(thread, index) === object.pointer ? undefined : object
  }

  return {
    channel_new(thread) {
      const capacity = lua.api.lua_tonumberx(thread, 1, 0)
      engine.newChannel(thread, capacity > 0 ? Math.floor(capacity) : 0)
      return 1
    },

    channel_receive(thread) {
      const channel = channelAt(thread, 1, 'receive')
      if (channel.tryReceive(thread)) return engine.endOperation(thread, 2)
      const coroutine = engine.mustYield(thread)
      coroutine.wait = channel
      channel.waitToReceive(coroutine, null, 0)
      return engine.block(coroutine, thread)
    },

    channel_send(thread) {
      const channel = channelAt(thread, 1, 'send')
      if (channel.closed) throw new RuntimeError('InvalidState', 'send on closed channel', { retryable: false })
      lua.api.lua_settop(thread, 2)
      if (channel.trySend(thread)) {
        lua.api.lua_pushboolean(thread, 1)
        return engine.endOperation(thread, 1)
      }
      const coroutine = engine.mustYield(thread)
      coroutine.wait = channel
      channel.waitToSend(coroutine, null, 0, channel.process.vm.park(thread))
      return engine.block(coroutine, thread)
    },

    channel_close(thread) {
      channelAt(thread, 1, 'close').close()
      return 0
    },

    // The case is made once and kept as the channel's second coat: `select` in a loop allocates nothing.
    channel_case_receive(thread) {
      const channel = channelAt(thread, 1, 'case_receive')
      lua.api.lua_getiuservalue(thread, 1, 1)
      if (lua.api.lua_type(thread, -1) === LUA.userdata) return 1
      lua.pushUserdata(thread, channel.handle, 1, KEY.subscription, false)
      lua.api.lua_pushvalue(thread, 1)
      lua.api.lua_setiuservalue(thread, -2, 1)
      lua.api.lua_pushvalue(thread, -1)
      lua.api.lua_setiuservalue(thread, 1, 1)
      return 1
    },

    channel_case_send(thread) {
      const channel = channelAt(thread, 1, 'case_send')
      lua.api.lua_settop(thread, 2)
      lua.pushUserdata(thread, lua.handle(new SendCase(channel)), 2, KEY.selectCase)
      lua.api.lua_pushvalue(thread, 1)
      lua.api.lua_setiuservalue(thread, -2, 1)
      lua.api.lua_pushvalue(thread, 2)
      lua.api.lua_setiuservalue(thread, -2, 2)
      return 1
    },

    // (cases, default?) -> channel, value, ok; or nil when the default was taken. The first ready case in table order wins.
    channel_select(thread) {
      const { api, side } = lua
      if (api.lua_type(thread, 1) !== LUA.table)
        throw new RuntimeError('Invalid', "bad argument #1 to 'select' (table expected)")
      const hasDefault = api.lua_toboolean(thread, 2) !== 0
      const count = side.rawlen(thread, 1)
      api.lua_settop(thread, 1)
      const cases: unknown[] = []
      for (let i = 1; i <= count; i++) {
        side.rawgeti(thread, 1, i)
        const candidate = caseAt(thread, 2)
        if (tryCase(thread, candidate)) return engine.endOperation(thread, 3)
        cases.push(candidate)
        api.lua_settop(thread, 1)
      }
      if (hasDefault) {
        api.lua_pushnil(thread)
        return engine.endOperation(thread, 1)
      }
      const coroutine = engine.mustYield(thread)
      const outside = thread !== coroutine.thread
      if (outside) api.lua_pushvalue(thread, 1)
      const select: Select = { waiters: [], parked: outside ? coroutine.process.vm.park(thread) : -1 }
      cases.forEach((candidate, i) => {
        if (candidate instanceof Channel) {
          select.waiters.push(candidate.waitToReceive(coroutine, select, i + 1))
        } else if (candidate instanceof SendCase) {
          side.rawgeti(thread, 1, i + 1)
          api.lua_getiuservalue(thread, -1, 2)
          const slot = coroutine.process.vm.park(thread)
          api.lua_settop(thread, 1)
          select.waiters.push(candidate.channel.waitToSend(coroutine, select, i + 1, slot))
        }
      })
      coroutine.wait = select
      if (select.waiters.length === 0) coroutine.process.stranded = true
      return engine.block(coroutine, thread)
    },

    release_channel(thread) {
      const handle = lua.handleAt(thread, 1)
      const channel = lua.objectOf(handle)
      if (channel instanceof Channel) engine.forgetChannel(channel)
      lua.freeHandle(handle)
      return 0
    },

    release_handle(thread) {
      lua.freeHandle(lua.handleAt(thread, 1))
      return 0
    },
  }

  /** Tries the case on top of the stack; when ready, leaves channel, value and ok there. */
  function tryCase(thread: number, candidate: unknown): boolean {
    const { api } = lua
    if (candidate instanceof Channel) {
      api.lua_getiuservalue(thread, 2, 1)
      return candidate.tryReceive(thread)
    }
    if (!(candidate instanceof SendCase)) return false
    const { channel } = candidate
    if (channel.closed) throw new RuntimeError('InvalidState', 'send on closed channel', { retryable: false })
    api.lua_getiuservalue(thread, 2, 1)
    api.lua_getiuservalue(thread, 2, 2)
    api.lua_pushvalue(thread, -1)
    if (!channel.trySend(thread)) return false
    api.lua_pushboolean(thread, 1)
    return true
  }
}

/** Whether nothing can ever wake the coroutine: it waits in a select without cases. */
export function isStranded({ wait, ready }: Coroutine): boolean {
  const select = wait as Select | null
  return !ready && Array.isArray(select?.waiters) && select.waiters.length === 0
}

/** Ends a coroutine's wait on channels without an answer. */
export function forgetWait(wait: unknown, coroutine: Coroutine): void {
  if (wait instanceof Channel) {
    wait.forget(coroutine)
    return
  }
  const select = wait as Select | null
  if (select === null || !Array.isArray(select?.waiters)) return
  for (const channel of new Set(select.waiters.map((waiter) => waiter.channel))) channel.forget(coroutine)
  if (select.parked >= 0) coroutine.process.vm.freeSlot(select.parked)
}
