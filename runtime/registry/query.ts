// Filters over entries: `{['.kind'] = 'function.lua', ['meta.type'] = 'tool', ['^meta.title'] = 'Do'}`. All keys must hold.
// A key nobody understands is ignored with a warning, as in the original: it never makes a search fail.

import type { Entry } from '../core/entry.ts'
import { parseId } from '../core/id.ts'
import { equalValues, isMap, type Value } from '../core/value.ts'
import { compileRegex } from '../external/re2.ts'

export type Filter = Readonly<Record<string, Value>>
type Test = (entry: Entry) => boolean

/** The filter as a function. `warn` hears of keys that are ignored. */
export function compileFilter(filter: Filter, warn: (message: string) => void = () => undefined): Test {
  const tests: Test[] = []
  for (const [key, expected] of Object.entries(filter)) {
    if (key === 'meta' && isMap(expected)) {
      for (const [name, value] of Object.entries(expected)) tests.push(metaEquals(name, value))
      continue
    }
    const test = compileKey(key, expected, warn)
    if (test !== undefined) tests.push(test)
  }
  return (entry) => tests.every((test) => test(entry))
}

function compileKey(key: string, expected: Value, warn: (message: string) => void): Test | undefined {
  const part = partOf.get(key)
  if (part !== undefined) {
    if (typeof expected !== 'string') return undefined
    const matches = compileGlob(expected)
    return (entry) => matches(part(entry))
  }
  if (key.startsWith('meta.')) return metaEquals(key.slice('meta.'.length), expected)
  const make = metaTests.get(key.slice(0, 1))
  if (make === undefined || !key.startsWith('meta.', 1)) {
    warn(`metadata field must use 'meta.' prefix: ${key}`)
    return undefined
  }
  if (typeof expected !== 'string') {
    warn(`filter ${key} wants a string`)
    return undefined
  }
  try {
    const holds = make(expected)
    const name = key.slice('?meta.'.length)
    return (entry) => Object.hasOwn(entry.meta, name) && holds(entry.meta[name] ?? null)
  } catch (error) {
    warn(`filter ${key}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

const partOf: ReadonlyMap<string, (entry: Entry) => string> = new Map([
  ['.kind', (entry: Entry) => entry.kind],
  ['.name', (entry: Entry) => parseId(entry.id).name],
  ['.ns', (entry: Entry) => parseId(entry.id).ns],
  ['.id', (entry: Entry) => entry.id],
])

type MetaTest = (expected: string) => (value: Value) => boolean

const regexMatches: MetaTest = (expected) => {
  const regex = compileRegex(expected)
  return (value) => typeof value === 'string' && regex.matchString(value)
}

const contains: MetaTest = (expected) => {
  const has = (value: Value): boolean => typeof value === 'string' && value.includes(expected)
  return (value) => (Array.isArray(value) ? value.some(has) : has(value))
}

const startsWith: MetaTest = (expected) => (value) => typeof value === 'string' && value.startsWith(expected)
const endsWith: MetaTest = (expected) => (value) => typeof value === 'string' && value.endsWith(expected)

const metaTests: ReadonlyMap<string, MetaTest> = new Map([
  ['~', regexMatches],
  ['*', contains],
  ['^', startsWith],
  ['$', endsWith],
])

/** Equal by value; a list asks for each of its items to be in the field's list. */
function metaEquals(name: string, expected: Value): Test {
  return ({ meta }) => {
    if (!Object.hasOwn(meta, name)) return false
    const value = meta[name]
    if (!Array.isArray(expected)) return equalValues(value, expected)
    return Array.isArray(value) && expected.every((wanted) => value.some((item) => equalValues(item, wanted)))
  }
}

/** `*` stands for any text, however often it is written. */
function compileGlob(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return (text) => text === pattern
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
    let at = first.length
    for (const piece of rest) {
      const found = text.indexOf(piece, at)
      if (found < 0 || found + piece.length > text.length - last.length) return false
      at = found + piece.length
    }
    return true
  }
}
