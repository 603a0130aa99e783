// Fields of entries: typed, named in every error, and kind to what Lua writes.

import { describe, expect, test } from 'vitest'
import {
  asCount,
  asDuration,
  asFileMode,
  asList,
  asMap,
  asName,
  asNumber,
  asText,
  field,
  requiredField,
} from '../../runtime/core/field.ts'
import type { Value } from '../../runtime/core/value.ts'

const entry = (data: Value) => ({ id: 'app:x', kind: 'k', meta: {}, data })

test('a missing or null field is the fallback, or an error that names it', () => {
  expect(field(entry({ a: null }), 'a', asText, 'none')).toBe('none')
  expect(field(entry('text'), 'a', asText, undefined)).toBeUndefined()
  expect(() => requiredField(entry({}), 'a', asText)).toThrow('entry app:x: a is required')
  expect(field(entry({}), 'constructor', asText, 'none')).toBe('none')
})

describe('a wrong value is refused with its place', () => {
  test.each([
    [asName, '', 'entry app:x: a "" is not a non-empty string'],
    [asCount, 1.5, 'entry app:x: a 1.5 is not a non-negative integer'],
    [asDuration, '5 parsecs', 'entry app:x: a "5 parsecs" is not a duration'],
    [asMap, [1], 'entry app:x: a [1] is not a map'],
    [asList(asName), ['a', 2], 'entry app:x: a[1] 2 is not a non-empty string'],
    [asFileMode, 999, 'entry app:x: a 999 is not a file mode'],
    [asText, 10n, 'entry app:x: a 10 is not a string'],
    [asNumber, Number.NaN, 'entry app:x: a NaN is not a number'],
    [asNumber, Number.POSITIVE_INFINITY, 'entry app:x: a Infinity is not a number'],
  ])('%#', (decode, value, message) => {
    expect(() => field(entry({ a: value as Value }), 'a', decode as never, undefined)).toThrow(message)
  })
})

test('an empty table of Lua is an empty list and an empty map', () => {
  expect(field(entry({ a: {} }), 'a', asList(asName), undefined)).toEqual([])
  expect(field(entry({ a: [] }), 'a', asMap, undefined)).toEqual({})
})

test.each([
  ['0600', 0o600],
  ['755', 0o755],
  [600, 0o600],
  [384, 0o600],
  ['0o644', 0o644],
])('the file mode %j', (written, mode) => {
  expect(field(entry({ a: written }), 'a', asFileMode, undefined)).toBe(mode)
})
