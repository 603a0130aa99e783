// Collects the entries of a project source by source, in load order: the app, the modules at hand, the locked ones, and what
// dependencies name. Decides what of a module belongs to the project, and which of two definitions of an id counts.

import { existsSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Entry } from '../core/entry.ts'
import type { Value } from '../core/value.ts'
import { type Dependency, dependenciesOf, type PresentModule, versionDiagnostics } from './dependencies.ts'
import { type Diagnostic, showPath } from './diagnostic.ts'
import { type Disable, disableNothing, hasMetaValue, isDisabled } from './override.ts'
import { matchesId } from './pattern.ts'
import { bundledModules, type ModuleFolder, type Project } from './project.ts'
import { type LoadedEntry, readSource, type SourceDescription, type SourceReading } from './read-source.ts'
import type { SourceCache } from './source-cache.ts'

export interface GatherOptions {
  /** `org/module` of a bundled application that runs instead of the project's own sources. */
  readonly app?: string
  /** Also the tests of modules that lie in the project. */
  readonly tests?: boolean
  /** Reads `.wapp` archives. */
  readonly readPack?: (file: string) => Promise<readonly Entry[]>
}

export class Gathering {
  entries: LoadedEntry[] = []
  readonly diagnostics: Diagnostic[] = []
  readonly broken = new Set<string>()
  readonly modules: ModuleFolder[] = []
  readonly folders: string[] = []
  readonly #options: GatherOptions
  readonly #project: Project
  readonly #cache: SourceCache
  readonly #skipNames: readonly string[]
  readonly #disable: Disable
  readonly #found = new Set<string>()
  #bundle: readonly ModuleFolder[] | undefined

  constructor(
    options: GatherOptions,
    project: Project,
    cache: SourceCache,
    env: Readonly<Record<string, string | undefined>>,
    disable: Disable = disableNothing,
  ) {
    this.#options = options
    this.#project = project
    this.#cache = cache
    this.#disable = disable
    this.#skipNames = (env['SKIP_TEST_DIRS'] ?? '')
      .split(',')
      .flatMap((name) => (name.trim() === '' ? [] : name.trim()))
    this.folders.push(...project.componentFolders)
  }

  readApp(): void {
    const { source, lock, root } = this.#project
    if (source === undefined) {
      const hint = 'run "wippy init" to make this folder a project'
      this.#say({ level: 'info', message: 'no lock file found, starting with empty registry', hint })
    } else {
      if (lock === undefined && source === root)
        this.#say({ level: 'info', message: `no lock file, reading ${root} itself` })
      // What is loaded by itself is not loaded a second time as part of the app.
      const { modulesFolder, componentFolders, modules } = this.#project
      const skipFolders = new Set([modulesFolder, ...componentFolders, ...modules.map(({ folder }) => folder)])
      skipFolders.delete(source)
      const walk = { skipNames: this.#skipNames, skipFolders }
      this.#read({ folder: source, origin: 'disk', walk }, this.#options.app === undefined)
    }
  }

  async readModule(module: ModuleFolder): Promise<void> {
    this.modules.push(module)
    const before = this.entries.length
    if (module.origin === 'pack') await this.#readPack(module)
    else this.#readFolder(module)
    const leftOut = this.#exclusion(module)
    const own = this.entries.splice(before)
    this.entries.push(...own.filter(({ entry }) => !leftOut(entry)))
  }

  async readLocked(): Promise<void> {
    for (const { module, folder } of this.#project.locked) {
      const found = folder ?? this.#bundled(module.name)
      if (found !== undefined) await this.readModule(found)
      else {
        const message = `module ${module.name} ${module.version} is locked but not installed`
        this.#say({ level: 'error', file: this.#project.lockPath, message, hint: 'run "wippy install"' })
      }
    }
  }

  /** Loads what dependencies name, and what the dependencies of that name, until nothing is missing that is at hand. */
  async readDependencies(): Promise<void> {
    const missing = new Set<string>()
    for (;;) {
      const present = this.#present()
      const wanted = this.#dependencies().find(({ component }) => !present.has(component) && !missing.has(component))
      if (wanted === undefined) break
      const found = this.#bundled(wanted.component)
      if (found !== undefined) {
        await this.readModule(found)
        continue
      }
      missing.add(wanted.component)
      const source = this.entries.find(({ entry }) => entry.id === wanted.entry)
      const message = `entry ${wanted.entry}: module ${wanted.component} is not available`
      const hint = `put it into components/, or run "wippy add ${wanted.component}" and "wippy install"`
      this.#say({ level: 'error', entry: wanted.entry, message, hint, ...placeOf(source) })
    }
    this.diagnostics.push(...versionDiagnostics(this.#dependencies(), this.#present()))
  }

  /** After the last source: duplicates, and what the cache need not remember. */
  finish(): void {
    this.entries = this.#withoutDuplicates()
    this.#cache.retain(this.#found)
    this.#cache.save()
  }

  #readFolder(module: ModuleFolder): void {
    const description = { origin: 'component', module, walk: { skipNames: this.#skipNames } } as const
    // What came with the npm package changes only with it; the folders of local modules are watched as a whole.
    this.#read({ ...description, folder: module.source }, module.origin === 'replacement' || module.origin === 'vendor')
    const tests = join(module.folder, 'test')
    if (this.#keepsTests(module) && module.source !== module.folder && existsSync(tests)) {
      this.#read({ ...description, folder: tests }, module.origin === 'replacement')
    }
  }

  async #readPack(module: ModuleFolder): Promise<void> {
    const read = this.#options.readPack
    if (read === undefined) {
      const message = `module ${module.name}: packs cannot be read here`
      this.#say({ level: 'error', file: module.folder, message })
      return
    }
    for (const entry of await read(module.folder)) {
      const meta = Object.assign(Object.create(null), entry.meta, {
        module: module.name,
        module_version: module.version,
      })
      const place = {
        file: module.folder,
        line: 1,
        column: 1,
        files: [module.folder],
        sourceFile: undefined,
        module: module.name,
      }
      this.entries.push({ entry: { ...entry, meta }, origin: 'pack', ...place })
    }
  }

  #read(source: SourceDescription, watched = true): void {
    if (watched) this.folders.push(source.folder)
    const reading = existsSync(source.folder) ? readSource(source, this.#cache) : this.#readMissing(source)
    this.entries.push(...reading.entries)
    this.diagnostics.push(...reading.diagnostics)
    for (const file of reading.broken) this.broken.add(file)
    for (const file of reading.found) this.#found.add(file)
  }

  /** A folder that was there a moment ago is being moved, or checked out anew: nobody means to delete the whole app. */
  #readMissing(source: SourceDescription): SourceReading {
    const only = this.#cache.goodBelow(source.folder).map((file) => relative(source.folder, file).replaceAll(sep, '/'))
    const kept = only.length === 0 ? 'skipping' : 'its last good entries stay'
    const level = only.length === 0 ? 'warn' : 'error'
    const said: Diagnostic = { level, file: source.folder, message: `path not found, ${kept}` }
    return { ...readSource({ ...source, only }, this.#cache), diagnostics: [said] }
  }

  /** Modules that are developed here may show their tests, and so may an archive that is run in place of a project. */
  #keepsTests(module: ModuleFolder): boolean {
    const own = module.origin === 'local' || module.origin === 'replacement' || this.#project.modules.includes(module)
    return this.#options.tests === true && own
  }

  /** What a module's manifest keeps out of its published form, and tests besides, is not part of the project. */
  #exclusion(module: ModuleFolder): (entry: Entry) => boolean {
    if (this.#keepsTests(module)) return () => false
    const patterns = (module.manifest?.exclude ?? []).filter((pattern) => pattern.includes(':'))
    const declared = module.manifest?.excludeMeta ?? {}
    const tests = module.origin === 'replacement' ? {} : UNPUBLISHED
    return ({ id, meta }) =>
      patterns.some((pattern) => matchesId(pattern, id)) || hasMetaValue(meta, declared) || hasMetaValue(meta, tests)
  }

  #bundled(name: string): ModuleFolder | undefined {
    this.#bundle ??= bundledModules(this.#project.bundle, this.#cache.yaml)
    return this.#bundle.find((module) => module.name === name)
  }

  /** Of what the configuration leaves in: a dependency that is disabled asks for nothing. */
  #dependencies(): Dependency[] {
    const entries = this.entries.map(({ entry }) => entry)
    return dependenciesOf(entries.filter((entry) => !isDisabled(entry, this.#disable)))
  }

  #present(): Map<string, PresentModule> {
    return new Map(this.modules.map((module) => [module.name, module]))
  }

  #withoutDuplicates(): LoadedEntry[] {
    const byId = new Map<string, LoadedEntry[]>()
    for (const loaded of this.entries) {
      const same = byId.get(loaded.entry.id)
      if (same === undefined) byId.set(loaded.entry.id, [loaded])
      else same.push(loaded)
    }
    for (const [id, same] of byId) {
      const used = same.at(-1)
      if (same.length < 2 || used === undefined) continue
      const show = ({ file, line }: LoadedEntry): string => `${showPath(file, this.#project.root)}:${line}`
      const others = same.slice(0, -1).map(show).join(', ')
      const message = `entry ${id} is defined ${same.length} times; this definition is used, not that of ${others}`
      this.#say({ level: 'warn', entry: id, message, ...placeOf(used) })
    }
    return this.entries.filter((loaded) => byId.get(loaded.entry.id)?.at(-1) === loaded)
  }

  #say(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic)
  }
}

/** What a published module does not carry. */
const UNPUBLISHED: Readonly<Record<string, readonly Value[]>> = { type: ['test'], scope: ['dev'] }

/** Where an entry stands, for a diagnostic. */
export function placeOf(loaded: LoadedEntry | undefined): Pick<Diagnostic, 'file' | 'line' | 'column'> {
  return loaded === undefined ? {} : { file: loaded.file, line: loaded.line, column: loaded.column }
}
