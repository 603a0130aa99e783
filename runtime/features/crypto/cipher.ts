// Authenticated encryption as `crypto.encrypt` and `crypto.decrypt` do it: nonce, ciphertext and tag in one string, as Go's Seal.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { eachChunk } from '../../core/chunks.ts'
import { moduleError } from '../../core/error.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16

type Algorithm = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'

export interface Cipher {
  /** The algorithm for a key of that many bytes. */
  readonly byKeyBytes: { readonly [bytes: number]: Algorithm }
  readonly keyBytes: string
}

export const aes: Cipher = {
  byKeyBytes: { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' },
  keyBytes: '16, 24 or 32',
}

export const chacha20: Cipher = { byKeyBytes: { 32: 'chacha20-poly1305' }, keyBytes: '32' }

/** Bytes turned into others in steps. */
export interface Sealing {
  readonly step: () => boolean
  /** What came out, when `step` has answered true. */
  finish(): Uint8Array
}

export function encrypt(cipher: Cipher, plain: Uint8Array, key: Uint8Array, aad: Uint8Array): Sealing {
  const nonce = randomBytes(NONCE_BYTES)
  // The types know GCM only; the tag length makes both algorithms behave the same.
  const sealing = createCipheriv(algorithmFor(cipher, key) as 'aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  sealing.setAAD(aad, { plaintextLength: plain.length })
  const pieces: Uint8Array[] = [nonce]
  return {
    step: eachChunk(plain, (chunk) => pieces.push(sealing.update(chunk))),
    finish: () => Buffer.concat([...pieces, sealing.final(), sealing.getAuthTag()]),
  }
}

/** Throws Internal when key, additional data or text are not those of the encryption. */
export function decrypt(cipher: Cipher, sealed: Uint8Array, key: Uint8Array, aad: Uint8Array): Sealing {
  const algorithm = algorithmFor(cipher, key)
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw moduleError('Internal', 'decryption failed: ciphertext too short')
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const body = sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)
  const opening = createDecipheriv(algorithm as 'aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  opening.setAAD(aad, { plaintextLength: body.length })
  opening.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  const pieces: Uint8Array[] = []
  return {
    step: eachChunk(body, (chunk) => pieces.push(opening.update(chunk))),
    finish() {
      try {
        return Buffer.concat([...pieces, opening.final()])
      } catch (error) {
        // The only thing that can go wrong by now is the tag.
        throw moduleError('Internal', 'decryption failed: message authentication failed', { cause: error })
      }
    },
  }
}

function algorithmFor(cipher: Cipher, key: Uint8Array): Algorithm {
  if (key.length === 0) throw moduleError('Invalid', 'key cannot be empty')
  const algorithm = cipher.byKeyBytes[key.length]
  if (algorithm === undefined) {
    throw moduleError('Invalid', `invalid key size: must be ${cipher.keyBytes} bytes, got ${key.length}`)
  }
  return algorithm
}
