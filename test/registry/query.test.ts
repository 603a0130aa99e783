// Filters (spec/registry.md §9).

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../runtime/core/value.ts'
import { compileFilter, type Filter } from '../../runtime/registry/query.ts'
import { entry } from './kit.ts'

const entries = [
  entry(
    'app.tools:clock',
    {},
    { type: 'tool', title: 'Tells the time', tags: ['time', 'core'], n: 5, on: true },
    'function.lua',
  ),
  entry('app.tools:calc', {}, { type: 'tool', title: 'Calculates', n: 5.5, deep: { a: [1] } }, 'function.lua'),
  entry('app:agent', {}, { type: 'agent', 'odd.key': 'x' }, 'registry.entry'),
]

function find(filter: Filter): string[] {
  const warned: string[] = []
  const fits = compileFilter(filter, (message) => warned.push(message))
  return [...entries.filter(fits).map(({ id }) => id.split(':')[1] ?? ''), ...warned]
}

describe('a key', () => {
  test.each<[Filter, string[]]>([
    [{}, ['clock', 'calc', 'agent']],
    [{ '.kind': 'function.lua' }, ['clock', 'calc']],
    [{ '.kind': 'function.*' }, ['clock', 'calc']],
    [{ '.kind': '*.lua' }, ['clock', 'calc']],
    [{ '.name': 'c*c' }, ['calc']],
    [{ '.name': 'c*k' }, ['clock']],
    [{ '.ns': 'app' }, ['agent']],
    [{ '.id': 'app:agent' }, ['agent']],
    [{ '.id': 'app*:c*' }, ['clock', 'calc']],
    [{ '.name': 5 }, ['clock', 'calc', 'agent']],
    [{ 'meta.type': 'tool' }, ['clock', 'calc']],
    [{ meta: { type: 'tool' } }, ['clock', 'calc']],
    [{ meta: { type: 'tool', n: 5 } }, ['clock']],
    [{ 'meta.n': 5.5 }, ['calc']],
    [{ 'meta.n': '5' }, []],
    [{ 'meta.on': true }, ['clock']],
    [{ 'meta.odd.key': 'x' }, ['agent']],
    [{ 'meta.deep': { a: [1] } }, ['calc']],
    [{ 'meta.tags': ['core'] }, ['clock']],
    [{ 'meta.tags': ['core', 'time'] }, ['clock']],
    [{ 'meta.tags': ['core', 'none'] }, []],
    [{ 'meta.tags': 'core' }, []],
    [{ '~meta.title': '^Calc|time$' }, ['clock', 'calc']],
    [{ '~meta.n': '5' }, []],
    [{ '*meta.title': 'the' }, ['clock']],
    [{ '*meta.tags': 'cor' }, ['clock']],
    [{ '^meta.title': 'Tells' }, ['clock']],
    [{ '$meta.title': 'lates' }, ['calc']],
    [{ 'meta.type': 'tool', '.ns': 'app' }, []],
    [{ 'meta.constructor': 'x' }, []],
    [{ '.kind': 'function.lua', 'meta.missing': 'x' }, []],
  ])('%j', (filter, found) => {
    expect(find(filter)).toEqual(found)
  })

  test('that makes no sense is ignored, with a warning', () => {
    expect(find({ kind: 'function.lua' })).toEqual([
      'clock',
      'calc',
      'agent',
      "metadata field must use 'meta.' prefix: kind",
    ])
    expect(find({ '~type': 'x' }).at(-1)).toBe("metadata field must use 'meta.' prefix: ~type")
    expect(find({ '~meta.type': '(' }).at(-1)).toContain('error parsing regexp')
    expect(find({ '^meta.type': 5 }).at(-1)).toBe('filter ^meta.type wants a string')
    expect(find({ meta: 'tool' }).slice(0, 3)).toEqual(['clock', 'calc', 'agent'])
  })
})

test('all keys of a filter must hold', () => {
  const key = fc.constantFrom<[string, Value]>(
    ['.kind', 'function.lua'],
    ['.ns', 'app*'],
    ['meta.type', 'tool'],
    ['^meta.title', 'T'],
    ['*meta.tags', 'core'],
    ['meta.n', 5],
    ['nonsense', 1],
  )
  fc.assert(
    fc.property(fc.uniqueArray(key, { selector: ([name]) => name }), (keys) => {
      const together = compileFilter(Object.fromEntries(keys))
      const apart = keys.map((one) => compileFilter(Object.fromEntries([one])))
      for (const one of entries) expect(together(one)).toBe(apart.every((fits) => fits(one)))
    }),
  )
})

test('a glob means what the same regular expression means', () => {
  const text = fc.stringMatching(/^[ab]{0,6}$/)
  const pattern = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 6 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(pattern, text, (glob, name) => {
      const wanted = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(name)
      expect(compileFilter({ '.name': glob })(entry(`x:${name}`))).toBe(wanted)
    }),
  )
})
