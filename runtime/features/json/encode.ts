// Lua values to JSON text by the rules of the `json` module: which tables are arrays, what cannot be written, Go's escapes.
// Keys are sorted: equal tables give equal text, which caches, hashes and prompt prefixes rely on.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Value } from '../../core/value.ts'
import { LuaTable } from '../../lua/module.ts'

/** Tables nested deeper than this are refused in both directions. */
export const MAX_DEPTH = 128

/** A table may stand in many others, and unfold to any size. */
const MAX_TABLES = 250_000
interface Walk {
  tables: number
}

/** JSON text of a value read with `exactTables`. Throws Internal when a table has no JSON form. */
export function encodeJson(value: unknown): string {
  return encode(value, [], { tables: 0 })
}

function encode(value: unknown, ancestors: LuaTable[], walk: Walk): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null'
    case 'bigint':
    case 'boolean':
      return String(value)
  }
  if (value instanceof LuaTable) return encodeTable(value, ancestors, walk)
  if (value instanceof Uint8Array) return quote(textOf(value))
  if (value instanceof RuntimeError) return quote(value.text)
  return 'null'
}

function encodeTable(table: LuaTable, ancestors: LuaTable[], walk: Walk): string {
  if (ancestors.includes(table)) throw failure('cannot encode recursively nested tables to JSON')
  if (++walk.tables > MAX_TABLES) throw new RuntimeError('LimitExceeded', `more than ${MAX_TABLES} tables to encode`)
  if (ancestors.length >= MAX_DEPTH) throw failure('exceeded maximum nesting depth for JSON encoding')
  if (table.entries.size === 0) return table.hadKeys ? '{}' : '[]'
  ancestors.push(table)
  const text = isArray(table) ? encodeArray(table, ancestors, walk) : encodeObject(table, ancestors, walk)
  ancestors.pop()
  return text
}

/** True for keys 1..n without holes, false when no key is a positive integer; anything between is refused. */
function isArray(table: LuaTable): boolean {
  let positions = 0
  let last = 0
  for (const key of table.entries.keys()) {
    if (!isPosition(key)) continue
    positions++
    last = Math.max(last, Number(key))
  }
  if (positions === 0) return false
  if (positions < table.entries.size) {
    throw failure('cannot encode mixed-key table: table has both numeric and non-numeric keys')
  }
  if (last !== positions) throw failure('cannot encode sparse array: non-contiguous numeric keys found')
  return true
}

function isPosition(key: Value): boolean {
  return (typeof key === 'number' && key > 0 && Number.isInteger(key)) || (typeof key === 'bigint' && key > 0n)
}

function encodeArray(table: LuaTable, ancestors: LuaTable[], walk: Walk): string {
  let text = '['
  for (let i = 1; i <= table.entries.size; i++) {
    text += (i === 1 ? '' : ',') + encode(table.entries.get(i), ancestors, walk)
  }
  return `${text}]`
}

function encodeObject(table: LuaTable, ancestors: LuaTable[], walk: Walk): string {
  const members: [string, unknown][] = []
  for (const [key, item] of table.entries) {
    members.push([key instanceof Uint8Array ? textOf(key) : String(key), item])
  }
  members.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
  let text = '{'
  for (const [name, item] of members) {
    text += `${text === '{' ? '' : ','}${quote(name)}:${encode(item, ancestors, walk)}`
  }
  return `${text}}`
}

const special = /["\\<>&\u0000-\u001f\u2028\u2029\ud800-\udfff]/
const htmlSpecial = /[<>&\u2028\u2029]/g

/** As Go does by default: safe inside HTML and JavaScript too. */
function quote(text: string): string {
  if (!special.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(htmlSpecial, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}

function failure(message: string): RuntimeError {
  return moduleError('Internal', message)
}
