// The rules of the layout that a machine can check: who imports whom, who knows a package, and that every module and kind has
// its page and its conformance app. A rule that has to give way is changed here, in the open.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { manualClock } from '../../runtime/core/clock.ts'
import { Environment } from '../../runtime/features/env/environment.ts'
import {
  createKinds,
  createModules,
  createRegistryModules,
  type FeatureDeps,
  FeatureState,
} from '../../runtime/features/index.ts'
import type { LuaKindDeps } from '../../runtime/features/lua/kinds.ts'
import { Kernel } from '../../runtime/process/kernel.ts'
import { Scheduler } from '../../runtime/process/scheduler.ts'
import type { Registry } from '../../runtime/registry/registry.ts'
import { importsOf, ownImports, root, type Source, sourcesIn } from './sources.ts'

const runtime = sourcesIn('runtime', ['.ts'])

/** Who may import whom: folders and files, from runtime/. What is not listed may import nothing of another folder. */
const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  external: ['core'],
  loader: ['core', 'external'],
  registry: ['core', 'external'],
  security: ['core', 'external'],
  observe: ['core', 'external'],
  offload: ['core', 'external', 'observe'],
  control: ['core', 'external', 'observe'],
  process: ['core', 'observe', 'external'],
  supervisor: ['core', 'observe', 'external'],
  // The engine runs processes for the kernel and answers calls of functions; names, links and hosts are not its business.
  lua: ['core', 'external', 'process/process.ts', 'process/kernel.ts', 'process/scheduler.ts', 'process/functions.ts'],
  features: [
    'core',
    'external',
    'offload',
    'registry',
    'process',
    'supervisor',
    'security',
    'observe',
    // The socket, and values that outlive the call or leave the engine.
    'lua/module.ts',
    'lua/plain.ts',
    'lua/detached.ts',
  ],
  'index.ts': [
    'core',
    'create-host.ts',
    'features/events/bus.ts',
    'lua/module.ts',
    'observe/logger.ts',
    'open-docs.ts',
    'open-project.ts',
    'open-registry.ts',
    'process/inspection.ts',
    'process/listener.ts',
    'process/terminal.ts',
    'registry',
    'security/declared.ts',
    'supervisor/service.ts',
  ],
  threads: ['core', 'lua', 'process'],
  'create-host.ts': [
    'core',
    'features',
    'loader',
    'lua',
    'observe',
    'process',
    'registry',
    'security',
    'supervisor',
    'threads',
  ],
  'hot-reload.ts': ['core', 'loader', 'registry'],
  'open-project.ts': ['core', 'create-host.ts', 'hot-reload.ts', 'loader', 'registry'],
  'open-registry.ts': ['core', 'loader', 'open-project.ts', 'registry'],
  'load-bundle.ts': [],
  'open-docs.ts': ['core', 'features/docs', 'features/fs'],
  cli: ['index.ts', 'core', 'external', 'loader', 'observe', 'control', 'lua/typed'],
}

/** Files that may reach further than their folder, with the reason. */
const reaching: Readonly<Record<string, readonly string[]>> = {
  // What a worker thread has of its own: modules that work on data alone, and the stack functions of processes and calls.
  'threads/worker': ['features', 'offload', 'security'],
  // Kinds of Lua entries and what runs against the engine's stack.
  'features/index.ts': ['lua'],
  // The part of the table of features that every thread has.
  'features/data-modules.ts': ['features'],
  'features/lua': ['lua'],
  'features/funcs/raw.ts': ['lua'],
  'features/process/raw.ts': ['lua'],
  'features/payload.ts': ['lua'],
  // Reads definition files as the loader does.
  'features/registry/loader-module.ts': ['loader'],
  // Executors and Spawners take the same actors and scopes.
  'features/funcs/funcs-module.ts': ['features/process/identity.ts'],
  // One derivation, reached through two modules.
  'features/crypto/crypto-module.ts': ['features/pbkdf2.ts'],
  'features/hash.ts': ['features/pbkdf2.ts'],
}

describe('imports', () => {
  test('every folder of the runtime has its line in the table', () => {
    const missing = [...new Set(runtime.map(({ path }) => roomOf(path)))].filter((room) => layers[room] === undefined)
    expect(missing).toEqual([])
  })

  test('go only where the table allows', () => {
    const wrong = runtime.flatMap((source) =>
      ownImports(source)
        .filter((target) => !mayImport(inRuntime(source.path), inRuntime(target)))
        .map((target) => `${source.path} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('the table allows nothing that nobody needs', () => {
    const used = runtime.flatMap((source) =>
      ownImports(source).map((target) => [inRuntime(source.path), inRuntime(target)] as const),
    )
    const idle = Object.entries(reaching).flatMap(([from, targets]) =>
      targets
        .filter((target) => !used.some(([a, b]) => within(a, from) && within(b, target)))
        .map((target) => `${from} -> ${target}`),
    )
    expect(idle).toEqual([])
  })

  test('there are no cycles between rooms', () => {
    const edges = new Map<string, Set<string>>()
    for (const source of runtime) {
      const from = roomOf(source.path)
      for (const target of ownImports(source)) {
        const to = roomOf(target)
        if (to !== from) edges.set(from, (edges.get(from) ?? new Set()).add(to))
      }
    }
    expect(cycleIn(edges)).toEqual([])
  })

  test('do not reach into tests, and go to files that exist', () => {
    const wrong = runtime.flatMap((source) =>
      ownImports(source)
        .filter((target) => !target.startsWith('runtime/') || !existsSync(join(root, target)))
        .map((target) => `${source.path} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('packages', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const importers = new Map<string, Set<string>>()
  for (const source of runtime) {
    for (const name of importsOf(source).map(packageOf)) {
      if (name !== undefined) importers.set(name, (importers.get(name) ?? new Set()).add(source.path))
    }
  }

  test('have one importer each', () => {
    const shared = [...importers].filter(([, files]) => files.size > 1).map(([name, files]) => [name, [...files]])
    expect(shared).toEqual([])
  })

  test('that are imported are dependencies', () => {
    expect([...importers.keys()].filter((name) => manifest.dependencies[name] === undefined)).toEqual([])
  })

  test('that are dependencies are used', () => {
    expect(Object.keys(manifest.dependencies).filter((name) => !importers.has(name))).toEqual([])
  })
})

describe('files', () => {
  test('open with a comment that says what they are for', () => {
    const opening: Readonly<Record<string, RegExp>> = {
      ts: /^(#![^\n]*\n)?\/\/ \S/,
      mjs: /^(#![^\n]*\n)?\/\/ \S/,
      lua: /^-- \S/,
      yaml: /^# \S/,
    }
    const silent = ['runtime', 'test', 'components', 'app']
      .flatMap((folder) => sourcesIn(folder, ['.ts', '.mjs', '.lua', '_index.yaml']))
      .filter(({ path }) => !asOthersWriteThem.some((folder) => path.startsWith(folder)))
      .filter(({ path, text }) => !opening[path.slice(path.lastIndexOf('.') + 1)]?.test(text))
      .map(({ path }) => path)
    expect(silent).toEqual([])
  })

  test('of the runtime export names, never defaults', () => {
    expect(runtime.filter(({ text }) => /^export default\b/m.test(text)).map(({ path }) => path)).toEqual([])
  })

  test('of the runtime keep no variable of their own while it runs', () => {
    const keeping = runtime.filter(({ text }) => /^(export )?(let|var) /m.test(text)).map(({ path }) => path)
    expect(keeping).toEqual(Object.keys(keepers))
  })
})

describe('every module and kind', () => {
  // Only their names are wanted: nothing is opened, so that what they would work with may be absent.
  const kernel = new Kernel(new Scheduler(), '')
  const environment = new Environment()
  const deps = { os: {}, clock: manualClock(), kernel, environment } as unknown as FeatureDeps
  const state = new FeatureState(kernel)
  const features = createModules(deps, state)
  const modules = [...features.modules, ...createRegistryModules(undefined as unknown as Registry, deps, state)]
  const kinds = [...createKinds(deps, {} as LuaKindDeps, state).keys()]

  const pages = sourcesIn('components/docs/pages/en', ['.md'])
  const apps = sourcesIn('test/conformance', ['.yaml', '.yml']).map((source) => ({
    source,
    entries: entriesOf(source),
  }))

  test('of modules has a page', () => {
    const titles = new Set(pages.filter(({ path }) => path.includes('/lua/')).map(titleOf))
    expect(modules.map(({ name }) => name).filter((name) => !titles.has(name))).toEqual([])
  })

  test('of modules says in one line what it is for', () => {
    expect(modules.filter(({ description }) => !description).map(({ name }) => name)).toEqual([])
  })

  test('of modules has a conformance app', () => {
    const granted = new Set(apps.flatMap(({ entries }) => entries.flatMap((entry) => entry.modules ?? [])))
    const lacking = modules
      .map(({ name }) => name)
      .filter((name) => !hasTopic(name) && !(granted.has(name) && hasTopic(name)))
      .filter((name) => withoutApp[name] === undefined)
    expect(lacking).toEqual([])
  })

  test('of kinds has a page', () => {
    const lacking = kinds.filter(
      (kind) => !pages.some(({ path, text }) => !path.endsWith('entry-kinds.md') && names(text, kind)),
    )
    expect(lacking).toEqual([])
  })

  test('of kinds stands in the list of kinds', () => {
    const list = pages.find(({ path }) => path.endsWith('guides/entry-kinds.md'))?.text ?? ''
    const lacking = kinds.filter((kind) => !names(list, kind) && !names(list, `.${kind.split('.').at(-1)}`))
    expect(lacking).toEqual([])
  })

  test('of kinds has a test of what an update does', () => {
    const text = readFileSync(join(root, 'test/conformance/update-effects.test.ts'), 'utf8')
    expect(kinds.filter((kind) => !text.includes(`'${kind}'`))).toEqual([])
  })

  test('of kinds is used by a conformance app', () => {
    const used = new Set(apps.flatMap(({ entries }) => entries.map(({ kind }) => kind)))
    expect(kinds.filter((kind) => !used.has(kind) && withoutApp[kind] === undefined)).toEqual([])
  })
})

/** Programs that are shown or measured as they are: their folders say what they are for. */
const asOthersWriteThem = ['test/bench/apps/', 'test/e2e/tutorial/', 'test/examples/']

/** Files with a variable of their own: the package behind each is one instance for the whole process. */
const keepers: Readonly<Record<string, string>> = {
  'runtime/external/zstd.ts': 'a second init replaces the memory under the first',
}

/** Modules and kinds that no conformance app can show, with the reason. */
const withoutApp: Readonly<Record<string, string>> = {
  openai: 'granted to components only; test/components and test/e2e run it against a model server',
}

interface WrittenEntry {
  readonly kind?: string
  readonly modules?: readonly string[]
}

function entriesOf({ text }: Source): WrittenEntry[] {
  const file: unknown = parse(text)
  const entries = (file as { entries?: unknown } | null)?.entries
  return Array.isArray(entries) ? (entries as WrittenEntry[]) : [file as WrittenEntry]
}

function hasTopic(name: string): boolean {
  return existsSync(join(root, 'test/conformance', name, 'wippy.lock'))
}

function titleOf({ text }: Source): string {
  return /^# (.+)$/m.exec(text)?.[1] ?? ''
}

function names(text: string, kind: string): boolean {
  return text.includes(`\`${kind}\``)
}

/** `lua/vm.ts` of `runtime/lua/vm.ts`. */
function inRuntime(path: string): string {
  return path.slice('runtime/'.length)
}

/** The room a file belongs to: a folder of runtime/, or a file beside them. */
function roomOf(path: string): string {
  return inRuntime(path).split('/')[0] ?? ''
}

function within(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`)
}

function mayImport(from: string, to: string): boolean {
  const room = from.split('/')[0] ?? ''
  const further = Object.entries(reaching).flatMap(([place, targets]) => (within(from, place) ? targets : []))
  if (further.some((target) => within(to, target))) return true
  if (within(to, room)) return room !== 'features' || from === 'features/index.ts' || featureOf(from) === featureOf(to)
  return (layers[room] ?? []).some((target) => within(to, target))
}

/** `http_client` of `features/http_client/client.ts`, `json` of `features/json.ts`. */
function featureOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '')
}

/** `undici` of `undici/types`, `@scope/name` of `@scope/name/x`; undefined for what is no package. */
function packageOf(specifier: string): string | undefined {
  if (/^(node:|[./]|[A-Z])/.test(specifier) || !/^(@[\w.-]+\/)?[\w.-]+(\/[\w./-]+)?$/.test(specifier)) return undefined
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]
}

/** The first cycle found, as the rooms on it. */
function cycleIn(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const done = new Set<string>()
  const visit = (room: string, path: readonly string[]): string[] => {
    if (path.includes(room)) return [...path.slice(path.indexOf(room)), room]
    if (done.has(room)) return []
    for (const next of edges.get(room) ?? []) {
      const cycle = visit(next, [...path, room])
      if (cycle.length > 0) return cycle
    }
    done.add(room)
    return []
  }
  for (const room of edges.keys()) {
    const cycle = visit(room, [])
    if (cycle.length > 0) return cycle
  }
  return []
}
