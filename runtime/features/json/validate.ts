// JSON Schema validation of what Lua hands over. Lua has one empty table for `[]` and `{}`: whichever the schema wants is taken.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Validator } from '../../external/ajv.ts'

export interface SchemaCache {
  /** The compiled schema. Throws Invalid when it does not compile. */
  get(schema: unknown, text: string): Validator
}

/** Keeps the compiled schemas used last; the key is their JSON text. */
export function schemaCache(compile: (schema: unknown) => Validator, limit: number): SchemaCache {
  const compiled = new Map<string, Validator>()
  return {
    get(schema, text) {
      const known = compiled.get(text)
      const validator = known ?? compileSchema(compile, schema)
      compiled.delete(text)
      compiled.set(text, validator)
      for (const oldest of compiled.keys()) {
        if (compiled.size <= limit) break
        compiled.delete(oldest)
      }
      return validator
    },
  }
}

function compileSchema(compile: (schema: unknown) => Validator, schema: unknown): Validator {
  try {
    return compile(schema)
  } catch (error) {
    // Whatever ajv throws here is about the schema: a pattern, a reference, a keyword.
    const reason = error instanceof Error ? error.message : String(error)
    throw moduleError('Invalid', `schema compilation failed: ${reason}`, { cause: error })
  }
}

/** True, or throws Invalid listing what is wrong. `fromLua` allows empty arrays to stand for empty objects. */
export function validateValue(validator: Validator, value: unknown, fromLua: boolean): true {
  let subject = value
  for (;;) {
    const problems = validator.check(subject)
    if (problems.length === 0) return true
    const flipped = fromLua ? flipEmptyArrays(subject, problems) : undefined
    if (flipped === undefined) throw refused(problems)
    subject = flipped.value
  }
}

type Problem = ReturnType<Validator['check']>[number]

/** The value with empty arrays made objects where the schema asks for one; undefined when there is none left. */
function flipEmptyArrays(value: unknown, problems: readonly Problem[]): { value: unknown } | undefined {
  const root = { value }
  let flips = 0
  for (const problem of problems) {
    if (!problem.wantsObject) continue
    const path = ['value', ...problem.path]
    const last = path.pop() as string // the path has at least one step
    const parent = path.reduce<unknown>((at, step) => (at as { [key: string]: unknown })?.[step], root)
    const holder = parent as { [key: string]: unknown }
    const found = holder?.[last]
    if (!Array.isArray(found) || found.length > 0) continue
    holder[last] = {}
    flips++
  }
  return flips === 0 ? undefined : root
}

const SHOWN = 10

function refused(problems: readonly Problem[]): RuntimeError {
  const lines = problems.slice(0, SHOWN).map((p) => `at '/${p.path.join('/')}': ${p.message}`)
  if (problems.length > SHOWN) lines.push(`and ${problems.length - SHOWN} more`)
  return moduleError('Invalid', `validation failed: ${lines.join('; ')}`, {
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
