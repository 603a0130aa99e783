// What the hub commands can do without a hub: `search` and `readme` over the modules at hand, `publish --dry-run` as a check.

import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { nearest } from '../../core/nearest.ts'
import { packageBundle } from '../../index.ts'
import { loadProject } from '../../loader/load.ts'
import { LOCK_FILE } from '../../loader/lockfile.ts'
import { readManifest } from '../../loader/manifest.ts'
import { projectPacks } from '../../loader/pack.ts'
import { bundledModules, type ModuleFolder } from '../../loader/project.ts'
import { renderMarkdown } from '../markdown.ts'
import { parseReference, projectOf } from '../modules/resolve.ts'
import type { SettingFlags } from '../options.ts'
import { paintFor } from '../paint.ts'
import { diagnosticText, inert } from '../report.ts'

/** The project's own modules, the vendored ones, and those of this package; the first of a name counts. */
function modulesAtHand(flags: SettingFlags): ModuleFolder[] {
  const { project } = projectOf(process.cwd(), LOCK_FILE, flags)
  const vendored = project.locked.flatMap(({ folder }) => (folder === undefined ? [] : [folder]))
  const all = [...project.modules, ...vendored, ...bundledModules(project.bundle)]
  return all.filter((module, index) => all.findIndex(({ name }) => name === module.name) === index)
}

export interface SearchFlags extends SettingFlags {
  readonly json?: boolean
  readonly limit: string
}

/** `wippy search words`. Resolves with the exit code. */
export async function search(words: readonly string[], flags: SearchFlags): Promise<number> {
  if (!/^\d+$/.test(flags.limit)) {
    throw new RuntimeError('Invalid', `invalid --limit ${JSON.stringify(flags.limit)}: expected a number`)
  }
  const wanted = words.join(' ').toLowerCase().split(/\s+/)
  const found = modulesAtHand(flags)
    .map(({ name, version = '', manifest }) => ({
      name,
      version,
      description: manifest?.description ?? '',
      keywords: manifest?.keywords ?? [],
    }))
    .filter(({ name, description, keywords }) => {
      const text = [name, description, ...keywords].join(' ').toLowerCase()
      return wanted.every((word) => text.includes(word))
    })
    .slice(0, Number(flags.limit))
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
    return 0
  }
  const paint = paintFor(process.stdout)
  for (const { name, version, description } of found) {
    process.stdout.write(`${paint('bold', inert(name))}  ${inert(version)}\n    ${inert(description)}\n`)
  }
  if (found.length === 0) process.stdout.write('No modules found among those of the project and of this package\n')
  return 0
}

export interface ReadmeFlags extends SettingFlags {
  readonly json?: boolean
}

/** `wippy readme org/module`. Resolves with the exit code. */
export async function readme(reference: string, flags: ReadmeFlags): Promise<number> {
  const { name } = parseReference(reference)
  const modules = modulesAtHand(flags)
  const module = modules.find((candidate) => candidate.name === name)
  if (module === undefined) {
    const near = nearest(
      name,
      modules.map((candidate) => candidate.name),
    )
    throw new RuntimeError('NotFound', `module ${name} is neither in the project nor in this package`, {
      details: near === undefined ? undefined : { hint: `Did you mean "${near}"?` },
    })
  }
  const file = join(module.folder, 'README.md')
  if (!existsSync(file)) throw new RuntimeError('NotFound', `module ${name} has no README.md`)
  const text = readFileSync(file, 'utf8')
  if (flags.json === true)
    process.stdout.write(`${JSON.stringify({ name, version: module.version ?? '', readme: text }, null, 2)}\n`)
  else process.stdout.write(`${process.stdout.isTTY ? renderMarkdown(text, paintFor(process.stdout)) : inert(text)}\n`)
  return 0
}

export interface PublishFlags {
  readonly dryRun?: boolean
  readonly version?: string
}

/** `wippy publish --dry-run`: whether the folder is a module that can be published. Resolves with the exit code. */
export async function publish(flags: PublishFlags): Promise<number> {
  const root = resolve(process.cwd())
  const manifest = readManifest(root)
  if (manifest === undefined) throw new RuntimeError('NotFound', `no wippy.yaml in ${root}`)
  const version = flags.version ?? manifest.version
  if (version === undefined) throw new RuntimeError('Invalid', 'no version: give it in wippy.yaml or with --version')
  const loaded = await loadProject({ root, env: process.env, bundle: packageBundle(), readPack: projectPacks(root) })
  const faults = loaded.diagnostics.filter(({ level }) => level === 'error')
  for (const fault of faults) process.stderr.write(`${diagnosticText(fault, root)}\n`)
  if (faults.length > 0) throw new RuntimeError('Invalid', `${faults.length} errors in the sources`)
  const own = loaded.entries.filter(({ id }) => loaded.files.get(id)?.module === undefined)
  const definitions = own.filter(({ kind }) => kind === 'ns.definition')
  if (definitions.length !== 1) {
    const found = definitions.length === 0 ? 'none' : definitions.map(({ id }) => id).join(', ')
    throw new RuntimeError('Invalid', `exactly one ns.definition is required to publish, found ${found}`)
  }
  process.stdout.write(`${manifest.name}@${version}: ${own.length} entries, ready to be published\n`)
  if (flags.dryRun === true) return 0
  throw noHub('publish')
}

/** There is nobody to log in to, to download from or to publish to. */
export function noHub(command: string): RuntimeError {
  return new RuntimeError('Unavailable', `wippy ${command} needs a hub, and this runtime has none`, {
    details: { hint: 'Share modules as folders in components/, as replacements in wippy.lock, or as .wapp files.' },
  })
}
