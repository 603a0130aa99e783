// Changesets: what a caller asks for (`Change`) and what it comes to against a state (`Operation`, which can be undone).

import type { Entry, Origin } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { parseId } from '../core/id.ts'
import { cloneValue, equalValues, isMap, type ValueMap } from '../core/value.ts'

/** One line of a changeset as asked for. `update` replaces the entry, it never merges. */
export type Change =
  | { readonly op: 'create' | 'update'; readonly entry: Entry }
  | { readonly op: 'delete'; readonly id: string }

/** An entry as the registry holds it. */
export interface Held {
  readonly entry: Entry
  readonly origin: Origin
}

/**
 * What happens to one id: it is created (no `before`), deleted (no `after`) or updated (both). That makes undoing a swap
 * and squashing the first `before` with the last `after`.
 */
export interface Operation {
  readonly id: string
  readonly before: Held | undefined
  readonly after: Held | undefined
  /** Hash of what the sources said about the id when this was made: tells later whether the file changed since. */
  readonly disk?: string | undefined
}

export type OperationKind = 'entry.create' | 'entry.update' | 'entry.delete'

/** An entry that comes back with another kind counts as created. */
export function operationKind({ before, after }: Operation): OperationKind {
  if (after === undefined) return 'entry.delete'
  return before?.entry.kind === after.entry.kind ? 'entry.update' : 'entry.create'
}

/** The entries by id. Never changed in place: a new version is a new map. */
export type State = ReadonlyMap<string, Held>

export interface PlanOptions {
  readonly origin: Origin
  /** Sources may give an id another kind; a changeset from code may not. */
  readonly mayChangeKind: boolean
}

/** Checks changes one after the other against the state and sums them up, one operation per id. Keeps the entries given. */
export function plan(state: State, changes: readonly Change[], options: PlanOptions): Operation[] {
  const made: Operation[] = []
  const now = new Map<string, Held | undefined>()
  for (const change of changes) {
    const id = change.op === 'delete' ? change.id : change.entry.id
    const before = now.has(id) ? now.get(id) : state.get(id)
    const operation = planOne(change, id, before, options)
    now.set(id, operation.after)
    made.push(operation)
  }
  return squash(made)
}

function planOne(change: Change, id: string, before: Held | undefined, options: PlanOptions): Operation {
  if (change.op === 'delete') {
    if (before === undefined) throw invalidOperation('NotFound', `cannot delete non-existent entry: ${idTable(id)}`)
    return { id, before, after: undefined }
  }
  const after = { entry: change.entry, origin: options.origin }
  if (change.op === 'create') {
    if (before !== undefined) throw invalidOperation('Conflict', `entry already exists: ${idTable(id)}`)
    return { id, before, after }
  }
  if (before === undefined) throw invalidOperation('NotFound', `entry does not exist: ${idTable(id)}`)
  const { kind } = before.entry
  if (kind !== after.entry.kind && !options.mayChangeKind) {
    const text = `cannot change entry kind from ${kind} to ${after.entry.kind} for ${idTable(id)}`
    throw invalidOperation('Invalid', text)
  }
  return { id, before, after }
}

function invalidOperation(kind: 'NotFound' | 'Conflict' | 'Invalid', text: string): RuntimeError {
  return new RuntimeError(kind, text, { retryable: false, context: ['invalid operation'] })
}

/** An id as these error texts show it. */
function idTable(id: string): string {
  const { ns, name } = parseId(id)
  return `{ns: ${ns}, name: ${name}}`
}

/** The operations that lead back. */
export function invert(operations: readonly Operation[]): Operation[] {
  return operations.map(({ id, before, after, disk }) => ({ id, before: after, after: before, disk })).reverse()
}

/** A sequence as one operation per id with the same outcome. What came and went is left out. */
export function squash(operations: readonly Operation[]): Operation[] {
  const byId = new Map<string, Operation>()
  for (const operation of operations) {
    const first = byId.get(operation.id)
    byId.set(operation.id, first === undefined ? operation : { ...operation, before: first.before })
  }
  return [...byId.values()].filter(({ before, after }) => before !== undefined || after !== undefined)
}

/** The state after the operations; `before` is not looked at. */
export function advance(state: State, operations: readonly Operation[]): State {
  const next = new Map(state)
  for (const { id, after } of operations) {
    if (after === undefined) next.delete(id)
    else next.set(id, after)
  }
  return next
}

/** The operations that turn one state into another. */
export function difference(from: State, to: State): Operation[] {
  const operations: Operation[] = []
  for (const [id, before] of from) if (!to.has(id)) operations.push({ id, before, after: undefined })
  for (const [id, after] of to) {
    const before = from.get(id)
    if (!sameHeld(before, after)) operations.push({ id, before, after })
  }
  return operations
}

/** Equal in entry and origin, or both absent. */
export function sameHeld(a: Held | undefined, b: Held | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a === b || (a.origin === b.origin && sameEntry(a.entry, b.entry))
}

/** Equal in kind, meta and data; numbers compare by value. */
export function sameEntry(a: Entry, b: Entry): boolean {
  return a === b || (a.kind === b.kind && equalValues(a.meta, b.meta) && equalValues(a.data, b.data))
}

/** An entry that shares nothing with what the caller gave, so that nobody changes it behind the registry's back. */
export function copyEntry({ id, kind, meta, data }: Entry): Entry {
  return { id, kind, meta: copyMap(meta), data: cloneValue(data ?? null) }
}

function copyMap(meta: unknown): ValueMap {
  const copy = cloneValue(isMap(meta) ? meta : {})
  // cloneValue of a map is a map; the type cannot say so.
  return copy as ValueMap
}
