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

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    kernel.beforeExit((process) => this.#ended(process))
  }

  /** Joins every group named, all or none. Throws Invalid for an empty name. */
  join(scopeId: string, process: Process, groups: readonly string[]): void {
    checkNames(groups)
    const scope = this.#scope(scopeId)
    for (const group of groups) {
      entry(scope.members, group).push(process.serial)
      entry(scope.groupsOf, process.serial).push(group)
      tell(scope, { kind: 'join', group, pids: [process.pid] })
    }
  }

  /** Takes back one join of each group, all or none. Throws NotFound when the process is not in one of them. */
  leave(scopeId: string, process: Process, groups: readonly string[]): void {
    checkNames(groups)
    const scope = this.#scope(scopeId)
    const joined = [...(scope.groupsOf.get(process.serial) ?? [])]
    for (const group of groups) {
      if (!removeOne(joined, group))
        throw new RuntimeError('NotFound', `not a member of group: ${group}`, { retryable: false })
    }
    if (joined.length === 0) scope.groupsOf.delete(process.serial)
    else scope.groupsOf.set(process.serial, joined)
    for (const group of groups) this.#drop(scope, group, process)
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

  #drop(scope: Scope, group: string, process: Process): void {
    const serials = scope.members.get(group) ?? []
    removeOne(serials, process.serial)
    if (serials.length === 0) scope.members.delete(group)
    tell(scope, { kind: 'leave', group, pids: [process.pid] })
  }

  #ended(process: Process): void {
    for (const scope of this.#scopes.values()) {
      const groups = scope.groupsOf.get(process.serial)
      if (groups === undefined) continue
      scope.groupsOf.delete(process.serial)
      for (const group of groups) this.#drop(scope, group, process)
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
