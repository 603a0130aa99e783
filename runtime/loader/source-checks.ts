// Which Lua sources were found to be plain, sound Lua in an earlier run: a start does not compile what did not change. One JSON
// file of their texts under `.wippy/`; it may be deleted at any time.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Changes with what counts as sound. */
const FORMAT = 2

export class SourceChecks {
  readonly #file: string
  readonly #kept: Set<string>
  readonly #used = new Set<string>()
  #changed = false

  constructor(file: string) {
    this.#file = file
    this.#kept = readKept(file)
  }

  has(source: string): boolean {
    if (!this.#kept.has(source)) return false
    this.#used.add(source)
    return true
  }

  add(source: string): void {
    this.#used.add(source)
    if (this.#kept.has(source)) return
    this.#kept.add(source)
    this.#changed = true
  }

  /** Writes when something is new. A folder that cannot be written to costs only time. */
  save(): void {
    if (!this.#changed) return
    this.#changed = false
    const temporary = `${this.#file}.${process.pid}`
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      writeFileSync(temporary, JSON.stringify({ format: FORMAT, sources: [...this.#used] }))
      renameSync(temporary, this.#file)
    } catch (error) {
      // Only what the file system refuses.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
  }
}

function readKept(file: string): Set<string> {
  try {
    const { format, sources } = JSON.parse(readFileSync(file, 'utf8')) as { format?: unknown; sources?: unknown }
    if (format !== FORMAT || !Array.isArray(sources)) return new Set()
    return new Set(sources.filter((source): source is string => typeof source === 'string'))
  } catch {
    // Absent or torn: everything is checked again.
    return new Set()
  }
}
