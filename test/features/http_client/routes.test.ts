// Ways to a server other than a plain connection: TLS with its options, and proxies.

import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { environmentProxies, proxyFor } from '../../../runtime/external/proxies.ts'
import type { Lookup } from '../../../runtime/features/http_client/connections.ts'
import { atEnd, client, restricted, server, text } from './bench.ts'

const pem = (name: string) => readFileSync(new URL(`../../support/tls/${name}`, import.meta.url), 'utf8')
const identity = { key: pem('server.key'), cert: pem('server.pem') }
const ca = pem('ca.pem')

const secure = (options = {}) =>
  server((request, response) => void response.end(request.url), { tls: { ...identity, ...options } })
/** Every name is the machine itself. */
const local: Lookup = (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])

test('a certificate is checked against the CA that was given', async () => {
  const { port } = await secure()
  const url = `https://service.test:${port}/x`
  const { run } = client({ lookup: local })
  await expect(run('get', url)).rejects.toMatchObject({
    kind: 'Internal',
    retryable: true,
    message: expect.stringContaining('certificate'),
  })
  expect(text((await run('get', url, { tls: { ca } })).body)).toBe('/x')
  await expect(run('get', `https://other.test:${port}/x`, { tls: { ca } })).rejects.toMatchObject({ kind: 'Internal' })
  const named = { ca, server_name: 'service.test' }
  expect((await run('get', `https://other.test:${port}/x`, { tls: named })).status_code).toBe(200)
  // Settings of one request are not left behind for the next.
  await expect(run('get', url)).rejects.toMatchObject({ kind: 'Internal' })
})

test('a client certificate is shown when it is given', async () => {
  const { port } = await secure({ ca, requestCert: true, rejectUnauthorized: true })
  const url = `https://service.test:${port}/`
  const { run } = client({ lookup: local })
  await expect(run('get', url, { tls: { ca } })).rejects.toMatchObject({ kind: 'Internal' })
  const mutual = { ca, cert: pem('client.pem'), key: pem('client.key') }
  expect((await run('get', url, { tls: mutual })).status_code).toBe(200)
})

test('checks are left out only with permission', async () => {
  const { port } = await secure()
  const url = `https://service.test:${port}/`
  const options = { tls: { insecure_skip_verify: true } }
  expect((await client({ lookup: local }).run('get', url, options)).status_code).toBe(200)
  const { run, denials } = client({
    lookup: local,
    frame: restricted('http_client.request *', 'http_client.private_ip *'),
  })
  await expect(run('get', url, options)).rejects.toMatchObject({
    kind: 'PermissionDenied',
    message: `not allowed: insecure TLS ${url}`,
  })
  expect(denials).toEqual([`http_client.insecure_tls ${url}`])
})

interface Proxy {
  readonly url: string
  /** What it was asked for: `CONNECT host:port` or `GET http://…`. */
  readonly asked: string[]
}

/** A proxy that reaches everything on this machine, whatever it is called. */
async function startProxy(): Promise<Proxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const proxy: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} host=${request.headers.host}`)
    response.end('through the proxy')
  })
  proxy.on('connection', (socket) => sockets.add(socket))
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    const onward = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => proxy.close(resolve))
  })
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked }
}

test('requests go through the proxy of their scheme, never those to the machine itself', async () => {
  const proxy = await startProxy()
  const { port, url: direct } = await secure()
  const { run } = client({ lookup: local, proxies: { http: proxy.url, https: proxy.url } })
  expect(text((await run('get', 'http://plain.test/a?b=c')).body)).toBe('through the proxy')
  expect(text((await run('get', `https://service.test:${port}/x`, { tls: { ca } })).body)).toBe('/x')
  expect(proxy.asked).toEqual(['GET http://plain.test/a?b=c host=plain.test', `CONNECT service.test:${port}`])
  expect((await run('get', direct, { tls: { ca, server_name: 'service.test' } })).status_code).toBe(200)
  expect(proxy.asked.length).toBe(2)
})

test('a restricted caller reaches through a proxy only addresses that were checked', async () => {
  const proxy = await startProxy()
  const addresses: { [host: string]: string } = { 'public.test': '93.184.216.34', 'inner.test': '10.0.0.1' }
  const lookup: Lookup = (host, _options, done) => done(null, [{ address: addresses[host]!, family: 4 }])
  const { run } = client({ lookup, proxies: { http: proxy.url }, frame: restricted('http_client.request *') })
  await run('get', 'http://public.test/a')
  // The proxy is given the address, so that it cannot resolve the name to another one.
  expect(proxy.asked).toEqual(['GET http://93.184.216.34/a host=public.test'])
  await expect(run('get', 'http://inner.test/')).rejects.toMatchObject({ message: 'not allowed: private IP 10.0.0.1' })
  await expect(run('get', 'http://10.0.0.2/')).rejects.toMatchObject({ message: 'not allowed: private IP 10.0.0.2' })
  expect(proxy.asked.length).toBe(1)
  const allowed = client({
    lookup,
    proxies: { http: proxy.url },
    frame: restricted('http_client.request *', 'http_client.private_ip *'),
  })
  await allowed.run('get', 'http://inner.test/')
  expect(proxy.asked[1]).toBe('GET http://10.0.0.1/ host=inner.test')
})

test('a certificate is checked against the name also when the proxy is given the address', async () => {
  const proxy = await startProxy()
  const { port } = await secure()
  const lookup: Lookup = (_host, _options, done) => done(null, [{ address: '93.184.216.34', family: 4 }])
  const { run } = client({ lookup, proxies: { https: proxy.url }, frame: restricted('http_client.request *') })
  expect(text((await run('get', `https://service.test:${port}/x`, { tls: { ca } })).body)).toBe('/x')
  expect(proxy.asked).toEqual([`CONNECT 93.184.216.34:${port}`])
  await expect(run('get', `https://wrong.test:${port}/x`, { tls: { ca } })).rejects.toMatchObject({ kind: 'Internal' })
})

test.each([
  ['http://a.test/', {}, undefined],
  ['http://a.test/', { http: 'proxy:3128' }, 'http://proxy:3128'],
  ['https://a.test/', { http: 'proxy:3128' }, undefined],
  ['https://a.test/', { https: 'socks5://proxy:1080' }, 'socks5://proxy:1080'],
  ['http://localhost:8080/', { http: 'p' }, undefined],
  ['http://127.9.9.9/', { http: 'p' }, undefined],
  ['http://[::1]/', { http: 'p' }, undefined],
  ['http://a.test/', { http: 'p', no: '*' }, undefined],
  ['http://a.test/', { http: 'p', no: 'b.test, a.test' }, undefined],
  ['http://x.a.test/', { http: 'p', no: 'a.test' }, undefined],
  ['http://xa.test/', { http: 'p', no: 'a.test' }, 'http://p'],
  ['http://a.test/', { http: 'p', no: '.a.test' }, 'http://p'],
  ['http://x.a.test/', { http: 'p', no: '*.a.test' }, undefined],
  ['http://a.test:81/', { http: 'p', no: 'a.test:80' }, 'http://p'],
  ['http://a.test/', { http: 'p', no: 'a.test:80' }, undefined],
  ['http://10.1.2.3/', { http: 'p', no: '10.0.0.0/8' }, undefined],
  ['http://11.1.2.3/', { http: 'p', no: '10.0.0.0/8,nonsense/99' }, 'http://p'],
  ['http://[2001:db8::1]/', { http: 'p', no: '2001:db8::/32' }, undefined],
])('the proxy of %s with %j is %s', (url, proxies, expected) => {
  expect(proxyFor(proxies, new URL(url))).toBe(expected)
})

test('proxies come from the environment in either case, and not from a CGI header', () => {
  expect(environmentProxies({ HTTP_PROXY: 'a', https_proxy: 'b', NO_PROXY: 'c' })).toEqual({
    http: 'a',
    https: 'b',
    no: 'c',
  })
  expect(environmentProxies({ HTTP_PROXY: 'a', REQUEST_METHOD: 'GET' })).toEqual({
    http: undefined,
    https: undefined,
    no: undefined,
  })
})
