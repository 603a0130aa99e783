// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { parseEntryPath, withField } from '../../runtime/loader/entry-path.ts'
import { decodeManifest } from '../../runtime/loader/manifest.ts'
import { commandLineValue } from '../../runtime/loader/override.ts'
import { matchesId, matchesName } from '../../runtime/loader/pattern.ts'
import { placeholderVariables, resolvePlaceholders } from '../../runtime/loader/placeholders.ts'
import { allowsVersion, compareVersions, newestAllowed } from '../../runtime/loader/versions.ts'

describe('versions', () => {
  test.each<[string, string, boolean]>([
    ['*', '0.0.1', true],
    ['', '1.0.0', true],
    ['latest', '1.0.0', true],
    ['>=v0.4.0', 'v0.4.0', true],
    ['>=v0.4.0', '0.3.9', false],
    ['>=1.0.0, <2.0.0', '1.5.0', true],
    ['>=1.0.0, <2.0.0', '2.0.0', false],
    ['>= 1.0.0 < 2.0.0', '1.9.9', true],
    ['1.2.3', '1.2.3', true],
    ['v1.2.3', '1.2.4', false],
    ['=1.2.3', 'v1.2.3', true],
    ['!=1.2.3', '1.2.3', false],
    ['!=1.2.3, ^1.0', '1.2.4', true],
    ['^1.2', '1.9.0', true],
    ['^1.2', '2.0.0', false],
    ['^0.3.0', '0.4.0', false],
    ['~1.2', '1.2.9', true],
    ['~> 1.2', '1.3.0', false],
    ['1.2 - 1.4', '1.4.7', true],
    ['1.2 - 1.4', '1.5.0', false],
    ['1.x', '1.7.0', true],
    ['<1 || >=3', '3.1.0', true],
    ['<1 || >=3', '2.0.0', false],
    ['=> 1.1', '1.1.0', true],
  ])('%j and %s: %s', (constraint, version, allowed) => {
    expect(allowsVersion(constraint, version)).toBe(allowed)
  })

  test('text that is no constraint is refused', () => {
    for (const text of ['>=', 'one two', '1.2.3.4', '>=1 <', '||']) {
      expect(() => allowsVersion(text, '1.0.0'), text).toThrow(
        `version constraint ${JSON.stringify(text)} is not valid`,
      )
    }
  })

  test('the newest of what is allowed is chosen', () => {
    expect(newestAllowed('^1.0', ['1.0.0', 'v1.10.0', '1.9.0', '2.0.0'])).toBe('v1.10.0')
    expect(newestAllowed('>9', ['1.0.0'])).toBe(undefined)
    expect(compareVersions('v1.2', '1.2.0')).toBe(0)
  })
})

describe('patterns', () => {
  test.each<[string, string, boolean]>([
    ['a.b', 'a.b', true],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['a.**', 'a.b.c', true],
    ['a.**', 'a', true],
    ['**.c', 'a.b.c', true],
    ['a.**.d', 'a.b.c.d', true],
    ['a.**.d', 'a.d', true],
    ['a.(b|c)', 'a.c', true],
    ['a.(b|c)', 'a.d', false],
    ['a.b*', 'a.bcd', true],
    ['a.*x*z', 'a.yxyz', true],
    ['a.*z*z', 'a.z', false],
    ['**', '', true],
  ])('%s and %s: %s', (pattern, name, matches) => {
    expect(matchesName(pattern, name)).toBe(matches)
  })

  test('namespace and name are matched each by themselves', () => {
    expect(matchesId('a.*:x*', 'a.b:xy')).toBe(true)
    expect(matchesId('a:*', 'a:b')).toBe(true)
    expect(matchesId('a:*', 'b:a')).toBe(false)
    expect(matchesId('a.**', 'a.b:c')).toBe(true)
  })

  test('many stars cost little', () => {
    const name = `${'a.'.repeat(200)}b`
    const before = performance.now()
    expect(matchesName(`${'**.a.'.repeat(50)}c`, name)).toBe(false)
    expect(performance.now() - before).toBeLessThan(100)
  })
})

describe('entry paths', () => {
  const entry: Entry = { id: 'a:b', kind: 'k', meta: { t: 1 }, data: { list: [{ x: 1 }, 2], deep: { er: 1 } } }

  test('reach maps and list items, and share what stays', () => {
    const changed = withField(entry, parseEntryPath('list.0.x'), 9)
    expect(changed.data).toEqual({ list: [{ x: 9 }, 2], deep: { er: 1 } })
    expect((changed.data as { deep: unknown }).deep).toBe((entry.data as { deep: unknown }).deep)
    expect(entry.data).toEqual({ list: [{ x: 1 }, 2], deep: { er: 1 } })
    expect(withField(entry, parseEntryPath('.meta.a.b'), 1).meta).toEqual({ t: 1, a: { b: 1 } })
    expect(withField(entry, parseEntryPath('data.data'), 1).data).toMatchObject({ data: 1 })
  })

  test.each([['list.7.x'], ['list.x'], ['deep.er.x']])('%s goes nowhere', (path) => {
    expect(() => withField(entry, parseEntryPath(path), 1)).toThrow(/is not a map, cannot set data\./)
  })

  test('a path has no empty segment', () => {
    for (const path of ['', '.', 'a..b', 'a.']) expect(() => parseEntryPath(path)).toThrow('has an empty segment')
  })

  test('no path reaches a prototype', () => {
    const changed = withField(entry, parseEntryPath('__proto__.polluted'), 1)
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
    expect(Object.keys(changed.data as object)).toContain('__proto__')
  })
})

test('values on the command line are what they look like', () => {
  const expected = {
    true: true,
    FALSE: false,
    '12': 12,
    '-3': -3,
    '007': '007',
    '1.5': 1.5,
    '1e3': 1000,
    x: 'x',
    '': '',
  }
  for (const [text, value] of Object.entries(expected)) expect(commandLineValue(text)).toBe(value)
  expect(commandLineValue('9007199254740993')).toBe(9007199254740993n)
})

describe('placeholders', () => {
  const lookup = (name: string): string | undefined => ({ PORT: '9090', NAME: 'x', 'app.env:flag': 'false' })[name]
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

describe('manifests', () => {
  test('name, version and what is not published', () => {
    const raw = {
      organization: 'acme',
      module: 'my-tool',
      version: 'v1.2',
      exclude: ['a:b', 1],
      exclude_meta: { t: 'x' },
    }
    expect(decodeManifest(raw, 'wippy.yaml')).toMatchObject({
      name: 'acme/my-tool',
      version: 'v1.2',
      exclude: ['a:b'],
      excludeMeta: { t: ['x'] },
    })
  })

  test.each([
    [{ module: 'm' }, 'manifest f: organization is required'],
    [
      { organization: 'a', module: '-m' },
      'manifest f: module "-m" must be lowercase letters, digits and inner hyphens',
    ],
    [{ organization: 'a', module: 'm', version: 'new' }, 'manifest f: version "new" is not a semantic version'],
    [[], 'manifest f: must be a map'],
  ])('%j is refused', (raw, message) => {
    expect(() => decodeManifest(raw as never, 'f')).toThrow(message)
  })
})
