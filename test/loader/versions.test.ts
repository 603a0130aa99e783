// Versions and the constraints on them.

import { describe, expect, test } from 'vitest'
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
