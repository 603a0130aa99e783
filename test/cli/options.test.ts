// Flags and texts of the command line.

import { expect, test } from 'vitest'
import { createLogging } from '../../runtime/cli/logging.ts'
import { parseReference } from '../../runtime/cli/modules/resolve.ts'
import { parseMemory } from '../../runtime/cli/options.ts'
import { diagnosticText, failureText } from '../../runtime/cli/report.ts'
import { RuntimeError } from '../../runtime/core/error.ts'

test.each([
  ['512M', 512 * 2 ** 20],
  ['1G', 2 ** 30],
  ['2GiB', 2 ** 31],
  ['1.5g', 1.5 * 2 ** 30],
  ['1048576', 2 ** 20],
])('a memory limit of %s', (text, bytes) => {
  expect(parseMemory(text)).toBe(bytes)
})

test.each(['', '0', 'many', '-1M', '1X'])('%j is no memory limit', (text) => {
  expect(() => parseMemory(text)).toThrow(`invalid --memory-limit ${JSON.stringify(text)}`)
})

test('module references have an organisation, a module and maybe a version', () => {
  expect(parseReference('wippy/llm')).toEqual({ name: 'wippy/llm', selector: undefined })
  expect(parseReference('acme/my-http@>=1.0')).toEqual({ name: 'acme/my-http', selector: '>=1.0' })
  for (const bad of ['llm', 'a/b/c', 'A/b', '../x/y', 'a/..', 'a/b@']) {
    expect(() => parseReference(bad)).toThrow('expected org/module')
  }
})

test('a failure is one line, its hint another, and a trace only when asked for', () => {
  const error = new RuntimeError('NotFound', 'no x', { details: { hint: 'try y' }, luaStack: 'at app:z:1' })
  const plain = { coloured: false, traces: false }
  expect(failureText(error, plain)).toBe('Error: no x\ntry y')
  expect(failureText(error, { ...plain, traces: true })).toBe('Error: no x\ntry y\nat app:z:1')
  expect(failureText(error, { ...plain, coloured: true })).toBe('\x1b[31mno x\x1b[39m\ntry y')
  expect(failureText(new Error('a\x1b[2Jb'), plain)).toBe('Error: a\ufffd[2Jb')
})

test('a diagnostic has place, reason, what to do, and the line with its caret', () => {
  const diagnostic = {
    level: 'error' as const,
    message: 'bad',
    file: '/p/src/a.yaml',
    line: 3,
    column: 5,
    hint: 'quote it',
    snippet: 'x: y\n    ^',
  }
  expect(diagnosticText(diagnostic, '/p')).toBe('error: src/a.yaml:3:5: bad (quote it)\nx: y\n    ^')
  expect(diagnosticText({ level: 'warn', message: 'odd' }, '/p')).toBe('warning: odd')
})

function logged(flags: object, forCommand: boolean, encoding = 'console') {
  const written = { out: '', err: '' }
  const { logger } = createLogging({
    flags,
    forCommand,
    encoding,
    stdout: (line) => (written.out += line),
    stderr: (line) => (written.err += line),
  })
  logger.info('hello')
  logger.debug('detail')
  return {
    out: written.out.includes('hello'),
    err: written.err.includes('hello'),
    debug: /detail/.test(written.out + written.err),
  }
}

test('logs go to stderr, coloured and JSON ones to stdout, and never to the stdout of a command', () => {
  expect(logged({}, false)).toEqual({ out: false, err: true, debug: false })
  expect(logged({ console: true }, false)).toEqual({ out: true, err: false, debug: false })
  expect(logged({}, false, 'json')).toEqual({ out: true, err: false, debug: false })
  expect(logged({ console: true }, true)).toEqual({ out: false, err: true, debug: false })
  expect(logged({ verbose: true }, true, 'json')).toEqual({ out: false, err: true, debug: true })
})

test('a command is quiet unless a flag asks for logs, and silent is silent', () => {
  expect(logged({}, true)).toEqual({ out: false, err: false, debug: false })
  expect(logged({ verbose: true }, true)).toEqual({ out: false, err: true, debug: true })
  expect(logged({ silent: true }, false)).toEqual({ out: false, err: false, debug: false })
  expect(logged({ silent: true, verbose: true }, true)).toEqual({ out: false, err: false, debug: false })
})
