// What a `security` block of an entry says, wherever it stands: an identity, and the policies that go with it.

import type { Entry } from './entry.ts'
import { asList, asMap, asName, field } from './field.ts'
import type { Actor } from './frame.ts'
import { emptyMap } from './value.ts'

export interface SecurityBlock {
  readonly actor: Actor | undefined
  /** Full ids. */
  readonly groups: readonly string[]
  readonly policies: readonly string[]
}

/** Reads the block that is the data of `block`, whose id names it in errors. An actor without an id has an empty one. */
export function readSecurityBlock(block: Entry): SecurityBlock {
  const actor = field(block, 'actor', asMap, undefined)
  const who = actor && { ...block, id: `${block.id}.actor`, data: actor }
  return {
    actor: who && { id: field(who, 'id', asName, ''), meta: field(who, 'meta', asMap, emptyMap()) },
    groups: field(block, 'groups', asList(asName), []),
    policies: field(block, 'policies', asList(asName), []),
  }
}
