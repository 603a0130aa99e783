// Every example of the documentation runs on a real host and gives the result that its page shows.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { isMap, type Value, type ValueMap } from '../../runtime/core/value.ts'
import { createHost, type Host } from '../../runtime/create-host.ts'
import { decodeYaml } from '../../runtime/external/yaml.ts'
import { codeBlocks, docExamples, docPages, pagesRoot, requiredModules } from '../support/doc-pages.ts'

const pages = docPages()
const examples = pages.flatMap(docExamples)
let host: Host
let folder: string

/** Entries that examples and pages name: hosts, and those of the definition pages. */
function surroundings(root: string): Entry[] {
  const from = ['system/env', 'system/store', 'system/security', 'system/template', 'system/exec', 'lua/core/contract']
  const yaml = pages
    .filter(({ path }) => from.includes(path))
    .flatMap((page) => codeBlocks(page, 'yaml').flatMap(({ code }) => entriesOf(code)))
  return [
    { id: 'app:processes', kind: 'process.host', meta: {}, data: { lifecycle: { auto_start: true } } },
    { id: 'app:files', kind: 'fs.directory', meta: {}, data: { directory: root, base: 'project' } },
    { id: 'wippy.docs:pages', kind: 'fs.directory', meta: {}, data: { directory: pagesRoot } },
    // The file of the example stands in the working folder; this one in a temporary one.
    ...yaml.map((entry) =>
      entry.kind === 'env.storage.file'
        ? { ...entry, data: { file_path: join(root, 'app.env'), auto_create: true } }
        : entry,
    ),
  ]
}

/** The entries of a YAML block, by the rules of the loader that examples need: everything but name, kind and meta is data. */
function entriesOf(code: string): Entry[] {
  const file = decodeYaml(code)
  if (!isMap(file) || !Array.isArray(file['entries'])) return []
  return file['entries'].filter(isMap).map(({ name, kind, meta, ...data }) => ({
    id: `${file['namespace']}:${name}`,
    kind: String(kind),
    meta: isMap(meta) ? meta : {},
    data: data as ValueMap,
  }))
}

const luaEntry = (id: string, kind: string, source: string): Entry => ({
  id,
  kind,
  meta: {},
  data: { source, method: 'handler', modules: [...new Set(requiredModules(source))] },
})

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'docs-'))
  host = await createHost({ entries: surroundings(folder) })
  await host.start()
  expect(host.problems).toEqual([])
})
afterAll(async () => {
  await host.stop()
  rmSync(folder, { recursive: true })
})

describe('the examples', () => {
  test.each(examples.map((example, at) => ({ ...example, at })))(
    '$page',
    async ({ source, definitions, result, at }) => {
      const entries = [
        ...definitions.map(({ name, kind, source }) => luaEntry(`app:${name}`, kind, source)),
        luaEntry(`app.example:e${at}`, 'function.lua', source),
      ]
      const existing = new Set(entries.filter(({ id }) => host.registry.get(id) !== undefined).map(({ id }) => id))
      await host.registry.apply(
        entries.map((entry) => ({ op: existing.has(entry.id) ? ('update' as const) : ('create' as const), entry })),
        { origin: 'host' },
      )
      const value = await host.call(`app.example:e${at}`)
      expect(plain(value)).toEqual(result)
    },
  )

  test('are there on every page of a module', () => {
    const without = pages.filter((page) => page.path.startsWith('lua/') && codeBlocks(page, 'lua').length === 0)
    expect(without.map(({ path }) => path)).toEqual(['lua/entries'])
  })
})

/** As JSON shows it: bytes are text, integers of any size numbers. */
function plain(value: Value): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (!isMap(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
