// Which type a name means at a place: declarations of a block are visible in all of it, before their line too.

import type { InterfaceStatement, Type, TypedName, TypeStatement } from './ast.ts'

/** A `type` or `interface` statement and the scope it stands in. */
export interface Declaration {
  readonly statement: TypeStatement | InterfaceStatement
  readonly scope: TypeScope
  /** The stretch of source it takes. */
  readonly start: number
  readonly end: number
}

export class TypeScope {
  readonly parent: TypeScope | undefined
  // Made when first needed: most blocks declare no types, and few types ask for a variable's.
  #types: Map<string, Declaration> | undefined
  #variables: TypedName[] | undefined

  constructor(parent?: TypeScope) {
    this.parent = parent
  }

  declare(declaration: Declaration): void {
    this.#types ??= new Map()
    this.#types.set(declaration.statement.name.text, declaration)
  }

  declareVariables(names: readonly TypedName[]): void {
    this.#variables ??= []
    this.#variables.push(...names)
  }

  type(name: string): Declaration | undefined {
    return this.#types?.get(name) ?? this.parent?.type(name)
  }

  /** The annotation of a variable, and the scope to read it in; `undefined` when it has none. */
  variable(name: string): { type: Type; scope: TypeScope } | undefined {
    const found = this.#variables?.findLast(({ text }) => text === name)
    if (found === undefined) return this.parent?.variable(name)
    return found.type === undefined ? undefined : { type: found.type, scope: this }
  }
}
