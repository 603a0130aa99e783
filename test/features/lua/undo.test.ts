// A changeset that is refused at the very end, when the history cannot keep it, leaves everybody on the old code.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Entry } from '../../../runtime/core/entry.ts'
import { createHost } from '../../../runtime/create-host.ts'
import { openSqlite } from '../../../runtime/external/sqlite.ts'
import { SqliteHistory } from '../../../runtime/registry/sqlite-history.ts'

const library = (n: number): Entry => ({
  id: 'app:lib',
  kind: 'library.lua',
  meta: {},
  data: { source: `return { n = ${n} }` },
})

const user: Entry = {
  id: 'app:user',
  kind: 'function.lua',
  meta: {},
  data: {
    source: 'local lib = require("lib")\nreturn { run = function() return lib.n end }',
    method: 'run',
    imports: { lib: 'app:lib' },
  },
}

test('who imports a library runs its old code again when the change could not be kept', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wippy-undo-'))
  const path = join(folder, 'registry.db')
  try {
    const start = async () =>
      createHost({ entries: [library(1), user], history: await SqliteHistory.open(path), env: {} })
    let host = await start()
    await host.registry.apply([{ op: 'update', entry: library(2) }])
    expect(await host.call('app:user')).toBe(2)
    await host.stop()
    const database = await openSqlite(path, { soleOwner: true })
    database.exec("CREATE TRIGGER full BEFORE INSERT ON versions BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    database.close()

    host = await start()
    expect(await host.call('app:user')).toBe(1)
    await expect(host.registry.apply([{ op: 'update', entry: library(3) }])).rejects.toThrow('disk is full')
    expect(await host.call('app:user')).toBe(1)
    await host.stop()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
