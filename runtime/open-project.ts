// openProject: reads a project from disk, builds its host and follows its files while it runs. What the command line and an
// embedding program both start with.

import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from './core/clock.ts'
import type { Entry } from './core/entry.ts'
import { RuntimeError } from './core/error.ts'
import { createHost, type Host, type HostOptions } from './create-host.ts'
import { HotReload, type ReloadLine } from './hot-reload.ts'
import { type ConfigSources, loadConfig } from './loader/config.ts'
import { type Loaded, type LoadOptions, loadProject, projectCache } from './loader/load.ts'
import { projectPacks } from './loader/pack.ts'
import type { Bundle } from './loader/project.ts'
import type { SourceCache } from './loader/source-cache.ts'
import { SourceChecks } from './loader/source-checks.ts'
import { Watcher } from './loader/watcher.ts'
import type { History } from './registry/history.ts'
import { openHistory } from './registry/sqlite-history.ts'

export interface ProjectOptions extends Omit<HostOptions, 'loaded' | 'config'> {
  /** The project folder. */
  readonly root: string
  /** Default `wippy.lock` in the root. */
  readonly lockFile?: string
  /** Configuration files, profiles, `--set` and `-o`, as the command line has them. */
  readonly settings?: Omit<ConfigSources, 'root' | 'env' | 'read'>
  /** `org/module` of a bundled application to run instead of the project's own sources. */
  readonly app?: string
  /** An archive to run instead of the project's own sources. */
  readonly pack?: string
  /** What was read before, of this project. */
  readonly cache?: SourceCache
  /** Also load the tests of modules. */
  readonly tests?: boolean
  /** Follow changes of the files while running; default true. */
  readonly watch?: boolean
  /** Why an entry must stay as it is while the system runs: the host of the terminal command. */
  readonly keep?: (id: string) => string | undefined
  /** Adds a terminal host when the project declares none: a command needs one. */
  readonly needsTerminal?: boolean
  /** Keep what changes at run time where the configuration says, on disk unless it says otherwise; else in memory. */
  readonly keepHistory?: boolean
  /** A line about a reload, or about what will not survive, for a person. */
  readonly report?: (line: ReloadLine) => void
}

export interface OpenProject {
  readonly loaded: Loaded
  readonly host: Host
  /** Stops following files, then the host. */
  close(reason?: string): Promise<void>
}

/** The components and applications that come with this package. */
export function packageBundle(): Bundle {
  // From dist/ and from runtime/ the package's root is one folder up.
  const root = join(dirname(fileURLToPath(import.meta.url)), '..')
  const app = join(root, 'app')
  return { components: join(root, 'components'), ...(existsSync(app) ? { apps: { 'wippy/micro-agi': app } } : {}) }
}

/** Loads, composes and boots; services are not started yet. Throws for what leaves nothing to run. */
export async function openProject(options: ProjectOptions): Promise<OpenProject> {
  const { root, env = process.env } = options
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new RuntimeError('NotFound', `project folder ${root} is no folder`)
  const cache = options.cache ?? projectCache(root)
  const settings: ConfigSources = { ...options.settings, root, env, read: cache.yaml }
  const load = (): Promise<Loaded> => {
    const plan: LoadOptions = {
      root,
      env,
      config: loadConfig(settings),
      bundle: packageBundle(),
      cache,
      ...(options.lockFile === undefined ? {} : { lockFile: options.lockFile }),
      readPack: projectPacks(root),
      ...(options.app === undefined ? {} : { app: options.app }),
      ...(options.pack === undefined ? {} : { pack: options.pack }),
      ...(options.tests === undefined ? {} : { tests: options.tests }),
    }
    return loadProject(plan)
  }
  const loaded = await load()
  const history =
    options.history ?? (options.keepHistory === true ? await projectHistory(loaded, options.report) : undefined)
  const hasTerminal = loaded.entries.some(({ kind }) => kind === 'terminal.host')
  const added = options.needsTerminal === true && !hasTerminal ? [implicitTerminal] : []
  const entries = [...(options.entries ?? []), ...added]
  const checks = new SourceChecks(join(root, '.wippy', 'cache', 'sources.json'))
  const host = await createHost({ ...options, loaded, entries, checks, ...(history === undefined ? {} : { history }) })
  const reload = options.watch === false ? undefined : follow(options, loaded, load, host)
  return {
    loaded,
    host,
    async close(reason) {
      checks.save()
      await reload?.stop()
      await host.stop(reason)
    },
  }
}

/** On disk for a project, in memory for a folder that is none; `registry.enable_history`, `history_type` and `history_path` decide. */
export async function projectHistory({ config, project }: Loaded, report: ProjectOptions['report']): Promise<History> {
  const type = config.has('registry.history_type') ? config.text('registry.history_type') : 'sqlite'
  if (type !== 'sqlite' && type !== 'memory' && type !== 'none') {
    const known = 'known are sqlite, memory and none'
    throw new RuntimeError(
      'Invalid',
      `config registry.history_type: ${JSON.stringify(type)} is not available (${known})`,
    )
  }
  const enabled = config.boolean('registry.enable_history')
  return openHistory({
    type: !enabled ? 'none' : project.source === undefined ? 'memory' : type,
    path: resolve(project.root, config.text('registry.history_path')),
    report: (message) => report?.({ level: 'warn', message }),
  })
}

function follow(options: ProjectOptions, loaded: Loaded, load: () => Promise<Loaded>, host: Host): HotReload {
  const report = options.report ?? (() => undefined)
  const { keep } = options
  const reload = new HotReload({
    loaded,
    problems: host.problems,
    load,
    apply: (changes, origins) => host.registry.reload(changes, origins),
    ...(keep === undefined ? {} : { keep }),
    report,
  })
  const failed = (error: unknown): void => {
    report({
      level: 'warn',
      message: `files are not followed: ${error instanceof Error ? error.message : String(error)}`,
    })
  }
  const watcher = new Watcher({
    clock: options.clock ?? systemClock(),
    ignored: [loaded.project.modulesFolder],
    startAfterMs: 250,
    changed: () => void reload.reload(),
    failed,
  })
  reload.start(watcher).catch(failed)
  return reload
}

/** An entry of kind terminal.host, for projects that declare none (design DECISIONS, Components). */
export const implicitTerminal: Entry = {
  id: 'wippy.cli:terminal',
  kind: 'terminal.host',
  meta: {},
  data: { hide_logs: true, lifecycle: { auto_start: true } },
}
