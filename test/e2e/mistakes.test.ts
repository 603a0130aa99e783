// What the command line says to somebody who gets it wrong, with an exit code to match.

import { afterAll, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { runWippy } from '../support/wippy-process.ts'

const lock = 'directories:\n  modules: .wippy\n  src: ./src\n'
const unindented = 'namespace: app\nentries:\n  - name: a\n    kind: function.lua\n   source: x\n'
const empty = projectFolder({ 'wippy.lock': lock, 'src/_index.yaml': 'namespace: app\nentries: []\n' })
const broken = projectFolder({ 'wippy.lock': lock, 'src/_index.yaml': unindented })
afterAll(() => {
  removeFolder(empty)
  removeFolder(broken)
})

test.each([
  [['registry', 'lst'], 'Error: unknown command "lst" for "wippy registry"\n\nDid you mean this?\n\tlist\n\n'],
  [['help', 'nonsense'], `Error: unknown command "nonsense" for "wippy"\nSee 'wippy --help'\n`],
  [
    ['init', 'extra'],
    `Error: too many arguments for 'init'. Expected 0 arguments but got 1.\nSee 'wippy init --help'\n`,
  ],
  [['registry', 'show'], `Error: missing required argument 'id'\nSee 'wippy registry show --help'\n`],
  [['registry', 'rollback', '9'], `Error: version 9 not found\n'wippy registry history' lists the versions\n`],
  [['registry', 'diff', '0', 'v9'], `Error: version 9 not found\n'wippy registry history' lists the versions\n`],
])('wippy %j', async (args, stderr) => {
  expect(await runWippy(args, '', { cwd: empty })).toEqual({ code: 1, stdout: '', stderr })
})

test('a group of commands without one shows what there is', async () => {
  const { code, stdout, stderr } = await runWippy(['registry'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^ {2}rollback .* go to a version$/m)
})

test('--version prints the version alone', async () => {
  const { code, stdout } = await runWippy(['--version'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('lint fails when a file could not be read, and was so not checked', async () => {
  const { code, stderr } = await runWippy(['lint'], '', { cwd: broken })
  expect(code).toBe(1)
  expect(stderr).toContain('error: src/_index.yaml:5:1: ')
})
