// One definition file: its text to a tree with the places that matter, and the tree to entries. Knows both file shapes.

import { RuntimeError } from '../core/error.ts'
import { emptyMap, isMap, type Value, type ValueMap } from '../core/value.ts'
import { type Mark, readYaml, YamlError } from '../external/yaml.ts'

/** A string that stands for the content of a file. */
export interface FileReference {
  /** Keys and indexes from the top of the file to the string. */
  readonly path: readonly (string | number)[]
  readonly text: string
  readonly mark: Mark
}

/** A definition file as parsed: plain data, so that it can be kept between runs. */
export interface Definition {
  readonly tree: Value
  readonly references: readonly FileReference[]
  /** Where each item of `entries` stands. */
  readonly marks: readonly Mark[]
  /** Where the file itself starts, for the single form. */
  readonly start: Mark
  readonly more: boolean
}

/** An entry as its file states it. */
export interface DefinedEntry {
  readonly ns: string
  readonly name: string
  readonly kind: string
  readonly meta: ValueMap
  readonly data: Value
  readonly mark: Mark
}

/** A problem with a definition file that has a place in it. */
export class DefinitionError extends RuntimeError {
  readonly mark: Mark | undefined

  constructor(message: string, mark: Mark | undefined) {
    super('Invalid', message)
    this.mark = mark
  }
}

const START: Mark = { line: 1, column: 1 }

/** Parses the text of a definition file. Throws YamlError, or DefinitionError for JSON that is not JSON. */
export function parseDefinition(text: string, file: string): Definition {
  if (file.endsWith('.json')) checkJson(text)
  const document = readYaml(text)
  const { value } = document
  const references: FileReference[] = []
  collectReferences(value, [], (path, found, container, field) => {
    references.push({ path, text: found, mark: document.markOf(container, field) ?? START })
  })
  const items = isMap(value) && Array.isArray(value['entries']) ? value['entries'] : []
  return {
    tree: value,
    references,
    marks: items.map((item, index) => document.markOf(item) ?? document.markOf(items, index) ?? START),
    start: document.markOf(value) ?? START,
    more: document.more,
  }
}

/** The namespace a file declares; undefined when it is no definition file at all. */
export function namespaceOf(tree: Value): string | undefined {
  const ns = isMap(tree) ? tree['namespace'] : undefined
  if (ns === undefined || ns === null || (typeof ns === 'string' && ns.trim() === '')) return undefined
  if (typeof ns !== 'string') throw new DefinitionError(`namespace ${String(ns)} must be a string`, START)
  return ns
}

/** The entries of a file that declares a namespace. Throws DefinitionError with the place of the fault. */
export function definedEntries(definition: Definition, tree: Value, ns: string): DefinedEntry[] {
  const file = isMap(tree) ? tree : emptyMap()
  const items = file['entries'] ?? []
  if (!Array.isArray(items)) throw new DefinitionError('entries must be a list', definition.start)
  const shared = isMap(file['meta']) ? file['meta'] : emptyMap()
  if (items.length > 0) {
    return items.map((item, index) => batchEntry(item, index, ns, shared, definition.marks[index] ?? definition.start))
  }
  if ('name' in file || 'kind' in file) return [singleEntry(file, ns, shared, definition.start)]
  if ('entries' in file) return []
  const message = 'entries: either entries array or single entry (name/kind) must be provided'
  throw new DefinitionError(message, definition.start)
}

const NOT_DATA_IN_BATCH = new Set(['name', 'kind', 'meta', 'data'])
const NOT_DATA_IN_SINGLE = new Set(['namespace', 'name', 'kind', 'meta', 'version', 'requirements', 'entries'])

function batchEntry(item: Value, index: number, ns: string, shared: ValueMap, mark: Mark): DefinedEntry {
  const where = `entry[${index}]`
  if (!isMap(item)) throw new DefinitionError(`${where} must be a map`, mark)
  const own = isMap(item['meta']) ? item['meta'] : emptyMap()
  return {
    ns,
    name: requiredText(item, 'name', `${where}.name: `, mark),
    kind: requiredText(item, 'kind', `${where}.kind: `, mark),
    meta: Object.assign(emptyMap(), shared, own),
    data: Object.hasOwn(item, 'data') ? (item['data'] ?? null) : without(item, NOT_DATA_IN_BATCH),
    mark,
  }
}

function singleEntry(file: ValueMap, ns: string, meta: ValueMap, mark: Mark): DefinedEntry {
  return {
    ns,
    name: requiredText(file, 'name', '', mark),
    kind: requiredText(file, 'kind', '', mark),
    meta,
    data: without(file, NOT_DATA_IN_SINGLE),
    mark,
  }
}

function requiredText(map: ValueMap, field: string, prefix: string, mark: Mark): string {
  const value = map[field]
  if (typeof value === 'string' && value !== '') return value
  throw new DefinitionError(`${prefix}${field} is required and must be a non-empty string`, mark)
}

function without(map: ValueMap, keys: ReadonlySet<string>): ValueMap {
  const rest = emptyMap()
  for (const key of Object.keys(map)) {
    if (!keys.has(key)) rest[key] = map[key] ?? null
  }
  return rest
}

function collectReferences(
  value: Value,
  path: readonly (string | number)[],
  found: (path: readonly (string | number)[], text: string, container: Value, field: string | number) => void,
): void {
  const visit = (item: Value, field: string | number): void => {
    if (typeof item === 'string') {
      if (item.startsWith('file://')) found([...path, field], item, value, field)
    } else if (typeof item === 'object' && item !== null) {
      collectReferences(item, [...path, field], found)
    }
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(item, index)
  } else if (isMap(value)) {
    for (const key of Object.keys(value)) visit(value[key] ?? null, key)
  }
}

/** YAML accepts more than JSON does: what Go's JSON reader refuses, we refuse. */
function checkJson(text: string): void {
  try {
    JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // V8 says where only in its message.
    const at = /at position (\d+)/.exec(error.message)
    const before = text.slice(0, at === null ? 0 : Number(at[1])).split('\n')
    const mark = at === null ? undefined : { line: before.length, column: (before.at(-1) ?? '').length + 1 }
    const reason = error.message.replace(/ in JSON at position.*$/s, '').replace(/ \(line \d+ column \d+\)$/, '')
    throw new DefinitionError(`json: ${reason}`, mark)
  }
}

/** The place a failure names, if it names one. */
export function markOf(error: unknown): Mark | undefined {
  return error instanceof YamlError || error instanceof DefinitionError ? error.mark : undefined
}
