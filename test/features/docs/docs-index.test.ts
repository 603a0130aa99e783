// Search over pages: what is found, how it is shown, and that changed files are followed.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { emptyFrame } from '../../../runtime/core/frame.ts'
import type { SearchResult } from '../../../runtime/features/docs/docs-index.ts'
import { docsIndexModule } from '../../../runtime/features/docs/docs-index-module.ts'
import { excerptOf, readPage } from '../../../runtime/features/docs/page.ts'
import { Volumes } from '../../../runtime/features/fs/fs-kinds.ts'
import { Volume } from '../../../runtime/features/fs/volume.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, fakeCall, type Outcome } from '../../support/call-module.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'docs-'))
  mkdirSync(join(root, 'lua'))
  writeFileSync(
    join(root, 'lua/time.md'),
    '---\ntitle: x\n---\n# Time\n\nClocks and zones.\n\n## parse_duration\n\nReads a duration such as `1h30m`.\n',
  )
  writeFileSync(join(root, 'lua/json.md'), '# JSON\n\nEncode tables. Nothing about clocks here but one word: time.\n')
  writeFileSync(join(root, 'notes.txt'), 'time time time')
})
afterEach(() => rmSync(root, { recursive: true }))

function searcher() {
  const volumes = new Volumes()
  volumes.add('app:docs', new Volume({ root, mode: 0o755 }))
  const module = docsIndexModule({ volumes, guard: new Guard({ strict: false }) }).open()
  return (...args: unknown[]): Promise<Outcome> => Promise.resolve(callFunction(module, 'search', args))
}
const paths = ({ value }: Outcome): string[] => (value as SearchResult[]).map(({ path }) => path)

test('a page is found by title, path, heading, text, the start of a word and with a typing error', async () => {
  const search = searcher()
  expect(paths(await search('app:docs', 'time'))).toEqual(['lua/time', 'lua/json'])
  expect(paths(await search('app:docs', 'parse_duration'))[0]).toBe('lua/time')
  expect(paths(await search('app:docs', 'encod'))).toEqual(['lua/json'])
  expect(paths(await search('app:docs', 'duratoin'))).toEqual(['lua/time'])
  expect(paths(await search('app:docs', 'time', { limit: 1 }))).toEqual(['lua/time'])
  expect(paths(await search('app:docs', 'zebra'))).toEqual([])
})

test('a result shows the title and the paragraph that fits', async () => {
  const { value } = await searcher()('app:docs', 'duration')
  expect(value).toMatchObject([{ path: 'lua/time', title: 'Time', excerpt: 'Reads a duration such as `1h30m`.' }])
})

test('a row of a table is shown alone, code and headings are not', () => {
  const page = readPage(
    'p',
    '# T\n\nIntro.\n\n| Function | Gives |\n|---|---|\n| `a.one(x \\| y)` | first |\n| `a.two()` | second |\n\n```lua\ntwo two two\n```\n',
  )
  expect(excerptOf(page, ['second'])).toBe('`a.two()`: second')
  expect(excerptOf(page, ['one'])).toBe('`a.one(x | y)`: first')
  expect(excerptOf(page, ['zebra'])).toBe('Intro.')
})

test('new, changed and deleted pages are seen by the next search', async () => {
  const search = searcher()
  await search('app:docs', 'time')
  writeFileSync(join(root, 'lua/yaml.md'), '# YAML\n\nzebra\n')
  expect(paths(await search('app:docs', 'zebra'))).toEqual(['lua/yaml'])
  rmSync(join(root, 'lua/yaml.md'))
  expect(paths(await search('app:docs', 'zebra'))).toEqual([])
})

test('it needs the right to the volume, a volume and a query', async () => {
  const search = searcher()
  expect((await search('app:none', 'x')).error).toMatchObject({ kind: 'NotFound' })
  expect((await search('app:docs', ' ')).error).toMatchObject({ kind: 'Invalid', message: 'query is required' })
  expect((await search('app:docs', 'x', { limit: 0 })).error?.kind).toBe('Invalid')
  const module = docsIndexModule({ volumes: new Volumes(), guard: new Guard({ strict: true }) }).open()
  const call = { ...fakeCall(), frame: emptyFrame }
  expect((callFunction(module, 'search', ['app:docs', 'x'], call) as Outcome).error?.kind).toBe('PermissionDenied')
})
