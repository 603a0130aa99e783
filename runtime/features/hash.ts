// The `hash` module: digests, HMACs, FNV-1 and PBKDF2. Digests come as lower-case hex, or raw bytes on request.

import { createHash, createHmac } from 'node:crypto'
import { eachChunk } from '../core/chunks.ts'
import { moduleError } from '../core/error.ts'
import { type AnyHostFunction, byteStrings, type Call, type LuaModule } from '../lua/module.ts'
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
    fnv32: byteStrings((call: Call, value: unknown) => fnv32(call, input(value))),
    fnv64: byteStrings((call: Call, value: unknown) => fnv64(call, input(value))),
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
  return byteStrings((call: Call, value: unknown, raw: unknown) => {
    const hash = createHash(algorithm)
    const step = eachChunk(input(value), (chunk) => hash.update(chunk))
    return call.work(step, () => output(hash.digest(), raw))
  })
}

function hmac(algorithm: string): AnyHostFunction {
  return byteStrings((call: Call, value: unknown, secret: unknown, raw: unknown) => {
    const message = input(value)
    const sum = createHmac(algorithm, input(secret, 'secret must be a string'))
    const step = eachChunk(message, (chunk) => sum.update(chunk))
    return call.work(step, () => output(sum.digest(), raw))
  })
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
function fnv32(call: Call, bytes: Uint8Array): number | Promise<number> {
  let hash = 0x811c9dc5
  const step = eachChunk(bytes, (chunk) => {
    for (const byte of chunk) hash = Math.imul(hash, 0x01000193) ^ byte
  })
  return call.work(step, () => hash >>> 0)
}

/** FNV-1, 64 bits, as the signed integer Lua can hold. */
function fnv64(call: Call, bytes: Uint8Array): bigint | Promise<bigint> {
  // hash * 0x100000001b3 in halves of 32 bits: a BigInt per byte would be fifty times slower.
  let high = 0xcbf29ce4
  let low = 0x84222325
  const step = eachChunk(bytes, (chunk) => {
    for (const byte of chunk) {
      const product = low * 0x1b3
      high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0
      low = ((product >>> 0) ^ byte) >>> 0
    }
  })
  return call.work(step, () => BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)))
}
