// The loader's front: a project folder in, entries out, ready for the registry (spec/registry.md §1-6).
// A fault in a file is a diagnostic and the rest loads; a fault in the lock, the configuration or an override throws.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry, Origin } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { parseId } from '../core/id.ts'
import { canonicalJson, type Value } from '../core/value.ts'
import { type Config, type ConfigSources, loadConfig } from './config.ts'
import { DefinitionStore } from './definition-store.ts'
import { type Dependency, dependenciesOf, type PresentModule, versionDiagnostics } from './dependencies.ts'
import { type Diagnostic, showPath } from './diagnostic.ts'
import { link } from './link.ts'
import { applyOverrides, hasMetaValue, isDisabled } from './override.ts'
import { matchesId } from './pattern.ts'
import { type Bundle, bundledModules, findProject, type ModuleFolder, type Project } from './project.ts'
import { type LoadedEntry, readSource, type SourceDescription } from './read-source.ts'
import { SourceCache } from './source-cache.ts'

export interface LoadOptions {
  /** The project folder. */
  readonly root: string
  /** Default `wippy.lock` in the root. */
  readonly lockFile?: string
  /** Composed already; else it is composed from `settings`. */
  readonly config?: Config
  readonly settings?: Omit<ConfigSources, 'root' | 'env'>
  /** Variables of the operating system. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Components and applications of the npm package. */
  readonly bundle?: Bundle
  /** `org/module` of a bundled application to run instead of the project's own sources. */
  readonly app?: string
  /** Also load the tests of modules that lie in the project: entries with `meta.type: test`, and their `test` folders. */
  readonly tests?: boolean
  /** Reads `.wapp` archives of vendored modules; without it they are reported as not readable. */
  readonly readPack?: (file: string) => Promise<readonly Entry[]>
  /** Kept between the loads of one project: makes reloads cheap, and keeps the last good reading of broken files. */
  readonly cache?: SourceCache
}

/** Where an entry stands, and what it was read from. */
export interface EntrySource {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The definition file and the files it takes content from. */
  readonly files: readonly string[]
  /** `org/module`, unless it is the app's own. */
  readonly module: string | undefined
}

export interface Loaded {
  /** Overridden, linked and without duplicates, in the order they were read. */
  readonly entries: readonly Entry[]
  readonly origins: ReadonlyMap<string, Origin>
  readonly files: ReadonlyMap<string, EntrySource>
  readonly diagnostics: readonly Diagnostic[]
  readonly config: Config
  readonly project: Project
  /** Modules that were loaded. */
  readonly modules: readonly ModuleFolder[]
  /** Definition files with a fault; their last good entries are among `entries` if there are any. */
  readonly broken: ReadonlySet<string>
  /** Folders and files whose change is worth a reload. */
  readonly watch: readonly string[]
  /** A hash of an entry's kind, meta and data: equal where the entry is equal. */
  hash(id: string): string | undefined
}

/** A cache for the loads of a project that also keeps parsed files between runs, under the project's `.wippy`. */
export function projectCache(root: string): SourceCache {
  return new SourceCache(new DefinitionStore(join(root, '.wippy', 'cache', 'definitions.json')))
}

/** Reads a project. Throws RuntimeError for what leaves nothing to run; see the opening comment. */
export async function loadProject(options: LoadOptions): Promise<Loaded> {
  const env = options.env ?? {}
  const cache = options.cache ?? new SourceCache()
  const read = cache.yaml
  const config = options.config ?? loadConfig({ ...options.settings, root: options.root, env, read })
  const project = findProject({
    root: options.root,
    ...(options.lockFile === undefined ? {} : { lockFile: options.lockFile }),
    ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
    ...(options.app === undefined ? {} : { app: options.app }),
    components: config.components,
    read,
  })
  const gathering = new Gathering(options, project, cache, env)
  gathering.readApp()
  for (const module of project.modules) await gathering.readModule(module)
  await gathering.readLocked()
  await gathering.readDependencies()
  gathering.finish()
  const { entries, diagnostics } = normalise(gathering.entries, config)
  const sources = sourcesById(gathering.entries)
  const hashes = new Map<string, string>()
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  return {
    entries,
    origins: new Map(entries.map(({ id }) => [id, sources.get(id)?.origin ?? 'disk'])),
    files: new Map(entries.map(({ id }) => [id, entrySource(sources.get(id), id)])),
    diagnostics: [...project.diagnostics, ...gathering.diagnostics, ...placed(diagnostics, sources)],
    config,
    project,
    modules: gathering.modules,
    broken: gathering.broken,
    watch: [...new Set([...config.files, join(project.root, '.wippy.yaml'), project.lockPath, ...gathering.folders])],
    hash(id) {
      const entry = byId.get(id)
      if (entry === undefined) return undefined
      const hash = hashes.get(id) ?? entryHash(entry)
      hashes.set(id, hash)
      return hash
    },
  }
}

/** SHA-256 of what an entry is, without its id. */
export function entryHash(entry: Entry): string {
  const content = canonicalJson([entry.kind, entry.meta, entry.data])
  return createHash('sha256').update(content).digest('hex')
}

/** Collects the entries of a project source by source, in load order. */
class Gathering {
  entries: LoadedEntry[] = []
  readonly diagnostics: Diagnostic[] = []
  readonly broken = new Set<string>()
  readonly modules: ModuleFolder[] = []
  readonly folders: string[] = []
  readonly #options: LoadOptions
  readonly #project: Project
  readonly #cache: SourceCache
  readonly #skipNames: readonly string[]
  readonly #found = new Set<string>()
  #bundle: readonly ModuleFolder[] | undefined

  constructor(
    options: LoadOptions,
    project: Project,
    cache: SourceCache,
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.#options = options
    this.#project = project
    this.#cache = cache
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
    // What came with the npm package changes only with it.
    this.#read({ ...description, folder: module.source }, module.origin !== 'bundled')
    const tests = join(module.folder, 'test')
    if (this.#keepsTests(module) && module.source !== module.folder && existsSync(tests)) {
      this.#read({ ...description, folder: tests })
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
      const place = { file: module.folder, line: 1, column: 1, files: [module.folder], module: module.name }
      this.entries.push({ entry: { ...entry, meta }, origin: 'pack', ...place })
    }
  }

  #read(source: SourceDescription, watched = true): void {
    if (watched) this.folders.push(source.folder)
    if (!existsSync(source.folder)) {
      this.#say({ level: 'warn', file: source.folder, message: 'path not found, skipping' })
      return
    }
    const reading = readSource(source, this.#cache)
    this.entries.push(...reading.entries)
    this.diagnostics.push(...reading.diagnostics)
    for (const file of reading.broken) this.broken.add(file)
    for (const file of reading.found) this.#found.add(file)
  }

  /** Modules that are developed here may show their tests. */
  #keepsTests(module: ModuleFolder): boolean {
    return this.#options.tests === true && (module.origin === 'local' || module.origin === 'replacement')
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

  #dependencies(): Dependency[] {
    return dependenciesOf(this.entries.map(({ entry }) => entry))
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

/** The pipeline of spec/registry.md §6: override, disable, link, override. */
function normalise(
  loaded: readonly LoadedEntry[],
  config: Config,
): { entries: readonly Entry[]; diagnostics: Diagnostic[] } {
  const raw = loaded.map(({ entry }) => entry)
  const overridden = applyOverrides(raw, config.overrides, true)
  const { entries, unresolved } = link(overridden.filter((entry) => !isDisabled(entry, config.disable)))
  const diagnostics = unresolved.map(({ requirement, message, hint }): Diagnostic => {
    const text = `unresolved requirement ${requirement}: ${message}`
    return { level: 'warn', entry: requirement, message: text, ...(hint === undefined ? {} : { hint }) }
  })
  return { entries: applyOverrides(entries, config.overrides, false), diagnostics }
}

function sourcesById(loaded: readonly LoadedEntry[]): Map<string, LoadedEntry> {
  return new Map(loaded.map((item) => [item.entry.id, item]))
}

function entrySource(loaded: LoadedEntry | undefined, id: string): EntrySource {
  if (loaded === undefined) throw new Error(`entry ${parseId(id).name} came from nowhere`)
  const { file, line, column, files, module } = loaded
  return { file, line, column, files, module }
}

/** Diagnostics about entries, with the places of the entries. */
function placed(diagnostics: readonly Diagnostic[], sources: ReadonlyMap<string, LoadedEntry>): Diagnostic[] {
  return diagnostics.map((diagnostic) => ({ ...placeOf(sources.get(diagnostic.entry ?? '')), ...diagnostic }))
}

function placeOf(loaded: LoadedEntry | undefined): Pick<Diagnostic, 'file' | 'line' | 'column'> {
  return loaded === undefined ? {} : { file: loaded.file, line: loaded.line, column: loaded.column }
}

/** Throws the first diagnostic of level error, for callers that want all or nothing. */
export function requireClean(loaded: Loaded): Loaded {
  const first = loaded.diagnostics.find(({ level }) => level === 'error')
  if (first !== undefined) throw new RuntimeError('Invalid', first.message)
  return loaded
}
