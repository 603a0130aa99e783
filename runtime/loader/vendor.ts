// What `wippy update` and `wippy install` do to a project: the lock that its dependencies come to, and modules put into its
// vendor folder with a digest to check them by. Knows no network: modules come from the npm package or are there already.

import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { RuntimeError } from '../core/error.ts'
import type { Loaded } from './load.ts'
import { type Lock, type LockedModule, newLock } from './lockfile.ts'
import { Pack } from './pack.ts'
import { bundledModules, type ModuleFolder, type Project } from './project.ts'

/** The lock a project should have: the modules its dependencies led to, those in the project itself left out. */
export function resolvedLock(loaded: Loaded): Lock {
  const before = loaded.project.lock ?? newLock()
  const modules = loaded.modules
    .filter(({ origin }) => origin === 'bundled' || origin === 'vendor' || origin === 'pack')
    .map((module) => lockedModule(module, before.modules))
  return { ...before, modules }
}

function lockedModule(module: ModuleFolder, before: readonly LockedModule[]): LockedModule {
  if (module.origin === 'bundled') {
    return { name: module.name, version: withPrefix(module.version ?? '0.0.0'), hash: moduleDigest(module.folder) }
  }
  const known = before.find(({ name }) => name === module.name)
  return known ?? { name: module.name, version: withPrefix(module.version ?? '0.0.0') }
}

/** How the versions of two locks differ, for a person to agree to. */
export interface LockChange {
  readonly name: string
  readonly from: string | undefined
  readonly to: string | undefined
}

export function lockChanges(before: Lock, after: Lock): LockChange[] {
  const old = new Map(before.modules.map(({ name, version }) => [name, version]))
  const now = new Map(after.modules.map(({ name, version }) => [name, version]))
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .map((name) => ({ name, from: old.get(name), to: now.get(name) }))
    .filter(({ from, to }) => from !== to)
}

export interface Installation {
  readonly name: string
  readonly version: string
  /** `installed` now, `present` before, `missing` because it is nowhere to be had. */
  readonly state: 'installed' | 'present' | 'missing'
  readonly folder: string | undefined
}

/**
 * Puts the locked modules that are not vendored into the vendor folder, from the npm package where it has them.
 * Throws Conflict for a module whose content is not what the lock says. With `force` what is there is replaced.
 */
export function installModules(
  project: Project,
  options: { names?: readonly string[]; force?: boolean } = {},
): Installation[] {
  const bundled = bundledModules(project.bundle)
  return project.locked
    .filter(
      ({ module }) => options.names === undefined || options.names.length === 0 || options.names.includes(module.name),
    )
    .map(({ module, folder }): Installation => {
      const { name, version } = module
      const source = bundled.find((candidate) => candidate.name === name)
      // What this package does not bring can only stay as it is.
      if (folder !== undefined && (options.force !== true || source === undefined)) {
        checkDigest(module, folder.folder)
        if (folder.origin === 'pack') Pack.open(folder.folder).verify()
        return { name, version, state: 'present', folder: folder.folder }
      }
      if (source === undefined) return { name, version, state: 'missing', folder: undefined }
      checkDigest(module, source.folder)
      return { name, version, state: 'installed', folder: copyModule(source.folder, join(project.vendorFolder, name)) }
    })
}

/** `sha256:` of the names and contents of all files of a module; of an archive, of the file. */
export function moduleDigest(folder: string): string {
  if (statSync(folder).isFile()) return `sha256:${createHash('sha256').update(readFileSync(folder)).digest('hex')}`
  const hash = createHash('sha256')
  for (const file of filesIn(folder, '')) {
    const content = createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex')
    hash.update(`${content}  ${file}\n`)
  }
  return `sha256:${hash.digest('hex')}`
}

function checkDigest({ name, version, hash }: LockedModule, folder: string): void {
  // Hashes of archives of the hub are of another form: only ours can be checked against a folder.
  if (hash === undefined || !hash.startsWith('sha256:')) return
  const found = moduleDigest(folder)
  if (found === hash) return
  const message = `module ${name} ${version} in ${folder} is not what the lock says: its digest is ${found}, not ${hash}`
  throw new RuntimeError('Conflict', message, { details: { hint: `run "wippy update ${name}"` } })
}

function filesIn(folder: string, inside: string): string[] {
  return readdirSync(join(folder, inside), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((item) => {
      const path = inside === '' ? item.name : `${inside}/${item.name}`
      if (item.isDirectory()) return item.name === 'node_modules' || item.name === '.git' ? [] : filesIn(folder, path)
      return item.isFile() ? [path] : []
    })
}

/** A module appears whole or not at all, also when the machine stops in between. */
function copyModule(from: string, to: string): string {
  mkdirSync(dirname(to), { recursive: true })
  const temporary = mkdtempSync(join(dirname(to), `.${basename(to)}-`))
  cpSync(from, temporary, { recursive: true, filter: (path) => !/(?:^|[\\/])(?:node_modules|\.git)$/.test(path) })
  rmSync(to, { recursive: true, force: true })
  renameSync(temporary, to)
  return to
}

function withPrefix(version: string): string {
  return version.startsWith('v') ? version : `v${version}`
}
