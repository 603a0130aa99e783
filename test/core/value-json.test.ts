// Values survive JSON.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalValues, type Value } from '../../runtime/core/value.ts'
import { fromJson, toJson } from '../../runtime/core/value-json.ts'

const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', '$int', '$map', '$bytes', 'constructor', '$'))
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.string(),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(key, tie('value'), { noNullPrototype: false }),
  ),
})).value

test('any value comes back as it was', () => {
  fc.assert(
    fc.property(value, (given) => {
      const back = fromJson(JSON.parse(JSON.stringify(toJson(given))))
      expect(equalValues(back, given)).toBe(true)
    }),
  )
})

test('minus zero stays minus zero', () => {
  expect(Object.is(fromJson(JSON.parse(JSON.stringify(toJson(-0)))), -0)).toBe(true)
})

test('a mark that holds something else is refused or read as a plain map, and never reaches a prototype', () => {
  expect(() => fromJson({ $int: 'x' })).toThrow(SyntaxError)
  expect(() => fromJson({ $map: ['x'] })).toThrow(SyntaxError)
  expect(Object.getPrototypeOf(fromJson(JSON.parse('{"__proto__": {"polluted": true}}')))).toBeNull()
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})
