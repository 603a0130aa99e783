// Does a value of one type fit where another is asked for? In doubt it does: a wrong program may pass, a right one must.

import {
  type FunctionStatic,
  type LazyStatic,
  membersOf,
  type RecordStatic,
  resolved,
  type StaticType,
} from './static-type.ts'

type Member = Exclude<StaticType, LazyStatic>

/** How much is compared before the answer is yes: types that refer to themselves would never end. */
interface Patience {
  left: number
}
const COMPARISONS = 2_000
const DEEPEST = 12

export function isAssignable(
  from: StaticType,
  to: StaticType,
  depth = 0,
  patience: Patience = { left: COMPARISONS },
): boolean {
  patience.left -= 1
  if (from === to || depth > DEEPEST || patience.left < 0) return true
  const targets = membersOf(to)
  if (targets.some(({ kind }) => kind === 'any' || kind === 'unknown')) return true
  return membersOf(from).every((member) => fitsOne(member, targets, depth, patience))
}

function fitsOne(from: Member, targets: readonly Member[], depth: number, patience: Patience): boolean {
  if (from.kind === 'any' || from.kind === 'never') return true
  if (from.kind === 'boolean') {
    const values = targets.flatMap((target) => (target.kind === 'literal' ? [target.value] : []))
    if (values.includes(true) && values.includes(false)) return true
  }
  return targets.some((target) => fits(from, target, depth + 1, patience))
}

function fits(from: Member, to: Member, depth: number, patience: Patience): boolean {
  switch (to.kind) {
    case 'number':
    // A number that happens to be whole is as good as an integer; only a fraction written out is not.
    case 'integer':
      if (from.kind !== 'literal') return from.kind === 'number' || from.kind === 'integer'
      return typeof from.value === 'number' && (to.kind === 'number' || Number.isInteger(from.value))
    case 'string':
    case 'text':
      return isString(from)
    case 'boolean':
      return from.kind === 'boolean' || (from.kind === 'literal' && typeof from.value === 'boolean')
    case 'literal':
      // A string of unknown content may be the right one only where its type is no more than a guess.
      if (from.kind === 'literal') return from.value === to.value
      return from.kind === 'text' && typeof to.value === 'string'
    case 'table':
      return from.kind === 'table' || from.kind === 'record' || from.kind === 'array'
    case 'array':
      return fitsArray(from, to.element, depth, patience)
    case 'record':
      return fitsRecord(from, to, depth, patience)
    case 'function':
      // A table may be callable through its metatable.
      if (from.kind === 'table' || from.kind === 'record' || from.kind === 'userdata') return true
      return from.kind === 'function' && fitsFunction(from, to, depth, patience)
    case 'never':
      return false
    default:
      return from.kind === to.kind
  }
}

const isString = (type: Member): boolean =>
  type.kind === 'string' || type.kind === 'text' || (type.kind === 'literal' && typeof type.value === 'string')

function fitsArray(from: Member, element: StaticType, depth: number, patience: Patience): boolean {
  if (from.kind === 'table') return true
  if (from.kind === 'array') return isAssignable(from.element, element, depth, patience)
  if (from.kind !== 'record') return false
  return from.index === undefined ? from.fields.size === 0 : isAssignable(from.index.value, element, depth, patience)
}

function fitsRecord(from: Member, to: RecordStatic, depth: number, patience: Patience): boolean {
  if (from.kind === 'table' || from.kind === 'userdata') return true
  if (from.kind === 'array') {
    const needed = [...to.fields.values()].some((field) => !acceptsNil(field))
    return !needed && (to.index === undefined || isAssignable(from.element, to.index.value, depth, patience))
  }
  if (from.kind !== 'record') return false
  if (from === to || (from.name !== undefined && from.name === to.name)) return true
  for (const [name, field] of to.fields) {
    const own = from.fields.get(name)
    if (own === undefined) {
      if (from.index === undefined && !acceptsNil(field)) return false
    } else if (own.optional && !acceptsNil(field)) return false
    else if (!isAssignable(own.type, field.optional ? orNil(field.type) : field.type, depth, patience)) return false
  }
  if (to.index === undefined) return true
  const { key, value } = to.index
  if (from.index !== undefined && !isAssignable(from.index.value, value, depth, patience)) return false
  return [...from.fields].every(
    ([name, field]) =>
      to.fields.has(name) ||
      (isAssignable({ kind: 'literal', value: name }, key, depth, patience) &&
        isAssignable(field.type, value, depth, patience)),
  )
}

export function acceptsNil(field: { readonly type: StaticType; readonly optional: boolean }): boolean {
  return field.optional || isAssignable({ kind: 'nil' }, field.type)
}

const orNil = (type: StaticType): StaticType => ({ kind: 'union', members: [type, { kind: 'nil' }] })

/** Parameters fit in either direction: Lua drops what a callback does not take, and gives nil for what is missing. */
function fitsFunction(from: FunctionStatic, to: FunctionStatic, depth: number, patience: Patience): boolean {
  const paramsFit = to.params.every(({ type }, i) => {
    const own = from.params[i]
    return (
      own === undefined ||
      isAssignable(type, own.type, depth, patience) ||
      isAssignable(own.type, type, depth, patience)
    )
  })
  if (!paramsFit || from.returns === undefined || to.returns === undefined) return paramsFit
  return to.returns.every((type, i) => {
    const own = from.returns?.[i]
    return own === undefined || isAssignable(own, type, depth, patience)
  })
}

/** Can a value of this type equal the constant? */
export function mayEqual(type: StaticType, value: string | number | boolean): boolean {
  return membersOf(type).some((member) => {
    if (member.kind === 'literal') return member.value === value
    if (member.kind === 'any' || member.kind === 'unknown') return true
    return (
      fits({ kind: 'literal', value }, member, 0, { left: COMPARISONS }) ||
      (member.kind === 'number' && typeof value === 'number')
    )
  })
}

/** The field of one member of a union; `undefined` where it is not said to have one. */
export function fieldOf(type: StaticType, name: string): StaticType | undefined {
  const found = resolved(type)
  if (found.kind !== 'record') return undefined
  const field = found.fields.get(name)
  if (field !== undefined) return field.optional ? orNil(field.type) : field.type
  return found.index !== undefined && isAssignable({ kind: 'literal', value: name }, found.index.key)
    ? found.index.value
    : undefined
}
