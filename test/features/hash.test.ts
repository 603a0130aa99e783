// The hash module against vectors of Go's standard library and of RFCs.

import { expect, test } from 'vitest'
import { hashModule } from '../../runtime/features/hash.ts'
import { callFunction, type Outcome } from '../support/call-module.ts'

const hash = hashModule.open()
const call = (name: string, ...args: unknown[]): Outcome => callFunction(hash, name, args) as Outcome

test.each([
  ['md5', '8d777f385d3dfec8815d20f7496026dc'],
  ['sha1', 'a17c9aaa61e80a1bf71d0d850af4e5baa9800bbd'],
  ['sha256', '3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7'],
  [
    'sha512',
    '77c7ce9a5d86bb386d443bb96390faa120633158699c8844c30b13ab0bf92760b7e4416aea397db91b4ac0e5dd56b8ef7e4b066162ab1fdc088319ce6defc876',
  ],
])('%s gives lower-case hex, and bytes when raw', (name, hex) => {
  expect(call(name, 'data').value).toBe(hex)
  expect(Buffer.from(call(name, 'data', true).value as Uint8Array).toString('hex')).toBe(hex)
  expect(call(name, new TextEncoder().encode('data')).value).toBe(hex)
})

// RFC 2202 and RFC 4231, test case 2.
test.each([
  ['hmac_md5', '750c783e6ab0b503eaa86e310a5db738'],
  ['hmac_sha1', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
  ['hmac_sha256', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  [
    'hmac_sha512',
    '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  ],
])('%s follows the RFC', (name, hex) => {
  expect(call(name, 'what do ya want for nothing?', 'Jefe').value).toBe(hex)
  expect(
    Buffer.from(call(name, 'what do ya want for nothing?', 'Jefe', true).value as Uint8Array).toString('hex'),
  ).toBe(hex)
})

// From Go 1.19's hash/fnv: New32, New64.
test.each([
  ['', 2166136261, -3750763034362895579n],
  ['a', 84696446, -5808590958014384194n],
  ['data', 1959470013, 1504123655843379741n],
  ['hello world', 1418570095, 9065573210506989167n],
  [new Uint8Array([0xff, 0xfe, 0x00, 0xc3, 0xa9]), 183614622, -6790866791305031362n],
] as const)('fnv of case %#', (input, small, large) => {
  expect(call('fnv32', input).value).toBe(small)
  expect(call('fnv64', input).value).toBe(large)
})

test('pbkdf2 derives the key of RFC 7914 and checks its arguments', async () => {
  const derived = await callFunction(hash, 'pbkdf2', ['passwd', 'salt', 1, 64])
  expect(Buffer.from(derived.value as Uint8Array).toString('hex')).toBe(
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
  )
  const long = await callFunction(hash, 'pbkdf2', ['passwd', 'salt', 2, 20, 'sha512'])
  expect((long.value as Uint8Array).length).toBe(20)
  for (const [args, message] of [
    [['', 'salt', 1, 1], 'password cannot be empty'],
    [['p', '', 1, 1], 'salt cannot be empty'],
    [['p', 's', 0, 1], 'iterations 0 must be a positive integer'],
    [['p', 's', 10_000_001, 1], 'iterations 10000001 exceeds the maximum of 10000000'],
    [['p', 's', 1, 0], 'key length 0 must be a positive integer'],
    [['p', 's', 1, 1, 'md5'], 'unsupported hash "md5": use sha256 or sha512'],
    [[5, 's', 1, 1], 'password must be a string'],
  ] as const) {
    const refused = await callFunction(hash, 'pbkdf2', args)
    expect(refused.error).toMatchObject({ kind: 'Invalid', text: message })
  }
})

test('what is not a string is refused', () => {
  expect(call('sha256', 5).error).toMatchObject({ kind: 'Invalid', text: 'string expected' })
  expect(call('hmac_sha256', 'x', undefined).error).toMatchObject({ kind: 'Invalid', text: 'secret must be a string' })
})
