// The json module: what encodes to what, what is refused, and text that comes back as it was.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../runtime/core/error.ts'
import type { Value } from '../../../runtime/core/value.ts'
import { jsonModule } from '../../../runtime/features/json/json-module.ts'
import { LuaFunctionRef, LuaTable, wantsExactTables } from '../../../runtime/lua/module.ts'
import { Offload } from '../../../runtime/offload/offload.ts'
import { callFunction, type Outcome } from '../../support/call-module.ts'

const json = jsonModule({ offload: new Offload() }).open()
const call = (name: string, ...args: unknown[]): Outcome => callFunction(json, name, args) as Outcome
const encode = (value: unknown): string => call('encode', lua(value)).value as string
const decode = (text: string): unknown => call('decode', text).value

/** Plain data as the engine hands tables to functions marked `exactTables`. */
function lua(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  if (value instanceof LuaTable || value instanceof RuntimeError || value instanceof LuaFunctionRef) return value
  const entries: [Value, unknown][] = Array.isArray(value)
    ? value.map((item, i) => [i + 1, lua(item)])
    : Object.entries(value).map(([key, item]) => [key, lua(item)])
  return new LuaTable(new Map(entries), !Array.isArray(value))
}

describe('encode', () => {
  test('asks the engine for exact tables', () => {
    expect(wantsExactTables(json['encode' as never])).toBe(true)
  })

  test.each([
    ['"hello"', 'hello'],
    ['42', 42],
    ['-0.5', -0.5],
    ['1e+21', 1e21],
    ['9007199254740993', 9007199254740993n],
    ['true', true],
    ['null', null],
    ['null', undefined],
    ['null', Number.NaN],
    ['null', Number.NEGATIVE_INFINITY],
    ['null', new LuaFunctionRef()],
    ['"outer: inner"', new RuntimeError('Invalid', 'inner').wrap('outer')],
    ['[1,2,3]', [1, 2, 3]],
    ['{"a":1,"b":[{}]}', { b: [{}], a: 1 }],
    ['"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029\\n\\u0001é😀"', '<a href="x">&\u2028\u2029\n\u0001é😀'],
    ['"a\\ufffdb"', new Uint8Array([0x61, 0xff, 0x62])],
  ])('writes %s', (text, value) => {
    expect(encode(value)).toBe(text)
  })

  test('an empty table is an array unless it had keys', () => {
    expect(encode(new LuaTable(new Map(), false))).toBe('[]')
    expect(encode(new LuaTable(new Map(), true))).toBe('{}')
  })

  test('zero, negative, fractional and boolean keys make an object', () => {
    const entries = new Map<Value, unknown>([
      [0, 'a'],
      [-1, 'b'],
      [1.5, 'c'],
      [true, 'd'],
    ])
    expect(encode(new LuaTable(entries, true))).toBe('{"-1":"b","0":"a","1.5":"c","true":"d"}')
  })

  test.each([
    [
      'holes',
      [
        [1, 'a'],
        [3, 'c'],
      ],
      'cannot encode sparse array: non-contiguous numeric keys found',
    ],
    ['a far key', [[2 ** 40, 'a']], 'cannot encode sparse array: non-contiguous numeric keys found'],
    [
      'mixed keys',
      [
        [1, 'a'],
        ['x', 1],
      ],
      'cannot encode mixed-key table: table has both numeric and non-numeric keys',
    ],
  ] as [string, [Value, unknown][], string][])('%s are refused', (_what, entries, message) => {
    const { error } = call('encode', new LuaTable(new Map(entries), false))
    expect(error).toMatchObject({ kind: 'Internal', retryable: false, text: `encode failed: ${message}` })
  })

  test('a table inside itself is refused, the same table twice is not', () => {
    const shared = lua({ x: 1 })
    expect(encode(lua([shared, shared]))).toBe('[{"x":1},{"x":1}]')
    const loop = new LuaTable(new Map<Value, unknown>(), true)
    loop.entries.set('self', lua([loop]))
    expect(call('encode', loop).error?.text).toBe('encode failed: cannot encode recursively nested tables to JSON')
  })

  test('128 levels are written, 129 are not', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
    expect(encode(nested(128))).toBe(`${'['.repeat(128)}1${']'.repeat(128)}`)
    expect(call('encode', lua(nested(129))).error?.text).toBe(
      'encode failed: exceeded maximum nesting depth for JSON encoding',
    )
  })
})

describe('decode', () => {
  test('an empty object stays an object, an empty array an array', () => {
    expect(decode('{"a":{},"b":[]}')).toEqual({ a: {}, b: [] })
    expect(Array.isArray(decode('{}'))).toBe(false)
  })

  test('integers that fit int64 are exact, larger ones are doubles', () => {
    expect(
      decode('[1, 9007199254740993, -9223372036854775808, 9223372036854775808, 1e3, 0.1234567890123456789]'),
    ).toEqual([1, 9007199254740993n, -9223372036854775808n, 2 ** 63, 1000, 0.12345678901234568])
    expect(decode('"12345678901234567890"')).toBe('12345678901234567890')
  })

  test('__proto__ is a key like any other, on both parsers', () => {
    for (const number of ['1', '9007199254740993']) {
      const value = decode(`{"__proto__": ${number}}`) as object
      expect(Object.keys(value)).toEqual(['__proto__'])
    }
  })

  test.each([
    ['', 'Invalid', 'empty string is not valid JSON'],
    ['not json', 'Internal', "decode failed: invalid character 'o' in literal null (expecting 'u') at offset 1"],
    ['{"a":', 'Internal', 'decode failed: unexpected end of JSON input at offset 5'],
    ['{"a" 1}', 'Internal', "decode failed: invalid character '1' after object key at offset 5"],
    [
      '{a:1}',
      'Internal',
      "decode failed: invalid character 'a' looking for beginning of object key string at offset 1",
    ],
    ['[1,]', 'Internal', "decode failed: invalid character ']' looking for beginning of value at offset 3"],
    ['[1 2]', 'Internal', "decode failed: invalid character '2' after array element at offset 3"],
    ['1 2', 'Internal', "decode failed: invalid character '2' after top-level value at offset 2"],
    ['01', 'Internal', "decode failed: invalid character '1' after top-level value at offset 1"],
    ['1.', 'Internal', "decode failed: invalid character ' ' after decimal point in numeric literal at offset 2"],
    ['-x', 'Internal', "decode failed: invalid character 'x' in numeric literal at offset 1"],
    ['"a\nb"', 'Internal', "decode failed: invalid character '\\n' in string literal at offset 2"],
    ['"\\x"', 'Internal', "decode failed: invalid character 'x' in string escape code at offset 2"],
    ['"\\u12g4"', 'Internal', "decode failed: invalid character 'g' in \\u hexadecimal character escape at offset 5"],
    ['"abc', 'Internal', 'decode failed: unexpected end of JSON input at offset 4'],
    ['\u00a0 1', 'Internal', "decode failed: invalid character '\u00a0' looking for beginning of value at offset 0"],
  ])('%j is refused', (text, kind, message) => {
    expect(call('decode', text).error).toMatchObject({ kind, text: message, retryable: false })
  })

  test('what is not a string is refused', () => {
    for (const value of [undefined, null, 5, true, {}])
      expect(call('decode', value).error).toMatchObject({ kind: 'Invalid', text: 'string expected' })
  })

  test('128 levels are read, 129 are not, and brackets inside strings do not count', () => {
    expect(call('decode', `${'['.repeat(128)}${']'.repeat(128)}`).error).toBeUndefined()
    const deep = call('decode', `["]]]\\"]]]",${'['.repeat(128)}${']'.repeat(128)}]`)
    expect(deep.error?.text).toBe('decode failed: exceeded maximum nesting depth of 128 at offset 139')
    expect(decode(JSON.stringify('['.repeat(500)))).toBe('['.repeat(500))
  })

  test('reads whatever encode wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), (value) => {
        const normal = JSON.parse(JSON.stringify(value))
        expect(JSON.parse(encode(normal))).toEqual(normal)
        expect(encode(decode(encode(normal)))).toBe(encode(normal))
      }),
    )
  })

  test('our own parser and the fast one agree on every text', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '.5',
      'e3',
      'null',
      'tru',
      ' ',
      '0',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        const parsed = call('decode', `[9007199254740993,${text}]`)
        let expected: unknown[] | undefined
        try {
          expected = JSON.parse(`[1,${text}]`)
        } catch {
          expected = undefined
        }
        if (expected === undefined) expect(parsed.error?.kind).toBe('Internal')
        else expect(parsed.value).toEqual([9007199254740993n, ...expected.slice(1)])
      }),
      { numRuns: 2000 },
    )
  })
})
