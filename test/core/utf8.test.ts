// The line of the first byte that is no text.

import { expect, test } from 'vitest'
import { lineNotUtf8 } from '../../runtime/core/utf8.ts'

test.each([
  ['', undefined],
  ['plain\nand \xc3\xa4\n', undefined],
  ['\xff', 1],
  ['one\ntwo \xe4\nthree', 2],
  ['one\n\xc3', 2],
  ['one\n\xc3\n', 2],
])('in %j it is %j', (binary, line) => {
  expect(lineNotUtf8(Buffer.from(binary, 'latin1'))).toBe(line)
})
