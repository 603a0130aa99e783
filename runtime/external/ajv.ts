// The only importer of ajv: compiles JSON Schema (2020-12, or the draft that `$schema` names) to a check that lists problems.
// Patterns run through RE2 and uniqueness through a set, so that no schema makes a check take exponential or quadratic time.

import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { Ajv, type ErrorObject, type Options } from 'ajv/dist/ajv.js'
import formats from 'ajv-formats'
import { moduleError } from '../core/error.ts'
import { canonicalJson, type Value } from '../core/value.ts'
import { compileRegex } from './re2.ts'

export interface SchemaProblem {
  /** Keys and indexes from the root of the checked value. */
  readonly path: readonly string[]
  readonly message: string
  /** True when an object was required and something else found. */
  readonly wantsObject: boolean
}

export interface Validator {
  /**
   * Empty when the value is valid. `fromLua`: it has one empty table for `[]` and `{}`, and whichever the schema wants is taken;
   * the value is changed then.
   */
  check(value: unknown, fromLua?: boolean): SchemaProblem[]
}

/** A schema, and text that no other schema has. */
export interface Schema {
  readonly schema: unknown
  readonly key: string
}

export interface SchemaCache {
  /** The compiled schema. Throws Invalid when it does not compile. */
  get(schema: Schema): Validator
}

/** Keeps the compiled schemas used last. */
export function schemaCache(limit: number, compile = schemaCompiler()): SchemaCache {
  const compiled = new Map<string, Validator>()
  return {
    get({ schema, key }) {
      const known = compiled.get(key)
      const validator = known ?? compileSchema(compile, schema)
      compiled.delete(key)
      compiled.set(key, validator)
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

const makers = { '2020-12': Ajv2020, '2019-09': Ajv2019, 'draft-07': Ajv } as const
type Draft = keyof typeof makers

/** ajv keeps something of every schema it compiles: after this many its place is taken by a fresh one. */
const SCHEMAS_PER_INSTANCE = 512

/** A function that compiles schemas; throws a plain Error that says what is wrong with the schema. */
export function schemaCompiler(): (schema: unknown) => Validator {
  const instances = new Map<Draft, { ajv: Ajv; uses: number }>()
  return (schema) => {
    if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema))) {
      throw new Error('a schema is an object or a boolean')
    }
    const draft = typeof schema === 'object' ? draftOf(schema) : '2020-12'
    let instance = instances.get(draft)
    if (instance === undefined || instance.uses >= SCHEMAS_PER_INSTANCE) {
      instance = { ajv: makeAjv(draft), uses: 0 }
      instances.set(draft, instance)
    }
    instance.uses++
    return compile(instance.ajv, schema)
  }
}

function compile(ajv: Ajv, schema: object | boolean): Validator {
  // `$schema` has chosen the instance already, and an asynchronous schema would answer with a promise.
  // ajv finds what `#` refers to by the id of the whole, as it keeps no schemas.
  const plain =
    typeof schema === 'boolean' ? schema : { $id: 'schema:root', ...schema, $schema: undefined, $async: undefined }
  if (typeof plain === 'object') {
    delete plain.$schema
    delete plain.$async
  }
  const validate = ajv.compile(plain)
  const problems = (value: unknown) => (validate(value) === true ? [] : (validate.errors ?? []).map(problem))
  return {
    check(value, fromLua = false) {
      const root = { value }
      for (;;) {
        const found = problems(root.value)
        if (found.length === 0 || !fromLua || !flipEmptyArrays(root, found)) return found
      }
    },
  }
}

/** Makes empty arrays objects where the schema asks for one; false when there is none left. */
function flipEmptyArrays(root: { value: unknown }, problems: readonly SchemaProblem[]): boolean {
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
  return flips > 0
}

function draftOf(schema: object): Draft {
  const named = (schema as { $schema?: unknown }).$schema
  if (named === undefined) return '2020-12'
  const version = /^https?:\/\/json-schema\.org\/(?:draft\/)?(2020-12|2019-09|draft-0[67])\/schema#?$/.exec(
    String(named),
  )
  if (version === null) throw new Error(`$schema ${JSON.stringify(named)} is not supported`)
  // Draft 6 is a subset of draft 7.
  return version[1] === 'draft-06' ? 'draft-07' : (version[1] as Draft) // one of the alternatives above
}

/** Longer strings are no `url`: its expression needs quadratic time. */
const LONGEST_URL = 2048

function makeAjv(draft: Draft): Ajv {
  const options: Options = {
    strict: false,
    allErrors: true,
    addUsedSchema: false,
    logger: false,
    code: { regExp: Object.assign(regExp, { code: 'new RegExp' }) },
  }
  const ajv: Ajv = new makers[draft](options)
  formats.default(ajv)
  const url = formats.default.get('url')
  ajv.addFormat('url', (text) => text.length <= LONGEST_URL && url instanceof RegExp && url.test(text))
  ajv.addFormat('regex', (text) => {
    try {
      compileRegex(text)
      return true
    } catch {
      // Not a pattern: that is the answer.
      return false
    }
  })
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must NOT have duplicate items' },
    validate: (unique: boolean, items: Value[]) => !unique || new Set(items.map(canonicalJson)).size === items.length,
  })
  return ajv
}

/** ajv tells patterns apart by their `toString`; two with the same text would share one program. */
function regExp(pattern: string, flags: string): RegExp {
  const regex = compileRegex(pattern)
  const engine = { test: (text: string) => regex.matchString(text), toString: () => `re2:${flags}:${pattern}` }
  return engine as unknown as RegExp // ajv calls nothing but these two
}

function problem(error: ErrorObject): SchemaProblem {
  const wanted = error.keyword === 'type' ? (error.params as { type?: unknown }).type : undefined
  return {
    path: error.instancePath
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
    message: describe(error),
    wantsObject: wanted === 'object' || (Array.isArray(wanted) && wanted.includes('object')),
  }
}

function describe(error: ErrorObject): string {
  const text = error.message ?? error.keyword
  const { params } = error
  if (error.keyword === 'additionalProperties') return `${text} ${JSON.stringify(params.additionalProperty)}`
  if (error.keyword === 'enum') return `${text}: ${JSON.stringify(params.allowedValues)}`
  if (error.keyword === 'const') return `${text} ${JSON.stringify(params.allowedValue)}`
  return text
}
