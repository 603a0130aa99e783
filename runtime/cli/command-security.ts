// `meta.command.security`: the identity a command runs with when a person starts it. Fail-closed: what cannot be resolved
// refuses the start. It means nothing to other spawns of the same process.

import type { Entry } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { isMap } from '../core/value.ts'
import { type Frame, type Host, readSecurity, requireDeclared } from '../index.ts'

/** The frame to start the command with; undefined when it declares none. Throws Invalid and NotFound. */
export function commandFrame(entry: Entry, { policies }: Pick<Host, 'policies'>): Frame | undefined {
  const command = entry.meta['command']
  const security = isMap(command) ? command['security'] : undefined
  if (security === undefined || security === null) return undefined
  const what = `entry ${entry.id}: meta.command.security`
  if (!isMap(command) || typeof command['name'] !== 'string' || command['name'] === '') {
    throw new RuntimeError('Invalid', `${what} needs meta.command.name`)
  }
  const declared = readSecurity(entry, 'meta.command.security', security)
  requireDeclared(declared, policies, what)
  return {
    actor: declared.actor,
    scope: policies.scope(declared.groups, declared.policies),
    context: Object.freeze(Object.create(null)),
    confinement: undefined,
  }
}
