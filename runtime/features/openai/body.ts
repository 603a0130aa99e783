// Request bodies of the OpenAI API from Lua tables. Lua has one empty table where JSON has two; the API itself says which of its
// fields are lists, so the driver need not.

import { RuntimeError } from '../../core/error.ts'
import { isMap } from '../../core/value.ts'

export interface RequestBody {
  readonly text: string
  readonly stream: boolean
}

/** Fields of the API and of JSON Schema that hold lists: an empty table under these names is `[]`, under any other `{}`. */
const listFields = new Set([
  ...['input', 'messages', 'content', 'tools', 'tool_calls', 'output', 'summary', 'stop', 'include'],
  ...['required', 'enum', 'anyOf', 'oneOf', 'allOf', 'prefixItems'],
])

/** Objects whose keys are names chosen by the user, so that a tool parameter called `content` is not taken for the field. */
const namedByUser = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'metadata'])

const MAX_DEPTH = 128

/** The JSON text of a body. Text given by the caller is checked and sent byte for byte. */
export function requestBody(argument: unknown): RequestBody {
  if (typeof argument === 'string' || argument instanceof Uint8Array) {
    const text = typeof argument === 'string' ? argument : Buffer.from(argument).toString('utf8')
    return { text, stream: parsed(text)['stream'] === true }
  }
  // An empty Lua table reads as an empty map, a list is no request.
  if (!isMap(argument))
    throw new RuntimeError('Invalid', 'openai: body must be a table or JSON text', { retryable: false })
  return { text: encode(argument, false, false, 0), stream: argument['stream'] === true }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text)
    if (isMap(body)) return body
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new RuntimeError('Invalid', 'openai: body is not the JSON text of an object', { retryable: false })
}

function encode(value: unknown, isList: boolean, keysAreNames: boolean, depth: number): string {
  if (depth > MAX_DEPTH) {
    throw new RuntimeError('Invalid', `openai: body is nested deeper than ${MAX_DEPTH} levels`, { retryable: false })
  }
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null'
    case 'bigint':
    case 'boolean':
      return String(value)
  }
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('utf8'))
  if (value instanceof RuntimeError) return JSON.stringify(value.text)
  if (Array.isArray(value)) return `[${value.map((item) => encode(item, false, false, depth + 1)).join(',')}]`
  if (!isPlainMap(value)) return 'null'
  const fields = Object.entries(value)
  if (fields.length === 0) return isList ? '[]' : '{}'
  const members = fields.map(([key, item]) => {
    const list = !keysAreNames && listFields.has(key)
    return `${JSON.stringify(key)}:${encode(item, list, !keysAreNames && namedByUser.has(key), depth + 1)}`
  })
  return `{${members.join(',')}}`
}

/** Tables read from Lua have no prototype; host objects (userdata, functions) have one. */
function isPlainMap(value: unknown): value is Record<string, unknown> {
  if (!isMap(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
