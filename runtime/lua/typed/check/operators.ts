// Operators: their operands and their results.

import type { BinaryExpression, Expression } from '../ast.ts'
import type { Context, Usage } from './context.ts'
import { expectValue } from './expectations.ts'
import { narrow } from './narrow.ts'
import {
  arithmetic,
  arithmeticType,
  hasLength,
  isConcatenable,
  isNumeric,
  mayHaveOperators,
  nameOf,
  ordered,
  orderOf,
} from './operands.ts'
import { startOf } from './shape.ts'
import {
  any,
  boolean,
  falsy,
  integer,
  isLoose,
  type LazyStatic,
  literal,
  membersOf,
  type StaticType,
  show,
  text,
  truthy,
  unionOf,
} from './static-type.ts'

type Member = Exclude<StaticType, LazyStatic>

/** The type of `a + b`, `a .. b`, `a < b`, `a and b`. */
export function inferBinary(c: Context, e: BinaryExpression, usage: Usage): StaticType {
  if (e.operator === 'and' || e.operator === 'or') return inferLogical(c, e, usage)
  if (e.operator === '==' || e.operator === '~=') {
    c.infer(e.left, 'test')
    c.infer(e.right, 'test')
    return boolean
  }
  const left = c.infer(e.left)
  const right = c.infer(e.right)
  if (ordered.has(e.operator)) {
    expectOrdered(c, e, left, right)
    return boolean
  }
  const operation = e.operator === '..' ? 'concatenate' : 'do arithmetic on'
  const takes = e.operator === '..' ? isConcatenable : isNumeric
  for (const [operand, type] of [
    [e.left, left],
    [e.right, right],
  ] as const) {
    const present = expectValue(c, type, operand, () => operation)
    // One operand with a metatable is enough.
    const other = type === left ? right : left
    if (!mayHaveOperators(other)) expectOperand(c, operand, present, operation, takes)
  }
  if (isLoose(left) || isLoose(right)) return any
  if (e.operator === '..') return text
  return arithmetic.has(e.operator) ? arithmeticType(e.operator, left, right) : any
}

function inferLogical(c: Context, e: BinaryExpression, usage: Usage): StaticType {
  const isAnd = e.operator === 'and'
  const left = c.infer(e.left, 'test')
  let right: StaticType = any
  c.inFlow(c.flow.copy(), () => {
    narrow(c, e.left, isAnd, c.typeOf)
    right = c.infer(e.right, usage)
  })
  return unionOf(isAnd ? falsy(left) : truthy(left), right)
}

function expectOperand(
  c: Context,
  e: Expression,
  type: StaticType,
  operation: string,
  takes: (member: Member) => boolean,
): void {
  const wrong = membersOf(type).find((member) => !takes(member))
  if (wrong === undefined) return
  c.report('E0004', startOf(e), `cannot ${operation} ${nameOf(wrong)}`)
}

function expectOrdered(c: Context, e: BinaryExpression, left: StaticType, right: StaticType): void {
  const a = expectValue(c, left, e.left, () => 'compare')
  const b = expectValue(c, right, e.right, () => 'compare')
  const [kindA, kindB] = [orderOf(a), orderOf(b)]
  if (kindA === undefined || kindB === undefined || (kindA === kindB && kindA !== 'boolean')) return
  c.report('E0004', e.at, `cannot compare ${kindA} with ${kindB}`)
}

/** The type of `not a`, `-a`, `#a`, `~a`. */
export function inferUnary(c: Context, e: Expression & { kind: 'unary' }): StaticType {
  if (e.operator === 'not') {
    c.infer(e.operand, 'test')
    return boolean
  }
  const operation = e.operator === '#' ? 'take the length of' : 'do arithmetic on'
  const type = expectValue(c, c.infer(e.operand), e.operand, () => operation)
  expectOperand(c, e.operand, type, operation, e.operator === '#' ? hasLength : isNumeric)
  if (e.operator === '#') return integer
  if (e.operator === '~') return isLoose(type) ? any : integer
  if (type.kind === 'literal' && typeof type.value === 'number') return literal(-type.value)
  return type.kind === 'number' || type.kind === 'integer' ? type : any
}

/** Reports an operand of a numeric `for` that is no number. */
export function expectNumber(c: Context, e: Expression): StaticType {
  const type = expectValue(c, c.infer(e), e, () => 'count with')
  const wrong = membersOf(type).find(
    (member) => member.kind === 'record' || member.kind === 'table' || !isNumeric(member),
  )
  if (wrong !== undefined) c.report('E0004', startOf(e), `cannot count with ${show(wrong)}`)
  return type
}
