// A policy: whether somebody may do an action on a resource, as far as one entry has an opinion.

import type { Actor, Effect } from '../core/frame.ts'
import type { ValueMap } from '../core/value.ts'
import { matchesAny } from './pattern.ts'

/** A question to a policy. */
export interface Request {
  readonly actor: Actor
  readonly action: string
  readonly resource: string
  readonly attributes: ValueMap
}

/** What an entry says. A rule is compiled once and asked often. */
export interface Rule {
  readonly effect: 'allow' | 'deny'
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** Asked last, when action and resource fit. A rule that cannot tell says no. */
  readonly holds: (request: Request) => boolean
}

/**
 * A policy as scopes hold it. It stays the same object while its entry is updated, so that a change counts at once, for
 * whoever runs already. Without a rule, its entry being gone, it has no opinion.
 */
export class Policy {
  readonly id: string
  /** Set by `Policies` alone. */
  rule: Rule | undefined

  constructor(id: string, rule: Rule | undefined) {
    this.id = id
    this.rule = rule
  }

  judge(request: Request): Effect {
    const { rule } = this
    if (rule === undefined || !matchesAny(rule.actions, request.action)) return 'undefined'
    return decide(rule, request)
  }
}

/** The opinion of a rule whose action is known to fit. */
export function decide(rule: Rule, request: Request): Effect {
  return matchesAny(rule.resources, request.resource) && rule.holds(request) ? rule.effect : 'undefined'
}
