// The `security` block of a function or process: who its code is and what it may do, whoever runs it (official docs,
// "Declaring Security on Entries"). Fail-closed: what cannot be resolved refuses the call or the spawn.

import type { Entry } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { asMap, field } from '../core/field.ts'
import type { Frame } from '../core/frame.ts'
import { readSecurityBlock, type SecurityBlock } from '../core/security-block.ts'
import type { Policies } from './policies.ts'
import { PolicyScope } from './scope.ts'

const known = new Set(['actor', 'policies', 'groups'])

/** The block of an entry; undefined when it has none. Throws Invalid for one that is empty or says anything else. */
export function decodeSecurity(entry: Entry): SecurityBlock | undefined {
  const map = field(entry, 'security', asMap, undefined)
  return map === undefined ? undefined : readSecurity(entry, 'security', map)
}

/** As `decodeSecurity`, of a block found elsewhere in the entry; `path` names it in errors. */
export function readSecurity(entry: Entry, path: string, map: Entry['data']): SecurityBlock {
  const what = `entry ${entry.id}: ${path}`
  const stranger = Object.keys(asMap(map, what)).find((key) => !known.has(key))
  if (stranger !== undefined) throw invalid(`${what}: unknown field ${JSON.stringify(stranger)}`)
  const block = readSecurityBlock({ ...entry, id: `${entry.id} ${path}`, data: map })
  const { actor, groups, policies } = block
  if (actor === undefined && groups.length === 0 && policies.length === 0) {
    throw invalid(`${what} is empty: it needs an actor, policies or groups`)
  }
  if (actor?.id === '') throw invalid(`${what}: actor.id is required`)
  return block
}

/** Throws NotFound for the first policy or group that is not there. `what` begins the error. */
export function requireDeclared({ groups, policies }: SecurityBlock, all: Policies, what: string): void {
  for (const id of policies) if (all.get(id) === undefined) throw notFound(`${what}: policy ${id} not found`)
  for (const id of groups) if (!all.hasGroup(id)) throw notFound(`${what}: policy group ${id} not found`)
}

/**
 * Lays the block of entry `id` over frames of callers: its actor takes the place of theirs, its policies and groups are added. The same frame gives the same answer until policies change, for frames are
 * told apart by who they are. Throws NotFound.
 */
export function securer(id: string, declared: SecurityBlock, all: Policies): (frame: Frame) => Frame {
  let generation = -1
  let made = new WeakMap<Frame, Frame>()
  return (frame) => {
    if (generation !== all.generation) {
      requireDeclared(declared, all, `entry ${id}: security`)
      generation = all.generation
      made = new WeakMap()
    }
    let secured = made.get(frame)
    if (secured === undefined) {
      secured = Object.freeze({
        ...frame,
        actor: declared.actor ?? frame.actor,
        scope: scopeWith(frame, declared, all),
      })
      made.set(frame, secured)
    }
    return secured
  }
}

function scopeWith({ scope }: Frame, { groups, policies }: SecurityBlock, all: Policies): Frame['scope'] {
  if (groups.length === 0 && policies.length === 0) return scope
  const inherited = scope instanceof PolicyScope ? scope : new PolicyScope({ policies: all })
  return inherited.withAll(
    groups,
    policies.map((id) => all.require(id)),
  )
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('Invalid', message, { retryable: false })
}

function notFound(message: string): RuntimeError {
  return new RuntimeError('NotFound', message, { retryable: false })
}
