// A channel of a process in a worker thread that a module of the main thread feeds.

import type { LuaChannel } from '../lua/module.ts'
import { DEFINE, TO_WORKER } from './protocol.ts'

type Say = (operation: number, ...fields: unknown[]) => void

export class RemoteChannel implements LuaChannel {
  readonly id: number
  readonly #say: Say
  closed = false
  collected: 'lost' | 'taken' | undefined

  constructor(id: number, serial: number, capacity: number, say: Say) {
    this.id = id
    this.#say = say
    // -1 stands for a channel without bound.
    say(DEFINE.channel, id, serial, Number.isFinite(capacity) ? capacity : -1)
  }

  push(value: unknown): boolean {
    return this.#give(value, false)
  }

  /** Whether there is room is known over there alone: what finds none is dropped there. */
  offer(value: unknown): boolean {
    return this.#give(value, true)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.#say(TO_WORKER.closeChannel, this.id)
  }

  loosen(): void {
    this.#say(TO_WORKER.loosenChannel, this.id)
  }

  #give(value: unknown, onlyIfRoom: boolean): boolean {
    if (this.closed) return false
    this.#say(TO_WORKER.push, this.id, value, onlyIfRoom)
    return true
  }
}
