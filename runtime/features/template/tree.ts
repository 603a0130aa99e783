// The tree of a Jet template. Expressions give values, statements write text.

export type Expression =
  | { readonly type: 'literal'; readonly value: unknown }
  | { readonly type: 'name'; readonly name: string; readonly line: number }
  /** `.` */
  | { readonly type: 'context' }
  /** `_` in the arguments of a piped call. */
  | { readonly type: 'slot' }
  | { readonly type: 'member'; readonly object: Expression; readonly key: Expression; readonly line: number }
  | {
      readonly type: 'slice'
      readonly object: Expression
      readonly from: Expression | undefined
      readonly to: Expression | undefined
      readonly line: number
    }
  | { readonly type: 'call'; readonly callee: Expression; readonly args: readonly Expression[]; readonly line: number }
  | { readonly type: 'pipe'; readonly value: Expression; readonly call: Expression & { readonly type: 'call' } }
  | { readonly type: 'unary'; readonly operator: string; readonly operand: Expression; readonly line: number }
  | {
      readonly type: 'binary'
      readonly operator: string
      readonly left: Expression
      readonly right: Expression
      readonly line: number
    }
  | { readonly type: 'conditional'; readonly test: Expression; readonly yes: Expression; readonly no: Expression }

export interface Assignment {
  readonly name: string
  readonly declares: boolean
  readonly value: Expression
  readonly line: number
}

export interface Parameter {
  readonly name: string
  readonly fallback: Expression | undefined
}

export interface Block {
  readonly name: string
  readonly parameters: readonly Parameter[]
  readonly context: Expression | undefined
  readonly body: readonly Statement[]
  readonly content: readonly Statement[] | undefined
  readonly line: number
}

export type Statement = { readonly line: number } & (
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'print'; readonly value: Expression }
  | { readonly type: 'set'; readonly assignment: Assignment }
  | {
      readonly type: 'if'
      readonly before: Assignment | undefined
      readonly test: Expression
      readonly yes: readonly Statement[]
      readonly no: readonly Statement[]
    }
  | {
      readonly type: 'range'
      readonly names: readonly string[]
      readonly source: Expression
      readonly body: readonly Statement[]
      readonly otherwise: readonly Statement[]
    }
  | { readonly type: 'block'; readonly block: Block }
  | {
      readonly type: 'yield'
      readonly name: string
      readonly args: ReadonlyMap<string, Expression>
      readonly context: Expression | undefined
      readonly content: readonly Statement[] | undefined
    }
  | { readonly type: 'content'; readonly context: Expression | undefined }
  | { readonly type: 'include'; readonly name: Expression; readonly context: Expression | undefined }
  | {
      readonly type: 'try'
      readonly body: readonly Statement[]
      readonly caught: readonly Statement[] | undefined
      readonly errorName: string | undefined
    }
  | { readonly type: 'return'; readonly value: Expression }
)

export interface Template {
  readonly name: string
  readonly extends: string | undefined
  readonly imports: readonly string[]
  readonly body: readonly Statement[]
  /** Every block defined anywhere in the template. */
  readonly blocks: ReadonlyMap<string, Block>
}
