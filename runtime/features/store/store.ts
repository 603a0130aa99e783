// What a key-value store is to Lua and to the rest of the runtime. Backends are plugs; `store.memory` is the first.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Value } from '../../core/value.ts'

export interface StoreEntry {
  readonly key: string
  readonly value: Value
  /** Opaque; changes with every write. */
  readonly version: string
}

export interface PutOptions {
  /** Milliseconds to live; 0 is for ever. */
  readonly ttl: number
  readonly onlyIfAbsent: boolean
  readonly ifVersion: string | undefined
}

export interface ListOptions {
  readonly prefix: string
  /** Keys after this one. */
  readonly after: string | undefined
  readonly limit: number
}

export interface StorePage {
  readonly items: readonly StoreEntry[]
  readonly cursor: string
  readonly hasMore: boolean
}

export interface StoreInfo {
  readonly backend: string
  readonly consistency: string
  readonly durable: boolean
  readonly list: boolean
  readonly versioned: boolean
  readonly conditionalPut: boolean
  readonly ttl: boolean
}

export interface Store {
  readonly info: StoreInfo
  /** Undefined for a key that is absent or expired. */
  entry(key: string): StoreEntry | undefined | Promise<StoreEntry | undefined>
  /** Throws AlreadyExists, Conflict, LimitExceeded. */
  put(key: string, value: Value, options: PutOptions): StoreEntry | Promise<StoreEntry>
  /** False when it was not there. */
  delete(key: string): boolean | Promise<boolean>
  list(options: ListOptions): StorePage | Promise<StorePage>
}

export const plainPut: PutOptions = { ttl: 0, onlyIfAbsent: false, ifVersion: undefined }

/** The open stores of a runtime, by entry id. */
export class Stores {
  readonly #stores = new Map<string, Store>()

  add(id: string, store: Store): () => void {
    this.#stores.set(id, store)
    return () => {
      if (this.#stores.get(id) === store) this.#stores.delete(id)
    }
  }

  get(id: string): Store | undefined {
    return this.#stores.get(id)
  }

  /** Throws NotFound. */
  require(id: string): Store {
    const store = this.#stores.get(id)
    if (store === undefined) throw moduleError('NotFound', `store not found: ${id}`)
    return store
  }
}

/** The failures every backend words alike. */
export const storeFailure = {
  exists: (key: string): RuntimeError =>
    new RuntimeError('AlreadyExists', `key already exists: ${key}`, { retryable: false }),
  stale: (key: string): RuntimeError => new RuntimeError('Conflict', `version mismatch: ${key}`, { retryable: true }),
  full: (limit: number): RuntimeError => moduleError('LimitExceeded', `store is full (max_size ${limit})`),
} as const
