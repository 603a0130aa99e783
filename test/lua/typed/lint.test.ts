// What `wippy lint` says of entries: selection, counts, and the three forms of its output.

import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../runtime/core/entry.ts'
import { isLuaEntry, lintEntries, lintJson, renderLint, renderLintSummary } from '../../../runtime/lua/typed/lint.ts'

const entry = (id: string, source: string, kind = 'function.lua'): Entry => ({ id, kind, meta: {}, data: { source } })

const entries: readonly Entry[] = [
  entry('app:b', 'local n: number = "x"\nn()\nglobal = 1'),
  entry('app:a', 'local x = 1\nreturn x', 'library.lua'),
  entry('app.tools:c', 'local = 1', 'process.lua'),
  entry('lib:d', 'local s: string = 5\nreturn s', 'function.lua.bc'),
  { id: 'app:settings', kind: 'registry.entry', meta: {}, data: { source: 'not lua' } },
  { id: 'app:native', kind: 'function.lua', meta: {}, data: null },
]

const ids = (options: Parameters<typeof lintEntries>[1]): string[] =>
  lintEntries(entries, options).diagnostics.map(({ entry: id, code }) => `${id} ${code}`)

test('only Lua entries with a source are read', () => {
  expect(entries.filter(isLuaEntry).map(({ id }) => id)).toEqual(['app:b', 'app:a', 'app.tools:c', 'lib:d'])
})

describe('what is reported', () => {
  test('is sorted by entry, severity and line', () => {
    expect(ids({ rules: true })).toEqual([
      'app.tools:c P0001',
      'app:b E0001',
      'app:b E0006',
      'app:b W0002',
      'lib:d E0001',
    ])
  })
  test('has no rules unless they are asked for', () => {
    expect(ids({})).toEqual(['app.tools:c P0001', 'app:b E0001', 'app:b E0006', 'lib:d E0001'])
  })
  test('can be limited to namespaces', () => {
    expect(ids({ ns: ['app'] })).toEqual(['app:b E0001', 'app:b E0006'])
    expect(ids({ ns: ['app.*'] })).toEqual(['app.tools:c P0001', 'app:b E0001', 'app:b E0006'])
    expect(ids({ ns: ['lib', 'app.tools'] })).toEqual(['app.tools:c P0001', 'lib:d E0001'])
    expect(lintEntries(entries, { ns: ['app'] }).entries).toBe(2)
  })
  test('can be limited to codes and to a level', () => {
    expect(ids({ code: ['E0006', 'P0001'] })).toEqual(['app.tools:c P0001', 'app:b E0006'])
    expect(ids({ level: 'error', rules: true })).not.toContain('app:b W0002')
  })
  test('can be cut, while everything counts', () => {
    const report = lintEntries(entries, { limit: 1, rules: true })
    expect(report.diagnostics).toHaveLength(1)
    expect(report).toMatchObject({ errors: 4, warnings: 1, hints: 0, failure: 'lint failed: 4 errors, 1 warnings' })
  })
  test('without errors is no failure', () => {
    expect(lintEntries([entry('app:a', 'x = 1')], { rules: true })).toMatchObject({ warnings: 1, failure: undefined })
  })
})

test('the text shows the line and a mark under the place', () => {
  expect(renderLint(lintEntries([entry('app:b', '\tlocal n: number = "x"')]))).toBe(
    'app:b:1:20: error E0001: string not assignable to number\n' +
      '    1 | \tlocal n: number = "x"\n' +
      '      | \t                  ^\n\n' +
      'Checked 1 entries: 1 errors',
  )
  expect(renderLint(lintEntries([entry('app:b', 'return 1')]))).toBe('Checked 1 entries')
})

test('the text names the file when there is one, and has colours when wanted', () => {
  const report = lintEntries([entry('app:b', 'local n: number = "x"')])
  const text = renderLint(report, { color: true, fileOf: () => 'src/b.lua' })
  expect(text).toContain('\u001b[1msrc/b.lua:1:19\u001b[0m: \u001b[31merror\u001b[0m E0001')
  expect(text).toContain('in app:b')
})

test('the summary counts by namespace and by code', () => {
  expect(renderLintSummary(lintEntries(entries, { rules: true })).split('\n')).toEqual([
    'By namespace:',
    '',
    '  app.tools                         1 issues (1 errors)',
    '  app                               3 issues (2 errors, 1 warnings)',
    '  lib                               1 issues (1 errors)',
    '',
    'By error code:',
    '',
    '  E0001      [error  ]    2 occurrences',
    '  E0006      [error  ]    1 occurrences',
    '  P0001      [error  ]    1 occurrences',
    '  W0002      [warning]    1 occurrences',
    '',
    'Checked 4 entries: 4 errors, 1 warnings',
  ])
})

test('the JSON has the fields that tools read', () => {
  expect(JSON.parse(lintJson(lintEntries([entry('app:b', 'local n: number = "x"')])))).toEqual({
    diagnostics: [
      {
        entry_id: 'app:b',
        code: 'E0001',
        severity: 'error',
        message: 'string not assignable to number',
        line: 1,
        column: 19,
      },
    ],
    total_entries: 1,
    error_count: 1,
    warning_count: 0,
    hint_count: 0,
  })
})
