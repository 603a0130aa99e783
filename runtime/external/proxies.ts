// Which proxy an HTTP request goes through: HTTP_PROXY, HTTPS_PROXY and NO_PROXY with the rules of Go's net/http, which Wippy
// apps are deployed with. Reads no environment itself: whoever composes the host hands it in.

import { BlockList, isIP } from 'node:net'

export interface Proxies {
  readonly http?: string | undefined
  readonly https?: string | undefined
  /** Comma separated: `*`, hosts with their subdomains, `.subdomains`, addresses, ranges, each with an optional `:port`. */
  readonly no?: string | undefined
}

/** The proxies an environment names; either case counts, the upper one first. */
export function environmentProxies(env: Readonly<Record<string, string | undefined>>): Proxies {
  const value = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined
  // Behind CGI, HTTP_PROXY is a header of the client and not ours to trust.
  const http = env['REQUEST_METHOD'] === undefined ? value('HTTP_PROXY') : undefined
  return { http, https: value('HTTPS_PROXY'), no: value('NO_PROXY') }
}

/** The proxy for a URL, or undefined to connect directly. The machine itself is never reached through one. */
export function proxyFor(proxies: Proxies, url: URL): string | undefined {
  const proxy = url.protocol === 'https:' ? proxies.https : proxies.http
  if (proxy === undefined || proxy === '') return undefined
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (host === 'localhost' || isLoopback(host)) return undefined
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const excluded = (proxies.no ?? '').split(',').some((rule) => excludes(rule.trim().toLowerCase(), host, port))
  if (excluded) return undefined
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function excludes(rule: string, host: string, port: string): boolean {
  if (rule === '') return false
  if (rule === '*') return true
  const range = /^(.+)\/(\d+)$/.exec(rule)
  if (range !== null) return inRange(host, range[1] as string, Number(range[2]))
  const withPort = isIP(rule) === 0 ? /^(.*):(\d+)$/.exec(rule) : null
  if (withPort !== null && withPort[2] !== port) return false
  const name = (withPort?.[1] ?? rule).replace(/^\[|\]$/g, '').replace(/^\*(?=\.)/, '')
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`)
}

function inRange(host: string, network: string, bits: number): boolean {
  const family = isIP(network)
  if (family === 0 || isIP(host) !== family || bits > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(network, bits, type)
  return list.check(host, type)
}
