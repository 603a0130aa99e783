// The registry as it was at one version: never changes, costs nothing to keep beyond the entries it holds.

import type { Entry, Origin } from '../core/entry.ts'
import { parseId } from '../core/id.ts'
import type { Held, State } from './changeset.ts'
import type { Version } from './history.ts'
import { byText } from './order.ts'
import { compileFilter, type Filter } from './query.ts'

export class Snapshot {
  readonly version: Version
  readonly state: State
  #sorted: readonly Held[] | undefined

  constructor(version: Version, state: State) {
    this.version = version
    this.state = state
  }

  get(id: string): Entry | undefined {
    return this.state.get(id)?.entry
  }

  /** Where an entry came from. */
  origin(id: string): Origin | undefined {
    return this.state.get(id)?.origin
  }

  /** All entries, by id. */
  entries(): Entry[] {
    return this.#held().map(({ entry }) => entry)
  }

  /** The entries of exactly this namespace. */
  namespace(ns: string): Entry[] {
    return this.entries().filter(({ id }) => parseId(id).ns === ns)
  }

  /** The entries a filter fits (spec/registry.md §9). `warn` hears of filter keys that are ignored. */
  find(filter: Filter, warn?: (message: string) => void): Entry[] {
    return this.entries().filter(compileFilter(filter, warn))
  }

  #held(): readonly Held[] {
    this.#sorted ??= [...this.state.values()].sort((a, b) => byText(a.entry.id, b.entry.id))
    return this.#sorted
  }
}
