// Query escaping, and which addresses are public.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPublicAddress } from '../../../runtime/features/http_client/addresses.ts'
import { mergeQuery, queryEscape, queryUnescape } from '../../../runtime/features/http_client/encoding.ts'
import { client } from './bench.ts'

test.each([
  ['hello world', 'hello+world'],
  ["a-b_c.d~e!*'()", 'a-b_c.d~e%21%2A%27%28%29'],
  ['/?&=#%+', '%2F%3F%26%3D%23%25%2B'],
  ['世', '%E4%B8%96'],
])('encode_uri(%j) is %s', async (plain, escaped) => {
  const { run } = client()
  expect(await run('encode_uri', plain)).toBe(escaped)
  expect(await run('decode_uri', escaped)).toBe(plain)
})

test.each([
  ['%', 'invalid URL escape "%"'],
  ['a%4', 'invalid URL escape "%4"'],
  ['%zz1', 'invalid URL escape "%zz"'],
])('decode_uri(%j) is Invalid', async (escaped, message) => {
  await expect(client().run('decode_uri', escaped)).rejects.toMatchObject({ kind: 'Invalid', message })
})

test('encode_uri wants a string', async () => {
  await expect(client().run('encode_uri')).rejects.toThrow(
    'bad argument #1 to encode_uri (string expected, got no value)',
  )
})

test('escaping is undone by unescaping, for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const escaped = queryEscape(bytes)
      expect(escaped).toMatch(/^[\w.~%+-]*$/)
      const back = queryUnescape(escaped)
      expect(Buffer.compare(Buffer.from(back as string), bytes)).toBe(0)
    }),
  )
})

test('merging keeps what it does not replace', () => {
  expect(mergeQuery('a=1&b&a=2&%zz=1', new Map([['a', 'x']]))).toBe('b&%zz=1&a=x')
  expect(mergeQuery('', new Map([['k', '']]))).toBe('k=')
})

test.each([
  ...[
    '8.8.8.8',
    '93.184.216.34',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '2606:4700::1111',
    '64:ff9b::808:808',
    '2002:808:808::',
  ],
])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

test.each([
  ...[
    '127.0.0.1',
    '10.0.0.0',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.1.1',
    '100.100.1.1',
    '0.1.2.3',
    '224.0.0.1',
    '240.0.0.1',
  ],
  ...[
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    'fe80::1%eth0',
    'fc00::1',
    'ff02::1',
    '2001:db8::1',
  ],
  ...['64:ff9b::a00:1', '2002:a00:1::', '::127.0.0.1', '2001:0:808:808::', 'fec0::1', 'localhost', '', '1.2.3.4.5'],
])('%j is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})
