// Requirements filled from dependencies, defaults and overrides.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import type { Value, ValueMap } from '../../runtime/core/value.ts'
import { link } from '../../runtime/loader/link.ts'

const entry = (id: string, kind: string, data: ValueMap = {}, meta: ValueMap = {}): Entry => ({ id, kind, meta, data })
const dependency = (id: string, component: string, parameters: Record<string, Value>): Entry =>
  entry(id, 'ns.dependency', {
    component,
    version: '*',
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
  })
const requirement = (id: string, targets: [string, string][], more: ValueMap = {}, meta: ValueMap = {}): Entry =>
  entry(id, 'ns.requirement', { ...more, targets: targets.map(([target, path]) => ({ entry: target, path })) }, meta)

const dataOf = (entries: readonly Entry[], id: string): Value | undefined => entries.find((e) => e.id === id)?.data

describe('values', () => {
  const service = entry('o.m:service', 'process.service', { host: 'placeholder' })

  test('a parameter of the dependency on the module is written to every target', () => {
    const { entries, unresolved } = link([
      dependency('app:dep', 'o/m', { host: 'app:processes', unknown: 'tolerated' }),
      requirement('o.m:host', [
        ['service', '.host'],
        ['app:other', 'meta.on'],
        ['service', 'data.deep.er'],
      ]),
      service,
      entry('app:other', 'k'),
    ])
    expect(unresolved).toEqual([])
    expect(dataOf(entries, 'o.m:service')).toEqual({ host: 'app:processes', deep: { er: 'app:processes' } })
    expect(entries.find(({ id }) => id === 'app:other')?.meta).toEqual({ on: 'app:processes' })
  })

  test.each<[string, string, ValueMap, boolean]>([
    ['host', 'o.m:host', {}, true],
    ['host', 'o.m.sub:host', {}, false],
    ['host', 'o.m.sub:host', { module: 'o/m' }, true],
    ['host', 'other:host', { module: 'o/m' }, true],
    ['host', 'other:host', { module: 'o/x' }, false],
    ['o.m.sub:host', 'o.m.sub:host', {}, true],
    ['o.m:host', 'o.m.sub:host', { module: 'o/m' }, true],
    ['o.m:host', 'o.m.sub:host', {}, false],
    ['x.y:host', 'o.m:host', { module: 'o/m' }, false],
  ])('parameter %s for %s (meta %j): %s', (name, id, meta, matches) => {
    const { entries } = link([
      dependency('app:dep', 'o/m', { [name]: 'given' }),
      requirement(id, [['app:target', 'x']], { default: 'fallback' }, meta),
      entry('app:target', 'k'),
    ])
    expect(dataOf(entries, 'app:target')).toEqual({ x: matches ? 'given' : 'fallback' })
  })

  test('values are text, however YAML read them', () => {
    const { entries } = link([
      dependency('app:dep', 'o/m', { a: 8080, b: true, c: 1.5, d: 2n ** 60n }),
      ...['a', 'b', 'c', 'd'].map((name) => requirement(`o.m:${name}`, [['app:t', name]])),
      entry('app:t', 'k'),
    ])
    expect(dataOf(entries, 'app:t')).toEqual({ a: '8080', b: 'true', c: '1.5', d: '1152921504606846976' })
  })

  test('an empty default is a value, no default is none', () => {
    const { entries, unresolved } = link([
      requirement('o.m:empty', [['t', 'x']], { default: '' }),
      requirement('o.m:none', [['t', 'y']]),
      entry('o.m:t', 'k', { y: 'stays' }),
    ])
    expect(dataOf(entries, 'o.m:t')).toEqual({ x: '', y: 'stays' })
    expect(unresolved).toEqual([
      {
        requirement: 'o.m:none',
        message: 'no parameter gives it a value and it has no default',
        hint: 'add {name: none, value: ...} to the parameters of the ns.dependency on o/m',
      },
    ])
  })

  test('dependencies that disagree resolve nothing, those that agree do', () => {
    const base = [requirement('o.m:host', [['service', '.host']], { default: 'd' }), service]
    const one = dependency('app:one', 'o/m', { host: 'a' })
    expect(dataOf(link([...base, one, dependency('app:two', 'o/m', { host: 'a' })]).entries, service.id)).toEqual({
      host: 'a',
    })
    const { entries, unresolved } = link([...base, one, dependency('app:two', 'o/m', { host: 'b' })])
    expect(dataOf(entries, service.id)).toEqual({ host: 'placeholder' })
    expect(unresolved[0]?.message).toBe(
      'parameter conflict: multiple dependencies define different values: app:one="a", app:two="b"',
    )
  })
})

describe('targets', () => {
  test('+= adds to a list, which is made when absent', () => {
    const { entries, unresolved } = link([
      requirement(
        'o.m:router',
        [
          ['t', '.meta.router +='],
          ['t', 'list+='],
          ['t', 'text +='],
        ],
        { default: 'v' },
      ),
      entry('o.m:t', 'k', { list: ['u'], text: 'no list' }),
    ])
    expect(entries.at(-1)).toMatchObject({ meta: { router: ['v'] }, data: { list: ['u', 'v'], text: 'no list' } })
    expect(unresolved).toEqual([
      { requirement: 'o.m:router', message: 'target o.m:t: entry o.m:t: data.text is not a list' },
    ])
  })

  test('a missing target is told and the others are written', () => {
    const { entries, unresolved } = link([
      requirement(
        'o.m:r',
        [
          ['gone', 'x'],
          ['t', 'x'],
          ['t', 'x.y'],
        ],
        { default: 'v' },
      ),
      entry('o.m:t', 'k'),
    ])
    expect(dataOf(entries, 'o.m:t')).toEqual({ x: 'v' })
    expect(unresolved.map(({ message }) => message)).toEqual([
      'target o.m:gone: no matching entries found',
      'target o.m:t: entry o.m:t: data.x is not a map, cannot set data.x.y',
    ])
  })

  test('a requirement may be its own target', () => {
    const { entries } = link([
      dependency('app:dep', 'o/m', { target_db: 'app:db' }),
      requirement('o.m:target_db', [['target_db', '.default']]),
    ])
    expect(dataOf(entries, 'o.m:target_db')).toMatchObject({ default: 'app:db' })
  })

  test('without targets there is nothing to do, which is told', () => {
    expect(link([entry('o.m:r', 'ns.requirement', { default: 'x' })]).unresolved[0]?.message).toBe(
      'invalid requirement o.m:r: no targets defined in requirement definition',
    )
  })
})

describe('properties', () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const path = fc.array(fc.constantFrom('data', 'meta', 'x', 'y', '0', '__proto__'), { minLength: 1, maxLength: 4 })
  const anyRequirement = fc
    .record({
      ns: fc.constantFrom('o.m', 'o.n'),
      name,
      target: name,
      path,
      append: fc.boolean(),
      fallback: fc.option(fc.string()),
    })
    .map((r) =>
      requirement(
        `${r.ns}:need_${r.name}`,
        [[`t:${r.target}`, `.${r.path.join('.')}${r.append ? ' +=' : ''}`]],
        r.fallback === null ? {} : { default: r.fallback },
      ),
    )
  const anyDependency = fc
    .tuple(name, fc.constantFrom('o/m', 'o/n'), name, fc.string())
    .map(([id, component, parameter, value]) => dependency(`app:${id}`, component, { [`need_${parameter}`]: value }))
  const world = fc
    .tuple(fc.array(anyRequirement), fc.array(anyDependency))
    .map(([requirements, dependencies]) => [
      ...dependencies,
      ...requirements,
      ...['a', 'b', 'c'].map((target) => entry(`t:${target}`, 'k', { x: { y: ['z'] } })),
    ])

  test('linking never throws, never changes its input, keeps every entry and pollutes no prototype', () => {
    fc.assert(
      fc.property(world, (entries) => {
        const before = JSON.stringify(entries)
        const linked = link(entries)
        expect(JSON.stringify(entries)).toBe(before)
        expect(linked.entries.map(({ id, kind }) => [id, kind])).toEqual(entries.map(({ id, kind }) => [id, kind]))
        expect(({} as Record<string, unknown>)['x']).toBe(undefined)
      }),
      { numRuns: 500 },
    )
  })

  test('linking twice what was linked without lists is linking once', () => {
    fc.assert(
      fc.property(world, (entries) => {
        const sets = entries.filter(({ data }) => !JSON.stringify(data).includes('+='))
        // A requirement that wrote to itself may find another value the second time: targets here are others.
        const once = link(sets).entries
        expect(link(once).entries).toEqual(once)
      }),
      { numRuns: 500 },
    )
  })
})
