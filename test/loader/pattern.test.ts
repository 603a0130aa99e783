// Patterns of ids, as disable and exclude write them.

import { describe, expect, test } from 'vitest'
import { matchesId, matchesName } from '../../runtime/loader/pattern.ts'

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
