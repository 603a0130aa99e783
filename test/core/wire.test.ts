// core/wire.ts: what is read is what was written.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { emptyMap } from '../../runtime/core/value.ts'
import { WireReader, WireWriter } from '../../runtime/core/wire.ts'

function crossed(...values: unknown[]): unknown[] {
  const writer = new WireWriter()
  for (const value of values) writer.value(value)
  const reader = new WireReader(writer.take())
  const read = values.map(() => reader.value())
  expect(reader.done).toBe(true)
  return read
}

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, undefined, true, false, 0, -0, Number.NaN, Number.POSITIVE_INFINITY, -(2 ** 53) + 1),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.uint8Array({ maxLength: 80 }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 6, noNullPrototype: false }),
  ),
})).value

describe('values', () => {
  test('of every kind come out as they went in', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), (values) => {
        expect(plain(crossed(...values))).toEqual(plain(values))
      }),
      { numRuns: 2000 },
    )
  })

  test('that are text keep every character', () => {
    for (const text of ['', 'a'.repeat(47), 'a'.repeat(48), 'ä'.repeat(30), '\0\u{1F600}', 'x'.repeat(100_000)]) {
      expect(crossed(text)).toEqual([text])
    }
  })

  test('that are maps have no prototype and any key', () => {
    const map = Object.assign(emptyMap(), { constructor: 1 })
    Object.defineProperty(map, '__proto__', { value: 2, enumerable: true })
    const [read] = crossed(map) as [object]
    expect(Object.getPrototypeOf(read)).toBeNull()
    expect(Object.entries(read)).toEqual([
      ['constructor', 1],
      ['__proto__', 2],
    ])
  })

  test('that are bytes are copies', () => {
    const bytes = new Uint8Array([1, 2, 3])
    const [read] = crossed(bytes) as [Uint8Array]
    bytes[0] = 9
    expect([...read]).toEqual([1, 2, 3])
    expect(read.buffer.byteLength).toBe(3)
  })

  test('that are objects of a class nobody knows are null', () => {
    expect(crossed(new Date(), new (class Thing {})(), () => 1)).toEqual([null, null, null])
  })
})

describe('errors', () => {
  test('keep kind, text, contexts, details and their causes', () => {
    const cause = new RuntimeError('Unavailable', 'no route', { retryable: true })
    const error = new RuntimeError('Timeout', 'too late', {
      retryable: false,
      details: { ms: 5 },
      luaStack: 'stack traceback:\n\tapp:x:1',
      cause,
    }).wrap('call')
    const [read] = crossed(error) as [RuntimeError]
    expect(read).toBeInstanceOf(RuntimeError)
    expect(read).toMatchObject({ kind: 'Timeout', message: 'too late', retryable: false, luaStack: error.luaStack })
    expect(read.text).toBe('call: too late')
    expect(read.details).toEqual({ ms: 5 })
    expect(read.cause).toMatchObject({ kind: 'Unavailable', retryable: true })
  })

  test('tell an unknown retryability from one that is false', () => {
    expect(crossed(new RuntimeError('', 'x'))).toMatchObject([{ retryable: undefined }])
  })
})

describe('a writer', () => {
  test('forgets what is cut off, and is empty after it was taken', () => {
    const writer = new WireWriter()
    writer.value('kept')
    const before = writer.length
    writer.value({ lost: [1, 2, 3] })
    writer.cut(before)
    expect(new WireReader(writer.take()).value()).toBe('kept')
    expect(writer.length).toBe(0)
  })

  test('counts to 2^53', () => {
    for (const count of [0, 1, 127, 128, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const writer = new WireWriter()
      writer.count(count)
      expect(new WireReader(writer.take()).count()).toBe(count)
    }
  })
})

/** The same without prototypes, which `toEqual` does not look at but for arrays of typed values. */
function plain(item: unknown): unknown {
  if (Array.isArray(item)) return item.map(plain)
  if (item instanceof Uint8Array) return { bytes: [...item] }
  if (typeof item !== 'object' || item === null) return item
  return Object.fromEntries(Object.entries(item).map(([key, inner]) => [`.${key}`, plain(inner)]))
}
