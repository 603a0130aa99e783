// Files that did not change are not read again.

import { statSync, utimesSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadProject } from '../../runtime/loader/load.ts'
import { SourceCache } from '../../runtime/loader/source-cache.ts'
import { folder, LOCK } from './project-folder.ts'

test('a file written twice in one tick of the clock is read again', () => {
  const app = folder({ 'a.txt': 'one' })
  const cache = new SourceCache()
  expect(cache.content(app.at('a.txt'))).toBe('one')
  const { atime, mtime } = statSync(app.at('a.txt'))
  app.write({ 'a.txt': 'two' })
  utimesSync(app.at('a.txt'), atime, mtime)
  expect(cache.content(app.at('a.txt'))).toBe('two')
})

test('two hundred entries load again in well under 50 ms', async () => {
  const files: Record<string, string> = { 'wippy.lock': LOCK }
  for (let file = 0; file < 20; file++) {
    const entries = Array.from({ length: 10 }, (_, index) => {
      files[`src/m${file}/e${index}.lua`] = `local function handler()\n  return ${index}\nend\n`.repeat(50)
      const meta = `{type: tool, title: Number ${index}}`
      return `  - {name: e${index}, kind: function.lua, meta: ${meta}, source: "file://e${index}.lua", modules: [json]}\n`
    })
    files[`src/m${file}/_index.yaml`] = `namespace: app.m${file}\nentries:\n${entries.join('')}`
  }
  const root = folder(files).path
  const cache = new SourceCache()
  expect((await loadProject({ root, cache })).entries).toHaveLength(200)
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const start = performance.now()
    await loadProject({ root, cache })
    times.push(performance.now() - start)
  }
  expect(Math.min(...times)).toBeLessThan(50)
})
