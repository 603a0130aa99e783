// Which line of which file a problem of an entry is shown at.

import { expect, test } from 'vitest'
import { locateProblem } from '../../runtime/loader/entry-problem.ts'
import type { EntrySource } from '../../runtime/loader/load.ts'

const source: EntrySource = {
  file: '/p/src/_index.yaml',
  line: 4,
  column: 5,
  files: ['/p/src/_index.yaml', '/p/src/lib.lua'],
  sourceFile: '/p/src/lib.lua',
  module: undefined,
}
const files = new Map([
  ['app:lib', source],
  ['app:inline', { ...source, sourceFile: undefined }],
])

test('a line of the source is a line of its file', () => {
  const message = 'entry app:lib is left out: app:lib:12: unexpected symbol'
  expect(locateProblem({ level: 'error', entry: 'app:lib', message }, files)).toEqual({
    level: 'error',
    entry: 'app:lib',
    message: 'entry app:lib is left out: unexpected symbol',
    file: '/p/src/lib.lua',
    line: 12,
  })
})

test('anything else stands at the definition of the entry', () => {
  const place = { file: '/p/src/_index.yaml', line: 4, column: 5 }
  expect(locateProblem({ level: 'error', entry: 'app:lib', message: 'entry app:lib: bad ttl' }, files)).toMatchObject(
    place,
  )
  expect(locateProblem({ level: 'warn', entry: 'app:inline', message: 'app:inline:3: x' }, files)).toMatchObject({
    ...place,
    message: 'app:inline:3: x',
  })
})

test('what has no place keeps its message alone', () => {
  expect(locateProblem({ level: 'warn', message: 'm' }, files)).toEqual({ level: 'warn', message: 'm' })
  expect(locateProblem({ level: 'warn', entry: 'a:b', message: 'm' }, files)).toEqual({
    level: 'warn',
    entry: 'a:b',
    message: 'm',
  })
})
