// Reads all definition files of one source folder into entries. A file with a fault is reported and left out,
// or stands with its last good reading when there is one (design/PROMISES.md P9).

import { join, relative, sep } from 'node:path'
import type { Entry, Origin } from '../core/entry.ts'
import { asRuntimeError, errorText } from '../core/error.ts'
import { formatId } from '../core/id.ts'
import { emptyMap, isMap, type Value, type ValueMap } from '../core/value.ts'
import { caret, YamlError } from '../external/yaml.ts'
import { definedEntries, markOf, namespaceOf } from './definition.ts'
import type { Diagnostic } from './diagnostic.ts'
import { type InterpolatedFile, interpolate } from './interpolate.ts'
import type { GoodReading, ReadEntry, SourceCache } from './source-cache.ts'
import { SourceRoot, type WalkOptions } from './source-root.ts'

/** An entry with where it was read. */
export interface LoadedEntry {
  readonly entry: Entry
  readonly origin: Origin
  readonly file: string
  readonly line: number
  readonly column: number
  /** The definition file, then the files whose content is in the entry. */
  readonly files: readonly string[]
  /** The file that the field `source` is the content of. */
  readonly sourceFile: string | undefined
  readonly module: string | undefined
}

export interface SourceReading {
  readonly entries: LoadedEntry[]
  readonly diagnostics: Diagnostic[]
  /** All definition files found, those without a namespace too. */
  readonly found: readonly string[]
  /** Definition files with a fault. */
  readonly broken: readonly string[]
}

export interface SourceDescription {
  readonly folder: string
  readonly origin: Origin
  /** The module whose entries these are: put into their meta. */
  readonly module?: { readonly name: string; readonly version: string | undefined }
  readonly walk?: WalkOptions
  /** Reads these files alone, as slash-separated paths from the folder, instead of looking for all. */
  readonly only?: readonly string[]
}

/** All entries of a source folder, with what is wrong with its files. Never throws. */
export function readSource(source: SourceDescription, cache: SourceCache): SourceReading {
  const root = new SourceRoot(source.folder)
  const entries: LoadedEntry[] = []
  const diagnostics: Diagnostic[] = []
  const found: string[] = []
  const broken: string[] = []
  // What was read there before stays, file by file.
  const outOfReach: string[] = []
  const unreadable = (folder: string, reason: string): void => {
    const good = cache.goodBelow(folder)
    outOfReach.push(...good.map((file) => relative(source.folder, file).replaceAll(sep, '/')))
    if (good.length === 0)
      diagnostics.push({ level: 'error', file: folder, message: `${reason}; the folder is skipped` })
  }
  const definitions = source.only ?? root.definitions({ ...source.walk, unreadable })
  for (const inside of [...definitions, ...outOfReach]) {
    const file = join(source.folder, ...inside.split('/'))
    found.push(file)
    const { reading, faults, isBroken } = readFile(file, inside, root, cache)
    diagnostics.push(...faults)
    if (isBroken) broken.push(file)
    for (const defined of reading.entries) entries.push(loadedEntry(defined, file, source))
  }
  return { entries, diagnostics, found, broken }
}

interface FileReading {
  readonly reading: GoodReading
  readonly faults: Diagnostic[]
  readonly isBroken: boolean
}

const NOTHING: GoodReading = { entries: [] }

function readFile(file: string, inside: string, root: SourceRoot, cache: SourceCache): FileReading {
  const before = cache.lastGood(file)
  try {
    root.locate(inside)
    const definition = cache.definition(file)
    const { tree, files } = interpolate(definition, inside, root, (path) => cache.content(path))
    const ns = namespaceOf(tree)
    if (ns === undefined) {
      if (before === undefined || before.entries.length === 0) return { reading: NOTHING, faults: [], isBroken: false }
      // Half-written, most likely: an editor empties a file before it fills it.
      const message = 'has no namespace any more'
      return {
        reading: before,
        faults: [fault(file, message, before, 'delete the file to remove its entries')],
        isBroken: true,
      }
    }
    const entries = definedEntries(definition, tree, ns)
    const reading = { entries: entries.map((entry, index) => ({ ...entry, ...filesOf(index, file, files, tree) })) }
    cache.keepGood(file, reading)
    const more: Diagnostic = { level: 'warn', file, message: 'only the first YAML document of the file is read' }
    return { reading, faults: definition.more ? [more] : [], isBroken: false }
  } catch (error) {
    return { reading: before ?? NOTHING, faults: [faultOf(error, file, before, cache)], isBroken: true }
  }
}

/** What of the interpolated files is in the entry at an index; what stands outside of `entries` is in all of them. */
function filesOf(
  index: number,
  file: string,
  interpolated: readonly InterpolatedFile[],
  tree: Value,
): Pick<ReadEntry, 'files' | 'sourceFile'> {
  const isBatch = isMap(tree) && Array.isArray(tree['entries']) && tree['entries'].length > 0
  const own = interpolated.filter(({ path }) => !isBatch || path[0] !== 'entries' || path[1] === index)
  const source = own.find(({ path }) => isSource(isBatch ? path.slice(2) : path))
  return { files: [...new Set([file, ...own.map((item) => item.file)])], sourceFile: source?.file }
}

function isSource(path: readonly (string | number)[]): boolean {
  return path.join('.') === 'source' || path.join('.') === 'data.source'
}

function fault(file: string, message: string, before: GoodReading | undefined, hint?: string): Diagnostic {
  const consequence = before === undefined ? 'the file is skipped' : 'its last good entries stay'
  return { level: 'error', file, message: `${message}; ${consequence}`, ...(hint === undefined ? {} : { hint }) }
}

function faultOf(error: unknown, file: string, before: GoodReading | undefined, cache: SourceCache): Diagnostic {
  const mark = markOf(error)
  const reason = error instanceof YamlError ? error.reason : reasonText(error)
  const diagnostic = fault(file, reason, before)
  if (mark === undefined) return diagnostic
  const snippet = error instanceof YamlError ? error.snippet : snippetOf(file, mark, cache)
  return { ...diagnostic, line: mark.line, column: mark.column, ...(snippet === undefined ? {} : { snippet }) }
}

/** File system errors carry the path, which the diagnostic has already. */
function reasonText(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  return code === undefined ? errorText(error) : asRuntimeError(error).message.replace(/^\w+: /, '')
}

function snippetOf(file: string, mark: { line: number; column: number }, cache: SourceCache): string | undefined {
  const text = cache.content(file)
  return typeof text === 'string' ? caret(text, mark) : undefined
}

function loadedEntry(read: ReadEntry, file: string, { module, origin }: SourceDescription): LoadedEntry {
  const { ns, name, kind, data, mark, files, sourceFile } = read
  return {
    entry: { id: formatId(ns, name), kind, meta: withModule(read.meta, module), data },
    origin,
    file,
    line: mark.line,
    column: mark.column,
    files,
    sourceFile,
    module: module?.name,
  }
}

function withModule(meta: ValueMap, module: SourceDescription['module']): ValueMap {
  if (module === undefined) return meta
  const own: ValueMap = Object.assign(emptyMap(), meta, { module: module.name })
  if (module.version !== undefined) own['module_version'] = module.version
  return own
}
