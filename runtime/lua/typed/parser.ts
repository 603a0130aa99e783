// Reads typed Lua: all of Lua 5.4 plus Wippy's types, whose extra words are ordinary names everywhere else.
// One pass gives the tree and the list of stretches to blank, so the eraser and the checker can never disagree.

import type {
  Chunk,
  Expression,
  FunctionExpression,
  IfStatement,
  IndexExpression,
  InterfaceStatement,
  LocalName,
  NamedType,
  NameExpression,
  Statement,
  Type,
  TypedName,
  TypeStatement,
} from './ast.ts'
import { Cursor } from './cursor.ts'
import { ExpressionParser, keyOf, type TypeWord } from './expression-parser.ts'
import { EOF, NAME, type Patch, tokenize } from './lexer.ts'
import { TypeParser } from './type-parser.ts'
import { type Declaration, TypeScope } from './type-scope.ts'

export interface Parsed {
  readonly chunk: Chunk
  /** What turns the source into plain Lua: blanked types and dialect repairs, in no order. */
  readonly patches: readonly Patch[]
  /** The names read as values, outside types. */
  readonly reads: ReadonlySet<string>
  /** The names that may stand for types as values, where they are read. */
  readonly typeWords: readonly TypeWord[]
  /** Every `type` and `interface` statement, in order. */
  readonly declarations: readonly Declaration[]
}

/** Reads a chunk. Throws Invalid, with line and column in its details, when the text is not typed Lua. */
export function parse(source: string, name: string): Parsed {
  return new Parser(new Cursor(tokenize(source, name))).run()
}

const blockEnds: ReadonlySet<string> = new Set(['end', 'else', 'elseif', 'until', EOF])
class Parser {
  readonly #c: Cursor
  readonly #values: ExpressionParser
  readonly #types: TypeParser
  readonly #declarations: Declaration[] = []
  #scope = new TypeScope()
  #inVararg = true
  #loops = 0

  constructor(cursor: Cursor) {
    this.#c = cursor
    this.#types = new TypeParser(cursor, () => this.#values.expression())
    this.#values = new ExpressionParser(cursor, this.#types, {
      functionBody: (at) => this.#functionBody(at),
      inVararg: () => this.#inVararg,
      scope: () => this.#scope,
    })
  }

  run(): Parsed {
    const c = this.#c
    const body = this.#block()
    if (c.kind !== EOF) throw c.fail(`${EOF} expected`)
    const { name, lineStarts, repairs } = c.tokens
    const patches = [...repairs, ...c.erased]
    const { reads, typeWords } = this.#values
    return { chunk: { name, body, lineStarts }, patches, reads, typeWords, declarations: this.#declarations }
  }

  // ---- statements ----

  /** The statements of a block, in which `variables` are known. */
  #block(variables: readonly TypedName[] = []): Statement[] {
    const c = this.#c
    const body: Statement[] = []
    this.#scope = new TypeScope(this.#scope)
    if (variables.length > 0) this.#scope.declareVariables(variables)
    while (!blockEnds.has(c.kind)) {
      if (c.accept(';')) continue
      const statement = this.#statement()
      body.push(statement)
      c.separate()
      if (statement.kind === 'return') {
        c.accept(';')
        break
      }
    }
    // The scope of a block is inside the one that was current before it.
    this.#scope = this.#scope.parent ?? this.#scope
    return body
  }

  #statement(): Statement {
    const c = this.#c
    c.enter()
    const statement = this.#oneStatement()
    c.leave()
    return statement
  }

  #oneStatement(): Statement {
    const c = this.#c
    const at = c.start
    switch (c.kind) {
      case 'local':
        c.advance()
        return c.accept('function') ? this.#localFunction(at) : this.#local(at)
      case 'if':
        return this.#if(at)
      case 'for':
        return this.#for(at)
      case 'function':
        return this.#function(at)
      case 'return':
        c.advance()
        return { kind: 'return', at, values: blockEnds.has(c.kind) || c.is(';') ? [] : this.#values.list() }
      case 'while': {
        c.advance()
        const condition = this.#values.expression()
        c.expect('do')
        return { kind: 'while', at, condition, body: this.#loopBody('while', at) }
      }
      case 'do': {
        c.advance()
        const body = this.#block()
        c.expectClosing('end', 'do', at)
        return { kind: 'do', at, body }
      }
      case 'repeat': {
        c.advance()
        this.#loops += 1
        const body = this.#block()
        this.#loops -= 1
        c.expectClosing('until', 'repeat', at)
        return { kind: 'repeat', at, body, condition: this.#values.expression() }
      }
      case 'break':
        if (this.#loops === 0) throw c.fail('break outside a loop')
        c.advance()
        return { kind: 'break', at }
      case 'goto':
        c.advance()
        return { kind: 'goto', at, label: c.name().text }
      case '::': {
        c.advance()
        const label = c.name().text
        c.expect('::')
        return { kind: 'label', at, label }
      }
    }
    if (c.peek(1) === NAME) {
      if (c.isWord('type') && (c.peek(2) === '=' || c.peek(2) === '<')) return this.#typeStatement()
      if (c.isWord('interface')) return this.#interface()
    }
    return this.#expressionStatement()
  }

  #loopBody(opening: string, at: number, variables: readonly TypedName[] = []): Statement[] {
    this.#loops += 1
    const body = this.#block(variables)
    this.#loops -= 1
    this.#c.expectClosing('end', opening, at)
    return body
  }

  #local(at: number): Statement {
    const c = this.#c
    const names: LocalName[] = []
    do {
      const name = c.name()
      const attribute = c.kind === '<' ? this.#attribute() : undefined
      names.push({ ...name, attribute, type: this.#annotation() })
    } while (c.accept(','))
    const values = c.accept('=') ? this.#values.list() : []
    this.#scope.declareVariables(names)
    return { kind: 'local', at, names, values }
  }

  #attribute(): string {
    const c = this.#c
    c.expect('<')
    const attribute = c.name()
    if (attribute.text !== 'const' && attribute.text !== 'close') {
      throw c.failAt(attribute.at, `unknown attribute '${attribute.text}'`)
    }
    c.closeAngle()
    return attribute.text
  }

  /** `: T` after a name, if it is there. */
  #annotation(): Type | undefined {
    const c = this.#c
    if (c.kind !== ':') return undefined
    return c.erasing(c.start, () => {
      c.advance()
      return this.#types.type()
    })
  }

  #localFunction(at: number): Statement {
    const name = this.#c.name()
    this.#scope.declareVariables([{ ...name, type: undefined }])
    return { kind: 'local-function', at, name, value: this.#functionBody(at) }
  }

  #function(at: number): Statement {
    const c = this.#c
    c.advance()
    const first = c.name()
    this.#values.read(first.text)
    let target: NameExpression | IndexExpression = { kind: 'name', at: first.at, name: first.text }
    let method = false
    while (!method && (c.kind === '.' || c.kind === ':')) {
      method = c.kind === ':'
      c.advance()
      target = { kind: 'index', at, object: target, key: keyOf(c.name()) }
    }
    return { kind: 'function', at, target, method, value: this.#functionBody(at) }
  }

  #if(at: number): IfStatement {
    const c = this.#c
    const clauses: { condition: Expression; body: Statement[] }[] = []
    do {
      c.advance()
      const condition = this.#values.expression()
      c.expect('then')
      clauses.push({ condition, body: this.#block() })
    } while (c.kind === 'elseif')
    const otherwise = c.accept('else') ? this.#block() : undefined
    c.expectClosing('end', 'if', at)
    return { kind: 'if', at, clauses, otherwise }
  }

  #for(at: number): Statement {
    const c = this.#c
    c.advance()
    const names: TypedName[] = []
    do names.push({ ...c.name(), type: this.#annotation() })
    while (c.accept(','))
    if (names.length === 1 && c.accept('=')) {
      const from = this.#values.expression()
      c.expect(',')
      const to = this.#values.expression()
      const step = c.accept(',') ? this.#values.expression() : undefined
      c.expect('do')
      return { kind: 'for-number', at, variable: names[0]!, from, to, step, body: this.#loopBody('for', at, names) }
    }
    if (!c.accept('in')) throw c.fail("'=' or 'in' expected")
    const values = this.#values.list()
    c.expect('do')
    return { kind: 'for-in', at, names, values, body: this.#loopBody('for', at, names) }
  }

  #typeStatement(): TypeStatement {
    const c = this.#c
    const at = c.start
    return this.#declared(at, () => {
      c.advance()
      const name = c.name()
      const params = c.kind === '<' ? this.#types.typeParams() : []
      c.expect('=')
      return { kind: 'type', at, name, params, type: this.#types.type() }
    })
  }

  #declared<T extends TypeStatement | InterfaceStatement>(at: number, read: () => T): T {
    const c = this.#c
    const statement = c.erasing(at, read)
    if (!c.insideType) {
      const declaration = { statement, scope: this.#scope, start: at, end: c.erasedEnd }
      this.#scope.declare(declaration)
      this.#declarations.push(declaration)
    }
    return statement
  }

  #interface(): InterfaceStatement {
    const c = this.#c
    const at = c.start
    return this.#declared(at, () => {
      c.advance()
      const name = c.name()
      const params = c.kind === '<' ? this.#types.typeParams() : []
      const bases: NamedType[] = []
      if (c.accept(':')) {
        do {
          const base = c.name()
          bases.push({ kind: 'named', at: base.at, path: [base.text], args: [] })
        } while (c.accept(','))
      }
      const methods: InterfaceStatement['methods'][number][] = []
      while (c.accept('function')) {
        const method = c.name()
        methods.push({ name: method, type: this.#types.signature(method.at) })
      }
      c.expectClosing('end', 'interface', at)
      return { kind: 'interface', at, name, params, extends: bases, methods }
    })
  }

  #expressionStatement(): Statement {
    const c = this.#c
    const at = c.start
    const first = this.#values.suffixed()
    if (c.kind !== '=' && c.kind !== ',') {
      if (first.kind !== 'call' && first.kind !== 'method') throw c.fail('syntax error')
      // `f() :: T` and `f()!` as statements: the type says nothing, but harms nothing.
      this.#values.casts(first, at)
      return { kind: 'call', at, call: first }
    }
    const targets = [first]
    while (c.accept(',')) targets.push(this.#values.suffixed())
    for (const target of targets) {
      if (target.kind !== 'name' && target.kind !== 'index') throw c.fail('syntax error')
    }
    c.expect('=')
    return { kind: 'assign', at, targets, values: this.#values.list() }
  }

  // ---- functions ----

  #functionBody(at: number): FunctionExpression {
    const c = this.#c
    const typeParams = c.kind === '<' ? c.erasing(c.start, () => this.#types.typeParams()) : []
    const params: TypedName[] = []
    let vararg: { type: Type | undefined } | undefined
    const opened = c.start
    c.expect('(')
    if (c.kind !== ')') {
      do {
        if (c.accept('...')) {
          vararg = { type: this.#annotation() }
          break
        }
        const name = c.name()
        params.push({ ...name, type: this.#paramAnnotation() })
      } while (c.accept(','))
    }
    c.expectClosing(')', '(', opened)
    const returns = c.kind === ':' ? c.erasing(c.start, () => this.#returns()) : undefined
    const [outerVararg, outerLoops] = [this.#inVararg, this.#loops]
    this.#inVararg = vararg !== undefined
    this.#loops = 0
    const body = this.#block(params)
    this.#inVararg = outerVararg
    this.#loops = outerLoops
    const end = c.start
    c.expectClosing('end', 'function', at)
    return { kind: 'function', at, typeParams, params, vararg, returns, body, end }
  }

  #returns(): Type[] {
    this.#c.advance()
    return this.#types.returns()
  }

  /** `: T` or `?: T` after a parameter. */
  #paramAnnotation(): Type | undefined {
    const c = this.#c
    if (c.kind !== '?' || c.peek(1) !== ':') return this.#annotation()
    const at = c.start
    return c.erasing(at, () => {
      c.advance(2)
      return { kind: 'optional', at, inner: this.#types.type() }
    })
  }
}
