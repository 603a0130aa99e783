// `wippy install`: puts the modules of the lock into the vendor folder and verifies them.

import { dirname, resolve } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { requireLock } from '../../loader/lockfile.ts'
import { installModules } from '../../loader/vendor.ts'
import { parseReference, projectOf } from '../modules/resolve.ts'
import type { SettingFlags } from '../options.ts'

export interface InstallFlags extends SettingFlags {
  readonly lockFile: string
  readonly refresh?: boolean
  readonly force?: boolean
  readonly repair?: boolean
}

/** Resolves with the exit code. */
export async function install(words: readonly string[], flags: InstallFlags): Promise<number> {
  const names = words.map((text) => parseReference(text).name)
  const path = resolve(flags.lockFile)
  const lock = requireLock(path)
  const unknown = names.find((name) => !lock.modules.some((module) => module.name === name))
  if (unknown !== undefined) {
    throw new RuntimeError('NotFound', `module ${unknown} is not in ${flags.lockFile}`, {
      details: { hint: `Run 'wippy add ${unknown}' first.` },
    })
  }
  const { project } = projectOf(dirname(path), flags.lockFile, flags)
  const force = flags.refresh === true || flags.force === true || flags.repair === true
  const installations = installModules(project, { names, force })
  const missing = installations.filter(({ state }) => state === 'missing')
  const installed = installations.filter(({ state }) => state === 'installed')
  for (const { name, version } of installed) process.stdout.write(`Installed: ${name}@${version}\n`)
  if (missing.length > 0) {
    const which = missing.map(({ name, version }) => `${name}@${version}`).join(', ')
    throw new RuntimeError('NotFound', `not available: ${which}`, {
      details: { hint: 'There is no hub here: put modules into components/ or add replacements to the lock.' },
    })
  }
  const count = installed.length
  process.stdout.write(count === 0 ? 'All modules are installed\n' : `Done! ${count} modules installed\n`)
  return 0
}
