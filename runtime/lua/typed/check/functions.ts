// The types of functions: what they say of themselves, and their bodies read with it.

import type { Expression, FunctionExpression } from '../ast.ts'
import type { Context } from './context.ts'
import { any, type FunctionStatic, type StaticType } from './static-type.ts'
import { readReturns, readType, withParams } from './type-reader.ts'

/** The type of a written function. Its body is checked on the way, with what the context says of its parameters. */
export function functionType(c: Context, e: FunctionExpression, wanted: FunctionStatic | undefined): FunctionStatic {
  const signature = signatureOf(c, e, wanted)
  const outer = c.names
  c.names = withParams(outer, e.typeParams, 'bounds')
  c.checkBody(e, {
    params: signature.params.map(({ type }) => type),
    vararg: signature.vararg ?? any,
    returns: e.returns === undefined ? undefined : (signature.returns ?? undefined),
  })
  c.names = outer
  return signature
}

/** What a function says of itself, its body unread. Generic parameters are anything in its results. */
export function signatureOf(c: Context, e: FunctionExpression, wanted?: FunctionStatic): FunctionStatic {
  const typeOf = (value: Expression): StaticType => c.infer(value)
  const bounded = withParams(c.names, e.typeParams, 'bounds')
  const open = withParams(c.names, e.typeParams, [])
  const params = e.params.map(({ text: name, type }, i) => ({
    name,
    type: type === undefined ? (wanted?.params[i]?.type ?? any) : readType(type, bounded, typeOf),
  }))
  const vararg = e.vararg && (e.vararg.type === undefined ? any : readType(e.vararg.type, bounded, typeOf))
  const { returns, predicate } = readReturns(
    e.returns,
    e.params.map(({ text: name }) => ({ name })),
    open,
    typeOf,
  )
  const annotated = [...e.params, ...(e.vararg === undefined ? [] : [e.vararg])]
  const typed = e.returns !== undefined || annotated.some(({ type }) => type !== undefined)
  return { kind: 'function', params, vararg, returns, typed, predicate }
}
