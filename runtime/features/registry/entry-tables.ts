// Entries, changes and operations as Lua tables, both ways.

import type { Entry } from '../../core/entry.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { emptyMap, isMap, type Value, type ValueMap } from '../../core/value.ts'
import { luaTypeName, table } from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import { type Change, type Operation, type OperationKind, operationKind } from '../../registry/changeset.ts'

/** What Lua reads: `{id, kind, meta, data}`. The engine copies it, so Lua cannot reach the entry itself. */
export function entryTable({ id, kind, meta, data }: Entry): ValueMap {
  return { id, kind, meta, data }
}

/** Reads a table as an entry: `id`, `kind`, `meta` and `data` only. Throws Invalid. */
export function entryOf(argument: unknown): Entry {
  const given = luaTypeName(argument) === 'table' ? table(argument, 1, 'create') : {}
  const id = idOf(given['id'])
  if (id === undefined) throw moduleError('Invalid', 'entry must have valid id field')
  const { kind } = given
  if (typeof kind !== 'string' || kind === '') throw moduleError('Invalid', 'entry must have kind field')
  const meta = plainValue(given['meta'])
  return { id, kind, meta: isMap(meta) ? meta : emptyMap(), data: plainValue(given['data']) }
}

/** The entries among some tables; what is none is skipped. */
export function entriesOf(tables: readonly unknown[]): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  for (const item of tables) {
    try {
      const entry = entryOf(item)
      entries.set(entry.id, entry)
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
    }
  }
  return entries
}

/** An id as text or `{ns, name}`. Throws Invalid. */
export function deletedId(argument: unknown): string {
  const id = idOf(argument)
  if (id !== undefined) return id
  if (luaTypeName(argument) === 'table') throw moduleError('Invalid', 'id requires ns and name fields')
  throw moduleError('Invalid', 'invalid ID format')
}

function idOf(argument: unknown): string | undefined {
  if (typeof argument === 'string') return argument === '' ? undefined : argument
  if (!isMap(argument)) return undefined
  const { ns, name } = argument
  return typeof ns === 'string' && typeof name === 'string' && name !== '' ? `${ns}:${name}` : undefined
}

/** `{kind = "entry.create", entry = {...}}`. */
export function operationTable(kind: OperationKind, entry: Entry): Value {
  return { kind, entry: entryTable(entry) }
}

/** A pending change; a deleted entry is shown as it was, if it is known. */
export function changeTable(change: Change, known: (id: string) => Entry | undefined): Value {
  if (change.op !== 'delete') return operationTable(`entry.${change.op}`, change.entry)
  const gone = known(change.id) ?? { id: change.id, kind: '', meta: emptyMap(), data: null }
  return operationTable('entry.delete', gone)
}

/** The lines of one operation: an entry that changes its kind goes and comes back. */
export function operationTables(operation: Operation): Value[] {
  const { before, after } = operation
  const lines: Value[] = []
  const changesKind = before !== undefined && after !== undefined && before.entry.kind !== after.entry.kind
  if (before !== undefined && (after === undefined || changesKind)) {
    lines.push(operationTable('entry.delete', before.entry))
  }
  if (after !== undefined) lines.push(operationTable(operationKind(operation), after.entry))
  return lines
}
