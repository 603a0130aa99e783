// The types the checker reasons with. `any` is all that is not known, and no complaint ever comes of it.

export type StaticType =
  | { readonly kind: Primitive }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'union'; readonly members: readonly StaticType[] }
  | ArrayStatic
  | RecordStatic
  | FunctionStatic
  | LazyStatic

export type Primitive =
  | 'any'
  | 'unknown'
  | 'never'
  | 'nil'
  | 'boolean'
  | 'number'
  | 'integer'
  | 'string'
  /** A string of which only the program says that it is one: it may hold a number, and arithmetic takes it. */
  | 'text'
  | 'table'
  | 'userdata'
  | 'thread'

export interface ArrayStatic {
  readonly kind: 'array'
  readonly element: StaticType
  readonly readonly: boolean
}

export interface FieldStatic {
  readonly type: StaticType
  readonly optional: boolean
}

export interface RecordStatic {
  readonly kind: 'record'
  readonly name: string | undefined
  readonly fields: ReadonlyMap<string, FieldStatic>
  readonly index: { readonly key: StaticType; readonly value: StaticType } | undefined
  readonly readonly: boolean
}

export interface FunctionStatic {
  readonly kind: 'function'
  readonly params: readonly { readonly name: string | undefined; readonly type: StaticType }[]
  /** `undefined`: takes no more than `params`. */
  readonly vararg: StaticType | undefined
  /** `undefined`: nothing is known of them. */
  readonly returns: readonly StaticType[] | undefined
  /** Some parameter or return is annotated: only then are its calls checked. */
  readonly typed: boolean
  /** `asserts x is T` (returns only if) and `x is T` (true only if). */
  readonly predicate:
    | { readonly param: number; readonly type: StaticType | undefined; readonly asserts: boolean }
    | undefined
}

/** A named type, looked up when first needed, since types may refer to themselves. */
export interface LazyStatic {
  readonly kind: 'lazy'
  readonly name: string
  readonly resolve: () => StaticType
}

const primitive = <K extends Primitive>(kind: K): { readonly kind: K } => Object.freeze({ kind })

export const any = primitive('any')
export const unknown = primitive('unknown')
export const never = primitive('never')
export const nil = primitive('nil')
export const boolean = primitive('boolean')
export const number = primitive('number')
export const integer = primitive('integer')
export const string = primitive('string')
export const text = primitive('text')
export const table = primitive('table')
export const userdata = primitive('userdata')
export const thread = primitive('thread')

export const literal = (value: string | number | boolean): StaticType => ({ kind: 'literal', value })

/** A function of which nothing is known but that it is one. */
export const anyFunction: FunctionStatic = {
  kind: 'function',
  params: [],
  vararg: any,
  returns: undefined,
  typed: false,
  predicate: undefined,
}

/** `{}`: what it will be, the program has not said yet. */
export const emptyRecord: RecordStatic = Object.freeze({
  kind: 'record',
  name: undefined,
  fields: new Map<string, FieldStatic>(),
  index: undefined,
  readonly: false,
})

/** Follows names. A name that only leads to itself means anything. */
export function resolved(type: StaticType): Exclude<StaticType, LazyStatic> {
  let found = type
  for (let i = 0; found.kind === 'lazy'; i++) {
    if (i > 50) return any
    found = found.resolve()
  }
  return found
}

/** The members of a union, or the type alone; names followed, unions in unions flattened. */
export function membersOf(type: StaticType, depth = 0): Exclude<StaticType, LazyStatic>[] {
  const found = resolved(type)
  if (found.kind !== 'union') return [found]
  if (depth > 8) return [any]
  return found.members.flatMap((member) => membersOf(member, depth + 1))
}

/** A union of more is not reasoned about. */
const MOST_MEMBERS = 200

/** One type of several. Anything makes it anything; what says the same twice is said once. */
export function unionOf(...types: readonly StaticType[]): StaticType {
  return unionOfAll(types)
}

/** The same of a list, which may be as long as a source. */
export function unionOfAll(types: Iterable<StaticType>): StaticType {
  const members: StaticType[] = []
  for (const type of types) {
    const parts = type.kind === 'union' ? type.members : [type]
    for (const part of parts) {
      if (part.kind === 'any' || members.length > MOST_MEMBERS) return any
      if (part.kind !== 'never' && !members.some((member) => sameType(member, part))) members.push(part)
    }
  }
  // A literal beside its own type adds nothing.
  const kinds = new Set(members.map(({ kind }) => kind))
  const kept = members.filter((member) => member.kind !== 'literal' || !kinds.has(baseOf(member.value).kind))
  if (kept.length === 0) return never
  return kept.length === 1 ? kept[0]! : { kind: 'union', members: kept }
}

/** Surely the same; false when it would take work to tell. */
export function sameType(a: StaticType, b: StaticType): boolean {
  if (a === b) return true
  if (a.kind === 'literal' && b.kind === 'literal') return a.value === b.value
  if (a.kind === 'lazy' && b.kind === 'lazy') return a.resolve === b.resolve
  if (a.kind === 'union' && b.kind === 'union') {
    return a.members.length === b.members.length && a.members.every((member, i) => sameType(member, b.members[i]!))
  }
  if (a.kind === 'array' && b.kind === 'array') return sameType(a.element, b.element)
  return a.kind === b.kind && !structured.has(a.kind)
}

const structured: ReadonlySet<StaticType['kind']> = new Set(['literal', 'union', 'array', 'record', 'function', 'lazy'])

/** `"a"` is a string, `1` an integer. */
export function baseOf(value: string | number | boolean): StaticType {
  if (typeof value === 'string') return string
  if (typeof value === 'boolean') return boolean
  return Number.isInteger(value) ? integer : number
}

/** What a variable that may change holds of a constant: `local n = 0` is an integer. */
export function widened(type: StaticType): StaticType {
  return type.kind === 'literal' && typeof type.value !== 'string' ? baseOf(type.value) : type
}

export function mayBeNil(type: StaticType): boolean {
  return membersOf(type).some(({ kind }) => kind === 'nil')
}

/** The members for which the test holds. */
export function keeping(type: StaticType, test: (member: Exclude<StaticType, LazyStatic>) => boolean): StaticType {
  const members = membersOf(type)
  if (members.every(test)) return type
  return unionOf(...members.filter(test))
}

export const withoutNil = (type: StaticType): StaticType => keeping(type, ({ kind }) => kind !== 'nil')

/** What is left when the value is neither nil nor false. */
export function truthy(type: StaticType): StaticType {
  const kept = keeping(
    type,
    (member) => member.kind !== 'nil' && !(member.kind === 'literal' && member.value === false),
  )
  if (kept.kind === 'unknown') return any
  if (!membersOf(kept).some(({ kind }) => kind === 'boolean')) return kept
  return unionOf(...membersOf(kept).map((member) => (member.kind === 'boolean' ? literal(true) : member)))
}

/** What is left when the value is nil or false. */
export function falsy(type: StaticType): StaticType {
  const parts = membersOf(type).map((member) => {
    if (member.kind === 'any' || member.kind === 'unknown') return any
    if (member.kind === 'boolean') return literal(false)
    return member.kind === 'nil' || (member.kind === 'literal' && member.value === false) ? member : never
  })
  return unionOf(...parts)
}

/** A type as its author would write it. */
export function show(type: StaticType, depth = 0): string {
  switch (type.kind) {
    case 'lazy':
      return type.name
    case 'text':
      return 'string'
    case 'literal':
      return typeof type.value === 'string' ? JSON.stringify(type.value) : String(type.value)
    case 'union': {
      const others = type.members.filter(({ kind }) => kind !== 'nil')
      const shown = others.map((member) => show(member, depth + 1)).join(' | ')
      if (others.length === type.members.length) return shown
      return others.length === 1 && others[0]!.kind !== 'function' ? `${shown}?` : `${shown} | nil`
    }
    case 'array':
      return depth > 3 ? '{...}' : `{${show(type.element, depth + 1)}}`
    case 'record':
      return type.name ?? showRecord(type, depth)
    case 'function':
      return depth > 3 ? 'function' : showFunction(type, depth)
    default:
      return type.kind
  }
}

function showRecord(type: RecordStatic, depth: number): string {
  if (depth > 3) return '{...}'
  const parts = [...type.fields].map(
    ([name, field]) => `${name}${field.optional ? '?' : ''}: ${show(field.type, depth + 1)}`,
  )
  if (type.index !== undefined) parts.push(`[${show(type.index.key, depth + 1)}]: ${show(type.index.value, depth + 1)}`)
  return parts.length > 6 ? `{${parts.slice(0, 6).join(', ')}, ...}` : `{${parts.join(', ')}}`
}

function showFunction(type: FunctionStatic, depth: number): string {
  const params = type.params.map(
    (param) => (param.name === undefined ? '' : `${param.name}: `) + show(param.type, depth + 1),
  )
  if (type.vararg !== undefined) params.push('...')
  const returns = type.returns?.map((returned) => show(returned, depth + 1)) ?? ['any']
  return `(${params.join(', ')}) -> ${returns.length === 1 ? returns[0] : `(${returns.join(', ')})`}`
}

export const isKnownNever = (type: StaticType): boolean => resolved(type).kind === 'never'

/** Nothing can be said against it. */
export function isLoose(type: StaticType): boolean {
  const { kind } = resolved(type)
  return kind === 'any' || kind === 'never'
}
