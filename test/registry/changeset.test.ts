// Operations as values: planning, undoing, squashing, and the difference of states.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  advance,
  type Change,
  difference,
  type Held,
  invert,
  type Operation,
  operationKind,
  plan,
  type State,
  squash,
} from '../../runtime/registry/changeset.ts'
import { entry } from './kit.ts'

const held = (id: string, n: number, kind = 'k'): Held => ({ entry: entry(id, { n }, {}, kind), origin: 'runtime' })
const ids = ['a:1', 'a:2', 'b:1']
const kinds = fc.constantFrom('k', 'l')
const heldOf = (id: string) => fc.tuple(fc.nat(3), kinds).map(([n, kind]) => held(id, n, kind))

const states: fc.Arbitrary<State> = fc
  .tuple(...ids.map((id) => fc.option(heldOf(id), { nil: undefined })))
  .map((all) => new Map(all.flatMap((one) => (one === undefined ? [] : [[one.entry.id, one] as const]))))

/** Operations that follow one another from a state: each starts where the one before ended. */
const histories = fc
  .tuple(states, fc.array(fc.tuple(fc.constantFrom(...ids), fc.boolean(), fc.nat(3), kinds), { maxLength: 12 }))
  .map(([start, steps]) => {
    const operations: Operation[] = []
    let state = start
    for (const [id, remove, n, kind] of steps) {
      const before = state.get(id)
      const after = remove ? undefined : held(id, n, kind)
      if (before === undefined && after === undefined) continue
      operations.push({ id, before, after })
      state = advance(state, operations.slice(-1))
    }
    return { start, operations, end: state }
  })

describe('for every history', () => {
  test('applying and then undoing changes nothing', () => {
    fc.assert(
      fc.property(histories, ({ start, operations, end }) => {
        expect(advance(end, invert(operations))).toEqual(start)
      }),
    )
  })

  test('the squash of the whole, and of any two parts, does what the sequence does', () => {
    fc.assert(
      fc.property(histories, fc.nat(12), ({ start, operations, end }, cut) => {
        expect(advance(start, squash(operations))).toEqual(end)
        const parts = [...squash(operations.slice(0, cut)), ...squash(operations.slice(cut))]
        expect(advance(start, squash(parts))).toEqual(end)
        expect(new Set(squash(operations).map(({ id }) => id)).size).toBe(squash(operations).length)
      }),
    )
  })

  test('undoing and squashing can be done in either order', () => {
    fc.assert(
      fc.property(histories, ({ operations, end, start }) => {
        expect(advance(end, squash(invert(operations)))).toEqual(start)
        expect(advance(end, invert(squash(operations)))).toEqual(start)
      }),
    )
  })
})

test('the difference of two states leads from one to the other, and is empty only between equals', () => {
  fc.assert(
    fc.property(states, states, (from, to) => {
      const operations = difference(from, to)
      expect(advance(from, operations)).toEqual(to)
      expect(difference(to, to)).toEqual([])
      if (operations.length === 0) expect(from).toEqual(to)
    }),
  )
})

describe('squashing two operations', () => {
  const x = held('a:x', 1)
  const y = held('a:x', 2)
  const other = held('a:x', 3, 'l')
  const of = (before: Held | undefined, after: Held | undefined): Operation => ({ id: 'a:x', before, after })
  test.each([
    ['C+U', of(undefined, x), of(x, y), 'entry.create', y],
    ['U+U', of(x, y), of(y, x), 'entry.update', x],
    ['U+D', of(x, y), of(y, undefined), 'entry.delete', undefined],
    ['D+C of the same kind', of(x, undefined), of(undefined, y), 'entry.update', y],
    ['D+C of another kind', of(x, undefined), of(undefined, other), 'entry.create', other],
    ['D+D', of(x, undefined), of(x, undefined), 'entry.delete', undefined],
  ])('%s', (_, first, second, kind, after) => {
    const [one, ...more] = squash([first, second])
    expect(more).toEqual([])
    expect(one?.after).toBe(after)
    expect(one && operationKind(one)).toBe(kind)
  })

  test('C+D comes to nothing', () => {
    expect(squash([of(undefined, x), of(x, undefined)])).toEqual([])
  })
})

test('a plan does what its changes say, in order, or names the first that cannot be', () => {
  const changes = fc.array(
    fc
      .tuple(fc.constantFrom<Change['op']>('create', 'update', 'delete'), fc.constantFrom(...ids), fc.nat(3))
      .map(([op, id, n]): Change => (op === 'delete' ? { op, id } : { op, entry: entry(id, { n }, {}, 'k') })),
    { maxLength: 8 },
  )
  fc.assert(
    fc.property(changes, (list) => {
      const state: State = new Map([['a:1', held('a:1', 9)]])
      const model = new Map<string, unknown>([['a:1', { n: 9 }]])
      let possible = true
      for (const change of list) {
        const id = change.op === 'delete' ? change.id : change.entry.id
        if ((change.op === 'create') === model.has(id)) {
          possible = false
          break
        }
        if (change.op === 'delete') model.delete(id)
        else model.set(id, change.entry.data)
      }
      const attempt = () => plan(state, list, { origin: 'runtime', mayChangeKind: false })
      if (!possible) return void expect(attempt).toThrow(/^(entry|cannot)/)
      const after = advance(state, attempt())
      expect(new Map([...after].map(([id, { entry }]) => [id, entry.data]))).toEqual(model)
    }),
  )
})
