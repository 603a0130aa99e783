// Gives what somebody says of an entry its place on disk: the line of its definition, or the line of its source file when
// the message names one (`app:lib:3: unexpected symbol`).

import type { Diagnostic } from './diagnostic.ts'
import type { EntrySource } from './load.ts'

/** What the registry reports of a boot or a reload. */
export interface EntryProblem {
  readonly level: 'warn' | 'error'
  readonly entry?: string | undefined
  readonly message: string
}

/** The problem as a diagnostic, with the place of its entry if it has one. */
export function locateProblem(problem: EntryProblem, files: ReadonlyMap<string, EntrySource>): Diagnostic {
  const { level, entry, message } = problem
  if (entry === undefined) return { level, message }
  const source = files.get(entry)
  if (source === undefined) return { level, message, entry }
  const { file, line, column, sourceFile } = source
  const inSource = sourceFile === undefined ? undefined : placeIn(entry, message)
  if (sourceFile === undefined || inSource === undefined) return { level, entry, message, file, line, column }
  return { level, entry, message: inSource.message, file: sourceFile, line: inSource.line }
}

/** The first `id:line: ` of a message, and the message without it. */
function placeIn(entry: string, message: string): { line: number; message: string } | undefined {
  for (let at = message.indexOf(`${entry}:`); at >= 0; at = message.indexOf(`${entry}:`, at + 1)) {
    const rest = message.slice(at + entry.length)
    const place = /^:(\d+): ?/.exec(rest)
    if (place !== null) return { line: Number(place[1]), message: message.slice(0, at) + rest.slice(place[0].length) }
  }
  return undefined
}
