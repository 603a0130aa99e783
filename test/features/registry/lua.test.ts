// Registry and policies as Lua code meets them, on a whole host.

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Entry } from '../../../runtime/core/entry.ts'
import { emptyFrame, type Frame } from '../../../runtime/core/frame.ts'
import type { Value } from '../../../runtime/core/value.ts'
import { createHost, type Host } from '../../../runtime/create-host.ts'

const code = (name: string, source: string, modules: string[], more = {}): Entry => ({
  id: `app:${name}`,
  kind: 'function.lua',
  meta: {},
  data: { source, method: 'run', modules, ...more },
})

const policy = (name: string, effect: string, actions: Value, resources: Value, groups: string[]): Entry => ({
  id: `app:${name}`,
  kind: 'security.policy',
  meta: {},
  data: { policy: { effect, actions, resources }, groups },
})

const body = (lines: string, head = 'local registry = require("registry")'): string =>
  `${head}\nlocal function run(input)\n${lines}\nend\nreturn { run = run }`

const create = body(`
  local changes = registry.snapshot():changes()
  assert(changes:create(input) == changes)
  local version, err = changes:apply()
  return { version = version and version:id(), text = tostring(version), err = err and tostring(err), kind = err and err:kind() }
`)

let host: Host

beforeEach(async () => {
  host = await createHost({
    entries: [
      code('create', create, ['registry']),
      code(
        'find',
        body(`
          local found = registry.find({ ["meta.type"] = "tool" })
          local names = {}
          for _, entry in ipairs(found) do names[#names + 1] = entry.id .. "=" .. tostring(entry.data.source ~= nil) end
          return names
        `),
        ['registry'],
      ),
      code(
        'strings',
        body(`
          local snap = registry.snapshot()
          return table.concat({ tostring(snap), tostring(snap:changes()), tostring(snap:version()), tostring(registry.history()) }, " ")
        `),
        ['registry'],
      ),
      policy('may_apply', 'allow', ['registry.apply', 'registry.get'], '*', ['builders']),
      policy('not_core', 'deny', 'registry.*', 'app.core:*', ['builders']),
    ],
    env: {},
  })
  expect(host.problems).toEqual([])
})

afterEach(() => host.stop())

const tool = (id: string, source: string, modules: string[] = []): Value => ({
  id,
  kind: 'function.lua',
  meta: { type: 'tool' },
  data: { source, method: 'run', modules },
})
const builder = (): Frame => ({
  ...emptyFrame,
  actor: { id: 'ann', meta: {} },
  scope: host.policies.group('app:builders'),
})

test('objects show themselves', async () => {
  expect(await host.call('app:strings')).toBe(
    'registry.Snapshot{version=v0} registry.Changes{ops=0} registry.Version{v0} registry.History{versions=1}',
  )
})

test('code makes a function, and it runs under the ceiling of code made at run time', async () => {
  const source = body(
    `return { can = security.can("env.get", "X"), actor = tostring(security.actor()), registry = { registry.get("app:create") } }`,
    'local security = require("security")\nlocal registry = require("registry")',
  )
  const made = await host.call('app:create', [tool('app.tools:who', source, ['security', 'registry'])])
  expect(made).toMatchObject({ version: 1, text: 'registry.Version{v1}' })
  expect(host.registry.origin('app.tools:who')).toBe('runtime')
  expect(await host.call('app:find')).toEqual(['app.tools:who=true'])
  const told = (await host.call('app.tools:who')) as { can: boolean; actor: string; registry: unknown }
  expect(told).toMatchObject({ can: false, actor: 'security.Actor{id=generated}' })
  expect(JSON.stringify(told.registry)).not.toContain('registry.snapshot')
})

test('a tool cannot make another', async () => {
  await host.call('app:create', [tool('app.tools:maker', create, ['registry'])])
  expect(await host.call('app.tools:maker', [tool('app.tools:child', 'return {}')])).toMatchObject({
    kind: 'PermissionDenied',
    err: 'not allowed to apply registry changes',
  })
  expect(host.registry.get('app.tools:child')).toBeUndefined()
})

test('policies decide about every entry of a changeset', async () => {
  const frame = builder()
  const entry = (id: string): Value => ({ id, kind: 'registry.entry', meta: {}, data: {} })
  expect(await host.call('app:create', [entry('app.core:x')], { frame })).toMatchObject({
    kind: 'PermissionDenied',
    err: 'not allowed to create entry: app.core:x',
  })
  expect(await host.call('app:create', [entry('app.other:x')], { frame })).toMatchObject({ version: 1 })
  for (const id of ['app.core::x', 'app.core :x', 'app.cоre:x', ':app.core:x', 'app.core:../x', 'app.core:x\u200b']) {
    const { kind, err } = (await host.call('app:create', [entry(id)], { frame })) as { kind: string; err: string }
    expect(['Internal', 'PermissionDenied']).toContain(kind)
    expect(err).toMatch(/entry id|not allowed/)
  }
  expect(host.registry.version.id).toBe(1)
})

test('a broken function is refused, whole changeset and all', async () => {
  const refused = await host.call('app:create', [tool('app.tools:bad', 'return {{')])
  expect(refused).toMatchObject({ kind: 'Internal' })
  expect((refused as { err: string }).err).toMatch(/^apply changes: operation failed for entry app\.tools:bad: /)
  expect(host.registry.version.id).toBe(0)
})

test('a version is undone, and the function with it', async () => {
  const made = await host.call('app:create', [tool('app.tools:one', body('return 1', ''))])
  expect(made).toMatchObject({ version: 1 })
  expect(await host.call('app.tools:one')).toBe(1)
  await host.registry.applyVersion(0)
  await expect((async () => host.call('app.tools:one'))()).rejects.toThrow(
    'no handler registered for target: app.tools:one',
  )
  await host.registry.applyVersion(1)
  expect(await host.call('app.tools:one')).toBe(1)
})
