// What a reload changes, given what the files said before and say now.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { diffStates, isEmpty, type LoadedState, settle } from '../../runtime/loader/diff.ts'

const entry = (id: string, v: number, kind = 'k'): Entry => ({ id, kind, meta: {}, data: { v } })

function state(entries: readonly Entry[], broken: readonly string[] = []): LoadedState {
  return {
    entries,
    origins: new Map(entries.map(({ id }) => [id, 'disk'])),
    files: new Map(entries.map(({ id }) => [id, { file: `${id.split(':')[0]}.yaml` }])),
    broken: new Set(broken),
  }
}

test('created, changed and deleted entries are told apart, another kind is a change', () => {
  const before = state([entry('a:same', 1), entry('a:changed', 1), entry('a:gone', 1), entry('a:kind', 1)])
  const after = state([entry('a:same', 1), entry('a:changed', 2), entry('a:new', 1), entry('a:kind', 1, 'other')])
  expect(diffStates(before, after)).toEqual({
    create: [entry('a:new', 1)],
    update: [entry('a:changed', 2), entry('a:kind', 1, 'other')],
    delete: ['a:gone'],
  })
})

test('an entry that moves from the app to a module is a change', () => {
  const after = state([entry('a:x', 1)])
  const moved: LoadedState = { ...after, origins: new Map([['a:x', 'component']]) }
  expect(diffStates(after, moved).update).toHaveLength(1)
})

test('what a broken file defined is not deleted', () => {
  const before = state([entry('a:x', 1), entry('b:y', 1)])
  expect(diffStates(before, state([], ['a.yaml'])).delete).toEqual(['b:y'])
})

const entries = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y', 'z'), fc.nat(2)), {
    selector: ([ns, name]) => `${ns}:${name}`,
  })
  .map((items) => items.map(([ns, name, v]) => entry(`${ns}:${name}`, v)))
const broken = fc.subarray(['a.yaml', 'b.yaml', 'c.yaml'])

test('when everything lands the state is the next one, and there is nothing left to do', () => {
  fc.assert(
    fc.property(entries, entries, broken, (old, now, faulty) => {
      const before = state(old)
      const next = state(now, faulty)
      const changes = diffStates(before, next)
      const all = new Set([...changes.create, ...changes.update].map(({ id }) => id).concat(changes.delete))
      expect(isEmpty(diffStates(settle(before, next, all), next))).toBe(true)
    }),
  )
})

test('whatever lands, what did not is what a later comparison finds', () => {
  fc.assert(
    fc.property(entries, entries, fc.array(fc.nat(20)), (old, now, picks) => {
      const before = state(old)
      const next = state(now)
      const changes = diffStates(before, next)
      const all = [...changes.create, ...changes.update].map(({ id }) => id).concat(changes.delete)
      const landed = new Set(all.filter((_, index) => picks.includes(index)))
      const left = diffStates(settle(before, next, landed), next)
      const missing = [...left.create, ...left.update].map(({ id }) => id).concat(left.delete)
      expect(missing.toSorted()).toEqual(all.filter((id) => !landed.has(id)).toSorted())
    }),
  )
})
