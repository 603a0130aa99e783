// The kind `security.token_store`: tokens kept in a key-value store of the app.

import type { Clock } from '../../core/clock.ts'
import type { Entry } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import { asCount, asDuration, asName, field, notA, requiredField } from '../../core/field.ts'
import { parseId, resolveId } from '../../core/id.ts'
import type { Kind } from '../../registry/kind.ts'
import type { Policies } from '../../security/policies.ts'
import { type TokenStorage, TokenStore } from '../../security/tokens.ts'

export interface TokenStoreConfig {
  readonly store: string
  readonly tokenBytes: number
  readonly defaultExpirationMs: number
  readonly key: string | undefined
  /** Environment variable that holds the key. */
  readonly keyVariable: string | undefined
}

/** The token stores of a runtime, by id. */
export class TokenStores {
  readonly #stores = new Map<string, TokenStore>()

  add(store: TokenStore): () => void {
    this.#stores.set(store.id, store)
    return () => {
      if (this.#stores.get(store.id) === store) this.#stores.delete(store.id)
    }
  }

  get(id: string): TokenStore | undefined {
    return this.#stores.get(id)
  }
}

export interface TokenStoreKindDeps {
  readonly tokenStores: TokenStores
  readonly policies: Policies
  readonly clock: Clock
  /** The key-value store of this id. Throws NotFound. */
  readonly storage: (id: string) => TokenStorage
  /** The value of an environment variable, by name or id; undefined when it has none. */
  readonly variable: (name: string, ns: string) => string | undefined | Promise<string | undefined>
}

export const tokenStoreKind = (deps: TokenStoreKindDeps): Kind<TokenStoreConfig> => ({
  kind: 'security.token_store',
  decode: decodeTokenStore,
  needs: ({ store, keyVariable }) => (keyVariable?.includes(':') === true ? [store, keyVariable] : [store]),
  async open(entry, config) {
    const { tokenStores, policies, clock } = deps
    const { tokenBytes, defaultExpirationMs } = config
    const storage = deps.storage(config.store)
    const key = await signingKey(entry, config, deps)
    const options = { id: entry.id, storage, policies, clock, tokenBytes, defaultExpirationMs, key }
    return { close: tokenStores.add(new TokenStore(options)) }
  },
})

function decodeTokenStore(entry: Entry): TokenStoreConfig {
  const { ns } = parseId(entry.id)
  const tokenBytes = field(entry, 'token_length', asCount, 32)
  // Below 16 bytes a token can be guessed.
  if (tokenBytes < 16 || tokenBytes > 1024) throw notA(`entry ${entry.id}: token_length`, tokenBytes, 'from 16 to 1024')
  return {
    store: resolveId(requiredField(entry, 'store', asName), ns),
    tokenBytes,
    defaultExpirationMs: field(entry, 'default_expiration', asDuration, 24 * 3_600_000),
    key: field(entry, 'token_key', asName, undefined),
    keyVariable: field(entry, 'token_key_env', asName, undefined),
  }
}

async function signingKey(
  { id }: Entry,
  { key, keyVariable }: TokenStoreConfig,
  { variable }: TokenStoreKindDeps,
): Promise<string | undefined> {
  if (keyVariable === undefined) return key
  const value = await variable(keyVariable, parseId(id).ns)
  if (value === undefined || value === '') {
    // Unsigned tokens would be a silent weakening of what the entry asks for.
    throw new RuntimeError('NotFound', `entry ${id}: token_key_env ${JSON.stringify(keyVariable)} has no value`)
  }
  return value
}
