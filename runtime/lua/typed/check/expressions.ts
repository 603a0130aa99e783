// The types of expressions: which of its parts reads what, and names and fields.

import type { Expression, IndexExpression } from '../ast.ts'
import { fieldOf } from './assignable.ts'
import { builtins } from './builtins.ts'
import { inferCall } from './calls.ts'
import type { Context, Usage } from './context.ts'
import { expectValue } from './expectations.ts'
import { inferFields } from './fit.ts'
import { functionType } from './functions.ts'
import { numberType } from './operands.ts'
import { inferBinary, inferUnary } from './operators.ts'
import { builtinPath, isMulti, startOf } from './shape.ts'
import {
  any,
  emptyRecord,
  type LazyStatic,
  literal,
  membersOf,
  nil,
  type StaticType,
  show,
  table,
  unionOf,
  widened,
  withoutNil,
} from './static-type.ts'
import { readType } from './type-reader.ts'

type Member = Exclude<StaticType, LazyStatic>

/** The type of one value. */
export function infer(c: Context, e: Expression, usage: Usage = 'read'): StaticType {
  return c.nested(() => inferOne(c, e, usage), any)
}

function inferOne(c: Context, e: Expression, usage: Usage): StaticType {
  switch (e.kind) {
    case 'nil':
      return nil
    case 'true':
    case 'false':
      return literal(e.kind === 'true')
    case 'number':
      return numberType(e.text)
    case 'string':
      return literal(e.value)
    case 'vararg':
      return c.vararg
    case 'name': {
      const binding = c.bindings.uses.get(e)
      return binding === undefined ? globalType(c, e.name) : c.typeOfBinding(binding)
    }
    case 'index':
      return inferIndex(c, e, usage)
    case 'call':
    case 'method':
      return inferCall(c, e)[0] ?? any
    case 'function':
      return functionType(c, e, undefined)
    case 'binary':
      return inferBinary(c, e, usage)
    case 'unary':
      return inferUnary(c, e)
    case 'table':
      inferFields(c, e)
      return e.fields.length === 0 ? emptyRecord : table
    case 'paren':
      return c.infer(e.inner, usage)
    case 'cast':
      c.infer(e.inner)
      return readType(e.type, c.names, () => any)
    case 'nonnil':
      return withoutNil(c.infer(e.inner))
  }
}

/** What a variable remembers of a value: tables may get fields later, numbers may change. */
export const storable = (type: StaticType): StaticType => widened(lasting(type))

/** What a variable that is never assigned again remembers of its value. */
export const lasting = (type: StaticType): StaticType => (type === emptyRecord ? table : type)

/** The types of a list of values spread over `wanted` places, as an assignment does. */
export function inferList(c: Context, values: readonly Expression[], wanted: number): StaticType[] {
  const types: StaticType[] = []
  for (const [i, value] of values.entries()) {
    const isLast = i === values.length - 1
    if (isLast && (value.kind === 'call' || value.kind === 'method')) types.push(...inferCall(c, value))
    else types.push(c.infer(value))
    if (isLast && isMulti(value)) while (types.length < wanted) types.push(any)
  }
  while (types.length < wanted) types.push(nil)
  return types
}

/** Imports are globals too. */
function globalType(c: Context, name: string): StaticType {
  if (c.bindings.assignedGlobals.has(name)) return any
  return c.modules.get(name)?.value ?? builtins.get(name) ?? any
}

function inferIndex(c: Context, e: IndexExpression, usage: Usage): StaticType {
  const path = builtinPath(c.bindings, e)
  const isImport = e.object.kind === 'name' && c.modules.has(e.object.name)
  if (path !== undefined && !isImport) return builtins.get(path) ?? any
  const object = c.infer(e.object)
  const key = e.key.kind === 'string' ? e.key.value : undefined
  if (key === undefined) c.infer(e.key)
  const place = c.placeOf(e)
  const known = place === undefined ? undefined : c.flow.known.get(place)?.type
  const present = expectValue(c, object, e.object, () => (key === undefined ? 'index' : `read field ${key} of`))
  return known ?? fieldType(c, e, present, key, usage)
}

function fieldType(
  c: Context,
  e: IndexExpression,
  object: StaticType,
  key: string | undefined,
  usage: Usage,
): StaticType {
  const found: StaticType[] = []
  const members = membersOf(object)
  let missing = 0
  for (const member of members) {
    const type = fieldOfMember(c, e, member, key)
    if (type === undefined) missing += 1
    else found.push(type)
  }
  if (missing === 0) return unionOf(...found)
  if (missing < members.length) return any
  if (usage === 'read') c.report('E0007', e.key.at, `${show(object)} has no field ${key}`)
  return any
}

/** `undefined` when it is a record that has no such field. */
function fieldOfMember(
  c: Context,
  e: IndexExpression,
  member: Member,
  key: string | undefined,
): StaticType | undefined {
  switch (member.kind) {
    case 'record':
      if (key !== undefined)
        return fieldOf(member, key) ?? (member.index === undefined && member.fields.size > 0 ? undefined : any)
      return member.index?.value ?? any
    case 'array':
      return key === undefined ? member.element : any
    case 'number':
    case 'integer':
    case 'boolean':
    case 'function':
      c.report('E0010', startOf(e.object), `${show(member)} has no fields`)
      return any
    case 'literal':
      if (typeof member.value !== 'string') c.report('E0010', startOf(e.object), `${typeof member.value} has no fields`)
      return any
    default:
      return any
  }
}
