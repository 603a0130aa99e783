// The kind `exec.native`: commands of the operating system that an app may run.

import { isAbsolute, resolve } from 'node:path'
import { moduleError } from '../../core/error.ts'
import { asCount, asDuration, asList, asMap, asName, asText, field } from '../../core/field.ts'
import { emptyMap } from '../../core/value.ts'
import type { Kind } from '../../registry/kind.ts'

export interface Executor {
  readonly workDir: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** The only command lines that may run; undefined is any. */
  readonly whitelist: ReadonlySet<string> | undefined
  readonly timeout: number
  readonly maxOutput: number
}

/** The executors of a runtime, by entry id. */
export class Executors {
  readonly #executors = new Map<string, Executor>()

  add(id: string, executor: Executor): () => void {
    this.#executors.set(id, executor)
    return () => {
      if (this.#executors.get(id) === executor) this.#executors.delete(id)
    }
  }

  /** Throws NotFound. */
  require(id: string): Executor {
    const executor = this.#executors.get(id)
    if (executor === undefined) throw moduleError('NotFound', `executor not found: ${id}`)
    return executor
  }
}

export interface NativeExecDeps {
  readonly executors: Executors
  /** Folder that relative working directories start from. */
  readonly root: string
}

export const nativeExecKind = ({ executors, root }: NativeExecDeps): Kind<Executor> => ({
  kind: 'exec.native',
  decode(entry) {
    const workDir = field(entry, 'default_work_dir', asName, undefined)
    const env = field(entry, 'default_env', asMap, emptyMap())
    const whitelist = field(entry, 'command_whitelist', asList(asName), undefined)
    return {
      workDir: workDir === undefined || isAbsolute(workDir) ? workDir : resolve(root, workDir),
      // A clean environment: the program sees what is declared and nothing else.
      env: Object.fromEntries(
        Object.keys(env).map((name) => [name, asText(env[name] ?? null, `entry ${entry.id}: default_env.${name}`)]),
      ),
      whitelist: whitelist === undefined || whitelist.length === 0 ? undefined : new Set(whitelist),
      timeout: field(entry, 'timeout', asDuration, 0),
      maxOutput: field(entry, 'max_output', asCount, 0),
    }
  },
  open: (entry, executor) => ({ close: executors.add(entry.id, executor) }),
})
