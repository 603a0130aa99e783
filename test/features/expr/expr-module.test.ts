// The `expr` module: what Lua sees of expressions.

import { expect, test } from 'vitest'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { exprModule } from '../../../runtime/features/expr/expr-module.ts'
import { ProgramCache } from '../../../runtime/features/expr/expression.ts'
import { LuaType, type ModuleTable } from '../../../runtime/lua/module.ts'
import { callFunction, callMethod, type Outcome } from '../../support/call-module.ts'

const module = exprModule({ now: () => 0n }).open() as ModuleTable
const run = (name: string, ...args: unknown[]): Outcome => callFunction(module, name, args) as Outcome

test('eval computes with an environment, whose names are the only ones', () => {
  expect(run('eval', 'price * quantity', { price: 29.99, quantity: 3 }).value).toBe(89.97)
  expect(run('eval', 'missing', { price: 1 }).error).toMatchObject({
    kind: 'Internal',
    retryable: false,
    message: expect.stringMatching(/^unknown name missing \(1:1\)/),
  })
})

test('a compiled program runs with other values each time', () => {
  const { value: program } = run('compile', 'price * (1 - rate)')
  const at = (environment: unknown): Outcome => callMethod(program, 'run', [environment]) as Outcome
  expect(at({ price: 100, rate: 0.1 }).value).toBe(90)
  expect(at({ price: 50, rate: 0.2 }).value).toBe(40)
  expect(at(undefined).error).toMatchObject({ kind: 'Internal' })
})

test('an empty text is Invalid, a wrong argument raises', () => {
  expect(run('eval', '').error).toMatchObject({ kind: 'Invalid', message: 'expression is empty' })
  expect(run('compile', ' ').error).toMatchObject({ kind: 'Invalid' })
  expect(run('eval', {}).raised).toMatch(/bad argument #1 to eval \(string expected, got table\)/)
  expect(run('eval', '1', 5).error).toMatchObject({ kind: 'Invalid' })
})

test('what leaves an expression is plain data', () => {
  expect(run('eval', 'date("2026-01-02T03:04:05Z")').value).toBe('2026-01-02T03:04:05Z')
  expect(run('eval', '{took: duration("1s"), list: [now()]}').value).toEqual({
    took: 1_000_000_000n,
    list: ['1970-01-01T00:00:00Z'],
  })
})

test('of a host object an expression sees the text, and nothing inside', () => {
  const secret = new LuaType<object>({ name: 'app.Thing', tostring: () => 'a thing' }).wrap({ inside: 1 })
  const environment = { thing: secret, list: [secret], failure: new RuntimeError('Invalid', 'why') }
  expect(run('eval', '[thing, list[0], failure]', environment).value).toEqual(['a thing', 'a thing', 'why'])
  for (const path of ['thing.value', 'thing.type', 'list[0].value.inside', 'failure.message', 'keys(thing)'])
    expect(run('eval', path, environment).error, path).toMatchObject({ kind: 'Internal' })
})

test('an expression that takes too much is LimitExceeded', () => {
  expect(run('eval', 'map(1..2000000, #)').error).toMatchObject({ kind: 'LimitExceeded', retryable: false })
})

test('the cache keeps what is used and forgets the rest', () => {
  const cache = new ProgramCache(2)
  const first = cache.get('1', undefined)
  cache.get('2', undefined)
  expect(cache.get('1', undefined)).toBe(first)
  const second = cache.get('2', undefined)
  cache.get('3', undefined)
  expect(cache.get('2', undefined)).toBe(second)
  expect(cache.get('1', undefined)).not.toBe(first)
  expect(cache.get('x', { x: 1 })).not.toBe(cache.get('x', { x: 'a' }))
})
