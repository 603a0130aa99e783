// Which entries a command means: globs over kind, namespace and name, and tests of fields.

import type { Entry } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import { parseId } from '../../core/id.ts'
import { isMap, type Value } from '../../core/value.ts'

export interface Selection {
  readonly kind?: string | undefined
  readonly ns?: string | undefined
  readonly name?: string | undefined
  /** `type=tool`, `title~^My`, `tags*fast`, `path^/api`, `file$.lua`, on fields of meta. */
  readonly meta?: readonly string[] | undefined
  /** The same on any field: `kind=function.lua`, `meta.type=tool`, `data.pool.size=4`. */
  readonly fields?: readonly string[] | undefined
}

/** A test of entries. Throws Invalid for a condition that is none. */
export function selector({ kind, ns, name, meta = [], fields = [] }: Selection): (entry: Entry) => boolean {
  const tests: ((entry: Entry) => boolean)[] = []
  if (kind !== undefined)
    tests.push(
      (
        (matches) => (entry: Entry) =>
          matches(entry.kind)
      )(glob(kind)),
    )
  if (ns !== undefined)
    tests.push(
      (
        (matches) => (entry: Entry) =>
          matches(parseId(entry.id).ns)
      )(glob(ns)),
    )
  if (name !== undefined)
    tests.push(
      (
        (matches) => (entry: Entry) =>
          matches(parseId(entry.id).name)
      )(glob(name)),
    )
  for (const condition of meta) tests.push(fieldTest(condition, (entry, path) => within(entry.meta, path)))
  for (const condition of fields) tests.push(fieldTest(condition, fieldOf))
  return (entry) => tests.every((test) => test(entry))
}

/** `*` any text, `?` one character; everything else stands for itself. */
function glob(pattern: string): (text: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  const expression = new RegExp(`^${source}$`, 's')
  return (text) => expression.test(text)
}

function fieldTest(
  condition: string,
  read: (entry: Entry, path: readonly string[]) => Value | undefined,
): (entry: Entry) => boolean {
  const parts = /^([^=~*^$]+)([=~*^$])(.*)$/s.exec(condition)
  if (parts === null) {
    const expected = 'expected field=value, field~regex, field*part, field^start or field$end'
    throw new RuntimeError('Invalid', `invalid filter ${JSON.stringify(condition)}: ${expected}`)
  }
  const [, field = '', operator = '=', wanted = ''] = parts
  const matches = textTest(operator, wanted, condition)
  return (entry) => {
    const value = read(entry, field.trim().split('.'))
    if (value === undefined || value === null) return false
    // A list fits when one of its items does.
    return (Array.isArray(value) ? value : [value]).some((item) =>
      matches(typeof item === 'string' ? item : JSON.stringify(item)),
    )
  }
}

function textTest(operator: string, wanted: string, condition: string): (text: string) => boolean {
  if (operator === '*') return (text) => text.includes(wanted)
  if (operator === '^') return (text) => text.startsWith(wanted)
  if (operator === '$') return (text) => text.endsWith(wanted)
  if (operator === '=') return (text) => text === wanted
  try {
    const expression = new RegExp(wanted)
    return (text) => expression.test(text)
  } catch {
    // The person at the keyboard wrote it, and waits only for themselves.
    throw new RuntimeError(
      'Invalid',
      `invalid filter ${JSON.stringify(condition)}: ${wanted} is not a regular expression`,
    )
  }
}

/** `id`, `kind`, `ns`, `name`, `meta.x`, `data.x`; a bare name is looked for in data, then in meta. */
export function fieldOf(entry: Entry, path: readonly string[]): Value | undefined {
  const [first = '', ...rest] = path
  const { ns, name } = parseId(entry.id)
  const own: Readonly<Record<string, Value>> = { id: entry.id, kind: entry.kind, ns, name }
  if (rest.length === 0 && Object.hasOwn(own, first)) return own[first]
  if (first === 'meta') return within(entry.meta, rest)
  if (first === 'data') return within(entry.data, rest)
  return within(entry.data, path) ?? within(entry.meta, path)
}

function within(value: Value, path: readonly string[]): Value | undefined {
  let found: Value | undefined = value
  for (const step of path) {
    if (Array.isArray(found)) found = found[Number(step)]
    else found = isMap(found) && Object.hasOwn(found, step) ? found[step] : undefined
  }
  return found
}
