// Commands that look or ask differently when somebody sits at the terminal.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { type PtyProcess, startInPty } from '../support/pty-process.ts'
import { repository } from '../support/wippy-process.ts'

const cli = join(repository, 'dist', 'cli', 'main.js')
const lock = 'directories:\n  modules: .wippy\n  src: ./src\n'
let running: PtyProcess | undefined
let folder = ''

afterEach(async () => {
  running?.close()
  await running?.exited
  running = undefined
  removeFolder(folder)
})

const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:OPENAI_|WIPPY_|NO_COLOR|FORCE_COLOR|CI$)/.test(name)),
)

function wippy(args: string[], env: Record<string, string> = {}): PtyProcess {
  running = startInPty(process.execPath, [cli, ...args], { cwd: folder, env: { ...clean, ...env } })
  return running
}

function project(): void {
  folder = projectFolder({
    'wippy.lock': lock,
    'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - {name: __dep.terminal, kind: ns.dependency, component: wippy/terminal, version: "*"}
  - {name: main, kind: process.lua, meta: {command: {name: main, short: The main one}}, source: "return { main = function() end }", method: main}
`,
  })
}

test('update asks before it writes; no leaves everything as it was, Enter is yes', async () => {
  project()
  const refused = wippy(['update'])
  await refused.until((lines) => lines.at(-1) === 'Proceed with update? [Y/n]')
  refused.type('n\r')
  await refused.until((lines) => lines.includes('Update canceled'))
  expect(await refused.exited).toBe(0)
  expect(readFileSync(join(folder, 'wippy.lock'), 'utf8')).toBe(lock)

  const agreed = wippy(['update'])
  await agreed.until((lines) => lines.at(-1) === 'Proceed with update? [Y/n]')
  agreed.type('\r')
  expect(await agreed.exited).toBe(0)
  expect(readFileSync(join(folder, 'wippy.lock'), 'utf8')).toContain('wippy/terminal')
  expect(existsSync(join(folder, '.wippy', 'vendor', 'wippy', 'terminal', 'wippy.yaml'))).toBe(true)
})

test('run list is coloured for a person, and plain where NO_COLOR says so', async () => {
  project()
  const coloured = wippy(['run', 'list'])
  expect(await coloured.exited).toBe(0)
  expect(coloured.lines()[2]).toBe('  main  The main one  (app:main)')
  expect(coloured.bytes()).toContain('\x1b[1m\x1b[34mAvailable commands:')
  const plain = wippy(['run', 'list'], { NO_COLOR: '1' })
  expect(await plain.exited).toBe(0)
  expect(plain.bytes()).not.toContain('\x1b[')
})

test('errors with -c are coloured and without the word', async () => {
  project()
  const failed = wippy(['-c', 'run', 'nope'])
  expect(await failed.exited).toBe(1)
  expect(failed.bytes()).toContain('\x1b[31mcommand "nope" not found.')
})

test('docs renders a page', async () => {
  project()
  const docs = wippy(['docs', 'lua/core/time'])
  expect(await docs.exited).toBe(0)
  expect(docs.bytes()).toContain('\x1b[1m\x1b[4m# time')
})
