// How the command line says what went wrong: one line, where, and what to do.

import { styleText } from 'node:util'
import { errorText, RuntimeError } from '../core/error.ts'
import { type Diagnostic, formatDiagnostic } from '../loader/diagnostic.ts'

export interface ReportOptions {
  /** `-c`: coloured, without the word `Error`. */
  readonly coloured: boolean
  /** `--very-verbose`: with the trace. */
  readonly traces: boolean
}

/** A command that ends with a code of its own, having said what there is to say. */
export class ExitCode extends Error {
  readonly code: number
  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

/** The text of a failed command, without the closing new line. */
export function failureText(thrown: unknown, { coloured, traces }: ReportOptions): string {
  const text = inert(withoutRepeat(errorText(thrown)))
  const lines = [coloured ? styleText('red', text, { validateStream: false }) : `Error: ${text}`]
  const hint = thrown instanceof RuntimeError ? thrown.details?.['hint'] : undefined
  if (typeof hint === 'string') lines.push(inert(hint))
  if (traces) lines.push(...traceOf(thrown))
  return lines.join('\n')
}

/** `load: load: no such file` says `load` once. */
export function withoutRepeat(text: string): string {
  return text.replace(/^([^:\n]+: )\1/, '$1')
}

/** Diagnostics of the loader, worst kinds first told apart: `warning: src/_index.yaml:3:5: …` with the line itself. */
export function diagnosticText(diagnostic: Diagnostic, root: string): string {
  const line = `${diagnostic.level === 'error' ? 'error' : 'warning'}: ${formatDiagnostic(diagnostic, root)}`
  return inert(diagnostic.snippet === undefined ? line : `${line}\n${diagnostic.snippet}`)
}

function traceOf(thrown: unknown): string[] {
  if (!(thrown instanceof Error)) return []
  const trace = thrown instanceof RuntimeError ? (thrown.luaStack ?? thrown.stack) : thrown.stack
  const cause = thrown.cause instanceof Error ? [`caused by: ${errorText(thrown.cause)}`, ...traceOf(thrown.cause)] : []
  return trace === undefined || trace === '' ? cause : [trace, ...cause]
}

/** Errors carry texts of models and files: none of it steers the terminal. */
export function inert(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (char) => (char === '\r' ? '' : '\ufffd'))
}
