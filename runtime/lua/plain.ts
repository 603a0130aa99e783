// Plain data from what a host function received: for events, context values, options and registry data, where functions and
// objects cannot go along. They become their text, as in the original (spec/process.md §4).

import { RuntimeError } from '../core/error.ts'
import { emptyMap, isMap, type Value } from '../core/value.ts'
import { LuaFunctionRef, LuaObject } from './module.ts'

const MAX_DEPTH = 128

/** A copy of a Lua value that holds nothing but data. Throws Invalid beyond 128 levels. */
export function plainValue(value: unknown, depth = 0): Value {
  if (depth > MAX_DEPTH)
    throw new RuntimeError('Invalid', `value is nested deeper than ${MAX_DEPTH} levels`, { retryable: false })
  if (value === undefined || value === null) return null
  if (Array.isArray(value)) return value.map((item) => plainValue(item, depth + 1))
  if (value instanceof Uint8Array) return value
  if (value instanceof RuntimeError) return value.text
  if (value instanceof LuaObject) return value.type.spec.tostring?.(value.value) ?? value.type.spec.name
  if (value instanceof LuaFunctionRef) return 'function'
  if (!isMap(value)) return isScalar(value) ? value : String(value)
  if (isHostObject(value)) return 'userdata'
  const copy = emptyMap()
  for (const key of Object.keys(value)) copy[key] = plainValue(value[key], depth + 1)
  return copy
}

/** A channel or the like: walking through it would walk through the host. */
function isHostObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype !== null && prototype !== Object.prototype
}

function isScalar(value: unknown): value is boolean | number | bigint | string {
  return ['boolean', 'number', 'bigint', 'string'].includes(typeof value)
}
