// Turns written types into the checker's: names are looked up in the block they stand in, generics get their arguments.

import type { Expression, FunctionType, NamedType, Statement, Type, TypeParam } from '../ast.ts'
import { fieldOf } from './assignable.ts'
import {
  any,
  anyFunction,
  boolean,
  type FieldStatic,
  type FunctionStatic,
  integer,
  type LazyStatic,
  literal,
  membersOf,
  never,
  nil,
  number,
  type RecordStatic,
  resolved,
  type StaticType,
  string,
  table,
  thread,
  unionOf,
  unionOfAll,
  unknown,
  userdata,
} from './static-type.ts'

const named: Readonly<Record<string, StaticType>> = {
  any,
  unknown,
  never,
  nil,
  boolean,
  number,
  integer,
  string,
  table,
  userdata,
  thread,
  function: anyFunction,
}

/** The types that names mean in one block. Parameters of generics are types of their own block. */
export class TypeNames {
  readonly #parent: TypeNames | undefined
  readonly #declared = new Map<string, (args: readonly StaticType[]) => StaticType>()
  readonly #modules = new Map<string, TypeNames>()

  constructor(parent?: TypeNames) {
    this.#parent = parent
  }

  declare(name: string, make: (args: readonly StaticType[]) => StaticType): void {
    this.#declared.set(name, make)
  }

  /** A variable that holds a library: `tools.Tool` is a type of it. */
  declareModule(name: string, types: TypeNames): void {
    this.#modules.set(name, types)
  }

  findModule(name: string): TypeNames | undefined {
    return this.#modules.get(name) ?? this.#parent?.findModule(name)
  }

  find(name: string): ((args: readonly StaticType[]) => StaticType) | undefined {
    return this.#declared.get(name) ?? this.#parent?.find(name)
  }
}

/** What `typeof(expression)` means, asked of whoever knows values. */
export type TypeOf = (expression: Expression) => StaticType

/** The names of a block: its `type` and `interface` statements are known in all of it. */
export function namesOfBlock(body: readonly Statement[], parent: TypeNames | undefined, typeOf: TypeOf): TypeNames {
  const declarations = body.filter((statement) => statement.kind === 'type' || statement.kind === 'interface')
  if (declarations.length === 0 && parent !== undefined) return parent
  const names = new TypeNames(parent)
  for (const statement of declarations) {
    const { text } = statement.name
    const make = (args: readonly StaticType[]): StaticType => {
      const inner = withParams(names, statement.params, args)
      return statement.kind === 'type'
        ? titled(readType(statement.type, inner, typeOf), text)
        : interfaceType(statement.extends, statement.methods, inner, typeOf)
    }
    names.declare(text, statement.params.length === 0 ? once(text, make) : (args) => lazy(text, () => make(args)))
  }
  return names
}

function once(name: string, make: (args: readonly StaticType[]) => StaticType): () => StaticType {
  const type = lazy(name, () => make([]))
  return () => type
}

function lazy(name: string, make: () => StaticType): LazyStatic {
  let found: StaticType | undefined
  let making = false
  const resolve = (): StaticType => {
    if (found !== undefined) return found
    // `type X = X | nil`: asked for while it is being made.
    if (making) return any
    making = true
    found = make()
    making = false
    return found
  }
  return { kind: 'lazy', name, resolve }
}

const titled = (type: StaticType, name: string): StaticType => (type.kind === 'record' ? { ...type, name } : type)

/** Names in which the parameters of a generic stand for their arguments, or for anything. */
export function withParams(
  names: TypeNames,
  params: readonly TypeParam[],
  args: readonly StaticType[] | 'bounds',
  typeOf: TypeOf = () => any,
): TypeNames {
  if (params.length === 0) return names
  const inner = new TypeNames(names)
  params.forEach(({ text, bound }, i) => {
    const bounded = bound === undefined ? any : readType(bound, names, typeOf)
    const type = args === 'bounds' ? bounded : (args[i] ?? any)
    inner.declare(text, () => type)
  })
  return inner
}

export function readType(type: Type, names: TypeNames, typeOf: TypeOf): StaticType {
  const read = (inner: Type): StaticType => readType(inner, names, typeOf)
  switch (type.kind) {
    case 'named':
      return readNamed(type, names, typeOf)
    case 'literal':
      if (type.of === 'string') return literal(type.text)
      return type.of === 'boolean' ? literal(type.text === 'true') : literal(Number(type.text))
    case 'array':
      return { kind: 'array', element: read(type.element), readonly: false }
    case 'record': {
      const fields = new Map<string, FieldStatic>()
      for (const field of type.fields) fields.set(field.text, { type: read(field.type), optional: field.optional })
      const index = type.index && { key: read(type.index.key), value: read(type.index.value) }
      return { kind: 'record', name: undefined, fields, index, readonly: false }
    }
    case 'function':
      return readFunction(type, names, typeOf)
    case 'optional':
      return unionOf(read(type.inner), nil)
    case 'union':
      return unionOfAll(type.members.map(read))
    case 'intersection':
      return intersection(type.members.map(read))
    case 'readonly': {
      const inner = resolved(read(type.inner))
      return inner.kind === 'array' || inner.kind === 'record' ? { ...inner, readonly: true } : inner
    }
    case 'annotated':
      return read(type.inner)
    case 'keyof': {
      const inner = resolved(read(type.inner))
      return inner.kind === 'record' && inner.index === undefined
        ? unionOfAll([...inner.fields.keys()].map(literal))
        : any
    }
    case 'access': {
      const index = resolved(read(type.index))
      if (index.kind !== 'literal' || typeof index.value !== 'string') return any
      return fieldOf(read(type.object), index.value) ?? any
    }
    case 'typeof':
      return typeOf(type.value)
    case 'asserts':
      return any
    case 'conditional':
      return any
  }
}

function readNamed(type: NamedType, names: TypeNames, typeOf: TypeOf): StaticType {
  const [first, second] = type.path
  // A type of a module of the host: not known here.
  if (first === undefined || type.path.length > 2) return any
  const owner = second === undefined ? names : names.findModule(first)
  const declared = owner?.find(second ?? first)
  if (declared !== undefined) return declared(type.args.map((arg) => readType(arg, names, typeOf)))
  if (second !== undefined) return any
  return Object.hasOwn(named, first) ? named[first]! : any
}

export function readFunction(type: FunctionType, names: TypeNames, typeOf: TypeOf): FunctionStatic {
  const params = type.params.map(({ name, type: param }) => ({ name, type: readType(param, names, typeOf) }))
  const vararg = type.vararg && readType(type.vararg, names, typeOf)
  const { returns, predicate } = readReturns(type.returns, type.params, names, typeOf)
  return { kind: 'function', params, vararg, returns, typed: true, predicate }
}

/** Declared returns, and the promise that `asserts x is T` makes. */
export function readReturns(
  returns: readonly Type[] | undefined,
  params: readonly { readonly name: string | undefined }[],
  names: TypeNames,
  typeOf: TypeOf,
): Pick<FunctionStatic, 'returns' | 'predicate'> {
  const [first] = returns ?? []
  if (returns?.length !== 1 || first?.kind !== 'asserts') {
    return { returns: returns?.map((type) => readType(type, names, typeOf)), predicate: undefined }
  }
  const param = params.findIndex(({ name }) => name === first.name)
  const type = first.type && readType(first.type, names, typeOf)
  return { returns: undefined, predicate: param < 0 ? undefined : { param, type, asserts: first.asserting } }
}

function interfaceType(
  bases: readonly NamedType[],
  methods: readonly { readonly name: { readonly text: string }; readonly type: FunctionType }[],
  names: TypeNames,
  typeOf: TypeOf,
): StaticType {
  const fields = new Map<string, FieldStatic>()
  for (const { name, type } of methods) {
    const signature = readFunction(type, names, typeOf)
    // Whether its self is among the parameters only its name tells.
    const typed = signature.params[0]?.name === 'self'
    fields.set(name.text, { type: { ...signature, typed }, optional: false })
  }
  const own: RecordStatic = { kind: 'record', name: undefined, fields, index: undefined, readonly: false }
  return intersection([...bases.map((base) => readType(base, names, typeOf)), own])
}

/** Records become one record; what cannot be joined is not known. */
function intersection(types: readonly StaticType[]): StaticType {
  const fields = new Map<string, FieldStatic>()
  let index: RecordStatic['index']
  for (const type of types) {
    const [only, ...others] = membersOf(type)
    if (others.length > 0 || only?.kind !== 'record') return any
    for (const [name, field] of only.fields) {
      const known = fields.get(name)
      fields.set(name, known === undefined ? field : { ...field, optional: field.optional && known.optional })
    }
    index ??= only.index
  }
  return { kind: 'record', name: undefined, fields, index, readonly: false }
}
