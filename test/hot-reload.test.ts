// Files change while a host runs, and the registry follows.

import { describe, expect, test } from 'vitest'
import { systemClock } from '../runtime/core/clock.ts'
import { RuntimeError } from '../runtime/core/error.ts'
import { isMap } from '../runtime/core/value.ts'
import { HotReload, type HotReloadOptions, type ReloadLine } from '../runtime/hot-reload.ts'
import { loadProject } from '../runtime/loader/load.ts'
import { SourceCache } from '../runtime/loader/source-cache.ts'
import { Watcher } from '../runtime/loader/watcher.ts'
import { openProject } from '../runtime/open-project.ts'
import type { Kind } from '../runtime/registry/kind.ts'
import { Registry } from '../runtime/registry/registry.ts'
import { type Folder, folder, LOCK } from './loader/project-folder.ts'

const index = (...entries: string[]): string => `namespace: app\nentries:\n${entries.map((e) => `  - ${e}\n`).join('')}`

const picky: Kind<unknown> = {
  kind: 'picky',
  decode(entry) {
    if (isMap(entry.data) && entry.data['bad'] === true) {
      throw new RuntimeError('Invalid', `entry ${entry.id}: bad is not allowed`)
    }
    return entry.data
  },
  open: () => ({ close() {} }),
}

interface Running {
  readonly registry: Registry
  readonly hot: HotReload
  readonly lines: ReloadLine[]
  said(): string[]
  ids(): string[]
}

async function start(project: Folder, keep?: HotReloadOptions['keep']): Promise<Running> {
  const cache = new SourceCache()
  const load = () => loadProject({ root: project.path, cache })
  const loaded = await load()
  const registry = new Registry({ kinds: new Map([['picky', picky]]) })
  const problems = await registry.boot(loaded)
  const lines: ReloadLine[] = []
  const hot = new HotReload({
    loaded,
    problems,
    load,
    apply: (changes, origins) => registry.reload(changes, origins),
    report: (line) => lines.push(line),
    ...(keep === undefined ? {} : { keep }),
  })
  return {
    registry,
    hot,
    lines,
    said: () => lines.splice(0).map(({ message }) => message),
    ids: () => registry.all().map(({ id }) => id),
  }
}

const app = (): Folder =>
  folder({
    'wippy.lock': LOCK,
    'src/a.yaml': index('{name: a, kind: picky, source: "file://a.lua"}'),
    'src/a.lua': 'one',
    'src/b.yaml': index('{name: b, kind: picky, v: 1}'),
  })

describe('reload', () => {
  test('added, changed, renamed and deleted files become one version', async () => {
    const project = app()
    const { registry, hot, said, ids } = await start(project)
    project.write({ 'src/c.yaml': index('{name: c, kind: picky}'), 'src/a.lua': 'two' })
    project.remove('src/b.yaml')
    project.write({ 'src/moved/a.yaml': index('{name: a, kind: picky, source: "file:///a.lua"}') })
    project.remove('src/a.yaml')
    await hot.reload()
    expect(ids()).toEqual(['app:a', 'app:c'])
    expect(registry.get('app:a')?.data).toEqual({ source: 'two' })
    expect(registry.version).toMatchObject({ id: 1, origin: 'disk' })
    expect(said()).toEqual(['reloaded: created app:c; updated app:a; deleted app:b'])
    await hot.reload()
    expect(registry.version.id).toBe(1)
    expect(said()).toEqual([])
  })

  test('a broken file is told once and keeps its entries; repaired, it is followed again', async () => {
    const project = app()
    const { registry, hot, said, ids } = await start(project)
    project.write({ 'src/b.yaml': 'namespace: app\nentries:\n  - {name: b, kind: picky, v: [}\n' })
    await hot.reload()
    await hot.reload()
    expect(ids()).toEqual(['app:a', 'app:b'])
    expect(said()).toEqual([expect.stringMatching(/^src\/b\.yaml:3:\d+: .*; its last good entries stay$/)])
    project.write({ 'src/b.yaml': index('{name: b, kind: picky, v: 2}') })
    await hot.reload()
    expect(registry.get('app:b')?.data).toEqual({ v: 2 })
    expect(said()).toEqual(['all problems are solved', 'reloaded: updated app:b'])
  })

  test('an entry that its kind refuses keeps its last good version, the rest lands', async () => {
    const project = app()
    const { registry, hot, said } = await start(project)
    project.write({
      'src/b.yaml': index('{name: b, kind: picky, bad: true}', '{name: n, kind: picky}'),
      'src/a.lua': 'two',
    })
    await hot.reload()
    expect(registry.get('app:b')?.data).toEqual({ v: 1 })
    expect(registry.get('app:a')?.data).toEqual({ source: 'two' })
    expect(registry.get('app:n')).toBeDefined()
    expect(said()).toEqual([
      expect.stringMatching(/^src\/b\.yaml:3:5: .*bad is not allowed/),
      'reloaded: created app:n; updated app:a',
    ])
    await hot.reload()
    expect(said()).toEqual([])
    project.write({ 'src/b.yaml': index('{name: b, kind: picky, v: 3}', '{name: n, kind: picky}') })
    await hot.reload()
    expect(registry.get('app:b')?.data).toEqual({ v: 3 })
  })

  test('what was registered at run time is not touched', async () => {
    const project = app()
    const { registry, hot, said, ids } = await start(project)
    const made = { id: 'app.generated:t', kind: 'picky', meta: {}, data: { v: 1 } }
    await registry.apply([{ op: 'create', entry: made }], { origin: 'runtime' })
    await registry.apply([{ op: 'update', entry: { ...made, id: 'app:b', data: { v: 'agent' } } }], {
      origin: 'runtime',
    })
    project.write({
      'src/c.yaml': index('{name: c, kind: picky}'),
      'src/b.yaml': index('{name: b, kind: picky, v: 9}'),
    })
    await hot.reload()
    expect(ids()).toEqual(['app.generated:t', 'app:a', 'app:b', 'app:c'])
    expect(registry.get('app:b')?.data).toEqual({ v: 'agent' })
    const first = said()
    expect(first.some((line) => line.includes('app:b'))).toBe(true)
    await hot.reload()
    expect(said()).toEqual([])
  })

  test('an entry in use is neither removed nor changed, and the line says why', async () => {
    const project = app()
    const { registry, hot, said, ids } = await start(project, (id, change) =>
      id === 'app:b' ? `it is the host of the running command (${change})` : undefined,
    )
    project.remove('src/b.yaml')
    await hot.reload()
    expect(ids()).toEqual(['app:a', 'app:b'])
    expect(said()).toEqual(['entry app:b is not removed: it is the host of the running command (delete)'])
    project.write({ 'src/b.yaml': index('{name: b, kind: picky, v: 2}') })
    await hot.reload()
    expect(registry.get('app:b')?.data).toEqual({ v: 1 })
    expect(said()).toEqual(['entry app:b is not changed: it is the host of the running command (update)'])
  })

  test('what was left out at boot is tried again, and told again only when it says something else', async () => {
    const project = app()
    project.write({ 'src/b.yaml': index('{name: b, kind: picky, bad: true}') })
    const { hot, said, ids } = await start(project)
    expect(ids()).toEqual(['app:a'])
    await hot.reload()
    expect(said()).toEqual([])
    project.write({ 'src/b.yaml': index('{name: b, kind: picky}') })
    await hot.reload()
    expect(ids()).toEqual(['app:a', 'app:b'])
    expect(said()).toEqual(['all problems are solved', 'reloaded: created app:b'])
  })

  test('a source folder that is gone for a while keeps its entries, an emptied one does not', async () => {
    const project = app()
    const { hot, said, ids } = await start(project)
    const { renameSync } = await import('node:fs')
    renameSync(project.at('src'), project.at('away'))
    await hot.reload()
    expect(ids()).toEqual(['app:a', 'app:b'])
    expect(said()).toEqual(['src: path not found, its last good entries stay'])
    renameSync(project.at('away'), project.at('src'))
    project.remove('src/b.yaml')
    await hot.reload()
    expect(ids()).toEqual(['app:a'])
  })

  test('a module keeps its name while its manifest is broken', async () => {
    const project = app()
    project.write({
      'components/m/wippy.yaml': 'organization: o\nmodule: m\n',
      'components/m/_index.yaml': 'namespace: o.m\nname: x\nkind: picky\n',
    })
    const { registry, hot, said } = await start(project)
    project.write({ 'components/m/wippy.yaml': 'organization: [' })
    await hot.reload()
    expect(registry.get('o.m:x')?.meta['module']).toBe('o/m')
    expect(registry.version.id).toBe(0)
    expect(said()[0]).toMatch(/^components\/m\/wippy\.yaml: yaml: line 1: /)
  })

  test('with a lock that cannot be read everything stays', async () => {
    const project = app()
    const { hot, said, ids } = await start(project)
    project.write({ 'wippy.lock': 'directories: {src: ""}', 'src/c.yaml': index('{name: c, kind: picky}') })
    await hot.reload()
    expect(ids()).toEqual(['app:a', 'app:b'])
    expect(said()).toEqual([
      `invalid lock file: lock file ${project.at('wippy.lock')}: directories.src cannot be empty; nothing is reloaded`,
    ])
    project.write({ 'wippy.lock': LOCK })
    await hot.reload()
    expect(ids()).toEqual(['app:a', 'app:b', 'app:c'])
  })

  test('overrides in .wippy.yaml are followed, other settings are said to wait', async () => {
    const project = app()
    const { registry, hot, said } = await start(project)
    project.write({ '.wippy.yaml': 'version: "1.0"\noverride: {"app:b:v": 7}\nlogger: {encoding: json}\n' })
    await hot.reload()
    expect(registry.get('app:b')?.data).toEqual({ v: 7 })
    expect(said()[0]).toBe('settings in .wippy.yaml changed: they take effect at the next start')
  })

  test('calls made while one runs are joined into one more', async () => {
    const project = app()
    const { hot, ids } = await start(project)
    const first = hot.reload()
    project.write({ 'src/c.yaml': index('{name: c, kind: picky}') })
    const second = hot.reload()
    expect(hot.reload()).toBe(second)
    await Promise.all([first, second])
    expect(ids()).toContain('app:c')
  })
})

describe('watching', () => {
  test('edits, atomic renames, deletions and a dropped component are seen on a real disk', async () => {
    const project = app()
    const { hot, registry, ids } = await start(project)
    let wake = (): void => {}
    const changed = (): void => {
      void hot.reload().then(() => wake())
    }
    const until = async (done: () => boolean): Promise<void> => {
      while (!done()) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    const watcher = new Watcher({ clock: systemClock(), quietMs: 10, removalMs: 60, changed })
    await hot.start(watcher)
    project.write({ 'src/a.lua': 'two' })
    await until(() => JSON.stringify(registry.get('app:a')?.data) === '{"source":"two"}')
    const { renameSync } = await import('node:fs')
    project.write({ 'src/.a.lua.tmp': 'three' })
    renameSync(project.at('src/.a.lua.tmp'), project.at('src/a.lua'))
    await until(() => JSON.stringify(registry.get('app:a')?.data) === '{"source":"three"}')
    project.remove('src/b.yaml')
    await until(() => !ids().includes('app:b'))
    project.write({ 'components/new/_index.yaml': 'namespace: new\nname: x\nkind: picky\n' })
    await until(() => ids().includes('new:x'))
    project.write({ 'components/new/_index.yaml': 'namespace: new\nname: y\nkind: picky\n' })
    await until(() => ids().includes('new:y') && !ids().includes('new:x'))
    await hot.stop()
  })
})

test('a running function follows its library through edits, mistakes, deletion and return', async () => {
  const project = folder({
    'wippy.lock': LOCK,
    'src/_index.yaml': index(
      '{name: lib, kind: library.lua, source: "file://lib.lua"}',
      '{name: f, kind: function.lua, source: "file://f.lua", method: main, imports: {lib: "app:lib"}}',
    ),
    'src/lib.lua': 'return { v = function() return 1 end }',
    'src/f.lua': 'local lib = require("lib")\nlocal function main() return lib.v() end\nreturn { main = main }',
  })
  const said: string[] = []
  let wake = (): void => {}
  const open = await openProject({
    root: project.path,
    report: ({ message }) => {
      said.push(message)
      wake()
    },
  })
  const line = async (text: string): Promise<void> => {
    while (!said.some((message) => message.includes(text))) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  await open.host.start()
  const call = (): Promise<unknown> => open.host.call('app:f', [])
  expect(await call()).toBe(1)
  project.write({ 'src/lib.lua': 'return { v = function() return 2 end }' })
  await line('reloaded: updated app:lib')
  expect(await call()).toBe(2)
  project.write({ 'src/lib.lua': '\nreturn { v = function( return 3 end }' })
  await line('src/lib.lua:2: entry app:lib')
  expect(await call()).toBe(2)
  project.remove('src/lib.lua')
  await line('file://lib.lua: no such file; its last good entries stay')
  expect(await call()).toBe(2)
  said.length = 0
  project.write({ 'src/lib.lua': 'return { v = function() return 4 end }' })
  await line('reloaded: updated app:lib')
  expect(await call()).toBe(4)
  await open.close()
})
