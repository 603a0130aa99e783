// Files change, the running system follows: watcher ─▶ load ─▶ difference ─▶ registry. What is broken keeps its last good
// entry and is told once; what an agent registered at run time is never touched (design/DECISIONS.md, Disk).

import type { Origin } from './core/entry.ts'
import { errorText } from './core/error.ts'
import { type Diagnostic, formatDiagnostic } from './loader/diagnostic.ts'
import { diffStates, isEmpty, type LoadedState, type StateChanges, settle } from './loader/diff.ts'
import { type EntryProblem, locateProblem } from './loader/entry-problem.ts'
import type { Loaded } from './loader/load.ts'
import type { PathWatcher } from './loader/watcher.ts'

/** What applying came to; `Registry.reload` resolves with this and more. */
export interface Applied {
  /** Ids whose change has landed. */
  readonly changed: readonly string[]
  readonly problems: readonly EntryProblem[]
}

export interface ReloadLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
}

export interface HotReloadOptions {
  /** What the registry was booted with. */
  readonly loaded: Loaded
  /** What the registry said at boot: entries it has left out are tried again at every reload. */
  readonly problems?: readonly EntryProblem[]
  /** Reads the project again, with the cache of the first load. */
  readonly load: () => Promise<Loaded>
  /** Applies what it can and says what it could not: `registry.reload`. */
  readonly apply: (changes: StateChanges, origins: ReadonlyMap<string, Origin>) => Promise<Applied>
  /** Why an entry must stay as it is while the system runs, say the host of the terminal command. */
  readonly keep?: (id: string, change: 'update' | 'delete') => string | undefined
  /** One line for a person. A problem that was told is not told again until it has gone. */
  readonly report: (line: ReloadLine) => void
}

export class HotReload {
  readonly #options: HotReloadOptions
  /** What is live of what the loader brought. */
  #live: LoadedState
  #loaded: Loaded
  #told = new Set<string>()
  #turn: Promise<void> = Promise.resolve()
  #queued = false
  #watcher: PathWatcher | undefined

  constructor(options: HotReloadOptions) {
    this.#options = options
    this.#loaded = options.loaded
    const { loaded, problems = [] } = options
    const leftOut = new Set(
      problems.flatMap(({ level, entry }) => (level === 'error' && entry !== undefined ? [entry] : [])),
    )
    this.#live = { ...loaded, entries: loaded.entries.filter(({ id }) => !leftOut.has(id)) }
    // The boot has told these already.
    const told = [...this.#problemLines(loaded.diagnostics), ...problems.map((problem) => problemLine(problem, loaded))]
    this.#told = new Set(told.map(({ message }) => message))
  }

  /** What the last load gave that did not fail as a whole. */
  get loaded(): Loaded {
    return this.#loaded
  }

  /** Follows a watcher, which calls `reload` when something changed, until `stop`. */
  async start(watcher: PathWatcher): Promise<void> {
    this.#watcher = watcher
    await watcher.watch(this.#loaded.watch)
  }

  async stop(): Promise<void> {
    await this.#watcher?.close()
    this.#watcher = undefined
    await this.#turn
  }

  /** Reads the files and applies what changed; one at a time, a call while another is waiting joins it. */
  reload(): Promise<void> {
    if (this.#queued) return this.#turn
    this.#queued = true
    this.#turn = this.#turn.then(() => {
      this.#queued = false
      return this.#reload()
    })
    return this.#turn
  }

  async #reload(): Promise<void> {
    let next: Loaded
    try {
      next = await this.#options.load()
    } catch (error) {
      // A lock, a configuration or an override that nothing can be loaded with: everything stays.
      this.#tell([{ level: 'error', message: `${errorText(error)}; nothing is reloaded` }])
      return
    }
    const problems = this.#problemLines(next.diagnostics)
    if (next.config.differsFrom(this.#options.loaded.config)) {
      problems.push({ level: 'warn', message: 'settings in .wippy.yaml changed: they take effect at the next start' })
    }
    this.#loaded = next
    const wanted = diffStates(this.#live, next)
    const changes = this.#withoutKept(wanted, problems)
    const landed = isEmpty(changes) ? new Set<string>() : await this.#apply(changes, next, problems)
    this.#live = settle(this.#live, next, landed)
    this.#tell(problems)
    if (landed.size > 0) this.#options.report({ level: 'info', message: summary(changes, landed) })
    await this.#watcher?.watch(next.watch)
  }

  async #apply(changes: StateChanges, next: Loaded, problems: ReloadLine[]): Promise<Set<string>> {
    try {
      const applied = await this.#options.apply(changes, next.origins)
      problems.push(...applied.problems.map((problem) => problemLine(problem, next)))
      return new Set(applied.changed)
    } catch (error) {
      problems.push({ level: 'error', message: `reload failed: ${errorText(error)}` })
      return new Set()
    }
  }

  #withoutKept(changes: StateChanges, problems: ReloadLine[]): StateChanges {
    const stays = (id: string, change: 'update' | 'delete'): boolean => {
      const reason = this.#options.keep?.(id, change)
      if (reason === undefined) return false
      const what = change === 'delete' ? 'is not removed' : 'is not changed'
      problems.push({ level: 'warn', message: `entry ${id} ${what}: ${reason}` })
      return true
    }
    return {
      create: changes.create,
      update: changes.update.filter(({ id }) => !stays(id, 'update')),
      delete: changes.delete.filter((id) => !stays(id, 'delete')),
    }
  }

  #problemLines(diagnostics: readonly Diagnostic[]): ReloadLine[] {
    return diagnostics
      .filter(({ level }) => level !== 'info')
      .map((diagnostic) => ({
        level: diagnostic.level,
        message: formatDiagnostic(diagnostic, this.#loaded.project.root),
      }))
  }

  /** Reports what is new, and that what was wrong is right again. */
  #tell(problems: readonly ReloadLine[]): void {
    const now = new Set(problems.map(({ message }) => message))
    for (const problem of problems) {
      if (!this.#told.has(problem.message)) this.#options.report(problem)
    }
    const hadProblems = this.#told.size > 0
    this.#told = now
    if (hadProblems && now.size === 0) this.#options.report({ level: 'info', message: 'all problems are solved' })
  }
}

function problemLine(problem: EntryProblem, loaded: Loaded): ReloadLine {
  const message = formatDiagnostic(locateProblem(problem, loaded.files), loaded.project.root)
  return { level: problem.level, message }
}

const SHOWN = 5

function summary(changes: StateChanges, landed: ReadonlySet<string>): string {
  const parts = [
    part(
      'created',
      changes.create.map(({ id }) => id),
      landed,
    ),
    part(
      'updated',
      changes.update.map(({ id }) => id),
      landed,
    ),
    part('deleted', changes.delete, landed),
  ]
  return `reloaded: ${parts.filter((text) => text !== '').join('; ')}`
}

function part(verb: string, ids: readonly string[], landed: ReadonlySet<string>): string {
  const own = ids.filter((id) => landed.has(id))
  if (own.length === 0) return ''
  const more = own.length > SHOWN ? ` and ${own.length - SHOWN} more` : ''
  return `${verb} ${own.slice(0, SHOWN).join(', ')}${more}`
}
