// `meta.command.security`: the identity a command runs with when a person starts it. Fail-closed: what cannot be resolved
// refuses the start. It means nothing to other spawns of the same process.

import type { Entry } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { asList, asMap, asName, field } from '../core/field.ts'
import { emptyMap, isMap } from '../core/value.ts'
import type { Frame, Host } from '../index.ts'

const known = new Set(['actor', 'policies', 'groups'])

/** The frame to start the command with; undefined when it declares none. Throws Invalid and NotFound. */
export function commandFrame(entry: Entry, { policies }: Pick<Host, 'policies'>): Frame | undefined {
  const command = entry.meta['command']
  const security = isMap(command) ? command['security'] : undefined
  if (security === undefined || security === null) return undefined
  const what = `entry ${entry.id}: meta.command.security`
  if (!isMap(command) || typeof command['name'] !== 'string' || command['name'] === '') {
    throw new RuntimeError('Invalid', `${what} needs meta.command.name`)
  }
  const map = asMap(security, what)
  const stranger = Object.keys(map).find((key) => !known.has(key))
  if (stranger !== undefined) throw new RuntimeError('Invalid', `${what}: unknown field ${JSON.stringify(stranger)}`)
  const block: Entry = { ...entry, id: `${entry.id} meta.command.security`, data: map }
  const actor = field(block, 'actor', asMap, undefined)
  const groupIds = field(block, 'groups', asList(asName), [])
  const policyIds = field(block, 'policies', asList(asName), [])
  if (actor === undefined && groupIds.length === 0 && policyIds.length === 0) {
    throw new RuntimeError('Invalid', `${what} is empty: it needs an actor, policies or groups`)
  }
  const who: Entry | undefined = actor && { ...block, id: `${block.id}.actor`, data: actor }
  const id = who && field(who, 'id', asName, undefined)
  if (who !== undefined && id === undefined) throw new RuntimeError('Invalid', `${what}: actor.id is required`)
  for (const policy of policyIds) {
    if (policies.get(policy) === undefined) throw new RuntimeError('NotFound', `${what}: policy ${policy} not found`)
  }
  for (const group of groupIds) {
    if (!policies.hasGroup(group)) throw new RuntimeError('NotFound', `${what}: policy group ${group} not found`)
  }
  return {
    actor: who === undefined || id === undefined ? undefined : { id, meta: field(who, 'meta', asMap, emptyMap()) },
    scope: policies.scope(groupIds, policyIds),
    context: Object.freeze(Object.create(null)),
    confinement: undefined,
  }
}
