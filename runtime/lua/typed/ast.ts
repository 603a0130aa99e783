// The syntax tree of typed Lua. `at` is an offset into the source; `positionAt` turns it into line and column.

export interface Chunk {
  readonly name: string
  readonly body: readonly Statement[]
  readonly lineStarts: readonly number[]
}

export interface Name {
  readonly text: string
  readonly at: number
}

// ---- expressions ----

export type Expression =
  | { readonly kind: 'nil' | 'true' | 'false' | 'vararg'; readonly at: number }
  | { readonly kind: 'number'; readonly at: number; readonly text: string }
  | { readonly kind: 'string'; readonly at: number; readonly value: string }
  | NameExpression
  | FunctionExpression
  | IndexExpression
  | CallExpression
  | MethodExpression
  | BinaryExpression
  | { readonly kind: 'unary'; readonly at: number; readonly operator: UnaryOperator; readonly operand: Expression }
  | TableExpression
  | { readonly kind: 'paren'; readonly at: number; readonly inner: Expression }
  | { readonly kind: 'cast'; readonly at: number; readonly inner: Expression; readonly type: Type }
  | { readonly kind: 'nonnil'; readonly at: number; readonly inner: Expression }

export type UnaryOperator = 'not' | '-' | '#' | '~'

export interface NameExpression {
  readonly kind: 'name'
  readonly at: number
  readonly name: string
}

export interface IndexExpression {
  readonly kind: 'index'
  readonly at: number
  readonly object: Expression
  readonly key: Expression
}

export interface CallExpression {
  readonly kind: 'call'
  readonly at: number
  readonly callee: Expression
  readonly args: readonly Expression[]
}

export interface MethodExpression {
  readonly kind: 'method'
  readonly at: number
  readonly object: Expression
  readonly name: Name
  readonly args: readonly Expression[]
}

export interface BinaryExpression {
  readonly kind: 'binary'
  /** Of the operator: that is where it fails. */
  readonly at: number
  readonly operator: string
  readonly left: Expression
  readonly right: Expression
}

export interface TableExpression {
  readonly kind: 'table'
  readonly at: number
  readonly fields: readonly TableField[]
}

/** `value`, `name = value` (the key is a string expression) or `[key] = value`. */
export interface TableField {
  readonly at: number
  readonly key: Expression | undefined
  readonly value: Expression
}

export interface FunctionExpression {
  readonly kind: 'function'
  readonly at: number
  readonly typeParams: readonly TypeParam[]
  readonly params: readonly TypedName[]
  readonly vararg: { readonly type: Type | undefined } | undefined
  /** `undefined` when nothing is said; empty for `: ()`. */
  readonly returns: readonly Type[] | undefined
  readonly body: readonly Statement[]
  /** Offset of the closing `end`. */
  readonly end: number
}

export interface TypedName extends Name {
  readonly type: Type | undefined
}

// ---- statements ----

export type Statement =
  | LocalStatement
  | AssignStatement
  | { readonly kind: 'call'; readonly at: number; readonly call: CallExpression | MethodExpression }
  | { readonly kind: 'do'; readonly at: number; readonly body: readonly Statement[] }
  | { readonly kind: 'while'; readonly at: number; readonly condition: Expression; readonly body: readonly Statement[] }
  | {
      readonly kind: 'repeat'
      readonly at: number
      readonly body: readonly Statement[]
      readonly condition: Expression
    }
  | IfStatement
  | {
      readonly kind: 'for-number'
      readonly at: number
      readonly variable: TypedName
      readonly from: Expression
      readonly to: Expression
      readonly step: Expression | undefined
      readonly body: readonly Statement[]
    }
  | {
      readonly kind: 'for-in'
      readonly at: number
      readonly names: readonly TypedName[]
      readonly values: readonly Expression[]
      readonly body: readonly Statement[]
    }
  | {
      readonly kind: 'function'
      readonly at: number
      readonly target: NameExpression | IndexExpression
      /** Declared with `:`, so that the body has a `self`. */
      readonly method: boolean
      readonly value: FunctionExpression
    }
  | { readonly kind: 'local-function'; readonly at: number; readonly name: Name; readonly value: FunctionExpression }
  | { readonly kind: 'return'; readonly at: number; readonly values: readonly Expression[] }
  | { readonly kind: 'break'; readonly at: number }
  | { readonly kind: 'goto' | 'label'; readonly at: number; readonly label: string }
  | TypeStatement
  | InterfaceStatement

export interface LocalStatement {
  readonly kind: 'local'
  readonly at: number
  readonly names: readonly LocalName[]
  readonly values: readonly Expression[]
}

export interface LocalName extends TypedName {
  /** `const` or `close`. */
  readonly attribute: string | undefined
}

export interface AssignStatement {
  readonly kind: 'assign'
  readonly at: number
  readonly targets: readonly Expression[]
  readonly values: readonly Expression[]
}

export interface IfStatement {
  readonly kind: 'if'
  readonly at: number
  readonly clauses: readonly { readonly condition: Expression; readonly body: readonly Statement[] }[]
  readonly otherwise: readonly Statement[] | undefined
}

export interface TypeStatement {
  readonly kind: 'type'
  readonly at: number
  readonly name: Name
  readonly params: readonly TypeParam[]
  readonly type: Type
}

export interface InterfaceStatement {
  readonly kind: 'interface'
  readonly at: number
  readonly name: Name
  readonly params: readonly TypeParam[]
  readonly extends: readonly NamedType[]
  readonly methods: readonly { readonly name: Name; readonly type: FunctionType }[]
}

// ---- types ----

export type Type =
  | NamedType
  /** `text` is the literal as written for numbers, the value for strings. */
  | {
      readonly kind: 'literal'
      readonly at: number
      readonly of: 'string' | 'number' | 'boolean'
      readonly text: string
    }
  | { readonly kind: 'array'; readonly at: number; readonly element: Type }
  | RecordType
  | FunctionType
  | { readonly kind: 'optional'; readonly at: number; readonly inner: Type }
  | { readonly kind: 'union' | 'intersection'; readonly at: number; readonly members: readonly Type[] }
  | { readonly kind: 'readonly' | 'keyof'; readonly at: number; readonly inner: Type }
  | { readonly kind: 'typeof'; readonly at: number; readonly value: Expression }
  /** `asserts x is T`, `asserts x`, and `x is T`, which asserts nothing but answers. */
  | AssertsType
  | { readonly kind: 'access'; readonly at: number; readonly object: Type; readonly index: Type }
  | { readonly kind: 'conditional'; readonly at: number; readonly parts: readonly [Type, Type, Type, Type] }
  | {
      readonly kind: 'annotated'
      readonly at: number
      readonly inner: Type
      readonly annotations: readonly Annotation[]
    }

export interface AssertsType {
  readonly kind: 'asserts'
  readonly at: number
  readonly name: string
  readonly type: Type | undefined
  readonly asserting: boolean
}

/** `nil`, `string`, `User`, `inner.Inner`, `Box<string>`. */
export interface NamedType {
  readonly kind: 'named'
  readonly at: number
  readonly path: readonly string[]
  readonly args: readonly Type[]
}

export interface TypeParam extends Name {
  readonly bound: Type | undefined
}

/** `{name: T, [K]: V}`: fields, and what other keys hold. A map is a record without fields. */
export interface RecordType {
  readonly kind: 'record'
  readonly at: number
  readonly fields: readonly RecordField[]
  readonly index: { readonly key: Type; readonly value: Type } | undefined
}

export interface RecordField extends Name {
  readonly type: Type
  readonly optional: boolean
}

export interface FunctionType {
  readonly kind: 'function'
  readonly at: number
  readonly params: readonly { readonly name: string | undefined; readonly type: Type }[]
  readonly vararg: Type | undefined
  readonly returns: readonly Type[] | undefined
}

export interface Annotation {
  readonly at: number
  readonly name: string
  readonly args: readonly Expression[]
}
