// Patterns, conditions, groups and scopes (spec/security.md §2-4).

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import type { Actor } from '../../runtime/core/frame.ts'
import type { Value, ValueMap } from '../../runtime/core/value.ts'
import { matchesPattern } from '../../runtime/security/pattern.ts'
import { Policies } from '../../runtime/security/policies.ts'
import { decodeExpressionPolicy, decodePolicy } from '../../runtime/security/policy-entry.ts'

const ann: Actor = { id: 'user:ann', meta: { role: 'admin', age: 41, tags: ['a', 'b'], deep: { er: 'x' } } }

function entry(policy: Value, groups: Value = [], id = 'app:p'): Entry {
  return { id, kind: 'security.policy', meta: {}, data: { policy, groups } }
}

function policy(effect: string, actions: Value, resources: Value, conditions?: Value): Value {
  return { effect, actions, resources, ...(conditions === undefined ? {} : { conditions }) }
}

describe('a pattern', () => {
  test.each([
    ['*', 'anything', true],
    ['app:a', 'app:a', true],
    ['app:a', 'app:A', false],
    ['app.*', 'app.x', true],
    ['app.*', 'application', true],
    ['app.*', 'ap', false],
    ['app:*', 'app:x', true],
    ['app:*', 'app.x:y', false],
    ['ap*', 'app', true],
    ['*.x', 'a.x', false],
    ['a*c', 'abc', false],
    ['', '', true],
  ])('%s fits %s: %s', (pattern, text, fits) => {
    expect(matchesPattern(pattern, text)).toBe(fits)
  })

  test('ending in * fits exactly what starts with the rest', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 4 }), fc.string({ maxLength: 8 }), (head, text) => {
        fc.pre(!head.endsWith('.'))
        expect(matchesPattern(`${head}*`, text)).toBe(text.startsWith(head) || text === `${head}*`)
      }),
    )
  })
})

describe('a condition', () => {
  const attributes: ValueMap = {
    n: 5,
    text: '5',
    list: ['x', 7],
    nested: { k: 'v' },
    'odd.key': 1,
    flag: true,
    none: null,
  }
  const judge = (condition: Value): string => {
    const policies = new Policies()
    policies.set('app:p', decodePolicy(entry(policy('allow', '*', '*', [condition]))), 'disk')
    return policies.require('app:p').judge({ actor: ann, action: 'read', resource: 'doc:1', attributes })
  }

  test.each([
    ['actor.id', 'eq', 'user:ann', true],
    ['actor.meta.role', 'eq', 'admin', true],
    ['actor.meta.deep.er', 'eq', 'x', true],
    ['meta.nested.k', 'eq', 'v', true],
    ['action', 'eq', 'read', true],
    ['resource', 'eq', 'doc:1', true],
    ['odd.key', 'eq', 1, true],
    ['n', 'eq', '5', true],
    ['text', 'eq', 5, true],
    ['flag', 'eq', 'true', true],
    ['n', 'ne', 5, false],
    ['n', 'ne', 6, true],
    ['missing', 'ne', 6, false],
    ['missing', 'nin', [1], false],
    ['none', 'eq', 'null', false],
    ['n', 'lt', '6', true],
    ['text', 'gte', 5, true],
    ['actor.meta.role', 'lt', 5, false],
    ['n', 'in', [4, '5'], true],
    ['n', 'in', '5', true],
    ['n', 'in', 5, false],
    ['n', 'nin', [4], true],
    ['n', 'nin', 4, false],
    ['list', 'contains', '7', true],
    ['list', 'contains', 'y', false],
    ['list', 'ncontains', 'y', true],
    ['resource', 'contains', 'oc:', true],
    ['resource', 'ncontains', 'oc:', false],
    ['nested', 'contains', 'v', false],
    ['nested', 'ncontains', 'v', false],
    ['n', 'exists', true, true],
    ['n', 'exists', false, false],
    ['missing', 'exists', false, true],
    ['missing', 'nexists', true, true],
    ['resource', 'matches', '^doc:\\d$', true],
    ['resource', 'matches', 'oc', true],
    ['n', 'matches', '5', true],
    ['resource', 'nmatches', 'x', true],
    ['missing', 'nmatches', 'x', false],
    ['__proto__', 'exists', true, false],
  ])('%s %s %j: %s', (field, operator, value, holds) => {
    expect(judge({ field, operator, value })).toBe(holds ? 'allow' : 'undefined')
  })

  test('can compare with another field, but takes no pattern from one', () => {
    expect(judge({ field: 'n', operator: 'eq', value_from: 'text' })).toBe('allow')
    expect(judge({ field: 'n', operator: 'eq', value_from: 'missing' })).toBe('undefined')
    expect(judge({ field: 'resource', operator: 'matches', value_from: 'resource' })).toBe('undefined')
  })
})

describe('an entry is refused', () => {
  test.each([
    [policy('maybe', '*', '*'), 'policy.effect "maybe" is not "allow" or "deny"'],
    [policy('allow', '', '*'), 'policy.actions "" is not a non-empty string or a list of them'],
    [policy('allow', '*', [1]), 'policy.resources [1] is not a non-empty string or a list of them'],
    [policy('allow', [], '*'), 'policy.actions [] is not'],
    [policy('allow', '*', '*', [{ operator: 'eq', value: 1 }]), 'policy.conditions[0].field null is not'],
    [policy('allow', '*', '*', [{ field: 'a', value: 1 }]), 'policy.conditions[0].operator null is not'],
    [
      policy('allow', '*', '*', [{ field: 'a', operator: 'eq' }]),
      'policy.conditions[0] has neither value nor value_from',
    ],
    [
      policy('allow', '*', '*', [{ field: 'a', operator: 'like', value: 1 }]),
      'policy.conditions[0].operator "like" is not one of',
    ],
    [policy('allow', '*', '*', [{ field: 'a', operator: 'exists', value: 'yes' }]), 'value "yes" is not true or false'],
    [policy('allow', '*', '*', [{ field: 'a', operator: 'matches', value: '(' }]), 'error parsing regexp'],
  ])('%j', (bad, text) => {
    expect(() => decodePolicy(entry(bad))).toThrow(text)
    expect(() => decodePolicy(entry(bad))).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })
})

describe('an expression policy', () => {
  const compile = () => (environment: Readonly<Record<string, unknown>>) => {
    const { actor, resource } = environment as { actor: Actor; resource: string }
    if (resource === 'boom') throw new Error('boom')
    return actor.meta['role'] === 'admin'
  }

  test('has no opinion when its expression fails', () => {
    const policies = new Policies()
    const data = { effect: 'deny', actions: '*', resources: '*', expression: 'actor.meta.role == "admin"' }
    policies.set('app:p', decodeExpressionPolicy(entry(data), compile), 'disk')
    const judge = (actor: Actor, resource: string): string =>
      policies.require('app:p').judge({ actor, action: 'read', resource, attributes: {} })
    expect(judge(ann, 'x')).toBe('deny')
    expect(judge({ id: 'bob', meta: {} }, 'x')).toBe('undefined')
    expect(judge(ann, 'boom')).toBe('undefined')
  })
})

describe('a group', () => {
  const setUp = (): Policies => {
    const policies = new Policies()
    policies.set(
      'app:read',
      decodePolicy(entry(policy('allow', 'read', '*'), ['readers', 'other:all'], 'app:read')),
      'disk',
    )
    policies.set('app:no', decodePolicy(entry(policy('deny', '*', 'secret*'), ['readers'], 'app:no')), 'disk')
    return policies
  }

  test('is named by its full id; a bare name belongs to the namespace of the policy', () => {
    const policies = setUp()
    expect(
      policies
        .group('app:readers')
        .policies()
        .map(({ id }) => id),
    ).toEqual(['app:no', 'app:read'])
    expect(
      policies
        .group('other:all')
        .policies()
        .map(({ id }) => id),
    ).toEqual(['app:read'])
    expect(() => policies.group('readers')).toThrow('policy group not found')
  })

  test('ends with its last policy', () => {
    const policies = setUp()
    policies.delete('app:read')
    expect(policies.hasGroup('other:all')).toBe(false)
    expect(policies.hasGroup('app:readers')).toBe(true)
  })

  test('decides: any deny, else any allow, else no opinion', () => {
    const scope = setUp().group('app:readers')
    expect(scope.evaluate(ann, 'read', 'doc')).toBe('allow')
    expect(scope.evaluate(ann, 'read', 'secret:1')).toBe('deny')
    expect(scope.evaluate(ann, 'write', 'doc')).toBe('undefined')
  })

  test('changes for those who hold it already', () => {
    const policies = setUp()
    const scope = policies.group('app:readers')
    const custom = policies.scopeOf([policies.require('app:read')])
    expect(custom.evaluate(ann, 'read', 'doc')).toBe('allow')
    policies.set('app:read', decodePolicy(entry(policy('deny', 'read', '*'), ['readers'], 'app:read')), 'disk')
    expect(scope.evaluate(ann, 'read', 'doc')).toBe('deny')
    expect(custom.evaluate(ann, 'read', 'doc')).toBe('deny')
    policies.delete('app:read')
    expect(scope.evaluate(ann, 'read', 'doc')).toBe('undefined')
    expect(custom.evaluate(ann, 'read', 'doc')).toBe('undefined')
    policies.set('app:late', decodePolicy(entry(policy('allow', 'write', '*'), ['readers'], 'app:late')), 'disk')
    expect(scope.evaluate(ann, 'write', 'doc')).toBe('allow')
  })
})

describe('a scope', () => {
  test('never changes: with and without make new ones', () => {
    const policies = new Policies()
    for (const name of ['a', 'b']) {
      policies.set(`app:${name}`, decodePolicy(entry(policy('allow', name, '*'), ['g'], `app:${name}`)), 'disk')
    }
    const empty = policies.scopeOf([])
    const withA = empty.with(policies.require('app:a'))
    expect(empty.policies()).toHaveLength(0)
    expect(empty.evaluate(ann, 'a', 'x')).toBe('undefined')
    expect(withA.evaluate(ann, 'a', 'x')).toBe('allow')
    const group = policies.group('app:g').without('app:a')
    expect(group.contains('app:a')).toBe(false)
    expect(group.contains('app:b')).toBe(true)
    expect(group.with(policies.require('app:a')).contains('app:a')).toBe(true)
  })

  test('answers as its policies do, one by one', () => {
    const effects = fc.constantFrom('allow', 'deny')
    const patterns = fc.constantFrom('*', 'a', 'a*', 'b.*', 'b')
    const rules = fc.array(fc.tuple(effects, patterns, patterns), { maxLength: 6 })
    fc.assert(
      fc.property(
        rules,
        fc.constantFrom('a', 'ab', 'b', 'c'),
        fc.constantFrom('a', 'bb', 'c'),
        (list, action, resource) => {
          const policies = new Policies()
          list.forEach(([effect, actions, resources], i) => {
            policies.set(`x:${i}`, decodePolicy(entry(policy(effect, actions, resources), ['g'], `x:${i}`)), 'disk')
          })
          const all = list.map((_, i) => policies.require(`x:${i}`))
          const request = { actor: ann, action, resource, attributes: {} }
          const opinions = all.map((one) => one.judge(request))
          const wanted = opinions.includes('deny') ? 'deny' : opinions.includes('allow') ? 'allow' : 'undefined'
          expect(policies.scopeOf(all).evaluate(ann, action, resource)).toBe(wanted)
        },
      ),
    )
  })
})

test('a service gets the groups and policies that are there, and no scope when none is', () => {
  const policies = new Policies()
  policies.set('app:p', decodePolicy(entry(policy('allow', '*', '*'), ['g'])), 'disk')
  expect(policies.scope(['app:g', 'app:none'], ['app:nope'])?.policies()).toHaveLength(1)
  expect(policies.scope(['app:none'], ['app:nope'])).toBeUndefined()
})
