// What the loader has to say about a project: one record per problem, with its place and what to do about it.

import { relative } from 'node:path'

export interface Diagnostic {
  /** `error` something was left out, `warn` something is probably not meant, `info` worth knowing. */
  readonly level: 'error' | 'warn' | 'info'
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  /** The entry it is about, when there is one. */
  readonly entry?: string
  /** What to do. */
  readonly hint?: string
  /** The line with a caret under the column. */
  readonly snippet?: string
}

/** One line: `src/_index.yaml:12:3: message (hint)`. Paths inside `root` are shown from there. */
export function formatDiagnostic(diagnostic: Diagnostic, root?: string): string {
  const { file, line, column, message, hint } = diagnostic
  const place = file === undefined ? '' : `${[showPath(file, root), line, column].filter(isGiven).join(':')}: `
  return `${place}${message}${hint === undefined ? '' : ` (${hint})`}`
}

/** A path from the project folder when it lies inside, else as it is. */
export function showPath(file: string, root?: string): string {
  if (root === undefined) return file
  const inside = relative(root, file)
  return inside === '' || inside.startsWith('..') ? file : inside
}

function isGiven(part: string | number | undefined): boolean {
  return part !== undefined
}
