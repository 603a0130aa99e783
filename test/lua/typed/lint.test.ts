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

describe('imports', () => {
  const library = entry(
    'lib:users',
    `type User = {name: string, age?: number}
     local M = {}
     function M.find(id: string): (User?, string?) return nil, id end
     function M.all(): {User} return {} end
     function M:save(user: User) end
     function M.untyped(x) return x end
     M.limit = 5
     return M`,
    'library.lua',
  )
  const importing = (source: string): Entry => ({
    ...entry('app:main', source),
    data: { source, imports: { users: 'lib:users', near: ':other', missing: 'lib:none', json: 'json' } },
  })
  const found = (source: string, ...others: Entry[]): string[] =>
    lintEntries([importing(source), library, ...others], { ns: ['app'] }).diagnostics.map(
      ({ line, code, message }) => `${line} ${code} ${message}`,
    )

  test('functions of a library are known to those who import it', () => {
    expect(found('local u = require("users")\nu.find(5)')).toEqual([
      '2 E0002 argument 1 (id): number not assignable to string',
    ])
    expect(found('users.find("a", "b")')).toEqual(['1 E0008 takes 1 argument, got 2'])
    expect(found('local lib = require("users")\nlib:save({name = 1})')).toEqual([
      '2 E0002 argument 1 (user): field name: number not assignable to string',
    ])
  })

  test('results and types of a library are known too', () => {
    const head = 'local lib = require("users")\n'
    expect(found(`${head}local u = lib.find("a")\nprint(u.name)`)).toEqual([
      '3 E0005 cannot read field name of a value that may be nil (User?)',
    ])
    expect(found(`${head}for _, u in ipairs(lib.all()) do print(u.emial) end`)).toEqual([
      '2 E0007 User has no field emial',
    ])
    expect(found(`${head}local u: lib.User = {name = 5}`)).toEqual([
      '2 E0001 field name: number not assignable to string',
    ])
    expect(
      found(`${head}local u, err = lib.find("a")\nif err then return end\nlocal v: lib.User = u\nlib:save(u)`),
    ).toEqual([])
  })

  test('of what a library does not say, nothing is said', () => {
    const source = `local lib = require("users")
      lib.untyped(1, 2, 3)
      lib.other.thing(lib.limit + 1)
      lib()
      lib.find = function() return {name = "mock"} end
      lib.find = nil
      local x: lib.Missing = 1
      require("missing").f()
      require("near").f()
      require("json").encode(5)
      local users = {}
      users.find(5)`
    expect(found(source)).toEqual([])
  })

  test('libraries that import each other come to an end', () => {
    const one = {
      ...entry('app:one', 'return {}', 'library.lua'),
      data: { source: 'return {}', imports: { two: ':two' } },
    }
    const two = {
      ...entry('app:two', 'return {}', 'library.lua'),
      data: { source: 'return {}', imports: { one: 'one' } },
    }
    expect(lintEntries([one, two]).entries).toBe(2)
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
