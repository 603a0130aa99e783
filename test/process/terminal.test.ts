// The terminal over pipes: one buffer for all reads, bytes as they are, and its end.

import { PassThrough, Readable, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { Terminal } from '../../runtime/process/terminal.ts'

function sink() {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream, bytes: () => Buffer.concat(chunks), text: () => Buffer.concat(chunks).toString() }
}

function bench(stdin: Readable) {
  const out = sink()
  const err = sink()
  return { out, err, terminal: new Terminal({ stdin, stdout: out.stream, stderr: err.stream, args: ['a', 'b'] }) }
}

const never = new AbortController().signal

test('lines that arrive together are read one by one, ends of both kinds removed, the last one without an end', async () => {
  const { terminal } = bench(Readable.from([Buffer.from('one\ntwo\r\n\nlast')]))
  const lines = []
  for (;;) {
    const line = await terminal.readline(never)
    if (line === undefined) break
    lines.push(line)
  }
  expect(lines).toEqual(['one', 'two', '', 'last'])
  expect(await terminal.readline(never)).toBeUndefined()
})

test('lines and bytes are taken from one buffer', async () => {
  const { terminal } = bench(Readable.from([Buffer.from('li'), Buffer.from('ne\nabcdef\nrest\n')]))
  expect(await terminal.readline(never)).toBe('line')
  expect(await terminal.read(3, never)).toBe('abc')
  expect(await terminal.readline(never)).toBe('def')
  expect(await terminal.read(1024, never)).toBe('rest\n')
  expect(await terminal.read(1024, never)).toBeUndefined()
})

test('reads that wait at the same time are served in their order', async () => {
  const stdin = new PassThrough()
  const { terminal } = bench(stdin)
  const both = Promise.all([terminal.readline(never), terminal.readline(never)])
  stdin.write('first\nsecond\n')
  expect(await both).toEqual(['first', 'second'])
})

test('a read that is given up takes nothing', async () => {
  const stdin = new PassThrough()
  const { terminal } = bench(stdin)
  const caller = new AbortController()
  const given = expect(terminal.readline(caller.signal)).rejects.toMatchObject({ kind: 'Canceled' })
  caller.abort()
  await given
  stdin.write('kept\n')
  expect(await terminal.readline(never)).toBe('kept')
})

test('bytes that are no text stay bytes, in and out', async () => {
  const { terminal, out } = bench(Readable.from([Buffer.from([0xff, 0x00, 0x0a])]))
  expect(await terminal.readline(never)).toEqual(Uint8Array.from([0xff, 0x00]))
  await terminal.write(Uint8Array.from([0xff, 0x1b, 0x5b]))
  expect([...out.bytes()]).toEqual([0xff, 0x1b, 0x5b])
})

test('into a pipe every byte passes, escapes too', async () => {
  const { terminal, out, err } = bench(Readable.from([]))
  await terminal.write('\x1b[2J')
  await terminal.writeError('\x1b[H')
  expect([out.text(), err.text()]).toEqual(['\x1b[2J', '\x1b[H'])
})

test('the end of input ends reads under way and to come', async () => {
  const { terminal } = bench(new PassThrough())
  const line = terminal.readline(never)
  terminal.endInput()
  expect(await line).toBeUndefined()
  expect(await terminal.read(1, never)).toBeUndefined()
})

test('nothing is read before somebody asks', async () => {
  let asked = 0
  const stdin = new Readable({
    read() {
      asked++
      this.push('line\n')
      this.push(null)
    },
  })
  const { terminal } = bench(stdin)
  await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toBe(0)
  expect(await terminal.readline(never)).toBe('line')
})

test('raw mode without a terminal is refused', () => {
  expect(() => bench(Readable.from([])).terminal.raw(true)).toThrow('raw: standard input is not a terminal')
})

test('output that nobody reads fails with the reason, and is reported once', async () => {
  const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('write EPIPE')) })
  const terminal = new Terminal({ stdin: Readable.from([]), stdout: broken, stderr: sink().stream })
  let reported = 0
  const gone = new Promise<void>((resolve) => {
    terminal.onBroken = () => {
      reported++
      resolve()
    }
  })
  terminal.write('x')
  await gone
  expect(() => terminal.write('y')).toThrow('write: write EPIPE')
  await expect(terminal.flush()).rejects.toThrow('EPIPE')
  expect(reported).toBe(1)
})

test('a writer waits while the pipe is full', async () => {
  const slow = new PassThrough({ highWaterMark: 4 })
  const terminal = new Terminal({ stdin: Readable.from([]), stdout: slow, stderr: sink().stream })
  let written = false
  const waiting = Promise.resolve(terminal.write('more than four')).then(() => (written = true))
  await new Promise((resolve) => setImmediate(resolve))
  expect(written).toBe(false)
  slow.resume()
  await waiting
})
