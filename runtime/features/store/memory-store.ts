// A key-value store in memory. Keys are listed in byte order; expired ones are never given out and are dropped now and then.

import type { Clock, Timer } from '../../core/clock.ts'
import { cloneValue, type Value } from '../../core/value.ts'
import {
  type ListOptions,
  type PutOptions,
  type Store,
  type StoreEntry,
  type StoreInfo,
  type StorePage,
  storeFailure,
} from './store.ts'

export interface MemoryStoreSettings {
  readonly maxSize: number
  /** Milliseconds between clean-ups; 0 is never. */
  readonly cleanupInterval: number
}

export interface MemoryStoreOptions extends MemoryStoreSettings {
  readonly clock: Clock
}

interface Stored {
  readonly value: Value
  readonly version: number
  /** Clock time at which it is gone. */
  readonly expires: number
}

export class MemoryStore implements Store {
  readonly info: StoreInfo = {
    backend: 'memory',
    consistency: 'local',
    durable: false,
    list: true,
    versioned: true,
    conditionalPut: true,
    ttl: true,
  }
  #options: MemoryStoreOptions
  readonly #stored = new Map<string, Stored>()
  /** Sorted keys, made when a listing asks for them and forgotten when a key comes or goes. */
  #sorted: string[] | undefined
  #version = 0
  #timer: Timer | undefined

  constructor(options: MemoryStoreOptions) {
    this.#options = options
    this.#schedule()
  }

  /** Other settings for the same content; keys beyond a smaller size stay. */
  configure(settings: MemoryStoreSettings): void {
    this.#options = { ...this.#options, ...settings }
    this.#timer?.cancel()
    this.#schedule()
  }

  entry(key: string): StoreEntry | undefined {
    const stored = this.#live(key)
    return stored === undefined ? undefined : toEntry(key, stored)
  }

  put(key: string, value: Value, { ttl, onlyIfAbsent, ifVersion }: PutOptions): StoreEntry {
    const before = this.#live(key)
    if (onlyIfAbsent && before !== undefined) throw storeFailure.exists(key)
    if (ifVersion !== undefined && before?.version.toString() !== ifVersion) throw storeFailure.stale(key)
    if (before === undefined) this.#makeRoom()
    const expires = ttl > 0 ? this.#options.clock.now() + ttl : Number.POSITIVE_INFINITY
    const stored = { value: cloneValue(value), version: ++this.#version, expires }
    if (!this.#stored.has(key)) this.#sorted = undefined
    this.#stored.set(key, stored)
    return toEntry(key, stored)
  }

  delete(key: string): boolean {
    const live = this.#live(key) !== undefined
    this.#drop(key)
    return live
  }

  list({ prefix, after, limit }: ListOptions): StorePage {
    this.#sorted ??= [...this.#stored.keys()].sort(byBytes)
    const keys = this.#sorted
    const start = after !== undefined && byBytes(after, prefix) >= 0 ? firstAfter(keys, after) : firstFrom(keys, prefix)
    const items: StoreEntry[] = []
    for (let at = start; at < keys.length; at++) {
      const key = keys[at] as string // at is inside the list
      if (!key.startsWith(prefix)) break
      const stored = this.#stored.get(key)
      if (stored === undefined || stored.expires <= this.#options.clock.now()) continue
      if (items.length === limit) return { items, cursor: items.at(-1)?.key ?? '', hasMore: true }
      items.push(toEntry(key, stored))
    }
    return { items, cursor: items.at(-1)?.key ?? '', hasMore: false }
  }

  close(): void {
    this.#timer?.cancel()
    this.#stored.clear()
    this.#sorted = undefined
  }

  #live(key: string): Stored | undefined {
    const stored = this.#stored.get(key)
    if (stored === undefined || stored.expires > this.#options.clock.now()) return stored
    this.#drop(key)
    return undefined
  }

  #drop(key: string): void {
    if (this.#stored.delete(key)) this.#sorted = undefined
  }

  #makeRoom(): void {
    const { maxSize } = this.#options
    if (this.#stored.size >= maxSize) this.#cleanUp()
    if (this.#stored.size >= maxSize) throw storeFailure.full(maxSize)
  }

  #cleanUp(): void {
    const now = this.#options.clock.now()
    for (const [key, { expires }] of this.#stored) if (expires <= now) this.#drop(key)
  }

  #schedule(): void {
    const { clock, cleanupInterval } = this.#options
    if (cleanupInterval <= 0) return
    this.#timer = clock.after(cleanupInterval, () => {
      this.#cleanUp()
      this.#schedule()
    })
  }
}

function toEntry(key: string, { value, version }: Stored): StoreEntry {
  return { key, value: cloneValue(value), version: version.toString() }
}

/** The order of UTF-8 bytes, which is that of code points. */
function byBytes(a: string, b: string): number {
  if (a === b) return 0
  const plain = !/[\ud800-\udfff]/.test(a) && !/[\ud800-\udfff]/.test(b)
  if (plain) return a < b ? -1 : 1
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}

/** Index of the first key that is not below `bound`. */
function firstFrom(keys: readonly string[], bound: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (byBytes(keys[middle] as string, bound) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function firstAfter(keys: readonly string[], key: string): number {
  const at = firstFrom(keys, key)
  return keys[at] === key ? at + 1 : at
}
