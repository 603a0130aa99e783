// Dotted paths into an entry (`host.workers`, `.meta.tags`, `data.x.0`): how overrides and requirements reach a field.
// Entries are never changed: a new entry shares what stays the same.

import type { Entry } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { emptyMap, isMap, type Value, type ValueMap } from '../core/value.ts'

export interface EntryPath {
  readonly target: 'data' | 'meta'
  readonly segments: readonly string[]
}

/** A leading dot is allowed; the first segment may be `data` or `meta`, else the path is one into data. */
export function parseEntryPath(path: string): EntryPath {
  const segments = path.trim().replace(/^\./, '').split('.')
  if (segments.some((segment) => segment === '')) {
    throw new RuntimeError('Invalid', `path ${JSON.stringify(path)} has an empty segment`)
  }
  const first = segments[0]
  if (first === 'data' || first === 'meta') return { target: first, segments: segments.slice(1) }
  return { target: 'data', segments }
}

/** The entry with one field set; maps on the way are created. Throws Invalid when something else than a map is there. */
export function withField(entry: Entry, path: EntryPath, value: Value): Entry {
  return withFieldChanged(entry, path, () => value)
}

/** The entry with a value added to the end of a list, which is created when absent. */
export function withAppended(entry: Entry, path: EntryPath, value: Value): Entry {
  return withFieldChanged(entry, path, (current) => {
    if (current === undefined || current === null) return [value]
    if (Array.isArray(current)) return [...current, value]
    throw new RuntimeError('Invalid', `entry ${entry.id}: ${showEntryPath(path)} is not a list`)
  })
}

export function showEntryPath(path: EntryPath): string {
  return [path.target, ...path.segments].join('.')
}

function withFieldChanged(entry: Entry, path: EntryPath, change: (current: Value | undefined) => Value): Entry {
  const before = path.target === 'meta' ? entry.meta : entry.data
  const after = changed(before, path.segments, change, (at) => {
    const where = showEntryPath({ target: path.target, segments: path.segments.slice(0, at) })
    return new RuntimeError('Invalid', `entry ${entry.id}: ${where} is not a map, cannot set ${showEntryPath(path)}`)
  })
  if (path.target === 'data') return { ...entry, data: after }
  if (!isMap(after)) throw new RuntimeError('Invalid', `entry ${entry.id}: meta must be a map`)
  return { ...entry, meta: after }
}

function changed(
  container: Value | undefined,
  segments: readonly string[],
  change: (current: Value | undefined) => Value,
  notAMap: (at: number) => RuntimeError,
  at = 0,
): Value {
  const segment = segments[at]
  if (segment === undefined) return change(container)
  if (Array.isArray(container)) {
    const index = /^\d+$/.test(segment) ? Number(segment) : Number.NaN
    if (!(index < container.length)) throw notAMap(at)
    return container.with(index, changed(container[index], segments, change, notAMap, at + 1))
  }
  if (container !== undefined && container !== null && !isMap(container)) throw notAMap(at)
  const map: ValueMap = Object.assign(emptyMap(), container ?? {})
  map[segment] = changed(Object.hasOwn(map, segment) ? map[segment] : undefined, segments, change, notAMap, at + 1)
  return map
}
