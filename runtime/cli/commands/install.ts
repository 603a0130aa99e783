// `wippy install`: puts the modules of the lock into the vendor folder and verifies them.

import { join, resolve } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { requireLock, writeLock } from '../../loader/lockfile.ts'
import { bundledModules, type ModuleFolder } from '../../loader/project.ts'
import { parseVersion } from '../../loader/versions.ts'
import { parseReference, projectOf } from '../modules/resolve.ts'
import { moduleHash, vendorModule, vendorPath } from '../modules/vendor.ts'
import type { SettingFlags } from '../options.ts'

export interface InstallFlags extends SettingFlags {
  readonly lockFile: string
  readonly refresh?: boolean
  readonly force?: boolean
  readonly repair?: boolean
}

/** Resolves with the exit code. */
export async function install(names: readonly string[], flags: InstallFlags): Promise<number> {
  const wanted = names.map((text) => parseReference(text).name)
  const path = resolve(flags.lockFile)
  const lock = requireLock(path)
  const unknown = wanted.find((name) => !lock.modules.some((module) => module.name === name))
  if (unknown !== undefined) {
    throw new RuntimeError('NotFound', `module ${unknown} is not in ${flags.lockFile}`, {
      details: { hint: `Run 'wippy add ${unknown}' first.` },
    })
  }
  const { project } = projectOf(join(path, '..'), flags.lockFile, flags)
  const again = flags.refresh === true || flags.force === true || flags.repair === true
  const bundle = bundledModules(project.bundle)
  const modules = [...lock.modules]
  let installed = 0
  for (const [index, module] of modules.entries()) {
    if (wanted.length > 0 && !wanted.includes(module.name)) continue
    const present = project.locked.find((item) => item.module.name === module.name)?.folder
    const replaced = project.modules.some(({ name }) => name === module.name)
    if (replaced) {
      process.stdout.write(`${module.name}: comes from the project itself\n`)
      continue
    }
    if (present !== undefined && !again) {
      verify(module.name, module.hash, present)
      continue
    }
    const source = bundle.find(({ name, version }) => name === module.name && sameVersion(version, module.version))
    if (source === undefined) throw notAvailable(module.name, module.version, bundle)
    verify(module.name, module.hash, source)
    vendorModule(project, source)
    modules[index] = { ...module, hash: moduleHash(vendorPath(project, module.name)) }
    process.stdout.write(`Installed: ${module.name}@${module.version}\n`)
    installed++
  }
  if (installed > 0) writeLock(path, { ...lock, modules })
  process.stdout.write(installed === 0 ? 'All modules are installed\n' : `Done! ${installed} modules installed\n`)
  return 0
}

function verify(name: string, hash: string | undefined, { folder, origin }: ModuleFolder): void {
  if (hash === undefined || origin === 'pack') return
  const found = moduleHash(folder)
  if (found === hash) return
  throw new RuntimeError(
    'Invalid',
    `module ${name}: ${folder} does not match the lock (expected ${hash}, got ${found})`,
    {
      details: { hint: `Run 'wippy update ${name}' to lock what is there, or 'wippy install --refresh ${name}'.` },
    },
  )
}

function sameVersion(a: string | undefined, b: string): boolean {
  return parseVersion(a ?? '0.0.0') === parseVersion(b)
}

function notAvailable(name: string, version: string, bundle: readonly ModuleFolder[]): RuntimeError {
  const other = bundle.find((module) => module.name === name)?.version
  const hint =
    other === undefined
      ? 'There is no hub here: put the module into components/ or add a replacement to the lock.'
      : `This package brings ${name} ${other}: run 'wippy update ${name}' to use it.`
  return new RuntimeError('NotFound', `module ${name}@${version} is not available`, { details: { hint } })
}
