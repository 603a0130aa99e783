// `.wippy.yaml`: the runtime's configuration, composed from files, profiles and command-line flags (spec/cli.md §7).

import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { durationMs } from '../core/duration.ts'
import { RuntimeError } from '../core/error.ts'
import { emptyMap, equalValues, isMap, type Value, type ValueMap } from '../core/value.ts'
import { configDefaults } from './config-defaults.ts'
import { MODULE_NAME } from './lockfile.ts'
import {
  commandLineValue,
  type Disable,
  decodeDisable,
  type Override,
  parseOverrideKey,
  parseOverrides,
} from './override.ts'
import { replacePlaceholders, splitDefault, typedText } from './placeholder-text.ts'
import { type ReadYaml, readYamlFile } from './read-yaml.ts'

export const CONFIG_FILE = '.wippy.yaml'

export interface ConfigSources {
  /** The project folder: relative paths and the default file are looked up here. */
  readonly root: string
  /** `--config`, merged left to right; each must exist. Without any, `.wippy.yaml` is read if there is one. */
  readonly files?: readonly string[]
  /** `--profile` */
  readonly profiles?: readonly string[]
  /** `--set section.path=value` */
  readonly set?: readonly string[]
  /** `-o ns:entry:field=value` */
  readonly overrides?: readonly string[]
  /** Variables of the operating system, for `${env:NAME}` in the files. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly read?: ReadYaml
}

/** Settings under dotted keys, with the defaults behind them. */
export class Config {
  /** The files that were read, absolute. */
  readonly files: readonly string[]
  /** Of the files first, then of the command line. */
  readonly overrides: readonly Override[]
  readonly disable: Disable
  /** Folders whose subfolders are modules, absolute. */
  readonly components: readonly string[]
  /** Absolute folders that stand in for modules, by `org/module`; some may not exist. */
  readonly replacements: ReadonlyMap<string, string>
  readonly #values: ReadonlyMap<string, Value>

  constructor(parts: {
    readonly files: readonly string[]
    readonly overrides: readonly Override[]
    readonly disable: Disable
    readonly components: readonly string[]
    readonly replacements: ReadonlyMap<string, string>
    readonly values: ReadonlyMap<string, Value>
  }) {
    this.files = parts.files
    this.overrides = parts.overrides
    this.disable = parts.disable
    this.components = parts.components
    this.replacements = parts.replacements
    this.#values = parts.values
  }

  /** Whether somebody said so; a default does not count. */
  has(key: string): boolean {
    return this.#values.has(key)
  }

  get(key: string): Value | undefined {
    return this.#values.get(key) ?? (Object.hasOwn(configDefaults, key) ? configDefaults[key] : undefined)
  }

  /** All settings below a prefix, defaults included, without the prefix: `section('otel')` has `enabled`. Throws Invalid where a value stands instead. */
  section(prefix: string): ValueMap {
    const section = emptyMap()
    const whole = this.#values.get(prefix) ?? null
    if (whole !== null) throw this.#invalid(prefix, whole, 'a map')
    for (const [key, value] of [...Object.entries(configDefaults), ...this.#values]) {
      if (key.startsWith(`${prefix}.`)) section[key.slice(prefix.length + 1)] = value
    }
    return section
  }

  /** Whether settings differ; overrides, `disable`, `components` and `workspace` do not count, a reload follows those. */
  differsFrom(other: Config): boolean {
    const keys = new Set([...this.#values.keys(), ...other.#values.keys()])
    return [...keys].some((key) => !equalValues(this.#values.get(key), other.#values.get(key)))
  }

  boolean(key: string): boolean {
    const value = this.get(key) ?? false
    if (typeof value !== 'boolean') throw this.#invalid(key, value, 'true or false')
    return value
  }

  integer(key: string): number {
    const value = this.get(key)
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.#invalid(key, value, 'an integer')
    return value
  }

  text(key: string): string {
    const value = this.get(key) ?? ''
    if (typeof value !== 'string') throw this.#invalid(key, value, 'a string')
    return value
  }

  /** One of a few words. */
  choice<Word extends string>(key: string, words: readonly Word[]): Word {
    const value = this.get(key)
    const word = words.find((known) => known === value)
    if (word === undefined) throw this.#invalid(key, value, words.join(' or '))
    return word
  }

  /** Milliseconds of a duration. */
  ms(key: string): number {
    return durationMs(this.get(key), `config ${key}:`)
  }

  texts(key: string): string[] {
    const value = this.get(key) ?? []
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
      throw this.#invalid(key, value, 'a list of strings')
    }
    return value
  }

  #invalid(key: string, value: Value | undefined, expected: string): RuntimeError {
    return new RuntimeError('Invalid', `config ${key}: ${JSON.stringify(value)} is not ${expected}`)
  }
}

/** Reads and composes: files, then profiles, then `--set`, then `-o`. Throws RuntimeError for anything it cannot accept. */
export function loadConfig(sources: ConfigSources): Config {
  const { files, tree } = readFiles(sources)
  const profiles = isMap(tree['profiles']) ? tree['profiles'] : emptyMap()
  delete tree['profiles']
  for (const name of sources.profiles ?? []) applyProfile(tree, name, profiles)
  const set = (sources.set ?? []).map(parseSet)
  for (const { section, path, value } of set) if (section === 'vars') place(tree, [section, path], value)
  const resolved = resolveVariables(tree, sources.env ?? {})
  const values = new Map<string, Value>()
  for (const section of Object.keys(resolved)) {
    if (NOT_SECTIONS.has(section)) continue
    const content = resolved[section] ?? null
    if (content === null) continue
    if (!isMap(content)) throw new RuntimeError('Invalid', `config section ${JSON.stringify(section)} must be a map`)
    flatten(content, section, values)
  }
  for (const { section, path, value } of set) {
    // The rest of an override's key is one key: fields of entries have dots of their own.
    if (section === 'override') place(resolved, [section, path], value)
    else if (section === 'disable' || section === 'workspace') place(resolved, [section, ...path.split('.')], value)
    else values.set(`${section}.${path}`, value)
  }
  return new Config({
    files,
    overrides: [...fileOverrides(resolved['override']), ...(sources.overrides ?? []).flatMap(parseOverrides)],
    disable: decodeDisable(resolved['disable'], (reason) => new RuntimeError('Invalid', `config ${reason}`)),
    components: componentFolders(resolved['components'], sources.root),
    replacements: workspaceFolders(resolved['workspace'], dirname(files[0] ?? resolve(sources.root, CONFIG_FILE))),
    values,
  })
}

const NOT_SECTIONS = new Set(['version', 'vars', 'override', 'disable', 'components', 'workspace'])

function readFiles(sources: ConfigSources): { files: string[]; tree: ValueMap } {
  const explicit = sources.files ?? []
  const files = (explicit.length > 0 ? explicit : [CONFIG_FILE]).map((file) => resolve(sources.root, file))
  const tree = emptyMap()
  const read: string[] = []
  for (const file of files) {
    if (!existsSync(file)) {
      if (explicit.length === 0) continue
      throw new RuntimeError('NotFound', `config file ${file} does not exist`)
    }
    read.push(file)
    merge(tree, readConfigFile(file, sources.read ?? readYamlFile))
  }
  return { files: read, tree }
}

function readConfigFile(file: string, read: ReadYaml): ValueMap {
  let tree: Value
  try {
    tree = read(file)
  } catch (error) {
    if (error instanceof RuntimeError) throw error.wrap(`config file ${file}`)
    throw error
  }
  const invalid = (reason: string): RuntimeError => new RuntimeError('Invalid', `config file ${file}: ${reason}`)
  if (!isMap(tree)) throw invalid('must be a map')
  const version = tree['version']
  if (version === undefined || version === null) throw invalid('missing version field, add version: "1.0"')
  // Unquoted, 1.0 is a number.
  if (version !== '1.0' && version !== 1)
    throw invalid(`unsupported version ${JSON.stringify(version)}, expected "1.0"`)
  return tree
}

/** Lays one tree over another, map by map; lists and scalars are replaced. */
function merge(base: ValueMap, over: ValueMap): void {
  for (const key of Object.keys(over)) {
    const value = over[key] ?? null
    const before = Object.hasOwn(base, key) ? base[key] : undefined
    if (isMap(value) && isMap(before)) merge(before, value)
    else base[key] = isMap(value) ? copyOf(value) : value
  }
}

function copyOf(map: ValueMap): ValueMap {
  const copy = emptyMap()
  merge(copy, map)
  return copy
}

function applyProfile(tree: ValueMap, name: string, profiles: ValueMap): void {
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  if (found === undefined) {
    const known = Object.keys(profiles).sort().join(', ') || 'none'
    throw new RuntimeError('NotFound', `unknown profile ${JSON.stringify(name)} (known: ${known})`)
  }
  if (!isMap(found)) throw new RuntimeError('Invalid', `profile ${JSON.stringify(name)} must be a map`)
  const profile = copyOf(found)
  if (mentions(profile['vars'], '${env:')) {
    throw new RuntimeError('Invalid', `profile ${JSON.stringify(name)}: vars cannot use \${env:...}`)
  }
  const disable = profile['disable']
  if (isMap(disable)) {
    const base = isMap(tree['disable']) ? tree['disable'] : emptyMap()
    for (const field of ['namespaces', 'entries']) {
      const change = disable[field]
      if (!isMap(change)) continue
      const removed = new Set(listOf(change['remove']))
      disable[field] = [...listOf(base[field]).filter((item) => !removed.has(item)), ...listOf(change['add'])]
    }
  }
  merge(tree, profile)
}

function mentions(value: Value | undefined, text: string): boolean {
  if (typeof value === 'string') return value.includes(text)
  if (Array.isArray(value)) return value.some((item) => mentions(item, text))
  return isMap(value) && Object.values(value).some((item) => mentions(item, text))
}

function listOf(value: Value | undefined): Value[] {
  return Array.isArray(value) ? value : []
}

function resolveVariables(tree: ValueMap, env: Readonly<Record<string, string | undefined>>): ValueMap {
  const vars = isMap(tree['vars']) ? tree['vars'] : emptyMap()
  const open: string[] = []
  const lookup = (body: string, where: string, whole: boolean): Value => {
    const fromEnv = body.startsWith('env:')
    const { name, fallback } = splitDefault(fromEnv ? body.slice('env:'.length) : body)
    const missing = (what: string): Value => {
      if (fallback !== undefined) return whole ? typedText(fallback) : fallback
      throw new RuntimeError('NotFound', `config ${where}: ${what} ${JSON.stringify(name)} is not set`)
    }
    if (fromEnv) return env[name] ?? missing('environment variable')
    if (!Object.hasOwn(vars, name)) return missing('variable')
    if (open.includes(name)) {
      throw new RuntimeError('Invalid', `config vars.${name}: refers to itself (${[...open, name].join(' -> ')})`)
    }
    open.push(name)
    const value = expand(vars[name] ?? null, `vars.${name}`)
    open.pop()
    return value
  }
  const expand = (value: Value, where: string): Value => {
    if (typeof value === 'string') return replacePlaceholders(value, (body, whole) => lookup(body, where, whole))
    if (Array.isArray(value)) return value.map((item, index) => expand(item, `${where}[${index}]`))
    if (!isMap(value)) return value
    const map = emptyMap()
    for (const key of Object.keys(value)) map[key] = expand(value[key] ?? null, where === '' ? key : `${where}.${key}`)
    return map
  }
  return expand(tree, '') as ValueMap // a map stays a map
}

function flatten(map: ValueMap, prefix: string, into: Map<string, Value>): void {
  for (const key of Object.keys(map)) {
    const value = map[key] ?? null
    if (isMap(value)) flatten(value, `${prefix}.${key}`, into)
    else if (value !== null) into.set(`${prefix}.${key}`, value)
  }
}

/** Puts a value at a path of keys, with the maps that are missing on the way. */
function place(tree: ValueMap, [key = '', ...rest]: readonly string[], value: Value): void {
  if (rest.length === 0) {
    tree[key] = value
    return
  }
  const before = Object.hasOwn(tree, key) ? tree[key] : undefined
  const map = isMap(before) ? before : emptyMap()
  tree[key] = map
  place(map, rest, value)
}

function parseSet(argument: string): { section: string; path: string; value: Value } {
  const equals = argument.indexOf('=')
  const invalid = (reason: string): RuntimeError =>
    new RuntimeError('Invalid', `invalid --set "${argument}": ${reason}`)
  if (equals < 0) throw invalid('expected section.path=value')
  const key = argument.slice(0, equals).trim()
  if (!/^[^.]+(?:\.[^.]+)+$/.test(key)) throw invalid('key must be section.path (e.g. cluster.enabled)')
  const section = key.slice(0, key.indexOf('.'))
  if (section === 'components' || section === 'version' || section === 'profiles') {
    throw invalid(`${section} cannot be set on the command line`)
  }
  const text = argument.slice(equals + 1)
  // Only these spellings: `TRUE` is text here, unlike in `-o`.
  return {
    section,
    path: key.slice(section.length + 1),
    value: /^(?:true|false)$/i.test(text) && !/^(?:true|false)$/.test(text) ? text : commandLineValue(text),
  }
}

function fileOverrides(value: Value | undefined): Override[] {
  if (value === undefined || value === null) return []
  if (!isMap(value)) throw new RuntimeError('Invalid', 'config override must be a map of "ns:entry:path" to values')
  return Object.keys(value).map((key) => ({
    ...parseOverrideKey(key, (reason) => new RuntimeError('Invalid', `invalid override: ${key}: ${reason}`)),
    value: value[key] ?? null,
  }))
}

function componentFolders(value: Value | undefined, root: string): string[] {
  if (value === undefined || value === null) return []
  const list = Array.isArray(value) ? value : [value]
  return list.map((folder) => {
    if (typeof folder === 'string' && folder !== '') return join(resolve(root, folder))
    throw new RuntimeError('Invalid', 'config components must be a list of folders')
  })
}

/** `workspace.replacements`: folders by module, relative to the first file; null takes one of an earlier file back. */
function workspaceFolders(workspace: Value | undefined, folder: string): Map<string, string> {
  const replacements = isMap(workspace) ? workspace['replacements'] : workspace
  if (replacements === undefined || replacements === null) return new Map()
  const invalid = (reason: string): RuntimeError =>
    new RuntimeError('Invalid', `config workspace.replacements${reason}`)
  if (!isMap(replacements)) throw invalid(' must be a map of org/module to folders')
  const folders = new Map<string, string>()
  for (const [name, path] of Object.entries(replacements)) {
    if (!MODULE_NAME.test(name)) throw invalid(`: invalid module "${name}": invalid format (expected org/module)`)
    if (path === null || path === undefined) continue
    if (typeof path !== 'string' || path === '') throw invalid(`: ${name} must be a folder`)
    folders.set(name, resolve(folder, path))
  }
  return folders
}
