// What a condition tells when it holds, and when it does not: nil checks, type(), constants, tags of unions.

import type { Expression, MethodExpression } from '../ast.ts'
import { fieldOf, mayEqual } from './assignable.ts'
import type { Context } from './context.ts'
import type { Place } from './flow.ts'
import {
  any,
  anyFunction,
  boolean,
  falsy,
  keeping,
  type LazyStatic,
  literal,
  membersOf,
  never,
  nil,
  number,
  type StaticType,
  table,
  text,
  thread,
  truthy,
  unionOf,
  userdata,
  withoutNil,
} from './static-type.ts'

/** How the narrowing asks for types; the reader of expressions answers. */
export type TypeOf = (expression: Expression) => StaticType

/** Takes what `condition` tells into the flow, given that it came out as `sense`. */
export function narrow(c: Context, condition: Expression, sense: boolean, typeOf: TypeOf, depth = 0): void {
  if (depth > 60) return
  const go = (inner: Expression, inner_sense: boolean): void => narrow(c, inner, inner_sense, typeOf, depth + 1)
  switch (condition.kind) {
    case 'paren':
      go(condition.inner, sense)
      return
    case 'unary':
      if (condition.operator === 'not') go(condition.operand, !sense)
      return
    case 'true':
    case 'false':
    case 'nil':
      if ((condition.kind === 'true') !== sense) c.flow.reachable = false
      return
    case 'name': {
      const binding = c.bindings.uses.get(condition)
      const test = binding && c.tests.get(binding)
      refineTruth(c, condition, sense, typeOf)
      if (test !== undefined) go(test, sense)
      return
    }
    case 'index':
      refineTruth(c, condition, sense, typeOf)
      return
    case 'method':
      narrowByTypeValue(c, condition, sense)
      return
    case 'call': {
      const predicate = predicateOf(condition, typeOf)
      const subject = predicate && condition.args[predicate.param]
      if (subject !== undefined && predicate?.type !== undefined && !predicate.asserts) {
        refineTo(c, subject, predicate.type, sense, typeOf)
      }
      return
    }
    case 'binary':
      if (condition.operator === 'and' || condition.operator === 'or') {
        // `and` that holds, `or` that does not: both sides are known.
        if ((condition.operator === 'and') === sense) {
          go(condition.left, sense)
          go(condition.right, sense)
        } else {
          const first = c.inFlow(c.flow.copy(), () => go(condition.left, sense))
          const second = c.inFlow(c.flow.copy(), () => {
            go(condition.left, !sense)
            go(condition.right, sense)
          })
          c.flow = c.join(first, second)
        }
      } else if (condition.operator === '==' || condition.operator === '~=') {
        const equal = (condition.operator === '==') === sense
        narrowByEquality(c, condition.left, condition.right, equal, typeOf)
        narrowByEquality(c, condition.right, condition.left, equal, typeOf)
      }
      return
    default:
  }
}

/** After `check(x)` where check is declared `asserts x` or `asserts x is T`. */
export function narrowByAssertion(c: Context, call: Expression & { kind: 'call' }, typeOf: TypeOf): void {
  const predicate = predicateOf(call, typeOf)
  const subject = predicate && call.args[predicate.param]
  if (subject === undefined || predicate?.asserts !== true) return
  if (predicate.type === undefined) narrow(c, subject, true, typeOf)
  else refineTo(c, subject, predicate.type, true, typeOf)
}

function predicateOf(call: Expression & { kind: 'call' }, typeOf: TypeOf) {
  if (call.callee.kind !== 'name' && call.callee.kind !== 'index') return undefined
  const [callee, ...others] = membersOf(typeOf(call.callee))
  return callee?.kind === 'function' && others.length === 0 ? callee.predicate : undefined
}

function refineTo(c: Context, subject: Expression, type: StaticType, sense: boolean, typeOf: TypeOf): void {
  const place = c.placeOf(subject)
  if (place === undefined) return
  if (sense) c.refine(place, type)
  else {
    const known = typeOf(subject)
    const targets = membersOf(type)
    const rest = keeping(known, (member) => !targets.includes(member))
    if (rest.kind !== 'never') c.refine(place, rest)
  }
}

/** `User:is(x)` */
function narrowByTypeValue(c: Context, call: MethodExpression, sense: boolean): void {
  const [subject] = call.args
  if (!sense || call.name.text !== 'is' || call.object.kind !== 'name' || subject === undefined) return
  const make = c.names.find(call.object.name)
  const place = c.placeOf(subject)
  if (make !== undefined && place !== undefined) c.refine(place, make([]))
}

function refineTruth(c: Context, subject: Expression, sense: boolean, typeOf: TypeOf): void {
  const known = typeOf(subject)
  const test = sense ? truthy : falsy
  set(c, subject, test(known))
  filterByField(c, subject, typeOf, (field) => test(field).kind !== 'never')
  if (known.kind !== 'never') settleOutcome(c, c.placeOf(subject), sense)
}

/** Remembers what a place holds; of fields never that they are nil, since any call may fill them. */
function set(c: Context, subject: Expression, type: StaticType): void {
  const place = c.placeOf(subject)
  if (place === undefined) return
  const isField = subject.kind === 'index' || (subject.kind === 'paren' && subject.inner.kind === 'index')
  if (isField && (type.kind === 'never' || membersOf(type).some(({ kind }) => kind === 'nil'))) return
  c.refine(place, type)
}

/** `state.status == "ok"`: of the union in `state` only the members whose field can be so. */
function filterByField(c: Context, subject: Expression, typeOf: TypeOf, test: (field: StaticType) => boolean): void {
  if (subject.kind !== 'index' || subject.key.kind !== 'string') return
  const name = subject.key.value
  const place = c.placeOf(subject.object)
  const whole = place === undefined ? any : typeOf(subject.object)
  const members = membersOf(whole)
  if (place === undefined || members.length < 2) return
  const kept = keeping(whole, (member) => {
    if (member.kind !== 'record') return true
    return test(fieldOf(member, name) ?? nil)
  })
  if (kept.kind !== 'never') c.refine(place, kept)
}

/** `local value, err = f()`: when one of them is nil the other is not. */
function settleOutcome(c: Context, place: Place | undefined, isTrue: boolean): void {
  const outcome = place === undefined ? undefined : c.outcomes.get(place)
  if (outcome === undefined || isTrue) return
  const places = [...outcome.values, outcome.error]
  if (places.some((one, i) => c.originOf(one) !== outcome.origins[i])) return
  for (const other of place === outcome.error ? outcome.values : [outcome.error]) {
    const known = c.flow.known.get(other)
    if (known !== undefined) c.refine(other, withoutNil(known.type))
  }
}

function narrowByEquality(c: Context, subject: Expression, value: Expression, equal: boolean, typeOf: TypeOf): void {
  if (value.kind === 'nil') {
    const known = typeOf(subject)
    set(
      c,
      subject,
      equal ? keeping(known, ({ kind }) => kind === 'nil' || kind === 'any' || kind === 'unknown') : withoutNil(known),
    )
    filterByField(c, subject, typeOf, (field) => (equal ? mayBeNilOrLoose(field) : field.kind !== 'nil'))
    if (known.kind !== 'never') settleOutcome(c, c.placeOf(subject), !equal)
    return
  }
  const constant = constantOf(value)
  if (constant === undefined) return
  if (typeof constant === 'string') {
    const tested = testedByType(c, subject)
    if (tested !== undefined) {
      narrowByTypeName(c, tested, constant, equal, typeOf)
      return
    }
  }
  const known = typeOf(subject)
  set(c, subject, equal ? equalTo(known, constant) : differentFrom(known, constant))
  filterByField(c, subject, typeOf, (field) =>
    equal ? mayEqual(field, constant) : differentFrom(field, constant).kind !== 'never',
  )
}

const mayBeNilOrLoose = (type: StaticType): boolean =>
  membersOf(type).some(({ kind }) => kind === 'nil' || kind === 'any' || kind === 'unknown')

function constantOf(value: Expression): string | number | boolean | undefined {
  if (value.kind === 'string') return value.value
  if (value.kind === 'number') return Number(value.text)
  if (value.kind === 'true' || value.kind === 'false') return value.kind === 'true'
  return undefined
}

/** x, in `type(x)` or in a constant variable that holds `type(x)`. */
function testedByType(c: Context, subject: Expression): Expression | undefined {
  if (subject.kind === 'paren') return testedByType(c, subject.inner)
  if (subject.kind === 'name') {
    const binding = c.bindings.uses.get(subject)
    const test = binding && c.tests.get(binding)
    return test?.kind === 'call' ? testedByType(c, test) : undefined
  }
  if (subject.kind !== 'call' || subject.callee.kind !== 'name' || subject.callee.name !== 'type') return undefined
  return c.bindings.uses.has(subject.callee) ? undefined : subject.args[0]
}

const typeNames: Readonly<Record<string, StaticType>> = {
  nil,
  boolean,
  number,
  string: text,
  table,
  function: anyFunction,
  userdata,
  thread,
}

function narrowByTypeName(c: Context, subject: Expression, name: string, equal: boolean, typeOf: TypeOf): void {
  const whole = Object.hasOwn(typeNames, name) ? typeNames[name]! : any
  const known = typeOf(subject)
  const parts = membersOf(known).map((member) => {
    if (member.kind === 'any' || member.kind === 'unknown') return equal ? whole : any
    return luaTypes(member).includes(name) === equal || (!equal && luaTypes(member).length > 1) ? member : never
  })
  set(c, subject, unionOf(...parts))
  filterByField(c, subject, typeOf, (field) =>
    membersOf(field).some((member) => {
      const types = luaTypes(member)
      return types.length === 0 || types.includes(name) === equal || (!equal && types.length > 1)
    }),
  )
}

/** What type() may say; a record that the host made may be userdata. Empty: anything. */
function luaTypes(type: Exclude<StaticType, LazyStatic>): string[] {
  switch (type.kind) {
    case 'literal':
      return [typeof type.value]
    case 'integer':
      return ['number']
    case 'text':
      return ['string']
    case 'array':
      return ['table']
    case 'record':
      return ['table', 'userdata']
    case 'any':
    case 'unknown':
    case 'never':
    case 'union':
      return []
    default:
      return [type.kind]
  }
}

function equalTo(type: StaticType, value: string | number | boolean): StaticType {
  if (membersOf(type).some(({ kind }) => kind === 'any' || kind === 'unknown')) return any
  return mayEqual(type, value) ? literal(value) : never
}

function differentFrom(type: StaticType, value: string | number | boolean): StaticType {
  const parts = membersOf(type).map((member) => {
    if (member.kind === 'boolean' && typeof value === 'boolean') return literal(!value)
    return member.kind === 'literal' && member.value === value ? never : member
  })
  return unionOf(...parts)
}
