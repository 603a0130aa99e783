// The `json` module: Lua values to JSON text and back, and validation against JSON Schema.

import { moduleError, RuntimeError } from '../../core/error.ts'
import { type Call, exactTables, type LuaModule, results } from '../../lua/module.ts'
import { decodeJson } from './decode.ts'
import { encodeJson } from './encode.ts'
import { invalidJson, type SchemaCache, schemaCache, schemaFromLua, validateValue } from './validate.ts'

const CACHED_SCHEMAS = 256

export const jsonModule: LuaModule = {
  name: 'json',
  description: 'JSON encoding, decoding and schema validation',
  traits: ['deterministic', 'encoding'],
  open() {
    let cache: SchemaCache | undefined
    // ajv takes tens of milliseconds to load: only programs that validate pay for it.
    const withCache = <T>(use: (cache: SchemaCache) => T): T | Promise<T> => {
      if (cache !== undefined) return use(cache)
      return import('../../external/ajv.ts').then(({ schemaCompiler }) => {
        cache ??= schemaCache(schemaCompiler(), CACHED_SCHEMAS)
        return use(cache)
      })
    }
    return {
      encode: exactTables((_call: Call, value: unknown) => {
        try {
          return encodeJson(value)
        } catch (error) {
          if (error instanceof RuntimeError) throw error.wrap('encode failed')
          throw error
        }
      }),
      decode(_call: Call, text: unknown) {
        const source = jsonText(text, 'string expected')
        if (source === '') throw moduleError('Invalid', 'empty string is not valid JSON')
        try {
          return decodeJson(source)
        } catch (error) {
          if (error instanceof RuntimeError) throw moduleError('Internal', `decode failed: ${error.text}`)
          throw error
        }
      },
      validate: exactTables((_call: Call, schema: unknown, value: unknown) => {
        if (value === undefined || value === null) return refuse('data is required', schema)
        return answer(() => {
          const [parsed, text] = readSchema(schema)
          const plain: unknown = JSON.parse(encodeJson(value))
          return withCache((schemas) => answer(() => validateValue(schemas.get(parsed, text), plain, true)))
        })
      }),
      validate_string: exactTables((_call: Call, schema: unknown, text: unknown) => {
        return answer(() => {
          const [parsed, schemaText] = readSchema(schema)
          const source = jsonText(text, 'data must be a JSON string')
          return withCache((schemas) =>
            answer(() => validateValue(schemas.get(parsed, schemaText), readData(source), false)),
          )
        })
      }),
    }
  },
}

/** What `check` returns, or `false, err` for what it refuses. */
function answer<T>(check: () => T): T | ReturnType<typeof results> {
  try {
    return check()
  } catch (error) {
    if (error instanceof RuntimeError) return results(false, error)
    throw error
  }
}

function refuse(message: string, schema: unknown): ReturnType<typeof results> {
  const first = schema === undefined || schema === null ? 'schema is required' : message
  return results(false, moduleError('Invalid', first))
}

function readSchema(schema: unknown): [parsed: unknown, text: string] {
  if (schema === undefined || schema === null) throw moduleError('Invalid', 'schema is required')
  if (typeof schema === 'string') {
    try {
      return [doubles(schema), schema]
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      throw moduleError('Invalid', `schema compilation failed: ${error.text}`)
    }
  }
  try {
    const text = encodeJson(schema)
    // Marked apart from schemas given as text: there `[]` is no object.
    return [schemaFromLua(JSON.parse(text)), `lua:${text}`]
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    throw moduleError('Invalid', `schema compilation failed: ${error.text}`)
  }
}

function readData(source: string): unknown {
  try {
    return doubles(source)
  } catch (error) {
    throw invalidJson(error)
  }
}

/** JSON text as ajv wants it, without bigints; our parser has the depth limit and the better errors. */
function doubles(source: string): unknown {
  decodeJson(source)
  return JSON.parse(source)
}

function jsonText(value: unknown, otherwise: string): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  throw moduleError('Invalid', otherwise)
}
