// A history on disk: what it keeps, who may have it, what happens when it cannot be had, and how it meets changed files.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cloneValue, type Value } from '../../runtime/core/value.ts'
import { openSqlite, type SqliteDriver } from '../../runtime/external/sqlite.ts'
import type { History } from '../../runtime/registry/history.ts'
import { readOperations, writeOperations } from '../../runtime/registry/record.ts'
import type { Registry } from '../../runtime/registry/registry.ts'
import { openHistory, SqliteHistory } from '../../runtime/registry/sqlite-history.ts'
import { entry, registryOf, sources, type World } from './kit.ts'

let folder: string
let path: string
const opened: (History | Registry)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wippy-history-'))
  path = join(folder, '.wippy', 'registry.db')
})

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Opens the history as a new start of the runtime would, with these sources. */
async function start(entries: ReturnType<typeof entry>[], world?: World) {
  const history = await SqliteHistory.open(path)
  const registry = registryOf(world === undefined ? { history } : { history, world })
  const problems = await registry.boot(sources(entries))
  opened.push(registry)
  const stop = async (): Promise<void> => {
    opened.splice(opened.indexOf(registry), 1)
    await registry.close()
  }
  return { registry, problems, stop }
}

const runtime = { origin: 'runtime' } as const
const ids = (registry: Registry): string[] => registry.all().map(({ id }) => id)

describe('after a restart', () => {
  test('what was registered at run time is back, and where it came from', async () => {
    const one = await start([entry('app:base', { n: 0 })])
    await one.registry.apply([{ op: 'create', entry: entry('app:t', { source: 'return 1' }, { type: 'tool' }) }], {
      ...runtime,
      label: 'a tool',
    })
    await one.registry.apply([{ op: 'update', entry: entry('app:t', { source: 'return 2' }) }], runtime)
    await one.stop()
    const two = await start([entry('app:base', { n: 0 })])
    expect(two.problems).toEqual([])
    expect(two.registry.get('app:t')?.data).toEqual({ source: 'return 2' })
    expect(two.registry.origin('app:t')).toBe('runtime')
    expect(two.registry.version.id).toBe(2)
    expect(two.registry.versions()[1]).toMatchObject({ id: 1, parent: 0, origin: 'runtime', label: 'a tool' })
    expect(two.registry.snapshotAt(1).get('app:t')?.data).toEqual({ source: 'return 1' })
    await two.registry.applyVersion(0)
    expect(ids(two.registry)).toEqual(['app:base'])
    await two.stop()
    const three = await start([entry('app:base')])
    expect(ids(three.registry)).toEqual(['app:base'])
    await three.registry.applyVersion(2)
    expect(ids(three.registry)).toEqual(['app:base', 'app:t'])
    expect((await three.registry.apply([{ op: 'delete', id: 'app:t' }], runtime)).id).toBe(3)
  })

  test('a reload is in the history and not replayed', async () => {
    const one = await start([entry('app:a', { n: 1 })])
    await one.registry.reload({ create: [entry('app:b')], update: [], delete: [] }, new Map())
    await one.registry.apply([{ op: 'create', entry: entry('app:t') }], runtime)
    await one.stop()
    const two = await start([entry('app:a', { n: 1 })])
    expect(ids(two.registry)).toEqual(['app:a', 'app:t'])
    expect(two.registry.versions().map(({ origin }) => origin)).toEqual(['disk', 'disk', 'runtime'])
    expect(ids({ all: () => two.registry.snapshotAt(1).entries() } as Registry)).toEqual(['app:a'])
  })

  test('a run-time version of a file counts, unless the file changed since', async () => {
    const disk = (n: number) => [entry('app:a', { n }), entry('app:b', { n: 1 }), entry('app:c', { n: 1 })]
    const one = await start(disk(1))
    await one.registry.apply(
      [
        { op: 'update', entry: entry('app:a', { mine: true }) },
        { op: 'update', entry: entry('app:b', { mine: true }) },
        { op: 'delete', id: 'app:c' },
      ],
      runtime,
    )
    await one.stop()
    const same = await start(disk(1))
    expect(same.problems).toEqual([])
    expect(same.registry.get('app:a')?.data).toEqual({ mine: true })
    expect(same.registry.get('app:c')).toBeUndefined()
    await same.stop()
    const changed = await start(disk(2))
    expect(changed.problems).toMatchObject([{ level: 'warn', entry: 'app:a' }])
    expect(changed.problems[0]?.message).toBe(
      'the file of app:a changed after version 1, which changed it at run time: the file counts',
    )
    expect(changed.registry.get('app:a')?.data).toEqual({ n: 2 })
    expect(changed.registry.get('app:b')?.data).toEqual({ mine: true })
    expect(changed.registry.get('app:c')).toBeUndefined()
    await changed.registry.applyVersion(0)
    expect(changed.registry.get('app:a')?.data).toEqual({ n: 2 })
    expect(changed.registry.get('app:b')?.data).toEqual({ n: 1 })
  })

  test('a file that appeared for an id made at run time counts', async () => {
    const one = await start([])
    await one.registry.apply([{ op: 'create', entry: entry('app:t', { mine: true }) }], runtime)
    await one.stop()
    const two = await start([entry('app:t', { file: true })])
    expect(two.registry.get('app:t')?.data).toEqual({ file: true })
    expect(two.problems).toHaveLength(1)
  })

  test('a changeset that no longer applies is set aside, and the others stay', async () => {
    const one = await start([entry('app:base')])
    await one.registry.apply([{ op: 'create', entry: entry('app:x', { wants: 'app:base' }) }], runtime)
    await one.registry.apply([{ op: 'create', entry: entry('app:y') }], runtime)
    await one.stop()
    const two = await start([])
    expect(ids(two.registry)).toEqual(['app:y'])
    expect(two.problems).toMatchObject([{ level: 'error' }])
    expect(two.problems[0]?.message).toContain('version 1 was set aside: unresolved dependencies after retry: app:x (')
    expect(two.registry.version.id).toBe(2)
    await two.stop()
    const three = await start([entry('app:base')])
    expect(ids(three.registry)).toEqual(['app:base', 'app:x', 'app:y'])
  })
})

describe('one writer', () => {
  test('has the history; a second keeps its changes in memory and says so once', async () => {
    const first = await openHistory({ type: 'sqlite', path })
    opened.push(first)
    const said: string[] = []
    const second = await openHistory({ type: 'sqlite', path, report: (message) => said.push(message) })
    expect([first.durable, second.durable]).toEqual([true, false])
    expect(said).toEqual([
      `changes of this run are kept in memory only: the project is in use by process ${process.pid}`,
    ])
  })

  test('that is gone is no obstacle, whether its pid is free or somebody else has it now', async () => {
    const lock = join(folder, '.wippy', 'registry.lock')
    mkdirSync(dirname(lock), { recursive: true })
    const child = spawn(process.execPath, ['-e', ''])
    const { pid } = child
    await new Promise((done) => child.once('exit', done))
    for (const content of [
      JSON.stringify({ pid, started: 'x' }),
      JSON.stringify({ pid: process.pid, started: 'long ago' }),
      'torn',
    ]) {
      writeFileSync(lock, content)
      const history = await SqliteHistory.open(path)
      expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.pid })
      history.close()
      expect(existsSync(lock)).toBe(false)
    }
  })

  test('that was killed while writing leaves no lock of SQLite behind', async () => {
    const one = await start([])
    await one.registry.apply([{ op: 'create', entry: entry('app:t') }], runtime)
    await one.stop()
    mkdirSync(`${path}.lock`)
    const two = await start([])
    expect(ids(two.registry)).toEqual(['app:t'])
  })
})

describe('a history that cannot be had', () => {
  test('is one in memory, with the reason', async () => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, 'this is no database, and long enough to be looked at as one'.repeat(20))
    const said: string[] = []
    const history = await openHistory({ type: 'sqlite', path, report: (message) => said.push(message) })
    expect(history.durable).toBe(false)
    expect(said[0]).toContain('changes of this run are kept in memory only')
    expect(said[0]).toContain(path)
    expect(existsSync(join(folder, '.wippy', 'registry.lock'))).toBe(false)
  })

  test('does not make a database before there is a change', async () => {
    const { registry } = await start([entry('app:a')])
    expect(existsSync(path)).toBe(false)
    await registry.apply([{ op: 'create', entry: entry('app:t') }], runtime)
    expect(existsSync(path)).toBe(true)
  })

  test('a version that cannot be kept is refused and undone', async () => {
    const one = await start([entry('app:a')])
    await one.registry.apply([{ op: 'create', entry: entry('app:t') }], runtime)
    await one.stop()
    const other = await openSqlite(path, { soleOwner: true })
    other.exec(`CREATE TRIGGER full BEFORE INSERT ON versions BEGIN SELECT RAISE(ABORT, 'disk is full'); END`)
    other.close()
    const { registry } = await start([entry('app:a')])
    await expect(registry.apply([{ op: 'create', entry: entry('app:u') }], runtime)).rejects.toThrow(
      'could not be kept',
    )
    expect(ids(registry)).toEqual(['app:a', 'app:t'])
    expect(registry.version.id).toBe(1)
  })
})

test('operations come back as they were written, whatever is in them', () => {
  const scalar = fc.oneof(
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
    fc.constantFrom('$int', '\0', '\ud800'),
  )
  const key = fc.oneof(fc.string(), fc.constantFrom('$int', '$map', '__proto__', 'constructor', ''))
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }).map((map) => cloneValue(map)),
    ),
  }))
  fc.assert(
    fc.property(value, value, (data, more) => {
      const held = (one: Value) => ({
        entry: { id: 'a:b', kind: 'k', meta: { one: cloneValue(one) }, data: one },
        origin: 'runtime' as const,
      })
      const operations = [
        { id: 'a:b', before: undefined, after: held(data), disk: undefined },
        { id: 'a:b', before: held(data), after: held(more), disk: 'hash' },
      ]
      expect(readOperations(writeOperations(operations))).toEqual(operations)
    }),
  )
})

describe.each<SqliteDriver>(['node:sqlite', 'better-sqlite3', 'node-sqlite3-wasm'])('the driver %s', (driver) => {
  test('keeps texts, bytes and numbers, and undoes a transaction that throws, if it is there', async () => {
    const db = await openSqlite(join(folder, 'x.db'), { driver }).catch((error: Error) => error)
    if (db instanceof Error) {
      // The WASM driver is a dependency: that one must be there.
      expect(driver).not.toBe('node-sqlite3-wasm')
      expect(db.message).toContain('no SQLite on this machine')
      return
    }
    db.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB)')
    db.run('INSERT INTO t VALUES (?, ?, ?)', [1, 'é\u{1F600}', new Uint8Array([0, 255])])
    expect(() =>
      db.transaction(() => {
        db.run('INSERT INTO t VALUES (?, ?, ?)', [2, 'x', null])
        throw new Error('no')
      }),
    ).toThrow('no')
    const [row, ...more] = db.all('SELECT * FROM t WHERE a > ?', [0])
    expect(more).toEqual([])
    expect(row).toMatchObject({ a: 1, b: 'é\u{1F600}' })
    expect(Buffer.from(row?.['c'] as Uint8Array)).toEqual(Buffer.from([0, 255]))
    db.close()
  })
})
