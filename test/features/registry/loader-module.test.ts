// The `loader` module over folders made for the test.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { emptyFrame } from '../../../runtime/core/frame.ts'
import { loaderModule } from '../../../runtime/features/registry/loader-module.ts'
import { generatedConfinement } from '../../../runtime/security/generated.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { Policies } from '../../../runtime/security/policies.ts'
import { callFunction, callMethod, fakeCall, type Outcome } from '../../support/call-module.ts'

let outside: string
let folder: string
let warned: string[]
let make: (id: string, call?: ReturnType<typeof fakeCall>) => Promise<Outcome>
let load: (name: string, path: string) => Promise<Outcome>

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'wippy-loader-'))
  folder = join(outside, 'volume')
  warned = []
  const write = (path: string, text: string): void => {
    const file = join(outside, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  write('volume/a/_index.yaml', 'namespace: app\nentries:\n  - {name: f, kind: function.lua, source: "file://f.lua"}\n')
  write('volume/a/f.lua', 'return 1\n')
  write('volume/a/deep/more.json', '{"namespace": "app", "name": "g", "kind": "registry.entry", "x": 1}')
  write('volume/bad.yaml', 'namespace: app\nentries: [\n')
  write('volume/leak.yaml', 'namespace: app\nname: l\nkind: registry.entry\nx: file://../secret.txt\n')
  write('secret.txt', 'secret')
  write('out/x.yaml', 'namespace: out\nname: x\nkind: registry.entry\n')
  symlinkSync(join(outside, 'out'), join(folder, 'link'))
  const module = loaderModule({
    guard: new Guard({ strict: false }),
    folderOf(id) {
      if (id !== 'app:fs') throw new RuntimeError('NotFound', `filesystem not found: ${id}`)
      return folder
    },
    warn: (message, where) => warned.push(`${where} ${message}`),
  }).open()
  make = async (id, call = fakeCall()) => callFunction(module, 'new', [id], call)
  load = async (name, path) => callMethod((await make('app:fs')).value, name, [path])
})

afterEach(() => rmSync(outside, { recursive: true, force: true }))

test('a directory is read with all below it, files taken in', async () => {
  const { value } = await load('load_directory', 'a')
  expect(value).toEqual([
    { id: 'app:f', kind: 'function.lua', meta: {}, data: { source: 'return 1\n' } },
    { id: 'app:g', kind: 'registry.entry', meta: {}, data: { x: 1 } },
  ])
})

test('a bad file is skipped with a warning in a directory, and an error by itself', async () => {
  expect((await load('load_directory', '/')).value).toHaveLength(2)
  expect(warned.join('\n')).toContain('bad.yaml')
  expect((await load('load_file', 'bad.yaml')).error).toMatchObject({
    kind: 'Invalid',
    text: expect.stringContaining('bad.yaml'),
  })
  expect((await load('load_file', 'none.yaml')).error?.text).toContain('none.yaml')
  expect((await load('load_directory', 'none')).error).toMatchObject({
    kind: 'NotFound',
    text: 'directory not found: /none',
  })
})

test('nothing outside the file system is read', async () => {
  expect((await load('load_file', 'leak.yaml')).error?.text).toContain('leads out')
  expect((await load('load_file', '../out/x.yaml')).error).toBeDefined()
  expect((await load('load_directory', '../out')).error?.kind).toBe('NotFound')
  expect((await load('load_directory', 'link')).value).toEqual([])
  expect((await load('load_file', 'link/x.yaml')).error?.text).toContain('leads out')
})

test('a file system that is not there or not granted is refused', async () => {
  expect((await make('')).error?.kind).toBe('Invalid')
  expect((await make('app:none')).error).toMatchObject({ kind: 'NotFound' })
  const confined = { ...fakeCall(), frame: { ...emptyFrame, confinement: generatedConfinement(new Policies()) } }
  expect((await make('app:fs', confined)).error).toMatchObject({ kind: 'PermissionDenied' })
})
