// What an expression looks like, whatever its type.

import type { Expression } from '../ast.ts'
import type { Bindings } from './bind.ts'

/** May it give any number of values? */
export const isMulti = (value: Expression): boolean =>
  value.kind === 'call' || value.kind === 'method' || value.kind === 'vararg'

/** Where an expression begins, for messages about all of it. */
export function startOf(e: Expression): number {
  let start = e
  for (;;) {
    if (start.kind === 'index' || start.kind === 'method') start = start.object
    else if (start.kind === 'call') start = start.callee
    else if (start.kind === 'binary') start = start.left
    else if (start.kind === 'cast' || start.kind === 'nonnil') start = start.inner
    else return start.at
  }
}

/** `string.format`, when that is still Lua's own. */
export function builtinPath(bindings: Bindings, e: Expression): string | undefined {
  if (e.kind === 'name') {
    return bindings.uses.has(e) || bindings.assignedGlobals.has(e.name) ? undefined : e.name
  }
  if (e.kind !== 'index' || e.key.kind !== 'string') return undefined
  const object = e.object.kind === 'name' ? builtinPath(bindings, e.object) : undefined
  return object === undefined ? undefined : `${object}.${e.key.value}`
}
