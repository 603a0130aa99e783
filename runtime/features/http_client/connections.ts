// The sockets of http_client, pooled by what their users may reach. An address is judged where the connection is made, on the
// very addresses that are then dialled: no second DNS answer, redirect or pooled socket comes past it.

import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { buildConnector, Dispatcher, Undici } from '../../external/undici.ts'
import { isPublicAddress } from './addresses.ts'

/** Private addresses a caller was allowed, or `any` for a caller that nothing restricts. */
export type Access = 'any' | readonly string[]

/** TLS settings of one request; such a request has a connection of its own. */
export interface TlsSettings {
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly ca?: string | undefined
  readonly serverName?: string | undefined
  readonly insecure: boolean
}

/** The host resolves to private addresses beyond the access of this connection. They are all named, so that policy can decide. */
export class PrivateAddressError extends Error {
  readonly addresses: readonly string[]
  constructor(addresses: readonly string[]) {
    super(`private address ${addresses.join(', ')}`)
    this.addresses = addresses
  }
}

export interface Route {
  readonly access: Access
  readonly tls?: TlsSettings | undefined
  readonly unixSocket?: string | undefined
  readonly proxy?: string | undefined
  /** Name in the certificate when the origin is an address (a checked host behind a proxy). */
  readonly serverName?: string | undefined
}

export interface Connection {
  readonly dispatcher: Dispatcher
  /** Ends a connection that is not pooled; to be called when its answer has been read. */
  release(): void
}

export type Lookup = (
  host: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const CONNECT_TIMEOUT = 30_000
const MAX_HEADERS = 64 * 1024
/** Pools besides the two common ones come and go with hosts and permissions. */
const MAX_POOLS = 64

export class Connections {
  readonly #undici: Undici
  readonly #lookup: Lookup
  /** Least recently used first. */
  readonly #pools = new Map<string, Dispatcher>()
  #closed = false

  constructor(undici: Undici, lookup: Lookup = systemLookup) {
    this.#undici = undici
    this.#lookup = lookup
  }

  /** A way to make requests along a route. */
  take(route: Route): Connection {
    if (this.#closed) throw new Error('http_client is closed')
    const { tls, unixSocket, proxy, serverName } = route
    if (tls !== undefined || unixSocket !== undefined) {
      const dispatcher = this.#make(route)
      return { dispatcher, release: () => void dispatcher.close().catch(() => {}) }
    }
    const access = route.access === 'any' ? 'any' : `only ${[...route.access].sort().join(' ')}`
    const key = JSON.stringify([access, proxy, serverName])
    const pool = this.#pools.get(key) ?? this.#make(route)
    this.#pools.delete(key)
    this.#pools.set(key, pool)
    this.#evict()
    return { dispatcher: pool, release: () => {} }
  }

  /** The addresses of a host as `route.access` may dial them; rejects with PrivateAddressError. For hosts behind a proxy. */
  resolve(host: string, access: Access): Promise<string> {
    if (isIP(host) !== 0) {
      return mayDial(host, access) ? Promise.resolve(host) : Promise.reject(new PrivateAddressError([host]))
    }
    return new Promise((resolve, reject) => {
      this.#guardedLookup(access)(host, { all: true }, (error, addresses) => {
        const first = Array.isArray(addresses) ? addresses[0] : undefined
        if (error !== null || first === undefined) reject(error ?? new Error(`no address for ${host}`))
        else resolve(first.address)
      })
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
    this.#pools.clear()
  }

  #evict(): void {
    for (const [key, pool] of this.#pools) {
      if (this.#pools.size <= MAX_POOLS) return
      this.#pools.delete(key)
      // Requests under way on it are finished first.
      pool.close().catch(() => {})
    }
  }

  #make(route: Route): Dispatcher {
    const { Agent, ProxyAgent } = this.#undici
    // Deadlines are those of the request, kept by the client.
    const options = { headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: MAX_HEADERS }
    const tls = tlsOptions(route.tls, route.serverName)
    if (route.proxy !== undefined) {
      // The proxy is the operator's choice, so its own address needs no permission; what lies behind it was checked by `resolve`.
      const timeout = CONNECT_TIMEOUT
      return new ProxyAgent({ ...options, uri: route.proxy, proxyTunnel: false, requestTls: { timeout, ...tls } })
    }
    const settings = { timeout: CONNECT_TIMEOUT, ...tls, lookup: this.#guardedLookup(route.access) }
    if (route.unixSocket !== undefined)
      return new Agent({ ...options, connect: { ...settings, socketPath: route.unixSocket } })
    return new Agent({ ...options, connect: guardLiterals(this.#undici.buildConnector(settings), route.access) })
  }

  /** A DNS lookup that fails on any address the caller may not dial: one private record among public ones is enough. */
  #guardedLookup(access: Access): LookupFunction {
    return (host, options, done) => {
      this.#lookup(host, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return done(error, [])
        const refused = addresses.map(({ address }) => address).filter((address) => !mayDial(address, access))
        if (refused.length > 0) return done(new PrivateAddressError(refused), [])
        const [first] = addresses
        if (options.all === true) done(null, addresses)
        else if (first === undefined)
          done(Object.assign(new Error(`no address for ${host}`), { code: 'ENOTFOUND' }), [])
        else done(null, first.address, first.family)
      })
    }
  }
}

/** An address written in the URL is dialled without a lookup, so it is judged here. */
function guardLiterals(connect: buildConnector.connector, access: Access): buildConnector.connector {
  return (options, done) => {
    const host = options.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && !mayDial(host, access)) done(new PrivateAddressError([host]), null)
    else connect(options, done)
  }
}

function mayDial(address: string, access: Access): boolean {
  return access === 'any' || access.includes(address) || isPublicAddress(address)
}

function tlsOptions(tls: TlsSettings | undefined, serverName: string | undefined) {
  const servername = tls?.serverName ?? serverName
  return {
    ...(tls?.cert === undefined ? {} : { cert: tls.cert, key: tls.key }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(servername === undefined ? {} : { servername }),
    ...(tls?.insecure === true ? { rejectUnauthorized: false } : {}),
  }
}
