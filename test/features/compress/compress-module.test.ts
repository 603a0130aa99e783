// Compression: round trips, bounds, and what is refused.

import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compressModule } from '../../../runtime/features/compress/compress-module.ts'
import { zstdFrames } from '../../../runtime/features/compress/zstd-frame.ts'
import type { ModuleTable } from '../../../runtime/lua/module.ts'
import { callFunction, type Outcome } from '../../support/call-module.ts'

const module = compressModule.open() as ModuleTable
const run = async (name: string, ...args: unknown[]): Promise<Outcome> => callFunction(module, name, args)
const formats = ['gzip', 'deflate', 'zlib', 'brotli', 'zstd']

describe.each(formats)('%s', (format) => {
  test('gives back every byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (data) => {
        const { value } = await run(`${format}.encode`, data)
        expect([...((await run(`${format}.decode`, value)).value as Uint8Array)]).toEqual([...data])
      }),
      { numRuns: 25 },
    )
  })

  test('makes repeated text smaller, at every level', async () => {
    const text = 'the same words again and again. '.repeat(20_000)
    const sizes: number[] = []
    for (const level of [1, 9]) {
      const { value } = await run(`${format}.encode`, text, { level })
      sizes.push((value as Uint8Array).length)
      expect(Buffer.from((await run(`${format}.decode`, value)).value as Uint8Array).toString()).toBe(text)
    }
    expect(Math.max(...sizes)).toBeLessThan(text.length / 20)
  })

  test('stops a bomb at its limit', async () => {
    const { value } = await run(`${format}.encode`, new Uint8Array(5_000_000))
    expect((await run(`${format}.decode`, value, { max_size: 1_000_000 })).error).toMatchObject({
      kind: 'Internal',
      message: 'decompressed size exceeds the limit of 1000000 bytes',
    })
    expect(((await run(`${format}.decode`, value, { max_size: 5_000_000 })).value as Uint8Array).length).toBe(5_000_000)
  })

  test('refuses what it cannot use', async () => {
    expect((await run(`${format}.decode`, 'nonsense nonsense')).error).toMatchObject({
      kind: 'Invalid',
      message: `invalid ${format} data`,
    })
    expect((await run(`${format}.encode`, '')).error).toMatchObject({ kind: 'Invalid', message: 'input is empty' })
    expect((await run(`${format}.encode`, 'x', { level: 99 })).error?.kind).toBe('Invalid')
    expect((await run(`${format}.decode`, 'x', { max_size: 0 })).error?.kind).toBe('Invalid')
    expect((await run(`${format}.encode`, {})).raised).toMatch(
      /bad argument #1 to encode \(string expected, got table\)/,
    )
    const { value } = await run(`${format}.encode`, 'some text that is long enough to cut')
    expect((await run(`${format}.decode`, (value as Uint8Array).slice(0, -3))).error?.kind).toBe('Invalid')
  })
})

test('gzip is what others read', async () => {
  const { value } = await run('gzip.encode', 'hello')
  expect(zlib.gunzipSync(value as Uint8Array).toString()).toBe('hello')
})

test('a zstd dictionary made of samples makes small data smaller, and is needed to read it', async () => {
  const samples = Array.from(
    { length: 20 },
    (_, index) => `{"id":${index},"kind":"registry.entry","meta":{"type":"tool"}}`,
  )
  const { value: dict } = await run('zstd.train_dict', samples, { size: 512 })
  expect((await run('zstd.inspect_dict', dict)).value).toEqual({ id: 0, content_size: 512 })
  const data = '{"id":77,"kind":"registry.entry","meta":{"type":"tool"}}'
  const { value: plain } = await run('zstd.encode', data)
  const { value: small } = await run('zstd.encode', data, { dict })
  expect((small as Uint8Array).length).toBeLessThan((plain as Uint8Array).length / 2)
  expect(Buffer.from((await run('zstd.decode', small, { dict })).value as Uint8Array).toString()).toBe(data)
  expect((await run('zstd.decode', small)).error?.kind).toBe('Invalid')
  expect((await run('zstd.train_dict', ['short'])).error?.kind).toBe('Invalid')
})

test('zstd data that lies about its size is refused without making room for it', async () => {
  // A frame header that announces 2^40 bytes.
  const lie = Buffer.from('28b52ffdc0000000000001000000010000', 'hex')
  const { error } = await run('zstd.decode', lie)
  expect(['Internal', 'Invalid']).toContain(error?.kind)
})

test('the outline of any bytes is found or refused, without end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
      const bytes = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, ...tail])
      const frames = zstdFrames(bytes)
      if (frames !== undefined) expect(frames.at(-1)?.end).toBe(bytes.length)
    }),
  )
})
