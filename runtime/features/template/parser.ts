// Parses Jet templates. Errors name the template and the line.

import { cutTemplate, type Delimiters, jetDelimiters, type Piece, type Token, templateError } from './lexer.ts'
import type { Assignment, Block, Expression, Parameter, Statement, Template } from './tree.ts'

const powers: Readonly<Record<string, number>> = {
  '||': 1, '&&': 2, '==': 3, '!=': 3, '<': 4, '>': 4, '<=': 4, '>=': 4, '+': 5, '-': 5, '*': 6, '/': 6, '%': 6,
} // biome-ignore format: a table
const keywords = new Set([
  'if',
  'else',
  'end',
  'range',
  'block',
  'yield',
  'content',
  'include',
  'try',
  'catch',
  'return',
  'extends',
  'import',
])
const MAX_DEPTH = 100

/** The tree of a template's source. Throws Invalid. */
export function parseTemplate(name: string, source: string, delimiters: Delimiters = jetDelimiters): Template {
  return new TemplateParser(name, cutTemplate(name, source, delimiters)).template()
}

class TemplateParser {
  readonly #name: string
  readonly #pieces: readonly Piece[]
  readonly #blocks = new Map<string, Block>()
  #at = 0
  #depth = 0

  constructor(name: string, pieces: readonly Piece[]) {
    this.#name = name
    this.#pieces = pieces
  }

  template(): Template {
    let parent: string | undefined
    const imports: string[] = []
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at]
      const blank = piece?.kind === 'text' && piece.text.trim() === ''
      const word = piece?.kind === 'action' ? piece.tokens[0]?.text : undefined
      const follows = parent !== undefined || imports.length > 0
      if (blank && (follows || this.#leads())) {
        this.#at++
        continue
      }
      if (piece?.kind !== 'action' || (word !== 'extends' && word !== 'import')) break
      const path = piece.tokens[1]
      if (path?.kind !== 'string' || piece.tokens.length > 2)
        throw this.#fail(piece.line, `${word} needs the name of a template in quotes`)
      if (word === 'extends' && follows)
        throw this.#fail(piece.line, 'extends must be the first action, and the only one')
      if (word === 'extends') parent = path.text
      else imports.push(path.text)
      this.#at++
    }
    const { statements, stop } = this.#statements([])
    if (stop !== undefined) throw this.#fail(stop.line, `unexpected ${stop.word}`)
    return { name: this.#name, extends: parent, imports, body: statements, blocks: this.#blocks }
  }

  /** Whether the next action is `extends` or `import`: blank text before them is not output. */
  #leads(): boolean {
    const next = this.#pieces[this.#at + 1]
    return next?.kind === 'action' && (next.tokens[0]?.text === 'extends' || next.tokens[0]?.text === 'import')
  }

  /** Statements up to an action that starts with one of the words. */
  #statements(until: readonly string[]): { statements: Statement[]; stop: Stop | undefined } {
    if (++this.#depth > MAX_DEPTH) throw this.#fail(1, `nested deeper than ${MAX_DEPTH} levels`)
    const statements: Statement[] = []
    for (;;) {
      const piece = this.#pieces[this.#at++]
      if (piece === undefined) {
        this.#depth--
        return { statements, stop: undefined }
      }
      if (piece.kind === 'text') {
        statements.push({ type: 'text', text: piece.text, line: 0 })
        continue
      }
      const tokens = new Tokens(this.#name, piece.tokens, piece.line)
      const word = tokens.word()
      if (word === 'end' || word === 'else' || word === 'catch' || (word === 'content' && until.includes(word))) {
        this.#depth--
        if (!until.includes(word)) throw this.#fail(piece.line, `unexpected ${word}`)
        return { statements, stop: { word, tokens, line: piece.line } }
      }
      statements.push(...this.#statement(word, tokens, piece.line))
    }
  }

  /** The body of something that must be ended. */
  #body(until: readonly string[], line: number, what: string): { statements: Statement[]; stop: Stop } {
    const { statements, stop } = this.#statements(until)
    if (stop === undefined) throw this.#fail(line, `${what} is not ended`)
    if (stop.word === 'end') {
      stop.tokens.skip()
      stop.tokens.done()
    }
    return { statements, stop }
  }

  #statement(word: string | undefined, tokens: Tokens, line: number): Statement[] {
    if (tokens.empty) return []
    if (word === undefined || !keywords.has(word)) return [this.#action(tokens, line)]
    tokens.skip()
    if (word === 'if') return [this.#if(tokens, line)]
    if (word === 'range') return [this.#range(tokens, line)]
    if (word === 'block') return [this.#block(tokens, line)]
    if (word === 'yield') return [this.#yield(tokens, line)]
    if (word === 'try') return [this.#try(tokens, line)]
    if (word === 'include') {
      const name = tokens.expression()
      const context = tokens.empty ? undefined : tokens.expression()
      tokens.done()
      return [{ type: 'include', name, context, line }]
    }
    if (word === 'return') {
      const value = tokens.pipeline()
      tokens.done()
      return [{ type: 'return', value, line }]
    }
    throw this.#fail(line, `unexpected ${word}`)
  }

  #action(tokens: Tokens, line: number): Statement {
    const assignment = tokens.assignment()
    if (assignment !== undefined) {
      tokens.done()
      return { type: 'set', assignment, line }
    }
    const value = tokens.pipeline()
    tokens.done()
    return { type: 'print', value, line }
  }

  #if(tokens: Tokens, line: number): Statement {
    const before = tokens.assignment()
    if (before !== undefined) tokens.expect(';')
    const test = tokens.pipeline()
    tokens.done()
    const { statements, stop } = this.#body(['else', 'end'], line, 'if')
    if (stop.word === 'end') return { type: 'if', before, test, yes: statements, no: [], line }
    stop.tokens.skip()
    if (stop.tokens.word() === 'if') {
      stop.tokens.skip()
      if (++this.#depth > MAX_DEPTH) throw this.#fail(line, `nested deeper than ${MAX_DEPTH} levels`)
      const otherwise = this.#if(stop.tokens, stop.line)
      this.#depth--
      return { type: 'if', before, test, yes: statements, no: [otherwise], line }
    }
    stop.tokens.done()
    return { type: 'if', before, test, yes: statements, no: this.#body(['end'], line, 'if').statements, line }
  }

  #range(tokens: Tokens, line: number): Statement {
    const names = tokens.rangeNames()
    const source = tokens.pipeline()
    tokens.done()
    const { statements, stop } = this.#body(['else', 'end'], line, 'range')
    if (stop.word === 'end') return { type: 'range', names, source, body: statements, otherwise: [], line }
    stop.tokens.skip()
    stop.tokens.done()
    const otherwise = this.#body(['end'], line, 'range').statements
    return { type: 'range', names, source, body: statements, otherwise, line }
  }

  #block(tokens: Tokens, line: number): Statement {
    const name = tokens.name('a block needs a name')
    if (keywords.has(name)) throw this.#fail(line, `a block cannot be named ${name}`)
    const parameters: Parameter[] = []
    if (tokens.take('(')) {
      while (!tokens.take(')')) {
        if (parameters.length > 0) tokens.expect(',')
        parameters.push({
          name: tokens.name('a parameter needs a name'),
          fallback: tokens.take('=') ? tokens.expression() : undefined,
        })
      }
    }
    const context = tokens.empty ? undefined : tokens.expression()
    tokens.done()
    const { statements: body, stop } = this.#body(['content', 'end'], line, `block ${name}`)
    let content: readonly Statement[] | undefined
    if (stop.word === 'content') {
      stop.tokens.skip()
      stop.tokens.done()
      content = this.#body(['end'], line, `block ${name}`).statements
    }
    const block: Block = { name, parameters, context, body, content, line }
    this.#blocks.set(name, block)
    return { type: 'block', block, line }
  }

  #yield(tokens: Tokens, line: number): Statement {
    const name = tokens.name('yield needs the name of a block')
    if (name === 'content') {
      const context = tokens.empty ? undefined : tokens.expression()
      tokens.done()
      return { type: 'content', context, line }
    }
    const args = new Map<string, Expression>()
    tokens.expect('(')
    while (!tokens.take(')')) {
      if (args.size > 0) tokens.expect(',')
      const parameter = tokens.name('arguments of yield are named: name=value')
      tokens.expect('=')
      args.set(parameter, tokens.expression())
    }
    const bare = tokens.empty || tokens.word() === 'content'
    const context = bare ? undefined : tokens.expression()
    if (tokens.word() !== 'content') {
      tokens.done()
      return { type: 'yield', name, args, context, content: undefined, line }
    }
    tokens.skip()
    tokens.done()
    const content = this.#body(['end'], line, `yield ${name}`).statements
    return { type: 'yield', name, args, context, content, line }
  }

  #try(tokens: Tokens, line: number): Statement {
    tokens.done()
    const { statements: body, stop } = this.#body(['catch', 'end'], line, 'try')
    if (stop.word === 'end') return { type: 'try', body, caught: undefined, errorName: undefined, line }
    stop.tokens.skip()
    const errorName = stop.tokens.empty ? undefined : stop.tokens.name('catch takes the name of a variable')
    stop.tokens.done()
    return { type: 'try', body, caught: this.#body(['end'], line, 'try').statements, errorName, line }
  }

  #fail(line: number, message: string): Error {
    return templateError(this.#name, line, message)
  }
}

interface Stop {
  readonly word: string
  readonly tokens: Tokens
  readonly line: number
}

/** The tokens of one action, read from the left. */
class Tokens {
  readonly #template: string
  readonly #tokens: readonly Token[]
  readonly #line: number
  #at = 0
  #depth = 0

  constructor(template: string, tokens: readonly Token[], line: number) {
    this.#template = template
    this.#tokens = tokens
    this.#line = line
  }

  get empty(): boolean {
    return this.#at >= this.#tokens.length
  }

  /** The next token if it is a word. */
  word(): string | undefined {
    const token = this.#tokens[this.#at]
    return token?.kind === 'name' ? token.text : undefined
  }

  skip(): void {
    this.#at++
  }

  take(operator: string): boolean {
    const token = this.#tokens[this.#at]
    const found = token?.kind === 'operator' && token.text === operator
    if (found) this.#at++
    return found
  }

  expect(operator: string): void {
    if (!this.take(operator)) throw this.#fail(`expected "${operator}", found ${this.#shown()}`)
  }

  done(): void {
    if (!this.empty) throw this.#fail(`unexpected ${this.#shown()}`)
  }

  name(message: string): string {
    const word = this.word()
    if (word === undefined) throw this.#fail(message)
    this.#at++
    return word
  }

  /** `name := value` or `name = value`, if that is what follows. */
  assignment(): Assignment | undefined {
    const [name, sign] = [this.#tokens[this.#at], this.#tokens[this.#at + 1]]
    if (name?.kind !== 'name' || sign?.kind !== 'operator' || (sign.text !== ':=' && sign.text !== '='))
      return undefined
    this.#at += 2
    return { name: name.text, declares: sign.text === ':=', value: this.pipeline(), line: name.line }
  }

  /** `i, v :=` before the source of a range. */
  rangeNames(): string[] {
    const start = this.#at
    const names: string[] = []
    while (this.word() !== undefined && names.length < 2) {
      names.push(this.name(''))
      if (this.take(':=') || this.take('=')) return names
      if (!this.take(',')) break
    }
    this.#at = start
    return []
  }

  /** An expression and the functions it is piped through. */
  pipeline(): Expression {
    let value = this.#prefixed(this.expression())
    while (this.take('|')) {
      const callee = this.#postfix(this.#primary())
      const call = this.#prefixed(callee)
      if (call.type === 'call') value = { type: 'pipe', value, call }
      else value = { type: 'pipe', value, call: { type: 'call', callee, args: [], line: this.#line } }
    }
    return value
  }

  expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#fail(`nested deeper than ${MAX_DEPTH} levels`)
    const test = this.#binary(1)
    let value = test
    if (this.take('?')) {
      const yes = this.expression()
      this.expect(':')
      value = { type: 'conditional', test, yes, no: this.expression() }
    }
    this.#depth--
    return value
  }

  /** `len: a, b` is `len(a, b)`. */
  #prefixed(callee: Expression): Expression {
    if (!this.take(':')) return callee
    const args = [this.expression()]
    while (this.take(',')) args.push(this.expression())
    return { type: 'call', callee, args, line: this.#line }
  }

  #binary(power: number): Expression {
    let left = this.#unary()
    for (;;) {
      const token = this.#tokens[this.#at]
      const own = token?.kind === 'operator' && Object.hasOwn(powers, token.text) ? (powers[token.text] ?? 0) : 0
      if (token === undefined || own < power || own === 0) return left
      this.#at++
      left = { type: 'binary', operator: token.text, left, right: this.#binary(own + 1), line: token.line }
    }
  }

  #unary(): Expression {
    const token = this.#tokens[this.#at]
    if (token?.kind === 'operator' && (token.text === '!' || token.text === '-')) {
      if (++this.#depth > MAX_DEPTH) throw this.#fail(`nested deeper than ${MAX_DEPTH} levels`)
      this.#at++
      const operand = this.#unary()
      this.#depth--
      return { type: 'unary', operator: token.text, operand, line: token.line }
    }
    return this.#postfix(this.#primary())
  }

  #postfix(start: Expression): Expression {
    let value = start
    for (;;) {
      const token = this.#tokens[this.#at]
      if (token?.kind === 'field') {
        this.#at++
        value = { type: 'member', object: value, key: { type: 'literal', value: token.text }, line: token.line }
      } else if (this.take('(')) {
        value = { type: 'call', callee: value, args: this.#list(')'), line: this.#line }
      } else if (this.take('[')) {
        value = this.#index(value)
      } else {
        return value
      }
    }
  }

  #index(object: Expression): Expression {
    const from = this.#at < this.#tokens.length && this.#tokens[this.#at]?.text === ':' ? undefined : this.expression()
    if (this.take(':')) {
      const to = this.take(']') ? undefined : this.expression()
      if (to !== undefined) this.expect(']')
      return { type: 'slice', object, from, to, line: this.#line }
    }
    this.expect(']')
    if (from === undefined) throw this.#fail('an index is missing')
    return { type: 'member', object, key: from, line: this.#line }
  }

  #list(close: string): Expression[] {
    const items: Expression[] = []
    while (!this.take(close)) {
      if (items.length > 0) this.expect(',')
      items.push(this.expression())
    }
    return items
  }

  #primary(): Expression {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw this.#fail('an expression is missing')
    if (token.kind === 'string') return { type: 'literal', value: token.text }
    if (token.kind === 'number') return { type: 'literal', value: Number(token.text) }
    if (token.kind === 'field') {
      return {
        type: 'member',
        object: { type: 'context' },
        key: { type: 'literal', value: token.text },
        line: token.line,
      }
    }
    if (token.kind === 'name') return named(token)
    if (token.text === '.') return { type: 'context' }
    if (token.text === '(') {
      const value = this.pipeline()
      this.expect(')')
      return value
    }
    this.#at--
    throw this.#fail(`unexpected ${this.#shown()}`)
  }

  #shown(): string {
    const token = this.#tokens[this.#at]
    return token === undefined ? 'the end of the action' : JSON.stringify(token.text)
  }

  #fail(message: string): Error {
    return templateError(
      this.#template,
      this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]?.line ?? this.#line,
      message,
    )
  }
}

function named(token: Token): Expression {
  if (token.text === 'true' || token.text === 'false') return { type: 'literal', value: token.text === 'true' }
  if (token.text === 'nil') return { type: 'literal', value: null }
  if (token.text === '_') return { type: 'slot' }
  return { type: 'name', name: token.text, line: token.line }
}
