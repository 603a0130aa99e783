// A project on disk over several starts: what an agent registered survives, files keep their say, one writer at a time.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ReloadLine } from '../../runtime/hot-reload.ts'
import { type OpenProject, openProject } from '../../runtime/open-project.ts'

let root: string
let open: OpenProject[]
let said: string[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wippy-project-'))
  open = []
  said = []
  mkdirSync(join(root, 'src'))
  writeFileSync(join(root, 'wippy.lock'), 'directories:\n  modules: .wippy\n  src: ./src\n')
  write('hello', 'return { run = function() return "file 1" end }')
})

afterEach(async () => {
  for (const project of open) await project.close()
  rmSync(root, { recursive: true, force: true })
})

function write(name: string, source: string): void {
  writeFileSync(join(root, 'src', `${name}.lua`), source)
  const yaml = `namespace: app\nname: ${name}\nkind: function.lua\nsource: file://${name}.lua\nmethod: run\n`
  writeFileSync(join(root, 'src', `${name}.yaml`), yaml)
}

async function start(): Promise<OpenProject> {
  const report = ({ message }: ReloadLine): void => void said.push(message)
  const project = await openProject({ root, watch: false, keepHistory: true, report, env: {} })
  open.push(project)
  return project
}

async function stop(project: OpenProject): Promise<void> {
  open = open.filter((one) => one !== project)
  await project.close()
}

const tool = (name: string, text: string) => ({
  id: `app:${name}`,
  kind: 'function.lua',
  meta: {},
  data: { source: `return { run = function() return "${text}" end }`, method: 'run', modules: {} },
})

test('what was registered at run time works after a restart, until it is undone', async () => {
  const one = await start()
  await one.host.registry.apply([{ op: 'create', entry: tool('made', 'made') }], { origin: 'runtime' })
  expect(await one.host.call('app:made')).toBe('made')
  await stop(one)
  const two = await start()
  expect(await two.host.call('app:made')).toBe('made')
  expect(two.host.registry.origin('app:made')).toBe('runtime')
  await two.host.registry.applyVersion(0)
  await stop(two)
  const three = await start()
  expect(three.host.registry.get('app:made')).toBeUndefined()
  expect(said).toEqual([])
})

test('a file changed since it was overridden counts again', async () => {
  const one = await start()
  await one.host.registry.apply([{ op: 'update', entry: tool('hello', 'overridden') }], { origin: 'runtime' })
  await stop(one)
  const two = await start()
  expect(await two.host.call('app:hello')).toBe('overridden')
  await stop(two)
  write('hello', 'return { run = function() return "file 2" end }')
  const three = await start()
  expect(await three.host.call('app:hello')).toBe('file 2')
  expect(three.host.problems.map(({ message }) => message)).toEqual([
    'the file of app:hello changed after version 1, which changed it at run time: the file counts',
  ])
})

test('a second start beside the first says that it keeps nothing', async () => {
  const one = await start()
  const two = await start()
  expect(said).toHaveLength(1)
  expect(said[0]).toContain(`the project is in use by process ${process.pid}`)
  await two.host.registry.apply([{ op: 'create', entry: tool('made', 'made') }], { origin: 'runtime' })
  await stop(two)
  await stop(one)
  const three = await start()
  expect(three.host.registry.get('app:made')).toBeUndefined()
})
