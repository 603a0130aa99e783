// Tells the event bus what the registry does (spec/registry.md §10). The registry works the same without it.

import type { Value } from '../core/value.ts'
import { type Operation, operationKind } from './changeset.ts'

export type Publish = (system: string, kind: string, path: string, data: Value) => void

/** Kinds that live in the registry alone (spec/registry.md §5): their changes make no entry events. */
export const stateOnlyKinds: ReadonlySet<string> = new Set([
  'registry.entry',
  'ns.definition',
  'ns.dependency',
  'ns.requirement',
])

export class Announcer {
  readonly #publish: Publish | undefined
  readonly #quietKinds: ReadonlySet<string>
  #transactions = 0

  constructor(publish: Publish | undefined, quietKinds: ReadonlySet<string> = stateOnlyKinds) {
    this.#publish = publish
    this.#quietKinds = quietKinds
  }

  /** The stages of a new transaction. */
  transaction(): (stage: 'begin' | 'commit' | 'discard') => void {
    const number = ++this.#transactions
    return (stage) => this.#publish?.('registry', `registry.${stage}`, `registry.tx/${number}/registry.${stage}`, null)
  }

  /** An entry is about to be changed, or its kind has answered. */
  step(operation: Operation, stage: 'begin' | 'accept' | 'reject'): void {
    const entry = (operation.after ?? operation.before)?.entry
    if (this.#publish === undefined || entry === undefined || this.#quietKinds.has(entry.kind)) return
    const { id, kind, meta, data } = entry
    if (stage === 'begin') this.#publish('registry', operationKind(operation), id, { id, kind, meta, data })
    else this.#publish('registry', `entry.${stage}`, id, null)
  }
}
