// The `crypto` module: random values, HMAC, authenticated encryption, JWT, key derivation, constant-time comparison.

import { createHmac, getRandomValues, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { eachChunk } from '../../core/chunks.ts'
import type { Clock } from '../../core/clock.ts'
import { moduleError } from '../../core/error.ts'
import {
  type AnyHostFunction,
  byteStrings,
  bytes,
  type Call,
  type LuaModule,
  optionalText,
  table,
  text,
} from '../../lua/module.ts'
import { deriveKey } from '../pbkdf2.ts'
import { aes, type Cipher, chacha20, decrypt, encrypt } from './cipher.ts'
import { encodeJwt, readAlgorithm, verifyJwt } from './jwt.ts'

export interface CryptoDeps {
  /** Tells whether a token has expired. */
  readonly clock: Clock
}

const MAX_RANDOM_BYTES = 1_048_576
const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

export const cryptoModule = ({ clock }: CryptoDeps): LuaModule => ({
  name: 'crypto',
  description: 'Encryption, signing and random values',
  traits: ['nondeterministic', 'security'],
  open: () => ({
    random: {
      bytes: (_call: Call, length: unknown) => randomBytes(randomLength(length)),
      string: (call: Call, length: unknown, charset: unknown) =>
        randomString(call, randomLength(length), optionalText(charset, 2, 'string') ?? alphanumeric),
      uuid: () => randomUUID(),
    },
    hmac: { sha256: hmac('sha256'), sha512: hmac('sha512') },
    encrypt: { aes: withCipher(aes, encrypt, 'aes'), chacha20: withCipher(chacha20, encrypt, 'chacha20') },
    decrypt: { aes: withCipher(aes, decrypt, 'aes'), chacha20: withCipher(chacha20, decrypt, 'chacha20') },
    jwt: {
      encode: (_call: Call, claims: unknown, key: unknown, algorithm: unknown) =>
        encodeJwt(
          table(claims, 1, 'encode'),
          bytes(key, 2, 'encode'),
          readAlgorithm(optionalText(algorithm, 3, 'encode') ?? 'HS256'),
        ),
      verify: (_call: Call, token: unknown, key: unknown, algorithm: unknown, requireExp: unknown) =>
        verifyJwt(text(token, 1, 'verify'), bytes(key, 2, 'verify'), {
          algorithm: readAlgorithm(optionalText(algorithm, 3, 'verify') ?? 'HS256'),
          requireExp: requireExp !== false,
          now: Number(clock.wallNanos() / 1_000_000n) / 1000,
        }),
    },
    pbkdf2: (_call: Call, password: unknown, salt: unknown, iterations: unknown, length: unknown, digest: unknown) =>
      deriveKey({
        password: bytes(password, 1, 'pbkdf2'),
        salt: bytes(salt, 2, 'pbkdf2'),
        iterations,
        length,
        digest,
      }),
    constant_time_compare(_call: Call, a: unknown, b: unknown) {
      const first = bytes(a, 1, 'constant_time_compare')
      const second = bytes(b, 2, 'constant_time_compare')
      return first.length === second.length && timingSafeEqual(first, second)
    },
  }),
})

function randomLength(length: unknown): number {
  if (typeof length !== 'number' || !Number.isInteger(length) || length <= 0) {
    throw moduleError('Invalid', 'length must be a positive integer')
  }
  if (length > MAX_RANDOM_BYTES) throw moduleError('Invalid', 'length exceeds maximum allowed size (1MB)')
  return length
}

/** Characters of the charset, each equally likely: no modulo bias, no cut code points. */
function randomString(call: Call, length: number, charset: string): string | Promise<string> {
  const characters = [...charset]
  if (characters.length === 0) throw moduleError('Invalid', 'charset cannot be empty')
  if (characters.length > 65_536) throw moduleError('Invalid', 'charset exceeds 65536 characters')
  // The largest multiple of the size below 2^16: numbers above it would favour the first characters.
  const fair = 65_536 - (65_536 % characters.length)
  let result = ''
  let left = length
  const step = (): boolean => {
    for (const number of getRandomValues(new Uint16Array(Math.min(left, 8_192)))) {
      if (number >= fair) continue
      result += characters[number % characters.length]
      left--
    }
    return left === 0
  }
  return call.work(step, () => result)
}

function hmac(algorithm: string): AnyHostFunction {
  return byteStrings((call: Call, key: unknown, message: unknown) => {
    const secret = bytes(key, 1, algorithm)
    if (secret.length === 0) throw moduleError('Invalid', 'key cannot be empty')
    const sum = createHmac(algorithm, secret)
    const step = eachChunk(bytes(message, 2, algorithm), (chunk) => sum.update(chunk))
    return call.work(step, () => sum.digest('hex'))
  })
}

function withCipher(cipher: Cipher, run: typeof encrypt, name: string): AnyHostFunction {
  return byteStrings((call: Call, message: unknown, key: unknown, aad: unknown) => {
    const extra = aad === undefined || aad === null ? new Uint8Array(0) : bytes(aad, 3, name)
    const sealing = run(cipher, bytes(message, 1, name), bytes(key, 2, name), extra)
    return call.work(sealing.step, sealing.finish)
  })
}
