// References to bindings as `contract.open` takes them: `app:api?debug=true&timeout=5000`.

import { emptyMap, type Value, type ValueMap } from '../../core/value.ts'

export interface BindingReference {
  readonly id: string
  /** Query parameters as context values: `true` and numbers lose their quotes. */
  readonly context: ValueMap
}

/** Splits id and query; never fails. */
export function parseBindingReference(reference: string): BindingReference {
  const mark = reference.indexOf('?')
  if (mark < 0) return { id: reference, context: emptyMap() }
  const context = emptyMap()
  for (const [key, value] of new URLSearchParams(reference.slice(mark + 1))) context[key] = coerced(value)
  return { id: reference.slice(0, mark), context }
}

function coerced(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^[+-]?\d+$/.test(text)) {
    const exact = BigInt(text.replace('+', ''))
    if (exact >= -(2n ** 63n) && exact < 2n ** 63n) return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text
}
