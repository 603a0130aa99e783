// What the versions of the history mean in this run: which of them count on top of the sources as they were loaded, and what
// the entries were at each of them.

import type { Entry } from '../core/entry.ts'
import { advance, type Operation, type State } from './changeset.ts'
import { contentHash } from './hash.ts'
import type { History, Version } from './history.ts'
import type { Problem } from './problem.ts'

export class Timeline {
  readonly baseline: Version
  readonly #history: History
  #state: State = new Map()
  /** What the sources said at boot. */
  #sources: ReadonlyMap<string, Entry> = new Map()
  /** Versions up to this one were made before this boot. */
  #bootVersion = 0
  readonly #setAside = new Set<number>()

  constructor(history: History, createdAt: number) {
    this.#history = history
    this.baseline = { id: 0, parent: undefined, origin: 'disk', createdAt }
  }

  /** Fixes the baseline: the state that was booted, of these sources. */
  begin(state: State, sources: ReadonlyMap<string, Entry>): void {
    this.#state = state
    this.#sources = sources
    this.#bootVersion = this.#history.versions().at(-1)?.id ?? 0
  }

  /** All versions, the baseline first. */
  versions(): Version[] {
    return [this.baseline, ...this.#history.versions()]
  }

  get(id: number): Version | undefined {
    return id === 0 ? this.baseline : this.#history.get(id)
  }

  /** Numbers grow for ever: one that was gone back from is not used again. */
  next(made: Omit<Version, 'id'>): Version {
    return { id: (this.#history.versions().at(-1)?.id ?? 0) + 1, ...made }
  }

  /** True for a version that is not in the history yet. */
  isNew({ id }: Version): boolean {
    return id > 0 && this.#history.get(id) === undefined
  }

  /** The versions from the baseline, which is not among them, to this one. */
  pathTo(id: number): Version[] {
    const path: Version[] = []
    for (let at = this.#history.get(id); at !== undefined; at = this.#history.get(at.parent ?? 0)) path.push(at)
    return path.reverse()
  }

  stateAt(version: Version): State {
    return this.pathTo(version.id).reduce((state, step) => advance(state, this.effective(step)), this.#state)
  }

  /**
   * What a version does on top of the sources as loaded: all it did, if it was made since the boot. An older one counts
   * where it was made at run time, for the ids whose file has not changed since.
   */
  effective(version: Version): readonly Operation[] {
    const operations = this.#history.operations(version.id)
    if (version.id > this.#bootVersion) return operations
    if (version.origin !== 'runtime' || this.#setAside.has(version.id)) return []
    return operations.filter((operation) => !this.#overtaken(operation))
  }

  /** Leaves out an old version that does not apply to these sources; it stays in the history. */
  setAside({ id }: Version): void {
    this.#setAside.add(id)
  }

  /** The entries of an old run-time version that lost to their files. */
  collisions(version: Version): Problem[] {
    if (version.origin !== 'runtime') return []
    return this.#history
      .operations(version.id)
      .filter((operation) => this.#overtaken(operation))
      .map(({ id }) => ({
        level: 'warn',
        entry: id,
        message: `the file of ${id} changed after version ${version.id}, which changed it at run time: the file counts`,
      }))
  }

  #overtaken({ id, disk }: Operation): boolean {
    const source = this.#sources.get(id)
    return (source === undefined ? undefined : contentHash(source)) !== disk
  }
}
