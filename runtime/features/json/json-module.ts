// The `json` module: Lua values to JSON text and back, and validation against JSON Schema.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Schema } from '../../external/ajv.ts'
import { type Call, exactTables, type LuaModule, type Results, results } from '../../lua/module.ts'
import type { Offload } from '../../offload/offload.ts'
import { decodeJson, longJsonParser } from './decode.ts'
import { encodeJson, JsonWriter } from './encode.ts'
import { invalidJson, schemaCheck, schemaFromLua } from './validate.ts'

/** Compiling takes long: no schema of a tool is larger. */
const LONGEST_SCHEMA = 256 * 1024

export interface JsonDeps {
  readonly offload: Offload
}

/** `encode`, `decode`, `validate` and `validate_string`. */
export const jsonModule = ({ offload }: JsonDeps): LuaModule => ({
  name: 'json',
  description: 'JSON encoding, decoding and schema validation',
  traits: ['deterministic', 'encoding'],
  open() {
    const check = schemaCheck(offload)
    return {
      encode: exactTables((call: Call, value: unknown) => {
        const writer = new JsonWriter(value)
        return called(
          () => call.work(writer.step, () => writer.text),
          (error) => error.wrap('encode failed'),
        )
      }),
      decode(call: Call, text: unknown) {
        const source = jsonText(text, 'string expected')
        if (source === '') throw moduleError('Invalid', 'empty string is not valid JSON')
        const parser = longJsonParser(source)
        return called(
          () => (parser === undefined ? decodeJson(source) : call.work(parser.step, () => parser.value)),
          (error) => moduleError(error.kind, `decode failed: ${error.text}`),
        )
      },
      validate: exactTables((call: Call, given: unknown, value: unknown) => {
        if (value === undefined || value === null) return refuse('data is required', given)
        return answer(() => {
          const schema = readSchema(given)
          const writer = new JsonWriter(value)
          const text = call.work(writer.step, () => writer.text)
          return after(text, (written) => check(call, schema, written, true))
        })
      }),
      validate_string: exactTables((call: Call, given: unknown, data: unknown) =>
        answer(() => {
          const schema = readSchema(given)
          const source = jsonText(data, 'data must be a JSON string')
          return after(readData(call, source), () => check(call, schema, source, false))
        }),
      ),
    }
  },
})

/** What `run` gives, at once or later, with failures told in other words. */
function called<T>(run: () => T | Promise<T>, told: (error: RuntimeError) => RuntimeError): T | Promise<T> {
  const fail = (error: unknown): never => {
    throw error instanceof RuntimeError ? told(error) : error
  }
  try {
    const given = run()
    return given instanceof Promise ? given.catch(fail) : given
  } catch (error) {
    return fail(error)
  }
}

function after<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** What `check` returns, at once or later, or `false, err` for what it refuses. */
function answer<T>(check: () => T | Promise<T>): T | Results | Promise<T | Results> {
  const refused = (error: unknown): Results => {
    if (error instanceof RuntimeError) return results(false, error)
    throw error
  }
  try {
    const given = check()
    return given instanceof Promise ? given.catch(refused) : given
  } catch (error) {
    return refused(error)
  }
}

function refuse(message: string, schema: unknown): ReturnType<typeof results> {
  const first = schema === undefined || schema === null ? 'schema is required' : message
  return results(false, moduleError('Invalid', first))
}

function readSchema(given: unknown): Schema {
  if (given === undefined || given === null) throw moduleError('Invalid', 'schema is required')
  try {
    if (typeof given === 'string') {
      if (given.length > LONGEST_SCHEMA) throw tooLong(given.length)
      // Our parser has the depth limit and the better errors; ajv wants doubles.
      decodeJson(given)
      return { schema: JSON.parse(given), key: given }
    }
    const text = encodeJson(given, LONGEST_SCHEMA)
    // Marked apart from schemas given as text: there `[]` is no object.
    return { schema: schemaFromLua(JSON.parse(text)), key: `lua:${text}` }
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    throw moduleError('Invalid', `schema compilation failed: ${error.text}`)
  }
}

function tooLong(length: number): RuntimeError {
  return moduleError('LimitExceeded', `schema of ${length} characters exceeds the limit of ${LONGEST_SCHEMA}`)
}

/** Says what is wrong with the text, if anything. */
function readData(call: Call, source: string): unknown {
  try {
    const parser = longJsonParser(source)
    if (parser === undefined) return decodeJson(source)
    const read = call.work(parser.step, () => undefined)
    return read instanceof Promise ? read.catch(wrongData) : read
  } catch (error) {
    return wrongData(error)
  }
}

function wrongData(error: unknown): never {
  throw invalidJson(error)
}

function jsonText(value: unknown, otherwise: string): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  throw moduleError('Invalid', otherwise)
}
