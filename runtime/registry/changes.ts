// Collects changes one by one and applies them as one changeset. Applying does not empty it.

import type { Entry } from '../core/entry.ts'
import { type Change, copyEntry } from './changeset.ts'
import type { Version } from './history.ts'
import type { ApplyOptions, Registry } from './registry.ts'

export class Changes {
  readonly #registry: Registry
  readonly #list: Change[] = []

  constructor(registry: Registry) {
    this.#registry = registry
  }

  get list(): readonly Change[] {
    return this.#list
  }

  create(entry: Entry): this {
    this.#list.push({ op: 'create', entry: copyEntry(entry) })
    return this
  }

  /** Replaces the whole entry. */
  update(entry: Entry): this {
    this.#list.push({ op: 'update', entry: copyEntry(entry) })
    return this
  }

  delete(id: string): this {
    this.#list.push({ op: 'delete', id })
    return this
  }

  /** Checked against the registry as it is then, not as it was when the changes were collected. */
  apply(options?: ApplyOptions): Promise<Version> {
    return this.#registry.apply([...this.#list], options)
  }
}
