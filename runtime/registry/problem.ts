// What the registry has to say about single entries when it goes on without them.

import { errorText } from '../core/error.ts'
import type { Held, Operation } from './changeset.ts'

export interface Problem {
  readonly level: 'warn' | 'error'
  readonly entry?: string | undefined
  readonly message: string
}

/** An entry its kind does not take. */
export function rejected({ id, before, after }: Operation, error: unknown): Problem {
  const outcome =
    after === undefined ? 'was not removed' : before === undefined ? 'was left out' : 'keeps its last good form'
  return { level: 'error', entry: id, message: `entry ${id} ${outcome}: ${errorText(error)}` }
}

/** A file whose entry was replaced otherwise. */
export function hidden({ entry: { id }, origin }: Held): Problem {
  const maker = origin === 'runtime' ? 'made at run time' : 'given by the host'
  return { level: 'warn', entry: id, message: `the file of ${id} is hidden by the entry ${maker}` }
}

/** What could not be undone after a refusal. */
export function notRestored(id: string, error: unknown): Problem {
  return { level: 'error', entry: id, message: `entry ${id} could not be restored: ${errorText(error)}` }
}
