// What the entries `security.policy` and `security.policy.expr` say, as a rule and the groups it belongs to.

import type { Entry } from '../core/entry.ts'
import { asList, asMap, asName, field, notA, requiredField } from '../core/field.ts'
import { parseId, resolveId } from '../core/id.ts'
import type { Value, ValueMap } from '../core/value.ts'
import { compileConditions } from './condition.ts'
import type { Request, Rule } from './policy.ts'

export interface PolicyConfig {
  readonly rule: Rule
  /** Full ids of groups. */
  readonly groups: readonly string[]
}

/** `policy: {actions, resources, effect, conditions}`. */
export function decodePolicy(entry: Entry): PolicyConfig {
  return decode(entry, (policy, what) => {
    const conditions = policy['conditions'] ?? null
    return conditions === null ? () => true : compileConditions(conditions, `${what}.conditions`)
  })
}

/** `policy: {actions, resources, effect, expression}`; a failing expression means that the policy has no opinion. */
export function decodeExpressionPolicy(
  entry: Entry,
  compile: (text: string) => (environment: Readonly<Record<string, unknown>>) => unknown,
): PolicyConfig {
  return decode(entry, (policy, what) => {
    const holds = compile(asName(policy['expression'] ?? null, `${what}.expression`))
    return ({ actor, action, resource, attributes }: Request) => {
      try {
        return holds({ actor: { id: actor.id, meta: actor.meta }, action, resource, meta: attributes }) === true
      } catch {
        // A missing field or a wrong type in the request: no opinion, by the rules of the spec.
        return false
      }
    }
  })
}

function decode(entry: Entry, condition: (policy: ValueMap, what: string) => Rule['holds']): PolicyConfig {
  const policy = requiredField(entry, 'policy', asMap)
  const what = `entry ${entry.id}: policy`
  const effect = policy['effect'] ?? null
  if (effect !== 'allow' && effect !== 'deny') throw notA(`${what}.effect`, effect, '"allow" or "deny"')
  const rule = {
    effect,
    actions: patterns(policy['actions'] ?? null, `${what}.actions`),
    resources: patterns(policy['resources'] ?? null, `${what}.resources`),
    holds: condition(policy, what),
  } as const
  return { rule, groups: groupsOf(entry) }
}

/** A text or a list of texts, none of them empty. */
function patterns(value: Value, what: string): string[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0 || !list.every((item) => typeof item === 'string' && item !== '')) {
    throw notA(what, value, 'a non-empty string or a list of them')
  }
  return list as string[] // every item was looked at
}

/** A bare name is a group of the policy's own namespace. */
function groupsOf(entry: Entry): string[] {
  const { ns } = parseId(entry.id)
  return field(entry, 'groups', asList(asName), []).map((group) => resolveId(group, ns))
}
