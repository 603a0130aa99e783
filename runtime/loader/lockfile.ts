// `wippy.lock`: where a project's sources and modules are, and which modules at which versions (spec/cli.md §9).

import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { errorText, RuntimeError } from '../core/error.ts'
import { isMap, type Value, type ValueMap } from '../core/value.ts'
import { encodeYaml, YamlError } from '../external/yaml.ts'
import { type ReadYaml, readYamlFile } from './read-yaml.ts'

export interface LockedModule {
  /** `org/module` */
  readonly name: string
  readonly version: string
  readonly hash?: string
  readonly localHash?: string
}

export interface Replacement {
  readonly from: string
  /** As written: relative to the folder of the lock. */
  readonly to: string
}

export interface Lock {
  readonly directories: { readonly modules: string; readonly src: string }
  readonly modules: readonly LockedModule[]
  readonly replacements: readonly Replacement[]
  readonly options: { readonly unpackModules: boolean }
}

export const LOCK_FILE = 'wippy.lock'

export const MODULE_NAME = /^[^/\s]+\/[^/\s]+$/

/** The lock of a new project. */
export function newLock(src = './src', modules = '.wippy'): Lock {
  return { directories: { modules, src }, modules: [], replacements: [], options: { unpackModules: false } }
}

/** The lock at a path, or undefined when there is none. Throws with the texts of the spec when it is bad. */
export function readLock(path: string, read: ReadYaml = readYamlFile): Lock | undefined {
  if (!existsSync(path)) return undefined
  const lock = decodeLock(path, read)
  const fault = faultOf(lock, dirname(resolve(path)))
  if (fault !== undefined) throw new RuntimeError('Invalid', `invalid lock file: lock file ${path}: ${fault}`)
  return lock
}

/** The lock at a path that must be there, as `run list`, `lint` and `registry` want it. */
export function requireLock(path: string): Lock {
  const lock = readLock(path)
  if (lock !== undefined) return lock
  throw new RuntimeError('NotFound', `lock file not found: stat ${resolve(path)}: no such file or directory`, {
    details: { hint: 'run "wippy init" to create it' },
  })
}

/** Text of a lock, modules and replacements sorted by name. */
export function formatLock(lock: Lock): string {
  const value: ValueMap = { directories: { modules: lock.directories.modules, src: lock.directories.src } }
  if (lock.modules.length > 0) {
    value['modules'] = lock.modules.toSorted(byKey('name')).map((module) => ({
      name: module.name,
      version: module.version,
      ...(module.hash === undefined ? {} : { hash: module.hash }),
      ...(module.localHash === undefined ? {} : { local_hash: module.localHash }),
    }))
  }
  if (lock.replacements.length > 0) {
    value['replacements'] = lock.replacements.toSorted(byKey('from')).map(({ from, to }) => ({ from, to }))
  }
  if (lock.options.unpackModules) value['options'] = { unpack_modules: true }
  return encodeYaml(value, { sort: false })
}

/** Replaces the lock at a path in one step; readable by its owner only. */
export function writeLock(path: string, lock: Lock): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeFileSync(file, formatLock(lock))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}

function byKey<K extends string>(key: K): (a: Record<K, string>, b: Record<K, string>) => number {
  return (a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0)
}

function decodeLock(path: string, read: ReadYaml): Lock {
  const fail = (reason: string, cause?: unknown): RuntimeError =>
    new RuntimeError('Invalid', `failed to load lock file: lock file ${path}: failed to read lock file: ${reason}`, {
      cause,
      details: cause instanceof YamlError ? cause.details : undefined,
    })
  let value: Value
  try {
    value = read(path) ?? {}
  } catch (error) {
    throw fail(error instanceof YamlError ? `failed to unmarshal yaml: ${errorText(error)}` : errorText(error), error)
  }
  const shape = (field: string, expected: string): RuntimeError =>
    fail(`failed to unmarshal yaml: ${field} must be ${expected}`)
  if (!isMap(value)) throw shape('the file', 'a map')
  const section = (field: string): ValueMap => {
    const found = (value as ValueMap)[field] ?? {}
    if (!isMap(found)) throw shape(field, 'a map')
    return found
  }
  const list = (field: string): ValueMap[] => {
    const found = (value as ValueMap)[field] ?? []
    if (!Array.isArray(found) || !found.every(isMap)) throw shape(field, 'a list of maps')
    return found
  }
  const directories = section('directories')
  return {
    directories: { modules: scalarOr(directories['modules'], '.wippy'), src: scalarOr(directories['src'], '') },
    modules: list('modules').map((module) => ({
      name: scalarOr(module['name'], ''),
      version: scalarOr(module['version'], ''),
      ...(typeof module['hash'] === 'string' ? { hash: module['hash'] } : {}),
      ...(typeof module['local_hash'] === 'string' ? { localHash: module['local_hash'] } : {}),
    })),
    replacements: list('replacements').map((item) => ({
      from: scalarOr(item['from'], ''),
      to: scalarOr(item['to'], ''),
    })),
    options: { unpackModules: section('options')['unpack_modules'] === true },
  }
}

function scalarOr(value: Value | undefined, fallback: string): string {
  return value === undefined || value === null ? fallback : String(value)
}

function faultOf(lock: Lock, folder: string): string | undefined {
  if (lock.directories.src === '') return 'directories.src cannot be empty'
  for (const { name, version } of lock.modules) {
    if (!MODULE_NAME.test(name)) {
      return `invalid module "${name}": invalid format (expected org/module, got "${name}")`
    }
    if (version === '') return `module "${name}" has empty version`
  }
  for (const { from, to } of lock.replacements) {
    if (!MODULE_NAME.test(from)) {
      return `invalid replacements: invalid module "${from}": invalid format (expected org/module, got "${from}")`
    }
    if (to === '' || !existsSync(resolve(folder, to))) {
      return `invalid replacements: replacement path "${to}" does not exist`
    }
  }
  return undefined
}
