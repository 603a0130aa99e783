// The types of expressions, and what is wrong with them. `infer` asks what a value is, `check` whether it is what it should be.

import type {
  BinaryExpression,
  CallExpression,
  Expression,
  FunctionExpression,
  IndexExpression,
  MethodExpression,
  TableExpression,
} from '../ast.ts'
import { acceptsNil, fieldOf, isAssignable } from './assignable.ts'
import { builtins, needsValue, stringMethods } from './builtins.ts'
import type { Context, ModuleTypes } from './context.ts'
import type { Code } from './diagnostic.ts'
import { narrow } from './narrow.ts'
import {
  any,
  boolean,
  type FunctionStatic,
  falsy,
  integer,
  isLoose,
  type LazyStatic,
  literal,
  mayBeNil,
  membersOf,
  nil,
  number,
  type RecordStatic,
  resolved,
  type StaticType,
  show,
  table,
  text,
  truthy,
  unionOf,
  widened,
  withoutNil,
} from './static-type.ts'
import { readReturns, readType, withParams } from './type-reader.ts'

type Member = Exclude<StaticType, LazyStatic>

/** What stands around an expression: a plain read, a test for presence, or the callee of a call. */
type Usage = 'read' | 'test'

/** `{}`: what it will be, the program has not said yet. */
const emptyRecord: RecordStatic = {
  kind: 'record',
  name: undefined,
  fields: new Map(),
  index: undefined,
  readonly: false,
}

/** For narrowing, which looks again at expressions that were checked already. */
export const typeOf =
  (c: Context) =>
  (e: Expression): StaticType =>
    c.silently(() => infer(c, e, 'test'))

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
      return infer(c, e.inner, usage)
    case 'cast':
      infer(c, e.inner)
      return readType(e.type, c.names, () => any)
    case 'nonnil':
      return withoutNil(infer(c, e.inner))
  }
}

/** What a variable without annotation remembers of a value: tables may get fields later, numbers may change. */
export function storable(type: StaticType): StaticType {
  return type === emptyRecord ? table : widened(type)
}

/** The types of a list of values spread over `wanted` places, as an assignment does. */
export function inferList(c: Context, values: readonly Expression[], wanted: number): StaticType[] {
  const types: StaticType[] = []
  for (const [i, value] of values.entries()) {
    const isLast = i === values.length - 1
    if (isLast && (value.kind === 'call' || value.kind === 'method')) types.push(...inferCall(c, value))
    else types.push(infer(c, value))
    if (isLast && isMulti(value)) while (types.length < wanted) types.push(any)
  }
  while (types.length < wanted) types.push(nil)
  return types
}

/** May it give any number of values? */
export const isMulti = (value: Expression): boolean =>
  value.kind === 'call' || value.kind === 'method' || value.kind === 'vararg'

/** Where an expression begins, for messages about all of it. */
export function startOf(e: Expression): number {
  let start = e
  for (;;) {
    if (start.kind === 'index' || start.kind === 'method') start = start.object
    else if (start.kind === 'call') start = start.callee
    else if (start.kind === 'binary') start = start.left
    else if (start.kind === 'cast' || start.kind === 'nonnil') start = start.inner
    else return start.at
  }
}

// ---- does it fit? ----

/** What a misfit is called: where the value was to go. */
export interface Destination {
  readonly code: Code
  /** `argument 1 (name): ` or nothing. */
  readonly prefix: string
}

/** Checks a value against the type of its place, part by part where it is written out. Gives the type it has there. */
export function check(c: Context, e: Expression, expected: StaticType, to: Destination): StaticType {
  return c.nested(() => checkOne(c, e, expected, to), expected)
}

function checkOne(c: Context, e: Expression, expected: StaticType, to: Destination): StaticType {
  const wanted = resolved(expected)
  if (wanted.kind !== 'any') {
    if (e.kind === 'table') return checkTable(c, e, expected, to)
    if (e.kind === 'function') return checkFunction(c, e, expected, to)
    if (e.kind === 'paren' && !isMulti(e.inner)) return check(c, e.inner, expected, to)
    if (e.kind === 'binary' && e.operator === 'or') return checkOr(c, e, expected, to)
    if (e.kind === 'binary' && e.operator === 'and') return checkAnd(c, e, expected, to)
  }
  const type = infer(c, e)
  expectFit(c, startOf(e), type, expected, to)
  return type
}

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

function checkOr(c: Context, e: BinaryExpression, expected: StaticType, to: Destination): StaticType {
  const left = check(c, e.left, unionOf(expected, nil, literal(false)), to)
  let right: StaticType = any
  c.inFlow(c.flow.copy(), () => {
    narrow(c, e.left, false, typeOf(c))
    right = check(c, e.right, expected, to)
  })
  return unionOf(truthy(left), right)
}

function checkAnd(c: Context, e: BinaryExpression, expected: StaticType, to: Destination): StaticType {
  const left = falsy(infer(c, e.left, 'test'))
  expectFit(c, startOf(e), left, expected, to)
  let right: StaticType = any
  c.inFlow(c.flow.copy(), () => {
    narrow(c, e.left, true, typeOf(c))
    right = check(c, e.right, expected, to)
  })
  return unionOf(left, right)
}

/** A written-out table, field by field. Of a union the member that it fits. */
function checkTable(c: Context, e: TableExpression, expected: StaticType, to: Destination): StaticType {
  const members = membersOf(expected)
  const candidates = members.filter(({ kind }) => kind === 'record' || kind === 'array' || kind === 'table')
  if (candidates.length === 0 || members.some(({ kind }) => kind === 'any' || kind === 'unknown')) {
    const type = infer(c, e)
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
          field !== undefined && resolved(field.type).kind === 'literal' && isAssignable(infer(c, value), field.type)
        )
      }),
  )
  return tagged.length === 1 ? tagged[0] : undefined
}

function checkFields(c: Context, e: TableExpression, expected: Member, to: Destination): void {
  if (expected.kind === 'record') checkRecord(c, e, expected, to)
  else if (expected.kind === 'array') {
    for (const [i, field] of e.fields.entries()) {
      if (field.key !== undefined) infer(c, field.key)
      const spread = i === e.fields.length - 1 && isMulti(field.value)
      const wanted = spread ? unionOf(expected.element, nil) : expected.element
      check(c, field.value, wanted, { code: to.code, prefix: `${to.prefix}[${i + 1}]: ` })
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
      check(c, value, wanted, { code: to.code, prefix: `${to.prefix}field ${key.value}: ` })
    } else {
      if (key !== undefined) infer(c, key)
      if (key !== undefined || isMulti(value)) complete = false
      const index = expected.index
      const isArrayPart = key === undefined
      const wanted = index === undefined || (isArrayPart && !isAssignable(integer, index.key)) ? any : index.value
      check(c, value, isMulti(value) ? unionOf(wanted, nil) : wanted, {
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

function inferFields(c: Context, e: TableExpression): void {
  for (const { key, value } of e.fields) {
    if (key !== undefined) infer(c, key)
    infer(c, value)
  }
}

// ---- functions ----

function checkFunction(c: Context, e: FunctionExpression, expected: StaticType, to: Destination): StaticType {
  const wanted = membersOf(expected).find((member) => member.kind === 'function')
  const type = functionType(c, e, wanted)
  expectFit(c, e.at, type, expected, to)
  return type
}

/** The type of a written function. Its body is checked on the way, with what the context says of its parameters. */
export function functionType(c: Context, e: FunctionExpression, wanted: FunctionStatic | undefined): FunctionStatic {
  const signature = signatureOf(c, e, wanted)
  const outer = c.names
  c.names = withParams(outer, e.typeParams, 'bounds')
  c.checkBody(c, e, {
    params: signature.params.map(({ type }) => type),
    vararg: signature.vararg ?? any,
    returns: e.returns === undefined ? undefined : (signature.returns ?? undefined),
  })
  c.names = outer
  return signature
}

/** What a function says of itself, its body unread. Generic parameters are anything in its results. */
export function signatureOf(c: Context, e: FunctionExpression, wanted?: FunctionStatic): FunctionStatic {
  const typeOf = (value: Expression): StaticType => infer(c, value)
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

// ---- names and fields ----

/** Imports are globals too. */
function globalType(c: Context, name: string): StaticType {
  if (c.bindings.assignedGlobals.has(name)) return any
  return c.modules.get(name)?.value ?? builtins.get(name) ?? any
}

/** The library that `require("name")` gives, if it is known. */
export function requiredModule(c: Context, e: Expression | undefined): ModuleTypes | undefined {
  if (e?.kind !== 'call' || builtinPath(c, e.callee) !== 'require') return undefined
  const [name] = e.args
  return name?.kind === 'string' ? c.modules.get(name.value) : undefined
}

/** `string.format`, when that is still Lua's own. */
export function builtinPath(c: Context, e: Expression): string | undefined {
  if (e.kind === 'name') {
    return c.bindings.uses.has(e) || c.bindings.assignedGlobals.has(e.name) ? undefined : e.name
  }
  if (e.kind !== 'index' || e.key.kind !== 'string') return undefined
  const object = e.object.kind === 'name' ? builtinPath(c, e.object) : undefined
  return object === undefined ? undefined : `${object}.${e.key.value}`
}

function inferIndex(c: Context, e: IndexExpression, usage: Usage): StaticType {
  const path = builtinPath(c, e)
  const isImport = e.object.kind === 'name' && c.modules.has(e.object.name)
  if (path !== undefined && !isImport) return builtins.get(path) ?? any
  const object = infer(c, e.object)
  const key = e.key.kind === 'string' ? e.key.value : undefined
  if (key === undefined) infer(c, e.key)
  const place = c.placeOf(e)
  const known = place === undefined ? undefined : c.flow.known.get(place)?.type
  const present = expectValue(c, object, e.object, () => (key === undefined ? 'index' : `read field ${key} of`))
  return known ?? fieldType(c, e, present, key, usage)
}

/** What is left of a value that must not be nil. Reports when it is or may be. */
export function expectValue(c: Context, type: StaticType, e: Expression, what: () => string): StaticType {
  if (!mayBeNil(type)) return type
  const rest = withoutNil(type)
  const surely = rest.kind === 'never'
  c.report('E0005', startOf(e), `cannot ${what()} ${surely ? 'nil' : `a value that may be nil (${show(type)})`}`)
  return surely ? any : rest
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
    case 'unknown':
      c.report('E0010', startOf(e.object), 'unknown has no fields until it is checked')
      return any
    default:
      return any
  }
}

// ---- calls ----

/** The results of a call; empty when nothing is known of them. */
export function inferCall(c: Context, e: CallExpression | MethodExpression): readonly StaticType[] {
  return e.kind === 'call' ? inferPlainCall(c, e) : inferMethodCall(c, e)
}

function inferPlainCall(c: Context, e: CallExpression): readonly StaticType[] {
  const path = builtinPath(c, e.callee)
  const module = requiredModule(c, e)
  if (module !== undefined) return [module.value]
  const callee = infer(c, e.callee)
  const present = expectValue(c, callee, e.callee, () => 'call')
  const fn = callable(c, present, e.callee)
  const types = checkArguments(c, fn, e.args, e.at, 0)
  const [first] = e.args
  if (path !== undefined && needsValue.has(path) && first !== undefined && !isMulti(first)) {
    expectValue(c, types[0] ?? any, first, () => `pass to ${path}`)
  }
  if (path === 'setmetatable') return [any]
  return fn?.returns ?? []
}

/** The one function that is called, if that is certain. Reports what is none. */
function callable(c: Context, type: StaticType, e: Expression): FunctionStatic | undefined {
  const members = membersOf(type)
  const wrong = members.find((member) => !isCallable(member))
  if (wrong !== undefined) {
    c.report(
      'E0006',
      startOf(e),
      `${show(wrong.kind === 'literal' ? { kind: literalKind(wrong.value) } : wrong)} is not a function`,
    )
  }
  const [only] = members
  return members.length === 1 && only?.kind === 'function' ? only : undefined
}

const literalKind = (value: unknown): 'string' | 'number' | 'boolean' => typeof value as 'string' | 'number' | 'boolean'

const uncallable: ReadonlySet<StaticType['kind']> = new Set([
  ...(['number', 'integer', 'string', 'text', 'boolean', 'literal', 'array'] as const),
])

/** Tables may be callable by a metatable, unless all that is in them is written down. */
const isCallable = (type: Member): boolean =>
  !uncallable.has(type.kind) && !(type.kind === 'record' && type.fields.size > 0 && type.index === undefined)

function checkArguments(
  c: Context,
  fn: FunctionStatic | undefined,
  args: readonly Expression[],
  at: number,
  skipped: number,
): StaticType[] {
  const params = fn?.typed === true ? fn.params.slice(skipped) : []
  const types = args.map((arg, i) => {
    const param =
      params[i] ?? (fn?.typed === true && fn.vararg !== undefined ? { name: '...', type: fn.vararg } : undefined)
    if (param === undefined) return infer(c, arg)
    const prefix = `argument ${i + 1}${param.name === undefined ? '' : ` (${param.name})`}: `
    return check(c, arg, param.type, { code: 'E0002', prefix })
  })
  const last = args.at(-1)
  if (fn?.typed !== true || (last !== undefined && isMulti(last))) return types
  for (const [i, param] of params.entries()) {
    if (i >= args.length && !acceptsNil({ type: param.type, optional: false })) {
      c.report(
        'E0008',
        at,
        `argument ${i + 1}${param.name === undefined ? '' : ` (${param.name})`} is missing: ${show(param.type)} expected`,
      )
      break
    }
  }
  if (args.length > params.length && fn.vararg === undefined) {
    const count = `${params.length} argument${params.length === 1 ? '' : 's'}`
    c.report('E0008', startOf(args[params.length]!), `takes ${count}, got ${args.length}`)
  }
  return types
}

function inferMethodCall(c: Context, e: MethodExpression): readonly StaticType[] {
  const object = expectValue(c, infer(c, e.object), e.object, () => `call method ${e.name.text} of`)
  const members = membersOf(object)
  const [only] = members
  for (const member of members) {
    if (noMethods.has(member.kind) || (member.kind === 'literal' && typeof member.value !== 'string')) {
      const shown = member.kind === 'literal' ? literalKind(member.value) : show(member)
      c.report('E0010', startOf(e.object), `${shown} has no method ${e.name.text}`)
    } else if (isText(member) && !stringMethods.has(e.name.text)) {
      c.report('E0010', e.name.at, `string has no method ${e.name.text}`)
    }
  }
  if (members.length !== 1 || only === undefined) return checkedLoosely(c, e)
  if (isText(only)) {
    checkedLoosely(c, e)
    return stringMethods.get(e.name.text)?.returns ?? []
  }
  const declared = placedMethod(c, e) ?? fieldOf(only, e.name.text)
  const method = declared === undefined ? undefined : membersOf(declared).find((member) => member.kind === 'function')
  // Whether a written function type counts its self we know only when it says so.
  if (method?.params[0]?.name === 'self') checkArguments(c, method, e.args, e.at, 1)
  else checkedLoosely(c, e)
  return method?.returns ?? []
}

function placedMethod(c: Context, e: MethodExpression): StaticType | undefined {
  const key: Expression = { kind: 'string', at: e.name.at, value: e.name.text }
  const place = c.placeOf({ kind: 'index', at: e.at, object: e.object, key })
  return place === undefined ? undefined : c.flow.known.get(place)?.type
}

function checkedLoosely(c: Context, e: MethodExpression): readonly StaticType[] {
  checkArguments(c, undefined, e.args, e.at, 0)
  return []
}

const noMethods: ReadonlySet<StaticType['kind']> = new Set(['number', 'integer', 'boolean', 'function', 'unknown'])

// ---- operators ----

const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '^', '//', '&', '|', '~', '<<', '>>'])
const bitwise: ReadonlySet<string> = new Set(['&', '|', '~', '<<', '>>'])
const ordered: ReadonlySet<string> = new Set(['<', '>', '<=', '>='])

function inferBinary(c: Context, e: BinaryExpression, usage: Usage): StaticType {
  if (e.operator === 'and' || e.operator === 'or') return inferLogical(c, e, usage)
  if (e.operator === '==' || e.operator === '~=') {
    infer(c, e.left, 'test')
    infer(c, e.right, 'test')
    return boolean
  }
  const left = infer(c, e.left)
  const right = infer(c, e.right)
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

function arithmeticType(operator: string, left: StaticType, right: StaticType): StaticType {
  if (bitwise.has(operator)) return integer
  const [a, b] = [widened(left), widened(right)]
  if (a.kind === 'integer' && b.kind === 'integer' && operator !== '/' && operator !== '^') return integer
  const numbers = new Set<StaticType['kind']>(['number', 'integer'])
  return numbers.has(a.kind) && numbers.has(b.kind) ? number : any
}

function inferLogical(c: Context, e: BinaryExpression, usage: Usage): StaticType {
  const isAnd = e.operator === 'and'
  const left = infer(c, e.left, 'test')
  let right: StaticType = any
  c.inFlow(c.flow.copy(), () => {
    narrow(c, e.left, isAnd, typeOf(c))
    right = infer(c, e.right, usage)
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
  const shown = wrong.kind === 'literal' ? literalKind(wrong.value) : show(wrong)
  c.report('E0004', startOf(e), `cannot ${operation} ${shown}`)
}

const isText = (type: Member): boolean =>
  type.kind === 'string' || type.kind === 'text' || (type.kind === 'literal' && typeof type.value === 'string')

/** Strings that hold numbers are taken; of a string of unknown origin nobody can tell. */
function isNumeric(type: Member): boolean {
  if (type.kind === 'literal')
    return typeof type.value === 'number' || (typeof type.value === 'string' && isNumeral(type.value))
  return type.kind !== 'string' && !neverOperand.has(type.kind)
}

const isNumeral = (value: string): boolean => value.trim() !== '' && Number.isFinite(Number(value))

function isConcatenable(type: Member): boolean {
  return type.kind === 'literal' ? typeof type.value !== 'boolean' : !neverOperand.has(type.kind)
}

/** Records may have metatables with operators; lists and functions do not. */
const neverOperand: ReadonlySet<StaticType['kind']> = new Set([
  ...(['boolean', 'function', 'array', 'thread', 'unknown'] as const),
])

const withOperators: ReadonlySet<StaticType['kind']> = new Set([
  ...(['any', 'never', 'record', 'table', 'userdata'] as const),
])

const mayHaveOperators = (type: StaticType): boolean => membersOf(type).some(({ kind }) => withOperators.has(kind))

function expectOrdered(c: Context, e: BinaryExpression, left: StaticType, right: StaticType): void {
  const a = expectValue(c, left, e.left, () => 'compare')
  const b = expectValue(c, right, e.right, () => 'compare')
  const [kindA, kindB] = [orderOf(a), orderOf(b)]
  if (kindA === undefined || kindB === undefined || (kindA === kindB && kindA !== 'boolean')) return
  c.report('E0004', e.at, `cannot compare ${kindA} with ${kindB}`)
}

/** `number`, `string` or `boolean` where that is certain. */
function orderOf(type: StaticType): string | undefined {
  const kinds = new Set(
    membersOf(type).map((member) => {
      if (member.kind === 'literal') return typeof member.value
      if (member.kind === 'integer' || member.kind === 'number') return 'number'
      if (member.kind === 'string' || member.kind === 'text') return 'string'
      return member.kind === 'boolean' ? 'boolean' : undefined
    }),
  )
  const [only] = kinds
  return kinds.size === 1 ? only : undefined
}

function inferUnary(c: Context, e: Expression & { kind: 'unary' }): StaticType {
  if (e.operator === 'not') {
    infer(c, e.operand, 'test')
    return boolean
  }
  const operation = e.operator === '#' ? 'take the length of' : 'do arithmetic on'
  const type = expectValue(c, infer(c, e.operand), e.operand, () => operation)
  expectOperand(c, e.operand, type, operation, e.operator === '#' ? hasLength : isNumeric)
  if (e.operator === '#') return integer
  if (e.operator === '~') return isLoose(type) ? any : integer
  if (type.kind === 'literal' && typeof type.value === 'number') return literal(-type.value)
  return type.kind === 'number' || type.kind === 'integer' ? type : any
}

function hasLength(type: Member): boolean {
  if (type.kind === 'literal') return typeof type.value === 'string'
  return !lengthless.has(type.kind)
}

const lengthless: ReadonlySet<StaticType['kind']> = new Set([
  ...(['number', 'integer', 'boolean', 'function', 'thread', 'unknown'] as const),
])

/** Reports an operand of a numeric `for` that is no number. */
export function expectNumber(c: Context, e: Expression): StaticType {
  const type = expectValue(c, infer(c, e), e, () => 'count with')
  const wrong = membersOf(type).find(
    (member) => member.kind === 'record' || member.kind === 'table' || !isNumeric(member),
  )
  if (wrong !== undefined) c.report('E0004', startOf(e), `cannot count with ${show(wrong)}`)
  return type
}

function numberType(source: string): StaticType {
  if (/^0[xX]/.test(source)) return /[.pP]/.test(source) ? number : integer
  return literal(Number(source))
}
