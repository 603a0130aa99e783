// The work that is handed to other threads: pure functions of plain values, each loaded when it is first needed.

import type { Value } from '../core/value.ts'
import type { DecodeOptions } from '../external/yaml.ts'
import type { EncodeOptions } from '../external/yaml-encode.ts'

export const tasks = {
  'yaml.decode': async (text: string, options: DecodeOptions): Promise<Value> =>
    (await import('../external/yaml.ts')).decodeYaml(text, options),
  'yaml.encode': async (value: Value, options: EncodeOptions): Promise<string> =>
    (await import('../external/yaml-encode.ts')).encodeYaml(value, options),
} as const

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
