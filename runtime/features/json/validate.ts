// JSON Schema validation of what Lua hands over: on this thread when it is sure to be short, else on another.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Schema, SchemaCache, SchemaProblem } from '../../external/ajv.ts'
import type { Call } from '../../lua/module.ts'
import type { Offload } from '../../offload/offload.ts'

const CACHED_SCHEMAS = 256
/** Characters of the schema times those of the value that are checked on this thread. */
const INLINE = 2_000_000
/** References can make a small schema take any time; escapes can hide them. */
const RISKY = /\$(?:ref|dynamicRef|recursiveRef)|\\u/

export type Check = (call: Call, schema: Schema, text: string, fromLua: boolean) => true | Promise<true>

/** True, or throws Invalid listing what is wrong. `fromLua` allows empty arrays to stand for empty objects. */
export function schemaCheck(offload: Offload): Check {
  let cache: SchemaCache | undefined
  return (call, schema, text, fromLua) => {
    if (schema.key.length * text.length > INLINE || RISKY.test(schema.key)) {
      return offload.run(call, 'schema.check', schema, text, fromLua).then(verdict)
    }
    const here = (schemas: SchemaCache): true => verdict(schemas.get(schema).check(JSON.parse(text), fromLua))
    if (cache !== undefined) return here(cache)
    // ajv takes tens of milliseconds to load: only programs that validate pay for it.
    return import('../../external/ajv.ts').then(({ schemaCache }) => here((cache ??= schemaCache(CACHED_SCHEMAS))))
  }
}

const SHOWN = 10

function verdict(problems: readonly SchemaProblem[]): true {
  if (problems.length === 0) return true
  const lines = problems.slice(0, SHOWN).map((p) => `at '/${p.path.join('/')}': ${p.message}`)
  if (problems.length > SHOWN) lines.push(`and ${problems.length - SHOWN} more`)
  throw moduleError('Invalid', `validation failed: ${lines.join('; ')}`, {
    details: { errors: problems.slice(0, SHOWN).map((p) => ({ path: `/${p.path.join('/')}`, message: p.message })) },
  })
}

const listKeywords = new Set(['required', 'enum', 'allOf', 'anyOf', 'oneOf', 'prefixItems', 'type', 'examples'])

/** A schema written in Lua: its empty tables are objects, except under keywords that hold lists. */
export function schemaFromLua(value: unknown, keyword = ''): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 && !listKeywords.has(keyword)) return {}
    return value.map((item) => schemaFromLua(item))
  }
  if (typeof value !== 'object' || value === null || keyword === 'const' || keyword === 'default') return value
  const copy: { [key: string]: unknown } = Object.create(null)
  for (const [key, item] of Object.entries(value)) copy[key] = schemaFromLua(item, key)
  return copy
}

/** Wraps what went wrong while reading the text to validate. */
export function invalidJson(error: unknown): RuntimeError {
  if (!(error instanceof RuntimeError)) throw error
  return moduleError('Invalid', `validation failed: invalid JSON: ${error.text}`, { cause: error })
}
