// Who may reach what: URL permission for every hop, private addresses where the connection is made, sockets, TLS.

import type { LookupAddress } from 'node:dns'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { emptyFrame } from '../../../runtime/core/frame.ts'
import type { Lookup } from '../../../runtime/features/http_client/connections.ts'
import type { Results } from '../../../runtime/lua/module.ts'
import { fakeCall } from '../../support/fake-call.ts'
import { atEnd, client, confined, type Loose, method, restricted, server, text } from './bench.ts'

const ok = () => server((_request, response) => void response.end('ok'))
const refusal = (what: string) => ({ kind: 'PermissionDenied', retryable: false, message: `not allowed: ${what}` })

/** DNS that answers from a script: each question for a name takes its next answer, the last one stays. */
function dns(answers: { [host: string]: string[][] }): Lookup & { asked: string[] } {
  const asked: string[] = []
  const lookup: Lookup = (host, _options, done) => {
    asked.push(host)
    const script = answers[host]
    const next = script === undefined ? undefined : script.length > 1 ? script.shift() : script[0]
    const list = (next ?? []).map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (list.length > 0) done(null, list)
    else done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }), [])
  }
  return Object.assign(lookup, { asked })
}

test('a URL that policy does not allow is not requested', async () => {
  const { url, requests } = await ok()
  const { run, denials } = client({
    frame: restricted('http_client.request http://other/*', 'http_client.private_ip *'),
  })
  await expect(run('get', `${url}/x`)).rejects.toMatchObject(refusal(`${url}/x`))
  expect(denials).toEqual([`http_client.request ${url}/x`])
  expect(requests).toEqual([])
})

test('policy is asked about the place that is dialled, however the URL is written', async () => {
  const { port, requests } = await ok()
  const { run } = client({ frame: restricted(`http_client.request http://good.test*`, 'http_client.private_ip *') })
  const target = `127.0.0.1:${port}`
  const spellings = [
    [`http://good.test@${target}/`, `http://${target}/`],
    [`http://good.test:pw@${target}/?q=1#f`, `http://${target}/?q=1`],
    [`http:\\\\${target}\\x`, `http://${target}/x`],
    [`http://0x7f000001:${port}/`, `http://${target}/`],
    [`HTTP://2130706433:${port}`, `http://${target}/`],
    [`http://127.1:${port}`, `http://${target}/`],
    [`ht\ntp://${target}/`, `http://${target}/`],
  ]
  for (const [written, meant] of spellings) await expect(run('get', written)).rejects.toMatchObject(refusal(meant!))
  expect(requests).toEqual([])
})

test('a URL without a final slash is asked about as it is written', async () => {
  const { url } = await ok()
  const { run } = client({ frame: restricted(`http_client.request ${url}`, 'http_client.private_ip *') })
  expect((await run('get', url)).status_code).toBe(200)
})

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.255.0.3', '127.255.0.3'],
  ['10.1.2.3', '10.1.2.3'],
  ['172.16.0.1', '172.16.0.1'],
  ['192.168.1.1', '192.168.1.1'],
  ['169.254.169.254', '169.254.169.254'],
  ['0.0.0.0', '0.0.0.0'],
  ['0', '0.0.0.0'],
  ['100.64.0.1', '100.64.0.1'],
  ['[::1]', '::1'],
  ['[::]', '::'],
  ['[fe80::1]', 'fe80::1'],
  ['[fd00::1]', 'fd00::1'],
  ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
  ['[::ffff:10.0.0.1]', '::ffff:a00:1'],
  ['[64:ff9b::7f00:1]', '64:ff9b::7f00:1'],
  ['[2002:7f00:1::]', '2002:7f00:1::'],
])('the private address %s needs permission', async (host, shown) => {
  const { run, denials } = client({ frame: restricted('http_client.request *') })
  await expect(run('get', `http://${host}:1/`)).rejects.toMatchObject(refusal(`private IP ${shown}`))
  expect(denials).toEqual([`http_client.private_ip ${shown}`])
})

test('a name that resolves to a private address needs permission for that address', async () => {
  const { port, requests } = await ok()
  const lookup = dns({ 'inner.test': [['127.0.0.1']] })
  const denied = client({ lookup, frame: restricted('http_client.request *', 'http_client.private_ip 10.*') })
  await expect(denied.run('get', `http://inner.test:${port}/`)).rejects.toMatchObject(refusal('private IP 127.0.0.1'))
  expect(requests).toEqual([])
  const allowed = client({ lookup, frame: restricted('http_client.request *', 'http_client.private_ip 127.0.0.1') })
  expect(text((await allowed.run('get', `http://inner.test:${port}/`)).body)).toBe('ok')
  expect(requests.length).toBe(1)
})

test('one private address among public ones is enough to refuse', async () => {
  const lookup = dns({ 'mixed.test': [['93.184.216.34', '127.0.0.1']] })
  const { run } = client({ lookup, frame: restricted('http_client.request *') })
  await expect(run('get', 'http://mixed.test:1/')).rejects.toMatchObject(refusal('private IP 127.0.0.1'))
})

test('a caller without an identity may reach private addresses, one confined may not', async () => {
  const { url } = await ok()
  expect((await client({ frame: emptyFrame }).run('get', url)).status_code).toBe(200)
  const { run } = client({ frame: confined('http_client.request *') })
  await expect(run('get', url)).rejects.toMatchObject(refusal('private IP 127.0.0.1'))
})

test('rebinding: what a name resolves to is judged anew at each dial', async () => {
  const { port, requests } = await ok()
  // A documentation range (203.0.113.0/24) is no public place either, so no packet leaves the machine in this test.
  const lookup = dns({ 'rebind.test': [['203.0.113.1'], ['127.0.0.1']] })
  const { run } = client({ lookup, frame: restricted('http_client.request *') })
  await expect(run('get', `http://rebind.test:${port}/`)).rejects.toMatchObject(refusal('private IP 203.0.113.1'))
  await expect(run('get', `http://rebind.test:${port}/`)).rejects.toMatchObject(refusal('private IP 127.0.0.1'))
  expect(requests).toEqual([])
})

test('permission for one private address does not open the next answer of its name', async () => {
  const { port, requests } = await ok()
  const lookup = dns({ 'rebind.test': [['10.0.0.7'], ['127.0.0.1']] })
  const { run } = client({ lookup, frame: restricted('http_client.request *', 'http_client.private_ip 10.0.0.7') })
  await expect(run('get', `http://rebind.test:${port}/`)).rejects.toMatchObject(refusal('private IP 127.0.0.1'))
  expect(requests).toEqual([])
})

test('an open socket to a private address is of no use to a caller who may not reach it', async () => {
  const { port, requests } = await ok()
  const lookup = dns({ 'inner.test': [['127.0.0.1']] })
  const { runAs } = client({ lookup })
  const free = fakeCall(emptyFrame)
  const permitted = fakeCall(restricted('http_client.request *', 'http_client.private_ip 127.0.0.1'))
  const stranger = fakeCall(restricted('http_client.request *'))
  for (const host of ['inner.test', '127.0.0.1']) {
    expect((await runAs(free, 'get', `http://${host}:${port}/`)).status_code).toBe(200)
    expect((await runAs(permitted, 'get', `http://${host}:${port}/`)).status_code).toBe(200)
    // Both sockets are now idle in their pools.
    await new Promise((resolve) => setImmediate(resolve))
    await expect(runAs(stranger, 'get', `http://${host}:${port}/`)).rejects.toMatchObject(
      refusal('private IP 127.0.0.1'),
    )
  }
  expect(requests.length).toBe(4)
})

test('a permission that is taken away counts at once, socket or not', async () => {
  const { url } = await ok()
  const policies = ['http_client.request *', 'http_client.private_ip *']
  const { run } = client({ frame: restricted(...policies) })
  const frame = restricted('http_client.request *', 'http_client.private_ip *')
  const live = { allowed: true }
  const scope = { evaluate: () => (live.allowed ? 'allow' : 'undefined') as 'allow' | 'undefined' }
  const call = fakeCall({ ...frame, scope })
  const { runAs } = client()
  expect((await runAs(call, 'get', url)).status_code).toBe(200)
  live.allowed = false
  await expect(runAs(call, 'get', url)).rejects.toMatchObject({ kind: 'PermissionDenied' })
  expect((await run('get', url)).status_code).toBe(200)
})

test('each hop of a redirect is judged: its URL and its address', async () => {
  const inner = await ok()
  const front = await server((request, response) => {
    const location = request.url === '/host' ? `http://inner.test:${inner.port}/` : `http://127.0.0.2:${inner.port}/`
    response.writeHead(302, { location }).end()
  })
  const lookup = dns({ 'inner.test': [['127.0.0.1']] })
  const urlOnly = client({ lookup, frame: restricted(`http_client.request ${front.url}*`, 'http_client.private_ip *') })
  await expect(urlOnly.run('get', `${front.url}/host`)).rejects.toMatchObject(
    refusal(`http://inner.test:${inner.port}/`),
  )
  const oneAddress = client({ lookup, frame: restricted('http_client.request *', 'http_client.private_ip 127.0.0.1') })
  expect((await oneAddress.run('get', `${front.url}/host`)).status_code).toBe(200)
  await expect(oneAddress.run('get', `${front.url}/address`)).rejects.toMatchObject(refusal('private IP 127.0.0.2'))
  expect(inner.requests.length).toBe(1)
})

test('a Host header is a URL of its own to policy', async () => {
  const { url, port, requests } = await ok()
  const { run } = client({ frame: restricted(`http_client.request ${url}*`, 'http_client.private_ip *') })
  await expect(run('get', `${url}/a`, { headers: { Host: 'other.test' } })).rejects.toMatchObject(
    refusal('http://other.test/a'),
  )
  await client().run('get', url, { headers: { host: `name.test:${port}` } })
  expect(requests.map(({ headers }) => headers.host)).toEqual([`name.test:${port}`])
})

test('a batch judges each of its requests', async () => {
  const { url } = await ok()
  const { run } = client({ frame: restricted(`http_client.request ${url}/yes`, 'http_client.private_ip *') })
  const result = (await run('request_batch', [
    ['GET', `${url}/no`],
    ['GET', `${url}/yes`],
  ])) as Results
  const [responses, errors] = result.values as [Loose[], Loose[]]
  expect(responses.map((response) => response?.status_code ?? null)).toEqual([null, 200])
  expect(errors[0]).toMatchObject(refusal(`${url}/no`))
})

test('a unix socket is reached with permission for its path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wippy-http-'))
  atEnd(() => rm(folder, { recursive: true }))
  const path = join(folder, 'service.sock')
  const { requests } = await server((request, response) => void response.end(request.headers.host), { path })
  const options = { unix_socket: path }
  expect(text((await client().run('get', 'http://service/x', options)).body)).toBe('service')
  const named = client({ frame: restricted('http_client.request *', `http_client.unix_socket ${path}`) })
  expect((await named.run('get', 'http://service/x', options)).status_code).toBe(200)
  const { run, denials } = client({ frame: restricted('http_client.request *', 'http_client.private_ip *') })
  await expect(run('get', 'http://service/x', options)).rejects.toMatchObject(refusal(`unix socket ${path}`))
  expect(denials).toEqual([`http_client.unix_socket ${path}`])
  expect(requests.length).toBe(2)
})

test('an overlay network needs permission, and says that there is none', async () => {
  const { url } = await ok()
  const { run } = client({ frame: restricted('http_client.request *', 'http_client.private_ip *') })
  await expect(run('get', url, { overlay_network: 'app:vpn' })).rejects.toMatchObject(refusal('network app:vpn'))
  await expect(client().run('get', url, { overlay_network: 'app:vpn' })).rejects.toMatchObject({
    kind: 'NotFound',
    message: 'overlay network app:vpn not found',
  })
})

test('code made at run time has 16 sockets, streams included, and gets them back', async () => {
  const { url, request } = await server((incoming, response) => {
    response.write('x')
    if (incoming.url === '/short') response.end()
  })
  const frame = confined('http_client.request *', 'http_client.private_ip *')
  const { run } = client({ frame })
  const streams = []
  for (let i = 0; i < 16; i++) streams.push((await run('get', url, { stream: true })).stream)
  await expect(run('get', `${url}/short`)).rejects.toMatchObject({
    kind: 'LimitExceeded',
    message: 'limit of 16 sockets exceeded',
  })
  method(streams[0], 'close')
  expect(await (await request(0)).closed).toBe('aborted')
  expect((await run('get', `${url}/short`)).status_code).toBe(200)
  expect((await run('get', `${url}/short`)).status_code).toBe(200)
})

test('a batch of code made at run time stays within its sockets', async () => {
  let open = 0
  let most = 0
  const { url } = await server(async (_request, response) => {
    most = Math.max(most, ++open)
    await new Promise((resolve) => setImmediate(resolve))
    open--
    response.end('x')
  })
  const { run } = client({ frame: confined('http_client.request *', 'http_client.private_ip *') })
  const responses = await run(
    'request_batch',
    Array.from({ length: 60 }, () => ['GET', url]),
  )
  expect((responses as Loose[]).every(({ status_code }) => status_code === 200)).toBe(true)
  expect(most).toBeLessThanOrEqual(16)
})
