// Commands of an app: which there are, which is meant, and what is said when none is.

import { expect, test } from 'vitest'
import { appCommands, findCommand, mainCommand, testCommand } from '../../runtime/cli/app-commands.ts'
import { listText } from '../../runtime/cli/commands/list.ts'
import type { Entry } from '../../runtime/core/entry.ts'
import type { Value } from '../../runtime/core/value.ts'

const entry = (id: string, command?: Value, kind = 'process.lua'): Entry => ({
  id,
  kind,
  meta: command === undefined ? {} : { command },
  data: {},
})
const plain = (_style: unknown, text: string): string => text

test('only processes with a named command count, in load order', () => {
  const commands = appCommands([
    entry('app:b', { name: 'b', short: 'Second' }),
    entry('app:none'),
    entry('app:unnamed', { short: 'x' }),
    entry('app:fn', { name: 'fn' }, 'function.lua'),
    entry('app:a', { name: 'a', main: true, use_case: 'test' }),
  ])
  expect(commands).toEqual([
    { name: 'b', short: 'Second', main: false, useCase: 'run', entry: 'app:b' },
    { name: 'a', short: '', main: true, useCase: 'test', entry: 'app:a' },
  ])
})

test('the first of two commands with one name runs', () => {
  const commands = appCommands([entry('app:one', { name: 'x' }), entry('app:two', { name: 'x' })])
  expect(findCommand(commands, 'x').entry).toBe('app:one')
})

test('an unknown command is named, with the one that was probably meant', () => {
  const commands = appCommands([
    entry('app:agent', { name: 'agent' }),
    entry('app:t', { name: 'test', use_case: 'test' }),
  ])
  expect(() => findCommand(commands, 'agnet')).toThrow(
    expect.objectContaining({
      message: `command "agnet" not found. Use 'wippy run list' to see available commands`,
      details: { hint: 'Did you mean "agent"?' },
    }),
  )
  expect(() => findCommand(commands, 'zzz')).toThrow(expect.objectContaining({ details: undefined }))
})

test('the command that runs tests is found by its name, after one that does something else', () => {
  const tests = entry('wippy.test:runner', { name: 'test', use_case: 'test' })
  expect(findCommand(appCommands([tests]), 'test').entry).toBe('wippy.test:runner')
  expect(findCommand(appCommands([tests, entry('app:t', { name: 'test' })]), 'test').entry).toBe('app:t')
})

test('a module runs the command marked as main, else its only one', () => {
  const of = (...commands: Value[]) => appCommands(commands.map((command, i) => entry(`app:e${i}`, command)))
  expect(mainCommand(of({ name: 'a' }))?.name).toBe('a')
  expect(mainCommand(of({ name: 'a' }, { name: 'b', main: true }))?.name).toBe('b')
  expect(mainCommand(of())).toBeUndefined()
  expect(mainCommand(of({ name: 'a' }, { name: 't', use_case: 'test' }))?.name).toBe('a')
  expect(() => mainCommand(of({ name: 'a' }, { name: 'b' }))).toThrow(
    'no command is marked as main; specify one of: a, b',
  )
  expect(() => mainCommand(of({ name: 'a', main: true }, { name: 'b', main: true }))).toThrow(
    'multiple commands marked as main in pack: a, b',
  )
})

test('the test entrypoint is the one that says so; the own one of the app before that of the test component', () => {
  const own = entry('app:tests', { name: 't', use_case: 'test' })
  const component = entry('wippy.test:run', { name: 'test', use_case: 'test' })
  expect(testCommand(appCommands([component])).entry).toBe('wippy.test:run')
  expect(testCommand(appCommands([component, own])).entry).toBe('app:tests')
  expect(() => testCommand(appCommands([entry('app:x', { name: 'x' })]))).toThrow('no test entrypoint found')
  expect(() => testCommand(appCommands([own, entry('app:more', { name: 'm', use_case: 'test' })]))).toThrow(
    'several test entrypoints found: app:tests, app:more',
  )
})

test('the list has name, short text and id, two spaces apart, and leaves out what is empty', () => {
  const commands = appCommands([entry('app:a', { name: 'agent', short: 'Start' }), entry('app:b', { name: 'bare' })])
  expect(listText(commands, plain)).toBe(
    'Available commands:\n\n  agent  Start  (app:a)\n  bare  (app:b)\n\nRun with: wippy run <command>\n',
  )
  expect(listText([], plain)).toBe(
    `No commands found.\n\nTo define a command, add 'command' to entry meta:\n  meta:\n    command:\n      name: test\n      short: Run tests\n`,
  )
})
