// Which entries need which others, and the order in which a changeset is carried out: first what is deleted, dependants
// before what they need, then the rest the other way round. Ties go by id, so that the order is always the same.

import type { Entry } from '../core/entry.ts'
import { parseId, resolveId } from '../core/id.ts'
import { isMap, type Value } from '../core/value.ts'
import type { Operation } from './changeset.ts'

/** Ids that every entry may name, whatever its kind (spec/registry.md §7). They need not exist. */
export function declaredNeeds(entry: Entry): string[] {
  const { meta, data } = entry
  const { ns } = parseId(entry.id)
  const found: string[] = []
  const add = (value: Value | undefined): void => {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === 'string' && item !== '') found.push(resolveId(item, ns))
    }
  }
  for (const key of ['parent', 'depends_on', 'groups']) add(meta[key])
  if (!isMap(data)) return found
  for (const key of ['config', 'groups']) add(data[key])
  for (const value of Object.values(data)) if (isMap(value)) add(value['depends_on'])
  // A bare import is a builtin module, never an entry.
  if (isMap(data['imports'])) found.push(...Object.values(data['imports']).filter(isFullId))
  return found
}

function isFullId(value: Value): value is string {
  return typeof value === 'string' && value.includes(':')
}

/** True when a text of the entry's data holds `${…}`: such entries wait for the variables of the same changeset. */
export function hasPlaceholder(value: Value): boolean {
  if (typeof value === 'string') return value.includes('${')
  if (Array.isArray(value)) return value.some(hasPlaceholder)
  return isMap(value) && Object.values(value).some(hasPlaceholder)
}

/** The order of the operations; `needs` gives the ids that the entry of an operation refers to. */
export function orderOperations(
  operations: readonly Operation[],
  needs: (operation: Operation) => readonly string[],
): Operation[] {
  const gone = operations.filter(({ after }) => after === undefined)
  const rest = operations.filter(({ after }) => after !== undefined)
  const variables = rest.filter(isVariable).map(({ id }) => id)
  const needsOfRest = (operation: Operation): readonly string[] => {
    const own = needs(operation)
    const waits = !isVariable(operation) && operation.after !== undefined && hasPlaceholder(operation.after.entry.data)
    return waits ? [...own, ...variables] : own
  }
  return [...sortByNeeds(gone, needs).reverse(), ...sortByNeeds(rest, needsOfRest)]
}

function isVariable({ after }: Operation): boolean {
  return after?.entry.kind.startsWith('env.') === true
}

/** What is needed comes first; of those ready the smallest id; a cycle is broken at its smallest id. */
function sortByNeeds(
  operations: readonly Operation[],
  needs: (operation: Operation) => readonly string[],
): Operation[] {
  const byId = new Map(operations.map((operation) => [operation.id, operation]))
  const waitingFor = new Map<string, Set<string>>()
  const neededBy = new Map<string, string[]>()
  for (const operation of operations) {
    const ids = new Set(needs(operation).filter((id) => id !== operation.id && byId.has(id)))
    waitingFor.set(operation.id, ids)
    for (const id of ids) neededBy.set(id, [...(neededBy.get(id) ?? []), operation.id])
  }
  const left = [...byId.keys()].sort(byText)
  const ready = new Heap(left.filter((id) => waitingFor.get(id)?.size === 0))
  const ordered: Operation[] = []
  const done = new Set<string>()
  let scan = 0
  while (ordered.length < byId.size) {
    let id = ready.pop()
    if (id === undefined) {
      while (done.has(left[scan] ?? '')) scan++
      id = left[scan] ?? ''
    }
    if (done.has(id)) continue
    done.add(id)
    const operation = byId.get(id)
    if (operation !== undefined) ordered.push(operation)
    for (const dependant of neededBy.get(id) ?? []) {
      const waits = waitingFor.get(dependant)
      if (waits?.delete(id) === true && waits.size === 0) ready.push(dependant)
    }
  }
  return ordered
}

/** Code unit order: the same on every machine and locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A binary heap of ids, smallest first. */
class Heap {
  readonly #items: string[]

  constructor(sorted: string[]) {
    this.#items = sorted
  }

  push(id: string): void {
    const items = this.#items
    let at = items.push(id) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((items[parent] ?? '') <= id) break
      items[at] = items[parent] ?? ''
      at = parent
    }
    items[at] = id
  }

  pop(): string | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const right = items[child + 1]
      if (right !== undefined && right < (items[child] ?? '')) child++
      const candidate = items[child]
      if (candidate === undefined || candidate >= last) break
      items[at] = candidate
      at = child
    }
    items[at] = last
    return first
  }
}
