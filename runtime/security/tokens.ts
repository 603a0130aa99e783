// Tokens: an actor and a scope behind a random text, kept in a key-value store. The store sees a hash of the token, so that
// who reads it cannot act with it. The scope is kept as policy ids and made anew from the policies there are at the time.

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { RuntimeError } from '../core/error.ts'
import type { Actor, Scope } from '../core/frame.ts'
import { emptyMap, isMap, type Value, type ValueMap } from '../core/value.ts'
import type { Policies } from './policies.ts'
import { PolicyScope } from './scope.ts'

/** What a key-value store must do to keep tokens. */
export interface TokenStorage {
  get(key: string): Value | undefined | Promise<Value | undefined>
  set(key: string, value: Value, ttlMs: number): void | Promise<void>
  /** True when there was something. */
  delete(key: string): boolean | Promise<boolean>
}

export interface TokenStoreOptions {
  readonly id: string
  readonly storage: TokenStorage
  readonly policies: Policies
  readonly clock: Clock
  readonly tokenBytes: number
  readonly defaultExpirationMs: number
  /** Signs tokens: a forged one is refused without asking the storage. */
  readonly key?: string | undefined
}

export interface TokenOptions {
  readonly expirationMs?: number | undefined
  readonly meta?: ValueMap | undefined
}

export interface Identity {
  readonly actor: Actor
  readonly scope: Scope
}

export class TokenStore {
  readonly id: string
  readonly #options: TokenStoreOptions

  constructor(options: TokenStoreOptions) {
    this.id = options.id
    this.#options = options
  }

  /** A new token for this identity. */
  async create({ actor, scope }: Identity, { expirationMs, meta }: TokenOptions = {}): Promise<string> {
    if (!(scope instanceof PolicyScope)) throw new RuntimeError('Invalid', 'scope is not made of policies')
    const { storage, tokenBytes, defaultExpirationMs } = this.#options
    const token = urlBase64(randomBytes(tokenBytes))
    const ttl = expirationMs ?? defaultExpirationMs
    if (!(ttl > 0)) throw new RuntimeError('Invalid', `expiration ${ttl} is not a positive duration`)
    const created = this.#now()
    const record = {
      actor: { id: actor.id, meta: actor.meta },
      policies: scope.policies().map(({ id }) => id),
      created,
      expires: created + ttl,
      meta: meta ?? emptyMap(),
    }
    await storage.set(keyOf(token), record, ttl)
    return this.#signed(token)
  }

  /** Who a token stands for. Throws NotFound for one that is unknown, revoked or expired, Invalid for a forged one. */
  async validate(signed: string): Promise<Identity> {
    const { storage, policies } = this.#options
    const record = (await storage.get(keyOf(this.#unsigned(signed)))) ?? null
    const identity = this.#identity(record)
    if (identity === undefined) throw notFound()
    const found = identity.policies.map((id) => policies.get(id)).filter((policy) => policy !== undefined)
    return { actor: identity.actor, scope: policies.scopeOf(found) }
  }

  /** Makes a token worthless. Throws as `validate` does. */
  async revoke(signed: string): Promise<void> {
    if (!(await this.#options.storage.delete(keyOf(this.#unsigned(signed))))) throw notFound()
  }

  #identity(record: Value): { actor: Actor; policies: string[] } | undefined {
    if (!isMap(record) || !isMap(record['actor'])) return undefined
    const { id, meta } = record['actor']
    const { expires, policies } = record
    if (typeof id !== 'string' || !Array.isArray(policies)) return undefined
    // The storage drops what is old in its own time; this is exact.
    if (typeof expires !== 'number' || this.#now() >= expires) return undefined
    const ids = policies.filter((policy): policy is string => typeof policy === 'string')
    return { actor: { id, meta: isMap(meta) ? meta : emptyMap() }, policies: ids }
  }

  #signed(token: string): string {
    const { key } = this.#options
    return key === undefined ? token : `${token}.${signature(token, key)}`
  }

  #unsigned(signed: string): string {
    const { key } = this.#options
    const [token = '', given, ...more] = signed.split('.')
    if (token === '' || more.length > 0 || (given === undefined) !== (key === undefined)) throw badFormat()
    if (!/^[A-Za-z0-9_-]+={0,2}$/.test(token)) throw badFormat()
    if (key !== undefined && given !== undefined && !sameText(given, signature(token, key))) throw badFormat()
    return token
  }

  #now(): number {
    return Number(this.#options.clock.wallNanos() / 1_000_000n)
  }
}

function keyOf(token: string): string {
  return `token:${createHash('sha256').update(token).digest('hex')}`
}

function signature(token: string, key: string): string {
  return urlBase64(createHmac('sha256', key).update(token).digest())
}

/** URL-safe base64 with padding. */
function urlBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** Takes the same time wherever the texts differ. */
function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}

function badFormat(): RuntimeError {
  return new RuntimeError('Invalid', 'invalid token format', { retryable: false })
}

function notFound(): RuntimeError {
  return new RuntimeError('NotFound', 'token not found', { retryable: false })
}
