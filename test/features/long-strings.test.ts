// Long byte strings are worked through in chunks: what comes out is what the whole would have given.

import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHUNK } from '../../runtime/core/chunks.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import { base64Module, decodeBase64 } from '../../runtime/features/base64.ts'
import { cryptoModule } from '../../runtime/features/crypto/crypto-module.ts'
import { hashModule } from '../../runtime/features/hash.ts'
import { httpClientModule } from '../../runtime/features/http_client/module.ts'
import { Guard } from '../../runtime/security/guard.ts'
import { callFunction, type Outcome } from '../support/call-module.ts'

const base64 = base64Module.open()
const hash = hashModule.open()
const crypto = cryptoModule({ clock: systemClock() }).open()
const http = httpClientModule({ guard: new Guard({ strict: false }) }).open()
const run = (module: typeof base64, name: string, ...args: unknown[]): Outcome =>
  callFunction(module, name, args) as Outcome
const binary = (value: unknown): string =>
  Buffer.from(value instanceof Uint8Array ? value : Buffer.from(String(value), 'utf8')).toString('latin1')

/** Lengths around the ends of chunks. */
const length = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: -4, max: 4 })).map(([n, d]) => n * CHUNK + d)
const long = fc.tuple(length, fc.integer({ min: 1, max: 255 })).map(([size, factor]) => {
  const bytes = Buffer.alloc(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * factor) >> 3
  return bytes
})

test('base64, with and without line breaks', () => {
  fc.assert(
    fc.property(long, fc.integer({ min: 1, max: 200 }), (bytes, width) => {
      const encoded = binary(run(base64, 'encode', bytes).value)
      expect(encoded).toBe(bytes.toString('base64'))
      const lines = Buffer.from(encoded.replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n'))
      expect(bytes.equals(run(base64, 'decode', lines).value as Uint8Array)).toBe(true)
    }),
    { numRuns: 20 },
  )
})

test('base64 that is wrong is wrong at the same place', () => {
  fc.assert(
    fc.property(long, fc.integer({ min: 0, max: 3 * CHUNK }), fc.constantFrom('!', '=', ''), (bytes, at, wrong) => {
      const encoded = bytes.toString('base64')
      const text = `${encoded.slice(0, at)}${wrong}\n${encoded.slice(at + 1)}`
      const { error, value } = run(base64, 'decode', Buffer.from(text))
      let expected: unknown
      try {
        expected = decodeBase64(text)
      } catch (thrown) {
        expect(error?.message).toBe((thrown as Error).message)
        return
      }
      expect(Buffer.compare(value as Uint8Array, expected as Uint8Array)).toBe(0)
    }),
    { numRuns: 30 },
  )
})

test('digests and sums', () => {
  fc.assert(
    fc.property(long, (bytes) => {
      for (const name of ['md5', 'sha1', 'sha256', 'sha512']) {
        expect(run(hash, name, bytes).value).toBe(createHash(name).update(bytes).digest('hex'))
        const sum = createHmac(name, 'k').update(bytes).digest('hex')
        expect(run(hash, `hmac_${name}`, bytes, Buffer.from('k')).value).toBe(sum)
      }
      let fnv = 0xcbf29ce484222325n
      for (const byte of bytes.subarray(0, 1000)) fnv = BigInt.asUintN(64, fnv * 0x100000001b3n) ^ BigInt(byte)
      expect(BigInt.asUintN(64, run(hash, 'fnv64', bytes.subarray(0, 1000)).value as bigint)).toBe(fnv)
    }),
    { numRuns: 10 },
  )
})

test('what is encrypted comes back', () => {
  fc.assert(
    fc.property(long, fc.constantFrom('aes', 'chacha20'), (bytes, cipher) => {
      const key = Buffer.alloc(32, 7)
      const sealed = run(crypto, `encrypt.${cipher}`, bytes, key).value as Uint8Array
      expect(bytes.equals(run(crypto, `decrypt.${cipher}`, sealed, key).value as Uint8Array)).toBe(true)
      sealed[sealed.length >> 1] = (sealed[sealed.length >> 1] ?? 0) ^ 1
      expect(run(crypto, `decrypt.${cipher}`, sealed, key).error?.kind).toBe('Internal')
    }),
    { numRuns: 10 },
  )
})

test('what is escaped comes back', () => {
  fc.assert(
    fc.property(long, (bytes) => {
      const escaped = run(http, 'encode_uri', bytes).value
      expect(
        bytes.equals(Buffer.from(binary(run(http, 'decode_uri', Buffer.from(binary(escaped))).value), 'latin1')),
      ).toBe(true)
    }),
    { numRuns: 10 },
  )
})
