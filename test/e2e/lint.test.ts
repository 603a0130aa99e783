// `wippy lint` on a project with mistakes: each flag, what it shows and what it hides, and the exit code that scripts look at.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { runWippy } from '../support/wippy-process.ts'

let folder = ''
beforeAll(() => {
  folder = projectFolder({
    'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
    'other.lock': 'directories:\n  modules: .wippy\n  src: ./other\n',
    'src/_index.yaml':
      'namespace: app\nentries:\n  - {name: wrong, kind: library.lua, source: "file://wrong.lua"}\n  - {name: right, kind: library.lua, source: "file://right.lua"}\n',
    'src/wrong.lua': 'local n: number = "text"\nlocal sum = true + 1\nreturn { sum = sum, n = n }\n',
    'src/right.lua': 'local function twice(n: number): number return n * 2 end\nreturn { twice = twice }\n',
    'src/lib/_index.yaml': 'namespace: lib.text\nname: untidy\nkind: library.lua\nsource: file://untidy.lua\n',
    'src/lib/untidy.lua': 'local unused = 1\nif unused2 then end\nreturn {}\n',
    'other/_index.yaml': 'namespace: other\nname: fine\nkind: library.lua\nsource: "return {}"\n',
  })
})
afterAll(() => removeFolder(folder))

const lint = (...flags: string[]) => runWippy(['lint', ...flags], '', { cwd: folder })
/** `file:line:column: severity CODE` of each diagnostic. */
const places = (stdout: string): string[] =>
  stdout.split('\n').flatMap((line) => /^\S+\/src\/(\S+:\d+:\d+: \w+ \w+):/.exec(line)?.[1] ?? [])

const errors = ['wrong.lua:1:19: error E0001', 'wrong.lua:2:13: error E0004']
const warnings = ['lib/untidy.lua:1:7: warning W0004', 'lib/untidy.lua:2:4: warning W0001']

test.each([
  { flags: [], shown: errors, closing: 'Checked 3 entries: 2 errors', code: 1 },
  { flags: ['--rules'], shown: [...errors, ...warnings], closing: 'Checked 3 entries: 2 errors, 2 warnings', code: 1 },
  { flags: ['--rules', '--level', 'error'], shown: errors, closing: 'Checked 3 entries: 2 errors', code: 1 },
  { flags: ['--rules', '--ns', 'lib.*'], shown: warnings, closing: 'Checked 1 entries: 2 warnings', code: 0 },
  { flags: ['--ns', 'lib.text'], shown: [], closing: 'Checked 1 entries', code: 0 },
  { flags: ['--code', 'E0004'], shown: [errors[1]], closing: 'Checked 3 entries: 1 errors', code: 1 },
  { flags: ['--rules', '--code', 'W0001,W0004'], shown: warnings, closing: 'Checked 3 entries: 2 warnings', code: 0 },
  { flags: ['--limit', '1'], shown: [errors[0]], closing: 'Checked 3 entries: 2 errors', code: 1 },
  { flags: ['-l', 'other.lock'], shown: [], closing: 'Checked 1 entries', code: 0 },
])('lint $flags', async ({ flags, shown, closing, code }) => {
  const result = await lint(...flags)
  expect(places(result.stdout).sort()).toEqual([...shown].sort())
  expect(result.stdout.trimEnd().split('\n').at(-1)).toBe(closing)
  expect(result.code).toBe(code)
  if (code === 0) expect(result.stderr).toBe('')
  else expect(result.stderr).toMatch(/^Error: lint failed: \d errors, \d warnings\n$/)
})

test('a diagnostic has its line and a mark under the place', async () => {
  expect((await lint('--code', 'E0001')).stdout).toContain(
    '    1 | local n: number = "text"\n      |                   ^',
  )
})

test('--json is for programs: all fields, whatever else is asked for', async () => {
  const { stdout, code } = await lint('--json', '--rules', '--code', 'E0001')
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toEqual({
    diagnostics: [
      {
        entry_id: 'app:wrong',
        code: 'E0001',
        severity: 'error',
        message: 'string not assignable to number',
        line: 1,
        column: 19,
      },
    ],
    total_entries: 3,
    error_count: 1,
    warning_count: 0,
    hint_count: 0,
  })
})

test('--summary counts by namespace and by code, in place of the list', async () => {
  const { stdout } = await lint('--summary', '--rules')
  expect(stdout).toMatch(/^ {2}app +2 issues \(2 errors\)$/m)
  expect(stdout).toMatch(/^ {2}lib\.text +2 issues \(2 warnings\)$/m)
  expect(stdout).toMatch(/^ {2}E0004 +\[error *\] +1 occurrences$/m)
  expect(places(stdout)).toEqual([])
})

test('--no-color is plain where colours are forced', async () => {
  const coloured = await runWippy(['lint'], '', { cwd: folder, env: { FORCE_COLOR: '1' } })
  const plain = await runWippy(['lint', '--no-color'], '', { cwd: folder, env: { FORCE_COLOR: '1' } })
  expect(coloured.stdout).toContain('\x1b[')
  expect(plain.stdout).not.toContain('\x1b[')
})

test('--cache-reset begins without what earlier runs knew', async () => {
  await lint()
  const cache = join(folder, '.wippy', 'cache')
  writeFileSync(join(cache, 'old'), 'what an earlier run knew')
  await lint()
  expect(existsSync(join(cache, 'old'))).toBe(true)
  await lint('--cache-reset')
  expect(existsSync(join(cache, 'old'))).toBe(false)
})

test.each([
  [['--level', 'all'], 'invalid --level "all": expected error, warning, hint'],
  [['--limit', '-1'], 'invalid --limit "-1": expected a number'],
  [['--limit', 'many'], 'invalid --limit "many": expected a number'],
  [['-l', 'none.lock'], 'lock file not found: stat '],
])('lint %j is refused', async (flags, message) => {
  const { code, stdout, stderr } = await lint(...flags)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(`Error: ${message}`)
})
