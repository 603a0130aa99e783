// What Lua holds of the security feature: Actor, Scope, Policy and TokenStore. Other features take actors and scopes by these
// types (`with_actor`, `with_scope`).

import { durationMs } from '../../core/duration.ts'
import { errorText, moduleError, RuntimeError } from '../../core/error.ts'
import type { Actor, Scope } from '../../core/frame.ts'
import { cloneValue, emptyMap, isMap, type ValueMap } from '../../core/value.ts'
import { badArgument, type Call, LuaType, optionalTable, raise, results, table, text } from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import type { Guard } from '../../security/guard.ts'
import type { Policy } from '../../security/policy.ts'
import { PolicyScope } from '../../security/scope.ts'
import type { TokenStore } from '../../security/tokens.ts'

/** A token store as one holder has it: closing it ends this hold, not the store. */
export interface TokenStoreHandle {
  readonly store: TokenStore
  closed: boolean
}

export interface SecurityTypes {
  readonly actorType: LuaType<Actor>
  readonly scopeType: LuaType<Scope>
  readonly policyType: LuaType<Policy>
  readonly tokenStoreType: LuaType<TokenStoreHandle>
}

export interface SecurityTypesDeps {
  readonly guard: Guard
}

/** Made once per runtime: methods ask the guard for themselves. */
export function securityTypes({ guard }: SecurityTypesDeps): SecurityTypes {
  const actorType = new LuaType<Actor>({
    name: 'security.Actor',
    methods: {
      id: (_, self) => self.id,
      meta: (_, self) => cloneValue(self.meta),
    },
    tostring: ({ id }) => `security.Actor{id=${id}}`,
    equals: (a, b) => a === b,
  })

  const policyType = new LuaType<Policy>({
    name: 'security.Policy',
    methods: {
      id: (_, self) => self.id,
      evaluate(_, self, actor, action, resource, meta) {
        return self.judge({
          actor: actorType.check(actor, 1, 'evaluate'),
          action: text(action, 2, 'evaluate'),
          resource: text(resource, 3, 'evaluate'),
          attributes: attributesOf(meta, 4, 'evaluate') ?? emptyMap(),
        })
      },
    },
    tostring: ({ id }) => `security.Policy{id=${id}}`,
    equals: (a, b) => a === b,
  })

  const mayChangeScope = ({ frame }: Call, how: 'with' | 'without'): void => {
    if (!guard.allows(frame, 'security.scope.create', how)) raise(`not allowed to create custom scopes: ${how}`)
  }

  const scopeType: LuaType<Scope> = new LuaType<Scope>({
    name: 'security.Scope',
    methods: {
      with(call, self, policy) {
        mayChangeScope(call, 'with')
        return scopeType.wrap(ofPolicies(self).with(policyType.check(policy, 1, 'with')))
      },
      without(call, self, policy) {
        mayChangeScope(call, 'without')
        return scopeType.wrap(ofPolicies(self).without(policyId(policy, 1, 'without')))
      },
      evaluate(_, self, actor, action, resource, meta) {
        return self.evaluate(
          actorType.check(actor, 1, 'evaluate'),
          text(action, 2, 'evaluate'),
          text(resource, 3, 'evaluate'),
          attributesOf(meta, 4, 'evaluate'),
        )
      },
      contains: (_, self, policy) => ofPolicies(self).contains(policyId(policy, 1, 'contains')),
      policies: (_, self) =>
        ofPolicies(self)
          .policies()
          .map((policy) => policyType.wrap(policy)),
    },
    tostring: (self) =>
      self instanceof PolicyScope ? `security.Scope{policies=${self.policies().length}}` : 'security.Scope{host}',
    equals: (a, b) => a === b,
  })

  /** The id of a policy given as text, `{ns, name}` or itself. */
  function policyId(argument: unknown, position: number, name: string): string {
    if (policyType.is(argument)) return argument.value.id
    if (typeof argument === 'string') return argument
    if (isMap(argument) && typeof argument['ns'] === 'string' && typeof argument['name'] === 'string') {
      return `${argument['ns']}:${argument['name']}`
    }
    return badArgument(position, name, 'policy or policy id', argument)
  }

  const may = ({ frame }: Call, { store, closed }: TokenStoreHandle, what: 'create' | 'validate' | 'revoke'): void => {
    if (closed) throw moduleError('Internal', 'token store is closed')
    if (!guard.allows(frame, `security.token.${what}`, store.id)) {
      throw moduleError('Invalid', `permission denied: ${what} token`, { details: { store: store.id } })
    }
  }

  const tokenStoreType = new LuaType<TokenStoreHandle>({
    name: 'security.TokenStore',
    methods: {
      async create(call, self, actorArgument, scopeArgument, optionsArgument) {
        const actor = actorType.check(actorArgument, 1, 'create')
        const scope = scopeType.check(scopeArgument, 2, 'create')
        const options = optionalTable(optionsArgument, 3, 'create') ?? {}
        may(call, self, 'create')
        const expirationMs = expiration(options['expiration'])
        const meta = attributesOf(options['meta'], 3, 'create')
        return failing('create token', self.store.create({ actor, scope }, { expirationMs, meta }))
      },
      async validate(call, self, token) {
        const given = text(token, 1, 'validate')
        try {
          may(call, self, 'validate')
          const { actor, scope } = await failing('validate token', self.store.validate(given))
          return results(actorType.wrap(actor), scopeType.wrap(scope), null)
        } catch (error) {
          if (error instanceof RuntimeError) return results(null, null, error)
          throw error
        }
      },
      async revoke(call, self, token) {
        const given = text(token, 1, 'revoke')
        may(call, self, 'revoke')
        await failing('revoke token', self.store.revoke(given))
        return true
      },
      close(_, self) {
        self.closed = true
        return true
      },
    },
    tostring: ({ store }) => `security.TokenStore{id=${store.id}}`,
  })

  return { actorType, scopeType, policyType, tokenStoreType }
}

/** A scope of the host's own making can be asked and passed on, not taken apart. */
function ofPolicies(scope: Scope): PolicyScope {
  return scope instanceof PolicyScope ? scope : raise('scope is not made of policies')
}

/** Attributes of a check, plain; undefined when none were given. */
export function attributesOf(argument: unknown, position: number, name: string): ValueMap | undefined {
  if (argument === undefined || argument === null) return undefined
  const value = plainValue(table(argument, position, name))
  return isMap(value) ? value : undefined
}

/** A Go duration or milliseconds. */
function expiration(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  try {
    const ms = typeof value === 'number' ? value : durationMs(value, 'expiration')
    if (ms > 0 && Number.isFinite(ms)) return ms
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
  }
  throw moduleError('Invalid', `invalid expiration: ${String(value)}`)
}

/** Token failures are Internal in the original, whatever the reason; the message says which. */
async function failing<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw moduleError('Internal', errorText(error), { context: [what], cause: error })
  }
}
