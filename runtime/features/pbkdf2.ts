// PBKDF2 as `hash.pbkdf2` and `crypto.pbkdf2` offer it: checked arguments, work done on Node's own thread pool.

import { pbkdf2 } from 'node:crypto'
import { moduleError } from '../core/error.ts'
import { number, optionalText } from '../lua/module.ts'

const MAX_ITERATIONS = 10_000_000
const MAX_KEY_BYTES = 1_048_576
const digests = new Set(['sha256', 'sha512'])

export interface Pbkdf2Arguments {
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly iterations: unknown
  readonly length: unknown
  readonly digest: unknown
}

/** The derived key. Throws Invalid for arguments out of range; never blocks the event loop. */
export async function deriveKey(given: Pbkdf2Arguments): Promise<Uint8Array> {
  const iterations = number(given.iterations, 3, 'pbkdf2')
  const length = number(given.length, 4, 'pbkdf2')
  const digest = optionalText(given.digest, 5, 'pbkdf2') ?? 'sha256'
  if (given.password.length === 0) throw moduleError('Invalid', 'password cannot be empty')
  if (given.salt.length === 0) throw moduleError('Invalid', 'salt cannot be empty')
  if (!Number.isInteger(iterations) || iterations <= 0) {
    throw moduleError('Invalid', `iterations ${iterations} must be a positive integer`)
  }
  if (iterations > MAX_ITERATIONS) {
    throw moduleError('Invalid', `iterations ${iterations} exceeds the maximum of ${MAX_ITERATIONS}`)
  }
  if (!Number.isInteger(length) || length <= 0) {
    throw moduleError('Invalid', `key length ${length} must be a positive integer`)
  }
  if (length > MAX_KEY_BYTES) {
    throw moduleError('Invalid', `key length ${length} exceeds the maximum of ${MAX_KEY_BYTES}`)
  }
  if (!digests.has(digest)) {
    throw moduleError('Invalid', `unsupported hash ${JSON.stringify(digest)}: use sha256 or sha512`)
  }
  return new Promise((resolve, reject) => {
    pbkdf2(given.password, given.salt, iterations, length, digest, (error, key) => {
      if (error === null) resolve(key)
      else reject(moduleError('Internal', `pbkdf2 failed: ${error.message}`, { cause: error }))
    })
  })
}
