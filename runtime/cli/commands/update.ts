// `wippy update`: resolves the dependencies of the sources anew, shows what changes, writes the lock and the vendor folder.

import { dirname, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { RuntimeError } from '../../core/error.ts'
import { type Lock, type LockedModule, newLock, readLock, writeLock } from '../../loader/lockfile.ts'
import { findProject } from '../../loader/project.ts'
import { installModules, moduleDigest } from '../../loader/vendor.ts'
import { parseReference, projectOf, resolveModules } from '../modules/resolve.ts'
import type { SettingFlags } from '../options.ts'
import { paintFor } from '../paint.ts'
import { diagnosticText } from '../report.ts'

export interface UpdateFlags extends SettingFlags {
  readonly lockFile: string
  readonly srcDir?: string
  readonly modulesDir?: string
  readonly yes?: boolean
}

/** Resolves with the exit code. */
export async function update(names: readonly string[], flags: UpdateFlags): Promise<number> {
  const wanted = names.map((text) => parseReference(text).name)
  const path = resolve(flags.lockFile)
  const root = dirname(path)
  const lock = readLock(path) ?? newLock()
  const directories = {
    src: flags.srcDir ?? lock.directories.src,
    modules: flags.modulesDir ?? lock.directories.modules,
  }
  const found = projectOf(root, flags.lockFile, flags).project
  // Flags move the folders before anything is read from them.
  const base = {
    ...found,
    source: resolve(root, directories.src),
    lock: { ...lock, directories },
  }
  const { project, modules, local, diagnostics } = await resolveModules(base)
  for (const diagnostic of diagnostics) {
    if (diagnostic.level !== 'info') process.stderr.write(`${diagnosticText(diagnostic, root)}\n`)
  }
  if (diagnostics.some(({ level, message }) => level === 'error' && message.includes('is not available'))) {
    throw new RuntimeError('NotFound', 'some dependencies could not be resolved', {
      details: {
        hint: 'Modules come from components/, from this package and from the vendor folder; there is no hub here.',
      },
    })
  }
  const locked = modules.map((module): LockedModule => {
    const before = lock.modules.find(({ name }) => name === module.name)
    // Naming modules leaves the others as they are.
    if (wanted.length > 0 && !wanted.includes(module.name) && before !== undefined) return before
    return {
      name: module.name,
      version: `v${(module.version ?? '0.0.0').replace(/^v/, '')}`,
      hash: moduleDigest(module.folder),
    }
  })
  const unknown = wanted.find((name) => !locked.some((module) => module.name === name))
  if (unknown !== undefined) throw new RuntimeError('NotFound', `module ${unknown} is not a dependency of this project`)
  const next: Lock = { ...lock, directories, modules: locked }
  const changes = changesText(lock.modules, locked)
  for (const { name, folder } of local) process.stdout.write(`  = ${name}  (${folder}, not locked)\n`)
  process.stdout.write(changes === '' ? 'All modules are up to date\n' : changes)
  if (changes !== '' && flags.yes !== true && !(await confirmed('Proceed with update? [Y/n] '))) {
    process.stdout.write('Update canceled\n')
    return 0
  }
  writeLock(path, next)
  const target = findProject({ root, lockFile: flags.lockFile, bundle: project.bundle })
  installModules(target, { names: wanted, force: true })
  if (changes !== '') process.stdout.write(`Done! ${locked.length} modules locked in ${flags.lockFile}\n`)
  return 0
}

/** One line for each module that comes, goes or changes. */
function changesText(before: readonly LockedModule[], after: readonly LockedModule[]): string {
  const paint = paintFor(process.stdout)
  const old = new Map(before.map((module) => [module.name, module]))
  const lines = after.flatMap((module) => {
    const known = old.get(module.name)
    if (known === undefined) return [paint('green', `  + ${module.name}  ${module.version}`)]
    if (known.version !== module.version)
      return [paint('yellow', `  ~ ${module.name}  ${known.version} -> ${module.version}`)]
    return known.hash === module.hash
      ? []
      : [paint('yellow', `  ~ ${module.name}  ${module.version} (content changed)`)]
  })
  const gone = before.filter(({ name }) => !after.some((module) => module.name === name))
  return [...lines, ...gone.map(({ name, version }) => paint('red', `  - ${name}  ${version}`))]
    .map((line) => `${line}\n`)
    .join('')
}

/** Asks on a terminal; who is not there agrees, as the command was given. */
async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return true
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await lines.question(question)
  lines.close()
  return /^\s*(?:y(?:es)?)?\s*$/i.test(answer)
}
