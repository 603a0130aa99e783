// The documentation: whole, consistent, and complete with regard to the modules and kinds that exist.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isMap } from '../../runtime/core/value.ts'
import { decodeYaml } from '../../runtime/external/yaml.ts'
import { codeBlocks, docExamples, docPages } from '../support/doc-pages.ts'

const pages = docPages()
const paths = new Set(pages.map(({ path }) => path))
const all = pages.map(({ text }) => text).join('\n')

// What `doc_search` gives a model at once (app/tools/doc_search.lua).
const MAX_BYTES = 8000

/** Names in the sources of features: `name: 'x'` of modules beside `traits`, `kind: 'x'` of kinds. */
function declared(): { modules: string[]; kinds: string[] } {
  const root = join(import.meta.dirname, '../../runtime/features')
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, name), 'utf8'))
  const modules = sources.flatMap((source) =>
    [...source.matchAll(/\bname: '([\w.]+)',\s*\n\s*description:/g)].map((match) => match[1] ?? ''),
  )
  const kinds = sources
    .filter((source) => source.includes('registry/kind.ts'))
    .flatMap((source) =>
      [...source.matchAll(/(?:\bkind: |storageKind(?:<[^>]*>)?\()'([a-z]+(?:\.[a-z]+)+)'/g)].map(
        (match) => match[1] ?? '',
      ),
    )
  // Kinds of events are kinds too, of another sort.
  const ofEntries = kinds.filter((kind) => !kind.startsWith('pid.'))
  return { modules: [...new Set(modules)].sort(), kinds: [...new Set(ofEntries)].sort() }
}

describe('every page', () => {
  test.each(pages)('$path has one title, fits into an answer and ends with a newline', ({ text }) => {
    expect(text).toMatch(/^# \S/)
    expect(text.replace(/```[\s\S]*?```/g, '').match(/^# /gm)).toHaveLength(1)
    expect(Buffer.byteLength(text)).toBeLessThan(MAX_BYTES)
    expect(text.endsWith('\n')).toBe(true)
    expect((text.match(/^```/gm) ?? []).length % 2).toBe(0)
  })

  test.each(pages)('$path names only pages that exist', ({ text }) => {
    const named = [
      ...text
        .replace(/```[\s\S]*?```|^Result: .*$/gm, '')
        .matchAll(/(?<![\w/])(?:lua|guides|system|framework|tutorials|concepts)\/[a-z0-9_/-]*[a-z0-9_]/g),
    ]
    const missing = named
      .map(([path]) => path)
      .filter((path) => !paths.has(path) && !pages.some((page) => page.path.startsWith(`${path}/`)))
    expect(missing).toEqual([])
  })

  test.each(pages)('$path has examples with results and definitions that parse', (page) => {
    for (const { definitions } of docExamples(page))
      expect(definitions.every(({ kind }) => /^(function|process)\.lua$/.test(kind))).toBe(true)
    for (const { code } of codeBlocks(page, 'yaml')) {
      const file = decodeYaml(code)
      expect(isMap(file) && file['version']).toBe('1.0')
    }
  })
})

describe('the pages cover', () => {
  const { modules, kinds } = declared()

  test('the modules and kinds found in the sources', () => {
    expect(modules).toContain('expr')
    expect(kinds).toContain('env.storage.router')
  })

  test.each(modules)('the module %s, in the one form', (name) => {
    const page =
      pages.find(({ path, text }) => path.startsWith('lua/') && text.startsWith(`# ${name}`)) ??
      pages.find(
        ({ path, text }) =>
          path.startsWith('lua/') && text.includes(`require("${name}")`) && text.split('\n')[0]?.includes(name),
      )
    expect(page, `no page for module ${name}`).toBeDefined()
    for (const part of ['**Loading:**', '**Permissions:**', '## Errors']) {
      expect(page?.text.includes(part) || page?.text.includes('## Permissions'), `${page?.path} lacks ${part}`).toBe(
        true,
      )
    }
  })

  test.each(kinds)('the kind %s', (kind) => {
    expect(all).toContain(`\`${kind}\``)
    expect(pages.find(({ path }) => path === 'guides/entry-kinds')?.text).toContain(kind.replace(/^env\.storage/, ''))
  })
})

test('the index leads to every module page', () => {
  const index = pages.find(({ path }) => path === 'index')?.text ?? ''
  const unlisted = pages.map(({ path }) => path).filter((path) => path !== 'index' && !index.includes(path))
  expect(unlisted.filter((path) => !path.startsWith('concepts/'))).toEqual([])
})
