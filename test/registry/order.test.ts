// The order in which a changeset is carried out.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Operation } from '../../runtime/registry/changeset.ts'
import { declaredNeeds, orderOperations } from '../../runtime/registry/order.ts'
import { entry } from './kit.ts'

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `x:${name}`)

function operation(id: string, gone: boolean): Operation {
  const held = { entry: entry(id), origin: 'disk' as const }
  return gone ? { id, before: held, after: undefined } : { id, before: undefined, after: held }
}

test('every entry names what it needs in the same places', () => {
  const needs = declaredNeeds({
    id: 'app:x',
    kind: 'k',
    meta: { parent: 'p', depends_on: ['app:d', 'o:d'], groups: 'g', other: 'no:no' },
    data: {
      config: 'c:c',
      groups: ['mine', 5],
      imports: { json: 'json', lib: 'app:lib' },
      lifecycle: { depends_on: ['l'], requires: ['no'] },
      source: 'no:no',
    },
  })
  expect(needs.sort()).toEqual(['app:d', 'app:g', 'app:l', 'app:lib', 'app:mine', 'app:p', 'c:c', 'o:d'].sort())
  expect(declaredNeeds({ id: 'app:x', kind: 'k', meta: {}, data: 'text' })).toEqual([])
})

describe('without cycles', () => {
  /** Each may need those before it in a random order. */
  const graphs = fc.tuple(
    fc.shuffledSubarray(ids, { minLength: ids.length, maxLength: ids.length }),
    fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 20 }),
    fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  )

  test('deletions come first, dependants before what they need, and the rest the other way round', () => {
    fc.assert(
      fc.property(graphs, ([order, edges, gone]) => {
        const needs = new Map<string, string[]>(order.map((id) => [id, []]))
        for (const [a, b] of edges) {
          const [low, high] = [Math.min(a, b), Math.max(a, b)]
          if (low !== high) needs.get(order[high] ?? '')?.push(order[low] ?? '')
        }
        const operations = order.map((id, i) => operation(id, gone[i] === true))
        const sorted = orderOperations(operations, ({ id }) => needs.get(id) ?? [])
        expect(sorted.map(({ id }) => id).sort()).toEqual([...ids].sort())
        const at = new Map(sorted.map(({ id }, i) => [id, i]))
        const isGone = new Map(sorted.map(({ id, after }) => [id, after === undefined]))
        const firstRest = sorted.findIndex(({ after }) => after !== undefined)
        if (firstRest >= 0) expect(sorted.slice(firstRest).every(({ after }) => after !== undefined)).toBe(true)
        for (const [id, list] of needs) {
          for (const needed of list) {
            if (isGone.get(id) !== isGone.get(needed)) continue
            const [own, other] = [at.get(id) ?? 0, at.get(needed) ?? 0]
            if (isGone.get(id)) expect(own).toBeLessThan(other)
            else expect(other).toBeLessThan(own)
          }
        }
        // The same whatever order they were given in.
        const again = orderOperations([...operations].reverse(), ({ id }) => needs.get(id) ?? [])
        expect(again).toEqual(sorted)
      }),
    )
  })
})

test('a cycle is broken at its smallest id, and nothing is lost', () => {
  const needs: Record<string, string[]> = { 'x:b': ['x:c'], 'x:c': ['x:b'], 'x:a': ['x:c'], 'x:d': ['x:d'] }
  const operations = ['x:d', 'x:c', 'x:b', 'x:a'].map((id) => operation(id, false))
  const sorted = orderOperations(operations, ({ id }) => needs[id] ?? [])
  expect(sorted.map(({ id }) => id)).toEqual(['x:d', 'x:a', 'x:b', 'x:c'])
})

test('entries with placeholders wait for the variables of the same changeset', () => {
  const variable = { entry: entry('z:v', {}, {}, 'env.variable'), origin: 'disk' as const }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder
  const user = { entry: entry('a:u', { deep: ['${env:V}'] }), origin: 'disk' as const }
  const operations = [user, variable].map((after) => ({ id: after.entry.id, before: undefined, after }))
  expect(orderOperations(operations, () => []).map(({ id }) => id)).toEqual(['z:v', 'a:u'])
})

test('a thousand entries are ordered in a moment', () => {
  const many = Array.from({ length: 1000 }, (_, i) => operation(`x:${i}`, false))
  const started = performance.now()
  const sorted = orderOperations(many, ({ id }) => [`x:${(Number(id.slice(2)) * 7 + 1) % 1000}`, 'x:0'])
  expect(sorted).toHaveLength(1000)
  expect(performance.now() - started).toBeLessThan(200)
})
