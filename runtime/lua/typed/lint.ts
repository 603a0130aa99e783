// `wippy lint`: checks the Lua of many entries and says what it found, as text, as a summary or as JSON.
// Pure: entries come in with their sources in them, the CLI prints what comes out.

import type { Entry } from '../../core/entry.ts'
import { parseId, resolveId } from '../../core/id.ts'
import { isMap } from '../../core/value.ts'
import { type Analysis, analyze } from './check/checker.ts'
import type { ModuleTypes } from './check/context.ts'
import { type Code, codes, type Diagnostic, type Severity } from './check/diagnostic.ts'

export type { Code, Diagnostic, Severity } from './check/diagnostic.ts'

export interface LintOptions {
  /** The least severity that is reported; `warning` unless given. */
  readonly level?: Severity | undefined
  /** Namespaces: `app` exactly, `app.*` with all under it. All when empty. */
  readonly ns?: readonly string[] | undefined
  /** Codes to report; all when empty. */
  readonly code?: readonly string[] | undefined
  /** Also the rules of style (W codes). */
  readonly rules?: boolean | undefined
  /** How many diagnostics are shown; 0 is all. Counts are of all of them. */
  readonly limit?: number | undefined
}

export interface EntryDiagnostic extends Diagnostic {
  readonly entry: string
  /** The line of source it is about. */
  readonly text: string
}

export interface LintReport {
  /** By entry, severity and line, at most `limit` of them. */
  readonly diagnostics: readonly EntryDiagnostic[]
  readonly entries: number
  readonly errors: number
  readonly warnings: number
  readonly hints: number
  readonly byNamespace: ReadonlyMap<string, Tally>
  readonly byCode: ReadonlyMap<Code, number>
  /** `lint failed: 2 errors, 0 warnings`, the message of exit code 1; `undefined` without errors. */
  readonly failure: string | undefined
}

export interface Tally {
  readonly errors: number
  readonly warnings: number
  readonly hints: number
}

const severities: readonly Severity[] = ['error', 'warning', 'hint']
const luaKind = /^(?:function|library|process|workflow)\.lua(?:\.|$)/

/** Is it an entry whose source the linter reads? */
export function isLuaEntry(entry: Entry): boolean {
  return luaKind.test(entry.kind) && sourceOf(entry) !== undefined
}

/** Checks the Lua entries among `entries`. Libraries they import are read for their types, whatever is selected. */
export function lintEntries(entries: readonly Entry[], options: LintOptions = {}): LintReport {
  const { level = 'warning', ns = [], code = [], rules = false, limit = 0 } = options
  const selected = entries.filter(
    (entry) => isLuaEntry(entry) && (ns.length === 0 || ns.some((one) => inNamespace(entry.id, one))),
  )
  const linter = new Linter(entries, rules)
  const shownSeverities = new Set(severities.slice(0, severities.indexOf(level) + 1))
  const found = selected
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap((entry) => linter.diagnose(entry))
    .filter((one) => shownSeverities.has(one.severity) && (code.length === 0 || code.includes(one.code)))
  const { errors, warnings, hints } = tally(found)
  return {
    diagnostics: limit > 0 ? found.slice(0, limit) : found,
    entries: selected.length,
    errors,
    warnings,
    hints,
    byNamespace: tallies(found),
    byCode: occurrences(found),
    failure: errors === 0 ? undefined : `lint failed: ${errors} errors, ${warnings} warnings`,
  }
}

/** One entry's diagnostics, by severity and line. `others` are the libraries it may import. */
export function lintEntry(entry: Entry, others: readonly Entry[] = [], rules = false): EntryDiagnostic[] {
  return new Linter([...others, entry], rules).diagnose(entry)
}

/** Reads each entry once, libraries before those who import them. */
class Linter {
  readonly #entries: ReadonlyMap<string, Entry>
  readonly #rules: boolean
  readonly #analyses = new Map<string, Analysis | 'running'>()

  constructor(entries: readonly Entry[], rules: boolean) {
    this.#entries = new Map(entries.filter(isLuaEntry).map((entry) => [entry.id, entry]))
    this.#rules = rules
  }

  diagnose(entry: Entry): EntryDiagnostic[] {
    const lines = (sourceOf(entry) ?? '').split(/\r\n|\n\r|\r|\n/)
    return (this.#analyze(entry)?.diagnostics ?? [])
      .map((one) => ({ ...one, entry: entry.id, text: lines[one.line - 1] ?? '' }))
      .sort(
        (a, b) =>
          severities.indexOf(a.severity) - severities.indexOf(b.severity) || a.line - b.line || a.column - b.column,
      )
  }

  /** `undefined` for an entry that imports itself in the end: the registry refuses it, we only must not hang. */
  #analyze(entry: Entry): Analysis | undefined {
    const known = this.#analyses.get(entry.id)
    if (known !== undefined) return known === 'running' ? undefined : known
    this.#analyses.set(entry.id, 'running')
    const modules = new Map<string, ModuleTypes>()
    for (const [alias, target] of importsOf(entry)) {
      const library = this.#entries.get(target)
      const exports = library && this.#analyze(library)?.exports
      if (exports !== undefined) modules.set(alias, exports)
    }
    const analysis = analyze(sourceOf(entry) ?? '', { name: entry.id, rules: this.#rules, modules })
    this.#analyses.set(entry.id, analysis)
    return analysis
  }
}

/** Alias and full id of each import. */
function importsOf(entry: Entry): [string, string][] {
  const imports = isMap(entry.data) ? entry.data['imports'] : undefined
  if (!isMap(imports)) return []
  const { ns } = parseId(entry.id)
  return Object.entries(imports).flatMap(([alias, target]) =>
    typeof target === 'string' ? [[alias, resolveId(target.replace(/^:/, ''), ns)] as [string, string]] : [],
  )
}

function sourceOf(entry: Entry): string | undefined {
  const source = isMap(entry.data) ? entry.data['source'] : undefined
  return typeof source === 'string' ? source : undefined
}

const namespaceOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf(':')))

function inNamespace(id: string, pattern: string): boolean {
  const namespace = namespaceOf(id)
  if (!pattern.endsWith('.*')) return namespace === pattern
  const root = pattern.slice(0, -2)
  return namespace === root || namespace.startsWith(`${root}.`)
}

function tally(found: readonly EntryDiagnostic[]): Tally {
  const count = (severity: Severity): number => found.filter((one) => one.severity === severity).length
  return { errors: count('error'), warnings: count('warning'), hints: count('hint') }
}

function tallies(found: readonly EntryDiagnostic[]): Map<string, Tally> {
  const groups = grouped(found, ({ entry }) => namespaceOf(entry))
  return new Map([...groups].map(([namespace, group]) => [namespace, tally(group)]))
}

function occurrences(found: readonly EntryDiagnostic[]): Map<Code, number> {
  const groups = grouped(found, ({ code }) => code)
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, group]) => [code, group.length]))
}

function grouped<K extends string>(
  found: readonly EntryDiagnostic[],
  keyOf: (one: EntryDiagnostic) => K,
): Map<K, EntryDiagnostic[]> {
  const groups = new Map<K, EntryDiagnostic[]>()
  for (const one of found) {
    const group = groups.get(keyOf(one))
    if (group === undefined) groups.set(keyOf(one), [one])
    else group.push(one)
  }
  return groups
}

// ---- what is printed ----

export interface RenderOptions {
  readonly color?: boolean | undefined
  /** The file of an entry's source, shown instead of its id. */
  readonly fileOf?: ((entry: string) => string | undefined) | undefined
}

const colors: Readonly<Record<Severity, string>> = { error: '31', warning: '33', hint: '36' }

/** Every diagnostic with its line of source and a mark, then the closing line. */
export function renderLint(report: LintReport, options: RenderOptions = {}): string {
  const blocks = report.diagnostics.map((one) => renderDiagnostic(one, options))
  return [...blocks, closingLine(report)].join('\n')
}

function renderDiagnostic(one: EntryDiagnostic, { color = false, fileOf }: RenderOptions): string {
  const paint = (style: string, text: string): string => (color ? `\u001b[${style}m${text}\u001b[0m` : text)
  const file = fileOf?.(one.entry)
  const place = `${file ?? one.entry}:${one.line}:${one.column}`
  const gutter = String(one.line).padStart(5)
  // Tabs stay tabs under the mark, so that it stands where it belongs.
  const margin = one.text.slice(0, one.column - 1).replace(/[^\t]/g, ' ')
  const lines = [
    `${paint('1', place)}: ${paint(colors[one.severity], one.severity)} ${one.code}: ${one.message}`,
    `${gutter} | ${one.text}`,
    `${' '.repeat(gutter.length)} | ${margin}${paint(colors[one.severity], '^')}`,
    '',
  ]
  if (file !== undefined) lines.splice(1, 0, `      in ${one.entry}`)
  return lines.join('\n')
}

/** Counts by namespace and by code, then the closing line. */
export function renderLintSummary(report: LintReport): string {
  const lines: string[] = []
  if (report.byCode.size > 0) {
    lines.push('By namespace:', '')
    for (const [namespace, counts] of report.byNamespace) {
      const total = counts.errors + counts.warnings + counts.hints
      lines.push(`  ${namespace.padEnd(30)} ${String(total).padStart(4)} issues (${counted(counts)})`)
    }
    lines.push('', 'By error code:', '')
    for (const [code, count] of report.byCode) {
      lines.push(`  ${code.padEnd(10)} [${codes[code].severity.padEnd(7)}] ${String(count).padStart(4)} occurrences`)
    }
    lines.push('')
  }
  return [...lines, closingLine(report)].join('\n')
}

function closingLine(report: LintReport): string {
  const counts = counted(report)
  return `Checked ${report.entries} entries${counts === '' ? '' : `: ${counts}`}`
}

function counted({ errors, warnings, hints }: Tally): string {
  const parts = [
    [errors, 'errors'],
    [warnings, 'warnings'],
    [hints, 'hints'],
  ] as const
  return parts.flatMap(([count, name]) => (count > 0 ? [`${count} ${name}`] : [])).join(', ')
}

/** The report of `--json`. */
export function lintJson(report: LintReport): string {
  const diagnostics = report.diagnostics.map(({ entry, code, severity, message, line, column }) => ({
    entry_id: entry,
    code,
    severity,
    message,
    line,
    column,
  }))
  const counts = { error_count: report.errors, warning_count: report.warnings, hint_count: report.hints }
  return JSON.stringify({ diagnostics, total_entries: report.entries, ...counts }, null, 2)
}
