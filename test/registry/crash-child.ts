// Run as a process by the crash test: applies changesets and goes back and forth between versions for ever, and says which of
// that was acknowledged.

import { writeSync } from 'node:fs'
import { SqliteHistory } from '../../runtime/registry/sqlite-history.ts'
import { crashRegistry, round, targets } from './crash-rounds.ts'

const history = await SqliteHistory.open(process.argv[2] ?? '')
const registry = await crashRegistry(history)
let newest = Math.max(0, ...history.versions().map(({ id }) => id))
writeSync(1, 'ready\n')
for (const target of targets(registry.version.id, newest)) {
  if (target > newest) newest = (await registry.apply(round(target, registry), { origin: 'runtime' })).id
  else await registry.applyVersion(target)
  writeSync(1, `${registry.version.id}\n`)
}
