// Modules into the lock and into .wippy/vendor.

import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Loaded, loadProject } from '../../runtime/loader/load.ts'
import { newLock, writeLock } from '../../runtime/loader/lockfile.ts'
import { installModules, lockChanges, moduleDigest, resolvedLock } from '../../runtime/loader/vendor.ts'
import { type Folder, folder, LOCK } from './project-folder.ts'

const module = (name: string, version: string): string => `organization: wippy\nmodule: ${name}\nversion: ${version}\n`
const entries = (ns: string, ...dependencies: string[]): string =>
  `namespace: ${ns}\nentries:\n  - {name: x, kind: k}\n${dependencies
    .map((name) => `  - {name: dep.${name}, kind: ns.dependency, component: wippy/${name}, version: "*"}\n`)
    .join('')}`

const project = (): Folder =>
  folder({
    'wippy.lock': LOCK,
    'src/a.yaml': entries('app', 'one', 'own'),
    'components/own/wippy.yaml': module('own', '1.0.0'),
    'components/own/_index.yaml': entries('wippy.own'),
    'bundle/one/wippy.yaml': module('one', '1.1.0'),
    'bundle/one/src/_index.yaml': entries('wippy.one', 'two'),
    'bundle/two/wippy.yaml': module('two', 'v2.0.0'),
    'bundle/two/_index.yaml': entries('wippy.two'),
  })

const load = (app: Folder): Promise<Loaded> => loadProject({ root: app.path, bundle: { components: app.at('bundle') } })

test('the lock names what dependencies led to, and installing puts it into the project', async () => {
  const app = project()
  const lock = resolvedLock(await load(app))
  expect(lock.modules).toEqual([
    { name: 'wippy/one', version: 'v1.1.0', hash: moduleDigest(app.at('bundle/one')) },
    { name: 'wippy/two', version: 'v2.0.0', hash: moduleDigest(app.at('bundle/two')) },
  ])
  expect(lockChanges(newLock(), lock).map(({ name, from, to }) => `${name} ${from} ${to}`)).toEqual([
    'wippy/one undefined v1.1.0',
    'wippy/two undefined v2.0.0',
  ])
  writeLock(app.at('wippy.lock'), lock)
  const before = await load(app)
  expect(before.modules.map(({ origin }) => origin)).toEqual(['local', 'bundled', 'bundled'])
  expect(installModules(before.project, { names: ['wippy/one'] }).map(({ state }) => state)).toEqual(['installed'])
  expect(installModules(before.project).map(({ state }) => state)).toEqual(['installed', 'installed'])
  const after = await load(app)
  expect(after.modules.map(({ origin }) => origin)).toEqual(['local', 'vendor', 'vendor'])
  expect(installModules(after.project).map(({ state }) => state)).toEqual(['present', 'present'])
  expect(resolvedLock(after)).toEqual(lock)
})

test('a vendored module that was changed is refused, and replaced by force', async () => {
  const app = project()
  writeLock(app.at('wippy.lock'), resolvedLock(await load(app)))
  installModules((await load(app)).project)
  app.write({ '.wippy/vendor/wippy/two/_index.yaml': entries('wippy.two', 'evil') })
  const { project: changed } = await load(app)
  expect(() => installModules(changed)).toThrow(
    /module wippy\/two v2\.0\.0 in .* is not what the lock says: its digest is sha256:/,
  )
  installModules(changed, { force: true })
  expect(installModules((await load(app)).project).map(({ state }) => state)).toEqual(['present', 'present'])
})

test('a locked module that is nowhere is told as missing', async () => {
  const app = folder({ 'wippy.lock': `${LOCK}modules: [{name: o/gone, version: v1.0.0}]\n`, 'src/a.yaml': '' })
  expect(installModules((await load(app)).project)).toEqual([
    { name: 'o/gone', version: 'v1.0.0', state: 'missing', folder: undefined },
  ])
  expect(existsSync(app.at('.wippy/vendor'))).toBe(false)
})

test('a digest follows names and contents of files, wherever the folder is', () => {
  const one = folder({ 'a/b.txt': 'x', 'c.txt': 'y' })
  const same = folder({ 'c.txt': 'y', 'a/b.txt': 'x' })
  expect(moduleDigest(one.path)).toBe(moduleDigest(same.path))
  same.write({ 'a/b.txt': 'z' })
  expect(moduleDigest(one.path)).not.toBe(moduleDigest(same.path))
})
