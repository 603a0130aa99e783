// Regular expressions as Lua sees them; Go's own answers are in test/external.

import { expect, test } from 'vitest'
import { textModule } from '../../../runtime/features/text/text-module.ts'
import type { LuaObject } from '../../../runtime/lua/module.ts'
import { Offload } from '../../../runtime/offload/offload.ts'
import { callFunction, callMethod, type Outcome } from '../../support/call-module.ts'

const text = textModule({ offload: new Offload() }).open()
const compile = (pattern: unknown): Outcome => callFunction(text, 'regexp.compile', [pattern]) as Outcome
const run = (pattern: string, method: string, ...args: unknown[]): unknown =>
  (callMethod(compile(pattern).value, method, args) as Outcome).value

test('matches are found as the documentation shows', () => {
  expect(run('[0-9]+', 'match_string', 'abc123')).toBe(true)
  expect(run('[0-9]+', 'match_string', 'abc')).toBe(false)
  expect(run('[0-9]+', 'find_string', 'abc123def')).toBe('123')
  expect(run('[0-9]+', 'find_string', 'abc')).toBeNull()
  expect(run('[0-9]', 'find_all_string', 'a1b2c3')).toEqual(['1', '2', '3'])
  expect(run('[0-9]', 'find_all_string', 'abc')).toEqual([])
  expect(run('(\\w+)@(\\w+)\\.com', 'find_string_submatch', 'user@example.com')).toEqual([
    'user@example.com',
    'user',
    'example',
  ])
  expect(run('x', 'find_string_submatch', 'abc')).toBeNull()
  expect(run('(\\w)=(\\d)', 'find_all_string_submatch', 'a=1 b=2')).toEqual([
    ['a=1', 'a', '1'],
    ['b=2', 'b', '2'],
  ])
  expect(run('(a)|(b)', 'find_string_submatch', 'b')).toEqual(['b', '', 'b'])
})

test('positions count bytes from 1 and include both ends', () => {
  expect(run('[0-9]+', 'find_string_index', 'abc123')).toEqual([4, 6])
  expect(run('ü', 'find_string_index', 'grün')).toEqual([3, 4])
  expect(run('x*', 'find_string_index', 'abc')).toEqual([1, 0])
  expect(run('x', 'find_string_index', 'abc')).toBeNull()
  expect(run('[0-9]', 'find_all_string_index', 'a1b2')).toEqual([
    [2, 2],
    [4, 4],
  ])
  expect(run('x', 'find_all_string_index', 'abc')).toBeNull()
})

test('replacement expands groups by number and name', () => {
  expect(run('[0-9]', 'replace_all_string', 'a1b2', 'X')).toBe('aXbX')
  expect(run('(\\w+) (\\w+)', 'replace_all_string', 'hello world', '$2 $' + '{1}s')).toBe('world hellos')
  expect(run('(?P<first>\\w)\\w*', 'replace_all_string', 'ab cd', '<$' + '{first}>')).toBe('<a> <c>')
  expect(run('a', 'replace_all_string', 'a', '$1x$$')).toBe('$')
})

test('split takes a limit, all without one', () => {
  expect(run(',', 'split', 'a,b,c', -1)).toEqual(['a', 'b', 'c'])
  expect(run(',', 'split', 'a,b,c')).toEqual(['a', 'b', 'c'])
  expect(run(',', 'split', 'a,b,c', 2)).toEqual(['a', 'b,c'])
  expect(run(',', 'split', 'a,b,c', 0)).toEqual([])
})

test('an expression tells its groups and its source', () => {
  expect(run('(a)(?P<rest>b*)', 'num_subexp')).toBe(2)
  expect(run('(a)(?P<rest>b*)', 'subexp_names')).toEqual(['', '', 'rest'])
  expect(run('a+', 'string')).toBe('a+')
  const object = compile('a+').value as LuaObject<never>
  expect(object.type.spec.tostring?.(object.value)).toBe('a+')
})

test('bytes that are no text go in and out unharmed', () => {
  const subject = new Uint8Array([0x61, 0xff, 0x62])
  expect(run('a', 'replace_all_string', subject, 'x')).toEqual(Buffer.from([0x78, 0xff, 0x62]))
  expect(run('b', 'find_string', subject)).toBe('b')
})

test('what is no expression is refused', () => {
  expect(compile('(').error).toMatchObject({
    kind: 'Invalid',
    retryable: false,
    text: 'regex compile error: error parsing regexp: missing closing ): `(`',
  })
  expect(compile('a(?=b)').error?.kind).toBe('Invalid')
  expect(compile('x'.repeat(17_000)).error?.text).toBe('regex compile error: pattern exceeds 16384 characters')
  expect(compile(undefined).raised).toBe('bad argument #1 to compile (string expected, got no value)')
})

test('nested repetition takes linear time', () => {
  const started = performance.now()
  expect(run('^(a+)+$', 'match_string', `${'a'.repeat(20_000)}b`)).toBe(false)
  // Exponential would be for ever.
  expect(performance.now() - started).toBeLessThan(5000)
})

test('long texts are searched on another thread, with the same answers', async () => {
  const later = async (pattern: string, method: string, ...args: unknown[]): Promise<unknown> =>
    (await callMethod(compile(pattern).value, method, args)).value
  const long = 'a1 b22, '.repeat(5_000)
  expect(await later('[0-9]+', 'match_string', long)).toBe(true)
  expect(await later('[0-9]+', 'find_string', long)).toBe('1')
  expect(await later('c', 'find_string_index', long)).toBeNull()
  expect(((await later('([a-z])([0-9]+)', 'find_all_string_submatch', long)) as unknown[]).slice(0, 2)).toEqual([
    ['a1', 'a', '1'],
    ['b22', 'b', '22'],
  ])
  expect(await later('[0-9]+', 'find_all_string', long, 3)).toEqual(['1', '22', '1'])
  expect(await later('([a-z])[0-9]+', 'replace_all_string', long, '$1')).toBe('a b, '.repeat(5_000))
  expect(((await later(', ', 'split', long)) as unknown[]).length).toBe(5_001)
})
