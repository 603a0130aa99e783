// Overrides of -o and of the configuration.

import { expect, test } from 'vitest'
import { commandLineValue } from '../../runtime/loader/override.ts'

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
