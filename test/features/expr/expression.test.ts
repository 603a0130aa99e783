// The expression language: what it computes, what it refuses, and that no text can hold the thread.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { compileExpression, compileProgram, type Environment } from '../../../runtime/features/expr/expression.ts'

const evaluate = (source: string, environment?: Environment): unknown =>
  compileProgram(source, { environment }).run(environment)

function failure(run: () => unknown): RuntimeError {
  try {
    run()
  } catch (error) {
    if (error instanceof RuntimeError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const tweets = [
  { Text: 'Hello', Size: 5, Likes: 3 },
  { Text: 'A longer text', Size: 13, Likes: 1 },
  { Text: 'Bye', Size: 3, Likes: 3 },
]

describe('values of expressions', () => {
  const table: [string, unknown, Environment?][] = [
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['2 ** 3 ** 2', 512],
    ['2 ^ 10', 1024],
    ['-2 ** 2', -4],
    ['7 / 2', 3.5],
    ['7 % 3', 1],
    ['-7 % 3', -1],
    ['0x2A + 0o52 + 0b101010', 126],
    ['1_000 + .5', 1000.5],
    ['9007199254740993 + 1', 9007199254740994n],
    ['"a" + \'b\' + `c\\n`', 'abc\\n'],
    ['"\\u0041\\t\\x42"', 'A\tB'],
    ['1 < 2 and not (2 < 1) && !false || false', true],
    ['1 == 1.0', true],
    ['[1, 2] == [1, 2]', true],
    ['{a: 1, "b": 2, (1 + 2 == 3 ? "c" : "d"): 3}', { a: 1, b: 2, c: 3 }],
    ['price * quantity', 89.97, { price: 29.99, quantity: 3 }],
    ['score > 90 ? "A" : score > 80 ? "B" : "C"', 'B', { score: 85 }],
    ['nil ?? 1', 1],
    ['foo?.bar?.baz ?? "none"', 'none', { foo: { bar: null } }],
    ['foo?.bar.baz.qux', null, { foo: null }],
    ['foo["var with spaces"]', 1, { foo: { 'var with spaces': 1 } }],
    ['$env["x y"]', 2, { 'x y': 2 }],
    ['"x" in $env', true, { x: 1 }],
    ['2 in [1, 2]', true],
    ['4 not in [1, 2]', true],
    ['"name" in {name: 1}', true],
    ['"hello" contains "ell"', true],
    ['"hello" startsWith "he" and "hello" endsWith "lo"', true],
    ['"foobar" matches "^fo+b"', true],
    ['"foobar" not matches "x"', true],
    ['1..3', [1, 2, 3]],
    ['3..1', []],
    ['[1, 2, 3, 4, 5][1:4]', [2, 3, 4]],
    ['[1, 2, 3, 4, 5][1:-1]', [2, 3, 4]],
    ['[1, 2, 3][:2] == [1, 2] and [1, 2, 3][2:] == [3]', true],
    ['[1, 2, 3][-1]', 3],
    ['"hello"[1:3]', 'el'],
    ['let x = 42; let y = 2; x * y', 84],
    ['let name = user | lower() | split(" "); "Hello, " + name[0] + "!"', 'Hello, ann!', { user: 'Ann Lee' }],
    ['if 1 > 2 { "a" } else if 2 > 1 { "b" } else { "c" }', 'b'],
    ['/* a comment */ 1 // and another', 1],
    ['filter(0..9, {# % 2 == 0})', [0, 2, 4, 6, 8]],
    ['filter(tweets, .Size > 4) | map(.Text)', ['Hello', 'A longer text'], { tweets }],
    ['map(tweets, {len(.Text)})', [5, 13, 3], { tweets }],
    ['all(tweets, {.Size < 280})', true, { tweets }],
    ['any(tweets, .Size > 10) and none(tweets, .Size > 20) and one(tweets, .Size == 13)', true, { tweets }],
    ['count(tweets, .Likes == 3)', 2, { tweets }],
    ['find(tweets, .Likes == 1).Text', 'A longer text', { tweets }],
    ['[findIndex([1, 2, 3, 4], # > 2), findLast([1, 2, 3, 4], # < 3), findLastIndex([1, 2], # > 5)]', [2, 2, -1]],
    ['map(groupBy(tweets, .Likes)["3"], .Text)', ['Hello', 'Bye'], { tweets }],
    ['map(sortBy(tweets, .Size, "desc"), .Size)', [13, 5, 3], { tweets }],
    ['sum(values)', 10, { values: [1, 2, 3, 4] }],
    ['sum(tweets, .Size)', 21, { tweets }],
    ['reduce(1..9, #acc + #)', 45],
    ['reduce(["a", "b"], #acc + string(#index) + #, "")', '0a1b'],
    ['filter([1, 2, 3], {any([2, 3], {# == 2}) and # > 1})', [2, 3]],
    ['max(1, 5, 3) + min([4, 2])', 7],
    ['[mean([1, 2, 3]), median([3, 1, 2, 10])]', [2, 2.5]],
    ['[abs(-5), ceil(1.5), floor(-1.5), round(2.5), round(-2.5)]', [5, 2, -2, 3, -3]],
    ['[int("123"), int(1.9), float("1.5"), string(12), string(nil)]', [123, 1, 1.5, '12', '<nil>']],
    [
      '[type(1), type(1.5), type("a"), type([]), type({}), type(nil), type(true)]',
      ['int', 'float', 'string', 'array', 'map', 'nil', 'bool'],
    ],
    ['trim("__Hello__", "_") + trim("  x  ")', 'Hellox'],
    ['[trimPrefix("HelloWorld", "Hello"), trimSuffix("HelloWorld", "World")]', ['World', 'Hello']],
    ['split("apple,orange,grape", ",", 2)', ['apple', 'orange,grape']],
    ['splitAfter("a,b,c", ",")', ['a,', 'b,', 'c']],
    ['replace("Hello World", "World", "Universe")', 'Hello Universe'],
    ['repeat("Hi", 3)', 'HiHiHi'],
    ['[indexOf("apple pie", "pie"), lastIndexOf("apple pie apple", "apple"), indexOf("a", "b")]', [6, 10, -1]],
    ['join(["a", "b"], "-") + join(["c"])', 'a-bc'],
    ['[first([1, 2]), last([1, 2]), first([])]', [1, 2, null]],
    [
      '[take([1, 2, 3], 2), reverse([1, 2]), uniq([1, 1, "a", "a"])]',
      [
        [1, 2],
        [2, 1],
        [1, 'a'],
      ],
    ],
    [
      '[sort([3, 1, 4]), sort(["b", "a"], "desc")]',
      [
        [1, 3, 4],
        ['b', 'a'],
      ],
    ],
    ['concat([1], [2, 3]) | flatten()', [1, 2, 3]],
    ['flatten([1, [2, [3]]])', [1, 2, 3]],
    ['toPairs({name: "John"})', [['name', 'John']]],
    ['fromPairs([["a", 1]])', { a: 1 }],
    ['[keys({a: 1}), values({a: 1})]', [['a'], [1]]],
    ['[get([1, 2], 5), get({a: 1}, "b"), get({a: 1}, "a")]', [null, null, 1]],
    ['toJSON({b: [1, "<"], a: nil})', '{\n  "a": null,\n  "b": [\n    1,\n    "\\u003c"\n  ]\n}'],
    ['fromJSON("{\\"a\\": [1]}").a[0]', 1],
    ['fromBase64(toBase64("Hello World"))', 'Hello World'],
    ['[bitand(10, 12), bitor(10, 12), bitxor(10, 12), bitnand(10, 12), bitnot(10)]', [8, 14, 6, 2, -11]],
    ['[bitshl(45, 2), bitshr(45, 2), bitushr(-5, 2)]', [180, 11, 4611686018427387902n]],
    ['duration("1h30m").Minutes()', 90],
    ['date("2023-08-14") - date("2023-08-13") == duration("24h")', true],
    ['date("2023-08-14 12:00:00", "2006-01-02 15:04:05", "Europe/Zurich").UTC().Hour()', 10],
    ['date("2023-08-14T10:11:12Z").Format("02.01.2006 15:04")', '14.08.2023 10:11'],
    ['now().Year()', 2026],
    ['true ? .5 : 1', 0.5],
    ['a ?: "x"', 'x', { a: null }],
    ['::len("abc")', 3],
    ['1; 2; 3', 3],
  ]
  test.each(table)('%s', (source, expected, environment) => {
    const program = compileProgram(source, { environment, now: () => 1_767_225_600_000_000_000n })
    expect(program.run(environment)).toEqual(expected)
  })
})

describe('what is refused', () => {
  const table: [string, RegExp, Environment?][] = [
    ['1 +', /^unexpected token EOF \(1:4\)\n \| 1 \+\n \| \.\.\.\^$/],
    ['1 + "a"', /^invalid operation: \+ \(mismatched types int and string\) \(1:3\)\n/],
    ['foo + 1', /^unknown name foo \(1:1\)/, {}],
    ['bar()', /^unknown name bar/],
    ['foo.bar', /^cannot fetch foo from <nil>/],
    ['a.b.c', /^cannot fetch c from <nil>/, { a: {} }],
    ['[1][5]', /^index out of range: 5 \(array length is 1\)/],
    ['1 ? 2 : 3', /^non-bool expression \(type int\) used as condition/],
    ['"a" matches "("', /error parsing regexp/],
    ['1 % 0', /^integer divide by zero/],
    ['filter([1], 1)', /^predicate should return boolean/],
    ['len(1)', /^cannot use int as argument \(type array or map or string\) to call len/],
    ['len()', /^not enough arguments to call len/],
    ['let len = 1; len', /^cannot redeclare builtin len/],
    ['"abc', /^literal not terminated/],
    ['1 @ 2', /^unrecognized character: U\+0040 '@'/],
    ['12abc', /^bad number syntax/],
    ['#', /^unexpected token Operator\("#"\)/],
    ['constructor', /^unknown name constructor/, {}],
    ['a.constructor.name', /^cannot fetch name from <nil>/, { a: {} }],
    ['a["__proto__"].x', /^cannot fetch x from <nil>/, { a: {} }],
  ]
  test.each(table)('%s', (source, message, environment) => {
    expect(failure(() => evaluate(source, environment)).message).toMatch(message)
  })

  test('an empty text is Invalid, everything else of the text is Internal', () => {
    expect(failure(() => evaluate('  ')).kind).toBe('Invalid')
    expect(failure(() => evaluate('1 +')).kind).toBe('Internal')
    expect(failure(() => evaluate('foo.bar')).kind).toBe('Internal')
  })
})

test('an expression of a policy is boolean and its missing names are nil', () => {
  const owns = compileExpression('actor.id == meta?.owner or actor.meta.role == "admin"')
  expect(owns({ actor: { id: 'a', meta: { role: 'user' } }, meta: { owner: 'a' } })).toBe(true)
  expect(owns({ actor: { id: 'a', meta: {} } })).toBe(false)
  expect(failure(() => compileExpression('1 + 1')).message).toMatch(/^expected bool, but got int/)
})

describe('hostile texts end soon with an error', () => {
  const table: [string, string][] = [
    ['nested loops', 'count(1..10000, {count(1..10000, {count(1..10000, {true}) > 0}) > 0})'],
    ['a huge range', '1..1000000000000'],
    ['a huge repeat', 'repeat("a", 1000000000000)'],
    ['doubling text', 'reduce(1..100, #acc + #acc, "aaaaaaaaaaaaaaaa")'],
    ['doubling arrays', 'reduce(1..100, concat(#acc, #acc), [1, 2])'],
    ['a catastrophic pattern', 'repeat("a", 1000000) matches "(a+)+$"'],
    ['deep nesting', `${'('.repeat(100_000)}1`],
    ['deep unary', `${'-'.repeat(60_000)}1`],
    ['a long chain', `a${'.b'.repeat(30_000)}`],
    ['many conditions', `${'true ? '.repeat(9000)}1`],
    ['a long sum', Array(20_000).fill('1').join('+')],
  ]
  test.each(table)('%s', (_name, source) => {
    const started = performance.now()
    const { kind } = failure(() => evaluate(source, { a: {} }))
    expect(['LimitExceeded', 'Internal']).toContain(kind)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

test('any text gives a value or a RuntimeError', () => {
  const pieces = [
    '1',
    '.',
    '..',
    '#',
    'x',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '?',
    ':',
    '?.',
    '??',
    '|',
    'not',
    'in',
    'let',
    '=',
    ';',
    '"s"',
    '-',
    '**',
    ',',
    'map',
    'filter',
    'len',
    ' ',
    'nil',
    '$env',
  ]
  const soup = fc.array(
    fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: fc.string() }),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(soup, (parts) => {
      try {
        evaluate(parts.join(''), { x: [1, { y: 2 }] })
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error
      }
    }),
    { numRuns: 3000 },
  )
})

test('arithmetic on integers agrees with bigint arithmetic within 64 bits', () => {
  const integer = fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n })
  fc.assert(
    fc.property(integer, integer, fc.constantFrom('+', '-', '*'), (a, b, operator) => {
      const exact = operator === '+' ? a + b : operator === '-' ? a - b : a * b
      expect(BigInt(evaluate(`a ${operator} b`, { a: Number(a), b: Number(b) }) as number)).toBe(exact)
    }),
  )
})
