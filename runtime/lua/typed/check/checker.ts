// The type checker: reads a chunk's statements in order, knowing at each point what the program has made sure of.
// What is not annotated and not evident is `any`. Sparing a right program matters more than catching one more wrong one.

import { RuntimeError } from '../../../core/error.ts'
import type {
  AssignStatement,
  Expression,
  FunctionExpression,
  IfStatement,
  IndexExpression,
  LocalStatement,
  Statement,
} from '../ast.ts'
import { type Position, positionAt } from '../lexer.ts'
import { type Parsed, parse } from '../parser.ts'
import { fieldOf } from './assignable.ts'
import { type Binding, bind, MOST_LOCALS } from './bind.ts'
import { inferCall, requiredModule } from './calls.ts'
import { type BodyTypes, Context, type ModuleTypes } from './context.ts'
import { type Code, codes, type Diagnostic } from './diagnostic.ts'
import { expectFit, expectValue } from './expectations.ts'
import { infer, inferList, lasting, storable } from './expressions.ts'
import { check } from './fit.ts'
import { type Flow, placeOfBinding } from './flow.ts'
import { functionType, signatureOf } from './functions.ts'
import { narrow, narrowByAssertion } from './narrow.ts'
import { expectNumber } from './operators.ts'
import { findBadHabits } from './rules.ts'
import { builtinPath, isMulti } from './shape.ts'
import {
  any,
  type FieldStatic,
  integer,
  mayBeNil,
  membersOf,
  nil,
  number,
  resolved,
  type StaticType,
  unionOf,
} from './static-type.ts'
import { namesOfBlock, readType, TypeNames } from './type-reader.ts'

export interface CheckOptions {
  /** The chunk's name in messages: the entry's id. */
  readonly name: string
  /** Also the W rules: style and likely mistakes. */
  readonly rules?: boolean
  /** Libraries by the names that `require` takes; what is not here is not known. */
  readonly modules?: ReadonlyMap<string, ModuleTypes>
}

export interface Analysis {
  readonly diagnostics: readonly Diagnostic[]
  /** For those who import the chunk. */
  readonly exports: ModuleTypes
}

/** What is wrong with a chunk, in order of its lines. A text that does not parse gives its one syntax error. */
export function checkTypes(source: string, options: CheckOptions): readonly Diagnostic[] {
  return analyze(source, options).diagnostics
}

/** What is wrong with a chunk, and what it gives to those who import it. */
export function analyze(source: string, { name, rules = false, modules = new Map() }: CheckOptions): Analysis {
  let parsed: Parsed
  try {
    parsed = parse(source, name)
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    return { diagnostics: [syntaxDiagnostic(error, name)], exports: nothing() }
  }
  const { body, lineStarts } = parsed.chunk
  const bindings = bind(body)
  if (bindings.crowded !== undefined) {
    const message = `too many local variables (limit is ${MOST_LOCALS})`
    const diagnostic: Diagnostic = {
      code: 'P0001',
      severity: 'error',
      message,
      ...positionAt(lineStarts, bindings.crowded),
    }
    return { diagnostics: [diagnostic], exports: nothing() }
  }
  const types = namesOfBlock(body, new TypeNames(), () => any)
  const context = new Context(bindings, types, modules, { infer, check, checkBody })
  checkBlock(context, body)
  const findings = [...context.findings, ...(rules ? findBadHabits(body, bindings) : [])]
  const diagnose = (code: Code, at: number, message: string): Diagnostic => {
    const position: Position = positionAt(lineStarts, at)
    return { code, severity: codes[code].severity, message, ...position }
  }
  const diagnostics = findings
    .map(({ code, at, message }) => diagnose(code, at, message))
    .sort((a, b) => a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1))
  return { diagnostics, exports: { value: context.exported, types } }
}

const nothing = (): ModuleTypes => ({ value: any, types: new TypeNames() })

function syntaxDiagnostic(error: RuntimeError, name: string): Diagnostic {
  const { line = 1, column = 1 } = (error.details ?? {}) as { line?: number; column?: number }
  const message = error.message.replace(`${name}:${line}: `, '')
  return { code: 'P0001', severity: 'error', message, line, column }
}

// ---- blocks ----

const narrowed = (c: Context, condition: Expression, sense: boolean): void => narrow(c, condition, sense, c.typeOf)

function checkBlock(c: Context, body: readonly Statement[]): void {
  const outer = c.names
  c.names = namesOfBlock(body, outer, (e) => c.infer(e))
  for (const statement of body) checkStatement(c, statement)
  c.names = outer
}

function checkBody(c: Context, value: FunctionExpression, types: BodyTypes): void {
  // A guess about a call must not read the same body again and again.
  if (c.quiet) return
  const { flow: outerFlow, returns, vararg, broken, functions } = c
  const flow = c.flow.copy()
  // When it runs, whatever can change may have changed.
  flow.retain((id) => c.bindings.all[id]!.assignments === 0)
  flow.reachable = true
  c.flow = flow
  c.returns = types.returns
  c.vararg = types.vararg
  c.functions += 1
  const params = (c.bindings.declared.get(value) ?? []).filter(({ what }) => what === 'param')
  for (const [i, param] of params.entries()) {
    const type = types.params[i] ?? any
    if (resolved(type).kind !== 'any') c.declared.set(param, type)
  }
  checkBlock(c, value.body)
  Object.assign(c, { flow: outerFlow, returns, vararg, broken, functions })
}

function checkStatement(c: Context, statement: Statement): void {
  switch (statement.kind) {
    case 'local':
      checkLocal(c, statement)
      break
    case 'assign':
      checkAssign(c, statement)
      break
    case 'call':
      checkCall(c, statement.call)
      break
    case 'do':
      checkBlock(c, statement.body)
      break
    case 'if':
      checkIf(c, statement)
      break
    case 'while':
    case 'repeat':
    case 'for-number':
    case 'for-in':
      checkLoop(c, statement)
      break
    case 'local-function': {
      const [binding] = c.bindings.declared.get(statement) ?? []
      // Known in its own body.
      if (binding !== undefined) c.assign(binding, signatureOf(c, statement.value))
      functionType(c, statement.value, undefined)
      break
    }
    case 'function':
      checkFunctionStatement(c, statement)
      break
    case 'return':
      checkReturn(c, statement.values, statement.at)
      c.flow.reachable = false
      break
    case 'break':
      c.broken = true
      c.flow.reachable = false
      break
    case 'goto':
      c.flow.reachable = false
      break
    case 'label':
      // Whoever jumps here brings what he knows: nothing that can change is sure.
      c.flow.reachable = true
      c.flow.retain((id, isField) => !isField && c.bindings.all[id]!.assignments === 0)
      break
    default:
  }
}

// ---- variables ----

function checkLocal(c: Context, statement: LocalStatement): void {
  const { names, values } = statement
  const declared = names.map(({ type }) => type && readType(type, c.names, (e) => c.infer(e)))
  const types: StaticType[] = []
  for (const [i, value] of values.entries()) {
    const expected = declared[i]
    if (i === values.length - 1 && isMulti(value)) {
      types.push(...inferList(c, [value], names.length - i))
      for (let j = i; j < names.length; j++) {
        const wanted = declared[j]
        if (wanted !== undefined) expectFit(c, names[j]!.at, types[j] ?? any, wanted, { code: 'E0001', prefix: '' })
      }
    } else types.push(expected === undefined ? c.infer(value) : c.check(value, expected, { code: 'E0001', prefix: '' }))
  }
  const bindings = c.bindings.declared.get(statement) ?? []
  for (const [i, binding] of bindings.entries()) {
    const annotation = declared[i]
    if (annotation !== undefined) c.declared.set(binding, annotation)
    // `local x: T` waits for its value, and so does `local x`; `local x: T?` is nil until then.
    const waits = i >= types.length && (annotation === undefined ? values.length === 0 : !mayBeNil(annotation))
    const type = types[i] ?? nil
    // A constant keeps its value, what may change only its type.
    c.assign(binding, waits ? any : binding.assignments === 0 ? lasting(type) : storable(type))
    const module = requiredModule(c, values[i])
    if (module !== undefined) c.names.declareModule(binding.name, module.types)
    rememberTest(c, binding, values[i])
  }
  const last = values.at(-1)
  if (values.length === 1 && bindings.length > 1 && last !== undefined && isMulti(last)) rememberOutcome(c, bindings)
}

/** `local user, err = find()`, where each may be nil: the last one says whether the others are there. */
function rememberOutcome(c: Context, bindings: readonly Binding[]): void {
  const places = bindings.map(placeOfBinding)
  const error = places.at(-1)!
  const types = bindings.map((binding) => c.typeOfBinding(binding))
  // Of an error the type is often not known.
  if (!types.every((type, i) => mayBeNil(type) || (i === types.length - 1 && type.kind === 'any'))) return
  const values = places.slice(0, -1)
  c.outcomes.set(error, { values, error, origins: places.map((place) => c.originOf(place)) })
  for (const place of values) c.outcomes.set(place, c.outcomes.get(error)!)
}

/** `local known = type(x)` and `local ok = x ~= nil`: testing the variable tests x, while neither changes. */
function rememberTest(c: Context, binding: Binding, value: Expression | undefined): void {
  if (value === undefined || binding.assignments > 0) return
  const subjects = testedNames(value)
  if (subjects === undefined) return
  const constant = subjects.every((e) => c.bindings.uses.get(e)?.assignments === 0)
  if (constant && subjects.length > 0) c.tests.set(binding, value)
}

/** The variables a simple test asks about; `undefined` when it is no test. */
function testedNames(e: Expression, depth = 0): (Expression & { kind: 'name' })[] | undefined {
  if (depth > 20) return undefined
  if (e.kind === 'paren') return testedNames(e.inner, depth + 1)
  if (e.kind === 'unary' && e.operator === 'not') return testedNames(e.operand, depth + 1)
  if (e.kind === 'call' && e.callee.kind === 'name' && e.callee.name === 'type' && e.args[0]?.kind === 'name')
    return [e.args[0]]
  if (e.kind !== 'binary') return undefined
  if (e.operator === 'and' || e.operator === 'or') {
    const [left, right] = [testedNames(e.left, depth + 1), testedNames(e.right, depth + 1)]
    return left === undefined || right === undefined ? undefined : [...left, ...right]
  }
  if (e.operator !== '==' && e.operator !== '~=') return undefined
  const sides = [e.left, e.right].filter(
    (side) => side.kind !== 'nil' && side.kind !== 'string' && side.kind !== 'number',
  )
  const [side, ...others] = sides
  if (side === undefined || others.length > 0) return undefined
  return side.kind === 'name' ? [side] : testedNames(side, depth + 1)
}

function checkAssign(c: Context, statement: AssignStatement): void {
  const { targets, values } = statement
  const types: StaticType[] = []
  for (const [i, value] of values.entries()) {
    const target = targets[i]
    if (i === values.length - 1 && isMulti(value)) {
      types.push(...inferList(c, [value], targets.length - i))
      for (let j = i; j < targets.length; j++) {
        const expected = targetType(c, targets[j]!)
        if (expected !== undefined)
          expectFit(c, targets[j]!.at, types[j] ?? any, expected, { code: 'E0001', prefix: '' })
      }
    } else {
      const expected = target === undefined ? undefined : targetType(c, target)
      types.push(expected === undefined ? c.infer(value) : c.check(value, expected, { code: 'E0001', prefix: '' }))
    }
  }
  for (const [i, target] of targets.entries()) assign(c, target, types[i] ?? nil)
}

/** What may be written to a place; `undefined` when nothing is said of it. */
function targetType(c: Context, target: Expression): StaticType | undefined {
  if (target.kind === 'name') {
    const binding = c.bindings.uses.get(target)
    return binding && c.declared.get(binding)
  }
  if (target.kind !== 'index') return undefined
  const object = expectValue(c, c.infer(target.object), target.object, () => 'write a field of')
  const [only, ...others] = membersOf(object)
  if (only === undefined || others.length > 0) return undefined
  if ((only.kind === 'record' || only.kind === 'array') && only.readonly) {
    c.report('E0011', target.object.at, `cannot write to a readonly ${only.kind === 'array' ? 'list' : 'table'}`)
  }
  return writtenType(c, only, target)
}

/** Nil takes an item out of a list or a map. */
function writtenType(c: Context, object: StaticType, target: IndexExpression): StaticType | undefined {
  const key = target.key.kind === 'string' ? target.key.value : undefined
  if (object.kind === 'array') return key === undefined ? unionOf(object.element, nil) : undefined
  if (object.kind !== 'record') return undefined
  // A library: tests put their own functions into it, and take them out.
  if (object.index?.value.kind === 'any') return undefined
  const field = key === undefined ? undefined : object.fields.get(key)
  if (field !== undefined) return field.optional ? unionOf(field.type, nil) : field.type
  const value = key === undefined ? object.index?.value : fieldOf(object, key)
  if (key === undefined) c.infer(target.key)
  return value && unionOf(value, nil)
}

function assign(c: Context, target: Expression, type: StaticType): void {
  if (target.kind === 'name') {
    const binding = c.bindings.uses.get(target)
    if (binding !== undefined) c.assign(binding, storable(type))
    return
  }
  if (target.kind !== 'index') return
  const object = c.placeOf(target.object)
  if (object === undefined) return
  if (target.key.kind !== 'string') c.flow.forgetFields(object)
  else {
    const owner = c.silently(() => c.infer(target.object))
    c.assignField(object, target.key.value, fieldOf(owner, target.key.value), storable(type))
  }
}

function checkFunctionStatement(c: Context, statement: Statement & { kind: 'function' }): void {
  const { target, method, value } = statement
  const signature = signatureOf(c, value)
  // Called with a dot or a colon: a method's self is its first parameter.
  const self = { name: 'self', type: any }
  const type = method ? { ...signature, params: [self, ...signature.params] } : signature
  if (target.kind === 'name') assign(c, target, type)
  else {
    const object = c.placeOf(target.object)
    if (object !== undefined && target.key.kind === 'string') c.assignField(object, target.key.value, undefined, type)
    expectValue(c, c.infer(target.object), target.object, () => 'write a field of')
  }
  functionType(c, value, undefined)
}

// ---- calls that tell something ----

function checkCall(c: Context, call: (Statement & { kind: 'call' })['call']): void {
  inferCall(c, call)
  if (call.kind !== 'call') return
  const path = builtinPath(c.bindings, call.callee)
  const [first] = call.args
  if (path === 'error' || path === 'os.exit') c.flow.reachable = false
  else if (path === 'assert' && first !== undefined) narrowed(c, first, true)
  else narrowByAssertion(c, call, c.typeOf)
}

function checkReturn(c: Context, values: readonly Expression[], at: number): void {
  const expected = c.returns
  if (expected === undefined) {
    const [first] = values
    if (c.functions === 0 && first !== undefined && c.flow.reachable) c.exported = exportedType(c, first)
    for (const value of values) c.infer(value)
    return
  }
  const prefix = (i: number): string => (expected.length > 1 ? `return value ${i + 1}: ` : '')
  for (const [i, value] of values.entries()) {
    const wanted = expected[i]
    if (i === values.length - 1 && isMulti(value)) {
      const types = inferList(c, [value], Math.max(1, expected.length - i))
      for (let j = i; j < expected.length; j++) {
        expectFit(c, value.at, types[j - i] ?? any, expected[j]!, { code: 'E0003', prefix: prefix(j) })
      }
      return
    }
    if (wanted === undefined) c.infer(value)
    else c.check(value, wanted, { code: 'E0003', prefix: prefix(i) })
  }
  // A bare `return` leaves early; what it leaves out of a list must be allowed to be nil.
  if (values.length === 0) return
  for (let i = values.length; i < expected.length; i++) {
    expectFit(c, at, nil, expected[i]!, { code: 'E0003', prefix: prefix(i) })
  }
}

/** The functions of the table that a library returns. Of whatever else is in it nothing is said. */
function exportedType(c: Context, value: Expression): StaticType {
  const functions = new Map<string, FieldStatic>()
  const place = c.placeOf(value)
  const add = (name: string, type: StaticType): void => {
    if (type.kind === 'function') functions.set(name, { type, optional: false })
  }
  if (place !== undefined) for (const [name, type] of c.flow.fieldsOf(place)) add(name, type)
  if (value.kind === 'table') {
    for (const field of value.fields) {
      if (field.key?.kind === 'string')
        add(
          field.key.value,
          c.silently(() => c.infer(field.value)),
        )
    }
  }
  if (functions.size === 0) return any
  return { kind: 'record', name: undefined, fields: functions, index: { key: any, value: any }, readonly: false }
}

// ---- branches and loops ----

function checkIf(c: Context, statement: IfStatement): void {
  const ends: Flow[] = []
  for (const { condition, body } of statement.clauses) {
    c.infer(condition, 'test')
    const before = c.flow.copy()
    narrowed(c, condition, true)
    checkBlock(c, body)
    ends.push(c.flow)
    c.flow = before
    narrowed(c, condition, false)
  }
  if (statement.otherwise !== undefined) checkBlock(c, statement.otherwise)
  c.flow = ends.reduce((joined, end) => c.join(joined, end), c.flow)
}

type Loop = Statement & { kind: 'while' | 'repeat' | 'for-number' | 'for-in' }

function checkLoop(c: Context, statement: Loop): void {
  const variables = statement.kind === 'for-number' || statement.kind === 'for-in' ? loopVariables(c, statement) : []
  forgetAssigned(c, statement)
  const outerBroken = c.broken
  c.broken = false
  const before = c.flow.copy()
  if (statement.kind === 'while') {
    c.infer(statement.condition, 'test')
    narrowed(c, statement.condition, true)
  }
  const bindings = c.bindings.declared.get(statement) ?? []
  for (const [i, binding] of bindings.entries()) c.assign(binding, variables[i] ?? any)
  if (statement.kind === 'repeat') checkRepeat(c, statement, before)
  else {
    checkBlock(c, statement.body)
    c.flow = before
    if (statement.kind === 'while' && !c.broken) narrowed(c, statement.condition, false)
  }
  c.broken = outerBroken
}

/** The body runs at least once, and the condition knows its variables. */
function checkRepeat(c: Context, statement: Statement & { kind: 'repeat' }, before: Flow): void {
  const outer = c.names
  c.names = namesOfBlock(statement.body, outer, (e) => c.infer(e))
  for (const inner of statement.body) checkStatement(c, inner)
  c.infer(statement.condition, 'test')
  if (c.broken) c.flow = before
  else narrowed(c, statement.condition, true)
  c.names = outer
}

/** In a loop, what the loop itself assigns may be anything it is allowed to be. */
function forgetAssigned(c: Context, loop: Loop): void {
  for (const binding of c.bindings.assignedIn.get(loop) ?? []) c.flow.forget(placeOfBinding(binding))
}

function loopVariables(c: Context, statement: Statement & { kind: 'for-number' | 'for-in' }): StaticType[] {
  if (statement.kind === 'for-number') {
    const types = [statement.from, ...(statement.step === undefined ? [] : [statement.step])].map((e) =>
      expectNumber(c, e),
    )
    expectNumber(c, statement.to)
    const whole = types.every(
      (type) => type.kind === 'integer' || (type.kind === 'literal' && Number.isInteger(type.value)),
    )
    return [whole ? integer : number]
  }
  for (const value of statement.values) c.infer(value)
  const [iterator] = statement.values
  if (statement.values.length !== 1 || iterator?.kind !== 'call') return []
  const path = builtinPath(c.bindings, iterator.callee)
  const [subject] = iterator.args
  return subject === undefined
    ? []
    : itemTypes(
        path,
        c.silently(() => c.infer(subject)),
      )
}

/** What `ipairs(list)` and `pairs(map)` give. `x or {}` counts as x. */
function itemTypes(path: string | undefined, type: StaticType): StaticType[] {
  const members = membersOf(type).filter(
    (member) => !(member.kind === 'record' && member.fields.size === 0 && member.index === undefined),
  )
  const [only] = members
  if (members.length !== 1 || only === undefined) return []
  if (only.kind === 'array' && (path === 'ipairs' || path === 'pairs')) return [integer, only.element]
  if (only.kind !== 'record' || only.index === undefined || only.fields.size > 0) return []
  if (path === 'pairs') return [only.index.key, only.index.value]
  return path === 'ipairs' ? [integer, only.index.value] : []
}
