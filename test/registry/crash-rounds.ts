// The changesets of the crash test: round n makes two entries, removes the two of round n-3 and sets a counter. Which of
// them are there tells exactly how many rounds were applied, and whether one of them was cut in half.

import type { Change } from '../../runtime/registry/changeset.ts'
import type { History } from '../../runtime/registry/history.ts'
import type { Registry } from '../../runtime/registry/registry.ts'
import { entry, registryOf, sources } from './kit.ts'

export async function crashRegistry(history: History): Promise<Registry> {
  const registry = registryOf({ history })
  const problems = await registry.boot(sources([entry('t:counter', { n: 0 })]))
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'))
  return registry
}

export function round(n: number, registry: Registry): Change[] {
  const old = [`t:a${n - 3}`, `t:b${n - 3}`].filter((id) => registry.get(id) !== undefined)
  return [
    { op: 'create', entry: entry(`t:a${n}`, { text: 'x'.repeat(2000) }) },
    { op: 'update', entry: entry('t:counter', { n }) },
    { op: 'create', entry: entry(`t:b${n}`, { text: 'y'.repeat(2000) }) },
    ...old.map((id) => ({ op: 'delete' as const, id })),
  ]
}

/**
 * The versions a child goes to, one after another, for ever: every next number is made by its round, every third time after
 * going two versions back and forward again.
 */
export function* targets(current: number, newest: number): Generator<number, never> {
  // Rounds build upon one another: whoever was killed while he was back goes forward first.
  if (current !== newest) yield newest
  for (let n = newest + 1; ; n++) {
    yield n
    if (n % 3 !== 0) continue
    yield n - 2
    yield n
  }
}

/** The entries there must be after round n. */
export function afterRound(n: number): string[] {
  const rounds = [n - 2, n - 1, n].filter((one) => one > 0)
  return ['t:counter', ...rounds.flatMap((one) => [`t:a${one}`, `t:b${one}`])].sort()
}
