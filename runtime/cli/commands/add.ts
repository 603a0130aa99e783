// `wippy add org/mod[@version]`: locks a module. Only the lock is edited; `wippy install` brings the files.

import { join, resolve } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { nearest } from '../../core/nearest.ts'
import { requireLock, writeLock } from '../../loader/lockfile.ts'
import { bundledModules } from '../../loader/project.ts'
import { allowsVersion } from '../../loader/versions.ts'
import { parseReference, projectOf } from '../modules/resolve.ts'
import type { SettingFlags } from '../options.ts'

export interface AddFlags extends SettingFlags {
  readonly lockFile: string
}

/** Resolves with the exit code. */
export async function add(reference: string, flags: AddFlags): Promise<number> {
  const { name, selector } = parseReference(reference)
  const path = resolve(flags.lockFile)
  const lock = requireLock(path)
  process.stdout.write(`Adding: ${reference}\n`)
  const bundle = bundledModules(projectOf(join(path, '..'), flags.lockFile, flags).project.bundle)
  const found = bundle.find((module) => module.name === name)
  if (found === undefined) {
    const near = nearest(
      name,
      bundle.map((module) => module.name),
    )
    throw new RuntimeError(
      'NotFound',
      `module ${name} not found: there is no hub, and this package does not bring it`,
      {
        details: {
          hint:
            near === undefined
              ? `It brings: ${bundle.map((module) => module.name).join(', ')}`
              : `Did you mean "${near}"?`,
        },
      },
    )
  }
  const version = found.version ?? '0.0.0'
  if (selector !== undefined && !allowsVersion(selector, version)) {
    throw new RuntimeError(
      'NotFound',
      `module ${name} has no version ${selector} here (this package brings ${version})`,
    )
  }
  const exact = `v${version.replace(/^v/, '')}`
  process.stdout.write(`Resolved: ${exact}\n`)
  const before = lock.modules.find((module) => module.name === name)
  if (before?.version === exact) {
    process.stdout.write(`Up to date: ${name} already at version ${exact}\n`)
    return 0
  }
  if (before !== undefined) process.stdout.write(`Updating: ${before.version} -> ${exact}\n`)
  const others = lock.modules.filter((module) => module.name !== name)
  writeLock(path, { ...lock, modules: [...others, { name, version: exact }] })
  process.stdout.write(`Done! Added ${name}@${exact}\nRun 'wippy install' to download the module.\n`)
  return 0
}
