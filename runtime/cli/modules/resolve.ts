// Which modules a project needs, resolved anew: from its own folders and from the modules that come with this package.
// There is no hub: what neither has must be in the vendor folder already.

import { RuntimeError } from '../../core/error.ts'
import { packageBundle } from '../../index.ts'
import { type Config, loadConfig } from '../../loader/config.ts'
import type { Diagnostic } from '../../loader/diagnostic.ts'
import { Gathering } from '../../loader/gather.ts'
import { projectCache } from '../../loader/load.ts'
import { projectPacks } from '../../loader/pack.ts'
import { findProject, type ModuleFolder, type Project } from '../../loader/project.ts'
import { type SettingFlags, settingsOf } from '../options.ts'

export interface Resolution {
  readonly project: Project
  /** Modules to lock: those that lie neither in the project nor in a replacement. */
  readonly modules: readonly ModuleFolder[]
  /** Modules of the project's own folders, which are not locked. */
  readonly local: readonly ModuleFolder[]
  /** What is wrong with the dependencies: modules that are nowhere, versions that do not fit. */
  readonly diagnostics: readonly Diagnostic[]
}

/** The configuration and the project of a folder, as the module commands see them. */
export function projectOf(root: string, lockFile: string, flags: SettingFlags): { project: Project; config: Config } {
  const config = loadConfig({ ...settingsOf(flags), root, env: process.env })
  const bundle = packageBundle()
  const { components, replacements } = config
  return { config, project: findProject({ root, lockFile, components, replacements, bundle }) }
}

/** Reads the project's sources and follows their dependencies. Throws when the lock or the configuration is bad. */
export async function resolveModules(project: Project): Promise<Resolution> {
  const gathering = new Gathering(
    { readPack: projectPacks(project.root) },
    { ...project, locked: [] },
    projectCache(project.root),
    process.env,
  )
  gathering.readApp()
  for (const module of project.modules) await gathering.readModule(module)
  await gathering.readDependencies()
  // A module that is not in this package stays as it is vendored.
  const missing = new Set(missingModules(gathering.diagnostics))
  const vendored = project.locked.filter(({ module, folder }) => folder !== undefined && missing.has(module.name))
  for (const { folder } of vendored) if (folder !== undefined) await gathering.readModule(folder)
  const kept = new Set(vendored.map(({ module }) => module.name))
  const diagnostics = gathering.diagnostics.filter(({ message }) => ![...kept].some((name) => message.includes(name)))
  const inProject = new Set(['local', 'replacement'])
  return {
    project,
    modules: gathering.modules.filter(({ origin }) => !inProject.has(origin)),
    local: gathering.modules.filter(({ origin }) => inProject.has(origin)),
    diagnostics,
  }
}

function missingModules(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.flatMap(({ message }) => /: module (\S+) is not available$/.exec(message)?.[1] ?? [])
}

const REFERENCE = /^([a-z0-9]+(?:-+[a-z0-9]+)*\/[a-z0-9]+(?:-+[a-z0-9]+)*)(?:@(.+))?$/

export const isReference = (text: string): boolean => REFERENCE.test(text)

/** `org/mod@selector` apart. Throws Invalid. */
export function parseReference(text: string): { readonly name: string; readonly selector: string | undefined } {
  const parts = REFERENCE.exec(text)
  if (parts?.[1] === undefined) {
    throw new RuntimeError(
      'Invalid',
      `invalid module ${JSON.stringify(text)}: invalid format (expected org/module[@version])`,
    )
  }
  return { name: parts[1], selector: parts[2] }
}
