// Parsed definition files kept between runs, by their text: a start does not parse what did not change. One JSON file under
// `.wippy/`, written whole; it may be deleted at any time. A hash of the text would be shorter, but takes `node:crypto`, which
// loads longer than the texts.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { emptyMap, isMap, type Value } from '../core/value.ts'
import type { Definition } from './definition.ts'

/** Changes with the shape of `Definition` and with the rules that YAML is read by. */
const FORMAT = 2

interface StoreFile {
  readonly format?: unknown
  readonly definitions?: Record<string, Definition>
}

export class DefinitionStore {
  readonly #file: string
  readonly #kept: Map<string, Definition>
  readonly #used = new Set<string>()
  #changed = false

  constructor(file: string) {
    this.#file = file
    this.#kept = readKept(file)
  }

  get(text: string, file: string): Definition | undefined {
    const key = keyOf(text, file)
    this.#used.add(key)
    return this.#kept.get(key)
  }

  put(text: string, file: string, definition: Definition): void {
    const key = keyOf(text, file)
    this.#used.add(key)
    if (this.#kept.has(key) || !isPlain(definition.tree)) return
    this.#kept.set(key, definition)
    this.#changed = true
  }

  /** Writes when something is new, without what no file has any more. A folder that cannot be written to costs only time. */
  save(): void {
    if (!this.#changed) return
    this.#changed = false
    const definitions = Object.fromEntries([...this.#kept].filter(([key]) => this.#used.has(key)))
    const temporary = `${this.#file}.${process.pid}`
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      writeFileSync(temporary, JSON.stringify({ format: FORMAT, definitions } satisfies StoreFile))
      renameSync(temporary, this.#file)
    } catch (error) {
      // Only what the file system refuses.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
  }
}

function keyOf(text: string, file: string): string {
  return `${file.endsWith('.json') ? 'json' : 'yaml'}\n${text}`
}

function readKept(file: string): Map<string, Definition> {
  try {
    const { format, definitions } = JSON.parse(readFileSync(file, 'utf8')) as StoreFile
    if (format !== FORMAT || definitions === undefined) return new Map()
    return new Map(
      Object.entries(definitions).map(([key, kept]) => [key, { ...kept, tree: withoutPrototypes(kept.tree) }]),
    )
  } catch {
    // Absent, or not what we wrote: it is made anew.
    return new Map()
  }
}

function withoutPrototypes(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutPrototypes)
  if (!isMap(value)) return value
  const map = emptyMap()
  for (const key of Object.keys(value)) map[key] = withoutPrototypes(value[key] ?? null)
  return map
}

/** Whether JSON gives a value back as it was. */
function isPlain(value: Value): boolean {
  if (Array.isArray(value)) return value.every(isPlain)
  if (isMap(value)) return Object.values(value).every((item) => isPlain(item ?? null))
  return typeof value === 'number'
    ? Number.isFinite(value)
    : (typeof value !== 'bigint' && typeof value !== 'object') || value === null
}
