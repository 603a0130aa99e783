// The functions of wippy/docs in a whole project: pages by any form of their path, folders, search, and what is refused.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Value } from '../../runtime/core/value.ts'
import { type OpenProject, openProject } from '../../runtime/open-project.ts'
import { projectFolder, removeFolder } from '../support/project-folder.ts'

let root: string
let project: OpenProject

beforeAll(async () => {
  root = projectFolder({
    'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
    'src/_index.yaml':
      'version: "1.0"\nnamespace: app\nentries:\n  - name: docs\n    kind: ns.dependency\n    component: wippy/docs\n    version: "*"\n',
  })
  project = await openProject({ root, watch: false })
  expect(project.loaded.diagnostics.filter(({ level }) => level === 'error')).toEqual([])
  await project.host.start()
})
afterAll(async () => {
  await project.close()
  removeFolder(root)
})

const page = (path: Value): Promise<Value> => project.host.call('wippy.docs:page', [{ path }])
const search = (input: { [key: string]: Value }): Promise<Value> => project.host.call('wippy.docs:search', [input])

describe('page', () => {
  test.each(['lua/core/time', '/en/lua/core/time.md', 'https://wippy.ai/en/lua/core/time', ' lua/core/time#errors '])(
    '%s',
    async (path) => {
      expect(await page(path)).toMatchObject({ path: 'lua/core/time', content: expect.stringMatching(/^# time\n/) })
    },
  )

  test('a folder lists its pages, nothing is the index', async () => {
    expect(await page('lua/core')).toMatchObject({ content: expect.stringContaining('- lua/core/time\n') })
    expect(await page('/')).toMatchObject({ path: 'index' })
  })

  test.each(['lua/core/none', '../../../../package.json', '../../src/_index'])('%s is not found', async (path) => {
    expect(await page(path)).toMatchObject({ error: expect.stringMatching(/^page not found: /) })
  })

  test('a path is needed', async () => {
    expect(await page(' ')).toEqual({ error: 'path is required, such as lua/core/time' })
    expect(await page(5)).toMatchObject({ error: expect.any(String) })
  })
})

describe('search', () => {
  test.each([
    ['parse a duration', 'lua/core/time'],
    ['regular expression', 'lua/text/text'],
    ['http request headers', 'lua/http/client'],
    ['how to write a tool', 'tutorials/write-a-tool'],
    ['decode json', 'lua/data/json'],
    ['sha256', 'lua/security/hash'],
    ['current time zone', 'lua/core/time'],
    ['evaluate an expression', 'lua/dynamic/expression'],
    ['supervisor restart', 'guides/supervision'],
    ['what limits has code made at run time', 'guides/promises'],
  ])('%s leads to %s', async (query, path) => {
    const { results } = (await search({ query })) as { results: { path: string; title: string; excerpt: string }[] }
    expect(results.slice(0, 3).map((result) => result.path)).toContain(path)
    expect(results[0]).toMatchObject({ title: expect.any(String), excerpt: expect.stringMatching(/\w/) })
  })

  test('a limit bounds the results, a query is needed', async () => {
    expect((await search({ query: 'time', limit: 2 })) as { results: Value[] }).toMatchObject({
      results: { length: 2 },
    })
    expect(await search({ query: '' })).toEqual({ error: 'query is required' })
    expect(await search({ query: 'time', limit: -1 })).toMatchObject({ error: expect.any(String) })
  })
})
