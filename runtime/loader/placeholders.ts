// `${env:NAME|default}` in an entry's data, resolved when its kind decodes it; the registry keeps the raw text (spec/registry.md §3).
// NAME is a variable of the app's env entries, never one of the operating system.

import type { Entry } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { emptyMap, isMap, type Value } from '../core/value.ts'
import { mayHavePlaceholder, replacePlaceholders, splitDefault, textLike, typedText } from './placeholder-text.ts'

/** The value of an env variable, its own default included; undefined when it has neither. */
export type VariableLookup = (name: string) => string | undefined

/** Code is not configuration: a `${…}` in these fields is the program's own. */
const SOURCE_KINDS = /^(?:function|process|library|workflow|template)\./

/** The entry with its placeholders replaced, or the same entry when it has none. Throws Invalid for an unset variable. */
export function resolvePlaceholders(entry: Entry, lookup: VariableLookup): Entry {
  const resolve = (body: string, whole: boolean): Value | undefined => variableValue(body, whole, entry, lookup)
  const data = mapTexts(entry.data, skipped(entry), (text) => replacePlaceholders(text, resolve))
  return data === entry.data ? entry : { ...entry, data }
}

/** Names of the variables an entry's placeholders name: it must come after their entries. */
export function placeholderVariables(entry: Entry): string[] {
  const names = new Set<string>()
  mapTexts(entry.data, skipped(entry), (text) =>
    replacePlaceholders(text, (body) => {
      const name = parseBody(body)?.name
      if (name !== undefined) names.add(name)
      return undefined
    }),
  )
  return [...names]
}

function skipped(entry: Entry): string | undefined {
  return SOURCE_KINDS.test(entry.kind) ? 'source' : undefined
}

/** `env:NAME`, `env:NAME|def`, or the shorthand `NAME|def`; anything else is no placeholder of ours. */
function parseBody(body: string): { readonly name: string; readonly fallback: string | undefined } | undefined {
  if (body.startsWith('env:')) {
    const { name, fallback } = splitDefault(body.slice('env:'.length))
    return name === '' ? undefined : { name, fallback }
  }
  const { name, fallback } = splitDefault(body)
  return fallback !== undefined && /^[A-Z0-9_]+$/.test(name) ? { name, fallback } : undefined
}

function variableValue(body: string, whole: boolean, entry: Entry, lookup: VariableLookup): Value | undefined {
  const placeholder = parseBody(body)
  if (placeholder === undefined) return undefined
  const { name, fallback } = placeholder
  const value = lookup(name)
  if (value === undefined) {
    if (fallback !== undefined) return whole ? typedText(fallback) : fallback
    throw new RuntimeError(
      'Invalid',
      `entry ${entry.id}: environment variable ${JSON.stringify(name)} is not set and \${${body}} has no default`,
    )
  }
  // The default says what type the field has.
  return whole && fallback !== undefined ? textLike(value, typedText(fallback)) : value
}

/** A value with its texts replaced; whatever does not change is shared with the original. */
function mapTexts(value: Value, skip: string | undefined, replace: (text: string) => Value): Value {
  if (typeof value === 'string') return mayHavePlaceholder(value) ? replace(value) : value
  if (Array.isArray(value)) {
    const items = value.map((item) => mapTexts(item, undefined, replace))
    return items.every((item, index) => item === value[index]) ? value : items
  }
  if (!isMap(value)) return value
  const map = emptyMap()
  let same = true
  for (const key of Object.keys(value)) {
    const before = value[key] ?? null
    const after = key === skip ? before : mapTexts(before, undefined, replace)
    same &&= after === before
    map[key] = after
  }
  return same ? value : map
}
