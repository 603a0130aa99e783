// Type aliases that a program reads as values (`User:is(x)`), as Lua that makes them at run time (typed/types.lua).
// Everything an alias reaches in its chunk is written out beside it, so that forward and recursive references need no order.

import type { Annotation, Expression, NamedType, Type, TypeParam } from './ast.ts'
import { type TypeWord, typeNames } from './expression-parser.ts'
import type { Declaration, TypeScope } from './type-scope.ts'

const primitives: ReadonlySet<string> = new Set(
  'any unknown never nil number integer string boolean table function userdata thread error type'.split(' '),
)

const validators: ReadonlySet<string> = new Set(['min', 'max', 'min_len', 'max_len', 'pattern'])

/** `local User=__types.define(...)`: the Lua that gives the alias its value. One line. */
export function typeValue(declaration: Declaration): string {
  const writer = new Writer()
  const { name } = declaration.statement
  writer.reference(declaration)
  return `;local ${name.text}=__types.define(${writer.definitions()});`
}

/** What takes the place of `Number`, or of `typeof` before its parenthesis: the Lua that gives the type as a value. */
export function typeWordValue({ name, subject, scope }: TypeWord): string {
  const primitive = typeNames.get(name.name)
  // Somebody's own global of that name comes first.
  if (primitive !== undefined) return `__types.named(${name.name},"${primitive}")`
  const annotated = subject && scope.variable(subject.name)
  if (annotated === undefined) return '__types.typeof'
  return `__types.fixed(${new Writer().annotation(annotated.type, annotated.scope)})`
}

class Writer {
  readonly #order: Declaration[] = []
  readonly #externs = new Map<string, number>()

  /** The number of a declaration in the list, from 1. */
  reference(declaration: Declaration): number {
    const known = this.#order.indexOf(declaration)
    return known >= 0 ? known + 1 : this.#order.push(declaration)
  }

  annotation(type: Type, scope: TypeScope): string {
    return `${this.#type(type, scope, [])},${this.definitions()}`
  }

  definitions(): string {
    const definitions: string[] = []
    // The list grows while its members are written.
    for (let i = 0; i < this.#order.length; i++) {
      const { statement, scope } = this.#order[i]!
      const params = statement.params.map(({ text }: TypeParam) => text)
      const node =
        statement.kind === 'type'
          ? this.#type(statement.type, scope, params)
          : this.#interface(statement, scope, params)
      definitions.push(`{${quoted(statement.name.text)},${params.length},${node}}`)
    }
    const externs = [...this.#externs.keys()].map((path) => `function() return ${path} end`)
    return `{${definitions.join(',')}}${externs.length > 0 ? `,{${externs.join(',')}}` : ''}`
  }

  #interface(
    statement: Declaration['statement'] & { kind: 'interface' },
    scope: TypeScope,
    params: readonly string[],
  ): string {
    const fields = statement.methods.map(({ name }) => `{${quoted(name.text)},"function"}`)
    const own = `{"record",{${fields.join(',')}}}`
    if (statement.extends.length === 0) return own
    return `{"intersection",${[...statement.extends.map((base) => this.#type(base, scope, params)), own].join(',')}}`
  }

  #type(type: Type, scope: TypeScope, params: readonly string[]): string {
    const write = (inner: Type): string => this.#type(inner, scope, params)
    switch (type.kind) {
      case 'named':
        return this.#named(type, scope, params)
      case 'literal':
        return `{"literal",${type.of === 'string' ? quoted(type.text) : type.text}}`
      case 'array':
        return `{"array",${write(type.element)}}`
      case 'record': {
        const fields = type.fields.map(
          (field) => `{${quoted(field.text)},${write(field.type)}${field.optional ? ',true' : ''}}`,
        )
        const index = type.index === undefined ? '' : `,${write(type.index.key)},${write(type.index.value)}`
        return `{"record",{${fields.join(',')}}${index}}`
      }
      case 'function': {
        const returns = type.returns === undefined ? '' : `,{${type.returns.map(write).join(',')}}`
        return `{"function",{${type.params.map((param) => write(param.type)).join(',')}}${returns}}`
      }
      case 'optional':
        return `{"optional",${write(type.inner)}}`
      case 'union':
      case 'intersection':
        return `{"${type.kind}",${type.members.map(write).join(',')}}`
      case 'annotated':
        return `{"annotated",${[write(type.inner), ...type.annotations.flatMap(written)].join(',')}}`
      case 'readonly':
        return write(type.inner)
      case 'keyof':
        return `{"keyof",${write(type.inner)}}`
      case 'typeof':
        return this.#typeOf(type.value, scope)
      case 'asserts':
        return '"boolean"'
      case 'access':
      case 'conditional':
        return '"any"'
    }
  }

  #named(type: NamedType, scope: TypeScope, params: readonly string[]): string {
    const [first] = type.path
    const args = type.args.map((arg) => `,${this.#type(arg, scope, params)}`).join('')
    if (type.path.length === 1 && first !== undefined) {
      const param = params.indexOf(first)
      if (param >= 0) return `{"param",${param + 1}}`
      const declaration = scope.type(first)
      if (declaration !== undefined) return `{"ref",${this.reference(declaration)}${args}}`
      if (primitives.has(first)) return quoted(first)
    }
    return `{"extern",${this.#extern(type.path)}${args}}`
  }

  /** A name that is no type of this chunk: perhaps a type value that another module gave us. */
  #extern(path: readonly string[]): number {
    const text = path.join('.')
    const known = this.#externs.get(text)
    if (known !== undefined) return known
    this.#externs.set(text, this.#externs.size + 1)
    return this.#externs.size
  }

  /** `typeof(x)` of a local with an annotation is that annotation; of anything else it is not known. */
  #typeOf(value: Expression, scope: TypeScope): string {
    if (value.kind === 'number' || value.kind === 'string') return quoted(value.kind)
    if (value.kind === 'paren') return this.#typeOf(value.inner, scope)
    const variable = value.kind === 'name' ? scope.variable(value.name) : undefined
    return variable === undefined ? '"any"' : this.#type(variable.type, variable.scope, [])
  }
}

/** A validator with a constant, as a Lua table; any other says nothing at run time. */
function written({ name, args }: Annotation): string[] {
  const constant = args[0] === undefined ? undefined : constantOf(args[0])
  return validators.has(name) && constant !== undefined ? [`{"${name}",${constant}}`] : []
}

function constantOf(value: Expression): string | undefined {
  if (value.kind === 'number') return value.text
  if (value.kind === 'string') return quoted(value.value)
  if (value.kind !== 'unary' || value.operator !== '-') return undefined
  const operand = constantOf(value.operand)
  return operand === undefined ? undefined : `-${operand}`
}

/** A Lua string on one line. Characters beyond ASCII are kept: the text goes back into the chunk they came from. */
function quoted(text: string): string {
  const escaped = text.replace(/[\\"\x00-\x1f\x7f]/g, (c) =>
    c === '\\' || c === '"' ? `\\${c}` : `\\${c.charCodeAt(0).toString().padStart(3, '0')}`,
  )
  return `"${escaped}"`
}
