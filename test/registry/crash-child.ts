// Run as a process by the crash test: applies changesets for ever and says which of them were acknowledged.

import { writeSync } from 'node:fs'
import { SqliteHistory } from '../../runtime/registry/sqlite-history.ts'
import { crashRegistry, round } from './crash-rounds.ts'

const history = await SqliteHistory.open(process.argv[2] ?? '')
const registry = await crashRegistry(history)
writeSync(1, 'ready\n')
for (let n = history.head + 1; ; n++) {
  const version = await registry.apply(round(n, registry), { origin: 'runtime' })
  writeSync(1, `${version.id}\n`)
}
