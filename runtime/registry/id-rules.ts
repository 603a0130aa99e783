// What an id made at run time may look like. Ids from files are free, as in the original; code gets letters, digits and a few
// signs, so that no id can pass for another by an extra colon, a look-alike letter, a space or `..`.

import { RuntimeError } from '../core/error.ts'
import type { Change } from './changeset.ts'

const wellFormed = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*:[A-Za-z0-9_@-]+([./+][A-Za-z0-9_@-]+)*$/
const MAX_LENGTH = 256

/** Throws Invalid for an id that may not be created at run time. What is updated or deleted exists anyway. */
export function checkRuntimeId(change: Change): void {
  if (change.op !== 'create') return
  const { id } = change.entry
  if (id.length <= MAX_LENGTH && wellFormed.test(id)) return
  const shown = JSON.stringify(id.length > 80 ? `${id.slice(0, 77)}...` : id)
  throw new RuntimeError(
    'Invalid',
    `entry id ${shown} is not namespace:name in letters, digits, "_", "-" and single dots (at most ${MAX_LENGTH})`,
    { retryable: false },
  )
}
