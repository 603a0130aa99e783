// Typed Lua to plain Lua 5.4 in one pass: types become blanks, so every line (and nearly every column) stays.

import type { Statement } from './ast.ts'
import { bind } from './check/bind.ts'
import { type TypeWord, typeNames } from './expression-parser.ts'
import type { Patch } from './lexer.ts'
import { parse } from './parser.ts'
import type { Declaration } from './type-scope.ts'
import { typeValue, typeWordValue } from './type-values.ts'

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
  const { chunk, patches, reads, typeWords, declarations } = parse(source, name)
  if (patches.length === 0 && typeWords.length === 0) return { source, needsTypes: false }
  const values = [
    ...declarations.filter(({ statement }) => reads.has(statement.name.text)).map(valuePatch),
    ...typeWordPatches(chunk.body, typeWords),
  ]
  // A value takes the place of the blanks of its declaration.
  const replaced = new Set(values.map(({ start }) => start))
  const kept = patches.filter(({ start, end }) => start === end || !replaced.has(start))
  const needsTypes = values.length > 0 || patches.some(({ start, end }) => start === end)
  return { source: patched(source, [...kept, ...values]), needsTypes }

  function valuePatch(declaration: Declaration): Patch {
    const { start, end } = declaration
    const breaks = source.slice(start, end).replace(/[^\r\n]/g, '')
    return { start, end, text: typeValue(declaration) + breaks }
  }
}

/** Words that the program has not given a meaning of its own. */
function typeWordPatches(body: readonly Statement[], words: readonly TypeWord[]): Patch[] {
  if (words.length === 0) return []
  const { uses, assignedGlobals } = bind(body)
  return words
    .filter(({ name }) => !uses.has(name) && !assignedGlobals.has(name.name))
    .map((word) => {
      const { at, name } = word.name
      return { start: at, end: at + name.length, text: typeWordValue(word) }
    })
}

/**
 * May plain Lua accept the text and mean something else? Only one form of typed Lua has that trap: `x as {T}`, `x as (T)`
 * and `x as "a"` read as a call of `as`. Any other typed text does not load at all. False alarms cost a parse.
 */
export function mayBeMisread(source: string): boolean {
  return /[^\w.:]as\s*[({"'[]/.test(source) || TYPE_WORDS.test(source)
}

/** A global that stands for a type is nothing to plain Lua. Words of comments mostly go on with another word. */
const TYPE_WORDS = new RegExp(
  `(?<![\\w.:])(?:typeof\\s*\\(|(?:${[...typeNames.keys()].join('|')})\\s*(?:[:\\])},=<>~]|(?:or|and)\\b|$))`,
  'm',
)

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
