// The `logger` module.

import { expect, test } from 'vitest'
import { manualClock } from '../../runtime/core/clock.ts'
import { RuntimeError } from '../../runtime/core/error.ts'
import { loggerModule } from '../../runtime/features/logger.ts'
import { LuaFunctionRef, LuaObject, LuaRaise, LuaType } from '../../runtime/lua/module.ts'
import { createLogger, type LogRecord } from '../../runtime/observe/logger.ts'
import { fakeCall } from '../support/fake-call.ts'

function bench() {
  const records: LogRecord[] = []
  const logger = createLogger({ clock: manualClock(), sinks: [(record) => records.push(record)], level: 'debug' })
  const root = loggerModule({ logger }).open() as LuaObject<unknown>
  const method = (self: LuaObject<unknown>, name: string, ...args: unknown[]) =>
    self.type.spec.methods?.[name]?.(fakeCall(), self.value, ...args)
  return { records, root, method }
}

test('every level writes its message with pid, location and fields, and returns nothing', () => {
  const { records, root, method } = bench()
  for (const level of ['debug', 'info', 'warn', 'error']) {
    expect(method(root, level, `at ${level}`, { n: 1 })).toBeUndefined()
  }
  expect(records.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'debug: at debug',
    'info: at info',
    'warn: at warn',
    'error: at error',
  ])
  expect(records[0]?.fields).toEqual({ pid: '{app:host|0x00001}', location: 'app:test:1', n: 1 })
})

test('with adds fields, named adds a name, and the parent stays as it was', () => {
  const { records, root, method } = bench()
  const child = method(method(root, 'with', { a: 1 }) as LuaObject<unknown>, 'named', 'auth')
  expect(child).toBeInstanceOf(LuaObject)
  method(child as LuaObject<unknown>, 'info', 'hi', { b: 2 })
  method(root, 'info', 'plain')
  expect(records[0]).toMatchObject({ name: 'auth', fields: { a: 1, b: 2 } })
  expect(records[1]?.name).toBe('')
  expect(records[1]?.fields).not.toHaveProperty('a')
})

test('an error in the fields is kept as an error and the table of the caller is left alone', () => {
  const { records, root, method } = bench()
  const error = new RuntimeError('Invalid', 'boom')
  const fields = { error }
  method(root, 'error', 'failed', fields)
  expect(records[0]?.fields['error']).toBe(error)
  expect(fields).toEqual({ error })
})

test('an empty name raises', () => {
  const { root, method } = bench()
  expect(() => method(root, 'named', '')).toThrow(LuaRaise)
})

test('what is no text is refused by position', () => {
  const { root, method } = bench()
  expect(() => method(root, 'info', {})).toThrow("bad argument #1 to 'info' (string expected, got table)")
  expect(() => method(root, 'info', 'x', 'fields')).toThrow("bad argument #2 to 'info' (table expected, got string)")
})

test('what is no data is shown by its text at any depth, never by what the host keeps in it', () => {
  const { records, root, method } = bench()
  const type = new LuaType<{ host: unknown }>({ name: 'time.Time', tostring: () => 'noon' })
  const host: { self?: unknown } = {}
  host.self = host
  const time = type.wrap({ host })
  const channel = new (class Channel {
    readonly host = host
  })()
  method(root, 'info', 'deep', {
    at: time,
    list: [time, new RuntimeError('Invalid', 'bad')],
    map: { deeper: { at: time, call: new LuaFunctionRef(), channel } },
    error: new RuntimeError('Invalid', 'kept'),
    n: 1n,
  })
  method(method(root, 'with', { a: { at: time } }) as LuaObject<unknown>, 'info', 'child')
  expect(records[0]?.fields).toMatchObject({
    at: 'noon',
    list: ['noon', 'bad'],
    map: { deeper: { at: 'noon', call: 'function', channel: 'userdata' } },
    n: 1n,
  })
  expect(records[0]?.fields?.['error']).toBeInstanceOf(RuntimeError)
  expect(records[1]?.fields).toMatchObject({ a: { at: 'noon' } })
})
