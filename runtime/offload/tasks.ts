// The work that is handed to other threads: pure functions of plain values, each loaded when it is first needed.

import type { Value } from '../core/value.ts'
import type { DiffOptions, Edit, Patch } from '../external/diff.ts'
import type { Match, Regex } from '../external/re2.ts'
import type { DecodeOptions } from '../external/yaml.ts'
import type { EncodeOptions } from '../external/yaml-encode.ts'

export const tasks = {
  'yaml.decode': async (text: string, options: DecodeOptions): Promise<Value> =>
    (await import('../external/yaml.ts')).decodeYaml(text, options),
  'yaml.encode': async (value: Value, options: EncodeOptions): Promise<string> =>
    (await import('../external/yaml-encode.ts')).encodeYaml(value, options),
  'diff.texts': async (before: string, after: string, options: DiffOptions): Promise<Edit[]> =>
    (await import('../external/diff.ts')).diffTexts(before, after, options),
  'diff.patches': async (before: string, after: string, options: DiffOptions): Promise<Patch[]> =>
    (await import('../external/diff.ts')).makePatches(before, after, options),
  'diff.apply': async (patches: readonly Patch[], text: string, options: DiffOptions): Promise<[string, boolean]> =>
    (await import('../external/diff.ts')).applyPatches(patches, text, options),
  'regex.matches': async (pattern: string, source: Uint8Array): Promise<boolean> =>
    (await regex(pattern)).matchBytes(source),
  'regex.find': async (pattern: string, source: Uint8Array): Promise<Match | undefined> =>
    (await regex(pattern)).find(source),
  'regex.findAll': async (pattern: string, source: Uint8Array, limit: number): Promise<Match[]> =>
    (await regex(pattern)).findAll(source, limit),
  'regex.replaceAll': async (pattern: string, source: Uint8Array, template: Uint8Array): Promise<Uint8Array> =>
    (await regex(pattern)).replaceAll(source, template),
  'regex.split': async (pattern: string, source: Uint8Array, limit: number): Promise<Uint8Array[]> =>
    (await regex(pattern)).split(source, limit),
} as const

async function regex(pattern: string): Promise<Regex> {
  return (await import('../external/re2.ts')).compileRegex(pattern)
}

export type Tasks = typeof tasks
export type TaskName = keyof Tasks

export interface Job {
  readonly id: number
  readonly task: TaskName
  readonly args: readonly unknown[]
}

/** What a thread answers: a value, or the parts of a RuntimeError. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly kind: string; readonly message: string }
