// Process groups of this node, as Erlang's `pg`: a process may join a group several times, and leaves all at its end
// (spec/process.md §13). A scope is a set of groups of its own.

import { RuntimeError } from '../core/error.ts'
import type { Kernel } from './kernel.ts'
import type { Process } from './process.ts'

export interface GroupChange {
  readonly kind: 'join' | 'leave'
  readonly group: string
  readonly pids: readonly string[]
}

/** How much one scope may hold; 0 is no limit. */
export interface GroupLimits {
  readonly groups: number
  /** Members of one group, each as often as it has joined. */
  readonly members: number
}

type Listener = (change: GroupChange) => void

class Scope {
  /** Serials of members by group, one for each time they joined, in that order. */
  readonly members = new Map<string, number[]>()
  readonly groupsOf = new Map<number, string[]>()
  readonly listeners = new Set<Listener>()
}

export class Groups {
  readonly #kernel: Kernel
  readonly #scopes = new Map<string, Scope>()
  /** Those that an entry declares. */
  readonly #declared = new Map<string, GroupLimits>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    kernel.beforeExit((process) => this.#ended(process))
  }

  /** There is such a scope until the returned function is called; again with other limits, it keeps its members. */
  declare(scopeId: string, limits: GroupLimits): () => void {
    this.#declared.set(scopeId, limits)
    return () => {
      this.#declared.delete(scopeId)
      this.#scopes.delete(scopeId)
    }
  }

  /** Throws Internal, as the original does, for a scope that no entry declares. */
  require(scopeId: string): void {
    if (!this.#declared.has(scopeId))
      throw new RuntimeError('Internal', `process group scope not found: ${scopeId}`, { retryable: false })
  }

  /** Joins every group named, all or none. Throws Invalid for an empty name, LimitExceeded beyond what the scope may hold. */
  join(scopeId: string, process: Process, groups: readonly string[]): void {
    checkNames(groups)
    const scope = this.#scope(scopeId)
    this.#checkRoom(scopeId, scope, groups)
    for (const group of groups) {
      entry(scope.members, group).push(process.serial)
      entry(scope.groupsOf, process.serial).push(group)
      tell(scope, { kind: 'join', group, pids: [process.pid] })
    }
  }

  /** Takes back one join of each group it is in. Throws Invalid when the process is in none of them. */
  leave(scopeId: string, process: Process, groups: readonly string[]): void {
    checkNames(groups)
    const scope = this.#scope(scopeId)
    const joined = scope.groupsOf.get(process.serial) ?? []
    const left = groups.filter((group) => removeOne(joined, group))
    if (left.length === 0)
      throw new RuntimeError('Invalid', `not a member of group: ${groups.join(', ')}`, { retryable: false })
    if (joined.length === 0) scope.groupsOf.delete(process.serial)
    for (const group of left) this.#drop(scope, group, process, 1)
  }

  /** Living members in the order they joined. */
  members(scopeId: string, group: string): Process[] {
    const serials = this.#scopes.get(scopeId)?.members.get(group) ?? []
    return serials.map((serial) => this.#kernel.bySerial(serial)).filter((process) => process !== undefined)
  }

  /** Groups that have members. */
  names(scopeId: string): string[] {
    return [...(this.#scopes.get(scopeId)?.members.keys() ?? [])]
  }

  /** Tells of every change until the returned function is called. */
  watch(scopeId: string, listener: Listener): () => void {
    const { listeners } = this.#scope(scopeId)
    // The same function may watch twice.
    const own: Listener = (change) => listener(change)
    listeners.add(own)
    return () => listeners.delete(own)
  }

  #scope(id: string): Scope {
    let scope = this.#scopes.get(id)
    if (scope === undefined) {
      scope = new Scope()
      this.#scopes.set(id, scope)
    }
    return scope
  }

  #checkRoom(scopeId: string, scope: Scope, groups: readonly string[]): void {
    const limits = this.#declared.get(scopeId)
    if (limits === undefined) return
    const exceeded = (what: string, limit: number): RuntimeError =>
      new RuntimeError('LimitExceeded', `${what}: more than the limit of ${limit}`, { retryable: false })
    const distinct = [...new Set(groups)]
    const made = distinct.filter((group) => !scope.members.has(group)).length
    if (limits.groups > 0 && made > 0 && scope.members.size + made > limits.groups)
      throw exceeded(`groups of ${scopeId}`, limits.groups)
    for (const group of distinct) {
      const more = groups.filter((name) => name === group).length
      if (limits.members > 0 && (scope.members.get(group)?.length ?? 0) + more > limits.members)
        throw exceeded(`members of group ${group}`, limits.members)
    }
  }

  /** Takes back so many joins of one group, told as one. */
  #drop(scope: Scope, group: string, process: Process, joins: number): void {
    const serials = scope.members.get(group) ?? []
    for (let i = 0; i < joins; i++) removeOne(serials, process.serial)
    if (serials.length === 0) scope.members.delete(group)
    tell(scope, { kind: 'leave', group, pids: Array.from({ length: joins }, () => process.pid) })
  }

  #ended(process: Process): void {
    for (const scope of this.#scopes.values()) {
      const groups = scope.groupsOf.get(process.serial)
      if (groups === undefined) continue
      scope.groupsOf.delete(process.serial)
      for (const group of new Set(groups)) {
        this.#drop(scope, group, process, groups.filter((name) => name === group).length)
      }
    }
  }
}

function checkNames(groups: readonly string[]): void {
  if (groups.length === 0 || groups.includes('')) {
    throw new RuntimeError('Invalid', 'group name required', { retryable: false })
  }
}

function entry<K, V>(map: Map<K, V[]>, key: K): V[] {
  let list = map.get(key)
  if (list === undefined) {
    list = []
    map.set(key, list)
  }
  return list
}

function removeOne<T>(list: T[], item: T): boolean {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
  return at >= 0
}

function tell(scope: Scope, change: GroupChange): void {
  for (const listener of [...scope.listeners]) listener(change)
}
