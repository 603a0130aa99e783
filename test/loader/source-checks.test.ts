// Lua that was found sound once is not checked again.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SourceChecks } from '../../runtime/loader/source-checks.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checks-'))
  file = join(folder, 'cache', 'sources.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

test('what was found sound is known to the next run, and only that', () => {
  const first = new SourceChecks(file)
  expect(first.has('return 1')).toBe(false)
  first.add('return 1')
  first.save()
  const second = new SourceChecks(file)
  expect(second.has('return 1')).toBe(true)
  expect(second.has('return 2')).toBe(false)
})

test('what no run has used since is forgotten at the next change', () => {
  const first = new SourceChecks(file)
  first.add('return 1')
  first.save()
  const second = new SourceChecks(file)
  second.add('return 2')
  second.save()
  expect(new SourceChecks(file).has('return 1')).toBe(false)
})

test('a torn file is the same as none', () => {
  const checks = new SourceChecks(file)
  checks.add('return 1')
  checks.save()
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 10))
  expect(new SourceChecks(file).has('return 1')).toBe(false)
})
