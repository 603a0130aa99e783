// The `hash` module: digests, HMACs, FNV-1 and PBKDF2. Digests come as lower-case hex, or raw bytes on request.

import { createHash, createHmac } from 'node:crypto'
import { moduleError } from '../core/error.ts'
import type { AnyHostFunction, Call, LuaModule } from '../lua/module.ts'
import { deriveKey } from './pbkdf2.ts'

export const hashModule: LuaModule = {
  name: 'hash',
  description: 'Hash functions and HMAC',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    md5: digest('md5'),
    sha1: digest('sha1'),
    sha256: digest('sha256'),
    sha512: digest('sha512'),
    hmac_md5: hmac('md5'),
    hmac_sha1: hmac('sha1'),
    hmac_sha256: hmac('sha256'),
    hmac_sha512: hmac('sha512'),
    fnv32: (_call: Call, value: unknown) => fnv32(input(value)),
    fnv64: (_call: Call, value: unknown) => fnv64(input(value)),
    pbkdf2: (_call: Call, password: unknown, salt: unknown, iterations: unknown, length: unknown, name: unknown) =>
      deriveKey({
        password: input(password, 'password must be a string'),
        salt: input(salt, 'salt must be a string'),
        iterations,
        length,
        digest: name,
      }),
  }),
}

function digest(algorithm: string): AnyHostFunction {
  return (_call, value: unknown, raw: unknown) => output(createHash(algorithm).update(input(value)).digest(), raw)
}

function hmac(algorithm: string): AnyHostFunction {
  return (_call, value: unknown, secret: unknown, raw: unknown) => {
    const message = input(value)
    const key = input(secret, 'secret must be a string')
    return output(createHmac(algorithm, key).update(message).digest(), raw)
  }
}

function input(value: unknown, otherwise = 'string expected'): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  throw moduleError('Invalid', otherwise)
}

function output(bytes: Buffer, raw: unknown): string | Uint8Array {
  return raw === true ? bytes : bytes.toString('hex')
}

/** FNV-1 (multiply, then xor), 32 bits. */
function fnv32(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash, 0x01000193) ^ byte
  return hash >>> 0
}

/** FNV-1, 64 bits, as the signed integer Lua can hold. */
function fnv64(bytes: Uint8Array): bigint {
  // hash * 0x100000001b3 in halves of 32 bits: a BigInt per byte would be fifty times slower.
  let high = 0xcbf29ce4
  let low = 0x84222325
  for (const byte of bytes) {
    const product = low * 0x1b3
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0
    low = ((product >>> 0) ^ byte) >>> 0
  }
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
}
