// The `ctx` module reads the context of the calling frame and nothing else.

import { expect, test } from 'vitest'
import { emptyFrame, withContext } from '../../runtime/core/frame.ts'
import { ctxModule } from '../../runtime/features/ctx.ts'
import { callFunction, fakeCall, type Outcome } from '../support/call-module.ts'

const call = { ...fakeCall(), frame: withContext(emptyFrame, { request: 'r1', no: false }) }
const get = (key: unknown): Outcome => callFunction(ctxModule.open(), 'get', [key], call) as Outcome

test('values of the context are read by key, false included', () => {
  expect(get('request').value).toBe('r1')
  expect(get('no').value).toBe(false)
})

test('a missing or empty key is an error that says so', () => {
  expect(get('constructor').error).toMatchObject({ kind: 'NotFound', message: 'key not found: constructor' })
  expect(get('').error).toMatchObject({ kind: 'Invalid', message: 'empty key' })
  expect(get({}).raised).toMatch(/bad argument #1 to get/)
})

test('all values come as one table', () => {
  expect((callFunction(ctxModule.open(), 'all', [], call) as Outcome).value).toEqual({ request: 'r1', no: false })
  expect((callFunction(ctxModule.open(), 'all', []) as Outcome).value).toEqual({})
})
