// Plain values as Lua source text: how a table reaches code that runs in another state before anybody calls it.

import { isMap, type Value } from '../../core/value.ts'

/** An expression that makes an equal value. */
export function luaLiteral(value: Value): string {
  if (value === null) return 'nil'
  if (typeof value === 'string') return quoted(Buffer.from(value, 'utf8'))
  if (value instanceof Uint8Array) return quoted(value)
  if (typeof value === 'number') return float(value)
  // The smallest integer has no decimal literal of its own: its positive half does not exist.
  if (typeof value === 'bigint') return value === -(2n ** 63n) ? 'math.mininteger' : `(${value})`
  if (Array.isArray(value)) return `{${value.map(luaLiteral).join(', ')}}`
  if (!isMap(value)) return String(value)
  const fields = Object.entries(value).map(([key, item]) => `[${luaLiteral(key)}] = ${luaLiteral(item)}`)
  return `{${fields.join(', ')}}`
}

function float(value: number): string {
  if (Number.isNaN(value)) return '(0/0)'
  if (!Number.isFinite(value)) return value > 0 ? '(1/0)' : '(-1/0)'
  const text = String(value)
  // Digits alone would be an integer, which such a number is no longer exact enough for.
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? `(${text}.0)` : `(${text})`
}

/** Every byte that is not plain ASCII is escaped, so that the text survives whatever carries it. */
function quoted(bytes: Uint8Array): string {
  let text = '"'
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    text += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`
  }
  return `${text}"`
}
