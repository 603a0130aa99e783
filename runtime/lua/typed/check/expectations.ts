// The two complaints that come from everywhere: a value that does not fit its place, and a value that may be nil.

import type { Expression } from '../ast.ts'
import { isAssignable } from './assignable.ts'
import type { Context, Destination } from './context.ts'
import { startOf } from './shape.ts'
import { any, mayBeNil, membersOf, type StaticType, show, withoutNil } from './static-type.ts'

/** Reports a value that does not fit. */
export function expectFit(c: Context, at: number, type: StaticType, expected: StaticType, to: Destination): void {
  if (isAssignable(type, expected)) return
  const others = membersOf(expected).filter(({ kind }) => kind !== 'nil')
  const code = to.code === 'E0001' && others.length > 1 ? 'E0009' : to.code
  c.report(code, at, `${to.prefix}${shownFor(type, expected)} not assignable to ${show(expected)}`)
}

/** Constants by their value only where constants are asked for. */
function shownFor(type: StaticType, expected: StaticType): string {
  const exact = membersOf(expected).some(({ kind }) => kind === 'literal' || kind === 'never')
  return show(type.kind === 'literal' && !exact ? { kind: typeof type.value as 'string' | 'number' | 'boolean' } : type)
}

/** What is left of a value that must not be nil. Reports when it is or may be. */
export function expectValue(c: Context, type: StaticType, e: Expression, what: () => string): StaticType {
  if (!mayBeNil(type)) return type
  const rest = withoutNil(type)
  const surely = rest.kind === 'never'
  c.report('E0005', startOf(e), `cannot ${what()} ${surely ? 'nil' : `a value that may be nil (${show(type)})`}`)
  return surely ? any : rest
}
