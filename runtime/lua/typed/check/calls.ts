// Calls: is it a function, do the arguments fit, and what comes back.

import type { CallExpression, Expression, MethodExpression } from '../ast.ts'
import { acceptsNil, fieldOf } from './assignable.ts'
import { needsValue, stringMethods } from './builtins.ts'
import type { Context, ModuleTypes } from './context.ts'
import { expectValue } from './expectations.ts'
import { isText, nameOf } from './operands.ts'
import { builtinPath, isMulti, startOf } from './shape.ts'
import { any, type FunctionStatic, type LazyStatic, membersOf, type StaticType, show } from './static-type.ts'

type Member = Exclude<StaticType, LazyStatic>

/** The results of a call; empty when nothing is known of them. */
export function inferCall(c: Context, e: CallExpression | MethodExpression): readonly StaticType[] {
  return e.kind === 'call' ? inferPlainCall(c, e) : inferMethodCall(c, e)
}

/** The library that `require("name")` gives, if it is known. */
export function requiredModule(c: Context, e: Expression | undefined): ModuleTypes | undefined {
  if (e?.kind !== 'call' || builtinPath(c.bindings, e.callee) !== 'require') return undefined
  const [name] = e.args
  return name?.kind === 'string' ? c.modules.get(name.value) : undefined
}

function inferPlainCall(c: Context, e: CallExpression): readonly StaticType[] {
  const path = builtinPath(c.bindings, e.callee)
  const module = requiredModule(c, e)
  if (module !== undefined) return [module.value]
  const callee = c.infer(e.callee)
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
    c.report('E0006', startOf(e), `${nameOf(wrong)} is not a function`)
  }
  const [only] = members
  return members.length === 1 && only?.kind === 'function' ? only : undefined
}

const uncallable: ReadonlySet<StaticType['kind']> = new Set<StaticType['kind']>([
  'number',
  'integer',
  'string',
  'text',
  'boolean',
  'literal',
  'array',
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
    if (param === undefined) return c.infer(arg)
    const prefix = `argument ${i + 1}${param.name === undefined ? '' : ` (${param.name})`}: `
    return c.check(arg, param.type, { code: 'E0002', prefix })
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
  const object = expectValue(c, c.infer(e.object), e.object, () => `call method ${e.name.text} of`)
  const members = membersOf(object)
  const [only] = members
  for (const member of members) {
    if (noMethods.has(member.kind) || (member.kind === 'literal' && typeof member.value !== 'string')) {
      c.report('E0010', startOf(e.object), `${nameOf(member)} has no method ${e.name.text}`)
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

const noMethods: ReadonlySet<StaticType['kind']> = new Set(['number', 'integer', 'boolean', 'function'])
