// Bodies as they arrive: Stream and Scanner over real HTTP.

import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RuntimeError } from '../../../runtime/core/error.ts'
import { Results } from '../../../runtime/lua/module.ts'
import { client, type Loose, method, server, text } from './bench.ts'

/** A server whose answer the test writes itself, and the stream of it. */
async function openStream(options: object = {}, headers: { [name: string]: string } = {}) {
  let answer: ServerResponse | undefined
  const host = await server((_request, response) => {
    answer = response
    response.writeHead(200, headers)
    response.flushHeaders()
  })
  const http = client()
  const response = await http.run('get', host.url, { stream: true, ...options })
  const { stream } = response as Loose
  const read = (n?: number) => method(stream, 'read', n) as Uint8Array | undefined | Promise<Uint8Array | undefined>
  return { ...http, host, response, stream, read, answer: answer! }
}

async function all(read: () => unknown): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let piece = await read(); piece !== undefined; piece = await read())
    pieces.push(Buffer.from(piece as Uint8Array))
  return Buffer.concat(pieces)
}

/** The error of something that starts at once. */
function errorOf(run: () => unknown): Promise<RuntimeError | undefined> {
  const begun = (async () => run())()
  return begun.then(
    () => undefined,
    (error: RuntimeError) => error,
  )
}

test('a stream has the head of its answer, and its body as it comes', async () => {
  const { response, read, answer } = await openStream()
  expect(response).toMatchObject({ status_code: 200, body: null, body_size: -1 })
  const first = read()
  expect(first).toBeInstanceOf(Promise)
  answer.write('one')
  expect(text(await first)).toBe('one')
  const second = read()
  answer.end('two')
  expect(text(await second)).toBe('two')
  expect(await read()).toBeUndefined()
  expect(read()).toBeUndefined()
})

test('a stream may be asked for with a buffer size, as older drivers do', async () => {
  const { read, answer } = await openStream({ stream: { buffer_size: 4096 } })
  answer.end('x')
  expect((await all(read)).toString()).toBe('x')
})

test('what has arrived is read at once, up to the size asked for', async () => {
  const { read, answer, stream } = await openStream()
  const first = read(1)
  answer.write('abcdefgh')
  expect(text(await first)).toBe('a')
  const next = read(3)
  expect(next).not.toBeInstanceOf(Promise)
  expect(text(next)).toBe('bcd')
  expect(text(read(0))).toBe('efgh')
  const last = read()
  expect(last).toBeInstanceOf(Promise)
  method(stream, 'close')
  expect(await last).toBeUndefined()
})

test('bytes come through as they are, in reads of any size', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256))
  for (const size of [undefined, 1000, 65_536]) {
    const { read, answer } = await openStream()
    answer.end(bytes)
    expect(Buffer.compare(await all(() => read(size)), bytes)).toBe(0)
  }
})

test('gzip is undone on the way', async () => {
  const { read, answer, response } = await openStream({}, { 'content-encoding': 'gzip' })
  expect(response.headers['Content-Encoding']).toBeUndefined()
  answer.end(gzipSync('packed'.repeat(1000)))
  expect((await all(read)).toString()).toBe('packed'.repeat(1000))
})

test('a reader that does not read holds the server back', async () => {
  const { read, answer } = await openStream()
  let written = 0
  const piece = Buffer.alloc(64 * 1024)
  const pump = () => {
    while (written < 1024) {
      written++
      if (!answer.write(piece)) return void answer.once('drain', pump)
    }
    answer.end()
  }
  pump()
  for (let i = 0; i < 300; i++) await new Promise((resolve) => setImmediate(resolve))
  // 64 MiB are to be sent; the buffers of both sockets hold some.
  expect(written).toBeLessThan(512)
  expect((await all(read)).length).toBe(64 * 1024 * 1024)
})

test('close breaks the connection, twice is once, and reading afterwards is an error', async () => {
  const { stream, read, host, call } = await openStream()
  expect(call.owned.size).toBe(1)
  expect([method(stream, 'close'), method(stream, 'close')]).toEqual([true, true])
  expect(call.owned.size).toBe(0)
  expect(await (await host.request(0)).closed).toBe('aborted')
  expect(await errorOf(() => read())).toMatchObject({ kind: 'Internal', message: 'stream is closed' })
})

test('a stream read to its end is owned by nobody any more', async () => {
  const { read, answer, call } = await openStream()
  answer.end('x')
  await all(read)
  expect(call.owned.size).toBe(0)
})

test('the end of the process closes its streams', async () => {
  const { read, host, call } = await openStream()
  const waiting = errorOf(() => read())
  call.end()
  await waiting
  expect(await (await host.request(0)).closed).toBe('aborted')
})

test('a cut is an error after what came before, then the end', async () => {
  const { read, answer, host } = await openStream()
  const first = read()
  answer.write('half')
  expect(text(await first)).toBe('half')
  const waiting = errorOf(() => read())
  answer.destroy()
  expect(await waiting).toMatchObject({
    kind: 'Internal',
    retryable: true,
    message: expect.stringContaining(`GET ${host.url}/: connection closed before the answer was complete`),
  })
  expect(await read()).toBeUndefined()
})

test('a stream may last for ever but not be silent longer than the timeout', async () => {
  const { read, answer, clock, host } = await openStream({ timeout: 5 })
  for (let i = 0; i < 4; i++) {
    const waiting = read()
    clock.advance(4_900)
    answer.write('x')
    expect(text(await waiting)).toBe('x')
  }
  // Time that the reader takes for itself does not count.
  clock.advance(60_000)
  const waiting = errorOf(() => read())
  clock.advance(5_000)
  expect(await waiting).toMatchObject({
    retryable: true,
    message: `GET ${host.url}/: request timeout: the stream was silent for 5s`,
  })
})

test('a stream has no limit unless max_response_body says so', async () => {
  const { read, answer, host } = await openStream({ max_response_body: 10 })
  const first = read()
  answer.write('12345')
  expect(text(await first)).toBe('12345')
  const waiting = errorOf(() => read())
  answer.write('678901')
  expect(await waiting).toMatchObject({ kind: 'LimitExceeded', message: 'response body too large (max 10 bytes)' })
  expect(await (await host.request(0)).closed).toBe('aborted')
})

test('stat tells sizes; writing and seeking are refused', async () => {
  const { stream, read, answer } = await openStream({}, { 'content-length': '6' })
  answer.end('abcdef')
  await read(2)
  expect(method(stream, 'stat')).toEqual({ size: 6, position: 2, readable: true, writable: false, seekable: false })
  expect(await errorOf(() => method(stream, 'write', 'x'))).toMatchObject({
    kind: 'Internal',
    message: 'stream is not writable',
  })
  expect(await errorOf(() => method(stream, 'flush'))).toMatchObject({ kind: 'Internal' })
  expect(await errorOf(() => method(stream, 'seek', 'cur', 0))).toMatchObject({
    kind: 'Internal',
    message: 'stream is not seekable',
  })
  expect(await errorOf(() => method(stream, 'seek', 'middle'))).toMatchObject({
    kind: 'Invalid',
    message: 'invalid whence: middle',
  })
  expect(await errorOf(() => method(stream, 'scanner', 'toString'))).toMatchObject({
    kind: 'Invalid',
    message: 'invalid split type: toString',
  })
})

/** All tokens of a body that arrives in the given pieces. */
async function tokens(split: string | undefined, pieces: readonly Uint8Array[]): Promise<string[]> {
  const { stream, answer } = await openStream()
  const scanner = method(stream, 'scanner', split)
  const found: string[] = []
  const writing = (async () => {
    for (const piece of pieces) {
      answer.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    answer.end()
  })()
  while ((await method(scanner, 'scan')) === true) found.push(Buffer.from(method(scanner, 'text')).toString('latin1'))
  await writing
  expect(method(scanner, 'err')).toBeNull()
  expect(method(scanner, 'text').length).toBe(0)
  expect(await method(scanner, 'scan')).toBe(false)
  return found
}

test.each([
  ['lines', 'a\nb\r\n\n\rc\r\r\nlast', ['a', 'b', '', '\rc\r', 'last']],
  [undefined, 'x\n', ['x']],
  ['lines', '', []],
  ['lines', 'last\r', ['last']],
  ['words', '  one\ttwo\n\u00a0three\u3000four\u2028 \u200bfive', ['one', 'two', 'three', 'four', '\u200bfive']],
  ['words', '   ', []],
  ['bytes', 'aé', ['a', '\u00c3', '\u00a9']],
  ['runes', 'aé世👋', ['a', 'é', '世', '👋']],
])('scanner %s of %j', async (split, body, expected) => {
  const bytes = Buffer.from(body)
  const wanted = expected.map((token) => (split === 'bytes' ? token : Buffer.from(token).toString('latin1')))
  expect(await tokens(split, [bytes])).toEqual(wanted)
  // The same however it is cut.
  expect(
    await tokens(
      split,
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
    ),
  ).toEqual(wanted)
})

test('a rune that is none is the replacement character, one for each byte', async () => {
  const broken = Uint8Array.of(0x61, 0xff, 0xe4, 0xb8, 0x62, 0xed, 0xa0, 0x80, 0xc3)
  const r = '\u00ef\u00bf\u00bd'
  expect(await tokens('runes', [broken])).toEqual(['a', r, r, r, 'b', r, r, r, r])
})

test('lines are the same however the body is cut (property)', async () => {
  const piece = fc.oneof(fc.constantFrom('\n', '\r\n', '\r', 'a', 'é'), fc.string({ maxLength: 5 }))
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
      const body = pieces.join('')
      const expected = body.split('\n')
      if (expected.at(-1) === '') expected.pop()
      const wanted = expected.map((line) => Buffer.from(line.replace(/\r$/, '')).toString('latin1'))
      const cut = pieces.map((part) => Buffer.from(part)).filter((part) => part.length > 0)
      expect(await tokens('lines', cut)).toEqual(wanted)
    }),
    { numRuns: 40 },
  )
})

test('scan does not wait for what has arrived', async () => {
  const { stream, answer } = await openStream()
  const scanner = method(stream, 'scanner', 'lines')
  const first = method(scanner, 'scan')
  answer.write('one\ntwo\nthr')
  expect(await first).toBe(true)
  expect(method(scanner, 'scan')).toBe(true)
  expect(text(method(scanner, 'text'))).toBe('two')
  const last = method(scanner, 'scan')
  expect(last).toBeInstanceOf(Promise)
  answer.end('ee')
  expect(await last).toBe(true)
  expect(text(method(scanner, 'text'))).toBe('three')
})

test('a cut under a scanner is an error, kept in err', async () => {
  const { stream, answer } = await openStream()
  const scanner = method(stream, 'scanner', 'lines')
  const first = method(scanner, 'scan')
  answer.write('one\ntw')
  await first
  const second = method(scanner, 'scan')
  answer.destroy()
  const result = await second
  expect(result).toBeInstanceOf(Results)
  expect((result as Results).values).toMatchObject([false, { kind: 'Internal', retryable: true }])
  expect(method(scanner, 'err')).toMatchObject({ kind: 'Internal' })
})

test('a line without end is refused before it fills the memory', async () => {
  const { stream, answer } = await openStream()
  const scanner = method(stream, 'scanner', 'lines')
  const piece = Buffer.alloc(1024 * 1024, 0x61)
  const pump = () => {
    for (let i = 0; i < 32 && !answer.destroyed; i++) if (!answer.write(piece)) return void answer.once('drain', pump)
  }
  pump()
  const result = (await method(scanner, 'scan')) as Results
  expect(result.values).toMatchObject([false, { kind: 'LimitExceeded', message: 'token too long (max 8388608 bytes)' }])
  method(stream, 'close')
})
