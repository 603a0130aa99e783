// Which services a service waits for, and the order that follows. Pure: reads edges, starts nothing.

import { RuntimeError } from '../core/error.ts'

export interface ServiceEdges {
  isService(id: string): boolean
  /** `lifecycle.requires`: each must be, or lead to, a service. */
  declared(id: string): readonly string[]
  /** Ids that the entry refers to; those that lead to no service do not matter. */
  derived(id: string): readonly string[]
}

/** The services that must run before this one: the nearest on every path through entries that are no services. */
export function servicesBefore(id: string, edges: ServiceEdges): string[] {
  const found = new Set<string>()
  const seen = new Set([id])
  const walk = (next: readonly string[]): void => {
    for (const other of next) {
      if (seen.has(other)) continue
      seen.add(other)
      if (edges.isService(other)) found.add(other)
      else walk([...edges.declared(other), ...edges.derived(other)])
    }
  }
  walk([...edges.declared(id), ...edges.derived(id)])
  return [...found]
}

/** The ids that this service requires and that neither are services nor lead to one. */
export function missingRequirements(id: string, edges: ServiceEdges): string[] {
  const leads = (target: string, seen: Set<string>): boolean => {
    if (edges.isService(target)) return true
    if (seen.has(target)) return false
    seen.add(target)
    return [...edges.declared(target), ...edges.derived(target)].some((next) => leads(next, seen))
  }
  return edges.declared(id).filter((target) => !leads(target, new Set()))
}

export interface StartPlan {
  /** Dependencies before dependants; nothing of what is blocked. */
  readonly order: readonly string[]
  /** Services that cannot start, with the reason; those that wait for a blocked one are blocked too. */
  readonly blocked: ReadonlyMap<string, RuntimeError>
}

/** Plans the start of these services and all that they need. */
export function planStart(ids: readonly string[], edges: ServiceEdges): StartPlan {
  const order: string[] = []
  const blocked = new Map<string, RuntimeError>()
  const done = new Set<string>()
  const visit = (id: string, path: readonly string[]): void => {
    const at = path.indexOf(id)
    if (at >= 0) {
      const cycle = [...path.slice(at), id]
      const error = new RuntimeError('Invalid', `service dependency cycle: ${cycle.join(' -> ')}`, { retryable: false })
      for (const member of cycle) if (!blocked.has(member)) blocked.set(member, error)
      return
    }
    if (done.has(id)) return
    if (edges.declared(id).includes(id)) visit(id, [...path, id])
    const missing = missingRequirements(id, edges)
    if (missing.length > 0 && !blocked.has(id))
      blocked.set(id, blockedBy(missing.map((target) => `${id} requires ${target}`)))
    const before = servicesBefore(id, edges)
    for (const other of before) visit(other, [...path, id])
    done.add(id)
    const stuck = before.filter((other) => blocked.has(other))
    if (stuck.length > 0 && !blocked.has(id)) {
      blocked.set(id, blockedBy(stuck.map((other) => `${id} requires ${other}`)))
    }
    if (!blocked.has(id)) order.push(id)
  }
  for (const id of ids) visit(id, [])
  return { order: order.filter((id) => !blocked.has(id)), blocked }
}

function blockedBy(pairs: readonly string[]): RuntimeError {
  return new RuntimeError('Invalid', `service startup blocked by missing dependencies: ${pairs.join(', ')}`, {
    retryable: false,
  })
}
