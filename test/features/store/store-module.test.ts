// Stores: values, versions, time to live, listing, rights.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../../runtime/core/clock.ts'
import { emptyFrame, type Scope } from '../../../runtime/core/frame.ts'
import type { ValueMap } from '../../../runtime/core/value.ts'
import { MemoryStore } from '../../../runtime/features/store/memory-store.ts'
import { plainPut, Stores } from '../../../runtime/features/store/store.ts'
import { memoryStoreKind } from '../../../runtime/features/store/store-kinds.ts'
import { storeModule } from '../../../runtime/features/store/store-module.ts'
import { type Call, LuaFunctionRef, type ModuleTable } from '../../../runtime/lua/module.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, callMethod, fakeCall, type Outcome } from '../../support/call-module.ts'

function world(data: ValueMap = {}): {
  clock: ManualClock
  stores: Stores
  close: () => unknown
  open: (call?: Call) => Outcome
} {
  const clock = manualClock()
  const stores = new Stores()
  const supervisor = { add: () => undefined, update: () => undefined, remove: async () => undefined }
  const kind = memoryStoreKind({ stores, clock, supervisor })
  const entry = { id: 'app:cache', kind: 'store.memory', meta: {}, data }
  const opened = kind.open(entry, kind.decode(entry), { origin: 'disk' })
  if (opened instanceof Promise) throw new Error('opening a memory store does not wait')
  const module = storeModule({ stores, guard: new Guard({ strict: false }) }).open() as ModuleTable
  return {
    clock,
    stores,
    close: () => opened.close(),
    open: (call) => callFunction(module, 'get', ['app:cache'], call) as Outcome,
  }
}
const on = async (object: unknown, name: string, ...args: unknown[]): Promise<Outcome> => callMethod(object, name, args)

describe('values', () => {
  test('are kept as copies', async () => {
    const { value: cache } = world().open()
    const original = { list: [1] }
    await on(cache, 'set', 'k', original)
    original.list.push(2)
    const first = (await on(cache, 'get', 'k')).value as typeof original
    first.list.push(3)
    expect((await on(cache, 'get', 'k')).value).toEqual({ list: [1] })
    expect((await on(cache, 'get', 'other')).error).toMatchObject({ kind: 'NotFound', message: 'key not found: other' })
  })

  test('false and nothing are told apart; functions become text; nil is refused', async () => {
    const { value: cache } = world().open()
    await on(cache, 'set', 'no', false)
    expect((await on(cache, 'get', 'no')).value).toBe(false)
    expect((await on(cache, 'has', 'no')).value).toBe(true)
    expect((await on(cache, 'delete', 'no')).value).toBe(true)
    expect((await on(cache, 'delete', 'no')).value).toBe(false)
    await on(cache, 'set', 'f', [new LuaFunctionRef()])
    expect((await on(cache, 'get', 'f')).value).toEqual(['function'])
    expect((await on(cache, 'set', 'n', null)).error?.kind).toBe('Invalid')
  })

  test('live as long as they were given', async () => {
    const { clock, open } = world()
    const { value: cache } = open()
    await on(cache, 'set', 'k', 1, 10)
    clock.advance(9999)
    expect((await on(cache, 'has', 'k')).value).toBe(true)
    clock.advance(1)
    expect((await on(cache, 'has', 'k')).value).toBe(false)
    expect((await on(cache, 'list')).value).toMatchObject({ items: [] })
    expect((await on(cache, 'set', 'k', 1, -1)).error?.kind).toBe('Invalid')
  })
})

describe('versions', () => {
  test('change with every write and guard it', async () => {
    const { value: cache } = world().open()
    const first = (await on(cache, 'put', 'k', 'a', { only_if_absent: true })).value as { version: string }
    expect((await on(cache, 'put', 'k', 'b', { only_if_absent: true })).error).toMatchObject({ kind: 'AlreadyExists' })
    expect((await on(cache, 'put', 'k', 'b', { if_version: first.version })).value).toMatchObject({
      key: 'k',
      value: 'b',
    })
    expect((await on(cache, 'put', 'k', 'c', { if_version: first.version })).error).toMatchObject({
      kind: 'Conflict',
      retryable: true,
    })
    expect((await on(cache, 'put', 'new', 'c', { if_version: '1' })).error?.kind).toBe('Conflict')
    expect((await on(cache, 'put', 'k', 'c', { if_version: '1', only_if_absent: true })).error?.kind).toBe('Invalid')
    expect((await on(cache, 'entry', 'k')).value).toMatchObject({ key: 'k', value: 'b' })
  })

  test('are not reused by a key that came back', async () => {
    const { value: cache } = world().open()
    const { version } = (await on(cache, 'put', 'k', 1)).value as { version: string }
    await on(cache, 'delete', 'k')
    await on(cache, 'put', 'k', 1)
    expect((await on(cache, 'put', 'k', 2, { if_version: version })).error?.kind).toBe('Conflict')
  })
})

test('a listing pages through the keys of a prefix in byte order, whatever they are', () => {
  const key = fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'b', ':', '\u{1F600}', '\uFFFD', 'z') })
  fc.assert(
    fc.property(fc.uniqueArray(key), key, fc.integer({ min: 1, max: 5 }), (keys, prefix, limit) => {
      const store = new MemoryStore({ maxSize: 1000, cleanupInterval: 0, clock: manualClock() })
      for (const one of keys) store.put(one, one, plainPut)
      const listed: string[] = []
      let after: string | undefined
      for (;;) {
        const page = store.list({ prefix, after, limit })
        listed.push(...page.items.map(({ key }) => key))
        if (!page.hasMore) break
        after = page.cursor
      }
      const expected = keys
        .filter((one) => one.startsWith(prefix))
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(listed).toEqual(expected)
    }),
  )
})

test('a full store refuses new keys, and takes them again when others expired', async () => {
  const { clock, open } = world({ max_size: 2, cleanup_interval: 0 })
  const { value: cache } = open()
  await on(cache, 'set', 'a', 1)
  await on(cache, 'set', 'b', 1, 1)
  expect((await on(cache, 'set', 'c', 1)).error).toMatchObject({
    kind: 'LimitExceeded',
    message: 'store is full (max_size 2)',
  })
  expect((await on(cache, 'set', 'a', 2)).value).toBe(true)
  clock.advance(1000)
  expect((await on(cache, 'set', 'c', 1)).value).toBe(true)
})

test('a change of settings keeps the content', async () => {
  const clock = manualClock()
  const store = new MemoryStore({ maxSize: 1, cleanupInterval: 0, clock })
  store.put('a', 1, plainPut)
  store.configure({ maxSize: 2, cleanupInterval: 100 })
  store.put('b', 2, { ...plainPut, ttl: 50 })
  expect(store.entry('a')?.value).toBe(1)
  clock.advance(100)
  store.put('c', 3, plainPut)
  expect(store.list({ prefix: '', after: undefined, limit: 9 }).items.map(({ key }) => key)).toEqual(['a', 'c'])
})

test('a released or closed store is no store', async () => {
  const { open, close } = world()
  const { value: cache } = open()
  expect((await on(cache, 'info')).value).toMatchObject({ id: 'app:cache', backend: 'memory', conditional_put: true })
  expect((await on(cache, 'release')).value).toBe(true)
  expect((await on(cache, 'get', 'k')).error).toMatchObject({ kind: 'Invalid', message: 'store is released' })
  await close()
  expect(open().error).toMatchObject({ kind: 'NotFound', message: 'store not found: app:cache' })
})

test('every right is asked for with the key, and a denial raises', async () => {
  const asked: string[] = []
  const scope: Scope = {
    evaluate(_actor, action, resource, attributes) {
      asked.push(`${action} ${resource} ${JSON.stringify(attributes ?? {})}`)
      return action === 'store.key.delete' || action === 'store.key.list' ? 'deny' : 'allow'
    },
  }
  const call = { ...fakeCall(), frame: { ...emptyFrame, actor: { id: 'a', meta: {} }, scope } }
  const { value: cache } = world().open(call)
  await callMethod(cache, 'set', ['k', 1], call)
  await callMethod(cache, 'get', ['k'], call)
  expect(((await callMethod(cache, 'delete', ['k'], call)) as Outcome).raised).toBe(
    'not allowed to delete key "k" in store: app:cache',
  )
  expect(((await callMethod(cache, 'list', [{ prefix: 'p' }], call)) as Outcome).raised).toMatch(
    /^not allowed to list keys/,
  )
  expect(asked).toEqual([
    'store.get app:cache {}',
    'store.key.set app:cache {"key":"k"}',
    'store.key.get app:cache {"key":"k"}',
    'store.key.delete app:cache {"key":"k"}',
    'store.key.list app:cache {"prefix":"p"}',
  ])
  const denying = { ...call, frame: { ...call.frame, scope: { evaluate: () => 'deny' as const } } }
  expect(world().open(denying).raised).toBe('not allowed to access store: app:cache')
})

test.each([
  [{ max_size: -1 }, 'entry app:cache: max_size -1 is not a non-negative integer'],
  [{ lifecycle: 'always' }, 'entry app:cache: lifecycle "always" is not a map'],
  [{ cleanup_interval: 5 }, 'entry app:cache: cleanup_interval 5 is not a duration'],
  [{ cleanup_interval: '5 parsecs' }, 'entry app:cache: cleanup_interval "5 parsecs" is not a duration'],
])('the fields %j are refused', (data, message) => {
  expect(() => world(data)).toThrow(message)
})
