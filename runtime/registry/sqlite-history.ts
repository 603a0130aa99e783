// A history on disk. A version whose `append` resolved is there for good, whatever happens to the process. The database is
// opened when there is something to read or write, so that a project without history starts as fast as one without SQLite.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Origin } from '../core/entry.ts'
import { errorText, RuntimeError } from '../core/error.ts'
import {
  openSqlite,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteOptions,
  type SqliteRow,
} from '../external/sqlite.ts'
import type { Operation } from './changeset.ts'
import { type History, MemoryHistory, NoHistory, type Version } from './history.ts'
import { type HistoryLock, takeLock } from './history-lock.ts'
import { readOperations, writeOperations } from './record.ts'

export interface HistoryOptions {
  readonly type: 'memory' | 'sqlite' | 'none'
  /** The database file, for `sqlite`; its folder is made when needed. */
  readonly path?: string
  /** Told once when a history that was to be on disk is not, and why. */
  readonly report?: (message: string) => void
  readonly driver?: SqliteDriver
}

/** The history a configuration asks for. One on disk that cannot be had becomes one in memory, and says so. */
export async function openHistory({ type, path, report, driver }: HistoryOptions): Promise<History> {
  if (type === 'none') return new NoHistory()
  if (type === 'memory' || path === undefined) return new MemoryHistory()
  try {
    return await SqliteHistory.open(path, driver)
  } catch (error) {
    const pid = error instanceof RuntimeError ? error.details?.['pid'] : undefined
    const reason = pid === undefined ? `${path}: ${errorText(error)}` : `the project is in use by process ${pid}`
    report?.(`changes of this run are kept in memory only: ${reason}`)
    return new MemoryHistory()
  }
}

const SCHEMA = 1
const schema = `
CREATE TABLE versions (
  id INTEGER PRIMARY KEY,
  parent INTEGER NOT NULL,
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  label TEXT,
  author TEXT,
  operations TEXT NOT NULL
);
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
INSERT INTO head VALUES (1, 0);
PRAGMA user_version = ${SCHEMA};
`

export class SqliteHistory implements History {
  readonly durable: boolean = true
  readonly #path: string
  readonly #lock: HistoryLock
  readonly #driver: SqliteDriver | undefined
  readonly #versions = new Map<number, Version>()
  #database: SqliteDatabase | undefined
  /** The log is made with the first write after opening; its name must be safe before that write counts. */
  #logNamed = false
  #head = 0

  private constructor(path: string, lock: HistoryLock, driver: SqliteDriver | undefined) {
    this.#path = path
    this.#lock = lock
    this.#driver = driver
  }

  /** Throws Unavailable, with the pid in its details, when another process has the history. */
  static async open(path: string, driver?: SqliteDriver): Promise<SqliteHistory> {
    mkdirSync(dirname(path), { recursive: true })
    const lock = takeLock(lockPath(path))
    try {
      const history = new SqliteHistory(path, lock, driver)
      if (existsSync(path)) history.#load(await history.#open())
      return history
    } catch (error) {
      lock.release()
      throw error
    }
  }

  get description(): string {
    return this.#path
  }

  get head(): number {
    return this.#head
  }

  versions(): readonly Version[] {
    return [...this.#versions.values()]
  }

  get(id: number): Version | undefined {
    return this.#versions.get(id)
  }

  operations(id: number): readonly Operation[] {
    const [row] = this.#database?.all('SELECT operations FROM versions WHERE id = ?', [id]) ?? []
    return row === undefined ? [] : readOperations(String(row['operations']))
  }

  async append(version: Version, operations: readonly Operation[]): Promise<void> {
    const { id, parent = 0, origin, createdAt, label = null, author = null } = version
    const values = [id, parent, origin, createdAt, quoted(label), quoted(author), writeOperations(operations)]
    await this.#write((database) => {
      database.run('INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)', values)
      database.run('UPDATE head SET version = ?', [id])
    })
    this.#versions.set(id, version)
    this.#head = id
  }

  async moveHead(id: number): Promise<void> {
    await this.#write((database) => database.run('UPDATE head SET version = ?', [id]))
    this.#head = id
  }

  close(): void {
    this.#database?.close()
    this.#database = undefined
    this.#lock.release()
  }

  async #write(work: (database: SqliteDatabase) => void): Promise<void> {
    const database = this.#database ?? (await this.#open())
    try {
      database.transaction(() => work(database))
      if (!this.#logNamed) syncFolder(dirname(this.#path))
      this.#logNamed = true
    } catch (error) {
      throw new RuntimeError('Unavailable', `the change could not be kept in ${this.#path}: ${errorText(error)}`, {
        cause: error,
      })
    }
  }

  async #open(): Promise<SqliteDatabase> {
    if (!existsSync(this.#path)) await this.#create()
    const database = await openSqlite(this.#path, this.#sqliteOptions())
    try {
      const found = Number(database.all('PRAGMA user_version')[0]?.['user_version'] ?? 0)
      if (found !== SCHEMA)
        throw new RuntimeError('Invalid', `schema ${found} is not the one of this version (${SCHEMA})`)
    } catch (error) {
      database.close()
      throw error
    }
    this.#database = database
    return database
  }

  /** Made aside and then named: a history is there whole or not at all. */
  async #create(): Promise<void> {
    const aside = `${this.#path}.new`
    for (const rest of [aside, `${aside}-wal`, `${aside}-journal`, `${aside}.lock`]) {
      rmSync(rest, { recursive: true, force: true })
    }
    const database = await openSqlite(aside, this.#sqliteOptions())
    try {
      database.transaction(() => database.exec(schema))
    } finally {
      database.close()
    }
    renameSync(aside, this.#path)
    syncFolder(dirname(this.#path))
  }

  #sqliteOptions(): SqliteOptions {
    return this.#driver === undefined ? { soleOwner: true } : { soleOwner: true, driver: this.#driver }
  }

  #load(database: SqliteDatabase): void {
    const rows = database.all('SELECT id, parent, origin, created_at, label, author FROM versions ORDER BY id')
    for (const row of rows) {
      const version = versionOf(row)
      this.#versions.set(version.id, version)
    }
    this.#head = Number(database.all('SELECT version FROM head')[0]?.['version'] ?? 0)
  }
}

/** Not `registry.db.lock`: that is the name of a folder of the WASM driver. */
function lockPath(path: string): string {
  return `${path.replace(/\.db$/, '')}.lock`
}

/** Free text as JSON: a NUL in it would cut it short in some drivers. */
function quoted(text: string | null): string | null {
  return text === null ? null : JSON.stringify(text)
}

function versionOf(row: SqliteRow): Version {
  const text = (column: string): string | undefined =>
    typeof row[column] === 'string' ? String(JSON.parse(row[column])) : undefined
  return {
    id: Number(row['id']),
    parent: Number(row['parent']),
    // Written from an Origin by `append`.
    origin: String(row['origin']) as Origin,
    createdAt: Number(row['created_at']),
    label: text('label'),
    author: text('author'),
  }
}

/** The name of a new file is safe only once its folder is. Not every system can do this. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
