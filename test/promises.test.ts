// The published promises (components/docs, guides/promises) name the tests that prove them: every promise has some, and each is there.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'components/docs/pages/en/guides/promises.md'), 'utf8')

/** Rows `| P1 … | … |` below a heading, by promise. */
function rows(heading: string): Map<string, string> {
  const section = page.split(heading)[1]?.split(/\n## /)[0] ?? ''
  return new Map(
    [...section.matchAll(/^\| (P\d+)\b[^|]*\| (.*) \|$/gm)].map((row) => [row[1] as string, row[2] as string]),
  )
}

const promised = [...rows('# What you may rely on').keys()]
const proofs = rows('## What proves each of them')

test('there are fourteen promises, each with its proof', () => {
  expect(promised).toEqual(Array.from({ length: 14 }, (_, i) => `P${i + 1}`))
  expect([...proofs.keys()]).toEqual(promised)
})

test.each(promised)('the tests that prove %s are there, under these names', (promise) => {
  const files = (proofs.get(promise) as string).split('; ')
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) {
    const path = file.split(' ')[0] as string
    expect(existsSync(join(root, path)), path).toBe(true)
    const text = readFileSync(join(root, path), 'utf8')
    const names = [...file.matchAll(/"([^"]+)"/g)].map((found) => found[1] as string)
    expect(names.length, file).toBeGreaterThan(0)
    for (const name of names) expect(text, `${path}: ${name}`).toContain(name)
  }
})
