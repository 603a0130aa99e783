// What is already known of files: content by stamp, parsed definitions, and the last good reading of each definition file.
// One cache serves all loads of a project, so that a reload costs little more than looking at the files.

import { isUtf8 } from 'node:buffer'
import { type BigIntStats, readFileSync, statSync } from 'node:fs'
import { sep } from 'node:path'
import { RuntimeError } from '../core/error.ts'
import { type DefinedEntry, type Definition, parseDefinition } from './definition.ts'
import type { DefinitionStore } from './definition-store.ts'
import type { Manifest } from './manifest.ts'
import type { ReadYaml } from './read-yaml.ts'

/** Definitions are small; a file beyond this is taken for a mistake. */
const MAX_FILE_BYTES = 64 * 1024 * 1024

/** A change within this time of another may leave the stamp as it was: such a file is read again. */
const STAMP_GRAIN_MS = 100

interface CachedContent {
  readonly stamp: string
  /** False while another change could hide behind the same stamp. */
  readonly settled: boolean
  readonly content: string | Uint8Array
}

/** The entries of a definition file read without fault, each with the files it takes content from. */
export interface GoodReading {
  readonly entries: readonly ReadEntry[]
}

export interface ReadEntry extends DefinedEntry {
  /** The definition file, then the files whose content is in the entry. */
  readonly files: readonly string[]
  /** The file that the field `source` is the content of. */
  readonly sourceFile: string | undefined
}

export class SourceCache {
  readonly #contents = new Map<string, CachedContent>()
  readonly #parsed = new Map<string, { content: string; definition: Definition }>()
  readonly #good = new Map<string, GoodReading>()
  readonly #touched = new Set<string>()
  readonly #store: DefinitionStore | undefined

  /** With a store, definitions parsed in an earlier run are not parsed again. */
  constructor(store?: DefinitionStore) {
    this.#store = store
  }

  /** The content of a file: text, or bytes when it is not UTF-8. */
  content(file: string): string | Uint8Array {
    this.#touched.add(file)
    const stats = statSync(file, { bigint: true })
    const stamp = `${stats.mtimeNs}:${stats.ctimeNs}:${stats.size}:${stats.ino}`
    const known = this.#contents.get(file)
    if (known?.settled && known.stamp === stamp) return known.content
    if (stats.size > MAX_FILE_BYTES) {
      throw new RuntimeError('LimitExceeded', `${file}: larger than ${MAX_FILE_BYTES} bytes`)
    }
    const bytes = readFileSync(file)
    const content = isUtf8(bytes) ? bytes.toString('utf8') : new Uint8Array(bytes)
    // The same text keeps its identity: comparing entries is then comparing pointers.
    const same = known !== undefined && equalContent(known.content, content) ? known.content : content
    this.#contents.set(file, { stamp, settled: isSettled(stats), content: same })
    return same
  }

  /** The value of a YAML file of any purpose: manifest, lock, configuration. */
  readonly yaml: ReadYaml = (file) => this.definition(file).tree

  /** The parsed form of a definition file. Throws as `parseDefinition` does. */
  definition(file: string): Definition {
    const content = this.content(file)
    if (typeof content !== 'string') throw new RuntimeError('Invalid', 'not UTF-8 text')
    const known = this.#parsed.get(file)
    if (known?.content === content) return known.definition
    const definition = this.#store?.get(content, file) ?? parseDefinition(content, file)
    this.#parsed.set(file, { content, definition })
    this.#store?.put(content, file, definition)
    return definition
  }

  /** Manifests by folder as they last had no fault: a module keeps its name while its manifest is being edited. */
  readonly manifests = new Map<string, Manifest>()

  /** Definition files below a folder that once had no fault. */
  goodBelow(folder: string): string[] {
    return [...this.#good.keys()].filter((file) => file.startsWith(folder + sep))
  }

  /** The last reading of a definition file that had no fault. */
  lastGood(file: string): GoodReading | undefined {
    return this.#good.get(file)
  }

  keepGood(file: string, reading: GoodReading): void {
    this.#good.set(file, reading)
  }

  /** Forgets what no load since the last call has looked at, and the readings of files that are not there any more. */
  retain(definitions: ReadonlySet<string>): void {
    for (const file of this.#good.keys()) {
      if (!definitions.has(file)) this.#good.delete(file)
    }
    for (const file of this.#contents.keys()) {
      if (this.#touched.has(file)) continue
      this.#contents.delete(file)
      this.#parsed.delete(file)
    }
    this.#touched.clear()
  }

  /** Hands what was parsed anew to the next run. */
  save(): void {
    this.#store?.save()
  }
}

function isSettled(stats: BigIntStats): boolean {
  return Date.now() - Math.max(Number(stats.ctimeMs), Number(stats.mtimeMs)) > STAMP_GRAIN_MS
}

function equalContent(a: string | Uint8Array, b: string | Uint8Array): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  return Buffer.compare(a, b) === 0
}
