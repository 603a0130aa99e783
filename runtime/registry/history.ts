// The versions of the registry and what each of them changed. Version 0 is what was loaded from disk and has no operations.
// A History only remembers; what a version means for the running system is registry.ts.

import type { Origin } from '../core/entry.ts'
import type { Operation } from './changeset.ts'

export interface Version {
  /** Grows with every version, also after a rollback; 0 is the baseline. */
  readonly id: number
  /** The version it was made on; undefined for the baseline. */
  readonly parent: number | undefined
  readonly origin: Origin
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** What the author said about it. */
  readonly label?: string | undefined
  /** Id of the security actor that made it, if there was one. */
  readonly author?: string | undefined
}

export interface History {
  /** Where versions are kept, for messages. */
  readonly description: string
  /** True when a version that was appended survives the end of the OS process. */
  readonly durable: boolean
  /** The version the registry was at, 0 at first. */
  readonly head: number
  /** All versions but the baseline, ascending. */
  versions(): readonly Version[]
  get(id: number): Version | undefined
  /** What a version changed; none for an unknown one. */
  operations(id: number): readonly Operation[]
  /** Keeps a version and makes it the head. When it resolves, a durable history has it on disk. */
  append(version: Version, operations: readonly Operation[]): Promise<void>
  moveHead(id: number): Promise<void>
  close(): void
}

/** Lives as long as the runtime. */
export class MemoryHistory implements History {
  readonly description: string = 'memory'
  readonly durable: boolean = false
  readonly #records = new Map<number, { version: Version; operations: readonly Operation[] }>()
  #head = 0

  get head(): number {
    return this.#head
  }

  versions(): readonly Version[] {
    return [...this.#records.values()].map(({ version }) => version)
  }

  get(id: number): Version | undefined {
    return this.#records.get(id)?.version
  }

  operations(id: number): readonly Operation[] {
    return this.#records.get(id)?.operations ?? []
  }

  async append(version: Version, operations: readonly Operation[]): Promise<void> {
    this.#records.set(version.id, { version, operations })
    this.#head = version.id
  }

  async moveHead(id: number): Promise<void> {
    this.#head = id
  }

  close(): void {
    this.#records.clear()
  }
}

/** Remembers nothing but where it is: versions get numbers, none can be gone back to. */
export class NoHistory implements History {
  readonly description: string = 'none'
  readonly durable: boolean = false
  #current: Version | undefined

  get head(): number {
    return this.#current?.id ?? 0
  }

  versions(): readonly Version[] {
    return this.#current === undefined ? [] : [this.#current]
  }

  get(id: number): Version | undefined {
    return this.#current?.id === id ? this.#current : undefined
  }

  operations(): readonly Operation[] {
    return []
  }

  async append(version: Version): Promise<void> {
    this.#current = version
  }

  async moveHead(): Promise<void> {}

  close(): void {}
}
