// Overrides (`ns:entry:path=value`) and `disable`: what the project's configuration changes in entries before they are linked.

import type { Entry } from '../core/entry.ts'
import { errorText, RuntimeError } from '../core/error.ts'
import { parseId } from '../core/id.ts'
import { equalValues, isMap, type Value, type ValueMap } from '../core/value.ts'
import { parseEntryPath, withField } from './entry-path.ts'
import { matchesId, matchesName } from './pattern.ts'

export interface Override {
  /** `ns:entry` */
  readonly id: string
  /** `kind`, or a dotted path into the entry. */
  readonly path: string
  readonly value: Value
}

export interface Disable {
  readonly namespaces: readonly string[]
  readonly entries: readonly string[]
  readonly meta: Readonly<Record<string, readonly Value[]>>
}

export const disableNothing: Disable = { namespaces: [], entries: [], meta: {} }

/** The overrides of one `-o` argument: `a:b:c=1`, several separated by commas. Throws with the texts of the spec. */
export function parseOverrides(argument: string): Override[] {
  // A part without `=` belongs to the value before it: `app:x:tags=a,b` is one override.
  const parts: string[] = []
  for (const part of argument.split(',')) {
    if (parts.length > 0 && !part.includes('=')) parts.push(`${parts.pop()},${part}`)
    else parts.push(part)
  }
  return parts.map((part) => {
    const equals = part.indexOf('=')
    const invalid = (reason: string): RuntimeError =>
      new RuntimeError('Invalid', `invalid override: ${part}: ${reason}`)
    if (equals < 0) throw invalid("missing separator '=', expected format: namespace:entry:field=value")
    return { ...parseOverrideKey(part.slice(0, equals), invalid), value: commandLineValue(part.slice(equals + 1)) }
  })
}

/** The target of an override: the key of `.wippy.yaml`'s `override` section. */
export function parseOverrideKey(
  key: string,
  invalid: (reason: string) => RuntimeError,
): { readonly id: string; readonly path: string } {
  const [ns = '', name = '', ...path] = key.split(':')
  if (ns.trim() === '') throw invalid('namespace cannot be empty')
  if (name.trim() === '') throw invalid('entry name cannot be empty')
  if (path.join(':').trim() === '') throw invalid('field cannot be empty')
  return { id: `${ns.trim()}:${name.trim()}`, path: path.join(':').trim() }
}

/** `true`, `42` and `1.5` as what they look like; everything else is text. */
export function commandLineValue(text: string): Value {
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  if (/^(?:0|-?[1-9]\d*)$/.test(text)) {
    const integer = BigInt(text)
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
  }
  if (/[.eE]/.test(text) && /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) {
    const number = Number(text)
    if (Number.isFinite(number)) return number
  }
  return text
}

/**
 * Entries with overrides applied, in order. With `strict` an override of an entry that is not there is an error;
 * all errors are collected into one.
 */
export function applyOverrides(entries: readonly Entry[], overrides: readonly Override[], strict: boolean): Entry[] {
  if (overrides.length === 0) return [...entries]
  const result = [...entries]
  const positions = new Map<string, number[]>()
  for (const [index, entry] of result.entries()) {
    positions.set(entry.id, [...(positions.get(entry.id) ?? []), index])
  }
  const faults: string[] = []
  for (const override of overrides) {
    const found = positions.get(override.id)
    if (found === undefined && strict) faults.push(`no entry found for ${override.id}`)
    for (const index of found ?? []) {
      const entry = result[index]
      if (entry === undefined) continue
      try {
        result[index] = overridden(entry, override)
      } catch (error) {
        faults.push(errorText(error))
      }
    }
  }
  if (faults.length > 0) throw new RuntimeError('Invalid', `override errors: [${faults.join(', ')}]`)
  return result
}

function overridden(entry: Entry, { path, value }: Override): Entry {
  if (path !== 'kind') return withField(entry, parseEntryPath(path), value)
  if (typeof value !== 'string' || value === '') {
    throw new RuntimeError('Invalid', `entry ${entry.id}: kind must be a non-empty string`)
  }
  return { ...entry, kind: value }
}

/** Whether the project's configuration leaves an entry out. */
export function isDisabled(entry: Entry, disable: Disable): boolean {
  const { ns } = parseId(entry.id)
  return (
    disable.namespaces.some((pattern) => matchesName(pattern, ns)) ||
    disable.entries.some((pattern) => pattern.includes(':') && matchesId(pattern, entry.id)) ||
    hasMetaValue(entry.meta, disable.meta)
  )
}

/** Whether a meta field has one of the values listed for it; a list field has it when one of its items does. */
export function hasMetaValue(meta: ValueMap, fields: Readonly<Record<string, readonly Value[]>>): boolean {
  return Object.entries(fields).some(([field, values]) => {
    const value = Object.hasOwn(meta, field) ? meta[field] : undefined
    if (value === undefined) return false
    const items = Array.isArray(value) ? value : [value]
    return values.some((wanted) => items.some((item) => equalValues(item, wanted)))
  })
}

/** The `disable` section of a configuration. */
export function decodeDisable(value: Value | undefined, invalid: (reason: string) => RuntimeError): Disable {
  if (value === undefined || value === null) return disableNothing
  if (!isMap(value)) throw invalid('disable must be a map')
  const texts = (field: string): string[] => {
    const list = value[field] ?? []
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) {
      throw invalid(`disable.${field} must be a list of strings`)
    }
    return list
  }
  const meta = value['meta'] ?? {}
  if (!isMap(meta)) throw invalid('disable.meta must be a map of lists')
  return {
    namespaces: texts('namespaces'),
    entries: texts('entries'),
    meta: Object.fromEntries(Object.entries(meta).map(([field, item]) => [field, Array.isArray(item) ? item : [item]])),
  }
}
