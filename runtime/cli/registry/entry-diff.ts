// What became of the entries from one version to another: which came and went, and the fields of the others, texts as unified diffs.

import { equalValues, isMap, type Value } from '../../core/value.ts'
import { toJson } from '../../core/value-json.ts'
import type { Paint } from '../paint.ts'
import { inert } from '../report.ts'
import { unifiedDiff } from '../text-diff.ts'
import type { ShownEntry } from './registry-access.ts'

/** Empty when nothing differs. */
export function entryDiff(before: readonly ShownEntry[], after: readonly ShownEntry[], paint: Paint): string {
  const old = new Map(before.map((entry) => [entry.id, entry]))
  const now = new Map(after.map((entry) => [entry.id, entry]))
  const ids = [...new Set([...old.keys(), ...now.keys()])].sort()
  return ids.flatMap((id) => oneEntry(id, old.get(id), now.get(id), paint)).join('\n')
}

function oneEntry(id: string, before: ShownEntry | undefined, after: ShownEntry | undefined, paint: Paint): string[] {
  const shown = inert(id)
  const changes = fieldChanges(before, after)
  if (before === undefined)
    return [
      paint(['bold', 'green'], `+ ${shown}  (${inert(after?.kind ?? '')}, ${after?.origin})`),
      ...lines(changes, paint),
    ]
  if (after === undefined) return [paint(['bold', 'red'], `- ${shown}  (${inert(before.kind)})`)]
  return changes.length === 0 ? [] : [paint(['bold', 'yellow'], `~ ${shown}`), ...lines(changes, paint)]
}

interface FieldChange {
  readonly path: string
  readonly before: Value | undefined
  readonly after: Value | undefined
}

function fieldChanges(before: ShownEntry | undefined, after: ShownEntry | undefined): FieldChange[] {
  const whole = (entry: ShownEntry | undefined): Value =>
    entry === undefined ? {} : { kind: entry.kind, meta: entry.meta, data: entry.data }
  return compare('', whole(before), whole(after))
}

/** Goes down into maps; lists and scalars are compared whole. */
function compare(path: string, before: Value | undefined, after: Value | undefined): FieldChange[] {
  if (equalValues(before, after)) return []
  const inside = (value: Value | undefined): boolean => value === undefined || isMap(value)
  if (!inside(before) || !inside(after) || (before === undefined && after === undefined))
    return [{ path, before, after }]
  const left = isMap(before) ? before : {}
  const right = isMap(after) ? after : {}
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])]
  return keys.flatMap((key) => compare(path === '' ? key : `${path}.${key}`, own(left, key), own(right, key)))
}

function own(map: { readonly [key: string]: Value }, key: string): Value | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined
}

function lines(changes: readonly FieldChange[], paint: Paint): string[] {
  return changes.flatMap(({ path, before, after }) => {
    if (isText(before) && isText(after)) {
      return [`    ${inert(path)}:`, ...unifiedDiff(before, after).map((line) => `    ${painted(inert(line), paint)}`)]
    }
    const removed = before === undefined ? [] : shown(before).map((line) => painted(`-${line}`, paint))
    const added = after === undefined ? [] : shown(after).map((line) => painted(`+${line}`, paint))
    const both = [...removed, ...added]
    return both.length === 1
      ? [`    ${inert(path)}: ${both[0]}`]
      : [`    ${inert(path)}:`, ...both.map((line) => `      ${line}`)]
  })
}

/** A text of several lines, or the other side of one: only these are worth a diff. */
function isText(value: Value | undefined): value is string {
  return typeof value === 'string' && value.includes('\n')
}

function shown(value: Value): string[] {
  const text = typeof value === 'string' ? value : JSON.stringify(toJson(value))
  return inert(text).replace(/\n$/, '').split('\n')
}

function painted(line: string, paint: Paint): string {
  if (line.startsWith('@@')) return paint('cyan', line)
  return line.startsWith('-') ? paint('red', line) : line.startsWith('+') ? paint('green', line) : line
}
