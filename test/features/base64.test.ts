// The base64 module, called directly.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64Module } from '../../runtime/features/base64.ts'
import { callFunction, type Outcome } from '../support/call-module.ts'

const base64 = base64Module.open()
const call = (name: string, ...args: unknown[]): Outcome => callFunction(base64, name, args) as Outcome

test.each([
  ['', ''],
  ['Hello, World!', 'SGVsbG8sIFdvcmxkIQ=='],
  ['héllo 😀', 'aMOpbGxvIPCfmIA='],
])('%j encodes to %j and back', (text, encoded) => {
  expect(call('encode', text).value).toBe(encoded)
  expect(Buffer.from(call('decode', encoded).value as Uint8Array).toString()).toBe(text)
})

test('any bytes survive, line breaks in between too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const encoded = call('encode', bytes).value as string
      const broken = encoded.replace(/.{5}/g, '$&\r\n')
      expect(Buffer.compare(call('decode', broken).value as Uint8Array, bytes)).toBe(0)
    }),
  )
})

// Positions from Go 1.19's encoding/base64.
test.each([
  ['aGk=!!', 4],
  ['aGk', 0],
  ['aG=k', 2],
  ['a', 0],
  ['a===', 1],
  ['aGkx=', 4],
  ['aGk=aGk=', 4],
  ['=', 0],
  ['aGk==', 4],
  ['aGk\n=x', 5],
  ['aGkaG', 4],
  ['aGkaG=', 5],
  ['ab\n!d', 3],
  ['aGk-', 3],
  ['aG=', 3],
])('%j is refused at byte %i', (text, offset) => {
  expect(call('decode', text).error).toMatchObject({
    kind: 'Invalid',
    retryable: false,
    text: `decode failed: illegal base64 data at input byte ${offset}`,
  })
})

test.each([[undefined], [null], [12], [[]], [true]])('%j is not a string', (value) => {
  for (const name of ['encode', 'decode'])
    expect(call(name, value).error).toMatchObject({ kind: 'Invalid', text: 'string expected' })
})
