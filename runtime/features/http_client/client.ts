// Carries out a request plan: permission and address for every hop, redirects, decompression, deadlines. Knows no Lua.

import { isIP } from 'node:net'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Clock } from '../../core/clock.ts'
import { moduleError } from '../../core/error.ts'
import type { Frame } from '../../core/frame.ts'
import { type Proxies, proxyFor } from '../../external/proxies.ts'
import { canonicalHeader, loadUndici } from '../../external/undici.ts'
import type { Guard } from '../../security/guard.ts'
import { isPublicAddress } from './addresses.ts'
import {
  type Access,
  type Connection,
  Connections,
  type Lookup,
  PrivateAddressError,
  type Route,
} from './connections.ts'
import { Exchange } from './exchange.ts'
import type { RequestPlan } from './options.ts'
import { hostOf, placeOf, requestUrl, shownUrl } from './urls.ts'

export interface HttpClientDeps {
  readonly guard: Guard
  readonly clock: Clock
  /** Proxies are the host's business: none unless it says so. */
  readonly proxies?: Proxies | undefined
  readonly lookup?: Lookup | undefined
}

/** An answer whose body has not been read. Whoever holds it reads it to its end or destroys it. */
export interface HttpAnswer {
  readonly status: number
  readonly url: string
  /** In the order they came, under Go's names. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Readable
  readonly exchange: Exchange
}

const MAX_REDIRECTS = 10
/** A host may change its DNS answer between our question to policy and the dial, but not for ever. */
const MAX_ADDRESS_ROUNDS = 4

interface Hop {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

interface RoutedHop {
  readonly origin: string
  readonly headers: Readonly<Record<string, string>>
  readonly route: Route
}

export class HttpClient {
  readonly #deps: HttpClientDeps
  #connections: Promise<Connections> | undefined

  constructor(deps: HttpClientDeps) {
    this.#deps = deps
  }

  /** Follows redirects to the final answer. Rejects with a RuntimeError. */
  async send(plan: RequestPlan, frame: Frame, signal: AbortSignal): Promise<HttpAnswer> {
    this.#authorizeRoute(plan, frame)
    const exchange = new Exchange(this.#deps.clock, plan.timeoutMs, signal, `${plan.method} ${placeOf(plan.url)}`)
    try {
      let hop: Hop = plan
      for (let redirects = 0; ; redirects++) {
        this.#authorizeUrl(frame, hop, redirects === 0 ? plan.resource : shownUrl(hop.url), plan.tls?.insecure === true)
        const answer = await this.#follow(plan, hop, frame, exchange)
        const next = redirect(hop, answer)
        if (next === undefined) return answer
        discard(answer.body)
        if (redirects === MAX_REDIRECTS) throw moduleError('Internal', `stopped after ${MAX_REDIRECTS} redirects`)
        hop = next
        exchange.moved(`${hop.method} ${placeOf(hop.url)}`)
      }
    } catch (error) {
      throw exchange.fail(error)
    }
  }

  async close(): Promise<void> {
    await (await this.#connections)?.close()
  }

  #authorizeRoute(plan: RequestPlan, frame: Frame): void {
    const { guard } = this.#deps
    if (plan.unixSocket !== undefined && !guard.allows(frame, 'http_client.unix_socket', plan.unixSocket)) {
      throw denied(`unix socket ${plan.unixSocket}`)
    }
    if (plan.network === undefined) return
    if (!guard.allows(frame, 'network.select', plan.network)) throw denied(`network ${plan.network}`)
    throw moduleError('NotFound', `overlay network ${plan.network} not found`)
  }

  #authorizeUrl(frame: Frame, hop: Hop, resource: string, insecure: boolean): void {
    const { guard } = this.#deps
    const alias = hop.headers['Host']
    if (alias !== undefined && !guard.unrestricted(frame)) {
      // A server that hosts many names answers for the one in the header: that one must be allowed too.
      const behind = shownUrl(requestUrl(`${hop.url.protocol}//${alias}${hop.url.pathname}${hop.url.search}`))
      if (!guard.allows(frame, 'http_client.request', behind)) throw denied(behind)
    }
    if (!guard.allows(frame, 'http_client.request', resource)) throw denied(resource)
    if (insecure && !guard.allows(frame, 'http_client.insecure_tls', resource)) throw denied(`insecure TLS ${resource}`)
  }

  /** One hop. A private address is met only when it is about to be dialled; then policy is asked and the hop made again. */
  async #follow(plan: RequestPlan, hop: Hop, frame: Frame, exchange: Exchange): Promise<HttpAnswer> {
    const free = plan.unixSocket !== undefined || this.#deps.guard.unrestricted(frame)
    const host = hostOf(hop.url)
    let access: Access = free ? 'any' : isIP(host) !== 0 && !isPublicAddress(host) ? this.#permit(frame, [host]) : []
    for (let round = 1; ; round++) {
      try {
        return await this.#dispatch(plan, hop, access, exchange)
      } catch (error) {
        if (!(error instanceof PrivateAddressError) || access === 'any' || round === MAX_ADDRESS_ROUNDS) throw error
        access = [...access, ...this.#permit(frame, error.addresses)]
      }
    }
  }

  #permit(frame: Frame, addresses: readonly string[]): readonly string[] {
    for (const address of addresses) {
      if (!this.#deps.guard.allows(frame, 'http_client.private_ip', address)) throw denied(`private IP ${address}`)
    }
    return addresses
  }

  async #dispatch(plan: RequestPlan, hop: Hop, access: Access, exchange: Exchange): Promise<HttpAnswer> {
    this.#connections ??= loadUndici().then((undici) => new Connections(undici, this.#deps.lookup))
    const connections = await this.#connections
    const { origin, headers, route } = await this.#route(connections, plan, hop, access)
    const connection = connections.take(route)
    const transparent =
      headers['Accept-Encoding'] === undefined && headers['Range'] === undefined && hop.method !== 'HEAD'
    try {
      const response = await connection.dispatcher.request({
        origin,
        path: `${hop.url.pathname}${hop.url.search}`,
        // Any token is a method; the type lists the usual ones.
        method: hop.method as 'GET',
        headers: transparent ? { ...headers, 'Accept-Encoding': 'gzip' } : { ...headers },
        body: hop.body ?? null,
        signal: exchange.signal,
        responseHeaders: 'raw',
      })
      // Asked for raw headers, undici gives a flat list; its type does not say so.
      const raw = headerList(response.headers as unknown as readonly string[])
      releaseAtEnd(response.body, connection)
      const packed = transparent && isGzip(response.statusCode, raw)
      return {
        status: response.statusCode,
        url: hop.url.href,
        headers: packed ? raw.filter(([name]) => name !== 'Content-Encoding' && name !== 'Content-Length') : raw,
        body: packed ? gunzipped(response.body) : response.body,
        exchange,
      }
    } catch (error) {
      connection.release()
      throw error
    }
  }

  /** Behind a proxy a restricted caller names its target by the address that was checked, so the proxy resolves nothing anew. */
  async #route(connections: Connections, plan: RequestPlan, hop: Hop, access: Access): Promise<RoutedHop> {
    const { tls, unixSocket } = plan
    const { url, headers } = hop
    const proxy = unixSocket === undefined ? proxyFor(this.#deps.proxies ?? {}, url) : undefined
    if (proxy === undefined || access === 'any')
      return { origin: url.origin, headers, route: { access, tls, unixSocket, proxy } }
    const host = hostOf(url)
    const address = await connections.resolve(host, access)
    const origin = `${url.protocol}//${isIP(address) === 6 ? `[${address}]` : address}${url.port === '' ? '' : `:${url.port}`}`
    const serverName = isIP(host) === 0 ? host : undefined
    return { origin, headers: { Host: url.host, ...headers }, route: { access, tls, proxy, serverName } }
  }
}

function denied(what: string) {
  return moduleError('PermissionDenied', `not allowed: ${what}`)
}

/** The next hop of a redirect, or undefined for an answer to hand out. The rules are those of Go's http.Client. */
function redirect(hop: Hop, answer: HttpAnswer): Hop | undefined {
  const { status } = answer
  if (![301, 302, 303, 307, 308].includes(status)) return undefined
  const location = answer.headers.find(([name]) => name === 'Location')?.[1]
  if (location === undefined || location === '') return undefined
  const url = requestUrl(Buffer.from(location, 'latin1').toString('utf8'), hop.url)
  if (url.hash === '') url.hash = hop.url.hash
  const headers: Record<string, string> = { ...hop.headers }
  delete headers['Host']
  if (!sameSite(hop.url, url)) for (const name of ['Authorization', 'Www-Authenticate', 'Cookie']) delete headers[name]
  if (status >= 307) return { method: hop.method, url, headers, body: hop.body }
  for (const name of Object.keys(headers)) if (name.startsWith('Content-')) delete headers[name]
  return { method: hop.method === 'HEAD' ? 'HEAD' : 'GET', url, headers, body: undefined }
}

/** Credentials follow to the same host and its subdomains, never from https to http. */
function sameSite(from: URL, to: URL): boolean {
  if (from.protocol === 'https:' && to.protocol !== 'https:') return false
  if (to.hostname === from.hostname) return true
  return isIP(hostOf(from)) === 0 && to.hostname.endsWith(`.${from.hostname}`)
}

function headerList(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = []
  for (let at = 0; at + 1 < raw.length; at += 2) list.push([canonicalHeader(raw[at] as string), raw[at + 1] as string])
  return list
}

/** An answer without a body has nothing to unpack, whatever its headers say. */
function isGzip(status: number, headers: readonly (readonly [string, string])[]): boolean {
  const has = (wanted: string, text: string) =>
    headers.some(([name, value]) => name === wanted && value.toLowerCase() === text)
  return status !== 204 && status !== 304 && has('Content-Encoding', 'gzip') && !has('Content-Length', '0')
}

/** Lets the body of a redirect run out, so that its connection can be used again; a long one is not worth it. */
function discard(body: Readable): void {
  let size = 0
  body.on('error', () => {})
  body.on('data', (piece: Buffer) => {
    size += piece.length
    if (size > 64 * 1024) body.destroy()
  })
}

function releaseAtEnd(body: Readable, connection: Connection): void {
  body.once('close', () => connection.release())
}

function gunzipped(body: Readable): Readable {
  const gunzip = createGunzip()
  // The reader of `gunzip` sees every error; pipeline only makes sure that both ends go down together.
  pipeline(body, gunzip, () => {})
  return gunzip
}
