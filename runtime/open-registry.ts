// openRegistry: the registry of a project at rest, with its history replayed and nothing of it alive. For tools that look at
// entries and versions, or go back to one, without starting the app.

import { resolve } from 'node:path'
import type { Entry } from './core/entry.ts'
import { loadConfig } from './loader/config.ts'
import { type Loaded, loadProject, projectCache } from './loader/load.ts'
import { projectPacks } from './loader/pack.ts'
import { type ProjectOptions, packageBundle, projectHistory } from './open-project.ts'
import type { Kind } from './registry/kind.ts'
import { type Problem, Registry } from './registry/registry.ts'

export interface OpenRegistry {
  readonly loaded: Loaded
  readonly registry: Registry
  /** What could not be replayed. */
  readonly problems: readonly Problem[]
  close(): Promise<void>
}

/** Loads a project and replays its history. Throws for a project that cannot be loaded. */
export async function openRegistry(
  options: Pick<ProjectOptions, 'root' | 'lockFile' | 'settings' | 'env' | 'report' | 'tests'>,
): Promise<OpenRegistry> {
  const { root, env = process.env, lockFile, tests } = options
  const cache = projectCache(root)
  const config = loadConfig({ ...options.settings, root, env, read: cache.yaml })
  const loaded = await loadProject({
    root: resolve(root),
    env,
    config,
    bundle: packageBundle(),
    cache,
    readPack: projectPacks(resolve(root)),
    ...(lockFile === undefined ? {} : { lockFile }),
    ...(tests === undefined ? {} : { tests }),
  })
  const history = await projectHistory(loaded, options.report)
  const kinds = new Set(loaded.entries.map(({ kind }) => kind))
  for (const { id } of history.versions()) {
    for (const { before, after } of history.operations(id)) {
      for (const held of [before, after]) if (held !== undefined) kinds.add(held.entry.kind)
    }
  }
  const registry = new Registry({ kinds: new Map([...kinds].map((kind) => [kind, inert(kind)])), history })
  const problems = await registry.boot({ entries: loaded.entries, origins: loaded.origins })
  return { loaded, registry, problems, close: () => registry.close() }
}

/** A kind whose entries are only kept. */
function inert(kind: string): Kind<Entry> {
  return { kind, decode: (entry) => entry, open: () => ({ update: () => {}, close: () => {} }) }
}
