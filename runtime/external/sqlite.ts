// SQLite from whoever has it: Node itself (22.13 and later), better-sqlite3 if the user installed it, else
// node-sqlite3-wasm, which runs everywhere and is slower. Loaded when a database is first opened, never before.

import { existsSync, rmdirSync } from 'node:fs'
import { RuntimeError } from '../core/error.ts'

export type SqliteValue = null | number | bigint | string | Uint8Array
export type SqliteRow = Record<string, SqliteValue>
export type SqliteDriver = 'node:sqlite' | 'better-sqlite3' | 'node-sqlite3-wasm'

export interface SqliteDatabase {
  readonly driver: SqliteDriver
  /** Runs statements without values. */
  exec(sql: string): void
  run(sql: string, values?: readonly SqliteValue[]): void
  all(sql: string, values?: readonly SqliteValue[]): SqliteRow[]
  /** Runs the work as one write; when it throws, nothing of it stays. */
  transaction<T>(work: () => T): T
  close(): void
}

export interface SqliteOptions {
  /** Only this driver; without it the first of the list that loads. */
  readonly driver?: SqliteDriver
  /**
   * No other process may have the file open, and a transaction that returned survives kill -9 and power loss. This is a
   * write-ahead log in exclusive mode: node-sqlite3-wasm takes its own lock for another writer's when it looks for a
   * rollback journal to recover from, so journals leave it with a torn file.
   */
  readonly soleOwner?: boolean
}

/** Opens a database file, making it if it is not there. Texts must not hold NUL: some drivers cut them there. */
export async function openSqlite(path: string, options: SqliteOptions = {}): Promise<SqliteDatabase> {
  const wanted = options.driver === undefined ? drivers : drivers.filter(({ name }) => name === options.driver)
  const reasons: string[] = []
  for (const { name, load } of wanted) {
    let open: Open
    try {
      open = await load()
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
      continue
    }
    const opened = open(path, options.soleOwner === true)
    try {
      if (options.soleOwner === true) makeDurable(opened)
    } catch (error) {
      opened.close()
      throw error
    }
    return database(name, opened)
  }
  throw new RuntimeError('Unavailable', `no SQLite on this machine (${reasons.join('; ')})`)
}

function makeDurable(connection: Connection): void {
  // Exclusive comes first: the log is then used without shared memory, which the WASM driver does not have.
  connection.exec('PRAGMA locking_mode = EXCLUSIVE')
  const [row] = connection.all('PRAGMA journal_mode = WAL', [])
  if (row?.['journal_mode'] !== 'wal') throw new Error('this SQLite has no write-ahead log')
  connection.exec('PRAGMA synchronous = FULL')
  // A small log: recovering from it stays quick, and so does the first start after a crash.
  connection.exec('PRAGMA wal_autocheckpoint = 64')
}

/** What the drivers have in common, each by its own names. */
interface Connection {
  exec(sql: string): void
  run(sql: string, values: readonly SqliteValue[]): void
  all(sql: string, values: readonly SqliteValue[]): SqliteRow[]
  close(): void
}

type Open = (path: string, soleOwner: boolean) => Connection

function database(driver: SqliteDriver, connection: Connection): SqliteDatabase {
  return {
    driver,
    exec: (sql) => connection.exec(sql),
    run: (sql, values = []) => connection.run(sql, values),
    all: (sql, values = []) => connection.all(sql, values),
    transaction(work) {
      connection.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        connection.exec('COMMIT')
        return result
      } catch (error) {
        try {
          connection.exec('ROLLBACK')
        } catch {
          // SQLite has rolled back by itself.
        }
        throw error
      }
    },
    close: () => connection.close(),
  }
}

const drivers: readonly { readonly name: SqliteDriver; readonly load: () => Promise<Open> }[] = [
  { name: 'node:sqlite', load: loadNode },
  { name: 'better-sqlite3', load: loadBetter },
  { name: 'node-sqlite3-wasm', load: loadWasm },
]

/** Statements as node:sqlite and better-sqlite3 both have them. */
interface PreparingDatabase {
  exec(sql: string): void
  prepare(sql: string): {
    run(...values: SqliteValue[]): unknown
    all(...values: SqliteValue[]): unknown[]
  }
  close(): void
}

function prepared(database: PreparingDatabase): Connection {
  return {
    exec: (sql) => void database.exec(sql),
    run: (sql, values) => void database.prepare(sql).run(...values),
    // Rows are objects of columns; the drivers' types say less.
    all: (sql, values) => database.prepare(sql).all(...values) as SqliteRow[],
    close: () => database.close(),
  }
}

async function loadNode(): Promise<Open> {
  const specifier: string = 'node:sqlite'
  const warn = process.emitWarning
  // Node 22 calls it experimental each time a process first loads it; the user cannot do anything about that.
  process.emitWarning = (...said: unknown[]) => {
    if (!/^SQLite is an experimental/.test(String(said[0]))) Reflect.apply(warn, process, said)
  }
  try {
    const { DatabaseSync } = (await import(specifier)) as { DatabaseSync: new (path: string) => PreparingDatabase }
    return (path) => prepared(new DatabaseSync(path))
  } finally {
    process.emitWarning = warn
  }
}

async function loadBetter(): Promise<Open> {
  const specifier: string = 'better-sqlite3'
  const { default: Database } = (await import(specifier)) as { default: new (path: string) => PreparingDatabase }
  // The native part loads with the first database: better to know here whether it fits this Node.
  new Database(':memory:').close()
  return (path) => prepared(new Database(path))
}

async function loadWasm(): Promise<Open> {
  const { default: wasm } = await import('node-sqlite3-wasm')
  return (path, soleOwner) => {
    // Its lock is a folder, which outlives a process that was killed.
    if (soleOwner && existsSync(`${path}.lock`)) rmdirSync(`${path}.lock`)
    const db = new wasm.Database(path)
    return {
      exec: (sql) => db.exec(sql),
      run: (sql, values) => void db.run(sql, [...values]),
      // Without `expand` rows are flat.
      all: (sql, values) => db.all(sql, [...values]) as SqliteRow[],
      close: () => db.close(),
    }
  }
}
