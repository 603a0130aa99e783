// Reads types (spec/typed-lua.md, grammar). Wider than the original where that harms nobody: leading `|`, any type in
// parentheses, `;` between fields.

import type { Annotation, Expression, FunctionType, RecordField, RecordType, Type, TypeParam } from './ast.ts'
import { type Cursor, stringValue } from './cursor.ts'
import { NAME, NUMBER, STRING } from './lexer.ts'

/** Whoever reads the type later goes down as many levels. */
const MOST_LEVELS = 190

/** Reads types at the cursor. `expression` reads what stands in `typeof(...)` and in validators. */
export class TypeParser {
  readonly #cursor: Cursor
  readonly #expression: () => Expression

  constructor(cursor: Cursor, expression: () => Expression) {
    this.#cursor = cursor
    this.#expression = expression
  }

  type(): Type {
    const c = this.#cursor
    c.enter()
    if (!c.accept('|')) c.accept('&')
    const type = this.#continued(this.#primary())
    c.leave()
    return type
  }

  /** What may follow the first primary of a type: suffixes, `extends`, and the members of a union. */
  #continued(first: Type): Type {
    const c = this.#cursor
    const { at } = first
    let left = this.#suffixes(first, true)
    if (c.isWord('extends')) left = this.#conditional(left)
    // `&` and `|` have one precedence and associate to the left.
    // Each change of operator is a level of the type, as each suffix is.
    for (let levels = 1; c.kind === '|' || c.kind === '&'; levels++) {
      if (levels > MOST_LEVELS) throw c.fail('type has too many levels')
      const operator = c.kind
      const members = [left]
      while (c.accept(operator)) members.push(this.#suffixes(this.#primary(), true))
      left = { kind: operator === '|' ? 'union' : 'intersection', at, members }
    }
    return left
  }

  /** `A, B` or `(A, B)` or `()` or `(A) -> B`: what follows the colon after a parameter list. */
  returns(): Type[] {
    const types = this.#returned()
    if (types.length === 1) while (this.#cursor.accept(',')) types.push(this.type())
    return types
  }

  /** One type, or several in parentheses. */
  #returned(): Type[] {
    const c = this.#cursor
    if (c.kind !== '(') return [this.type()]
    const first = this.#parenthesised()
    return Array.isArray(first) ? first : [this.#continued(first)]
  }

  /** `<T, U: Bound>` */
  typeParams(): TypeParam[] {
    const c = this.#cursor
    c.expect('<')
    const params: TypeParam[] = []
    do {
      const name = c.name()
      params.push({ ...name, bound: c.accept(':') ? this.type() : undefined })
    } while (c.accept(','))
    c.closeAngle()
    return params
  }

  /** `(a: T, b: U)` and the return types of an interface's method. */
  signature(at: number): FunctionType {
    const c = this.#cursor
    const { params, vararg } = this.#params()
    return { kind: 'function', at, params, vararg, returns: c.accept(':') ? this.returns() : undefined }
  }

  #conditional(checked: Type): Type {
    const c = this.#cursor
    const at = c.start
    c.advance()
    const bound = this.#suffixes(this.#primary(), false)
    c.expect('?')
    const yes = this.type()
    c.expect(':')
    return { kind: 'conditional', at, parts: [checked, bound, yes, this.type()] }
  }

  #suffixes(primary: Type, mayBeOptional: boolean): Type {
    const c = this.#cursor
    let type = primary
    for (let levels = 0; ; levels++) {
      if (levels > MOST_LEVELS) throw c.fail('type has too many levels')
      const at = c.start
      if (mayBeOptional && c.kind === '?') {
        // However many there are, they say it once.
        while (c.accept('?')) {}
        type = { kind: 'optional', at, inner: type }
      } else if (c.kind === '@') type = { kind: 'annotated', at, inner: type, annotations: this.#annotations() }
      else if (c.kind === '[' && !c.startsLine()) {
        c.advance()
        if (c.accept(']')) type = { kind: 'array', at, element: type }
        else {
          type = { kind: 'access', at, object: type, index: this.type() }
          c.expect(']')
        }
      } else return type
    }
  }

  #annotations(): Annotation[] {
    const c = this.#cursor
    const annotations: Annotation[] = []
    while (c.kind === '@') {
      const at = c.start
      c.advance()
      const name = c.name().text
      const args: Expression[] = []
      if (c.accept('(') && !c.accept(')')) {
        do args.push(this.#expression())
        while (c.accept(','))
        c.expect(')')
      }
      annotations.push({ at, name, args })
    }
    return annotations
  }

  #primary(): Type {
    const c = this.#cursor
    const at = c.start
    switch (c.kind) {
      case NAME:
        return this.#named()
      case '{':
        return this.#record()
      case '(': {
        const type = this.#parenthesised()
        if (Array.isArray(type)) throw c.fail("'->' expected")
        return type
      }
      case STRING: {
        const text = stringValue(c.text())
        c.advance()
        return { kind: 'literal', at, of: 'string', text }
      }
      case 'nil':
        c.advance()
        return { kind: 'named', at, path: ['nil'], args: [] }
      case 'true':
      case 'false': {
        const text = c.kind
        c.advance()
        return { kind: 'literal', at, of: 'boolean', text }
      }
      case 'function':
        // `function(a: T): R`, as some write `fun`.
        c.advance()
        return c.is('(') ? this.#fun(at) : { kind: 'named', at, path: ['function'], args: [] }
      case NUMBER:
      case '-': {
        const sign = c.accept('-') ? '-' : ''
        if (c.kind !== NUMBER) throw c.fail('type expected')
        const text = sign + c.text()
        c.advance()
        return { kind: 'literal', at, of: 'number', text }
      }
      default:
        throw c.fail('type expected')
    }
  }

  #named(): Type {
    const c = this.#cursor
    const at = c.start
    const name = c.text()
    const next = c.peek(1)
    if (next === '(' && name === 'fun') {
      c.advance()
      return this.#fun(at)
    }
    if (next === '(' && (name === 'typeof' || name === 'keyof')) {
      c.advance(2)
      const type: Type =
        name === 'keyof' ? { kind: 'keyof', at, inner: this.type() } : { kind: 'typeof', at, value: this.#expression() }
      c.expect(')')
      return type
    }
    if (name === 'readonly' && (next === '{' || next === NAME)) {
      c.advance()
      c.enter()
      const inner = this.#primary()
      c.leave()
      return { kind: 'readonly', at, inner }
    }
    if (name === 'interface' && next === '{') {
      c.advance()
      return this.#record()
    }
    if (name === 'asserts' && next === NAME) {
      c.advance()
      return this.#predicate(at, true)
    }
    if (c.isWord('is', 1) && !c.startsLine(1)) return this.#predicate(at, false)
    c.advance()
    const path = [name]
    while (c.kind === '.' && c.peek(1) === NAME) {
      c.advance()
      path.push(c.name().text)
    }
    const args: Type[] = []
    if (c.kind === '<') {
      c.advance()
      do args.push(this.type())
      while (c.accept(','))
      c.closeAngle()
    }
    return { kind: 'named', at, path, args }
  }

  /** `asserts x`, `asserts x is T`, `x is T`, with the cursor on x. */
  #predicate(at: number, asserting: boolean): Type {
    const c = this.#cursor
    const name = c.name().text
    if (!c.isWord('is')) return { kind: 'asserts', at, name, type: undefined, asserting }
    c.advance()
    return { kind: 'asserts', at, name, type: this.type(), asserting }
  }

  #record(): Type {
    const c = this.#cursor
    const at = c.start
    c.expect('{')
    const fields: RecordField[] = []
    let index: RecordType['index']
    while (c.kind !== '}') {
      if (c.kind === '[') {
        c.advance()
        const key = this.type()
        c.expect(']')
        c.expect(':')
        const value = this.type()
        if (key.kind === 'literal' && key.of === 'string') {
          fields.push({ text: key.text, at: key.at, type: value, optional: false })
        } else index = { key, value }
      } else if (this.#atField()) fields.push(this.#field())
      else if (fields.length === 0 && index === undefined) {
        const element = this.type()
        if (!c.accept(',')) c.accept(';')
        c.expectClosing('}', '{', at)
        return { kind: 'array', at, element }
      } else throw c.fail('field expected')
      if (!c.accept(',') && !c.accept(';')) break
    }
    c.expectClosing('}', '{', at)
    return { kind: 'record', at, fields, index }
  }

  /** A name, or a reserved word, before `:` or `?:`. */
  #atField(): boolean {
    const c = this.#cursor
    const distance = c.isWord('readonly') && c.peek(1) === NAME ? 1 : 0
    if (!/^(?:<name>|[a-z]+)$/.test(c.peek(distance))) return false
    const next = c.peek(distance + 1)
    return next === ':' || (next === '?' && c.peek(distance + 2) === ':')
  }

  #field(): RecordField {
    const c = this.#cursor
    if (c.isWord('readonly') && c.peek(1) === NAME) c.advance()
    const [text, at] = [c.text(), c.start]
    c.advance()
    const optional = c.accept('?')
    c.expect(':')
    return { text, at, optional, type: this.type() }
  }

  /** `fun(a: T): R`, with the cursor on the parenthesis. */
  #fun(at: number): FunctionType {
    const c = this.#cursor
    const { params, vararg } = this.#params()
    return { kind: 'function', at, params, vararg, returns: c.accept(':') ? this.#returned() : undefined }
  }

  /** `(A) -> B`, `(A)`, or, where no arrow follows, the list `(A, B)` for the caller to accept or not. */
  #parenthesised(): Type | Type[] {
    const c = this.#cursor
    const at = c.start
    c.enter()
    const { params, vararg } = this.#params()
    const returns = c.accept('->') ? this.#returned() : undefined
    c.leave()
    if (returns !== undefined) return { kind: 'function', at, params, vararg, returns }
    if (vararg !== undefined || params.some(({ name }) => name !== undefined)) throw c.fail("'->' expected")
    return params.length === 1 ? params[0]!.type : params.map(({ type }) => type)
  }

  #params(): Pick<FunctionType, 'params' | 'vararg'> {
    const c = this.#cursor
    const at = c.start
    const params: { name: string | undefined; type: Type }[] = []
    let vararg: Type | undefined
    c.expect('(')
    while (c.kind !== ')') {
      if (c.accept('...')) {
        const unsaid = c.kind === ')'
        c.accept(':')
        vararg = unsaid ? { kind: 'named', at: c.start, path: ['any'], args: [] } : this.type()
        break
      }
      params.push(this.#param())
      if (!c.accept(',')) break
    }
    c.expectClosing(')', '(', at)
    return { params, vararg }
  }

  #param(): { name: string | undefined; type: Type } {
    const c = this.#cursor
    const optional = c.peek(1) === '?' && c.peek(2) === ':'
    if (c.kind !== NAME || (c.peek(1) !== ':' && !optional)) return { name: undefined, type: this.type() }
    const name = c.name().text
    if (optional) c.advance()
    c.expect(':')
    const [at, type] = [c.start, this.type()]
    return { name, type: optional ? { kind: 'optional', at, inner: type } : type }
  }
}
