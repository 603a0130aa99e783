// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { placeholderVariables, resolvePlaceholders } from '../../runtime/loader/placeholders.ts'

describe('placeholders', () => {
  const lookup = (name: string): string | undefined =>
    ({ PORT: '9090', NAME: 'x', 'app.env:flag': 'false', ON: '1', PADDED: '007', HALF: '1.50' })[name]
  const resolve = (data: Entry['data'], kind = 'k'): Entry['data'] =>
    resolvePlaceholders({ id: 'app:e', kind, meta: {}, data }, lookup).data

  test.each<[string, unknown]>([
    ['${env:PORT}', '9090'],
    ['${env:PORT|80}', 9090],
    ['${PORT|80}', 9090],
    ['${env:GONE|80}', 80],
    ['${GONE|1.5}', 1.5],
    ['${GONE|true}', true],
    ['${env:app.env:flag|true}', false],
    ['${env:NAME|80}', 'x'],
    ['${GONE|}', ''],
    ['http://h:${env:PORT|80}/${NAME|n}', 'http://h:9090/x'],
    ['${env:GONE|"8080"}', '8080'],
    ["${env:GONE|'8080'}", '8080'],
    ['${env:PORT|"80"}', '9090'],
    ['${env:GONE|"a" or "b"}', '"a" or "b"'],
    ['${env:ON|false}', true],
    ['${env:PORT|false}', '9090'],
    ['${env:PADDED|1}', 7],
    ['${env:HALF|1}', 1.5],
    ['${env:HALF|1.0}', 1.5],
    ['${env:PORT|1.0}', 9090],
    ['v${env:GONE|1.50}-${GONE|true}', 'v1.50-true'],
    ['v${env:HALF|1.0}.${env:PADDED|1}', 'v1.50.007'],
    ['say ${env:GONE|"x"}', 'say "x"'],
    ['${NAME}', '${NAME}'],
    ['${name|x}', '${name|x}'],
    ['$${env:PORT}', '${env:PORT}'],
    ['a $${b} ${NAME|c}', 'a ${b} x'],
    ['plain $ text', 'plain $ text'],
    ['${GONE|a|b}', 'a|b'],
  ])('%s is %j', (text, value) => {
    expect(resolve({ deep: [{ text }] })).toEqual({ deep: [{ text: value }] })
  })

  test('an unset variable without a default refuses the entry by name', () => {
    expect(() => resolve({ url: 'x${env:GONE}' })).toThrow(
      'entry app:e: environment variable "GONE" is not set and ${env:GONE} has no default',
    )
  })

  test('an entry without placeholders is the same entry, and code is left alone', () => {
    const entry: Entry = { id: 'app:e', kind: 'k', meta: { a: '${env:GONE}' }, data: { a: [1, { b: 'c' }] } }
    expect(resolvePlaceholders(entry, lookup)).toBe(entry)
    expect(resolve({ source: '"${PORT|1}"', a: '${PORT|1}' }, 'function.lua')).toEqual({
      source: '"${PORT|1}"',
      a: 9090,
    })
  })

  test('names of variables are found for ordering', () => {
    const data = { a: '${env:app:x}', b: ['${Y|1} ${env:app:x|2}', '$${env:no}'], c: '${NO}' }
    expect(placeholderVariables({ id: 'app:e', kind: 'k', meta: {}, data })).toEqual(['app:x', 'Y'])
  })
})
