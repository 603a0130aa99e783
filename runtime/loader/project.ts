// Where everything of a project is: its sources, its lock, and the modules at hand (spec/cli.md §9, design/DECISIONS.md Components).
// Finds folders; reads no entries.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { errorText, RuntimeError } from '../core/error.ts'
import type { Diagnostic } from './diagnostic.ts'
import { LOCK_FILE, type Lock, type LockedModule, readLock } from './lockfile.ts'
import { MANIFEST_FILE, type Manifest, readManifest } from './manifest.ts'
import { type ReadYaml, readYamlFile } from './read-yaml.ts'
import { SourceRoot } from './source-root.ts'

/** How a module came to be part of a project. */
export type ModuleOrigin = 'replacement' | 'local' | 'vendor' | 'pack' | 'bundled'

export interface ModuleFolder {
  /** `org/module` */
  readonly name: string
  readonly version: string | undefined
  readonly origin: ModuleOrigin
  /** The folder of the module; for a pack the archive. */
  readonly folder: string
  /** Where its definitions are: `src` inside it when there is one. */
  readonly source: string
  readonly manifest: Manifest | undefined
}

/** What the npm package brings along for projects elsewhere. */
export interface Bundle {
  /** A folder whose subfolders are modules, loaded where a dependency names them. */
  readonly components?: string
  /** Applications by `org/module`: the folder of their definitions. */
  readonly apps?: Readonly<Record<string, string>>
}

export interface Project {
  /** The project folder, absolute. */
  readonly root: string
  readonly lockPath: string
  readonly lock: Lock | undefined
  /** The app's own definitions; undefined for a folder that is no project. */
  readonly source: string | undefined
  readonly modulesFolder: string
  readonly vendorFolder: string
  /** Folders whose subfolders are modules; some may not exist yet. */
  readonly componentFolders: readonly string[]
  /** Modules that are loaded whether or not a dependency names them: replacements, then local ones. */
  readonly modules: readonly ModuleFolder[]
  /** Locked modules that are not replaced and not local, with their vendored folder if they have one. */
  readonly locked: readonly { readonly module: LockedModule; readonly folder: ModuleFolder | undefined }[]
  readonly bundle: Bundle
  readonly diagnostics: readonly Diagnostic[]
}

export interface ProjectOptions {
  readonly root: string
  /** Default `wippy.lock` in the root; its folder is what relative paths in it start from. */
  readonly lockFile?: string
  /** Further folders of modules: `.wippy.yaml`'s `components`. */
  readonly components?: readonly string[]
  /** Absolute folders by `org/module`: `.wippy.yaml`'s `workspace.replacements`. They go before those of the lock. */
  readonly replacements?: ReadonlyMap<string, string>
  readonly bundle?: Bundle
  /** `org/module` of a bundled application to run instead of the project's own sources. */
  readonly app?: string
  readonly read?: ReadYaml
  /** Manifests by folder as they last were right; kept up to date. */
  readonly manifests?: Map<string, Manifest>
}

/** Looks at the disk once. Throws for a bad lock; a bad manifest is a diagnostic and its folder goes by its own name. */
export function findProject(options: ProjectOptions): Project {
  const root = resolve(options.root)
  const lockPath = resolve(root, options.lockFile ?? LOCK_FILE)
  const lock = readLock(lockPath, options.read)
  const base = dirname(lockPath)
  const diagnostics: Diagnostic[] = []
  const modulesFolder = resolve(base, lock?.directories.modules ?? '.wippy')
  const vendorFolder = basename(modulesFolder) === 'vendor' ? modulesFolder : join(modulesFolder, 'vendor')
  const componentFolders = [...new Set([join(root, 'components'), ...(options.components ?? [])])]
  const look: Look = {
    read: options.read ?? readYamlFile,
    manifests: options.manifests ?? new Map(),
    report(file, error) {
      diagnostics.push({ level: 'error', file, message: errorText(error) })
    },
  }
  const bundle = options.bundle ?? {}
  if (options.app !== undefined)
    return bundledProject(options.app, { root, lockPath, modulesFolder, vendorFolder, bundle })
  const lockReplacements = (lock?.replacements ?? []).map(({ from, to }): [string, string] => [from, resolve(base, to)])
  const workspace = presentFolders(options.replacements ?? new Map(), lock, diagnostics)
  const replacements = [...new Map([...lockReplacements, ...workspace])].map(([name, folder]) =>
    moduleAt(folder, 'replacement', look, name),
  )
  const taken = new Set(replacements.map(({ name }) => name))
  const local = componentFolders
    .flatMap((folder) => modulesIn(folder, 'local', look))
    .filter(({ name }) => !taken.has(name))
  for (const { name } of local) taken.add(name)
  const locked = (lock?.modules ?? [])
    .filter(({ name }) => !taken.has(name))
    .map((module) => ({ module, folder: vendored(module, vendorFolder, look) }))
  return {
    root,
    lockPath,
    lock,
    source: sourceFolder(root, base, lock),
    modulesFolder,
    vendorFolder,
    componentFolders,
    modules: [...replacements, ...local],
    locked,
    bundle,
    diagnostics,
  }
}

/** A folder that is not on this machine is missed only where its module is wanted. */
function presentFolders(
  replacements: ReadonlyMap<string, string>,
  lock: Lock | undefined,
  diagnostics: Diagnostic[],
): [string, string][] {
  return [...replacements].filter(([name, folder]) => {
    if (isFolder(folder)) return true
    if (lock?.modules.some((module) => module.name === name) === true) {
      diagnostics.push({ level: 'error', message: `workspace replacement ${name}: folder ${folder} does not exist` })
    }
    return false
  })
}

/** An application of the npm package runs from its own folder, with nothing of the folder it is started in. */
function bundledProject(
  app: string,
  places: Pick<Project, 'root' | 'lockPath' | 'modulesFolder' | 'vendorFolder' | 'bundle'>,
): Project {
  const source = places.bundle.apps?.[app]
  if (source === undefined) {
    const known = Object.keys(places.bundle.apps ?? {}).join(', ') || 'none'
    throw new RuntimeError('NotFound', `module ${app} is not bundled (bundled applications: ${known})`)
  }
  return { ...places, lock: undefined, source, componentFolders: [], modules: [], locked: [], diagnostics: [] }
}

/** All modules that the npm package brings along; their manifests are ours and have no fault. */
export function bundledModules(bundle: Bundle, read: ReadYaml = readYamlFile): ModuleFolder[] {
  if (bundle.components === undefined) return []
  return modulesIn(bundle.components, 'bundled', { read, manifests: new Map(), report: () => {} })
}

function sourceFolder(root: string, base: string, lock: Lock | undefined): string | undefined {
  if (lock !== undefined) return resolve(base, lock.directories.src)
  // Without a lock: `src` if there is one; the folder itself only when something says that it is a project.
  if (isFolder(join(root, 'src'))) return join(root, 'src')
  const marks = ['.wippy.yaml', MANIFEST_FILE, '_index.yaml', '_index.yml', '_index.json']
  return marks.some((name) => existsSync(join(root, name))) ? root : undefined
}

/** How manifests are read, and who hears of those with a fault. */
interface Look {
  readonly read: ReadYaml
  readonly manifests: Map<string, Manifest>
  report(file: string, error: unknown): void
}

/** The subfolders of a folder that are modules; the folder itself when it is one. */
function modulesIn(folder: string, origin: ModuleOrigin, look: Look): ModuleFolder[] {
  if (!isFolder(folder)) return []
  if (existsSync(join(folder, MANIFEST_FILE))) return [moduleAt(folder, origin, look)]
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name))
      .filter((path) => !basename(path).startsWith('.') && isFolder(path) && looksLikeModule(path))
      .map((path) => moduleAt(path, origin, look))
  } catch (error) {
    // A folder that may not be read.
    look.report(folder, error)
    return []
  }
}

/** A manifest, or a definition file somewhere in it. */
function looksLikeModule(folder: string): boolean {
  if (existsSync(join(folder, MANIFEST_FILE))) return true
  const root = new SourceRoot(folder)
  return root.definitions().some((inside) => isDefinition(root, inside))
}

/** That `namespace` stands where a key may stand is enough to tell a definition from other YAML. */
function isDefinition(root: SourceRoot, inside: string): boolean {
  try {
    return /(?:^|[{,])\s*"?namespace"?\s*:/m.test(readFileSync(root.locate(inside), 'utf8'))
  } catch {
    // A link to nowhere, a file that may not be read: it makes no module.
    return false
  }
}

function moduleAt(folder: string, origin: ModuleOrigin, look: Look, known?: string): ModuleFolder {
  let manifest: Manifest | undefined
  try {
    manifest = readManifest(folder, look.read)
    if (manifest === undefined) look.manifests.delete(folder)
    else look.manifests.set(folder, manifest)
  } catch (error) {
    manifest = look.manifests.get(folder)
    look.report(join(folder, MANIFEST_FILE), error)
  }
  const source = join(folder, 'src')
  return {
    name: known ?? manifest?.name ?? `local/${basename(folder)}`,
    version: manifest?.version,
    origin,
    folder,
    source: isFolder(source) ? source : folder,
    manifest,
  }
}

/** Where a locked module lies: unpacked, as an archive, or in the old layout. */
function vendored({ name, version }: LockedModule, vendor: string, look: Look): ModuleFolder | undefined {
  const unpacked = join(vendor, name)
  if (isFolder(unpacked)) return { ...moduleAt(unpacked, 'vendor', look, name), version }
  const pack = join(vendor, `${name}-${version}.wapp`)
  if (existsSync(pack)) return { name, version, origin: 'pack', folder: pack, source: pack, manifest: undefined }
  const old = join(vendor, `${name}-${version}`)
  return isFolder(old) ? { ...moduleAt(old, 'vendor', look, name), version } : undefined
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
