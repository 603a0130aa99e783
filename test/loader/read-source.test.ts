// One source folder becomes entries, whatever its files hold.

import { rmSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeYaml } from '../../runtime/external/yaml.ts'
import { readSource } from '../../runtime/loader/read-source.ts'
import { SourceCache } from '../../runtime/loader/source-cache.ts'
import { folder } from './project-folder.ts'

const key = fc.constantFrom('namespace', 'name', 'kind', 'meta', 'data', 'entries', 'version', 'source', '__proto__')
const scalar = fc.constantFrom('app', '', 'file://a.txt', 'file://../x', 'k', 1, null, true, 'file://')
const tree = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
})).value
const text = fc.oneof(
  tree.map((value) => encodeYaml(value as never)),
  tree.map((value) => JSON.stringify(value)),
  fc.string(),
  tree.chain((value) => fc.nat(200).map((cut) => encodeYaml(value as never).slice(0, cut))),
)

test('whatever a definition file holds: entries with a name and a kind, or one reason why not', () => {
  const disk = folder({ 'a.txt': 'content' })
  const cache = new SourceCache()
  fc.assert(
    fc.property(text, fc.constantFrom('yaml', 'json'), (content, extension) => {
      const file = disk.at(`x.${extension}`)
      writeFileSync(file, content)
      const reading = readSource({ folder: disk.path, origin: 'disk', only: [`x.${extension}`] }, cache)
      cache.retain(new Set())
      for (const { entry } of reading.entries) {
        expect(entry.id).toMatch(/^(?:app|content|k):./s)
        expect(entry.kind).not.toBe('')
        expect(typeof entry.meta).toBe('object')
      }
      const errors = reading.diagnostics.filter(({ level }) => level === 'error')
      expect(errors.length).toBe(reading.broken.length)
      if (errors.length > 0) expect(reading.entries).toEqual([])
      for (const { message } of errors) expect(message).toMatch(/; the file is skipped$/)
    }),
    { numRuns: 500 },
  )
})

test('a folder that cannot be read is an error, not an empty folder', () => {
  const disk = folder({ 'src/a.yaml': 'namespace: app\nentries: [{ name: x, kind: k }]', file: '' })
  const reading = readSource({ folder: disk.at('file'), origin: 'disk' }, new SourceCache())
  expect(reading.diagnostics).toEqual([
    { level: 'error', file: disk.at('file'), message: 'not a folder; the folder is skipped' },
  ])
})

test('the entries of a folder that can be read no more stay', () => {
  const disk = folder({ 'src/a.yaml': 'namespace: app\nentries: [{ name: x, kind: k }]' })
  const cache = new SourceCache()
  const source = { folder: disk.at('src'), origin: 'disk' } as const
  expect(readSource(source, cache).entries).toHaveLength(1)
  rmSync(disk.at('src'), { recursive: true })
  writeFileSync(disk.at('src'), '')
  const reading = readSource(source, cache)
  expect(reading.entries.map(({ entry }) => entry.id)).toEqual(['app:x'])
  expect(reading.diagnostics).toMatchObject([{ level: 'error', message: expect.stringMatching(/last good/) }])
})
