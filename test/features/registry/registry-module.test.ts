// The `registry` module as Lua calls it, over a registry of the test's kinds.

import { beforeEach, describe, expect, test } from 'vitest'
import { emptyFrame, type Frame } from '../../../runtime/core/frame.ts'
import { registryModule } from '../../../runtime/features/registry/registry-module.ts'
import type { Call, LuaObject } from '../../../runtime/lua/module.ts'
import type { Registry } from '../../../runtime/registry/registry.ts'
import { generatedConfinement } from '../../../runtime/security/generated.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { Policies } from '../../../runtime/security/policies.ts'
import { entry, registryOf, sources } from '../../registry/kit.ts'
import { callFunction, callMethod, fakeCall, type Outcome } from '../../support/call-module.ts'

let registry: Registry
let policies: Policies
let warned: string[]
let run: (name: string, ...args: unknown[]) => Promise<Outcome>
let on: (object: unknown, name: string, ...args: unknown[]) => Promise<Outcome>
let as: (frame: Frame) => void

beforeEach(async () => {
  warned = []
  policies = new Policies()
  const guard = new Guard({ strict: false })
  registry = registryOf({ guard })
  await registry.boot(
    sources([
      entry('app:a', { n: 1 }, { type: 'tool', title: 'Alpha' }),
      entry('app:b', {}, { type: 'tool' }),
      entry('lib:c'),
    ]),
  )
  const module = registryModule({
    registry,
    guard,
    warn: (message, where) => warned.push(`${where} ${message}`),
  }).open()
  let call: Call = fakeCall()
  as = (frame) => {
    call = { ...fakeCall(), frame }
  }
  run = async (name, ...args) => callFunction(module, name, args, call)
  on = async (object, name, ...args) => callMethod(object, name, args, call)
})

/** A frame whose policies are these: `allow registry.get app:*`. */
function scoped(...rules: string[]): Frame {
  const scope = policies.scopeOf(
    rules.map((line, i) => {
      const [effect, action = '', resource = '*'] = line.split(' ')
      policies.set(
        `test:${i}`,
        {
          rule: {
            effect: effect === 'deny' ? 'deny' : 'allow',
            actions: [action],
            resources: [resource],
            holds: () => true,
          },
          groups: [],
        },
        'disk',
      )
      return policies.require(`test:${i}`)
    }),
  )
  return { ...emptyFrame, actor: { id: 'ann', meta: {} }, scope }
}

const shown = (object: unknown): string | undefined => {
  const { type, value } = object as LuaObject<unknown>
  return type.spec.tostring?.(value)
}
const ids = (value: unknown): string[] => (value as { id: string }[]).map(({ id }) => id)

describe('reading', () => {
  test('an entry comes as a table', async () => {
    expect((await run('get', 'app:a')).value).toEqual({
      id: 'app:a',
      kind: 'test.thing',
      meta: { type: 'tool', title: 'Alpha' },
      data: { n: 1 },
    })
  })

  test('what is missing is NotFound, a bare name with an empty namespace', async () => {
    expect((await run('get', 'app:zz')).error).toMatchObject({ kind: 'NotFound', text: 'entry not found: app:zz' })
    expect((await run('get', 'zz')).error?.text).toBe('entry not found: :zz')
  })

  test('what may not be read is refused, and left out of every list', async () => {
    as(scoped('allow registry.get app:a'))
    expect((await run('get', 'lib:c')).error).toMatchObject({
      kind: 'PermissionDenied',
      text: 'not allowed to access entry: lib:c',
    })
    expect(ids((await run('find', {})).value)).toEqual(['app:a'])
    const snapshot = (await run('snapshot')).value
    expect(ids((await on(snapshot, 'entries')).value)).toEqual(['app:a'])
    expect(ids((await on(snapshot, 'namespace', 'app')).value)).toEqual(['app:a'])
    expect(ids((await on(snapshot, 'find', { 'meta.type': 'tool' })).value)).toEqual(['app:a'])
    expect((await on(snapshot, 'get', 'app:b')).error?.kind).toBe('PermissionDenied')
  })

  test('find filters, warns of keys it does not know and wants a table', async () => {
    expect(ids((await run('find', { 'meta.type': 'tool', '^meta.title': 'Al' })).value)).toEqual(['app:a'])
    expect(ids((await run('find', { meta: { type: 'tool' } })).value)).toEqual(['app:a', 'app:b'])
    expect(ids((await run('find', { nonsense: 1 })).value)).toHaveLength(3)
    expect(warned).toEqual(["test:caller:1 metadata field must use 'meta.' prefix: nonsense"])
    expect((await run('find', 'x')).raised).toMatch('bad argument #1 to find (table expected, got string)')
  })

  test('ids are taken apart at the first colon', async () => {
    expect((await run('parse_id', 'ns:a:b')).value).toEqual({ ns: 'ns', name: 'a:b' })
    expect((await run('parse_id', 'a')).value).toEqual({ ns: '', name: 'a' })
  })
})

describe('changes', () => {
  const begin = async (): Promise<unknown> => (await on((await run('snapshot')).value, 'changes')).value

  test('are collected, shown and applied as one version of origin runtime', async () => {
    const changes = await begin()
    const chained = (await on(changes, 'create', { id: 'app:new', kind: 'test.thing', extra: 1, data: { x: [1] } }))
      .value
    await on(chained, 'update', { id: { ns: 'app', name: 'a' }, kind: 'test.thing' })
    await on(changes, 'delete', { ns: 'lib', name: 'c' })
    expect(shown(changes)).toBe('registry.Changes{ops=3}')
    expect((await on(changes, 'ops')).value).toMatchObject([
      { kind: 'entry.create', entry: { id: 'app:new', kind: 'test.thing', meta: {}, data: { x: [1] } } },
      { kind: 'entry.update', entry: { id: 'app:a', data: null } },
      { kind: 'entry.delete', entry: { id: 'lib:c', kind: 'test.thing' } },
    ])
    const version = (await on(changes, 'apply')).value
    expect(shown(version)).toBe('registry.Version{v1}')
    expect(registry.all().map(({ id }) => id)).toEqual(['app:a', 'app:b', 'app:new'])
    expect(registry.origin('app:new')).toBe('runtime')
    expect(registry.origin('app:b')).toBe('disk')
    expect(registry.get('app:a')?.data).toBeNull()
  })

  test('that make no sense are refused one by one', async () => {
    const changes = await begin()
    expect((await on(changes, 'create', { kind: 'x' })).error).toMatchObject({
      kind: 'Invalid',
      text: 'entry must have valid id field',
    })
    expect((await on(changes, 'update', { id: 'a:b' })).error?.text).toBe('entry must have kind field')
    expect((await on(changes, 'delete', { ns: 'a' })).error?.text).toBe('id requires ns and name fields')
    expect((await on(changes, 'delete', 5)).error?.text).toBe('invalid ID format')
    expect((await on(changes, 'apply')).error).toMatchObject({ kind: 'Invalid', text: 'no changes to apply' })
  })

  test('that fail are Internal, and say what failed', async () => {
    const changes = await begin()
    await on(changes, 'create', { id: 'app:x', kind: 'test.thing', data: { bad: true } })
    const { value, error } = await on(changes, 'apply')
    expect(value).toBeNull()
    expect(error).toMatchObject({
      kind: 'Internal',
      text: 'apply changes: operation failed for entry app:x: bad thing',
      retryable: false,
    })
  })

  test('on a version that is no longer the current one are a conflict', async () => {
    const old = (await run('current_version')).value
    const first = await begin()
    await on(first, 'delete', 'lib:c')
    await on(first, 'apply', { expected: old })
    const second = await begin()
    await on(second, 'delete', 'app:b')
    expect((await on(second, 'apply', { expected: 0 })).error).toMatchObject({ kind: 'Conflict' })
    expect((await on(second, 'apply', { expected: 1 })).error).toBeUndefined()
  })

  test('need the permission to apply, and none against any entry', async () => {
    const attempt = async (frame: Frame): Promise<Outcome> => {
      as(frame)
      const changes = await begin()
      await on(changes, 'create', { id: 'app:one', kind: 'test.thing' })
      await on(changes, 'update', { id: 'app:a', kind: 'test.thing' })
      return on(changes, 'apply')
    }
    expect((await attempt(scoped('allow registry.get'))).error).toMatchObject({
      kind: 'PermissionDenied',
      text: 'not allowed to apply registry changes',
    })
    const denied = await attempt(scoped('allow registry.apply', 'deny registry.update app:*'))
    expect(denied.error).toMatchObject({ kind: 'PermissionDenied', text: 'not allowed to update entry: app:a' })
    expect(registry.get('app:one')).toBeUndefined()
    expect((await attempt(scoped('allow registry.apply', 'deny registry.delete app:*'))).error).toBeUndefined()
    expect(registry.get('app:one')).toBeDefined()
  })

  test('of code made at run time are refused', async () => {
    as({ ...emptyFrame, confinement: generatedConfinement(policies) })
    const changes = await begin()
    await on(changes, 'create', { id: 'app:one', kind: 'test.thing' })
    expect((await on(changes, 'apply')).error?.kind).toBe('PermissionDenied')
    expect((await run('get', 'app:a')).error?.kind).toBe('PermissionDenied')
    expect((await run('apply_version', 0)).error?.kind).toBe('PermissionDenied')
  })
})

describe('versions', () => {
  beforeEach(async () => {
    await registry.apply([{ op: 'create', entry: entry('app:n', { n: 1 }) }])
    await registry.apply([{ op: 'update', entry: entry('app:n', { n: 2 }) }])
  })

  test('know their neighbours', async () => {
    const current = (await run('current_version')).value
    expect(shown(current)).toBe('registry.Version{v2}')
    expect((await on(current, 'id')).value).toBe(2)
    expect((await on(current, 'string')).value).toBe('v2')
    const previous = (await on(current, 'previous')).value
    expect(shown(previous)).toBe('registry.Version{v1}')
    expect(shown((await on(previous, 'next')).value)).toBe('registry.Version{v2}')
    expect((await on(current, 'next')).value).toBeNull()
    const baseline = (await on(previous, 'previous')).value
    expect(shown(baseline)).toBe('registry.Version{v0}')
    expect((await on(baseline, 'previous')).value).toBeNull()
    expect(((await run('versions')).value as unknown[]).map(shown)).toEqual([
      'registry.Version{v0}',
      'registry.Version{v1}',
      'registry.Version{v2}',
    ])
  })

  test('can be looked at, with the entries of the baseline', async () => {
    const snapshot = (await run('snapshot_at', 1)).value
    expect(shown(snapshot)).toBe('registry.Snapshot{version=v1}')
    expect(ids((await on(snapshot, 'entries')).value)).toEqual(['app:a', 'app:b', 'app:n', 'lib:c'])
    expect((await on(snapshot, 'get', 'app:n')).value).toMatchObject({ data: { n: 1 } })
    expect((await run('snapshot_at', 0)).error).toMatchObject({ kind: 'Invalid', text: 'invalid version ID' })
    expect((await run('snapshot_at', 9)).error).toMatchObject({ kind: 'NotFound', text: 'version not found' })
  })

  test('are in the history', async () => {
    const history = (await run('history')).value
    expect(shown(history)).toBe('registry.History{versions=3}')
    const zero = (await on(history, 'get_version', 0)).value
    const snapshot = (await on(history, 'snapshot_at', zero)).value
    expect(ids((await on(snapshot, 'entries')).value)).toEqual(['app:a', 'app:b', 'lib:c'])
    expect((await on(history, 'get_version', 9)).error?.kind).toBe('NotFound')
    expect((await on(history, 'versions')).value).toHaveLength(3)
  })

  test('can be gone to, with permission', async () => {
    const one = (await on((await run('history')).value, 'get_version', 1)).value
    as(scoped('allow registry.get'))
    expect(await run('apply_version', one)).toMatchObject({
      value: null,
      error: { kind: 'PermissionDenied', text: 'registry version change is not allowed' },
    })
    as(scoped('allow registry.apply_version', 'deny registry.update app:n'))
    expect((await run('apply_version', one)).error?.text).toBe('not allowed to update entry: app:n')
    as(emptyFrame)
    expect((await run('apply_version', one)).value).toBe(true)
    expect(registry.get('app:n')?.data).toEqual({ n: 1 })
    expect(await run('apply_version', 77)).toMatchObject({ value: false, error: { kind: 'NotFound' } })
  })
})

test('build_delta gives the operations between two lists, deletions first', async () => {
  const from = [
    { id: 'a:gone', kind: 'k' },
    { id: 'a:same', kind: 'k', data: { n: 1 } },
    { id: 'a:turned', kind: 'k' },
    { id: 'a:changed', kind: 'k' },
    'nonsense',
  ]
  const to = [
    { id: 'a:changed', kind: 'k', data: 1 },
    { id: 'a:same', kind: 'k', data: { n: 1n } },
    { id: 'a:turned', kind: 'l' },
    { id: 'a:new', kind: 'k', meta: { depends_on: ['a:turned'] } },
    { no: 'id' },
  ]
  const ops = (await run('build_delta', from, to)).value as { kind: string; entry: { id: string } }[]
  expect(ops.map(({ kind, entry: { id } }) => `${kind} ${id}`)).toEqual([
    'entry.delete a:gone',
    'entry.update a:changed',
    'entry.delete a:turned',
    'entry.create a:turned',
    'entry.create a:new',
  ])
})
