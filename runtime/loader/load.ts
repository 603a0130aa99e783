// The loader's front: a project folder in, entries out, ready for the registry (spec/registry.md §1-6).
// A fault in a file is a diagnostic and the rest loads; a fault in the lock, the configuration or an override throws.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Entry, Origin } from '../core/entry.ts'
import { parseId } from '../core/id.ts'
import { canonicalJson } from '../core/value.ts'
import { type Config, type ConfigSources, loadConfig } from './config.ts'
import { DefinitionStore } from './definition-store.ts'
import type { Diagnostic } from './diagnostic.ts'
import { Gathering, type GatherOptions, placeOf } from './gather.ts'
import { link } from './link.ts'
import { LOCK_FILE } from './lockfile.ts'
import { applyOverrides, isDisabled } from './override.ts'
import { type Bundle, findProject, type ModuleFolder, type Project } from './project.ts'
import type { LoadedEntry } from './read-source.ts'
import { SourceCache } from './source-cache.ts'

export interface LoadOptions extends GatherOptions {
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
  /** An archive to run instead of the project's own sources and modules. */
  readonly pack?: string
  /** Kept between the loads of one project: makes reloads cheap, and keeps the last good reading of broken files. */
  readonly cache?: SourceCache
}

/** Where an entry stands, and what it was read from. */
export interface EntrySource {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The definition file, then the files whose content is in the entry. */
  readonly files: readonly string[]
  /** The file that the field `source` is the content of: lines of its errors are lines of that file. */
  readonly sourceFile: string | undefined
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

/**
 * A cache for the loads of a project that also keeps parsed files between runs: under `.wippy` of a project, in the
 * user's cache folder for a folder that is none (a bundled application leaves no trace where it is started).
 */
export function projectCache(
  root: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): SourceCache {
  const isProject = existsSync(join(root, LOCK_FILE)) || existsSync(join(root, '.wippy'))
  if (isProject) return new SourceCache(new DefinitionStore(join(root, '.wippy', 'cache', 'definitions.json')))
  const home = env['XDG_CACHE_HOME'] || (env['HOME'] === undefined ? '' : join(env['HOME'], '.cache'))
  if (home === '') return new SourceCache()
  const name = createHash('sha256').update(resolve(root)).digest('hex').slice(0, 16)
  return new SourceCache(new DefinitionStore(join(home, 'wippy', `definitions-${name}.json`)))
}

/** Reads a project. Throws RuntimeError for what leaves nothing to run; see the opening comment. */
export async function loadProject(options: LoadOptions): Promise<Loaded> {
  const env = options.env ?? {}
  const cache = options.cache ?? new SourceCache()
  const read = cache.yaml
  const config = options.config ?? loadConfig({ ...options.settings, root: options.root, env, read })
  const found = findProject({
    root: options.root,
    ...(options.lockFile === undefined ? {} : { lockFile: options.lockFile }),
    ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
    ...(options.app === undefined ? {} : { app: options.app }),
    components: config.components,
    replacements: config.replacements,
    read,
    manifests: cache.manifests,
  })
  const project = options.pack === undefined ? found : packProject(found, options.pack)
  const gathering = new Gathering(options, project, cache, env, config.disable)
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

/** A project whose only source is an archive; its folder still gives the configuration. */
function packProject(project: Project, file: string): Project {
  const name = basename(file).replace(/\.wapp$/, '')
  const module: ModuleFolder = {
    name,
    version: undefined,
    origin: 'pack',
    folder: file,
    source: file,
    manifest: undefined,
  }
  return { ...project, source: undefined, componentFolders: [], modules: [module], locked: [], bundle: {} }
}

/** SHA-256 of what an entry is, without its id. */
export function entryHash(entry: Entry): string {
  const content = canonicalJson([entry.kind, entry.meta, entry.data])
  return createHash('sha256').update(content).digest('hex')
}

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
  const { file, line, column, files, sourceFile, module } = loaded
  return { file, line, column, files, sourceFile, module }
}

/** Diagnostics about entries, with the places of the entries. */
function placed(diagnostics: readonly Diagnostic[], sources: ReadonlyMap<string, LoadedEntry>): Diagnostic[] {
  return diagnostics.map((diagnostic) => ({ ...placeOf(sources.get(diagnostic.entry ?? '')), ...diagnostic }))
}
