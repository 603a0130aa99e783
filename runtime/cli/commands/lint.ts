// `wippy lint`: checks the Lua of the project. Exit code 1 when there are errors, also of loading.

import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Entry } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import { sourceNotUtf8 } from '../../core/utf8.ts'
import { packageBundle } from '../../index.ts'
import type { Diagnostic } from '../../loader/diagnostic.ts'
import { locateProblem } from '../../loader/entry-problem.ts'
import { type EntrySource, loadProject, projectCache } from '../../loader/load.ts'
import { requireLock } from '../../loader/lockfile.ts'
import { projectPacks } from '../../loader/pack.ts'
import { lintEntries, lintJson, renderLint, renderLintSummary, type Severity } from '../../lua/typed/lint.ts'
import { type SettingFlags, settingsOf } from '../options.ts'
import { wantsColours } from '../paint.ts'
import { diagnosticText } from '../report.ts'

export interface LintFlags extends SettingFlags {
  readonly lockFile: string
  readonly level: string
  readonly ns?: readonly string[]
  readonly code?: readonly string[]
  readonly rules?: boolean
  readonly summary?: boolean
  readonly limit: string
  readonly json?: boolean
  readonly color?: boolean
  readonly cacheReset?: boolean
}

const levels: readonly Severity[] = ['error', 'warning', 'hint']

/** Resolves with the exit code. */
export async function lint(flags: LintFlags): Promise<number> {
  const root = process.cwd()
  requireLock(resolve(root, flags.lockFile))
  const level = levels.find((known) => known === flags.level)
  if (level === undefined) {
    throw new RuntimeError('Invalid', `invalid --level ${JSON.stringify(flags.level)}: expected ${levels.join(', ')}`)
  }
  if (!/^\d+$/.test(flags.limit))
    throw new RuntimeError('Invalid', `invalid --limit ${JSON.stringify(flags.limit)}: expected a number`)
  if (flags.cacheReset === true) rmSync(join(root, '.wippy', 'cache'), { recursive: true, force: true })
  const loaded = await loadProject({
    root,
    env: process.env,
    lockFile: flags.lockFile,
    settings: settingsOf(flags),
    bundle: packageBundle(),
    cache: projectCache(root),
    readPack: projectPacks(root),
    tests: true,
  })
  const problems = [...loaded.diagnostics, ...loaded.entries.flatMap((entry) => unreadable(entry, loaded.files))]
  for (const diagnostic of problems) {
    if (diagnostic.level !== 'info') process.stderr.write(`${diagnosticText(diagnostic, root)}\n`)
  }
  const report = lintEntries(loaded.entries, {
    level,
    ns: split(flags.ns),
    code: split(flags.code),
    rules: flags.rules === true,
    limit: Number(flags.limit),
  })
  const color = flags.color !== false && wantsColours(process.stdout)
  const fileOf = (id: string): string | undefined => loaded.files.get(id)?.sourceFile
  const text =
    flags.json === true
      ? lintJson(report)
      : flags.summary === true
        ? renderLintSummary(report)
        : renderLint(report, { color, fileOf })
  process.stdout.write(`${text}\n`)
  if (report.failure !== undefined) throw new RuntimeError('Invalid', report.failure)
  // What could not be read was not checked either.
  return problems.some((diagnostic) => diagnostic.level === 'error') ? 1 : 0
}

/** A source that is no text is no Lua, so the linter does not see it. */
function unreadable(entry: Entry, files: ReadonlyMap<string, EntrySource>): Diagnostic[] {
  const message = /\.lua(?:\.|$)/.test(entry.kind) ? sourceNotUtf8(entry) : undefined
  return message === undefined ? [] : [locateProblem({ level: 'error', entry: entry.id, message }, files)]
}

/** Flags may be repeated, and each may hold several between commas. */
function split(values: readonly string[] | undefined): string[] {
  return (values ?? []).flatMap((value) => value.split(',').map((part) => part.trim())).filter((part) => part !== '')
}
