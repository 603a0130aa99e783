// All Lua entries and how they import each other: makes programs, refuses cycles and unknown imports, and rebuilds whatever
// reaches a changed library when the changeset commits (spec/hot-reload.md §2).

import type { Entry, Origin } from '../../core/entry.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { asMap, asName, asText, field, notA } from '../../core/field.ts'
import { parseId } from '../../core/id.ts'
import { sourceNotUtf8 } from '../../core/utf8.ts'
import { emptyMap, isMap } from '../../core/value.ts'
import { decodeLimits, type LimitOptions } from '../../lua/limit-options.ts'
import type { Code, Program } from '../../lua/program.ts'
import type { Erased } from '../../lua/typed/erase.ts'
import type { Participant } from '../../registry/kind.ts'

/** The fields all Lua entries share, checked. */
export interface LuaConfig {
  /** As written, types and all. */
  readonly source: string
  readonly method: string
  /** `{ json: 'json' }` from `modules`, and aliases from imports of modules (`imports: { j: json }`). */
  readonly modules: ReadonlyMap<string, string>
  /** Alias to entry id. */
  readonly imports: ReadonlyMap<string, string>
  readonly options: LuaOptions
}

/** How the code runs, as far as its entry says. */
export interface LuaOptions {
  readonly limits: LimitOptions
  /** Each process has a VM of its own. */
  readonly isolated: boolean
}

interface Node {
  readonly id: string
  readonly config: LuaConfig
  readonly origin: Origin
  readonly erased: Erased
  readonly library: boolean
  /** Takes the new program of an entry whose libraries changed. */
  readonly rebuild?: ((program: Program) => void) | undefined
}

export interface CodeBaseDeps {
  /** Erases types and checks the syntax; throws Invalid with line and column. */
  readonly erase: (source: string, id: string) => Erased
  /**
   * Refuses code that the linter refuses, when the configuration says so: throws Invalid. `libraries` are all it reaches
   * through imports.
   */
  readonly lint?: ((entry: Entry, libraries: readonly Entry[]) => void) | undefined
  readonly knownModule: (name: string) => boolean
  /** Modules only entries of a component or of the host may be granted (design DECISIONS, Provenance). */
  readonly guarded: ReadonlySet<string>
  /** Everything of a program but its code. Throws Invalid when the entry asks for more than its origin may have. */
  readonly policy: (id: string, origin: Origin, options: LuaOptions) => Omit<Program, 'code' | 'method'>
  /** Told of ids whose running processes now run old code, their own or a library's. */
  readonly outdated: (changes: ReadonlyMap<string, readonly string[]>) => void
}

export const noLuaOptions: LuaOptions = { limits: {}, isolated: false }

/** Reads the shared fields. Throws Invalid naming the entry and the field. */
export function decodeLua(entry: Entry, defaults: { method?: string; requireSource: boolean }): LuaConfig {
  const source = sourceOf(entry)
  if (source === '' && defaults.requireSource) throw invalid(entry, 'source is required')
  const method = field(entry, 'method', asName, defaults.method ?? '')
  const modules = new Map<string, string>()
  for (const name of field(entry, 'modules', asStrings, [])) {
    if (name.includes(':')) throw invalid(entry, `module cannot have a namespace: ${name}`)
    modules.set(name, name)
  }
  const imports = new Map<string, string>()
  for (const [alias, target] of Object.entries(field(entry, 'imports', asStringMap, {}))) {
    if (alias === '') throw invalid(entry, 'import alias cannot be empty')
    const id = parseId(target)
    if (id.name === '') throw invalid(entry, `import ${alias}: name of ${JSON.stringify(target)} is empty`)
    // An import without a namespace is a module under another name (spec/registry.md §4).
    if (id.ns === '') modules.set(alias, id.name)
    else imports.set(alias, target)
  }
  return { source, method, modules, imports, options: decodeOptions(entry) }
}

/** `options: { isolation, limits }`. */
function decodeOptions(entry: Entry): LuaOptions {
  const options = { ...entry, data: field(entry, 'options', asMap, emptyMap()) }
  const where = `entry ${entry.id}: options`
  const isolation = field(options, 'isolation', (value) => asText(value, `${where}.isolation`), 'program')
  if (isolation !== 'program' && isolation !== 'process') {
    throw notA(`${where}.isolation`, isolation, 'program or process')
  }
  const limits = field(options, 'limits', (value) => asMap(value, `${where}.limits`), emptyMap())
  return {
    limits: decodeLimits(limits, `${where}.limits`),
    isolated: isolation === 'process',
  }
}

function sourceOf(entry: Entry): string {
  const fault = sourceNotUtf8(entry)
  if (fault !== undefined) throw invalid(entry, fault)
  return field(entry, 'source', asSource, '')
}

function asSource(value: unknown, what: string): string {
  if (typeof value !== 'string') throw notA(what, value, 'Lua source text')
  return value
}

function asStrings(value: unknown, what: string): string[] {
  // Lua's `{}` is a list and a map alike: a tool without modules says `modules = {}`.
  if (isMap(value) && Object.keys(value).length === 0) return []
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string' || item === '')) {
    throw notA(what, value, 'a list of names')
  }
  return value as string[]
}

function asStringMap(value: unknown, what: string): Record<string, string> {
  if (Array.isArray(value) && value.length === 0) return {}
  if (!isMap(value) || Object.values(value).some((item) => typeof item !== 'string')) {
    throw notA(what, value, 'a map of alias to entry id')
  }
  return value as unknown as Record<string, string>
}

function unknownNode(id: string, why: string): RuntimeError {
  return new RuntimeError('NotFound', `node with ID ${id} not found (${why})`, { retryable: false })
}

function cycle(id: string, target: string): RuntimeError {
  return moduleError('Invalid', `adding dependency would create a cycle: ${id} imports ${target}`)
}

function invalid(entry: Entry, message: string): RuntimeError {
  return moduleError('Invalid', `entry ${entry.id}: ${message}`)
}

export class CodeBase implements Participant {
  readonly #deps: CodeBaseDeps
  readonly #nodes = new Map<string, Node>()
  /** Who imports each id. */
  readonly #importers = new Map<string, Set<string>>()
  /** Compiled libraries by node: shared by every program that reaches them. */
  readonly #codes = new Map<Node, Code>()
  #changed = new Set<string>()
  /** The code of changed entries as the changeset found it: to go back to it is never refused. */
  #before = new Map<string, LuaConfig | undefined>()
  /** Code of this changeset that waits for what it imports. */
  readonly #waiting = new Map<string, LuaConfig>()

  constructor(deps: CodeBaseDeps) {
    this.#deps = deps
  }

  /** Adds or replaces an entry's code. Throws NotFound for an unknown import or module, Invalid for bad syntax or a cycle. */
  set(entry: Entry, config: LuaConfig, origin: Origin, rebuild?: (program: Program) => void): void {
    this.#checkModules(entry.id, config, origin)
    this.#deps.policy(entry.id, origin, config.options)
    for (const target of config.imports.values()) {
      if (target !== entry.id && this.#nodes.get(target)?.library !== true) {
        this.#waiting.set(entry.id, config)
        if (this.#waitsFor(target, entry.id)) throw cycle(entry.id, target)
        throw unknownNode(target, `imported by ${entry.id}`)
      }
      if (target === entry.id || this.#reaches(target, entry.id)) {
        throw cycle(entry.id, target)
      }
    }
    const erased = this.#deps.erase(config.source, entry.id)
    if (this.#before.get(entry.id)?.source !== config.source) this.#lint({ id: entry.id, config, origin })
    this.remove(entry.id, true)
    this.#waiting.delete(entry.id)
    this.#nodes.set(entry.id, { id: entry.id, config, origin, erased, library: entry.kind === 'library.lua', rebuild })
    for (const target of config.imports.values()) {
      const importers = this.#importers.get(target)
      if (importers === undefined) this.#importers.set(target, new Set([entry.id]))
      else importers.add(entry.id)
    }
    this.#changed.add(entry.id)
  }

  /** Removes an entry. Throws Conflict while others import it, unless it is being replaced. */
  remove(id: string, replacing = false): void {
    const node = this.#nodes.get(id)
    if (!this.#before.has(id)) this.#before.set(id, node?.config)
    if (node === undefined) return
    const importer = [...(this.#importers.get(id) ?? [])][0]
    if (importer !== undefined && !replacing) {
      throw moduleError('Conflict', `cannot remove node ${id}: it has incoming dependencies from node ${importer}`)
    }
    for (const target of node.config.imports.values()) this.#importers.get(target)?.delete(id)
    this.#codes.delete(node)
    this.#nodes.delete(id)
  }

  /** Code of modules is their author's: it runs as it was published. */
  #lint({ id, config, origin }: Pick<Node, 'id' | 'config' | 'origin'>): void {
    if (this.#deps.lint === undefined || origin === 'component' || origin === 'pack') return
    const libraries = new Map<string, Entry>()
    const reach = ({ imports }: LuaConfig): void => {
      for (const target of imports.values()) {
        const library = this.#nodes.get(target)
        if (library === undefined || libraries.has(target)) continue
        libraries.set(target, asEntry(target, library.config))
        reach(library.config)
      }
    }
    reach(config)
    this.#deps.lint(asEntry(id, config), [...libraries.values()])
  }

  #checkModules(id: string, config: LuaConfig, origin: Origin): void {
    for (const name of config.modules.values()) {
      const granted =
        this.#deps.knownModule(name) &&
        (!this.#deps.guarded.has(name) || origin === 'component' || origin === 'pack' || origin === 'host')
      if (granted) continue
      throw unknownNode(name, `module of ${id}`)
    }
  }

  #reaches(from: string, to: string): boolean {
    const node = this.#nodes.get(from)
    if (node === undefined) return false
    return [...node.config.imports.values()].some((target) => target === to || this.#reaches(target, to))
  }

  /** Whether new code cannot be there before other new code is, which waits for it. */
  #waitsFor(from: string, to: string, seen = new Set<string>()): boolean {
    const config = this.#waiting.get(from)
    if (config === undefined || seen.has(from)) return false
    seen.add(from)
    return [...config.imports.values()].some((target) => target === to || this.#waitsFor(target, to, seen))
  }

  /** The program of an entry with the code of this moment. */
  program(id: string): Program {
    const node = this.#node(id)
    return {
      code: this.#code(node),
      method: node.config.method,
      ...this.#deps.policy(id, node.origin, node.config.options),
    }
  }

  /**
   * A program of code that is no entry, under the rules for code made at run time; `given` are libraries that are none
   * either. Without a method the chunk itself is called. Throws as `set` does.
   */
  loose(id: string, config: LuaConfig, given: ReadonlyMap<string, Code>): Program {
    this.#checkModules(id, config, 'runtime')
    const imports = new Map(given)
    for (const [alias, target] of config.imports) {
      if (this.#nodes.get(target)?.library !== true) throw unknownNode(target, `imported by ${id}`)
      imports.set(alias, this.#code(this.#node(target)))
    }
    const { source, needsTypes } = this.#deps.erase(config.source, id)
    const whole = config.method === ''
    const code: Code = {
      id,
      source: whole ? `return { main = function(...) ${source}\nend }` : source,
      needsTypes,
      modules: config.modules,
      imports,
    }
    return { code, method: whole ? 'main' : config.method, ...this.#deps.policy(id, 'runtime', config.options) }
  }

  #node(id: string): Node {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new RuntimeError('NotFound', `node with ID ${id} not found`, { retryable: false })
    return node
  }

  #code(node: Node): Code {
    const known = this.#codes.get(node)
    if (known !== undefined) return known
    const imports = new Map(
      [...node.config.imports].map(([alias, target]) => [alias, this.#code(this.#node(target))] as const),
    )
    const code: Code = { id: node.id, ...node.erased, modules: node.config.modules, imports }
    this.#codes.set(node, code)
    return code
  }

  // ---- changesets ----

  begin(): void {
    this.#changed = new Set()
    this.#before = new Map()
    this.#waiting.clear()
  }

  /** Everything that reaches a changed entry gets new code; a failure rejects the changeset. */
  commit(): void {
    this.#rebuild(true)
  }

  #rebuild(linted: boolean): void {
    const sources = new Map<string, Set<string>>()
    const mark = (id: string, source: string): void => {
      const known = sources.get(id)
      if (known?.has(source) === true) return
      if (known === undefined) sources.set(id, new Set([source]))
      else known.add(source)
      for (const importer of this.#importers.get(id) ?? []) mark(importer, source)
    }
    for (const id of this.#changed) mark(id, id)
    if (linted) this.#lintImporters(sources.keys())
    for (const id of sources.keys()) {
      const node = this.#nodes.get(id)
      if (node !== undefined) this.#codes.delete(node)
    }
    for (const id of sources.keys()) {
      const node = this.#nodes.get(id)
      if (node?.rebuild !== undefined) node.rebuild(this.program(id))
    }
    this.#changed = new Set()
    if (sources.size > 0) this.#deps.outdated(new Map([...sources].map(([id, from]) => [id, [...from]])))
  }

  /** Those whose own code stayed, but not that of their libraries. */
  #lintImporters(ids: Iterable<string>): void {
    for (const id of ids) {
      const node = this.#nodes.get(id)
      if (node !== undefined && (!this.#changed.has(id) || this.#before.get(id)?.source === node.config.source)) {
        this.#lint(node)
      }
    }
  }

  /** The entries are back as they were: whoever was rebuilt for them is rebuilt once more. */
  discard(): void {
    this.#rebuild(false)
  }
}

/** What the linter reads of an entry. */
function asEntry(id: string, { source, imports }: LuaConfig): Entry {
  return { id, kind: 'library.lua', meta: {}, data: { source, imports: Object.fromEntries(imports) } }
}
