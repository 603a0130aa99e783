// Reads expressions of typed Lua: Lua's own, and the casts `:: T`, `as T` and `!`.

import type {
  CallExpression,
  Expression,
  FunctionExpression,
  MethodExpression,
  Name,
  NameExpression,
  TableExpression,
  TableField,
} from './ast.ts'
import { type Cursor, stringValue } from './cursor.ts'
import { NAME, NUMBER, STRING } from './lexer.ts'
import type { TypeParser } from './type-parser.ts'
import type { TypeScope } from './type-scope.ts'

/** What an expression needs of the statements around it. */
export interface Surroundings {
  /** Reads parameters and body, with the cursor behind `function`, which stands at `at`. */
  readonly functionBody: (at: number) => FunctionExpression
  /** May `...` be used here? */
  readonly inVararg: () => boolean
  /** The types and annotated variables that are known here. */
  readonly scope: () => TypeScope
}

/** The primitive that a global name stands for, unless the program gives it another meaning. */
export const typeNames: ReadonlyMap<string, string> = new Map(
  ['any', 'unknown', 'never', 'nil', 'number', 'integer', 'string', 'boolean'].map((name) => [
    name.charAt(0).toUpperCase() + name.slice(1),
    name,
  ]),
)

/** A name that may stand for a type as a value: `Number`, or `typeof` with the variable it asks about. */
export interface TypeWord {
  readonly name: NameExpression
  readonly subject: NameExpression | undefined
  readonly scope: TypeScope
}

/** Binding strength left and right of each operator, as Lua's own table. */
const precedence: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['or', [1, 1]],
  ['and', [2, 2]],
  ...['<', '>', '<=', '>=', '~=', '=='].map((operator): [string, [number, number]] => [operator, [3, 3]]),
  ['|', [4, 4]],
  ['~', [5, 5]],
  ['&', [6, 6]],
  ['<<', [7, 7]],
  ['>>', [7, 7]],
  ['..', [9, 8]],
  ['+', [10, 10]],
  ['-', [10, 10]],
  ['*', [11, 11]],
  ['/', [11, 11]],
  ['//', [11, 11]],
  ['%', [11, 11]],
  ['^', [14, 13]],
])
const UNARY = 12
const unaryOperators: ReadonlySet<string> = new Set(['not', '-', '#', '~'])
/** What a type may start with, after `as`. On a new line only what cannot be Lua's own `as(...)`, `as{...}` or `as"..."`. */
const typeStarts: ReadonlySet<string> = new Set([NAME, 'nil', 'true', 'false', NUMBER, 'function', '{', '(', STRING])
const typeStartsOnly: ReadonlySet<string> = new Set([NAME, 'nil', 'true', 'false', NUMBER])

export class ExpressionParser {
  /** The names read as values, outside types. */
  readonly reads = new Set<string>()
  readonly typeWords: TypeWord[] = []
  readonly #c: Cursor
  readonly #types: TypeParser
  readonly #surroundings: Surroundings

  constructor(cursor: Cursor, types: TypeParser, surroundings: Surroundings) {
    this.#c = cursor
    this.#types = types
    this.#surroundings = surroundings
  }

  /** One expression or several, between commas. */
  list(): Expression[] {
    const values = [this.expression()]
    while (this.#c.accept(',')) values.push(this.expression())
    return values
  }

  /** An expression of operators that bind more than `limit`. */
  expression(limit = 0): Expression {
    const c = this.#c
    c.enter()
    let left = this.#operand()
    for (;;) {
      const operator = c.kind
      const strength = precedence.get(operator)
      if (strength === undefined || strength[0] <= limit) break
      const at = c.start
      c.advance()
      left = { kind: 'binary', at, operator, left, right: this.expression(strength[1]) }
    }
    c.leave()
    return left
  }

  #operand(): Expression {
    const c = this.#c
    if (!unaryOperators.has(c.kind)) {
      const start = c.start
      return this.casts(this.#simple(), start)
    }
    const [at, operator] = [c.start, c.kind as 'not' | '-' | '#' | '~']
    c.advance()
    return { kind: 'unary', at, operator, operand: this.expression(UNARY) }
  }

  /** `:: T`, `as T` and `!` bind tighter than any operator. */
  casts(operand: Expression, start: number): Expression {
    const c = this.#c
    let inner = operand
    for (;;) {
      const at = c.start
      if (c.kind === '!') {
        inner = this.#nonNil(inner, start)
        if (c.is('.') || c.is('[') || c.is(':')) inner = this.#suffixes(inner, start)
      } else if ((c.kind === '::' && !this.#atLabel()) || this.#atAs()) {
        const subject = inner
        inner = c.erasing(at, (): Expression => {
          c.advance()
          return { kind: 'cast', at, inner: subject, type: this.#types.type() }
        })
      } else return inner
    }
  }

  /** `x!`, with the cursor on the mark: raises at run time when x is nil. */
  #nonNil(inner: Expression, start: number): Expression {
    const c = this.#c
    const at = c.start
    c.advance()
    if (inner.kind === 'nonnil') c.erase(at, c.lastEnd)
    else c.wrap(start, '__types.nonnil(')
    return { kind: 'nonnil', at, inner }
  }

  /** `::name::` on one line is a label even after an expression. */
  #atLabel(): boolean {
    const c = this.#c
    return c.peek(1) === NAME && c.peek(2) === '::' && !c.startsLine(1) && !c.startsLine(2)
  }

  #atAs(): boolean {
    const c = this.#c
    if (!c.isWord('as')) return false
    return !c.startsLine() ? typeStarts.has(c.peek(1)) : typeStartsOnly.has(c.peek(1)) && !c.startsLine(1)
  }

  #simple(): Expression {
    const c = this.#c
    const at = c.start
    switch (c.kind) {
      case NUMBER: {
        const text = c.text()
        c.advance()
        return { kind: 'number', at, text }
      }
      case STRING: {
        const value = stringValue(c.text())
        c.advance()
        return { kind: 'string', at, value }
      }
      case 'nil':
      case 'true':
      case 'false': {
        const { kind } = c
        c.advance()
        return { kind, at }
      }
      case '...':
        if (!this.#surroundings.inVararg() && !c.insideType) throw c.fail("cannot use '...' outside a vararg function")
        c.advance()
        return { kind: 'vararg', at }
      case '{':
        return this.#table()
      case 'function':
        c.advance()
        return this.#surroundings.functionBody(at)
      default:
        return this.suffixed()
    }
  }

  /** A name or a parenthesis, with its fields, indexes and calls. */
  suffixed(): Expression {
    const c = this.#c
    const at = c.start
    if (c.kind === NAME) {
      const name = c.text()
      c.advance()
      this.read(name)
      const expression: NameExpression = { kind: 'name', at, name }
      const whole = this.#suffixes(expression, at)
      if (!c.insideType && (name === 'typeof' || typeNames.has(name))) {
        this.typeWords.push({
          name: expression,
          subject: subjectOf(expression, whole),
          scope: this.#surroundings.scope(),
        })
      }
      return whole
    }
    if (c.kind !== '(') throw c.fail('unexpected symbol')
    c.advance()
    const inner = this.expression()
    c.expectClosing(')', '(', at)
    return this.#suffixes({ kind: 'paren', at, inner }, at)
  }

  #suffixes(primary: Expression, start: number): Expression {
    const c = this.#c
    let object = primary
    for (;;) {
      const at = c.start
      switch (c.kind) {
        case '.':
          c.advance()
          object = { kind: 'index', at, object, key: keyOf(c.name()) }
          break
        case '[': {
          c.advance()
          const key = this.expression()
          c.expect(']')
          object = { kind: 'index', at, object, key }
          break
        }
        case ':': {
          c.advance()
          const name = c.name()
          const call: MethodExpression = { kind: 'method', at, object, name, args: this.#args() }
          object = call
          break
        }
        case '(':
        case '{':
        case STRING: {
          // After `x!` only a field or a method goes on; a parenthesis begins the next statement.
          if (object.kind === 'nonnil') return object
          const call: CallExpression = { kind: 'call', at, callee: object, args: this.#args() }
          object = call
          break
        }
        case '!': {
          const next = c.peek(1)
          if (next !== '.' && next !== '[' && next !== ':') return object
          object = this.#nonNil(object, start)
          break
        }
        default:
          return object
      }
    }
  }

  #args(): Expression[] {
    const c = this.#c
    const at = c.start
    if (c.kind === STRING) {
      const value = stringValue(c.text())
      c.advance()
      return [{ kind: 'string', at, value }]
    }
    if (c.kind === '{') return [this.#table()]
    if (!c.accept('(')) throw c.fail('function arguments expected')
    if (c.accept(')')) return []
    const args = this.list()
    c.expectClosing(')', '(', at)
    return args
  }

  #table(): TableExpression {
    const c = this.#c
    const at = c.start
    const fields: TableField[] = []
    c.expect('{')
    while (c.kind !== '}') {
      fields.push(this.#field())
      if (!c.accept(',') && !c.accept(';')) break
    }
    c.expectClosing('}', '{', at)
    return { kind: 'table', at, fields }
  }

  #field(): TableField {
    const c = this.#c
    const at = c.start
    if (c.kind === NAME && c.peek(1) === '=') {
      const key = keyOf(c.name())
      c.advance()
      return { at, key, value: this.expression() }
    }
    if (c.accept('[')) {
      const key = this.expression()
      c.expect(']')
      c.expect('=')
      return { at, key, value: this.expression() }
    }
    return { at, key: undefined, value: this.expression() }
  }

  /** Notes a name that is read as a value. */
  read(name: string): void {
    if (!this.#c.insideType) this.reads.add(name)
  }
}

/** `x` of `typeof(x)`, whatever follows it. */
function subjectOf(name: NameExpression, whole: Expression): NameExpression | undefined {
  for (let at = whole; ; ) {
    if (at.kind === 'call') {
      if (at.callee === name) return at.args.length === 1 && at.args[0]?.kind === 'name' ? at.args[0] : undefined
      at = at.callee
    } else if (at.kind === 'index' || at.kind === 'method') at = at.object
    else if (at.kind === 'nonnil') at = at.inner
    else return undefined
  }
}

/** A name as the constant key that it stands for: `t.name`. */
export const keyOf = (name: Name): Expression => ({ kind: 'string', at: name.at, value: name.text })
