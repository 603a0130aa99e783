// What a process returns is what the shell gets.

import { expect, test } from 'vitest'
import { endingOf } from '../../runtime/cli/exit-code.ts'
import { RuntimeError } from '../../runtime/core/error.ts'

test.each([
  [null, { code: 0 }],
  ['done', { code: 0, stdout: 'done\n' }],
  [3, { code: 3 }],
  [2.9, { code: 2 }],
  [-1, { code: 255 }],
  [256, { code: 0 }],
  [7n, { code: 7 }],
  [Number.NaN, { code: 1 }],
  [Number.POSITIVE_INFINITY, { code: 1 }],
  [true, { code: 0 }],
  [false, { code: 1 }],
  [['x'], { code: 0 }],
  [{ a: 1 }, { code: 0 }],
])('%s', (value, ending) => {
  expect(endingOf({ value })).toEqual(ending)
})

test('an error is 1 and shown, a repeated prefix once', () => {
  expect(endingOf({ error: new RuntimeError('', 'app:x:3: boom') })).toEqual({ code: 1, stderr: 'app:x:3: boom' })
  const twice = new RuntimeError('', 'load: no file').wrap('load')
  expect(endingOf({ error: twice })).toEqual({ code: 1, stderr: 'load: no file' })
})
