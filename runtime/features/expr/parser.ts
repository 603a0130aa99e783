// Pratt parser of expr-lang: text to tree. Knows the grammar and the names of builtins; knows no types and runs nothing.

import { builtins } from './builtins.ts'
import { expressionError, type Token, tokenize } from './lexer.ts'

export type Node = { readonly at: number } & (
  | { readonly type: 'literal'; readonly value: null | boolean | number | bigint | string; readonly float: boolean }
  | { readonly type: 'name'; readonly name: string }
  /** `#`, `#index`, `#acc` */
  | { readonly type: 'pointer'; readonly name: '' | 'index' | 'acc' }
  | { readonly type: 'unary'; readonly operator: string; readonly operand: Node }
  | { readonly type: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly type: 'member'; readonly object: Node; readonly property: Node; readonly optional: boolean }
  | { readonly type: 'slice'; readonly object: Node; readonly from: Node | undefined; readonly to: Node | undefined }
  /** Bounds what a failed `?.` skips. */
  | { readonly type: 'chain'; readonly body: Node }
  | { readonly type: 'method'; readonly object: Node; readonly name: string; readonly args: readonly Node[] }
  | { readonly type: 'builtin'; readonly name: string; readonly args: readonly Node[] }
  | { readonly type: 'predicate'; readonly body: Node }
  | { readonly type: 'conditional'; readonly test: Node; readonly yes: Node; readonly no: Node }
  | { readonly type: 'let'; readonly name: string; readonly value: Node; readonly body: Node }
  | { readonly type: 'sequence'; readonly parts: readonly Node[] }
  | { readonly type: 'array'; readonly items: readonly Node[] }
  | { readonly type: 'map'; readonly pairs: readonly (readonly [Node, Node])[] }
)

interface Binding {
  readonly power: number
  readonly right?: true
}

const binaryOperators: Readonly<Record<string, Binding>> = {
  '|': { power: 0 },
  or: { power: 10 },
  '||': { power: 10 },
  and: { power: 15 },
  '&&': { power: 15 },
  '==': { power: 20 },
  '!=': { power: 20 },
  '<': { power: 20 },
  '>': { power: 20 },
  '<=': { power: 20 },
  '>=': { power: 20 },
  in: { power: 20 },
  matches: { power: 20 },
  contains: { power: 20 },
  startsWith: { power: 20 },
  endsWith: { power: 20 },
  '..': { power: 25 },
  '+': { power: 30 },
  '-': { power: 30 },
  '*': { power: 60 },
  '/': { power: 60 },
  '%': { power: 60 },
  '**': { power: 100, right: true },
  '^': { power: 100, right: true },
  '??': { power: 500 },
}
const unaryPowers: Readonly<Record<string, number>> = { not: 50, '!': 50, '-': 90, '+': 90 }
const negatable = new Set(['in', 'matches', 'contains', 'startsWith', 'endsWith'])
const words = new Set(['and', 'or', 'not', 'in', 'matches', 'contains', 'startsWith', 'endsWith', 'let', 'if', 'else'])

// Parsing, checking and running recurse: the bound keeps them far from the end of the stack.
const MAX_DEPTH = 150
const MAX_NODES = 10_000

/** The tree of a text. Throws Internal with a marked snippet. */
export function parse(source: string): Node {
  return new Parser(source).program()
}

class Parser {
  readonly #source: string
  readonly #tokens: readonly Token[]
  #position = 0
  #depth = 0
  #nodes = 0
  #predicates = 0

  constructor(source: string) {
    this.#source = source
    this.#tokens = tokenize(source)
  }

  program(): Node {
    const body = this.#sequence()
    const rest = this.#peek()
    if (rest.kind !== 'end') throw this.#unexpected(rest)
    return body
  }

  #sequence(): Node {
    const first = this.#expression(0)
    if (!this.#is(';')) return first
    const parts = [first]
    while (this.#take(';')) {
      if (this.#peek().kind === 'end' || this.#is('}') || this.#is(')')) break
      parts.push(this.#expression(0))
    }
    return parts.length === 1 ? first : this.#node({ type: 'sequence', parts, at: first.at })
  }

  #expression(power: number): Node {
    if (++this.#depth > MAX_DEPTH)
      throw this.#fail(`expression is nested deeper than ${MAX_DEPTH} levels`, this.#peek())
    const node = this.#expressionWithin(power)
    this.#depth--
    return node
  }

  #expressionWithin(power: number): Node {
    if (power === 0 && this.#isWord('let')) return this.#let()
    if (power === 0 && this.#isWord('if')) return this.#if()
    let left = this.#unary()
    for (;;) {
      const token = this.#peek()
      const negated = this.#isWord('not') && negatable.has(this.#peek(1).text)
      const operator = negated ? this.#peek(1) : token
      const binding = operator.kind === 'operator' || operator.kind === 'name' ? ownBinding(operator.text) : undefined
      if (binding === undefined || binding.power < power) break
      this.#position += negated ? 2 : 1
      left = operator.text === '|' ? this.#pipe(left) : this.#binary(left, operator, binding, negated)
    }
    return power === 0 ? this.#conditional(left) : left
  }

  #binary(left: Node, operator: Token, binding: Binding, negated: boolean): Node {
    const right = this.#expression(binding.right ? binding.power : binding.power + 1)
    const names: Readonly<Record<string, string>> = { '||': 'or', '&&': 'and', '^': '**' }
    const node = this.#node({
      type: 'binary',
      operator: names[operator.text] ?? operator.text,
      left,
      right,
      at: operator.at,
    })
    return negated ? this.#node({ type: 'unary', operator: 'not', operand: node, at: operator.at }) : node
  }

  /** `left | name(args)`: the left side becomes the first argument. */
  #pipe(left: Node): Node {
    const name = this.#next()
    if (name.kind !== 'name') throw this.#unexpected(name)
    return this.#postfix(this.#call(name, left))
  }

  #conditional(test: Node): Node {
    let node = test
    while (this.#is('?') || this.#is('?:')) {
      const at = this.#next()
      if (at.text === '?:') {
        node = this.#node({ type: 'conditional', test: node, yes: node, no: this.#expression(0), at: at.at })
        continue
      }
      const yes = this.#is(':') ? node : this.#expression(0)
      this.#expect(':')
      node = this.#node({ type: 'conditional', test: node, yes, no: this.#expression(0), at: at.at })
    }
    return node
  }

  #let(): Node {
    const at = this.#next().at
    const name = this.#next()
    if (name.kind !== 'name' || words.has(name.text)) throw this.#unexpected(name)
    this.#expect('=')
    const value = this.#expression(0)
    this.#expect(';')
    return this.#node({ type: 'let', name: name.text, value, body: this.#sequence(), at })
  }

  #if(): Node {
    const at = this.#next().at
    const test = this.#expression(0)
    const yes = this.#block()
    const no = this.#next()
    if (no.text !== 'else') throw this.#unexpected(no)
    return this.#node({ type: 'conditional', test, yes, no: this.#isWord('if') ? this.#if() : this.#block(), at })
  }

  #block(): Node {
    this.#expect('{')
    const body = this.#sequence()
    this.#expect('}')
    return body
  }

  #unary(): Node {
    const token = this.#peek()
    const power = token.kind === 'operator' || token.text === 'not' ? ownPower(token.text) : undefined
    if (power === undefined || token.kind === 'string') return this.#postfix(this.#primary())
    this.#position++
    const operand = this.#expression(power)
    return this.#node({ type: 'unary', operator: token.text === '!' ? 'not' : token.text, operand, at: token.at })
  }

  #primary(): Node {
    const token = this.#next()
    if (token.kind === 'number')
      return this.#node({ type: 'literal', value: token.value, float: token.float, at: token.at })
    if (token.kind === 'string') return this.#node({ type: 'literal', value: token.text, float: false, at: token.at })
    if (token.kind === 'name') return this.#named(token)
    if (token.text === '(') {
      const inner = this.#sequence()
      this.#expect(')')
      return inner
    }
    if (token.text === '[') return this.#node({ type: 'array', items: this.#list(']'), at: token.at })
    if (token.text === '{') return this.#map(token)
    if (token.text === '::') return this.#global(token)
    if (this.#predicates > 0 && token.text === '#') return this.#pointer(token)
    // `.field` in a predicate is `#.field`: the dot is left for the postfix loop.
    if (this.#predicates > 0 && (token.text === '.' || token.text === '?.')) {
      this.#position--
      return this.#node({ type: 'pointer', name: '', at: token.at })
    }
    throw this.#unexpected(token)
  }

  #named(token: Token): Node {
    if (token.text === 'true' || token.text === 'false') {
      return this.#node({ type: 'literal', value: token.text === 'true', float: false, at: token.at })
    }
    if (token.text === 'nil') return this.#node({ type: 'literal', value: null, float: false, at: token.at })
    if (words.has(token.text)) throw this.#unexpected(token)
    if (this.#is('(')) return this.#call(token, undefined)
    return this.#node({ type: 'name', name: token.text, at: token.at })
  }

  /** `::name` is the builtin, even if the environment has that name. */
  #global(token: Token): Node {
    const name = this.#next()
    if (name.kind !== 'name' || !this.#is('(')) throw this.#unexpected(token)
    return this.#call(name, undefined)
  }

  #pointer(token: Token): Node {
    const name = this.#peek()
    const attached = name.kind === 'name' && name.at === token.at + 1
    if (!attached) return this.#node({ type: 'pointer', name: '', at: token.at })
    this.#position++
    if (name.text !== 'index' && name.text !== 'acc') throw this.#fail(`unknown pointer #${name.text}`, token)
    return this.#node({ type: 'pointer', name: name.text, at: token.at })
  }

  #call(name: Token, piped: Node | undefined): Node {
    const builtin = Object.hasOwn(builtins, name.text) ? builtins[name.text] : undefined
    if (builtin === undefined) throw this.#fail(`unknown name ${name.text}`, name)
    this.#expect('(')
    const args: Node[] = piped === undefined ? [] : [piped]
    while (!this.#is(')')) {
      if (args.length > (piped === undefined ? 0 : 1)) this.#expect(',')
      if (this.#is(')')) break
      args.push(args.length === builtin.predicateAt ? this.#predicate() : this.#expression(0))
    }
    this.#expect(')')
    const { least, most } = builtin
    if (args.length < least) throw this.#fail(`not enough arguments to call ${name.text}`, name)
    if (args.length > most) throw this.#fail(`too many arguments to call ${name.text}`, name)
    return this.#node({ type: 'builtin', name: name.text, args, at: name.at })
  }

  #predicate(): Node {
    const at = this.#peek().at
    this.#predicates++
    const body = this.#is('{') ? this.#block() : this.#expression(0)
    this.#predicates--
    return this.#node({ type: 'predicate', body, at })
  }

  #map(brace: Token): Node {
    const pairs: [Node, Node][] = []
    while (!this.#is('}')) {
      if (pairs.length > 0) this.#expect(',')
      if (this.#is('}')) break
      const key = this.#mapKey()
      this.#expect(':')
      pairs.push([key, this.#expression(0)])
    }
    this.#expect('}')
    return this.#node({ type: 'map', pairs, at: brace.at })
  }

  #mapKey(): Node {
    const token = this.#next()
    if (token.kind === 'name' || token.kind === 'string' || token.kind === 'number') {
      return this.#node({ type: 'literal', value: token.text, float: false, at: token.at })
    }
    if (token.text !== '(')
      throw this.#fail(
        `a map key must be a quoted string, a number, an identifier, or an expression enclosed in parentheses (unexpected token ${shown(token)})`,
        token,
      )
    const key = this.#expression(0)
    this.#expect(')')
    return key
  }

  #postfix(start: Node): Node {
    let node = start
    let optional = false
    for (;;) {
      const token = this.#peek()
      if (token.kind !== 'operator' || !(token.text === '.' || token.text === '?.' || token.text === '[')) break
      this.#position++
      optional ||= token.text === '?.'
      if (token.text === '[' || (token.text === '?.' && this.#is('['))) {
        if (token.text === '?.') this.#position++
        node = this.#index(node, token)
      } else {
        node = this.#member(node, token)
      }
    }
    return optional ? this.#node({ type: 'chain', body: node, at: start.at }) : node
  }

  #member(object: Node, dot: Token): Node {
    const name = this.#next()
    // Words are fields too: `.in`, `.not`.
    if (name.kind !== 'name') throw this.#fail(`unexpected token ${shown(name)}`, name)
    if (this.#take('(')) {
      return this.#node({ type: 'method', object, name: name.text, args: this.#list(')'), at: name.at })
    }
    const property = this.#node({ type: 'literal', value: name.text, float: false, at: name.at })
    return this.#node({ type: 'member', object, property, optional: dot.text === '?.', at: name.at })
  }

  #index(object: Node, token: Token): Node {
    const optional = token.text === '?.'
    const from = this.#is(':') ? undefined : this.#expression(0)
    if (this.#take(':')) {
      const to = this.#is(']') ? undefined : this.#expression(0)
      this.#expect(']')
      return this.#node({ type: 'slice', object, from, to, at: token.at })
    }
    this.#expect(']')
    if (from === undefined) throw this.#unexpected(this.#peek())
    return this.#node({ type: 'member', object, property: from, optional, at: token.at })
  }

  #list(close: string): Node[] {
    const items: Node[] = []
    while (!this.#is(close)) {
      if (items.length > 0) this.#expect(',')
      if (this.#is(close)) break
      items.push(this.#expression(0))
    }
    this.#expect(close)
    return items
  }

  #node(node: Node): Node {
    if (++this.#nodes > MAX_NODES) {
      throw expressionError(`expression has more than ${MAX_NODES} nodes`, this.#source, node.at)
    }
    return node
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#position + ahead, this.#tokens.length - 1)] as Token // the list ends with `end`
  }

  #next(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#position++
    return token
  }

  #is(operator: string): boolean {
    const token = this.#peek()
    return token.kind === 'operator' && token.text === operator
  }

  #isWord(word: string): boolean {
    const token = this.#peek()
    return token.kind === 'name' && token.text === word
  }

  #take(operator: string): boolean {
    const found = this.#is(operator)
    if (found) this.#position++
    return found
  }

  #expect(operator: string): void {
    if (!this.#take(operator)) throw this.#unexpected(this.#peek())
  }

  #unexpected(token: Token): Error {
    return this.#fail(`unexpected token ${shown(token)}`, token)
  }

  #fail(message: string, token: Token): Error {
    return expressionError(message, this.#source, token.at)
  }
}

function shown(token: Token): string {
  const kinds = { number: 'Number', string: 'String', name: 'Identifier', operator: 'Operator', end: 'EOF' } as const
  return token.kind === 'end' ? 'EOF' : `${kinds[token.kind]}(${JSON.stringify(token.text)})`
}

function ownBinding(text: string): Binding | undefined {
  return Object.hasOwn(binaryOperators, text) ? binaryOperators[text] : undefined
}

function ownPower(text: string): number | undefined {
  return Object.hasOwn(unaryPowers, text) ? unaryPowers[text] : undefined
}
