// Memory of this runtime in the terms of the original: V8's heap, the Lua states beside it, and a soft limit on the whole.

import { getHeapStatistics } from 'node:v8'
import type { Clock, Timer } from '../../core/clock.ts'
import type { ValueMap } from '../../core/value.ts'

/** The Lua states of this runtime taken together. */
export interface LuaMemory {
  /** Bytes in use. */
  readonly memoryUsed: number
  /** Host objects that Lua code holds. */
  readonly handles: number
  /** Full collections that were asked for. */
  readonly collections: number
  readonly gcPercent: number
  setGcPercent(percent: number): void
  collect(): void
  /** Brings the figures of other threads up to date, after a full collection there if wanted; undefined when there are none. */
  refresh?(collected: boolean): Promise<void> | undefined
}

const CHECK_EVERY_MS = 5_000
/** What `get_limit` gives when there is none. */
export const UNLIMITED = -1

/** The fields of `system.memory.stats()`; V8 has no word for some, their page says what stands there. */
export function memoryStats(lua: LuaMemory): ValueMap {
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  const heap = getHeapStatistics()
  return {
    alloc: allocated(lua),
    total_alloc: allocated(lua) + heap.malloced_memory,
    sys: rss,
    heap_alloc: heapUsed,
    heap_sys: heapTotal,
    heap_idle: heapTotal - heapUsed,
    heap_in_use: heapUsed,
    heap_released: Math.max(0, heap.total_heap_size - heap.total_physical_size),
    heap_objects: lua.handles,
    stack_in_use: 0,
    stack_sys: 0,
    mspan_in_use: 0,
    mspan_sys: 0,
    num_gc: lua.collections,
    next_gc: Math.round(lua.memoryUsed * (1 + lua.gcPercent / 100)),
    lua_alloc: lua.memoryUsed,
  }
}

/** Bytes in use by the runtime and the Lua states together. */
export function allocated(lua: LuaMemory): number {
  return process.memoryUsage().heapUsed + lua.memoryUsed
}

/** A soft limit: beyond it the Lua states are collected more often, and nothing is refused. */
export class MemoryLimit {
  readonly #clock: Clock
  readonly #lua: LuaMemory
  #limit = UNLIMITED
  #timer: Timer | undefined

  constructor(clock: Clock, lua: LuaMemory) {
    this.#clock = clock
    this.#lua = lua
  }

  get bytes(): number {
    return this.#limit
  }

  /** Gives the limit there was. */
  set(bytes: number): number {
    const before = this.#limit
    this.#limit = bytes < 0 ? UNLIMITED : bytes
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#limit !== UNLIMITED) this.#watch()
    return before
  }

  #watch(): void {
    this.#timer = this.#clock.after(CHECK_EVERY_MS, () => {
      if (allocated(this.#lua) > this.#limit) this.#lua.collect()
      this.#watch()
    })
  }
}
