// Types of expr-lang, as far as they are known before running: unknown names and mismatched operands are found here.
// What is not known is `any` and fits everything, so a correct text is never refused.

import type { ExprType } from './builtin-shape.ts'
import { builtins } from './builtins.ts'
import { expressionError } from './lexer.ts'
import type { Node } from './parser.ts'
import { typeName } from './values.ts'

/** Types of the environment's names, or undefined when any name may occur. */
export type TypeEnvironment = ReadonlyMap<string, ExprType> | undefined

const arithmetic = new Set(['+', '-', '*', '/', '**'])
const ordering = new Set(['<', '>', '<=', '>='])
const textual = new Set(['contains', 'startsWith', 'endsWith', 'matches'])

/** The types of an environment's values; nested values are `any`, as in expr-lang's `map[string]any`. */
export function typesOf(environment: Readonly<Record<string, unknown>>): ReadonlyMap<string, ExprType> {
  return new Map(Object.keys(environment).map((name) => [name, valueType(environment[name])]))
}

function valueType(value: unknown): ExprType {
  const name = typeName(value)
  return name === 'nil' || name === 'unknown' ? 'any' : (name as ExprType) // the other names of typeName are ExprTypes
}

/** The type of the whole expression. Throws Internal with a marked snippet. */
export function check(node: Node, source: string, environment: TypeEnvironment): ExprType {
  return new Checker(source, environment).visit(node)
}

class Checker {
  readonly #source: string
  readonly #environment: TypeEnvironment
  readonly #locals: { name: string; type: ExprType }[] = []

  constructor(source: string, environment: TypeEnvironment) {
    this.#source = source
    this.#environment = environment
  }

  visit(node: Node): ExprType {
    switch (node.type) {
      case 'literal':
        return node.value === null ? 'nil' : node.float ? 'float' : valueType(node.value)
      case 'name':
        return this.#name(node)
      case 'pointer':
        return node.name === 'index' ? 'int' : 'any'
      case 'unary':
        return this.#unary(node)
      case 'binary':
        return this.#binary(node)
      case 'member':
        return this.#member(node)
      case 'slice':
        return this.#slice(node)
      case 'chain':
        this.visit(node.body)
        return 'any'
      case 'method':
        this.visit(node.object)
        for (const arg of node.args) this.visit(arg)
        return 'any'
      case 'builtin':
        return this.#builtin(node)
      case 'predicate':
        return this.visit(node.body)
      case 'conditional':
        return this.#conditional(node)
      case 'let':
        return this.#let(node)
      case 'sequence':
        return node.parts.map((part) => this.visit(part)).at(-1) ?? 'nil'
      case 'array':
        for (const item of node.items) this.visit(item)
        return 'array'
      case 'map':
        for (const [key, value] of node.pairs) {
          this.visit(key)
          this.visit(value)
        }
        return 'map'
    }
  }

  #name(node: Node & { type: 'name' }): ExprType {
    if (node.name === '$env') return 'any'
    const local = this.#locals.findLast(({ name }) => name === node.name)
    if (local !== undefined) return local.type
    const known = this.#environment?.get(node.name)
    if (known === undefined && this.#environment !== undefined) return this.#fail(`unknown name ${node.name}`, node)
    return known ?? 'any'
  }

  #unary(node: Node & { type: 'unary' }): ExprType {
    const type = this.visit(node.operand)
    if (node.operator === 'not') {
      if (fits(type, 'bool')) return 'bool'
    } else if (fits(type, 'number') || type === 'time.Duration') {
      return type
    }
    return this.#fail(`invalid operation: ${node.operator} (mismatched type ${type})`, node)
  }

  #binary(node: Node & { type: 'binary' }): ExprType {
    const left = this.visit(node.left)
    const right = this.visit(node.right)
    const result = binaryType(node.operator, left, right)
    if (result !== undefined) return result
    return this.#fail(`invalid operation: ${node.operator} (mismatched types ${left} and ${right})`, node)
  }

  #member(node: Node & { type: 'member' }): ExprType {
    const object = this.visit(node.object)
    const property = this.visit(node.property)
    if (object === 'array' && !fits(property, 'int')) {
      return this.#fail(`array elements can only be selected using an integer (got ${property})`, node)
    }
    if (fits(object, 'array') || fits(object, 'map') || object === 'nil') return 'any'
    const name = node.property.type === 'literal' ? String(node.property.value) : property
    return this.#fail(`type ${object} has no field ${name}`, node)
  }

  #slice(node: Node & { type: 'slice' }): ExprType {
    const object = this.visit(node.object)
    for (const bound of [node.from, node.to]) {
      const type = bound === undefined ? 'int' : this.visit(bound)
      if (!fits(type, 'int')) this.#fail(`non-integer slice index ${type}`, bound ?? node)
    }
    if (fits(object, 'array') || fits(object, 'string')) return object
    return this.#fail(`cannot slice ${object}`, node)
  }

  #builtin(node: Node & { type: 'builtin' }): ExprType {
    const builtin = builtins[node.name] as (typeof builtins)[string] // the parser only makes nodes of known builtins
    node.args.forEach((arg, index) => {
      const type = this.visit(arg)
      const takes = builtin.takes[Math.min(index, builtin.takes.length - 1)] ?? 'any'
      const accepted = typeof takes === 'string' ? [takes] : takes
      if (index === builtin.predicateAt || accepted.some((one) => fits(type, one))) return
      this.#fail(`cannot use ${type} as argument (type ${accepted.join(' or ')}) to call ${node.name}`, arg)
    })
    return builtin.gives
  }

  #conditional(node: Node & { type: 'conditional' }): ExprType {
    const test = this.visit(node.test)
    // `a ?: b` tests its own value: any type will do there.
    if (!fits(test, 'bool') && node.test !== node.yes) {
      this.#fail(`non-bool expression (type ${test}) used as condition`, node.test)
    }
    const yes = this.visit(node.yes)
    const no = this.visit(node.no)
    return yes === no ? yes : 'any'
  }

  #let(node: Node & { type: 'let' }): ExprType {
    if (this.#environment?.has(node.name) === true) this.#fail(`cannot redeclare ${node.name}`, node)
    if (Object.hasOwn(builtins, node.name)) this.#fail(`cannot redeclare builtin ${node.name}`, node)
    if (this.#locals.some(({ name }) => name === node.name)) this.#fail(`cannot redeclare variable ${node.name}`, node)
    this.#locals.push({ name: node.name, type: this.visit(node.value) })
    const type = this.visit(node.body)
    this.#locals.pop()
    return type
  }

  #fail(message: string, node: Node): never {
    throw expressionError(message, this.#source, node.at)
  }
}

function binaryType(operator: string, left: ExprType, right: ExprType): ExprType | undefined {
  const both = (type: ExprType): boolean => fits(left, type) && fits(right, type)
  if (operator === '==' || operator === '!=') return comparable(left, right) ? 'bool' : undefined
  if (operator === 'and' || operator === 'or') return both('bool') ? 'bool' : undefined
  if (operator === 'in') {
    return fits(right, 'array') || fits(right, 'map') || right === 'nil' ? 'bool' : undefined
  }
  if (textual.has(operator)) return both('string') ? 'bool' : undefined
  if (operator === '..') return both('int') ? 'array' : undefined
  if (operator === '%') return both('int') ? 'int' : undefined
  if (operator === '??') return left === right ? left : 'any'
  if (ordering.has(operator))
    return (['number', 'string', 'time.Time', 'time.Duration'] as const).some(both) ? 'bool' : undefined
  return arithmetic.has(operator) ? arithmeticType(operator, left, right) : undefined
}

function arithmeticType(operator: string, left: ExprType, right: ExprType): ExprType | undefined {
  if (left === 'any' || right === 'any') return 'any'
  if (fits(left, 'number') && fits(right, 'number')) {
    if (operator === '/' || operator === '**') return 'float'
    return left === 'int' && right === 'int' ? 'int' : left === 'number' || right === 'number' ? 'number' : 'float'
  }
  if (operator === '+' && left === 'string' && right === 'string') return 'string'
  const pair = `${left} ${operator} ${right}`
  return timeArithmetic[pair]
}

const timeArithmetic: Readonly<Record<string, ExprType>> = {
  'time.Time + time.Duration': 'time.Time',
  'time.Duration + time.Time': 'time.Time',
  'time.Duration + time.Duration': 'time.Duration',
  'time.Time - time.Time': 'time.Duration',
  'time.Time - time.Duration': 'time.Time',
  'time.Duration - time.Duration': 'time.Duration',
  'time.Duration * int': 'time.Duration',
  'int * time.Duration': 'time.Duration',
}

function comparable(left: ExprType, right: ExprType): boolean {
  return (
    left === 'nil' ||
    right === 'nil' ||
    left === right ||
    fits(left, right) ||
    fits(right, left) ||
    (fits(left, 'number') && fits(right, 'number'))
  )
}

function fits(type: ExprType, wanted: ExprType): boolean {
  if (type === 'any' || wanted === 'any' || type === wanted) return true
  if (wanted === 'number') return type === 'int' || type === 'float'
  return wanted === 'int' && type === 'number'
}
