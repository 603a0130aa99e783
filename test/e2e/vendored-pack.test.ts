// A module as one file: packed in its own project, put into the vendor folder of another, and used there by every command.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { runWippy } from '../support/wippy-process.ts'

const lock = 'directories:\n  modules: .wippy\n  src: ./src\n'
const folders: string[] = []
const folder = (files: Record<string, string>): string => {
  const made = projectFolder(files)
  folders.push(made)
  return made
}
afterAll(() => folders.forEach(removeFolder))

let app = ''
let archive = ''
const wippy = (...args: string[]) => runWippy(args, '', { cwd: app })

beforeEach(async () => {
  const module = folder({
    'wippy.lock': lock,
    'wippy.yaml': 'organization: acme\nmodule: greeter\nversion: 1.0.0\n',
    'assets/word.txt': 'from a file\n',
    'src/_index.yaml': `version: "1.0"
namespace: acme.greeter
entries:
  - {name: lib, kind: library.lua, source: "return { greet = function(name) return 'hello ' .. name end }"}
  - {name: files, kind: fs.directory, directory: ./assets}
`,
  })
  expect(await runWippy(['pack', 'greeter.wapp', '--embed-all'], '', { cwd: module })).toMatchObject({ code: 0 })
  app = folder({
    'wippy.lock': `${lock}modules:\n  - {name: acme/greeter, version: v1.0.0}\n`,
    'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - {name: __dep.greeter, kind: ns.dependency, component: acme/greeter, version: ">=1.0"}
  - name: main
    kind: process.lua
    meta: {command: {name: main}}
    source: file://main.lua
    modules: [io, fs]
    imports: {greeter: "acme.greeter:lib"}
`,
    'src/main.lua': `-- Uses the code and a file of the module.
local io, fs, greeter = require("io"), require("fs"), require("greeter")
return { main = function()
  io.print(greeter.greet("you"))
  io.write(fs.get("acme.greeter:files"):readfile("/word.txt"))
end }
`,
  })
  archive = join(app, '.wippy/vendor/acme/greeter-v1.0.0.wapp')
  mkdirSync(dirname(archive), { recursive: true })
  copyFileSync(join(module, 'greeter.wapp'), archive)
})

test('its code and its files are there, and every command reads it', async () => {
  expect(await wippy('run', 'main')).toEqual({ code: 0, stdout: 'hello you\nfrom a file\n', stderr: '' })
  expect(await wippy('run', 'list')).toMatchObject({ code: 0, stderr: '' })
  expect((await wippy('registry', 'list')).stdout).toMatch(/^acme\.greeter:lib +library\.lua$/m)
  expect((await wippy('registry', 'show', 'acme.greeter:lib')).stdout).toContain('Origin: pack')
  expect(await wippy('lint')).toMatchObject({ code: 0, stderr: '' })
  expect(await wippy('pack', 'app.wapp')).toMatchObject({ code: 0, stderr: '' })
})

test('update locks it with its digest, and install holds it to that', async () => {
  expect(await wippy('update')).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(join(app, 'wippy.lock'), 'utf8')).toMatch(
    /name: acme\/greeter\n\s+version: v1\.0\.0\n\s+hash: sha256:[0-9a-f]{64}\n/,
  )
  expect(await wippy('update')).toMatchObject({ code: 0, stdout: 'All modules are up to date\n' })
  expect(await wippy('install')).toMatchObject({ code: 0, stdout: 'All modules are installed\n' })
  expect(await wippy('install', '--force')).toMatchObject({ code: 0, stdout: 'All modules are installed\n' })
  const bytes = readFileSync(archive)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  writeFileSync(archive, bytes)
  const { code, stderr } = await wippy('install')
  expect(code).toBe(1)
  expect(stderr).toContain(`Error: module acme/greeter v1.0.0 in ${archive} is not what the lock says`)
})

test('one that is damaged is refused, whether the lock knows its digest or not', async () => {
  const bytes = readFileSync(archive)
  bytes[60] = (bytes[60] ?? 0) ^ 1
  writeFileSync(archive, bytes)
  for (const command of [['run', 'main'], ['install'], ['lint'], ['registry', 'list']]) {
    const { code, stderr } = await wippy(...command)
    expect(code, command.join(' ')).toBe(1)
    expect(stderr, command.join(' ')).toContain('cannot be read: the digest of its header is wrong')
  }
})
