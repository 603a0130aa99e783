// The registry with kinds of the test: what lands, in which order, and what is undone.

import { describe, expect, test } from 'vitest'
import { manualClock } from '../../runtime/core/clock.ts'
import { RuntimeError } from '../../runtime/core/error.ts'
import type { Participant } from '../../runtime/registry/kind.ts'
import { entry, registryOf, sources, world } from './kit.ts'

async function refusal(promise: Promise<unknown>): Promise<RuntimeError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof RuntimeError)) throw new Error(`expected a refusal, got ${String(error)}`)
  return error
}

describe('a changeset', () => {
  test('makes a version whose entries can be read', async () => {
    const registry = registryOf()
    const version = await registry.apply([{ op: 'create', entry: entry('app:a', { n: 1 }, { type: 'x' }) }])
    expect(version).toMatchObject({ id: 1, parent: 0, origin: 'host' })
    expect(registry.get('app:a')).toMatchObject({
      id: 'app:a',
      kind: 'test.thing',
      data: { n: 1 },
      meta: { type: 'x' },
    })
    expect(registry.origin('app:a')).toBe('host')
    expect(registry.version.id).toBe(1)
  })

  test('lands whole or not at all', async () => {
    const w = world()
    const registry = registryOf({ world: w })
    await registry.apply([
      { op: 'create', entry: entry('app:a', { n: 1 }) },
      { op: 'create', entry: entry('app:l', { n: 1 }, {}, 'test.living') },
    ])
    const error = await refusal(
      registry.apply([
        { op: 'update', entry: entry('app:a', { n: 2 }) },
        { op: 'update', entry: entry('app:l', { n: 2 }, {}, 'test.living') },
        { op: 'create', entry: entry('app:z', { bad: true }) },
      ]),
    )
    expect(error).toMatchObject({ kind: 'Invalid', text: 'operation failed for entry app:z: bad thing' })
    expect(registry.version.id).toBe(1)
    expect(registry.get('app:a')?.data).toEqual({ n: 1 })
    expect(w.open.get('app:a')).toEqual({ n: 1 })
    expect(w.open.get('app:l')).toEqual({ n: 1 })
    expect(w.open.has('app:z')).toBe(false)
  })

  test('says what it cannot do', async () => {
    const registry = registryOf()
    await registry.apply([{ op: 'create', entry: entry('app:a') }])
    const of = async (change: Parameters<typeof registry.apply>[0]): Promise<[string, string]> => {
      const { kind, text } = await refusal(registry.apply(change))
      return [kind, text]
    }
    expect(await of([])).toEqual(['Invalid', 'no changes to apply'])
    expect(await of([{ op: 'create', entry: entry('app:a') }])).toEqual([
      'Conflict',
      'invalid operation: entry already exists: {ns: app, name: a}',
    ])
    expect(await of([{ op: 'update', entry: entry('app:b') }])).toEqual([
      'NotFound',
      'invalid operation: entry does not exist: {ns: app, name: b}',
    ])
    expect(await of([{ op: 'delete', id: 'app:b' }])).toEqual([
      'NotFound',
      'invalid operation: cannot delete non-existent entry: {ns: app, name: b}',
    ])
    expect(await of([{ op: 'update', entry: entry('app:a', {}, {}, 'test.living') }])).toEqual([
      'Invalid',
      'invalid operation: cannot change entry kind from test.thing to test.living for {ns: app, name: a}',
    ])
    expect(await of([{ op: 'create', entry: entry('app:u', {}, {}, 'no.such') }])).toEqual([
      'Timeout',
      'event handler timeout after 30s for entry app:u (kind: no.such): no listener responded - check if listener is registered for this kind',
    ])
  })

  test('of an unknown kind is refused with the kind that was probably meant', async () => {
    const { text } = await refusal(registryOf().apply([{ op: 'create', entry: entry('app:u', {}, {}, 'test.thign') }]))
    expect(text).toMatch(/no listener responded .* for this kind; did you mean "test\.thing"\?$/)
  })

  test('replaces an entry deleted and created in one go, also by one of another kind', async () => {
    const w = world()
    const registry = registryOf({ world: w })
    await registry.apply([{ op: 'create', entry: entry('app:a', { n: 1 }) }])
    await registry.apply([
      { op: 'delete', id: 'app:a' },
      { op: 'create', entry: entry('app:a', { n: 2 }, {}, 'test.living') },
    ])
    expect(registry.get('app:a')?.kind).toBe('test.living')
    expect(w.steps).toEqual(['open app:a', 'close app:a', 'open app:a'])
  })

  test('that comes to nothing makes no version', async () => {
    const registry = registryOf()
    const version = await registry.apply([
      { op: 'create', entry: entry('app:a') },
      { op: 'delete', id: 'app:a' },
    ])
    expect(version.id).toBe(0)
  })

  test('opens what is needed first and closes dependants first', async () => {
    const w = world()
    const registry = registryOf({ world: w })
    await registry.apply([
      { op: 'create', entry: entry('app:a', { imports: { b: 'app:b' } }) },
      { op: 'create', entry: entry('app:b', { after: 'app:c' }) },
      { op: 'create', entry: entry('app:c', {}, { depends_on: ['d'] }) },
      { op: 'create', entry: entry('app:d') },
    ])
    expect(w.steps).toEqual(['open app:d', 'open app:c', 'open app:b', 'open app:a'])
    w.steps.length = 0
    await registry.apply(['a', 'b', 'c', 'd'].map((name) => ({ op: 'delete', id: `app:${name}` })))
    expect(w.steps).toEqual(['close app:a', 'close app:b', 'close app:c', 'close app:d'])
  })

  test('lets an entry wait for what it misses', async () => {
    const w = world()
    const registry = registryOf({ world: w })
    await registry.apply([
      { op: 'create', entry: entry('app:a', { wants: 'app:b' }) },
      { op: 'create', entry: entry('app:b', { wants: 'app:c' }) },
      { op: 'create', entry: entry('app:c') },
    ])
    expect(w.steps).toEqual(['open app:c', 'open app:b', 'open app:a'])
  })

  test('is refused when it misses something for good', async () => {
    const w = world()
    const registry = registryOf({ world: w })
    const error = await refusal(
      registry.apply([
        { op: 'create', entry: entry('app:b', { wants: 'app:a' }) },
        { op: 'create', entry: entry('app:a', { wants: 'app:b' }) },
        { op: 'create', entry: entry('app:c') },
      ]),
    )
    expect(error).toMatchObject({
      kind: 'NotFound',
      text: expect.stringContaining('unresolved dependencies after retry: app:a,app:b ('),
    })
    expect(error.details).toMatchObject({ reasons: { 'app:a': 'no app:b' } })
    expect(w.open.size).toBe(0)
  })

  test('applied on a version that is no longer the current one is a conflict', async () => {
    const registry = registryOf()
    await registry.apply([{ op: 'create', entry: entry('app:a') }], { expected: 0 })
    const error = await refusal(registry.apply([{ op: 'create', entry: entry('app:b') }], { expected: 0 }))
    expect(error.kind).toBe('Conflict')
    expect(error.text).toBe('registry is at version 1, not at the expected version 0')
    expect(registry.get('app:b')).toBeUndefined()
  })

  test('waits for the one before, whether that landed or not', async () => {
    const registry = registryOf()
    const settled = await Promise.allSettled([
      registry.apply([{ op: 'create', entry: entry('app:a', { bad: true }) }]),
      registry.apply([{ op: 'create', entry: entry('app:a', { n: 1 }) }]),
      registry.apply([{ op: 'update', entry: entry('app:a', { n: 2 }) }]),
    ])
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(registry.version.id).toBe(2)
    expect(registry.get('app:a')?.data).toEqual({ n: 2 })
  })

  test('keeps nothing that the caller can still change', async () => {
    const registry = registryOf()
    const mine = entry('app:a', { list: [1] })
    await registry.apply([{ op: 'create', entry: mine }])
    ;(mine.data as { list: number[] }).list.push(2)
    expect(registry.get('app:a')?.data).toEqual({ list: [1] })
  })

  test('a kind that never answers is given up after 30 seconds', async () => {
    const w = world()
    const clock = manualClock()
    let arrive = (): void => undefined
    let closed = false
    w.kinds.set('test.slow', {
      kind: 'test.slow',
      decode: () => undefined,
      open: () =>
        new Promise((resolve) => {
          arrive = () => resolve({ close: () => (closed = true) as unknown as undefined })
          setImmediate(() => clock.advance(30_000))
        }),
    })
    const registry = registryOf({ world: w, clock })
    const error = await refusal(registry.apply([{ op: 'create', entry: entry('app:a', {}, {}, 'test.slow') }]))
    expect(error).toMatchObject({ kind: 'Timeout', retryable: true })
    arrive()
    await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toBe(true)
  })

  test('made at run time may not use an id that passes for another', async () => {
    const registry = registryOf()
    const create = (id: string): Promise<unknown> =>
      registry.apply([{ op: 'create', entry: entry(id) }], { origin: 'runtime' })
    for (const id of [
      ':a',
      'app:',
      'a',
      'app::a',
      'app:a:b',
      'аpp:a',
      'app :a',
      'app:a\0',
      'app:../a',
      'app..x:a',
      'app:a..b',
      '',
    ]) {
      expect(await refusal(create(id))).toMatchObject({ kind: 'Invalid', message: expect.stringContaining('entry id') })
    }
    await create('app.tools:clock_1.v-2')
    expect(registry.all().map(({ id }) => id)).toEqual(['app.tools:clock_1.v-2'])
  })
})

describe('participants', () => {
  const recorder = (name: string, log: string[], fails = false): Participant => ({
    begin: () => void log.push(`${name} begin`),
    commit(changed) {
      log.push(`${name} commit ${changed.join(',')}`)
      if (fails) throw new RuntimeError('Invalid', 'will not')
    },
    discard: () => void log.push(`${name} discard`),
  })

  test('see the whole changeset, once', async () => {
    const log: string[] = []
    const registry = registryOf({ participants: [recorder('p', log), recorder('q', log)] })
    await registry.apply([
      { op: 'create', entry: entry('app:b') },
      { op: 'create', entry: entry('app:a') },
    ])
    expect(log).toEqual(['p begin', 'q begin', 'p commit app:a,app:b', 'q commit app:a,app:b'])
  })

  test('can refuse at the end, and everything is undone', async () => {
    const log: string[] = []
    const w = world()
    const registry = registryOf({ world: w, participants: [recorder('p', log), recorder('q', log, true)] })
    const error = await refusal(registry.apply([{ op: 'create', entry: entry('app:a') }]))
    expect(error.text).toBe('will not')
    expect(log.slice(-2)).toEqual(['p discard', 'q discard'])
    expect(w.open.size).toBe(0)
    expect(registry.get('app:a')).toBeUndefined()
    expect(registry.versions()).toHaveLength(1)
  })
})

describe('events', () => {
  test('tell of every changeset and entry, not of entries that are only state', async () => {
    const seen: string[] = []
    const publish = (system: string, kind: string, path: string): void => void seen.push(`${system} ${kind} ${path}`)
    const registry = registryOf({ publish })
    const changed: string[][] = []
    registry.listen((ids) => void changed.push([...ids]))
    await registry.apply([
      { op: 'create', entry: entry('app:a') },
      { op: 'create', entry: entry('app:s', {}, {}, 'registry.entry') },
    ])
    expect(seen).toEqual([
      'registry registry.begin registry.tx/1/registry.begin',
      'registry entry.create app:a',
      'registry entry.accept app:a',
      'registry registry.commit registry.tx/1/registry.commit',
    ])
    seen.length = 0
    await refusal(registry.apply([{ op: 'update', entry: entry('app:a', { bad: true }) }]))
    expect(seen.at(-1)).toBe('registry registry.discard registry.tx/2/registry.discard')
    expect(changed).toEqual([['app:a', 'app:s']])
  })
})

describe('versions', () => {
  test('can be gone back to and forward again, and the counter never goes back', async () => {
    const w = world()
    const registry = registryOf({ world: w })
    await registry.boot(sources([entry('app:base', { n: 0 })]))
    await registry.apply([{ op: 'create', entry: entry('app:a', { n: 1 }) }])
    await registry.apply([
      { op: 'update', entry: entry('app:a', { n: 2 }) },
      { op: 'delete', id: 'app:base' },
    ])
    await registry.applyVersion(0)
    expect(registry.all().map(({ id }) => id)).toEqual(['app:base'])
    expect([...w.open.keys()]).toEqual(['app:base'])
    await registry.applyVersion(2)
    expect(registry.get('app:a')?.data).toEqual({ n: 2 })
    expect(registry.get('app:base')).toBeUndefined()
    await registry.applyVersion(1)
    const version = await registry.apply([{ op: 'create', entry: entry('app:b') }])
    expect(version).toMatchObject({ id: 3, parent: 1 })
    expect(registry.versions().map(({ id }) => id)).toEqual([0, 1, 2, 3])
    expect(
      registry
        .snapshotAt(0)
        .entries()
        .map(({ id }) => id),
    ).toEqual(['app:base'])
    expect(
      registry
        .snapshotAt(2)
        .entries()
        .map(({ id }) => id),
    ).toEqual(['app:a'])
    expect(
      registry
        .snapshotAt(3)
        .entries()
        .map(({ id }) => id),
    ).toEqual(['app:a', 'app:b', 'app:base'])
  })

  test('that do not exist cannot be gone to; the current one is no change', async () => {
    const registry = registryOf()
    expect(await refusal(registry.applyVersion(7))).toMatchObject({
      kind: 'NotFound',
      text: 'version not found in history',
    })
    expect(await registry.applyVersion(0)).toMatchObject({ changed: [] })
    expect(() => registry.snapshotAt(7)).toThrow('version not found')
  })

  test('a rollback that a kind refuses changes nothing', async () => {
    const w = world()
    const registry = registryOf({ world: w })
    await registry.apply([{ op: 'create', entry: entry('app:a', { stays: true }) }])
    await registry.apply([{ op: 'create', entry: entry('app:b') }])
    await refusal(registry.applyVersion(0))
    expect(registry.version.id).toBe(2)
    expect([...w.open.keys()].sort()).toEqual(['app:a', 'app:b'])
  })
})

describe('boot', () => {
  test('leaves out what its kind rejects, and what needs that, and tells', async () => {
    const w = world()
    const registry = registryOf({ world: w })
    const problems = await registry.boot(
      sources([
        entry('app:bad', { undecodable: true }),
        entry('app:child', { imports: { bad: 'app:bad' } }),
        entry('app:alien', {}, {}, 'no.such'),
        entry('app:lost', { wants: 'app:nowhere' }),
        entry('app:good'),
      ]),
    )
    expect(registry.all().map(({ id }) => id)).toEqual(['app:good'])
    expect(problems.map(({ message }) => message).sort()).toEqual([
      'entry app:alien was left out: event handler timeout after 30s for entry app:alien (kind: no.such): no listener responded - check if listener is registered for this kind',
      'entry app:bad was left out: entry app:bad: no sense',
      'entry app:child was left out: needs app:bad, which was rejected',
      'entry app:lost was left out: no app:nowhere',
    ])
    expect(registry.version.id).toBe(0)
    expect(registry.origin('app:good')).toBe('disk')
  })

  test('comes up without what a refusal of the whole is about, even if that names nobody', async () => {
    const w = world()
    const participant: Participant = {
      commit() {
        if (w.open.has('app:7')) throw new RuntimeError('Invalid', 'something is wrong')
      },
    }
    const registry = registryOf({ world: w, participants: [participant] })
    const entries = Array.from({ length: 10 }, (_, i) => entry(`app:${i}`, i === 8 ? { wants: 'app:7' } : {}))
    const problems = await registry.boot(sources(entries))
    expect(problems.map(({ message }) => message).sort()).toEqual([
      'entry app:7 was left out: something is wrong',
      'entry app:8 was left out: no app:7',
    ])
    expect(registry.all()).toHaveLength(8)
    expect(registry.snapshotAt(0).entries()).toHaveLength(8)
  })

  test('fills in placeholders after the variables of the same sources', async () => {
    const w = world()
    const values = new Map<string, string>()
    w.kinds.set('env.variable', {
      kind: 'env.variable',
      decode: (e) => e.data,
      open(e) {
        values.set(e.id, 'red')
        return { close: () => void values.delete(e.id) }
      },
    })
    const registry = registryOf({
      world: w,
      prepare(e) {
        if (!JSON.stringify(e.data).includes('${')) return e
        const value = values.get('z:colour')
        if (value === undefined) throw new RuntimeError('NotFound', 'no colour')
        return { ...e, data: { colour: value } }
      },
    })
    const problems = await registry.boot(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder
      sources([entry('app:a', { colour: '${env:COLOUR}' }), entry('z:colour', {}, {}, 'env.variable')]),
    )
    expect(problems).toEqual([])
    expect(w.open.get('app:a')).toEqual({ colour: 'red' })
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder
    expect(registry.get('app:a')?.data).toEqual({ colour: '${env:COLOUR}' })
  })
})

describe('a reload', () => {
  const boot = async () => {
    const w = world()
    const registry = registryOf({ world: w })
    await registry.boot(sources([entry('app:a', { n: 1 }), entry('app:b', { n: 1 })]))
    return { w, registry }
  }
  const origins = new Map()

  test('is one version of origin disk', async () => {
    const { registry, w } = await boot()
    const result = await registry.reload(
      { create: [entry('app:c')], update: [entry('app:a', { n: 2 })], delete: ['app:b'] },
      origins,
      'edit',
    )
    expect(result).toMatchObject({ version: { id: 1, origin: 'disk', label: 'edit' }, problems: [] })
    expect([...w.open.keys()].sort()).toEqual(['app:a', 'app:c'])
  })

  test('keeps the last good form of what is bad and lands the rest', async () => {
    const { registry, w } = await boot()
    const result = await registry.reload(
      {
        create: [entry('app:c'), entry('app:d', { bad: true })],
        update: [entry('app:a', { bad: true })],
        delete: [],
      },
      origins,
    )
    expect(result.problems.map(({ message }) => message)).toEqual([
      'entry app:a keeps its last good form: bad thing',
      'entry app:d was left out: bad thing',
    ])
    expect(w.open.get('app:a')).toEqual({ n: 1 })
    expect(registry.all().map(({ id }) => id)).toEqual(['app:a', 'app:b', 'app:c'])
    const repaired = await registry.reload(
      { create: [], update: [entry('app:d', {}), entry('app:a', { n: 3 })], delete: [] },
      origins,
    )
    expect([...repaired.changed].sort()).toEqual(['app:a', 'app:d'])
  })

  test('does not touch what was made at run time', async () => {
    const { registry } = await boot()
    await registry.apply(
      [
        { op: 'create', entry: entry('app:t', { mine: true }) },
        { op: 'update', entry: entry('app:a', { n: 9 }) },
      ],
      {
        origin: 'runtime',
      },
    )
    const result = await registry.reload({ create: [], update: [entry('app:a', { n: 2 })], delete: ['app:t'] }, origins)
    expect(result.version).toBeUndefined()
    expect(result.problems).toMatchObject([{ level: 'warn', entry: 'app:a' }])
    expect(registry.get('app:a')?.data).toEqual({ n: 9 })
    expect(registry.get('app:t')?.data).toEqual({ mine: true })
  })

  test('that comes to nothing makes no version', async () => {
    const { registry } = await boot()
    const result = await registry.reload(
      { create: [], update: [entry('app:a', { n: 1 })], delete: ['app:zz'] },
      origins,
    )
    expect(result).toEqual({ version: undefined, changed: [], problems: [] })
    expect(registry.versions()).toHaveLength(1)
  })

  test('drops only what the refusal of the whole names', async () => {
    const w = world()
    const participant: Participant = {
      commit(changed) {
        if (changed.includes('app:lib')) {
          throw new RuntimeError('Invalid', 'app:user does not compile', { details: { entry: 'app:user' } })
        }
      },
    }
    const registry = registryOf({ world: w, participants: [participant] })
    await registry.apply([{ op: 'create', entry: entry('app:user', { imports: { lib: 'app:lib' } }) }])
    const result = await registry.reload(
      { create: [entry('app:lib'), entry('app:other')], update: [], delete: [] },
      origins,
    )
    expect(result.changed).toEqual(['app:other'])
    expect(result.problems.map(({ message }) => message)).toEqual([
      'entry app:lib was left out: app:user does not compile',
    ])
  })

  test('a rollback over a reload names what differs from its file', async () => {
    const { registry } = await boot()
    await registry.reload({ create: [], update: [entry('app:a', { n: 2 })], delete: [] }, origins)
    const result = await registry.applyVersion(0)
    expect(result.differFromDisk).toEqual(['app:a'])
    expect(registry.get('app:a')?.data).toEqual({ n: 1 })
  })
})

test('closing the registry closes every entry', async () => {
  const w = world()
  const registry = registryOf({ world: w })
  await registry.boot(sources([entry('app:a'), entry('app:b', { after: 'app:a' })]))
  await registry.close()
  expect(w.open.size).toBe(0)
  expect(w.steps.slice(-2)).toEqual(['close app:b', 'close app:a'])
})
