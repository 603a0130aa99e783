// Mistakes in a project, as `wippy run` tells of them: named, with their place, and what can run runs all the same. And the
// template `http`, as made.

import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { runWippy } from '../support/wippy-process.ts'

const lock = 'directories:\n  modules: .wippy\n  src: ./src\n'
const main = `  - name: main
    kind: process.lua
    meta: {command: {name: main}}
    source: 'local io = require("io") return { main = function() io.print("runs") end }'
    modules: [io]
`
const folders: string[] = []
const made = (files: Record<string, string>): string => {
  const folder = projectFolder(files)
  folders.push(folder)
  return folder
}
afterAll(() => folders.forEach(removeFolder))

const project = (entry: string, config = ''): string =>
  made({
    'wippy.lock': lock,
    '.wippy.yaml': `version: "1.0"\n${config}`,
    'src/_index.yaml': `namespace: app\nentries:\n${main}${entry}`,
  })

test.each([
  {
    name: 'an unknown kind',
    entry: '  - name: odd\n    kind: procss.lua\n',
    says: [/app:odd/, /procss\.lua/, /_index\.yaml:8:5/, /did you mean "process\.lua"\?/],
  },
  {
    name: 'a requirement that nothing resolves',
    entry:
      '  - name: target\n    kind: registry.entry\n  - name: need\n    kind: ns.requirement\n    targets: [{entry: app:target, path: .host}]\n',
    says: [/unresolved requirement app:need/],
  },
  {
    name: 'Lua that is none',
    entry: "  - name: odd\n    kind: library.lua\n    source: 'return ='\n",
    says: [/app:odd/, /'='|unexpected/],
  },
  {
    name: 'code that the linter refuses, where .wippy.yaml says so',
    entry: '  - name: odd\n    kind: library.lua\n    source: \'local n: number = "text" return {n = n}\'\n',
    config: 'lua:\n  type_system:\n    enabled: true\n',
    says: [/app:odd:1: E0001/],
  },
])('$name is named, and the rest runs', async ({ entry, config, says }) => {
  const { code, stdout, stderr } = await runWippy(['run', 'main'], '', { cwd: project(entry, config) })
  for (const part of says) expect(stderr).toMatch(part)
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'runs\n' })
})

test('a Lua file that is no text is named with its line, and lint fails', async () => {
  const cwd = project('  - name: odd\n    kind: library.lua\n    source: file://odd.lua\n')
  writeFileSync(join(cwd, 'src', 'odd.lua'), Buffer.from('-- sound\nreturn "\xe4"\n', 'latin1'))
  const place = 'error: src/odd.lua:2: '
  const run = await runWippy(['run', 'main'], '', { cwd })
  expect(run).toMatchObject({ code: 0, stdout: 'runs\n' })
  expect(run.stderr).toContain(`${place}entry app:odd was left out: entry app:odd: source is not UTF-8 text`)
  const lint = await runWippy(['lint'], '', { cwd })
  expect(lint).toMatchObject({ code: 1, stderr: `${place}source is not UTF-8 text\n` })
})

test('a port in use is named', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const config = `prometheus:\n  enabled: true\n  address: 127.0.0.1:${port}\n`
  const { code, stderr } = await runWippy(['run', 'main'], '', { cwd: project('', config) })
  server.close()
  expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}: port in use`)
  expect(code).toBe(1)
})

test('new http: lints, and fetches', async () => {
  const folder = made({})
  expect(await runWippy(['new', 'http', 'fetcher'], '', { cwd: folder })).toMatchObject({ code: 0, stderr: '' })
  const cwd = join(folder, 'fetcher')
  expect(await runWippy(['lint'], '', { cwd })).toMatchObject({ code: 0 })
  const server = createHttpServer((_request, response) => response.setHeader('content-type', 'text/plain').end('hi'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { code, stdout } = await runWippy(['run', 'fetch', `http://127.0.0.1:${port}/`], '', { cwd })
  server.close()
  expect(code).toBe(0)
  expect(stdout).toContain('200')
  expect(stdout).toContain('text/plain')
})
