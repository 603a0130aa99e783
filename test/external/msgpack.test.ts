// MessagePack: whatever goes in comes out, and no bytes do harm.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import type { Value } from '../../runtime/core/value.ts'
import { decodeMsgpack, encodeMsgpack } from '../../runtime/external/msgpack.ts'

const value = fc.letrec<{ any: Value }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.integer(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
    fc.array(tie('any')),
    fc.dictionary(fc.string(), tie('any'), { noNullPrototype: false }),
  ),
})).any

test('whatever goes in comes out', () => {
  fc.assert(
    fc.property(value, (sample) => {
      expect(decodeMsgpack(encodeMsgpack(sample))).toEqual(sample)
    }),
  )
})

test('any bytes are a value or Invalid', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeMsgpack(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(RuntimeError)
        expect((error as RuntimeError).kind).toBe('Invalid')
      }
    }),
    { numRuns: 2000 },
  )
})

test('depth, lengths that lie and extensions are refused', () => {
  const nested = new Uint8Array(100_000).fill(0x91)
  for (const bytes of [
    nested,
    Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff),
    Uint8Array.of(0xdb, 0x7f, 0xff, 0xff, 0xff),
  ]) {
    expect(() => decodeMsgpack(bytes)).toThrow(/^no MessagePack: /)
  }
  expect(() => decodeMsgpack(Uint8Array.of(0xd6, 0xff, 0, 0, 0, 1))).toThrow(/extension/)
  expect(() => decodeMsgpack(Uint8Array.of(0xd4, 5, 1))).toThrow(/extension/)
  let deep: Value = 1
  for (let i = 0; i < 200; i++) deep = [deep]
  expect(() => encodeMsgpack(deep)).toThrow(/^no MessagePack: /)
})
