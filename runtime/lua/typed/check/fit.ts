// Does a value fit its place? What is written out, tables and functions, is checked part by part.

import type { BinaryExpression, Expression, FunctionExpression, TableExpression } from '../ast.ts'
import { acceptsNil, fieldOf, isAssignable } from './assignable.ts'
import type { Context, Destination } from './context.ts'
import { expectFit } from './expectations.ts'
import { functionType } from './functions.ts'
import { narrow } from './narrow.ts'
import { isMulti, startOf } from './shape.ts'
import {
  any,
  falsy,
  integer,
  type LazyStatic,
  literal,
  membersOf,
  nil,
  type RecordStatic,
  resolved,
  type StaticType,
  show,
  table,
  truthy,
  unionOf,
  withoutNil,
} from './static-type.ts'

type Member = Exclude<StaticType, LazyStatic>

/** Checks a value against the type of its place, part by part where it is written out. Gives the type it has there. */
export function check(c: Context, e: Expression, expected: StaticType, to: Destination): StaticType {
  return c.nested(() => checkOne(c, e, expected, to), expected)
}

function checkOne(c: Context, e: Expression, expected: StaticType, to: Destination): StaticType {
  const wanted = resolved(expected)
  if (wanted.kind !== 'any') {
    if (e.kind === 'table') return checkTable(c, e, expected, to)
    if (e.kind === 'function') return checkFunction(c, e, expected, to)
    if (e.kind === 'paren' && !isMulti(e.inner)) return c.check(e.inner, expected, to)
    if (e.kind === 'binary' && e.operator === 'or') return checkOr(c, e, expected, to)
    if (e.kind === 'binary' && e.operator === 'and') return checkAnd(c, e, expected, to)
  }
  const type = c.infer(e)
  expectFit(c, startOf(e), type, expected, to)
  return type
}

function checkOr(c: Context, e: BinaryExpression, expected: StaticType, to: Destination): StaticType {
  const left = c.check(e.left, unionOf(expected, nil, literal(false)), to)
  let right: StaticType = any
  c.inFlow(c.flow.copy(), () => {
    narrow(c, e.left, false, c.typeOf)
    right = c.check(e.right, expected, to)
  })
  return unionOf(truthy(left), right)
}

function checkAnd(c: Context, e: BinaryExpression, expected: StaticType, to: Destination): StaticType {
  const left = falsy(c.infer(e.left, 'test'))
  expectFit(c, startOf(e), left, expected, to)
  let right: StaticType = any
  c.inFlow(c.flow.copy(), () => {
    narrow(c, e.left, true, c.typeOf)
    right = c.check(e.right, expected, to)
  })
  return unionOf(left, right)
}

/** A written-out table, field by field. Of a union the member that it fits. */
function checkTable(c: Context, e: TableExpression, expected: StaticType, to: Destination): StaticType {
  const members = membersOf(expected)
  const candidates = members.filter(({ kind }) => kind === 'record' || kind === 'array' || kind === 'table')
  if (candidates.length === 0 || members.some(({ kind }) => kind === 'any' || kind === 'unknown')) {
    const type = c.infer(e)
    if (candidates.length === 0) expectFit(c, e.at, table, expected, to)
    return type
  }
  if (candidates.length > 1 && !c.patient) {
    inferFields(c, e)
    return withoutNil(expected)
  }
  const [only] = candidates
  const matching =
    candidates.length === 1 ? only : candidates.find((one) => !c.wouldReport(() => checkFields(c, e, one, to)))
  if (matching !== undefined && candidates.length > 1 && c.quiet) return matching
  const chosen = matching ?? bestMatch(c, e, candidates)
  if (chosen !== undefined) checkFields(c, e, chosen, to)
  else {
    inferFields(c, e)
    c.report('E0009', e.at, `${to.prefix}table fits no member of ${show(expected)}`)
  }
  return chosen ?? withoutNil(expected)
}

/** The one member to complain about: the one whose tag the table has. */
function bestMatch(c: Context, e: TableExpression, candidates: readonly Member[]): Member | undefined {
  const tagged = candidates.filter(
    (candidate) =>
      candidate.kind === 'record' &&
      e.fields.some(({ key, value }) => {
        const field = key?.kind === 'string' ? candidate.fields.get(key.value) : undefined
        return (
          field !== undefined && resolved(field.type).kind === 'literal' && isAssignable(c.infer(value), field.type)
        )
      }),
  )
  return tagged.length === 1 ? tagged[0] : undefined
}

function checkFields(c: Context, e: TableExpression, expected: Member, to: Destination): void {
  if (expected.kind === 'record') checkRecord(c, e, expected, to)
  else if (expected.kind === 'array') {
    for (const [i, field] of e.fields.entries()) {
      if (field.key !== undefined) c.infer(field.key)
      const spread = i === e.fields.length - 1 && isMulti(field.value)
      const wanted = spread ? unionOf(expected.element, nil) : expected.element
      c.check(field.value, wanted, { code: to.code, prefix: `${to.prefix}[${i + 1}]: ` })
    }
  } else inferFields(c, e)
}

function checkRecord(c: Context, e: TableExpression, expected: RecordStatic, to: Destination): void {
  const given = new Set<string>()
  let complete = e.fields.length > 0
  for (const [i, { key, value }] of e.fields.entries()) {
    if (key?.kind === 'string') {
      given.add(key.value)
      const wanted = fieldOf(expected, key.value) ?? any
      c.check(value, wanted, { code: to.code, prefix: `${to.prefix}field ${key.value}: ` })
    } else {
      if (key !== undefined) c.infer(key)
      if (key !== undefined || isMulti(value)) complete = false
      const index = expected.index
      const isArrayPart = key === undefined
      const wanted = index === undefined || (isArrayPart && !isAssignable(integer, index.key)) ? any : index.value
      c.check(value, isMulti(value) ? unionOf(wanted, nil) : wanted, {
        code: to.code,
        prefix: `${to.prefix}[${isArrayPart ? i + 1 : '...'}]: `,
      })
    }
  }
  // An empty table is filled later.
  if (!complete) return
  for (const [name, field] of expected.fields) {
    if (!given.has(name) && !acceptsNil(field)) {
      c.report(to.code, e.at, `${to.prefix}field ${name} is missing: ${show(field.type)} expected`)
    }
  }
}

/** Reads the fields of a table of which nothing is expected. */
export function inferFields(c: Context, e: TableExpression): void {
  for (const { key, value } of e.fields) {
    if (key !== undefined) c.infer(key)
    c.infer(value)
  }
}

function checkFunction(c: Context, e: FunctionExpression, expected: StaticType, to: Destination): StaticType {
  const wanted = membersOf(expected).find((member) => member.kind === 'function')
  const type = functionType(c, e, wanted)
  expectFit(c, e.at, type, expected, to)
  return type
}
