// JSON Web Tokens, signed with HMAC or RSA. The algorithm is the caller's choice, never the token's.

import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { isMap, type Value, type ValueMap } from '../../core/value.ts'
import { LuaFunctionRef, LuaObject } from '../../lua/module.ts'

const algorithms = {
  HS256: { kind: 'hmac', digest: 'sha256' },
  HS384: { kind: 'hmac', digest: 'sha384' },
  HS512: { kind: 'hmac', digest: 'sha512' },
  RS256: { kind: 'rsa', digest: 'sha256' },
} as const

export type JwtAlgorithm = keyof typeof algorithms

export function readAlgorithm(name: string): JwtAlgorithm {
  if (Object.hasOwn(algorithms, name)) return name as JwtAlgorithm // its own key, hence one of them
  throw moduleError('Invalid', `unsupported algorithm ${JSON.stringify(name)}: use HS256, HS384, HS512 or RS256`)
}

/** A signed token. `_header` of the claims is merged into the header, where it cannot change the algorithm. */
export function encodeJwt(claims: { [key: string]: unknown }, key: Uint8Array, algorithm: JwtAlgorithm): string {
  const { _header: extra, ...payload } = claims
  const header = { typ: 'JWT', ...(isMap(extra) ? extra : {}), alg: algorithm }
  const signed = `${segment(header)}.${segment(payload)}`
  return `${signed}.${signatureOf(signed, key, algorithm).toString('base64url')}`
}

export interface VerifyOptions {
  readonly algorithm: JwtAlgorithm
  /** Refuse tokens without `exp`. One that is there always counts. */
  readonly requireExp: boolean
  /** Seconds since 1970. */
  readonly now: number
}

/** The claims of a token with a good signature, in its time. Throws Internal, with the reason in its details. */
export function verifyJwt(token: string, key: Uint8Array, options: VerifyOptions): ValueMap {
  const [head, body, signature, ...rest] = token.split('.')
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0) {
    throw refused('malformed', 'token is malformed: token contains an invalid number of segments')
  }
  const header = readSegment(head, 'header')
  if (header['alg'] !== options.algorithm) {
    throw refused('algorithm', `token signature is invalid: signing method ${String(header['alg'])} is invalid`)
  }
  // Extensions that must be understood, and we understand none.
  if (header['crit'] !== undefined)
    throw refused('algorithm', 'token is unverifiable: critical header is not supported')
  if (!signatureFits(`${head}.${body}`, bytesOf(signature, 'signature'), key, options.algorithm)) {
    throw refused('signature', 'token signature is invalid: signature is invalid')
  }
  const claims = readSegment(body, 'claims')
  checkTimes(claims, options)
  return claims
}

function checkTimes(claims: ValueMap, options: VerifyOptions): void {
  const expires = timeClaim(claims, 'exp')
  const starts = timeClaim(claims, 'nbf')
  if (expires === undefined && options.requireExp) {
    throw refused('claims', 'token has invalid claims: token is missing required claim: exp claim is required')
  }
  if (expires !== undefined && options.now >= expires) {
    throw refused('expired', 'token has invalid claims: token is expired')
  }
  if (starts !== undefined && options.now < starts) {
    throw refused('not_yet_valid', 'token has invalid claims: token is not valid yet')
  }
}

function timeClaim(claims: ValueMap, name: string): number | undefined {
  const value = claims[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number') return value
  throw refused('claims', `token has invalid claims: ${name} is not a number`)
}

function signatureOf(text: string, key: Uint8Array, algorithm: JwtAlgorithm): Buffer {
  const { kind, digest } = algorithms[algorithm]
  if (key.length === 0) throw moduleError('Invalid', 'key cannot be empty')
  if (kind === 'hmac') return createHmac(digest, key).update(text).digest()
  return sign(digest, Buffer.from(text), rsaKey(key, createPrivateKey, 'private'))
}

function signatureFits(text: string, signature: Uint8Array, key: Uint8Array, algorithm: JwtAlgorithm): boolean {
  const { kind, digest } = algorithms[algorithm]
  if (kind === 'rsa') return verify(digest, Buffer.from(text), rsaKey(key, createPublicKey, 'public'), signature)
  const expected = signatureOf(text, key, algorithm)
  return expected.length === signature.length && timingSafeEqual(expected, signature)
}

function rsaKey(pem: Uint8Array, read: (pem: Buffer) => KeyObject, which: string): KeyObject {
  try {
    const key = read(Buffer.from(pem))
    if (key.asymmetricKeyType === 'rsa') return key
  } catch {
    // Node's reason speaks of OpenSSL decoders; what matters is below.
  }
  throw moduleError('Invalid', `invalid RSA ${which} key: a PEM encoded RSA key is needed`)
}

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value, plain)).toString('base64url')
}

/** Claims as JSON has them: what has no form there becomes null, as in the json module. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof RuntimeError) return value.text
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return value instanceof LuaObject || value instanceof LuaFunctionRef ? null : value
}

function readSegment(text: string, what: string): ValueMap {
  let value: Value
  try {
    value = JSON.parse(Buffer.from(bytesOf(text, what)).toString('utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw refused('malformed', `token is malformed: could not JSON decode ${what}`)
  }
  if (!isMap(value)) throw refused('malformed', `token is malformed: ${what} is not an object`)
  return value
}

function bytesOf(text: string, what: string): Uint8Array {
  if (/^[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 1) return Buffer.from(text, 'base64url')
  throw refused('malformed', `token is malformed: could not base64 decode ${what}`)
}

function refused(reason: string, message: string): RuntimeError {
  return moduleError('Internal', message, { details: { reason } })
}
