// All policies of a runtime, by id and by group. Scopes refer to what is here, so that a change counts at once.

import type { Origin } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { Policy } from './policy.ts'
import type { PolicyConfig } from './policy-entry.ts'
import { PolicyScope } from './scope.ts'

/** The group that widens what code made at run time may do (design/DECISIONS.md). */
export const GENERATED_GROUP = 'wippy:generated'

export class Policies {
  /** Every policy there ever was: who holds one that is gone gets it back when its entry returns. */
  readonly #policies = new Map<string, Policy>()
  readonly #groupsOf = new Map<string, readonly string[]>()
  readonly #groups = new Map<string, Set<Policy>>()
  #generation = 0

  /** Grows with every change: what was worked out before may be old. */
  get generation(): number {
    return this.#generation
  }

  /** Adds a policy, or gives the one of this id another rule and other groups. */
  set(id: string, { rule, groups }: PolicyConfig, origin: Origin): void {
    const policy = this.#policies.get(id) ?? new Policy(id, undefined)
    this.#leaveGroups(policy)
    policy.rule = rule
    this.#policies.set(id, policy)
    this.#groupsOf.set(id, groups)
    for (const group of groups) {
      if (group === GENERATED_GROUP && rule.effect === 'allow' && origin === 'runtime') continue
      const members = this.#groups.get(group) ?? new Set()
      this.#groups.set(group, members.add(policy))
    }
    this.#generation++
  }

  delete(id: string): void {
    const policy = this.get(id)
    if (policy === undefined) return
    this.#leaveGroups(policy)
    policy.rule = undefined
    this.#generation++
  }

  get(id: string): Policy | undefined {
    const policy = this.#policies.get(id)
    return policy?.rule === undefined ? undefined : policy
  }

  /** Throws NotFound. */
  require(id: string): Policy {
    const policy = this.get(id)
    if (policy === undefined)
      throw new RuntimeError('NotFound', 'policy not found', { retryable: false, details: { id } })
    return policy
  }

  /** The policies of a group right now; none for a group that is not there. */
  members(group: string): Iterable<Policy> {
    return this.#groups.get(group) ?? []
  }

  /** A group exists while a policy belongs to it. */
  hasGroup(group: string): boolean {
    return this.#groups.has(group)
  }

  /** The scope of a group: it follows the group as policies join and leave. Throws NotFound. */
  group(id: string): PolicyScope {
    if (!this.hasGroup(id)) {
      throw new RuntimeError('NotFound', 'policy group not found', { retryable: false, details: { id } })
    }
    return new PolicyScope({ policies: this, groups: [id] })
  }

  /** A scope of exactly these policies. */
  scopeOf(policies: readonly Policy[]): PolicyScope {
    return new PolicyScope({ policies: this, extra: policies })
  }

  /** A scope of these policies and groups; those that are not there are skipped, as a service's identity wants it. */
  scope(groups: readonly string[], policies: readonly string[]): PolicyScope | undefined {
    const foundGroups = groups.filter((id) => this.hasGroup(id))
    const found = policies.map((id) => this.get(id)).filter((policy) => policy !== undefined)
    if (foundGroups.length === 0 && found.length === 0) return undefined
    return new PolicyScope({ policies: this, groups: foundGroups, extra: found })
  }

  #leaveGroups(policy: Policy): void {
    for (const group of this.#groupsOf.get(policy.id) ?? []) {
      const members = this.#groups.get(group)
      members?.delete(policy)
      if (members?.size === 0) this.#groups.delete(group)
    }
    this.#groupsOf.delete(policy.id)
  }
}
