// The work that is handed to other threads: functions of plain values, each loaded when it is first needed.

import type { Value } from '../core/value.ts'
import type { Schema, SchemaCache, SchemaProblem } from '../external/ajv.ts'
import type { DiffOptions, Edit, Patch } from '../external/diff.ts'
import type { MarkdownBlock } from '../external/marked.ts'
import type { Match, Regex } from '../external/re2.ts'
import type { DecodeOptions } from '../external/yaml.ts'
import type { EncodeOptions } from '../external/yaml-encode.ts'
import type { Piece } from './pieces.ts'

/** The tasks of one thread, with what they keep between jobs. */
export function createTasks() {
  let cache: Promise<SchemaCache> | undefined
  const schemas = async (): Promise<SchemaCache> =>
    (cache ??= import('../external/ajv.ts').then(({ schemaCache }) => schemaCache(CACHED_SCHEMAS)))
  const regexes = new Map<string, Regex>()
  const regex = async (pattern: string): Promise<Regex> => {
    const compiled = regexes.get(pattern) ?? (await import('../external/re2.ts')).compileRegex(pattern)
    regexes.delete(pattern)
    regexes.set(pattern, compiled)
    for (const oldest of regexes.keys()) if (regexes.size > CACHED_REGEXES) regexes.delete(oldest)
    return compiled
  }
  return {
    'yaml.decode': async (text: string, options: DecodeOptions): Promise<Value> =>
      (await import('../external/yaml.ts')).decodeYaml(text, options),
    'yaml.encode': async (value: Value, options: EncodeOptions): Promise<string> =>
      (await import('../external/yaml-encode.ts')).encodeYaml(value, options),
    'schema.check': async (schema: Schema, text: string, fromLua: boolean): Promise<SchemaProblem[]> =>
      (await schemas()).get(schema).check(JSON.parse(text), fromLua),
    'diff.texts': async (before: string, after: string, options: DiffOptions): Promise<Edit[]> =>
      (await import('../external/diff.ts')).diffTexts(before, after, options),
    'diff.patches': async (before: string, after: string, options: DiffOptions): Promise<Patch[]> =>
      (await import('../external/diff.ts')).makePatches(before, after, options),
    'diff.apply': async (patches: readonly Patch[], text: string, options: DiffOptions): Promise<[string, boolean]> =>
      (await import('../external/diff.ts')).applyPatches(patches, text, options),
    'markdown.blocks': async (text: string): Promise<MarkdownBlock[]> =>
      (await import('../external/marked.ts')).markdownBlocks(text),
    'regex.compile': async (pattern: string): Promise<{ groups: number; groupNames: readonly string[] }> => {
      const { groups, groupNames } = await regex(pattern)
      return { groups, groupNames }
    },
    'regex.matches': async (pattern: string, source: Uint8Array): Promise<boolean> =>
      (await regex(pattern)).matchBytes(source),
    'regex.find': async (pattern: string, source: Uint8Array): Promise<Match | undefined> =>
      (await regex(pattern)).find(source),
    /** One match after the other, all of the same length. */
    'regex.findAll': async (pattern: string, source: Uint8Array, limit: number): Promise<Int32Array> =>
      flat((await regex(pattern)).findAll(source, limit)),
    'regex.replaceAll': async (pattern: string, source: Uint8Array, template: Uint8Array): Promise<Uint8Array> =>
      (await regex(pattern)).replaceAll(source, template),
    'regex.split': async (pattern: string, source: Uint8Array, limit: number): Promise<Uint8Array[]> =>
      (await regex(pattern)).split(source, limit),
  } as const
}

const CACHED_SCHEMAS = 256
const CACHED_REGEXES = 32

function flat(matches: readonly Match[]): Int32Array {
  const width = matches[0]?.length ?? 0
  const offsets = new Int32Array(matches.length * width)
  for (const [i, match] of matches.entries()) offsets.set(match, i * width)
  return offsets
}

export type Tasks = ReturnType<typeof createTasks>
export type TaskName = keyof Tasks

export interface Job {
  readonly id: number
  readonly task: TaskName
  readonly args: readonly unknown[]
}

/** What a thread is told when a piece has been taken: the next may come. */
export const TAKEN = 'taken'

/** What a thread answers: pieces of a value, and after them that it is whole; or the parts of a RuntimeError. */
export type Answer =
  | { readonly id: number; readonly piece: Piece }
  | { readonly id: number; readonly cpu: number }
  | { readonly id: number; readonly cpu: number; readonly kind: string; readonly message: string }
