// Which type a name means at a place: declarations of a block are visible in all of it, before their line too.

import type { InterfaceStatement, Type, TypeStatement } from './ast.ts'

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
  // Made when first needed: most blocks declare no types.
  #types: Map<string, Declaration> | undefined
  #variables: Map<string, Type | undefined> | undefined

  constructor(parent?: TypeScope) {
    this.parent = parent
  }

  declare(declaration: Declaration): void {
    this.#types ??= new Map()
    this.#types.set(declaration.statement.name.text, declaration)
  }

  declareVariable(name: string, type: Type | undefined): void {
    this.#variables ??= new Map()
    this.#variables.set(name, type)
  }

  type(name: string): Declaration | undefined {
    return this.#types?.get(name) ?? this.parent?.type(name)
  }

  /** The annotation of a variable, and the scope to read it in; `undefined` when it has none. */
  variable(name: string): { type: Type; scope: TypeScope } | undefined {
    if (this.#variables?.has(name) !== true) return this.parent?.variable(name)
    const type = this.#variables.get(name)
    return type === undefined ? undefined : { type, scope: this }
  }
}
