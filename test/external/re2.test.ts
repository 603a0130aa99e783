// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of regular expressions
// Go's rules for matching, replacing and splitting, with the examples of its documentation.

import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { compileRegex, quoteRegex } from '../../runtime/external/re2.ts'

const b = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const s = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

describe('matching', () => {
  test('is unanchored', () => {
    expect(compileRegex('b+').matchString('abba')).toBe(true)
    expect(compileRegex('^b').matchString('abba')).toBe(false)
    expect(compileRegex('b').matchBytes(b('abba'))).toBe(true)
  })

  test('gives byte offsets, groups that took no part as -1', () => {
    expect(compileRegex('(é)|(x)').findAll(b('aéx'))).toEqual([
      [1, 3, 1, 3, -1, -1],
      [3, 4, -1, -1, 3, 4],
    ])
    expect(compileRegex('z').find(b('abc'))).toBeUndefined()
  })

  test('skips an empty match that touches the one before', () => {
    expect(compileRegex('a*').findAll(b('baac'))).toEqual([
      [0, 0],
      [1, 3],
      [4, 4],
    ])
    expect(compileRegex('a*').findAll(b('baac'), 2)).toHaveLength(2)
  })

  test('is linear in the input', () => {
    const started = performance.now()
    expect(compileRegex('(a+)+$').matchString(`${'a'.repeat(50_000)}!`)).toBe(false)
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('names its groups', () => {
    const regex = compileRegex('(?P<year>\\d+)-(\\d+)')
    expect(regex.groups).toBe(2)
    expect(regex.groupNames).toEqual(['', 'year', ''])
  })
})

describe('compiling', () => {
  test("a bad pattern is Invalid with Go's text", () => {
    const bad = (): unknown => compileRegex('a(b')
    expect(bad).toThrow(RuntimeError)
    expect(bad).toThrow('error parsing regexp: missing closing ): `a(b`')
    expect(() => compileRegex('(?<=a)b')).toThrow('error parsing regexp')
  })

  test('nested repetition cannot make a huge program', () => {
    expect(() => compileRegex('((a{100}){100}){100}')).toThrow('error parsing regexp')
  })

  test('a quoted text matches itself', () => {
    expect(compileRegex(`^${quoteRegex('a.b*(c)')}$`).matchString('a.b*(c)')).toBe(true)
  })
})

describe('replacing', () => {
  const replace = (pattern: string, text: string, template: string): string =>
    s(compileRegex(pattern).replaceAll(b(text), b(template)))

  test.each([
    ['a(x*)b', '-ab-axxb-', 'T', '-T-T-'],
    ['a(x*)b', '-ab-axxb-', '$1', '--xx-'],
    ['a(x*)b', '-ab-axxb-', '$1W', '---'],
    ['a(x*)b', '-ab-axxb-', '${1}W', '-W-xxW-'],
    ['(?P<who>\\w+)', 'ann', 'hi ${who} $who $$5', 'hi ann ann $5'],
    ['x*', 'abc', '-', '-a-b-c-'],
    ['b', 'abc', '$', 'a$c'],
    ['b', 'abc', '${', 'a${c'],
    ['(b)', 'abc', '$2', 'ac'],
    ['é', 'aéb', 'ü$0', 'aüéb'],
  ])('%s in %s by %s', (pattern, text, template, wanted) => {
    expect(replace(pattern, text, template)).toBe(wanted)
  })
})

describe('splitting', () => {
  const split = (pattern: string, text: string, limit?: number): string[] =>
    compileRegex(pattern).split(b(text), limit).map(s)

  test('follows Go', () => {
    expect(split('a', 'banana')).toEqual(['b', 'n', 'n', ''])
    expect(split('a', 'banana', 0)).toEqual([])
    expect(split('a', 'banana', 1)).toEqual(['banana'])
    expect(split('a', 'banana', 2)).toEqual(['b', 'nana'])
    expect(split('z+', 'pizza')).toEqual(['pi', 'a'])
    expect(split('', 'abc')).toEqual(['a', 'b', 'c'])
    expect(split(',', '')).toEqual([''])
    expect(split('x', 'x')).toEqual(['', ''])
  })
})
