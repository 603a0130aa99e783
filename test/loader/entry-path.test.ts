// Paths into entries, as overrides and requirements write them.

import { describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { parseEntryPath, withField } from '../../runtime/loader/entry-path.ts'

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
