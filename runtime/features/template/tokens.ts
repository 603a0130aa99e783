// The tokens of one action of a template, and the expressions they make.

import { type Token, templateError } from './lexer.ts'
import type { Assignment, Expression } from './tree.ts'

const powers: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '>': 4,
  '<=': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
}

export const MAX_DEPTH = 100

/** The tokens of one action, read from the left. */
export class Tokens {
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
