// Loggers: levels, names, fields, masking, and the three ways a record is written.

import { expect, test } from 'vitest'
import { manualClock } from '../../runtime/core/clock.ts'
import { RuntimeError } from '../../runtime/core/error.ts'
import { colourSink, consoleSink, jsonSink } from '../../runtime/observe/log-console.ts'
import { createLogger, type LoggerOptions, type LogRecord } from '../../runtime/observe/logger.ts'

function logger(options: Partial<LoggerOptions> = {}) {
  const records: LogRecord[] = []
  return { records, log: createLogger({ clock: manualClock(), sinks: [(record) => records.push(record)], ...options }) }
}

function lines(make: (write: (line: string) => void) => (record: LogRecord) => void) {
  const written: string[] = []
  const log = createLogger({ clock: manualClock(), sinks: [make((line) => written.push(line))], level: 'debug' })
  return { written, log }
}

test('records below the level are dropped, and silent drops all', () => {
  const { records, log } = logger({ level: 'warn' })
  log.info('no')
  log.warn('yes')
  expect(records.map(({ message }) => message)).toEqual(['yes'])
  const none = logger({ level: 'silent' })
  none.log.error('no')
  expect(none.records).toEqual([])
  expect(none.log.enabled('error')).toBe(false)
})

test('names nest with dots, and fields of the call win over those of the logger', () => {
  const { records, log } = logger()
  log.named('app').named('http').with({ a: 1, b: 1 }).info('hi', { b: 2 })
  expect(records[0]).toMatchObject({ name: 'app.http', message: 'hi', fields: { a: 1, b: 2 } })
})

test('secrets are masked in messages, nested fields, errors and their traces', () => {
  const { records, log } = logger({ mask: (text) => text.replaceAll('hunter2', '***') })
  const error = new RuntimeError('Invalid', 'bad hunter2', { luaStack: 'at hunter2' })
  log.error('pw hunter2', { list: ['hunter2', { deep: 'x hunter2' }], error, n: 3 })
  const [record] = records
  expect(record?.message).toBe('pw ***')
  expect(record?.fields).toMatchObject({ list: ['***', { deep: 'x ***' }], n: 3 })
  expect(record?.fields['error']).toMatchObject({ kind: 'Invalid', message: 'bad ***', luaStack: 'at ***' })
})

test('the console line is time, level, name, message and spaced JSON, separated by tabs', () => {
  const { written, log } = lines((write) => consoleSink({ write }))
  log.named('supervisor').info('service registered', { serviceID: 'app:x', list: [1, true, null] })
  expect(written[0]).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\tINFO\tsupervisor\tservice registered\t\{"serviceID": "app:x", "list": \[1, true, null\]\}\n$/,
  )
  log.debug('bare')
  expect(written[1]).toMatch(/\tDEBUG\tbare\n$/)
})

test('the coloured line has seconds since start, level and name in columns', () => {
  const clock = manualClock()
  const written: string[] = []
  const sink = colourSink({ write: (line) => written.push(line), startedAt: clock.wallNanos() })
  const log = createLogger({ clock, sinks: [sink] })
  clock.advance(1500)
  log.named('http').warn('slow', { ms: 12 })
  expect(written[0]?.replace(/\x1b\[\d+m/g, '')).toBe('  1.50s WARN  http         slow {"ms":12}\n')
})

test('the JSON line has level, ts, logger and msg before the fields', () => {
  const { written, log } = lines((write) => jsonSink({ write }))
  log.named('app').error('failed', { error: new RuntimeError('Invalid', 'boom'), big: 2n ** 60n })
  const line = JSON.parse(written[0] ?? '')
  expect(Object.keys(line)).toEqual(['level', 'ts', 'logger', 'msg', 'error', 'big'])
  expect(line).toMatchObject({
    level: 'error',
    logger: 'app',
    msg: 'failed',
    error: 'boom',
    big: '1152921504606846976',
  })
  expect(line.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d{4})$/)
})

test('a message cannot drive the terminal', () => {
  const { written, log } = lines((write) => consoleSink({ write }))
  log.info('a\x1b[2Jb\u009bc')
  expect(written[0]).toContain('a\\x1b[2Jb\\x9bc')
})

test('traces are written below the line only when asked for', () => {
  const error = new RuntimeError('', 'boom', { luaStack: 'app:x:3: in main' })
  const without = lines((write) => consoleSink({ write }))
  without.log.error('failed', { error })
  expect(without.written[0]).not.toContain('in main')
  const verbose = lines((write) => consoleSink({ write, stacks: true }))
  verbose.log.error('failed', { error })
  expect(verbose.written[0]).toMatch(/"boom"\}\napp:x:3: in main\n$/)
})
