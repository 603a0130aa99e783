// Typed Lua to plain Lua 5.4 in one pass: types become blanks, so every line (and nearly every column) stays.

import type { Patch } from './lexer.ts'
import { parse } from './parser.ts'

export interface Erased {
  /** Plain Lua 5.4. */
  readonly source: string
  /** The text calls the hidden library `__types` (typed/types.lua). */
  readonly needsTypes: boolean
}

/**
 * Turns typed Lua into plain Lua. `name` is the chunk's name in messages.
 * Throws Invalid with `details.line` and `details.column` when the text is not Lua.
 */
export function eraseTypes(source: string, name = 'chunk'): Erased {
  const { patches } = parse(source, name)
  return { source: patches.length === 0 ? source : patched(source, patches), needsTypes: false }
}

function patched(source: string, patches: readonly Patch[]): string {
  const ordered = patches.toSorted((a, b) => a.start - b.start)
  let at = 0
  let out = ''
  for (const { start, end, text } of ordered) {
    // An escape repaired inside a type that is blanked whole.
    if (start < at) continue
    out += source.slice(at, start) + text
    at = end
  }
  return out + source.slice(at)
}
