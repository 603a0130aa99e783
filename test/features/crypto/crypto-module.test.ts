// The crypto module: known vectors, round trips, and what is refused.

import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { manualClock } from '../../../runtime/core/clock.ts'
import { cryptoModule } from '../../../runtime/features/crypto/crypto-module.ts'
import { LuaFunctionRef } from '../../../runtime/lua/module.ts'
import { callFunction, type Outcome } from '../../support/call-module.ts'

const clock = manualClock(Date.UTC(2026, 0, 1))
const NOW = Date.UTC(2026, 0, 1) / 1000
const crypto = cryptoModule({ clock }).open()
const call = (name: string, ...args: unknown[]): Outcome => callFunction(crypto, name, args) as Outcome
const hex = (value: unknown): string => Buffer.from(value as Uint8Array).toString('hex')

describe('random', () => {
  test('bytes have the length asked for, and never repeat', () => {
    const made = call('random.bytes', 32).value as Uint8Array
    expect(made.length).toBe(32)
    expect(hex(call('random.bytes', 32).value)).not.toBe(hex(made))
    expect((call('random.bytes', 1_048_576).value as Uint8Array).length).toBe(1_048_576)
  })

  test('strings use every character of their alphabet, and no other', () => {
    expect(call('random.string', 40).value).toMatch(/^[A-Za-z0-9]{40}$/)
    const made = call('random.string', 2000, 'aß😀').value as string
    expect([...made].length).toBe(2000)
    expect([...new Set(made)].sort()).toEqual(['a', 'ß', '😀'])
    expect((call('random.string', 100_000, 'x').value as string).length).toBe(100_000)
    expect(call('random.string', 5, '').error).toMatchObject({ kind: 'Invalid', text: 'charset cannot be empty' })
  })

  test.each([
    [0, 'length must be a positive integer'],
    [-1, 'length must be a positive integer'],
    [1.5, 'length must be a positive integer'],
    ['5', 'length must be a positive integer'],
    [undefined, 'length must be a positive integer'],
    [1_048_577, 'length exceeds maximum allowed size (1MB)'],
  ])('a length of %j is refused', (length, message) => {
    for (const name of ['random.bytes', 'random.string'])
      expect(call(name, length).error).toMatchObject({ kind: 'Invalid', text: message, retryable: false })
  })

  test('uuid is a version 4', () => {
    expect(call('random.uuid').value).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

test('hmac takes the key first', () => {
  expect(call('hmac.sha256', 'Jefe', 'what do ya want for nothing?').value).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
  expect(call('hmac.sha512', 'Jefe', 'what do ya want for nothing?').value).toMatch(/^164b7a7bfcf819e2/)
  expect(call('hmac.sha256', '', 'x').error).toMatchObject({ kind: 'Invalid', text: 'key cannot be empty' })
})

describe('encryption', () => {
  const key = (length: number): Uint8Array => new Uint8Array(length).fill(7)

  test.each([
    ['aes', 16],
    ['aes', 24],
    ['aes', 32],
    ['chacha20', 32],
  ] as const)('%s with %i bytes of key comes back with the same key and additional data', (name, length) => {
    for (const plain of [new Uint8Array([0, 255, 1, 2]), new Uint8Array(0)]) {
      for (const aad of [undefined, 'context']) {
        const sealed = call(`encrypt.${name}`, plain, key(length), aad).value as Uint8Array
        expect(sealed.length).toBe(12 + plain.length + 16)
        expect(hex(call(`decrypt.${name}`, sealed, key(length), aad).value)).toBe(hex(plain))
        expect(hex(call(`encrypt.${name}`, plain, key(length), aad).value)).not.toBe(hex(sealed))
      }
    }
  })

  test.each([['aes'], ['chacha20']] as const)('%s refuses another key, other data, and every flipped bit', (name) => {
    const sealed = call(`encrypt.${name}`, 'secret', key(32), 'a').value as Uint8Array
    const failed = { kind: 'Internal', text: 'decryption failed: message authentication failed' }
    expect(call(`decrypt.${name}`, sealed, new Uint8Array(32), 'a').error).toMatchObject(failed)
    expect(call(`decrypt.${name}`, sealed, key(32), 'b').error).toMatchObject(failed)
    for (let i = 0; i < sealed.length; i++) {
      const broken = sealed.map((byte, at) => (at === i ? byte ^ 1 : byte))
      expect(call(`decrypt.${name}`, broken, key(32), 'a').error).toMatchObject(failed)
    }
    expect(call(`decrypt.${name}`, 'short', key(32)).error?.text).toBe('decryption failed: ciphertext too short')
  })

  test('reads what Go sealed', () => {
    // cipher.NewGCM with the key 07..07, nonce 000102..0b, additional data "a", text "secret".
    const sealed = Buffer.from('000102030405060708090a0b6be48a02787d9adaf8b4566e136c14a4ac9d34bbbd49', 'hex')
    expect(Buffer.from(call('decrypt.aes', sealed, key(32), 'a').value as Uint8Array).toString()).toBe('secret')
  })

  test('keys of other sizes are refused', () => {
    expect(call('encrypt.aes', 'x', key(15)).error).toMatchObject({
      kind: 'Invalid',
      text: 'invalid key size: must be 16, 24 or 32 bytes, got 15',
    })
    expect(call('encrypt.chacha20', 'x', key(16)).error?.text).toBe('invalid key size: must be 32 bytes, got 16')
    expect(call('decrypt.aes', 'x', '').error?.text).toBe('key cannot be empty')
  })
})

describe('jwt', () => {
  const claims = { sub: 'ann', exp: NOW + 60, roles: ['a'] }

  test('the token of the specification is made and read', () => {
    // RFC 7519's claims with the usual "your-256-bit-secret" of jwt.io.
    const token =
      'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c'
    const read = call('jwt.verify', token, 'your-256-bit-secret', 'HS256', false).value
    expect(read).toEqual({ sub: '1234567890', name: 'John Doe', iat: 1516239022 })
  })

  test.each([['HS256'], ['HS384'], ['HS512']])('%s tokens verify with their key only', (algorithm) => {
    const token = call('jwt.encode', claims, 'key', algorithm).value as string
    expect(call('jwt.verify', token, 'key', algorithm).value).toEqual(claims)
    expect(call('jwt.verify', token, 'other', algorithm).error).toMatchObject({
      kind: 'Internal',
      text: 'token signature is invalid: signature is invalid',
      details: { reason: 'signature' },
    })
  })

  test('RS256 signs with the private key and verifies with the public one', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    const token = call('jwt.encode', claims, privateKey, 'RS256').value as string
    expect(call('jwt.verify', token, publicKey, 'RS256').value).toEqual(claims)
    // A token signed with the public key as an HMAC secret must not pass as RS256.
    const forged = call('jwt.encode', claims, publicKey, 'HS256').value
    expect(call('jwt.verify', forged, publicKey, 'RS256').error?.text).toBe(
      'token signature is invalid: signing method HS256 is invalid',
    )
    expect(call('jwt.encode', claims, 'no pem', 'RS256').error).toMatchObject({ kind: 'Invalid' })
    const other = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    expect(call('jwt.encode', claims, other.privateKey, 'RS256').error?.text).toMatch(/^invalid RSA private key/)
  })

  test('_header adds to the header, but not another algorithm', () => {
    const token = call('jwt.encode', { ...claims, _header: { kid: 'k1', alg: 'none' } }, 'key').value as string
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
    expect(header).toEqual({ alg: 'HS256', typ: 'JWT', kid: 'k1' })
    expect(call('jwt.verify', token, 'key').value).toEqual(claims)
  })

  test('claims without a form in JSON become null, big integers numbers', () => {
    const odd = { f: new LuaFunctionRef(), big: 2n ** 60n, bytes: new Uint8Array([0x61]), exp: NOW + 60 }
    const token = call('jwt.encode', odd, 'key').value
    expect(call('jwt.verify', token, 'key').value).toEqual({ f: null, big: 2 ** 60, bytes: 'a', exp: NOW + 60 })
  })

  test('times are checked against the clock', () => {
    const verify = (over: object, requireExp?: boolean): Outcome =>
      call('jwt.verify', call('jwt.encode', { sub: 'ann', ...over }, 'key').value, 'key', 'HS256', requireExp)
    expect(verify({ exp: NOW }).error?.text).toBe('token has invalid claims: token is expired')
    expect(verify({ exp: NOW + 1 }).error).toBeUndefined()
    expect(verify({ exp: NOW }, false).error?.details).toEqual({ reason: 'expired' })
    expect(verify({}).error?.text).toMatch(/exp claim is required$/)
    expect(verify({}, false).error).toBeUndefined()
    expect(verify({ exp: NOW + 60, nbf: NOW + 1 }).error?.text).toBe('token has invalid claims: token is not valid yet')
    expect(verify({ exp: NOW + 60, nbf: NOW }).error).toBeUndefined()
    expect(verify({ exp: 'soon' }).error?.text).toBe('token has invalid claims: exp is not a number')
  })

  test.each([
    ['', 'token is malformed: token contains an invalid number of segments'],
    ['a.b', 'token is malformed: token contains an invalid number of segments'],
    ['a.b.c.d', 'token is malformed: token contains an invalid number of segments'],
    ['!!.e30.x', 'token is malformed: could not base64 decode header'],
    ['e3.e30.xx', 'token is malformed: could not JSON decode header'],
    ['W10.e30.xx', 'token is malformed: header is not an object'],
    [
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`,
      'token signature is invalid: signing method none is invalid',
    ],
    [
      `${Buffer.from('{"alg":"HS256","crit":["b64"]}').toString('base64url')}.e30.`,
      'token is unverifiable: critical header is not supported',
    ],
  ])('%j is no token', (token, message) => {
    expect(call('jwt.verify', token, 'key').error).toMatchObject({ kind: 'Internal', text: message })
  })

  test('unknown algorithms and empty keys are refused', () => {
    for (const name of ['none', 'ES256', 'toString', ''])
      expect(call('jwt.encode', claims, 'key', name).error).toMatchObject({ kind: 'Invalid' })
    expect(call('jwt.encode', claims, '').error?.text).toBe('key cannot be empty')
    expect(call('jwt.encode', 'x', 'key').raised).toBe('bad argument #1 to encode (table expected, got string)')
  })
})

test('pbkdf2 derives raw bytes', async () => {
  const derived = await callFunction(crypto, 'pbkdf2', ['passwd', 'salt', 1, 64])
  expect(hex(derived.value)).toMatch(/^55ac046e56e3089fec1691c22544b605/)
})

test('comparison needs the same bytes', () => {
  expect(call('constant_time_compare', 'abc', 'abc').value).toBe(true)
  expect(call('constant_time_compare', 'abc', 'abd').value).toBe(false)
  expect(call('constant_time_compare', 'abc', 'ab').value).toBe(false)
  expect(call('constant_time_compare', 'é', new Uint8Array([0xc3, 0xa9])).value).toBe(true)
})
