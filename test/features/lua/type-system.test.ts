// `lua.type_system` in the configuration: the registry refuses what `wippy lint` refuses, at boot and in every changeset.

import { expect, test } from 'vitest'
import type { Entry } from '../../../runtime/core/entry.ts'
import { createHost, type Host } from '../../../runtime/create-host.ts'
import { loadConfig } from '../../../runtime/loader/config.ts'

const library = (result: string): Entry => ({
  id: 'app:lib',
  kind: 'library.lua',
  meta: {},
  data: {
    source: `local lib = {}\nfunction lib.size(): ${result} return ${result === 'number' ? '1' : '"x"'} end\nreturn lib`,
  },
})

const code = (id: string, body: string, imports: Record<string, string> = {}): Entry => ({
  id,
  kind: 'function.lua',
  meta: {},
  data: { source: `return { run = function()\n${body}\nend }`, method: 'run', imports },
})

const user = code('app:user', 'local n: number = require("lib").size()\nreturn n', { lib: 'app:lib' })
const wrong = code('app:wrong', 'local n: number = "text"\nreturn n')
const careless = code('app:careless', 'local unused = 1\nreturn 2')

const boot = (entries: readonly Entry[], ...set: string[]): Promise<Host> =>
  createHost({ entries, env: {}, config: loadConfig({ root: import.meta.dirname, set }) })

const ENABLED = 'lua.type_system.enabled=true'
const STRICT = 'lua.type_system.strict=true'

test('without the setting code with a wrong type runs', async () => {
  const host = await boot([wrong])
  expect(await host.call('app:wrong')).toBe('text')
})

test('the boot leaves out what the linter refuses, says where, and goes on', async () => {
  const host = await boot([wrong, library('number'), user], ENABLED)
  expect(host.problems).toEqual([
    { level: 'error', entry: 'app:wrong', message: expect.stringMatching(/app:wrong:2: E0001: .*number/) },
  ])
  expect(await host.call('app:user')).toBe(1)
  await expect(host.call('app:wrong')).rejects.toMatchObject({ kind: 'NotFound' })
})

test('a changeset with an entry that the linter refuses is refused whole, with line, column and code', async () => {
  const host = await boot([library('number'), user], ENABLED)
  const right = code('app:right', 'return 1')
  await expect(
    host.registry.apply([
      { op: 'create', entry: right },
      { op: 'create', entry: wrong },
    ]),
  ).rejects.toThrow(/app:wrong:2: E0001/)
  await expect(host.call('app:right')).rejects.toMatchObject({ kind: 'NotFound' })
  await host.registry.apply([{ op: 'create', entry: right }])
  expect(await host.call('app:right')).toBe(1)
})

test('a library may not change so that code which imports it gets wrong, unless both change', async () => {
  const host = await boot([library('number'), user], ENABLED)
  await expect(host.registry.apply([{ op: 'update', entry: library('string') }])).rejects.toThrow(/app:user:2: E0001/)
  expect(await host.call('app:user')).toBe(1)

  const changed = code('app:user', 'local n: string = require("lib").size()\nreturn n', { lib: 'app:lib' })
  await host.registry.apply([
    { op: 'update', entry: library('string') },
    { op: 'update', entry: changed },
  ])
  expect(await host.call('app:user')).toBe('x')
})

test('a refused change of a library and its importer is undone whole', async () => {
  const host = await boot([library('number'), user], ENABLED)
  const changed = code('app:user', 'local n: string = require("lib").size()\nreturn n', { lib: 'app:lib' })
  await expect(
    host.registry.apply([
      { op: 'update', entry: library('string') },
      { op: 'update', entry: changed },
      { op: 'create', entry: { ...wrong, meta: { depends_on: ['app:user'] } } },
    ]),
  ).rejects.toThrow(/app:wrong:2: E0001/)
  expect(await host.call('app:user')).toBe(1)
  expect(await host.registry.get('app:lib')).toMatchObject(library('number'))
})

test('warnings are refused in strict mode only', async () => {
  expect((await boot([careless], ENABLED)).problems).toEqual([])
  expect((await boot([careless], ENABLED, STRICT)).problems).toMatchObject([
    { entry: 'app:careless', message: expect.stringContaining('app:careless:2: W0004') },
  ])
})
