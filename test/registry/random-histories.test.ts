// Whatever is applied, refused, reloaded and rolled back, in whatever order: the registry, what is open, every version that
// can be looked at and every version that is gone to agree with a model that is a list of maps.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Change } from '../../runtime/registry/changeset.ts'
import { entry, registryOf, sources, world } from './kit.ts'

const ids = ['a:1', 'a:2', 'b:1', 'b:2']

const datas = fc.oneof(
  { weight: 6, arbitrary: fc.record({ n: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ bad: true }) },
  { weight: 1, arbitrary: fc.constantFrom(...ids).map((wants) => ({ wants })) },
)
const kinds = fc.constantFrom('test.thing', 'test.living', 'registry.entry')

const changes = fc.array(
  fc
    .tuple(fc.constantFrom<Change['op']>('create', 'update', 'delete'), fc.constantFrom(...ids), datas, kinds)
    .map(([op, id, data, kind]): Change => (op === 'delete' ? { op, id } : { op, entry: entry(id, data, {}, kind) })),
  { minLength: 1, maxLength: 4 },
)

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('apply' as const), changes }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('go' as const), to: fc.nat(8) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const), changes }) },
  ),
  { maxLength: 14 },
)

type Model = Map<string, { kind: string; data: unknown }>

test('the registry, the open entries and every version agree with the model', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const w = world()
      const registry = registryOf({ world: w })
      await registry.boot(sources([entry('a:1', { n: 0 })]))
      const seen = (): Model => new Map(registry.all().map(({ id, kind, data }) => [id, { kind, data }]))
      const versions = new Map<number, Model>([[0, seen()]])
      let current = 0

      for (const step of list) {
        const before = seen()
        if (step.do === 'apply') {
          const version = await registry.apply(step.changes, { origin: 'runtime' }).catch(() => undefined)
          if (version === undefined) expect(seen()).toEqual(before)
          else if (version.id !== current) {
            expect(version.parent).toBe(current)
            expect(version.id).toBe(Math.max(...versions.keys()) + 1)
            expect(seen()).toEqual(modelOf(before, step.changes))
            current = version.id
            versions.set(current, seen())
          }
        } else if (step.do === 'go') {
          const gone = await registry.applyVersion(step.to).catch(() => undefined)
          if (gone === undefined) expect(seen()).toEqual(before)
          else {
            current = step.to
            expect(seen()).toEqual(versions.get(step.to))
          }
        } else {
          const entries = step.changes.flatMap((change) => (change.op === 'delete' ? [] : [change.entry]))
          const gone = step.changes.flatMap((change) => (change.op === 'delete' ? [change.id] : []))
          const { version, changed } = await registry.reload({ create: entries, update: [], delete: gone }, new Map())
          for (const [id, one] of before) if (!changed.includes(id)) expect(seen().get(id)).toEqual(one)
          if (version !== undefined) {
            current = version.id
            versions.set(current, seen())
          }
        }
        expect(registry.version.id).toBe(current)
        const living = [...seen()].filter(([, { kind }]) => kind !== 'registry.entry')
        expect(new Map(w.open)).toEqual(new Map(living.map(([id, { data }]) => [id, data])))
        for (const [id, model] of versions) {
          const then = registry.snapshotAt(id).entries()
          expect(new Map(then.map((one) => [one.id, { kind: one.kind, data: one.data }]))).toEqual(model)
        }
      }
    }),
    { numRuns: 200 },
  )
})

function modelOf(before: Model, list: readonly Change[]): Model {
  const after = new Map(before)
  for (const change of list) {
    if (change.op === 'delete') after.delete(change.id)
    else after.set(change.entry.id, { kind: change.entry.kind, data: change.entry.data })
  }
  return after
}
