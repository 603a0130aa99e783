// Definitions kept between starts: the same result as reading, or none.

import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DefinitionStore } from '../../runtime/loader/definition-store.ts'
import { loadProject, projectCache } from '../../runtime/loader/load.ts'
import { SourceCache } from '../../runtime/loader/source-cache.ts'
import { folder, LOCK } from './project-folder.ts'

const project = (): ReturnType<typeof folder> =>
  folder({
    'wippy.lock': LOCK,
    'src/a.yaml':
      'namespace: app\nentries:\n  - {name: a, kind: k, source: "file://a.lua", __proto__: {x: 1}}\n  - {name: bad\n',
    'src/b.yaml': 'namespace: app\nname: big\nkind: k\nn: 9007199254740993\n',
    'src/c.yaml': 'namespace: app\nentries:\n  - {name: c, kind: k, source: "file://a.lua", __proto__: {x: 1}}\n',
    'src/a.lua': 'one',
  })

test('a start from kept definitions gives what parsing gives', async () => {
  const app = project()
  const root = app.path
  const first = await loadProject({ root, cache: projectCache(root) })
  const kept = JSON.parse(readFileSync(app.at('.wippy/cache/definitions.json'), 'utf8')) as { definitions: object }
  // The lock and c.yaml: a.yaml has a fault, and JSON would change the number of b.yaml.
  expect(Object.keys(kept.definitions)).toHaveLength(2)
  app.write({ 'src/a.lua': 'two' })
  const second = await loadProject({ root, cache: projectCache(root) })
  expect(second.entries.map(({ id }) => id)).toEqual(['app:big', 'app:c'])
  expect(second.diagnostics).toEqual(first.diagnostics)
  expect(second.files).toEqual(first.files)
  const [big, c] = second.entries
  expect(big?.data).toEqual({ n: 9007199254740993n })
  expect(c?.data).toEqual({ source: 'two', ['__proto__']: { x: 1 } })
  expect(Object.getPrototypeOf(c?.data)).toBe(null)
})

test('a kept file that is damaged or of another format is made anew', async () => {
  for (const text of ['{', 'null', '{"format": 0, "definitions": {}}', '[]']) {
    const app = project()
    app.write({ '.wippy/cache/definitions.json': text })
    const loaded = await loadProject({ root: app.path, cache: projectCache(app.path) })
    expect(loaded.entries).toHaveLength(2)
  }
})

test('a folder that cannot be written to costs nothing but time', () => {
  const app = folder({ file: '', 'a.yaml': 'a: 1' })
  const cache = new SourceCache(new DefinitionStore(app.at('file/below/definitions.json')))
  expect(cache.definition(app.at('a.yaml')).tree).toEqual({ a: 1 })
  expect(() => cache.save()).not.toThrow()
})

test('what no file has any more is not kept', () => {
  const app = folder({ 'a.yaml': 'a: 1' })
  const store = app.at('store.json')
  const size = (): number =>
    Object.keys((JSON.parse(readFileSync(store, 'utf8')) as { definitions: object }).definitions).length
  for (const text of ['a: 1', 'a: 2', 'a: 3']) {
    writeFileSync(app.at('a.yaml'), text)
    const cache = new SourceCache(new DefinitionStore(store))
    cache.definition(app.at('a.yaml'))
    cache.save()
    expect(size()).toBe(1)
  }
})
