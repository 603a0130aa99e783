// The word that was probably meant.

import { expect, test } from 'vitest'
import { nearest } from '../../runtime/core/nearest.ts'

test('near words are those a slip of the finger away', () => {
  const words = ['run', 'update', 'registry', 'version']
  expect(nearest('rnu', words)).toBe('run')
  expect(nearest('regsitry', words)).toBe('registry')
  expect(nearest('versoin', words)).toBe('version')
  expect(nearest('reg', words)).toBe('registry')
  expect(nearest('banana', words)).toBeUndefined()
})
