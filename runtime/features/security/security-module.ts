// The `security` module: who the running code is, what it may do, and the making of identities for others.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Frame } from '../../core/frame.ts'
import { emptyMap } from '../../core/value.ts'
import { type Call, type LuaModule, type LuaObject, list, raise, text } from '../../lua/module.ts'
import type { Guard } from '../../security/guard.ts'
import type { Policies } from '../../security/policies.ts'
import type { TokenStores } from './token-store-kind.ts'
import { attributesOf, type SecurityTypes } from './types.ts'

export interface SecurityModuleDeps {
  readonly guard: Guard
  readonly policies: Policies
  readonly tokenStores: TokenStores
  readonly types: SecurityTypes
}

export const securityModule = ({ guard, policies, tokenStores, types }: SecurityModuleDeps): LuaModule => {
  const { actorType, scopeType, policyType, tokenStoreType } = types
  const mayRaise = ({ frame }: Call, action: string, resource: string, message: string): void => {
    if (!guard.allows(frame, action, resource)) raise(message)
  }
  const mayFail = ({ frame }: Call, action: string, resource: string, message: string): void => {
    if (!guard.allows(frame, action, resource)) throw moduleError('Invalid', message, { details: { action, resource } })
  }
  return {
    name: 'security',
    description: 'Actors, scopes, policies and tokens',
    traits: ['security'],
    open: () => ({
      actor({ frame }) {
        const { actor } = identityOf(frame)
        return actor === undefined ? null : actorType.wrap(actor)
      },
      scope({ frame }) {
        const { scope } = identityOf(frame)
        return scope === undefined ? null : scopeType.wrap(scope)
      },

      /** Stricter than the checks of modules: nobody without actor and scope may do anything. */
      can({ frame }, action, resource, meta) {
        const question = [text(action, 1, 'can'), text(resource, 2, 'can'), attributesOf(meta, 3, 'can')] as const
        const { actor, scope } = identityOf(frame)
        return actor !== undefined && scope !== undefined && guard.wouldAllow(frame, ...question)
      },

      new_actor(call, idArgument, meta) {
        const id = text(idArgument, 1, 'new_actor')
        mayRaise(call, 'security.actor.create', id, `not allowed to create actor with ID: ${id}`)
        return actorType.wrap({ id, meta: attributesOf(meta, 2, 'new_actor') ?? emptyMap() })
      },

      new_scope(call, policyArguments) {
        mayRaise(call, 'security.scope.create', 'custom', 'not allowed to create custom scopes')
        const given =
          policyArguments === undefined || policyArguments === null ? [] : list(policyArguments, 1, 'new_scope')
        return scopeType.wrap(policies.scopeOf(given.map((policy) => policyType.check(policy, 1, 'new_scope'))))
      },

      policy(call, idArgument) {
        const id = text(idArgument, 1, 'policy')
        mayFail(call, 'security.policy.get', id, 'permission denied: access policy')
        return inContext('get policy', () => policyType.wrap(policies.require(id)))
      },

      named_scope(call, idArgument) {
        const id = text(idArgument, 1, 'named_scope')
        mayFail(call, 'security.policy_group.get', id, 'permission denied: access policy group')
        return inContext('get policy group', () => scopeType.wrap(policies.group(id)))
      },

      token_store(call, idArgument) {
        const id = text(idArgument, 1, 'token_store')
        if (id === '') throw moduleError('Invalid', 'token store ID is required')
        mayRaise(call, 'security.token_store.get', id, `not allowed to access token store: ${id}`)
        const store = tokenStores.get(id)
        if (store === undefined)
          throw moduleError('Internal', 'token store not found', { context: ['get token store'] })
        return tokenStoreType.wrap({ store, closed: false })
      },
    }),
  }
}

/** Code made at run time that brings no identity of its own is its confinement's (design/PROMISES.md P8). */
function identityOf({ actor, scope, confinement }: Frame): Pick<Frame, 'actor' | 'scope'> {
  return { actor: actor ?? confinement?.actor, scope: scope ?? confinement?.scope }
}

/** What is missing is Internal here, as in the original. */
function inContext(what: string, find: () => LuaObject<unknown>): LuaObject<unknown> {
  try {
    return find()
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    throw moduleError('Internal', error.message, { context: [what], details: error.details, cause: error })
  }
}
