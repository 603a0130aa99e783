// A scope: a set of policies that decides together. Any deny denies, else any allow allows, else it has no opinion.
// The set never changes, but a group in it stands for whoever belongs to the group at the time of the question.

import type { Actor, Effect, Scope } from '../core/frame.ts'
import { emptyMap, type ValueMap } from '../core/value.ts'
import { matchesAny } from './pattern.ts'
import type { Policies } from './policies.ts'
import { decide, type Policy, type Request, type Rule } from './policy.ts'

export interface ScopeParts {
  /** Where groups are looked up, and changes are noticed. */
  readonly policies: Policies
  readonly groups?: readonly string[]
  readonly extra?: readonly Policy[]
  /** Ids taken out again. */
  readonly without?: ReadonlySet<string>
}

const MAX_ACTIONS = 512
const noAttributes: ValueMap = Object.freeze(emptyMap())

export class PolicyScope implements Scope {
  readonly #parts: ScopeParts
  #generation = -1
  #members: readonly Policy[] = []
  /** Rules by action, denials first: most questions are about few actions. */
  readonly #byAction = new Map<string, readonly Rule[]>()

  constructor(parts: ScopeParts) {
    this.#parts = parts
  }

  evaluate(actor: Actor, action: string, resource: string, attributes: ValueMap = noAttributes): Effect {
    const request: Request = { actor, action, resource, attributes }
    for (const rule of this.#rules(action)) {
      const effect = decide(rule, request)
      // Denials come first, so the first opinion is the answer.
      if (effect !== 'undefined') return effect
    }
    return 'undefined'
  }

  /** The policies in it, by id. */
  policies(): readonly Policy[] {
    this.#refresh()
    return this.#members
  }

  contains(id: string): boolean {
    return this.policies().some((policy) => policy.id === id)
  }

  with(policy: Policy): PolicyScope {
    const { extra = [], without = new Set() } = this.#parts
    const others = extra.filter(({ id }) => id !== policy.id)
    return new PolicyScope({
      ...this.#parts,
      extra: [...others, policy],
      without: new Set([...without].filter((id) => id !== policy.id)),
    })
  }

  without(id: string): PolicyScope {
    const { extra = [], without = [] } = this.#parts
    const others = extra.filter((policy) => policy.id !== id)
    return new PolicyScope({ ...this.#parts, extra: others, without: new Set([...without, id]) })
  }

  /** With these groups and policies too; what was taken out and is among them is in it again. */
  withAll(groups: readonly string[], policies: readonly Policy[]): PolicyScope {
    const { groups: before = [], extra = [], without = [] } = this.#parts
    const added = new PolicyScope({ policies: this.#parts.policies, groups, extra: policies })
    return new PolicyScope({
      ...this.#parts,
      groups: [...before, ...groups],
      extra: [...extra, ...policies],
      without: new Set([...without].filter((id) => !added.contains(id))),
    })
  }

  #rules(action: string): readonly Rule[] {
    this.#refresh()
    const known = this.#byAction.get(action)
    if (known !== undefined) return known
    const rules = this.#members
      .map(({ rule }) => rule)
      .filter((rule) => rule !== undefined)
      .filter((rule) => matchesAny(rule.actions, action))
      .sort((a, b) => Number(b.effect === 'deny') - Number(a.effect === 'deny'))
    if (this.#byAction.size >= MAX_ACTIONS) this.#byAction.clear()
    this.#byAction.set(action, rules)
    return rules
  }

  #refresh(): void {
    const { policies, groups = [], extra = [], without } = this.#parts
    const { generation } = policies
    if (generation === this.#generation) return
    const members = new Map<string, Policy>()
    for (const group of groups) for (const policy of policies.members(group)) members.set(policy.id, policy)
    for (const policy of extra) members.set(policy.id, policy)
    for (const id of without ?? []) members.delete(id)
    this.#members = [...members.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    this.#byAction.clear()
    this.#generation = generation
  }
}
