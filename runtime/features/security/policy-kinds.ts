// The kinds `security.policy` and `security.policy.expr`: a change counts at once, for those who run already too.

import type { Entry } from '../../core/entry.ts'
import type { AnyKind, Kind } from '../../registry/kind.ts'
import type { Policies } from '../../security/policies.ts'
import { decodeExpressionPolicy, decodePolicy, type PolicyConfig } from '../../security/policy-entry.ts'

export interface PolicyKindsDeps {
  readonly policies: Policies
  /** Compiles a boolean expression over `actor`, `action`, `resource` and `meta`. Throws when it cannot be one. */
  readonly compileExpression: (text: string) => (environment: Readonly<Record<string, unknown>>) => unknown
}

export const policyKinds = ({ policies, compileExpression }: PolicyKindsDeps): AnyKind[] => [
  policyKind('security.policy', policies, decodePolicy),
  policyKind('security.policy.expr', policies, (entry) => decodeExpressionPolicy(entry, compileExpression)),
]

function policyKind(kind: string, policies: Policies, decode: (entry: Entry) => PolicyConfig): Kind<PolicyConfig> {
  return {
    kind,
    decode,
    open({ id }, config, { origin }) {
      policies.set(id, config, origin)
      return {
        update: (_, changed, opening) => policies.set(id, changed, opening.origin),
        close: () => policies.delete(id),
      }
    },
  }
}
