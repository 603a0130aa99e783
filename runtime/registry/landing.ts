// Lands as much of a set of operations as can be landed: for boot and reload, where one bad entry must not keep the others
// out. A changeset from code never comes here, it lands whole or not at all.

import { RuntimeError } from '../core/error.ts'
import type { Held, Operation } from './changeset.ts'
import { orderOperations } from './order.ts'
import { type Problem, rejected } from './problem.ts'
import type { Failure } from './transaction.ts'

export interface LandingDeps {
  /** One tolerant transaction. A throw refuses it as a whole, and everything is undone. */
  readonly transact: (
    operations: readonly Operation[],
  ) => Promise<{ readonly performed: readonly Operation[]; readonly failures: readonly Failure[] }>
  readonly needs: (operation: Operation) => readonly string[]
  readonly held: (id: string) => Held | undefined
}

export interface Landed {
  readonly changed: readonly string[]
  readonly problems: readonly Problem[]
}

/** In one transaction: a refusal of the whole is answered by trying again without what it names, or not at all. */
export async function land(operations: readonly Operation[], deps: LandingDeps): Promise<Landed> {
  return attempt(operations, deps, async (left, error) => ({
    changed: [],
    problems: left.map((operation) => rejected(operation, error)),
  }))
}

/** In as many transactions as it takes: a refusal that names nobody is narrowed down by halves. */
export async function landInParts(operations: readonly Operation[], deps: LandingDeps): Promise<Landed> {
  return attempt(operations, deps, async (left, error) => {
    const [only, ...others] = left
    if (only !== undefined && others.length === 0) return { changed: [], problems: [rejected(only, error)] }
    const ordered = orderOperations(left, deps.needs)
    const middle = Math.ceil(ordered.length / 2)
    // What is needed comes first in the order, so the second half finds it.
    const first = await landInParts(ordered.slice(0, middle), deps)
    return join(first, await landInParts(ordered.slice(middle), deps))
  })
}

async function attempt(
  operations: readonly Operation[],
  deps: LandingDeps,
  nobodyNamed: (left: readonly Operation[], error: unknown) => Promise<Landed>,
): Promise<Landed> {
  const problems: Problem[] = []
  let left = operations
  while (left.length > 0) {
    try {
      const { performed, failures } = await deps.transact(left)
      problems.push(...failures.map(({ operation, error }) => rejected(operation, error)))
      return { changed: performed.map(({ id }) => id), problems }
    } catch (error) {
      const named = culprits(error, left, deps)
      if (named.size === 0) return join({ changed: [], problems }, await nobodyNamed(left, error))
      for (const operation of left) if (named.has(operation.id)) problems.push(rejected(operation, error))
      left = left.filter(({ id }) => !named.has(id))
    }
  }
  return { changed: [], problems }
}

/** The operations behind a refusal that names an entry in its details: its own, or those of what it needs. */
function culprits(error: unknown, operations: readonly Operation[], { needs, held }: LandingDeps): Set<string> {
  const byId = new Map(operations.map((operation) => [operation.id, operation]))
  const named = error instanceof RuntimeError ? error.details?.['entry'] : undefined
  if (typeof named !== 'string') return new Set()
  if (byId.has(named)) return new Set([named])
  const seen = new Set<string>()
  const visit = (id: string): void => {
    if (seen.has(id)) return
    seen.add(id)
    const after = byId.get(id)?.after ?? held(id)
    if (after !== undefined) needs({ id, before: undefined, after }).forEach(visit)
  }
  visit(named)
  return new Set([...byId.keys()].filter((id) => seen.has(id)))
}

function join(a: Landed, b: Landed): Landed {
  return { changed: [...a.changed, ...b.changed], problems: [...a.problems, ...b.problems] }
}
