// Where environment values are kept. A storage knows keys and texts; it knows no variables, names or rights.

import { RuntimeError } from '../../core/error.ts'

export interface EnvStorage {
  /** The value, or undefined. Throws what a broken storage throws: a reader must not take that for "absent". */
  get(key: string): string | undefined
  /** Throws PermissionDenied when the storage cannot be written. */
  set(key: string, value: string): void
}

/** Values of the operating system's environment, as they were given to the runtime. */
export class OsStorage implements EnvStorage {
  readonly #environment: Readonly<Record<string, string | undefined>>

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.#environment = environment
  }

  get(key: string): string | undefined {
    return Object.hasOwn(this.#environment, key) ? this.#environment[key] : undefined
  }

  set(): void {
    throw readOnly('the OS environment')
  }
}

/** Values that live as long as the entry. */
export class MemoryStorage implements EnvStorage {
  readonly #values = new Map<string, string>()

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: string): void {
    this.#values.set(key, value)
  }
}

/** Values written in the entry itself. */
export class StaticStorage implements EnvStorage {
  readonly #id: string
  readonly #values: ReadonlyMap<string, string>

  constructor(id: string, values: ReadonlyMap<string, string>) {
    this.#id = id
    this.#values = values
  }

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  set(): void {
    throw readOnly(this.#id)
  }
}

/**
 * Several storages asked in order; writes go to the first. Unlike the original it keeps no copies: a value changed in a
 * storage behind it is seen at once.
 */
export class RouterStorage implements EnvStorage {
  readonly #storages: () => readonly EnvStorage[]
  #asking = false

  /** The storages are looked up at every use, so that a reloaded one is followed. */
  constructor(storages: () => readonly EnvStorage[]) {
    this.#storages = storages
  }

  get(key: string): string | undefined {
    // Routers may name each other in a circle: the second visit has nothing to add.
    if (this.#asking) return undefined
    this.#asking = true
    try {
      for (const storage of this.#storages()) {
        const value = storage.get(key)
        if (value !== undefined) return value
      }
      return undefined
    } finally {
      this.#asking = false
    }
  }

  set(key: string, value: string): void {
    const [first] = this.#storages()
    if (first === undefined || first === this)
      throw new RuntimeError('NotFound', 'router has no storages', { retryable: false })
    first.set(key, value)
  }
}

function readOnly(what: string): RuntimeError {
  return new RuntimeError('PermissionDenied', `storage is read-only: ${what}`, { retryable: false })
}
