// Linking: gives each `ns.requirement` the value that the dependencies on its module state, and writes it where it is wanted.
// (spec/cli.md §8). A requirement that stays without a value is reported and its targets keep what they say.

import type { Entry } from '../core/entry.ts'
import { errorText, RuntimeError } from '../core/error.ts'
import { parseId, resolveId } from '../core/id.ts'
import { isMap, type Value, type ValueMap } from '../core/value.ts'
import { parseEntryPath, withAppended, withField } from './entry-path.ts'

/** `{name, value}` of an `ns.dependency`, with where it stands. */
interface Parameter {
  readonly dependency: string
  /** `org/module` the dependency names. */
  readonly component: string
  readonly name: string
  readonly value: string
}

export interface Unresolved {
  /** Id of the requirement. */
  readonly requirement: string
  readonly message: string
  readonly hint?: string
}

export interface Linked {
  readonly entries: Entry[]
  readonly unresolved: readonly Unresolved[]
}

/** `org/module` as the namespace of its entries: `org.module`. */
export function namespaceOfModule(module: string): string {
  return module.replaceAll('/', '.')
}

/** The entries with all requirements applied. Never throws. */
export function link(entries: readonly Entry[]): Linked {
  const parameters = entries.filter(({ kind }) => kind === 'ns.dependency').flatMap(parametersOf)
  const result = [...entries]
  const positions = new Map<string, number>()
  // Of several definitions of an id the last one counts.
  for (const [index, entry] of result.entries()) positions.set(entry.id, index)
  const unresolved: Unresolved[] = []
  for (const requirement of entries) {
    if (
      requirement.kind !== 'ns.requirement' ||
      result[positions.get(requirement.id) ?? -1]?.kind !== requirement.kind
    ) {
      continue
    }
    const report = (message: string, hint?: string): void => {
      unresolved.push({ requirement: requirement.id, message, ...(hint === undefined ? {} : { hint }) })
    }
    const value = valueOfRequirement(requirement, parameters, report)
    if (value === undefined) continue
    for (const target of targetsOf(requirement, report)) apply(target, value, requirement, result, positions, report)
  }
  return { entries: result, unresolved }
}

function parametersOf(entry: Entry): Parameter[] {
  const data = isMap(entry.data) ? entry.data : {}
  const component = data['component']
  const parameters = data['parameters']
  if (typeof component !== 'string' || !Array.isArray(parameters)) return []
  return parameters.filter(isMap).flatMap((parameter) => {
    const { name, value } = parameter as ValueMap & { name?: Value; value?: Value }
    if (typeof name !== 'string' || value === undefined) return []
    return [{ dependency: entry.id, component, name, value: scalarText(value) }]
  })
}

/** Parameters are text: a YAML scalar counts as it would be written. */
function scalarText(value: Value): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

type Report = (message: string, hint?: string) => void

function valueOfRequirement(requirement: Entry, parameters: readonly Parameter[], report: Report): string | undefined {
  const given = parameters.filter((parameter) => concerns(parameter, requirement))
  const first = given[0]
  if (first !== undefined) {
    if (given.every(({ value }) => value === first.value)) return first.value
    const values = given.map(({ dependency, value }) => `${dependency}=${JSON.stringify(value)}`).join(', ')
    report(`parameter conflict: multiple dependencies define different values: ${values}`)
    return undefined
  }
  const fallback = isMap(requirement.data) ? requirement.data['default'] : undefined
  if (fallback !== undefined && fallback !== null) return scalarText(fallback)
  const { ns, name } = parseId(requirement.id)
  const module = requirement.meta['module']
  const component = typeof module === 'string' ? module : ns.replace('.', '/')
  report(
    'no parameter gives it a value and it has no default',
    `add {name: ${name}, value: ...} to the parameters of the ns.dependency on ${component}`,
  )
  return undefined
}

/** Whether a parameter names a requirement: by bare name within its module, or by id. */
function concerns(parameter: Parameter, requirement: Entry): boolean {
  const { ns, name } = parseId(requirement.id)
  const moduleNs = namespaceOfModule(parameter.component)
  const inModule = (wanted: string): boolean =>
    name === wanted && (ns === moduleNs || requirement.meta['module'] === parameter.component)
  if (!parameter.name.includes(':')) return inModule(parameter.name)
  if (parameter.name === requirement.id) return true
  const named = parseId(parameter.name)
  return named.ns === moduleNs && inModule(named.name)
}

interface Target {
  readonly entry: string
  readonly path: string
}

function targetsOf(requirement: Entry, report: Report): Target[] {
  const targets = isMap(requirement.data) ? requirement.data['targets'] : undefined
  if (!Array.isArray(targets) || targets.length === 0) {
    report(`invalid requirement ${requirement.id}: no targets defined in requirement definition`)
    return []
  }
  return targets.flatMap((target) => {
    const entry = isMap(target) ? target['entry'] : undefined
    const path = isMap(target) ? target['path'] : undefined
    if (typeof entry === 'string' && entry !== '' && typeof path === 'string' && path !== '') return [{ entry, path }]
    report('a target needs an entry and a path')
    return []
  })
}

function apply(
  target: Target,
  value: string,
  requirement: Entry,
  entries: Entry[],
  positions: ReadonlyMap<string, number>,
  report: Report,
): void {
  const id = resolveId(target.entry, parseId(requirement.id).ns)
  const index = positions.get(id)
  const entry = index === undefined ? undefined : entries[index]
  if (index === undefined || entry === undefined) {
    report(`target ${id}: no matching entries found`)
    return
  }
  const append = /^(.*?)\s*\+=\s*$/.exec(target.path)?.[1]
  try {
    entries[index] =
      append === undefined
        ? withField(entry, parseEntryPath(target.path), value)
        : withAppended(entry, parseEntryPath(append), value)
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    report(`target ${id}: ${errorText(error)}`)
  }
}
