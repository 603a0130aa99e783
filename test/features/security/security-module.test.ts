// The `security` module and its kinds, opened through a real registry.

import { beforeEach, describe, expect, test } from 'vitest'
import { manualClock } from '../../../runtime/core/clock.ts'
import type { Entry } from '../../../runtime/core/entry.ts'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { emptyFrame, type Frame } from '../../../runtime/core/frame.ts'
import type { Value } from '../../../runtime/core/value.ts'
import { compileExpression } from '../../../runtime/features/expr/expression.ts'
import { policyKinds } from '../../../runtime/features/security/policy-kinds.ts'
import { securityModule } from '../../../runtime/features/security/security-module.ts'
import { TokenStores, tokenStoreKind } from '../../../runtime/features/security/token-store-kind.ts'
import { securityTypes } from '../../../runtime/features/security/types.ts'
import type { Call, LuaObject } from '../../../runtime/lua/module.ts'
import type { AnyKind } from '../../../runtime/registry/kind.ts'
import { Registry } from '../../../runtime/registry/registry.ts'
import { generatedConfinement } from '../../../runtime/security/generated.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { Policies } from '../../../runtime/security/policies.ts'
import type { TokenStorage } from '../../../runtime/security/tokens.ts'
import { sources } from '../../registry/kit.ts'
import { callFunction, callMethod, fakeCall, type Outcome } from '../../support/call-module.ts'

const entry = (id: string, kind: string, data: Value): Entry => ({ id, kind, meta: {}, data })
const policy = (id: string, effect: string, actions: Value, groups: string[] = [], extra = {}): Entry =>
  entry(id, 'security.policy', { policy: { effect, actions, resources: '*', ...extra }, groups })

let policies: Policies
let registry: Registry
let kept: Map<string, Value>
let variables: Map<string, string>
let call: Call
let run: (name: string, ...args: unknown[]) => Promise<Outcome>
let on: (object: unknown, name: string, ...args: unknown[]) => Promise<Outcome>

beforeEach(async () => {
  policies = new Policies()
  kept = new Map()
  variables = new Map()
  const guard = new Guard({ strict: false })
  const tokenStores = new TokenStores()
  const storage: TokenStorage = {
    get: (key) => kept.get(key),
    set: (key, value) => void kept.set(key, value),
    delete: (key) => kept.delete(key),
  }
  const kinds: AnyKind[] = [
    ...policyKinds({ policies, compileExpression }),
    tokenStoreKind({
      tokenStores,
      policies,
      clock: manualClock(),
      storage(id) {
        if (id !== 'app:kv') throw new RuntimeError('NotFound', `store ${id} not found`)
        return storage
      },
      variable: (name) => variables.get(name),
    }) as AnyKind,
  ]
  registry = new Registry({ kinds: new Map(kinds.map((kind) => [kind.kind, kind])), clock: manualClock() })
  const problems = await registry.boot(
    sources([
      policy('app:read', 'allow', 'read', ['readers']),
      policy('app:free', 'allow', ['security.*', 'read'], ['admins']),
      entry('app:expr', 'security.policy.expr', {
        policy: { effect: 'allow', actions: '*', resources: '*', expression: 'actor.meta.role == "admin"' },
        groups: ['app:by_role'],
      }),
      entry('app:tokens', 'security.token_store', { store: 'app:kv' }),
    ]),
  )
  expect(problems).toEqual([])
  const module = securityModule({ guard, policies, tokenStores, types: securityTypes({ guard }) }).open()
  call = fakeCall()
  run = async (name, ...args) => callFunction(module, name, args, call)
  on = async (object, name, ...args) => callMethod(object, name, args, call)
})

const be = (frame: Partial<Frame>): void => {
  call = { ...fakeCall(), frame: { ...emptyFrame, ...frame } }
}
const shown = (object: unknown): string | undefined => {
  const { type, value } = object as LuaObject<unknown>
  return type.spec.tostring?.(value)
}

describe('who the code is', () => {
  test('nobody, unless somebody said', async () => {
    expect((await run('actor')).value).toBeNull()
    expect((await run('scope')).value).toBeNull()
    expect((await run('can', 'read', 'x')).value).toBe(false)
  })

  test('is the actor and scope of its frame', async () => {
    be({ actor: { id: 'ann', meta: { role: 'x' } }, scope: policies.group('app:readers') })
    const actor = (await run('actor')).value
    expect((await on(actor, 'id')).value).toBe('ann')
    expect((await on(actor, 'meta')).value).toEqual({ role: 'x' })
    expect((await run('can', 'read', 'x')).value).toBe(true)
    expect((await run('can', 'write', 'x')).value).toBe(false)
    expect(shown((await run('scope')).value)).toBe('security.Scope{policies=1}')
  })

  test('made at run time is the actor generated', async () => {
    be({ confinement: generatedConfinement(policies) })
    expect(shown((await run('actor')).value)).toBe('security.Actor{id=generated}')
    expect((await run('can', 'http_client.request', 'https://example.com/')).value).toBe(true)
    expect((await run('can', 'env.get', 'X')).value).toBe(false)
    expect((await run('new_actor', 'root')).raised).toBe('not allowed to create actor with ID: root')
    expect((await run('new_scope')).raised).toBe('not allowed to create custom scopes')
  })
})

describe('policies and scopes', () => {
  test('are found by full id, and missing ones are Internal', async () => {
    expect((await on((await run('policy', 'app:read')).value, 'id')).value).toBe('app:read')
    expect((await run('policy', 'app:none')).error).toMatchObject({
      kind: 'Internal',
      text: 'get policy: policy not found',
    })
    expect((await run('named_scope', 'readers')).error?.kind).toBe('Internal')
    expect((await run('named_scope', 'app:readers')).error).toBeUndefined()
  })

  test('decide for whoever asks', async () => {
    const admin = (await run('new_actor', 'ann', { role: 'admin' })).value
    const other = (await run('new_actor', 'bob')).value
    const scope = (await run('named_scope', 'app:by_role')).value
    expect((await on(scope, 'evaluate', admin, 'x', 'y')).value).toBe('allow')
    expect((await on(scope, 'evaluate', other, 'x', 'y')).value).toBe('undefined')
    const one = (await run('policy', 'app:read')).value
    expect((await on(one, 'evaluate', other, 'read', 'y', { a: 1 })).value).toBe('allow')
    expect((await on(scope, 'evaluate', scope, 'x', 'y')).raised).toMatch('bad argument #1 to evaluate')
  })

  test('scopes are built from policies without changing', async () => {
    const read = (await run('policy', 'app:read')).value
    const empty = (await run('new_scope')).value
    const more = (await on(empty, 'with', read)).value
    const less = (await on(more, 'without', { ns: 'app', name: 'read' })).value
    expect((await on(empty, 'contains', 'app:read')).value).toBe(false)
    expect((await on(more, 'contains', read)).value).toBe(true)
    expect((await on(less, 'policies')).value).toEqual([])
    expect((await on((await run('new_scope', [read])).value, 'policies')).value).toHaveLength(1)
  })

  test('need permission', async () => {
    be({ actor: { id: 'ann', meta: {} }, scope: policies.group('app:readers') })
    expect((await run('new_actor', 'x')).raised).toBe('not allowed to create actor with ID: x')
    expect((await run('new_scope')).raised).toBe('not allowed to create custom scopes')
    expect((await run('policy', 'app:read')).error).toMatchObject({
      kind: 'Invalid',
      text: 'permission denied: access policy',
    })
    expect((await run('named_scope', 'app:readers')).error?.text).toBe('permission denied: access policy group')
    expect((await run('token_store', 'app:tokens')).raised).toBe('not allowed to access token store: app:tokens')
    const scope = (await run('scope')).value
    be({ actor: { id: 'ann', meta: {} }, scope: policies.group('app:admins') })
    const read = (await run('policy', 'app:read')).value
    be({ actor: { id: 'ann', meta: {} }, scope: policies.group('app:readers') })
    expect((await on(scope, 'with', read)).raised).toMatch('not allowed to create custom scopes')
    expect((await on(scope, 'without', 'app:read')).raised).toMatch('not allowed to create custom scopes')
  })

  test('a change of an entry counts at once for those who run already', async () => {
    be({ actor: { id: 'ann', meta: {} }, scope: policies.group('app:readers') })
    expect((await run('can', 'read', 'x')).value).toBe(true)
    await registry.apply([{ op: 'update', entry: policy('app:read', 'deny', 'read', ['readers']) }])
    expect((await run('can', 'read', 'x')).value).toBe(false)
    await registry.applyVersion(0)
    expect((await run('can', 'read', 'x')).value).toBe(true)
    await registry.apply([{ op: 'delete', id: 'app:read' }])
    expect((await run('can', 'read', 'x')).value).toBe(false)
  })

  test('an entry with an expression that cannot be boolean is refused', async () => {
    const bad = entry('app:bad', 'security.policy.expr', {
      policy: { effect: 'allow', actions: '*', resources: '*', expression: '1 +' },
    })
    await expect(registry.apply([{ op: 'create', entry: bad }])).rejects.toThrow('operation failed for entry app:bad')
  })
})

describe('a token store', () => {
  const identity = async (): Promise<[unknown, unknown]> => [
    (await run('new_actor', 'ann', { role: 'x' })).value,
    (await run('named_scope', 'app:readers')).value,
  ]

  test('makes, checks and revokes tokens', async () => {
    const store = (await run('token_store', 'app:tokens')).value
    const token = (await on(store, 'create', ...(await identity()), { expiration: '1h', meta: { ip: '::1' } })).value
    const { values } = await on(store, 'validate', token)
    expect(shown(values[0])).toBe('security.Actor{id=ann}')
    expect(shown(values[1])).toBe('security.Scope{policies=1}')
    expect(values[2]).toBeNull()
    expect([...kept.values()][0]).toMatchObject({ policies: ['app:read'], meta: { ip: '::1' } })
    expect((await on(store, 'revoke', token)).value).toBe(true)
    const gone = await on(store, 'validate', token)
    expect(gone.values.slice(0, 2)).toEqual([null, null])
    expect(gone.error).toMatchObject({ kind: 'Internal', text: 'validate token: token not found' })
  })

  test('refuses what makes no sense and what comes after close', async () => {
    const store = (await run('token_store', 'app:tokens')).value
    const [actor, scope] = await identity()
    expect((await on(store, 'create', actor, scope, { expiration: 'soon' })).error?.kind).toBe('Invalid')
    expect((await on(store, 'create', actor, scope, { expiration: -1 })).error?.kind).toBe('Invalid')
    expect((await on(store, 'close')).value).toBe(true)
    expect((await on(store, 'close')).value).toBe(true)
    expect((await on(store, 'create', actor, scope)).error?.text).toBe('token store is closed')
    expect((await on(store, 'validate', 'x')).error?.text).toBe('token store is closed')
    expect((await run('token_store', '')).error?.kind).toBe('Invalid')
    expect((await run('token_store', 'app:none')).error).toMatchObject({ kind: 'Internal' })
  })

  test('asks for each permission', async () => {
    const store = (await run('token_store', 'app:tokens')).value
    const [actor, scope] = await identity()
    be({ actor: { id: 'ann', meta: {} }, scope: policies.group('app:readers') })
    expect((await on(store, 'create', actor, scope)).error).toMatchObject({
      kind: 'Invalid',
      text: 'permission denied: create token',
    })
    const validated = await on(store, 'validate', 'x')
    expect(validated.values.slice(0, 2)).toEqual([null, null])
    expect(validated.error?.text).toBe('permission denied: validate token')
    expect((await on(store, 'revoke', 'x')).error?.text).toBe('permission denied: revoke token')
  })

  test('waits for its store and its key', async () => {
    const make = (data: Value): Promise<unknown> =>
      registry.apply([{ op: 'create', entry: entry('app:t2', 'security.token_store', data) }])
    await expect(make({ store: 'app:none' })).rejects.toThrow('unresolved dependencies after retry: app:t2')
    await expect(make({ store: 'kv', token_key_env: 'KEY' })).rejects.toThrow('unresolved dependencies')
    await expect(make({ store: 'kv', token_length: 2 })).rejects.toThrow('token_length 2 is not from 16 to 1024')
    variables.set('KEY', 'secret')
    await make({ store: 'kv', token_key_env: 'KEY' })
    const store = (await run('token_store', 'app:t2')).value
    expect((await on(store, 'create', ...(await identity()))).value).toMatch(/^[\w-]+=\.[\w-]+=$/)
  })
})
