// What turns one loaded state into the next: the changeset of a reload. Touches only what the loader itself brought.

import type { Entry, Origin } from '../core/entry.ts'
import { equalValues } from '../core/value.ts'

/** The part of `Loaded` that a comparison looks at. */
export interface LoadedState {
  readonly entries: readonly Entry[]
  readonly origins: ReadonlyMap<string, Origin>
  readonly files: ReadonlyMap<string, { readonly file: string }>
  /** Definition files with a fault. */
  readonly broken: ReadonlySet<string>
}

export interface StateChanges {
  readonly create: readonly Entry[]
  /** Entries that say something else now, another kind included. */
  readonly update: readonly Entry[]
  readonly delete: readonly string[]
}

/** The changes from one state to the next. What a broken file has defined before is not deleted. */
export function diffStates(previous: LoadedState, next: LoadedState): StateChanges {
  const before = new Map(previous.entries.map((entry) => [entry.id, entry]))
  const after = new Set(next.entries.map(({ id }) => id))
  const create: Entry[] = []
  const update: Entry[] = []
  for (const entry of next.entries) {
    const old = before.get(entry.id)
    if (old === undefined) create.push(entry)
    else if (!sameEntry(old, entry) || previous.origins.get(entry.id) !== next.origins.get(entry.id)) update.push(entry)
  }
  const gone = previous.entries.flatMap(({ id }) => {
    const file = previous.files.get(id)?.file
    return after.has(id) || (file !== undefined && next.broken.has(file)) ? [] : [id]
  })
  return { create, update, delete: gone }
}

export function isEmpty(changes: StateChanges): boolean {
  return changes.create.length + changes.update.length + changes.delete.length === 0
}

/** The state that is live after some of the changes towards `next` have landed: `landed` are the ids that have. */
export function settle(previous: LoadedState, next: LoadedState, landed: ReadonlySet<string>): LoadedState {
  const { create, update, delete: gone } = diffStates(previous, next)
  const changed = new Set([...create, ...update].map(({ id }) => id))
  const old = new Map(previous.entries.map((entry) => [entry.id, entry]))
  const entries: Entry[] = []
  const origins = new Map<string, Origin>()
  const files = new Map<string, { readonly file: string }>()
  const take = (state: LoadedState, entry: Entry): void => {
    const { id } = entry
    entries.push(entry)
    origins.set(id, state.origins.get(id) ?? 'disk')
    const file = state.files.get(id)
    if (file !== undefined) files.set(id, file)
  }
  for (const entry of next.entries) {
    if (!changed.has(entry.id) || landed.has(entry.id)) take(next, entry)
    else {
      const kept = old.get(entry.id)
      if (kept !== undefined) take(previous, kept)
    }
  }
  const present = new Set(next.entries.map(({ id }) => id))
  const deleted = new Set(gone)
  for (const entry of previous.entries) {
    if (!present.has(entry.id) && !(deleted.has(entry.id) && landed.has(entry.id))) take(previous, entry)
  }
  return { entries, origins, files, broken: next.broken }
}

function sameEntry(a: Entry, b: Entry): boolean {
  return a === b || (a.kind === b.kind && equalValues(a.meta, b.meta) && equalValues(a.data, b.data))
}
