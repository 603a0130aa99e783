// The only importer of @msgpack/msgpack: values as MessagePack and back. Loaded with the first value: most programs need none.

import { createRequire } from 'node:module'
import { RuntimeError } from '../core/error.ts'
import { emptyMap, type Value } from '../core/value.ts'

const load = createRequire(import.meta.url)
/** Node keeps what was loaded. */
const msgpack = (): typeof import('@msgpack/msgpack') => load('@msgpack/msgpack')

const MAX_DEPTH = 128

/** Throws Invalid beyond 128 levels. */
export function encodeMsgpack(value: Value): Uint8Array {
  const { encode } = msgpack()
  try {
    return encode(value, { useBigInt64: true, maxDepth: MAX_DEPTH })
  } catch (error) {
    throw new RuntimeError('Invalid', `no MessagePack: ${messageOf(error)}`, { retryable: false, cause: error })
  }
}

/** Throws Invalid for what is no MessagePack, and for extensions, which say nothing here. */
export function decodeMsgpack(bytes: Uint8Array): Value {
  const { decode } = msgpack()
  let decoded: unknown
  try {
    decoded = decode(bytes, {
      useBigInt64: true,
      mapKeyConverter: (key) => (typeof key === 'number' ? key : String(key)),
    })
  } catch (error) {
    throw new RuntimeError('Invalid', `no MessagePack: ${messageOf(error)}`, { retryable: false, cause: error })
  }
  return plain(decoded, 0)
}

function plain(value: unknown, depth: number): Value {
  if (depth > MAX_DEPTH) {
    throw new RuntimeError('Invalid', `no MessagePack: nested deeper than ${MAX_DEPTH} levels`, { retryable: false })
  }
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') {
    const small = Number(value)
    return Number.isSafeInteger(small) ? small : BigInt.asIntN(64, value) === value ? value : small
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    throw new RuntimeError('Invalid', 'no MessagePack: extension types are not supported', { retryable: false })
  }
  const map = emptyMap()
  for (const [key, item] of Object.entries(value)) map[key] = plain(item, depth + 1)
  return map
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
