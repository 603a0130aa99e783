// The only importer of yaml: text to values by the rules of Go's yaml.v3, with the place of every failure and of every field.
// The package finds the structure; scalars, merges, anchors and duplicate keys are decided here, within bounds.
// It is loaded at the first decode only: a start from cached definitions never pays for it.

import { createRequire } from 'node:module'
import type { CST, Document, LineCounter, Node, Pair, Scalar as ScalarNode, YAMLMap, YAMLSeq } from 'yaml'
import { RuntimeError } from '../core/error.ts'
import { cloneValue, emptyMap, isMap, type Value, type ValueMap } from '../core/value.ts'
import { resolveScalar, timestampSeconds } from './yaml-scalar.ts'

export { encodeYaml } from './yaml-encode.ts'

/** A place in a text, both counted from 1. */
export interface Mark {
  readonly line: number
  readonly column: number
}

/** Text that is not acceptable YAML. `message` starts with `yaml: line N:`; `snippet` shows the line with a caret. */
export class YamlError extends RuntimeError {
  readonly reason: string
  readonly mark: Mark
  readonly snippet: string

  constructor(reason: string, mark: Mark, snippet: string) {
    // In the details too: they survive wrapping, so that whoever prints the error at last can show the line.
    super('Invalid', `yaml: line ${mark.line}: ${reason}`, {
      details: { line: mark.line, column: mark.column, snippet },
    })
    this.reason = reason
    this.mark = mark
    this.snippet = snippet
  }
}

export interface DecodeOptions {
  /** What an unquoted date becomes: the text as written (default), or seconds since 1970. */
  readonly timestamps?: 'text' | 'seconds'
}

export interface YamlDocument {
  readonly value: Value
  /** True when other documents follow the first; they are not read. */
  readonly more: boolean
  /** Where a map or list of `value` starts, or where its field stands. */
  markOf(container: Value, field?: string | number): Mark | undefined
}

const MAX_DEPTH = 500
const MAX_ALIAS_NODES = 100_000

/** The value of the first document of a text; empty text is null. Throws YamlError. */
export function decodeYaml(text: string, options: DecodeOptions = {}): Value {
  return readYaml(text, options).value
}

/** The same, keeping where everything stands. */
export function readYaml(text: string, options: DecodeOptions = {}): YamlDocument {
  const yaml = yamlPackage()
  const lines = new yaml.LineCounter()
  const fail = (reason: string, offset: number): YamlError => {
    const mark = markAt(lines, offset)
    return new YamlError(reason, mark, caret(text, mark))
  }
  const document = parse(yaml, text, lines, fail)
  const more = document.errors.some((error) => error.code === 'MULTIPLE_DOCS')
  const first = document.errors.find((error) => error.code !== 'MULTIPLE_DOCS')
  if (first !== undefined) throw fail(reasonOf(first.message), first.pos[0])
  const offsets = new WeakMap<object, Offsets>()
  const reader = new Reader(yaml, options.timestamps ?? 'text', offsets, fail)
  const value = document.contents === null ? null : reader.read(document.contents, 0)
  return {
    value,
    more,
    markOf(container, field) {
      const places = typeof container === 'object' && container !== null ? offsets.get(container) : undefined
      const offset = field === undefined ? places?.start : places?.fields.get(String(field))
      return offset === undefined ? undefined : markAt(lines, offset)
    },
  }
}

/**
 * The first document, with an error when others follow: the package's `parseDocument`, but for the bound on nesting. Its composer
 * recurses, and a stack that ends while V8 compiles an expression of its ends the operating system's process.
 */
function parse(
  yaml: YamlPackage,
  text: string,
  lines: LineCounter,
  fail: (reason: string, offset: number) => YamlError,
): Document.Parsed {
  const parser = new yaml.Parser(lines.addNewLine)
  function* tokens(): Generator<CST.Token, void> {
    lines.addNewLine(0)
    for (const lexeme of new yaml.Lexer().lex(text)) {
      yield* parser.next(lexeme)
      if (parser.stack.length > MAX_DEPTH + 2) throw fail('nested too deeply', parser.offset)
    }
    yield* parser.end()
  }
  const composer = new yaml.Composer({
    schema: 'failsafe',
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
  })
  let first: Document.Parsed | undefined
  for (const document of composer.compose(tokens(), true, text.length)) {
    if (first !== undefined) {
      first.errors.push(new yaml.YAMLParseError([document.range[0], document.range[1]], 'MULTIPLE_DOCS', 'another'))
      break
    }
    first = document
  }
  if (first === undefined) throw fail('document expected', 0) // the composer was told to give one even of nothing
  return first
}

/** The line a mark points at with a caret under its column, as shown below an error message. */
export function caret(text: string, mark: Mark): string {
  const line = (text.split('\n', mark.line)[mark.line - 1] ?? '').replace(/\r$/, '')
  const start = Math.max(0, mark.column - 81)
  const shown = line.slice(start, start + 120)
  const label = `${mark.line} | `
  // Tabs stay tabs under tabs, so that the caret lands where the eye expects it.
  const pad = shown.slice(0, mark.column - 1 - start).replace(/[^\t]/g, ' ')
  return `${label}${shown}\n${' '.repeat(label.length)}${pad}^`
}

interface Offsets {
  readonly start: number
  readonly fields: Map<string, number>
}

type YamlPackage = typeof import('yaml')

function yamlPackage(): YamlPackage {
  // Node keeps loaded modules: this costs a map lookup after the first call.
  return createRequire(import.meta.url)('yaml') as YamlPackage // the types of the very package
}

function markAt(lines: LineCounter, offset: number): Mark {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

/** The package speaks of its grammar; these say what a person most likely did. */
const plainReasons: readonly (readonly [RegExp, string])[] = [
  [/^Tabs are not allowed/, 'tabs cannot indent, use spaces'],
  [/must start at the same column|without - indicator/, 'the indentation fits none of the lines above'],
  [
    /^Nested mappings are not allowed/,
    'unexpected second ": ": quote the value, or check the indentation of the next line',
  ],
  [/^A block sequence may not be used/, 'the indentation of this list fits none of the lines above'],
  [/^Implicit keys need to be on a single line/, 'expected "key: value", with a space after the colon'],
  [/^Implicit map keys need to be followed/, 'expected a colon and a space after this key'],
  [/^Unexpected scalar at node end/, 'unexpected text after a complete value, check the indentation'],
  [/^Unexpected block-seq-ind on same line/, 'a list starts on the line after its key'],
  [/and end with a ([\]}])/, 'a bracket is not closed before this line: $1 is missing'],
  [/^Missing closing (["'])quote/, 'a quoted text is not closed: $1 is missing'],
  [
    /^Plain value cannot start with (?:reserved character|directive indicator character) (.)/,
    'a value that starts with $1 must be quoted',
  ],
  [/^Unexpected \S+ token in YAML stream: "(.*)"/, 'unexpected $1'],
]

function reasonOf(message: string): string {
  const known = plainReasons.find(([pattern]) => pattern.test(message))
  if (known !== undefined) return known[0].exec(message)?.[0].replace(known[0], known[1]) ?? message
  return message.charAt(0).toLowerCase() + message.slice(1)
}

interface Anchor {
  readonly value: Value
  readonly size: number
}

/** Turns nodes into values, in document order, so that an alias sees the anchors before it. */
class Reader {
  readonly #yaml: YamlPackage
  readonly #timestamps: 'text' | 'seconds'
  readonly #offsets: WeakMap<object, Offsets>
  readonly #fail: (reason: string, offset: number) => YamlError
  readonly #anchors = new Map<string, Anchor | 'open'>()
  #aliasNodes = 0

  constructor(
    yaml: YamlPackage,
    timestamps: 'text' | 'seconds',
    offsets: WeakMap<object, Offsets>,
    fail: (reason: string, offset: number) => YamlError,
  ) {
    this.#yaml = yaml
    this.#timestamps = timestamps
    this.#offsets = offsets
    this.#fail = fail
  }

  read(node: unknown, depth: number): Value {
    const { isAlias, isMap: isMapNode, isScalar, isSeq } = this.#yaml
    if (isAlias(node)) return this.#alias(node.source, startOf(node))
    if (!isMapNode(node) && !isSeq(node) && !isScalar(node)) return null
    if (depth > MAX_DEPTH) throw this.#fail(`nested deeper than ${MAX_DEPTH} levels`, startOf(node))
    const anchor = node.anchor
    if (anchor !== undefined) this.#anchors.set(anchor, 'open')
    const value = isScalar(node)
      ? this.#scalar(node)
      : isMapNode(node)
        ? this.#map(node, depth)
        : this.#list(node, depth)
    if (anchor !== undefined) this.#anchors.set(anchor, { value, size: nodesIn(value) })
    return value
  }

  #alias(name: string, offset: number): Value {
    const anchor = this.#anchors.get(name)
    if (anchor === undefined) throw this.#fail(`unknown anchor '${name}' referenced`, offset)
    if (anchor === 'open') throw this.#fail(`anchor '${name}' value contains itself`, offset)
    this.#aliasNodes += anchor.size
    if (this.#aliasNodes > MAX_ALIAS_NODES) throw this.#fail('document contains excessive aliasing', offset)
    return cloneValue(anchor.value)
  }

  #list(node: YAMLSeq<unknown>, depth: number): Value {
    const list: Value[] = []
    const fields = new Map<string, number>()
    for (const [index, item] of node.items.entries()) {
      fields.set(String(index), startOf(item))
      list.push(this.read(item, depth + 1))
    }
    this.#offsets.set(list, { start: startOf(node), fields })
    return list
  }

  #map(node: YAMLMap<unknown, unknown>, depth: number): Value {
    const map = emptyMap()
    const fields = new Map<string, number>()
    const merges: Value[] = []
    for (const pair of node.items) {
      const offset = startOf(pair.key ?? node)
      const key = this.#key(pair, offset)
      if (key === MERGE) {
        this.#merge(this.read(pair.value, depth + 1), merges, offset)
        continue
      }
      const before = fields.get(key)
      if (before !== undefined) throw this.#fail(`mapping key ${JSON.stringify(key)} already defined`, offset)
      fields.set(key, offset)
      map[key] = this.read(pair.value, depth + 1)
    }
    // Own fields win over merged ones, earlier merges over later ones, wherever `<<` stands.
    for (const source of merges.filter(isMap)) {
      for (const key of Object.keys(source)) {
        if (!Object.hasOwn(map, key)) map[key] = source[key] ?? null
      }
    }
    this.#offsets.set(map, { start: startOf(node), fields })
    return map
  }

  #key(pair: Pair<unknown, unknown>, offset: number): string | typeof MERGE {
    if (isMergeKey(this.#yaml, pair.key)) return MERGE
    // Looked at before it is read, which a key has no depth left for; after it too, for what an alias brings.
    const key = this.#yaml.isCollection(pair.key) ? emptyMap() : this.read(pair.key, MAX_DEPTH)
    if (typeof key === 'object' && key !== null) throw this.#fail('a list or map cannot be a key', offset)
    return key === null ? 'null' : String(key)
  }

  #merge(value: Value, merges: Value[], offset: number): void {
    const sources = Array.isArray(value) ? value : [value]
    if (!sources.every(isMap)) throw this.#fail('map merge requires map or sequence of maps as the value', offset)
    merges.push(...sources)
  }

  #scalar(node: ScalarNode<unknown>): Value {
    const text = node.source ?? String(node.value ?? '')
    const tag = node.tag?.replace('tag:yaml.org,2002:', '!!')
    if (tag === undefined) {
      if (node.type !== 'PLAIN') return text
      const { type, value } = resolveScalar(text)
      return type === 'timestamp' && this.#timestamps === 'seconds' ? (timestampSeconds(text) ?? text) : value
    }
    const read = tagged[tag]
    if (read === undefined) return text
    const value = read(text)
    if (value === undefined) throw this.#fail(`cannot decode ${JSON.stringify(text)} as a ${tag}`, startOf(node))
    return value
  }
}

const MERGE = Symbol('<<')

function isMergeKey(yaml: YamlPackage, key: unknown): boolean {
  return yaml.isScalar(key) && key.type === 'PLAIN' && key.source === '<<' && key.tag === undefined
}

/** What an explicit tag makes of a scalar; undefined refuses it. An unknown tag leaves the text. */
const tagged: Readonly<Record<string, (text: string) => Value | undefined>> = {
  '!!str': (text) => text,
  '!!int': (text) => ofType(text, 'int'),
  '!!float': (text) => ofType(text, 'float') ?? ofType(text, 'int'),
  '!!bool': (text) => ofType(text, 'bool'),
  '!!null': (text) => ofType(text, 'null'),
  '!!timestamp': (text) => ofType(text, 'timestamp'),
  '!!binary': (text) => {
    const compact = text.replace(/\s+/g, '')
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.length % 4 !== 0) return undefined
    const bytes = Buffer.from(compact, 'base64')
    const string = bytes.toString('utf8')
    return Buffer.from(string, 'utf8').equals(bytes) ? string : new Uint8Array(bytes)
  },
}

function ofType(text: string, type: string): Value | undefined {
  const scalar = resolveScalar(text)
  return scalar.type === type ? scalar.value : undefined
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0
}

function nodesIn(value: Value): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + nodesIn(item), 1)
  if (!isMap(value)) return 1
  return Object.values(value as ValueMap).reduce<number>((sum, item) => sum + nodesIn(item), 1)
}
