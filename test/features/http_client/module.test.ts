// Requests and answers of http_client over real HTTP, to a caller whom nothing restricts.

import { getEventListeners } from 'node:events'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { RuntimeError } from '../../../runtime/core/error.ts'
import { LuaRaise, LuaType, Results } from '../../../runtime/lua/module.ts'
import { client, type Loose, server, text } from './bench.ts'

const echo = (status = 200) =>
  server((request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-ID': 'r1' })
    response.end(JSON.stringify({ method: request.method, url: request.url, body: request.body.toString('latin1') }))
  })

test.each(['get', 'post', 'put', 'delete', 'patch'])('%s sends its method and returns the answer', async (name) => {
  const { url } = await echo(418)
  const response = await client().run(name, `${url}/a/b?c=d`)
  expect(response).toMatchObject({
    status_code: 418,
    url: `${url}/a/b?c=d`,
    headers: { 'Content-Type': 'application/json', 'X-Request-Id': 'r1' },
    cookies: {},
    stream: null,
  })
  expect(response.body_size).toBe(response.body.length)
  expect(JSON.parse(text(response.body))).toEqual({ method: name.toUpperCase(), url: '/a/b?c=d', body: '' })
})

test('head has headers and no body; any other method goes by request', async () => {
  const { url, requests } = await echo()
  const { run } = client()
  expect(await run('head', url)).toMatchObject({ status_code: 200, body: null, body_size: 0 })
  await run('request', 'propfind', url, { headers: { Depth: '1' } })
  expect(requests.map(({ method }) => method)).toEqual(['HEAD', 'PROPFIND'])
  expect(requests[1]!.headers['depth']).toBe('1')
})

test('bodies are exact, byte for byte, both ways', async () => {
  const bytes = Buffer.from(Array.from({ length: 1024 }, (_, i) => i % 256))
  const { url, requests } = await server((request, response) => void response.end(request.body))
  const { run } = client()
  const response = await run('post', url, { body: bytes })
  expect(Buffer.compare(response.body, bytes)).toBe(0)
  await run('post', url, { body: 'grüße' })
  await run('post', url, { body: 12 })
  expect(requests.slice(1).map(({ body }) => body.toString())).toEqual(['grüße', '12'])
  // JSON is the caller's duty: no content type is made up.
  expect(requests[1]!.headers['content-type']).toBeUndefined()
})

test('an empty body is no body', async () => {
  const { url } = await server((_request, response) => void response.end())
  expect(await client().run('get', url)).toMatchObject({ body: null, body_size: 0 })
})

test('headers go out and come back under their canonical names, the first of several values', async () => {
  const { url, requests } = await server((_request, response) => {
    response.writeHead(200, [
      ['x-custom-thing', 'one'],
      ['X-CUSTOM-THING', 'two'],
      ['x-latin', Buffer.from('grün').toString('latin1')],
    ] as never)
    response.end('x')
  })
  const headers = { 'x-api-key': 'k', accept: 'text/plain', number: 5, 'x-utf': 'grün', 'user-agent': 'me/1' }
  const response = await client().run('get', url, { headers })
  expect(response.headers).toMatchObject({ 'X-Custom-Thing': 'one', 'X-Latin': 'grün' })
  const sent = requests[0]!.rawHeaders
  expect(sent).toContain('X-Api-Key')
  expect(requests[0]!.headers).toMatchObject({ accept: 'text/plain', 'user-agent': 'me/1' })
  // A value that is no string is ignored; a string goes out as its UTF-8 bytes.
  expect(requests[0]!.headers['number']).toBeUndefined()
  expect(Buffer.from(requests[0]!.headers['x-utf'] as string, 'latin1').toString()).toBe('grün')
})

test('headers of the connection are the transport’s', async () => {
  const { url, requests } = await echo()
  const headers = {
    'Content-Length': '3',
    'Transfer-Encoding': 'chunked',
    Upgrade: 'x',
    Connection: 'upgrade',
    Expect: '100-continue',
  }
  await client().run('post', url, { headers, body: 'longer than three' })
  expect(requests[0]!.body.toString()).toBe('longer than three')
  expect(requests[0]!.headers).toMatchObject({ 'content-length': '17' })
  expect(requests[0]!.headers['upgrade']).toBeUndefined()
})

test.each([
  [{ 'bad name': 'x' }, 'invalid header field name "bad name"'],
  [{ 'X-Split': 'a\r\nEvil: 1' }, 'invalid header field value for "X-Split"'],
])('header %j cannot be smuggled', async (headers, message) => {
  const { url, requests } = await echo()
  await expect(client().run('get', url, { headers })).rejects.toMatchObject({ kind: 'Invalid', message })
  expect(requests).toEqual([])
})

test('query fields replace those of the URL and are escaped as Go does', async () => {
  const { url, requests } = await echo()
  await client().run('get', `${url}/s?keep=1&q=old#frag`, { query: { q: "a b&c=d/ü!'", z: '1', n: 4 } })
  expect(requests[0]!.url).toBe('/s?keep=1&q=a+b%26c%3Dd%2F%C3%BC%21%27&z=1')
})

test('form fields are urlencoded, cookies and basic auth become headers', async () => {
  const { url, requests } = await echo()
  const options = {
    form: { user: 'al ice', pass: 'ä&' },
    cookies: { b: '2', a: '1' },
    auth: { user: 'u', pass: 'p:q' },
    body: 'ignored',
  }
  await client().run('post', url, options)
  expect(requests[0]!.body.toString()).toBe('pass=%C3%A4%26&user=al+ice')
  expect(requests[0]!.headers).toMatchObject({
    'content-type': 'application/x-www-form-urlencoded',
    cookie: 'a=1; b=2',
    authorization: `Basic ${Buffer.from('u:p:q').toString('base64')}`,
  })
})

test('a name and password in the URL are credentials and are not shown', async () => {
  const { port, requests } = await echo()
  const { run } = client()
  await run('get', `http://me:s%40cret@127.0.0.1:${port}/`)
  expect(requests[0]!.headers['authorization']).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`)
  const error = await run('get', `http://me:s%40cret@127.0.0.1:1/?key=hidden`).catch((thrown: unknown) => thrown)
  expect((error as RuntimeError).message).toBe('GET http://127.0.0.1:1/: connection refused (127.0.0.1:1)')
})

test('auth without user or pass is refused', async () => {
  const { url } = await echo()
  await expect(client().run('get', url, { auth: { user: 'u' } })).rejects.toMatchObject({
    kind: 'Invalid',
    message: 'auth table must contain non-nil user and pass fields',
  })
})

test('files make a multipart body that a standard parser reads back', async () => {
  const { url, requests } = await echo()
  const readable = new LuaType<{ left: string[] }>({
    name: 'File',
    methods: { read: (_call, self) => self.left.shift() },
  })
  await client().run('post', url, {
    form: { title: 'My "Doc"', 'a "quoted"\r\nname': 'x' },
    files: [
      { name: 'a', filename: 'r 1.bin', content: Buffer.from([0, 255, 13, 10]), content_type: 'image/png' },
      { name: 'b', reader: readable.wrap({ left: ['one ', 'two'] }) },
    ],
  })
  const [request] = requests
  // Go escapes the quote with a backslash, which Node's parser does not know: that part is looked at as text.
  const [quoted, ...others] = request!.body.toString('latin1').split(/(?=--[0-9a-f]{60}\r\n)/)
  expect(quoted).toMatch(
    /^--[0-9a-f]{60}\r\nContent-Disposition: form-data; name="a \\"quoted\\"%0D%0Aname"\r\n\r\nx\r\n$/,
  )
  const parsed = await new Response(Buffer.from(others.join(''), 'latin1'), {
    headers: { 'content-type': request!.headers['content-type']! },
  }).formData()
  expect(parsed.get('title')).toBe('My "Doc"')
  const a = parsed.get('a') as File
  expect([a.name, a.type, [...new Uint8Array(await a.arrayBuffer())]]).toEqual([
    'r 1.bin',
    'image/png',
    [0, 255, 13, 10],
  ])
  const b = parsed.get('b') as File
  expect([b.name, b.type, await b.text()]).toEqual(['b', 'application/octet-stream', 'one two'])
})

test.each([
  [{ files: [{ content: 'x' }] }, 'file 1: name is required'],
  [{ files: [{ name: 'f' }] }, 'file "f": content or reader is required'],
  [{ files: [{ name: 'f', content: {} }] }, 'file "f": content must be a string or have a read method'],
  [{ files: [{ name: 'f', content: '', content_type: 'a\r\nb: c' }] }, 'file "f": invalid content type "a\\r\\nb: c"'],
  [{ body: {} }, 'body must be a string'],
  [{ tls: { cert: 'x' } }, 'tls: cert and key must be given together'],
])('options %j are refused', async (options, message) => {
  const { url } = await echo()
  await expect(client().run('post', url, options)).rejects.toMatchObject({ kind: 'Invalid', message, retryable: false })
})

test('cookies of the answer are a table', async () => {
  const { url } = await server((_request, response) => {
    response.setHeader('set-cookie', ['sid=abc; Path=/; HttpOnly', 'theme="dark"', '__proto__=x'])
    response.end()
  })
  const { cookies } = await client().run('get', url)
  expect(Object.entries(cookies)).toEqual([
    ['sid', 'abc'],
    ['theme', 'dark'],
    ['__proto__', 'x'],
  ])
})

test('gzip is asked for and undone unless the caller asks for an encoding', async () => {
  const { url, requests } = await server((_request, response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(gzipSync('hello'))
  })
  const { run } = client()
  const plain = await run('get', url)
  expect([text(plain.body), plain.headers['Content-Encoding'], requests[0]!.headers['accept-encoding']]).toEqual([
    'hello',
    undefined,
    'gzip',
  ])
  const raw = await run('get', url, { headers: { 'Accept-Encoding': 'gzip' } })
  expect([raw.body.subarray(0, 2), raw.headers['Content-Encoding']]).toEqual([Buffer.from([0x1f, 0x8b]), 'gzip'])
})

test('an answer without a body is not unpacked', async () => {
  const { url } = await server((request, response) => {
    response.setHeader('content-encoding', 'gzip')
    if (request.url === '/204') response.writeHead(204).end()
    else response.writeHead(200, { 'content-length': '0' }).end()
  })
  const { run } = client()
  for (const path of ['/204', '/empty'])
    expect(await run('get', url + path)).toMatchObject({ body: null, body_size: 0 })
})

test('broken gzip is an error, not a hang', async () => {
  const { url } = await server((_request, response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end('this is no gzip')
  })
  await expect(client().run('get', url)).rejects.toMatchObject({ kind: 'Internal', retryable: true })
})

test('a body may not be larger than max_response_body, announced, chunked or unpacked', async () => {
  const { url } = await server((request, response) => {
    if (request.url === '/gzip') {
      response.setHeader('content-encoding', 'gzip')
      response.end(gzipSync(Buffer.alloc(10_000)))
    } else if (request.url === '/chunked') {
      for (let i = 0; i < 100; i++) response.write('x'.repeat(100))
      response.end()
    } else response.end('x'.repeat(10_000))
  })
  const { run } = client()
  for (const path of ['/plain', '/chunked', '/gzip']) {
    await expect(run('get', url + path, { max_response_body: 9_999 })).rejects.toMatchObject({
      kind: 'LimitExceeded',
      retryable: false,
      message: 'response body too large (max 9999 bytes)',
    })
    expect((await run('get', url + path, { max_response_body: 10_000 })).body_size).toBe(10_000)
    expect((await run('get', url + path, { max_response_body: 0 })).body_size).toBe(10_000)
  }
})

test.each([
  [301, 'post', 'GET', ''],
  [302, 'post', 'GET', ''],
  [303, 'put', 'GET', ''],
  [307, 'post', 'POST', 'data'],
  [308, 'put', 'PUT', 'data'],
  [302, 'head', 'HEAD', ''],
])('redirect %i of %s becomes %s', async (status, name, becomes, body) => {
  const { url, requests } = await server((request, response) => {
    if (request.url === '/from') response.writeHead(status, { location: '/to?x=1' }).end('moved')
    else response.end('here')
  })
  const response = await client().run(name, `${url}/from`, {
    body: 'data',
    headers: { 'Content-Type': 'text/plain', 'X-Kept': '1' },
  })
  expect(response).toMatchObject({ status_code: 200, url: `${url}/to?x=1` })
  const second = requests[1]!
  expect([second.method, second.url, second.body.toString(), second.headers['x-kept']]).toEqual([
    becomes,
    '/to?x=1',
    body,
    '1',
  ])
  expect(second.headers['content-type']).toBe(body === '' ? undefined : 'text/plain')
})

test('credentials do not follow a redirect to another host', async () => {
  const other = await echo()
  const { url, port } = await server((request, response) => {
    const location = request.url === '/same' ? `http://127.0.0.1:${port}/end` : `http://localhost:${other.port}/`
    if (request.url === '/end') response.end()
    else response.writeHead(302, { location }).end()
  })
  const { run } = client()
  const options = { headers: { Authorization: 'Bearer t' }, cookies: { sid: '1' } }
  await run('get', `${url}/other`, options)
  expect(other.requests[0]!.headers).not.toHaveProperty('authorization')
  expect(other.requests[0]!.headers).not.toHaveProperty('cookie')
  const same = await run('get', `${url}/same`, options)
  expect(same.status_code).toBe(200)
})

test('ten redirects are followed and no more; one without a location is an answer', async () => {
  const { url } = await server((request, response) => {
    const left = Number(request.url.slice(1))
    if (request.url === '/nowhere') response.writeHead(302).end('x')
    else if (left === 0) response.end('done')
    else response.writeHead(302, { location: `/${left - 1}` }).end()
  })
  const { run } = client()
  expect(text((await run('get', `${url}/10`)).body)).toBe('done')
  await expect(run('get', `${url}/11`)).rejects.toMatchObject({ message: 'stopped after 10 redirects' })
  expect((await run('get', `${url}/nowhere`)).status_code).toBe(302)
  await expect(
    client().run(
      'get',
      (await server((_r, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end())).url,
    ),
  ).rejects.toMatchObject({ kind: 'Invalid', message: expect.stringContaining('unsupported protocol scheme "file"') })
})

test('without an answer in time the request is aborted: 30 s, or what the caller says', async () => {
  const cases = [
    [undefined, 30],
    [2, 2],
    [0.5, 0.5],
    ['1m30s', 90],
    ['soon', 30],
    [-1, 30],
    [{}, 30],
  ] as const
  const { url, request } = await server(() => {})
  for (const [index, [timeout, seconds]] of cases.entries()) {
    const { run, clock } = client()
    const waiting = run('get', `${url}/slow`, { timeout }).catch((error: unknown) => error)
    const seen = await request(index)
    clock.advance(seconds * 1000 - 1)
    const early = await Promise.race([waiting, new Promise((resolve) => setImmediate(resolve, 'waiting'))])
    expect(early).toBe('waiting')
    clock.advance(1)
    expect(await waiting).toMatchObject({
      kind: 'Internal',
      retryable: true,
      message: `GET ${url}/slow: request timeout: no answer within ${seconds}s`,
    })
    expect(await seen.closed).toBe('aborted')
  }
})

test('the deadline covers the body of an answer that is not streamed', async () => {
  const { url, request } = await server((_request, response) => void response.write('begin'))
  const { run, clock } = client()
  const waiting = run('get', url).catch((error: unknown) => error)
  const seen = await request(0)
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
  clock.advance(30_000)
  expect(await waiting).toMatchObject({
    kind: 'Internal',
    retryable: true,
    message: expect.stringContaining('request timeout'),
  })
  expect(await seen.closed).toBe('aborted')
})

test('a cancelled call aborts its request', async () => {
  const { url, request } = await server(() => {})
  const { run, call } = client()
  const waiting = run('get', url).catch((error: unknown) => error)
  const seen = await request(0)
  call.end()
  expect(await waiting).toMatchObject({ kind: 'Canceled', retryable: false })
  expect(await seen.closed).toBe('aborted')
})

test.each([
  ['http://127.0.0.1:1/x', 'GET http://127.0.0.1:1/x: connection refused (127.0.0.1:1)'],
  ['http://no-such-host.invalid/', 'GET http://no-such-host.invalid/: no such host (no-such-host.invalid)'],
])('a transport failure of %s is Internal and may be retried', async (url, message) => {
  const lookup = (host: string, _options: unknown, done: (error: NodeJS.ErrnoException) => void) =>
    done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }))
  await expect(client({ lookup }).run('get', url)).rejects.toMatchObject({ kind: 'Internal', retryable: true, message })
})

test('a connection that breaks before or within the answer is an error', async () => {
  const { url } = await server((request, response) => {
    if (request.url === '/half') response.writeHead(200, { 'content-length': '10' }).write('half')
    setImmediate(() => response.destroy())
  })
  const { run } = client()
  for (const path of ['/none', '/half']) {
    await expect(run('get', url + path)).rejects.toMatchObject({
      kind: 'Internal',
      retryable: true,
      message: expect.stringMatching(/^GET http:\S+: connection (closed before the answer was complete|reset by peer)/),
    })
  }
})

test.each([
  ['not a url', 'invalid URL "not a url"'],
  ['/relative', 'invalid URL "/relative"'],
  ['ftp://host/', 'invalid URL "ftp://host/": unsupported protocol scheme "ftp"'],
  ['file:///etc/passwd', 'invalid URL "file:///etc/passwd": unsupported protocol scheme "file"'],
])('URL %s is Invalid', async (url, message) => {
  await expect(client().run('get', url)).rejects.toMatchObject({ kind: 'Invalid', retryable: false, message })
})

test.each([
  ['get', [''], 'bad argument #1 to get (URL cannot be empty)'],
  ['get', [], 'bad argument #1 to get (string expected, got no value)'],
  ['get', ['http://x', 5], 'bad argument #2 to get (table expected, got number)'],
  ['request', ['', 'http://x'], 'bad argument #1 to request (method cannot be empty)'],
  ['request', ['GET', ''], 'bad argument #2 to request (URL cannot be empty)'],
  ['request_batch', [[]], 'bad argument #1 to request_batch (requests table cannot be empty)'],
  ['request_batch', [[5]], 'bad argument #1 to request_batch (request must be a table)'],
  ['request_batch', [[[1, 'http://x']]], 'bad argument #1 to request_batch (method must be a string)'],
  ['request_batch', [[['GET']]], 'bad argument #1 to request_batch (URL must be a string)'],
])('%s%j raises', async (name, args, message) => {
  const error = await client()
    .run(name, ...args)
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(LuaRaise)
  expect((error as LuaRaise).message).toBe(message)
})

test.each(['CONNECT', 'GE T', 'G\r\nX'])('method %j is Invalid', async (method) => {
  await expect(client().run('request', method, 'http://x/')).rejects.toMatchObject({ kind: 'Invalid' })
})

test('a batch runs at once and answers in order', async () => {
  const all: (() => void)[] = []
  const { url, requests } = await server(async (request, response) => {
    // No request is answered before all three are there.
    await new Promise<void>((resolve) => {
      all.push(resolve)
      if (all.length === 3) for (const go of all) go()
    })
    response.end(request.url)
  })
  const responses = await client().run('request_batch', [
    ['GET', `${url}/1`],
    ['POST', `${url}/2`, { body: 'b' }],
    ['GET', `${url}/3`],
  ])
  expect((responses as Loose[]).map(({ body }) => text(body))).toEqual(['/1', '/2', '/3'])
  expect(requests.find(({ method }) => method === 'POST')?.body.toString()).toBe('b')
})

test('a batch tells its failures by position', async () => {
  const { url } = await echo()
  const result = await client().run('request_batch', [
    ['GET', url],
    ['GET', 'http://127.0.0.1:1/'],
    ['GET', url],
  ])
  expect(result).toBeInstanceOf(Results)
  const [responses, errors] = (result as Results).values as [Loose[], Loose[]]
  expect(responses.map((response) => response?.status_code ?? null)).toEqual([200, null, 200])
  expect(errors.map((error) => error?.kind ?? null)).toEqual([null, 'Internal', null])
  await expect(client().run('request_batch', [['GET', url, { stream: true }]])).rejects.toMatchObject({
    kind: 'Invalid',
    message: 'streaming not supported in batch requests',
  })
})

test('connections are used again', async () => {
  const { url, requests } = await echo()
  const { run } = client()
  for (let i = 0; i < 3; i++) {
    await run('get', url)
    // A socket is free again one turn of the loop after its answer.
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(new Set(requests.map(({ remotePort }) => remotePort)).size).toBe(1)
})

test('nothing listens any more when a request is over', async () => {
  const { url } = await echo()
  const { run, call } = client()
  await run('get', url)
  await run('get', 'http://127.0.0.1:1/').catch(() => {})
  expect(getEventListeners(call.signal, 'abort')).toEqual([])
})
