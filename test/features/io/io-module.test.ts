// The `io` module against a terminal of pipes.

import { Readable, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { ioModule } from '../../../runtime/features/io/io-module.ts'
import { Terminal } from '../../../runtime/process/terminal.ts'
import { fakeCall, luaResult } from '../../support/fake-call.ts'

type Functions = Record<string, (call: unknown, ...args: unknown[]) => unknown>

function bench(input: string, withTerminal = true) {
  const written = { out: '', err: '' }
  const stream = (name: 'out' | 'err') =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written[name] += chunk.toString('latin1')
        done()
      },
    })
  const terminal = new Terminal({
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    stdout: stream('out'),
    stderr: stream('err'),
    args: ['x', '--y'],
  })
  const io = ioModule({ terminalOf: () => (withTerminal ? terminal : undefined) }).open() as unknown as Functions
  const run = (name: string, ...args: unknown[]) => luaResult(() => io[name]?.(fakeCall(), ...args))
  return { run, written }
}

test('write joins, print separates with tabs and ends the line, eprint does so on stderr', async () => {
  const { run, written } = bench('')
  expect(await run('write', 'a', 1, null, true)).toEqual([true, undefined])
  expect(await run('print', 'b', 2.5, 10 ** 20)).toEqual([true, undefined])
  expect(await run('eprint', 'c', new RuntimeError('Invalid', 'bad'))).toEqual([true, undefined])
  expect(written).toEqual({ out: 'a1niltrueb\t2.5\t1e+20\n', err: 'c\tbad\n' })
})

test.each([
  [0.1 + 0.2, '0.3'],
  [1 / 3, '0.33333333333333'],
  [1e15, '1e+15'],
  [123456789012345, '123456789012345'],
  [1e-5, '1e-05'],
  [0.0001, '0.0001'],
  [1.5e300, '1.5e+300'],
  [-0.00001234, '-1.234e-05'],
  [Number.POSITIVE_INFINITY, 'inf'],
  [2n ** 62n, '4611686018427387904'],
])('the number %s is shown as Lua shows it', async (value, text) => {
  const { run, written } = bench('')
  await run('write', value)
  expect(written.out).toBe(text)
})

test('bytes are written as they are, among text', async () => {
  const { run, written } = bench('')
  await run('print', Uint8Array.from([0xff]), 'a')
  expect(written.out).toBe('\xff\ta\n')
})

test('readline gives lines and then the error "readline: EOF"', async () => {
  const { run } = bench('one\r\ntwo')
  expect(await run('readline')).toEqual(['one', undefined])
  expect(await run('readline')).toEqual(['two', undefined])
  const [line, error] = await run('readline')
  expect(line).toBeUndefined()
  expect(error).toMatchObject({ kind: 'Internal', message: 'readline: EOF', retryable: false })
})

test('read takes up to n bytes; nothing, zero and less mean 1024', async () => {
  const { run } = bench(`abc${'x'.repeat(3_000)}`)
  expect(await run('read', 3)).toEqual(['abc', undefined])
  expect(await run('read', 0)).toEqual(['x'.repeat(1024), undefined])
  expect(await run('read', -5)).toEqual(['x'.repeat(1024), undefined])
  expect(await run('read')).toEqual(['x'.repeat(952), undefined])
  expect((await run('read'))[1]).toMatchObject({ message: 'read: EOF' })
})

test('flush waits for what was written, args are those of the command', async () => {
  const { run } = bench('')
  expect(await run('flush')).toEqual([true, undefined])
  expect(await run('args')).toEqual([['x', '--y'], undefined])
})

test('without a terminal there are no arguments and everything else is unavailable', async () => {
  const { run } = bench('', false)
  expect(await run('args')).toEqual([[], undefined])
  for (const name of ['write', 'print', 'eprint', 'readline', 'read', 'raw', 'flush']) {
    expect((await run(name))[1]).toMatchObject({
      kind: 'Unavailable',
      message: 'no terminal context',
      retryable: false,
    })
  }
})

test('pipes are no terminal, and neither is none', async () => {
  expect(await bench('').run('is_terminal')).toEqual([false, undefined])
  expect(await bench('', false).run('is_terminal')).toEqual([false, undefined])
})
