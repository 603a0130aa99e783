// Who may do what: the rule of spec/security.md §5, and the ceiling on code made at run time.

import { describe, expect, test } from 'vitest'
import { emptyFrame, type Frame } from '../../runtime/core/frame.ts'
import { generatedConfinement } from '../../runtime/security/generated.ts'
import { Guard } from '../../runtime/security/guard.ts'
import { GENERATED_GROUP, Policies } from '../../runtime/security/policies.ts'
import type { PolicyConfig } from '../../runtime/security/policy-entry.ts'

const actor = { id: 'ann', meta: {} }

function rule(effect: 'allow' | 'deny', action: string, groups: string[] = []): PolicyConfig {
  return { rule: { effect, actions: [action], resources: ['*'], holds: () => true }, groups }
}

describe('a frame', () => {
  const policies = new Policies()
  policies.set('app:a', rule('allow', 'read'), 'disk')
  const scope = policies.scopeOf([policies.require('app:a')])

  test('without actor or scope may do everything, unless security is strict', () => {
    for (const frame of [emptyFrame, { ...emptyFrame, actor }, { ...emptyFrame, scope }]) {
      expect(new Guard({ strict: false }).allows(frame, 'write', 'x')).toBe(true)
      expect(new Guard({ strict: true }).allows(frame, 'write', 'x')).toBe(false)
    }
  })

  test('with both may do what is allowed', () => {
    const guard = new Guard({ strict: false })
    const frame = { ...emptyFrame, actor, scope }
    expect(guard.allows(frame, 'read', 'x')).toBe(true)
    expect(guard.allows(frame, 'write', 'x')).toBe(false)
  })

  test('is denied only by a policy that says so', () => {
    policies.set('app:d', rule('deny', 'delete'), 'disk')
    const guard = new Guard({ strict: false })
    const frame = { ...emptyFrame, actor, scope: policies.scopeOf([policies.require('app:d')]) }
    expect(guard.denies(frame, 'delete', 'x')).toBe(true)
    expect(guard.denies(frame, 'create', 'x')).toBe(false)
    expect(guard.denies(emptyFrame, 'delete', 'x')).toBe(false)
  })

  test('that is refused is told of', () => {
    const told: string[] = []
    const guard = new Guard({ strict: true, denied: (_, action, resource) => told.push(`${action} ${resource}`) })
    guard.allows(emptyFrame, 'write', 'x')
    expect(told).toEqual(['write x'])
  })
})

describe('code made at run time', () => {
  const setUp = () => {
    const policies = new Policies()
    const frame: Frame = { ...emptyFrame, confinement: generatedConfinement(policies) }
    const may = (action: string, resource = 'x', from = frame): boolean =>
      new Guard({ strict: false }).allows(from, action, resource)
    return { policies, frame, may }
  }

  test('may ask public servers, and nothing else', () => {
    const { may } = setUp()
    expect(may('http_client.request', 'https://example.com/')).toBe(true)
    for (const action of [
      'http_client.private_ip',
      'http_client.unix_socket',
      'http_client.insecure_tls',
      'process.spawn',
      'process.send',
      'funcs.call',
      'registry.get',
      'registry.apply',
      'env.get',
      'fs.get',
      'store.get',
      'security.scope.create',
      'eval.run',
      'system.exit',
      'exec.get',
    ]) {
      expect(may(action), action).toBe(false)
    }
  })

  test('gets more from policies of the app, at once, but not from its own', () => {
    const { policies, may } = setUp()
    policies.set('evil:p', rule('allow', '*', [GENERATED_GROUP]), 'runtime')
    expect(may('env.get')).toBe(false)
    policies.set('app:p', rule('allow', 'env.get', [GENERATED_GROUP]), 'disk')
    expect(may('env.get')).toBe(true)
    policies.set('late:p', rule('deny', 'http_client.request', [GENERATED_GROUP]), 'runtime')
    expect(may('http_client.request')).toBe(false)
  })

  test('has no more than its caller', () => {
    const { policies, frame, may } = setUp()
    policies.set('app:p', rule('allow', 'read'), 'disk')
    const scope = policies.scopeOf([policies.require('app:p')])
    expect(may('http_client.request', 'https://example.com/', { ...frame, actor, scope })).toBe(false)
    expect(may('read', 'x', { ...frame, actor, scope })).toBe(false)
  })

  test('is denied in a second check whatever it is not allowed', () => {
    const { frame } = setUp()
    const guard = new Guard({ strict: false })
    expect(guard.denies(frame, 'registry.create', 'app:x')).toBe(true)
    expect(guard.denies(frame, 'http_client.request', 'https://example.com/')).toBe(false)
  })
})
