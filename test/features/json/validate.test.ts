// Validation against JSON Schemas, given as tables and as text.

import { expect, test } from 'vitest'
import { schemaCache, schemaCompiler } from '../../../runtime/external/ajv.ts'
import { jsonModule } from '../../../runtime/features/json/json-module.ts'
import { LuaTable } from '../../../runtime/lua/module.ts'
import { Offload } from '../../../runtime/offload/offload.ts'
import { callFunction, type Outcome } from '../../support/call-module.ts'

const json = jsonModule({ offload: new Offload() }).open()
const validate = async (schema: unknown, value: unknown): Promise<Outcome> =>
  callFunction(json, 'validate', [lua(schema), lua(value)])
const validateString = async (schema: unknown, text: unknown): Promise<Outcome> =>
  callFunction(json, 'validate_string', [lua(schema), text])

/** Plain data as Lua tables; an empty one never had keys, as a literal `{}`. */
function lua(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return new LuaTable(new Map(value.map((item, i) => [i + 1, lua(item)])), false)
  const entries = Object.entries(value).map(([key, item]) => [key, lua(item)] as const)
  return new LuaTable(new Map(entries), entries.length > 0)
}

const user = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    email: { type: 'string', format: 'email' },
    age: { type: 'integer', minimum: 0, maximum: 150 },
  },
  required: ['name', 'email'],
}

test('valid data passes, invalid data is refused with every problem named', async () => {
  expect((await validate(user, { name: 'Alice', email: 'alice@example.com', age: 30 })).values).toEqual([true])
  const refused = await validate(user, { name: '', email: 'not-an-email', age: 1.5 })
  expect(refused.value).toBe(false)
  expect(refused.error).toMatchObject({
    kind: 'Invalid',
    retryable: false,
    text:
      "validation failed: at '/age': must be integer; at '/email': must match format \"email\"; " +
      "at '/name': must NOT have fewer than 1 characters",
    details: { errors: [{ path: '/age' }, { path: '/email' }, { path: '/name' }] },
  })
})

test('schemas may be JSON text, and data any value', async () => {
  expect((await validate('{"type":"number","minimum":0}', 42)).values).toEqual([true])
  expect((await validate('{"type":"number","minimum":0}', -1)).error?.text).toBe(
    "validation failed: at '/': must be >= 0",
  )
  expect((await validate('true', 'x')).values).toEqual([true])
  expect((await validate({ type: 'boolean' }, false)).values).toEqual([true])
})

test('an empty table is the object or the array that the schema wants', async () => {
  const object = { type: 'object', properties: { list: { type: 'array' }, map: { type: ['object', 'null'] } } }
  expect((await validate(object, {})).values).toEqual([true])
  expect((await validate(object, { list: {}, map: {} })).values).toEqual([true])
  expect((await validate({ type: 'string' }, {})).value).toBe(false)
  expect((await validate({ type: 'object', required: ['a'] }, {})).error?.text).toBe(
    "validation failed: at '/': must have required property 'a'",
  )
  expect((await validateString({ type: 'object' }, '[]')).value).toBe(false)
})

test('empty tables in a schema are objects, or lists where lists belong', async () => {
  const schema = { type: 'object', properties: {}, required: {}, additionalProperties: {}, allOf: [{}] }
  expect((await validate(schema, { a: 1 })).values).toEqual([true])
  expect((await validate({ const: {} }, [1])).value).toBe(false)
})

test('a schema may refer to itself', async () => {
  for (const draft of [{}, { $schema: 'http://json-schema.org/draft-07/schema#' }]) {
    const tree = {
      ...draft,
      type: 'object',
      properties: { name: { type: 'string' }, child: { $ref: '#' } },
      required: ['name'],
    }
    expect((await validate(tree, { name: 'a', child: { name: 'b', child: { name: 'c' } } })).value).toBe(true)
    expect((await validate(tree, { name: 'a', child: { name: 'b', child: {} } })).error?.kind).toBe('Invalid')
  }
})

test('text is validated without decoding it first', async () => {
  const schema = { type: 'object', properties: { action: { enum: ['create', 'delete'] } } }
  expect((await validateString(schema, '{"action":"create","data":{}}')).values).toEqual([true])
  expect((await validateString(schema, '{"action":"drop"}')).error?.text).toBe(
    'validation failed: at \'/action\': must be equal to one of the allowed values: ["create","delete"]',
  )
  expect((await validateString({ type: 'integer' }, '9223372036854775807')).values).toEqual([true])
  expect((await validateString(schema, '{')).error).toMatchObject({
    kind: 'Invalid',
    text: 'validation failed: invalid JSON: unexpected end of JSON input at offset 1',
  })
  expect((await validateString(schema, 5)).error).toMatchObject({ kind: 'Invalid', text: 'data must be a JSON string' })
})

test('what is missing or no schema is refused', async () => {
  expect((await validate(undefined, 1)).error?.text).toBe('schema is required')
  expect((await validate(null, undefined)).error?.text).toBe('schema is required')
  expect((await validate({}, null)).error?.text).toBe('data is required')
  expect((await validateString(undefined, '1')).error?.text).toBe('schema is required')
  for (const [schema, reason] of [
    ['{', 'unexpected end of JSON input at offset 1'],
    ['5', 'a schema is an object or a boolean'],
    [{ type: 'strange' }, 'schema is invalid'],
    [{ pattern: '(' }, 'error parsing regexp: missing closing ): `(`'],
    [{ $ref: '#/nowhere' }, "can't resolve reference #/nowhere"],
    [{ $schema: 'http://example.com/mine' }, '$schema "http://example.com/mine" is not supported'],
  ] as const) {
    const { value, error } = await validate(schema, 1)
    expect(value).toBe(false)
    expect(error).toMatchObject({ kind: 'Invalid' })
    expect(error?.text).toContain('schema compilation failed: ')
    expect(error?.text).toContain(reason)
  }
})

test('each draft has its own rules', async () => {
  const tuple = { items: [{ type: 'string' }] }
  const draft7 = { $schema: 'http://json-schema.org/draft-07/schema#', ...tuple }
  expect((await validateString(draft7, '[1]')).value).toBe(false)
  expect((await validateString({ prefixItems: [{ type: 'string' }] }, '[1]')).value).toBe(false)
  const draft2020 = { $schema: 'https://json-schema.org/draft/2020-12/schema', unevaluatedProperties: false }
  expect((await validateString(draft2020, '{"a":1}')).value).toBe(false)
  const draft2019 = { $schema: 'https://json-schema.org/draft/2019-09/schema', dependentRequired: { a: ['b'] } }
  expect((await validateString(draft2019, '{"a":1}')).value).toBe(false)
})

test('patterns are told apart and run in linear time', async () => {
  const hostile = { type: 'string', pattern: '^(a+)+$' }
  expect((await validate({ type: 'string', pattern: '^b+$' }, 'aab')).value).toBe(false)
  expect((await validate(hostile, 'aab')).value).toBe(false)
  expect((await validate(hostile, 'aaa')).values).toEqual([true])
  const started = performance.now()
  expect((await validate(hostile, `${'a'.repeat(20_000)}b`)).value).toBe(false)
  expect((await validate({ format: 'url' }, `http://${':'.repeat(50_000)} `)).value).toBe(false)
  const many = Array.from({ length: 5000 }, (_, i) => ({ id: i }))
  expect((await validate({ uniqueItems: true }, many)).values).toEqual([true])
  expect(
    (
      await validate({ uniqueItems: true }, [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ])
    ).value,
  ).toBe(false)
  // Exponential or quadratic would be minutes.
  expect(performance.now() - started).toBeLessThan(5000)
})

test('schemas with the same $id do not meet, and asynchronous ones are not', async () => {
  expect((await validate({ $id: 'https://x.example/a', type: 'string' }, 'x')).values).toEqual([true])
  expect((await validate({ $id: 'https://x.example/a', type: 'number' }, 'x')).value).toBe(false)
  expect((await validate({ $async: true, type: 'number' }, 'x')).value).toBe(false)
})

test('compiled schemas are reused, and the cache is bounded', () => {
  let compiled = 0
  const compile = schemaCompiler()
  const cache = schemaCache(2, (schema) => {
    compiled++
    return compile(schema)
  })
  const get = (n: number): unknown => cache.get({ schema: { minimum: n }, key: String(n) })
  expect(get(1)).toBe(get(1))
  get(2)
  get(1)
  get(3)
  expect(compiled).toBe(3)
  get(1)
  expect(compiled).toBe(3)
  get(2)
  expect(compiled).toBe(4)
})

test('a thousand different schemas compile, whatever ajv keeps of them', () => {
  const compile = schemaCompiler()
  for (let i = 0; i < 1100; i++) expect(compile({ const: i }).check(i)).toEqual([])
})
