// The only importer of chokidar: watches the folders and files of a project and says when a reload is wanted.

import { existsSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import type { FSWatcher } from 'chokidar'
import type { Clock } from '../core/clock.ts'
import { ChangeGate } from './change-gate.ts'

export interface WatcherOptions {
  readonly clock: Clock
  /** Folders never looked into: where the runtime itself writes. */
  readonly ignored?: readonly string[]
  /** A reload is wanted; the paths are what changed, for a reader. */
  readonly changed: (paths: readonly string[]) => void
  /** Watching does not work (any more), say because the system allows no more watches. */
  readonly failed?: (error: unknown) => void
  /** Waits this long before it starts, so that a boot has the machine for itself. Nothing is missed: it looks again then. */
  readonly startAfterMs?: number
  readonly quietMs?: number
  readonly removalMs?: number
}

/** What hot reload needs of a watcher. */
export interface PathWatcher {
  /** Watches these folders and files, which need not exist yet, and no others. */
  watch(paths: readonly string[]): Promise<void>
  close(): Promise<void>
}

const NEVER = new Set(['node_modules', '.git'])

/** A watch that was just asked for may miss what happens before the system has it: look again after this time. */
const SETTLE_MS = 200

export class Watcher implements PathWatcher {
  readonly #options: WatcherOptions
  readonly #gate: ChangeGate
  readonly #paths = new Set<string>()
  #watcher: FSWatcher | undefined
  #starting: Promise<void> | undefined
  #closed = false
  /** Ends every wait of a start that is under way. */
  #wake: () => void = () => {}
  readonly #whenClosed: Promise<void>

  constructor(options: WatcherOptions) {
    this.#options = options
    this.#whenClosed = new Promise((resolve) => {
      this.#wake = resolve
    })
    const { clock, quietMs, removalMs } = options
    this.#gate = new ChangeGate({
      clock,
      ...(quietMs === undefined ? {} : { quietMs }),
      ...(removalMs === undefined ? {} : { removalMs }),
      open: (paths) => options.changed(paths),
    })
  }

  /** Resolves when changes from now on are seen. */
  async watch(paths: readonly string[]): Promise<void> {
    const wanted = new Set(paths)
    const added = [...wanted].filter((path) => !this.#paths.has(path))
    const dropped = [...this.#paths].filter((path) => !wanted.has(path))
    for (const path of added) this.#paths.add(path)
    for (const path of dropped) this.#paths.delete(path)
    if (this.#starting === undefined) {
      this.#starting = this.#start()
      return this.#starting
    }
    await this.#starting
    if (this.#watcher === undefined) return
    if (added.length > 0) {
      this.#watcher.add(added)
      this.#lookAgain(added[0] ?? '')
    }
    if (dropped.length > 0) this.#watcher.unwatch(dropped)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#gate.close()
    this.#wake()
    await this.#watcher?.close()
    // Events that were on their way.
    this.#gate.close()
  }

  async #start(): Promise<void> {
    const { clock, startAfterMs = 0 } = this.#options
    if (startAfterMs > 0) await this.#unlessClosed((resolve) => clock.after(startAfterMs, resolve))
    if (this.#closed) return
    // Not needed before the first prompt is shown: loaded when watching starts.
    const { watch } = await import('chokidar')
    if (this.#closed) return
    const watcher = watch([...this.#paths], {
      ignoreInitial: true,
      persistent: false,
      ignorePermissionErrors: true,
      ignored: (path) => this.#isIgnored(path),
    })
    this.#watcher = watcher
    watcher.on('add', (path) => this.#gate.event('changed', path))
    watcher.on('change', (path) => this.#gate.event('changed', path))
    watcher.on('unlink', (path) => this.#gate.event('removed', path))
    watcher.on('addDir', (path) => this.#lookAgain(path))
    // The library loses events of files that are replaced twice in short order; what the system said it still passes on.
    watcher.on('raw', (_event, name, details) => this.#raw(name, details))
    // One folder too many is reported for every further one: the first says it all.
    watcher.once('error', (error) => this.#options.failed?.(error))
    watcher.on('error', () => {})
    await this.#unlessClosed((resolve) => {
      watcher.once('ready', resolve)
      watcher.once('error', () => resolve())
    })
    // Also catches what changed between the load and now.
    this.#lookAgain([...this.#paths][0] ?? '')
  }

  #unlessClosed(wait: (resolve: () => void) => void): Promise<void> {
    return Promise.race([new Promise<void>(wait), this.#whenClosed])
  }

  #raw(name: unknown, details: unknown): void {
    const watched = (details as { watchedPath?: unknown } | undefined)?.watchedPath
    if (typeof name !== 'string' || typeof watched !== 'string') return
    const path = basename(watched) === name ? watched : join(watched, name)
    if (!this.#isWatched(path) || this.#isIgnored(path)) return
    this.#gate.event(existsSync(path) ? 'changed' : 'removed', path)
  }

  #lookAgain(path: string): void {
    this.#options.clock.after(SETTLE_MS, () => {
      if (!this.#closed) this.#gate.event('changed', path)
    })
  }

  /** The parents of paths that are not there yet are watched too, but nobody asked about what else is in them. */
  #isWatched(path: string): boolean {
    return [...this.#paths].some((watched) => isAtOrBelow(path, watched))
  }

  #isIgnored(path: string): boolean {
    if (NEVER.has(basename(path)) && !this.#paths.has(path)) return true
    return (this.#options.ignored ?? []).some((folder) => isAtOrBelow(path, folder) && !this.#isOnWay(path, folder))
  }

  /** Whether a path inside an ignored folder belongs to something watched there, say a vendored module. */
  #isOnWay(path: string, folder: string): boolean {
    return [...this.#paths].some(
      (watched) => isAtOrBelow(watched, folder) && (isAtOrBelow(watched, path) || isAtOrBelow(path, watched)),
    )
  }
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep)
}
