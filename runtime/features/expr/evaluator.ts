// Turns a checked tree into closures and runs them. No text is evaluated as code, nothing of JavaScript can be reached.

import { RuntimeError } from '../../core/error.ts'
import { compileRegex, type Regex } from '../../external/re2.ts'
import { Budget } from './budget.ts'
import type { BuiltinCall } from './builtin-shape.ts'
import { builtins } from './builtins.ts'
import { fail } from './failure.ts'
import { callMethod } from './methods.ts'
import type { Node } from './parser.ts'
import {
  add,
  compare,
  divide,
  equal,
  fetch,
  isIn,
  isInteger,
  modulo,
  multiply,
  negate,
  power,
  subtract,
  textOf,
  typeName,
} from './values.ts'

/** What one run knows. */
export class Run implements BuiltinCall {
  readonly budget = new Budget()
  readonly environment: Readonly<Record<string, unknown>> | undefined
  readonly now: () => bigint
  readonly locals: unknown[] = []
  /** Offset of the node that is at work: where a failure is reported. */
  at = 0
  item: unknown = null
  index = 0
  acc: unknown = null

  constructor(environment: Readonly<Record<string, unknown>> | undefined, now: () => bigint) {
    this.environment = environment
    this.now = now
  }
}

export type Step = (run: Run) => unknown

/** Stands for the value of a chain after a `?.` on nil. Never leaves a chain. */
const skipped = Symbol('skipped')

/** The closure of a tree. Constant patterns are compiled here: a bad one throws ExprError. */
export function compileNode(node: Node): Step {
  return new NodeCompiler().compile(node)
}

class NodeCompiler {
  readonly #names: string[] = []

  compile(node: Node): Step {
    switch (node.type) {
      case 'literal': {
        const { value } = node
        return () => value
      }
      case 'name':
        return this.#name(node)
      case 'pointer':
        if (node.name === 'index') return (run) => run.index
        return node.name === 'acc' ? (run) => run.acc : (run) => run.item
      case 'unary': {
        const operand = this.compile(node.operand)
        if (node.operator === 'not') return (run) => !bool(run, node, operand(run))
        if (node.operator !== '-') return operand
        return (run) => {
          const value = operand(run)
          run.at = node.at
          return negate(value)
        }
      }
      case 'binary':
        return this.#binary(node)
      case 'member':
        return this.#member(node)
      case 'slice':
        return this.#slice(node)
      case 'chain': {
        const body = this.compile(node.body)
        return (run) => {
          const value = body(run)
          return value === skipped ? null : value
        }
      }
      case 'method':
        return this.#method(node)
      case 'builtin':
        return this.#builtin(node)
      case 'predicate':
        return this.compile(node.body)
      case 'conditional':
        return this.#conditional(node)
      case 'let':
        return this.#let(node)
      case 'sequence': {
        const parts = node.parts.map((part) => this.compile(part))
        return (run) => parts.reduce<unknown>((_, part) => part(run), null)
      }
      case 'array': {
        const items = node.items.map((item) => this.compile(item))
        return (run) => {
          run.budget.hold(items.length + 1)
          return items.map((item) => item(run) ?? null)
        }
      }
      case 'map':
        return this.#map(node)
    }
  }

  #name({ name, at }: Node & { type: 'name' }): Step {
    if (name === '$env') return (run) => run.environment ?? null
    const slot = this.#names.lastIndexOf(name)
    if (slot >= 0) return (run) => run.locals[slot]
    return (run) => {
      const { environment } = run
      if (environment === undefined) {
        run.at = at
        return fail(`cannot fetch ${name} from <nil>`)
      }
      return Object.hasOwn(environment, name) ? (environment[name] ?? null) : null
    }
  }

  #binary(node: Node & { type: 'binary' }): Step {
    const { operator, at } = node
    const left = this.compile(node.left)
    const right = this.compile(node.right)
    if (operator === 'and') return (run) => bool(run, node.left, left(run)) && bool(run, node.right, right(run))
    if (operator === 'or') return (run) => bool(run, node.left, left(run)) || bool(run, node.right, right(run))
    if (operator === '??') return (run) => left(run) ?? right(run)
    if (operator === 'matches') return this.#matches(node, left, right)
    const operate = operations[operator]
    if (operate === undefined) throw new Error(`operator ${operator} has no operation`)
    return (run) => {
      const a = left(run)
      const b = right(run)
      run.at = at
      return operate(a, b, run)
    }
  }

  #matches(node: Node & { type: 'binary' }, left: Step, right: Step): Step {
    const constant = node.right.type === 'literal' ? regex(String(node.right.value)) : undefined
    return (run) => {
      const subject = left(run)
      const pattern = right(run)
      run.at = node.at
      if ((subject ?? null) === null) return false
      if (typeof subject !== 'string' || typeof pattern !== 'string') {
        return fail(`invalid operation: matches (mismatched types ${typeName(subject)} and ${typeName(pattern)})`)
      }
      // RE2 is linear, but each character costs far more than a step of ours.
      run.budget.spend(subject.length * 5 + (constant === undefined ? 1000 + pattern.length * 10 : 0))
      return (constant ?? regex(pattern)).matchString(subject)
    }
  }

  #member(node: Node & { type: 'member' }): Step {
    const { at, optional } = node
    const object = this.compile(node.object)
    const property = this.compile(node.property)
    return (run) => {
      const target = object(run)
      if (target === skipped || (optional && (target ?? null) === null)) return skipped
      const key = property(run)
      run.at = at
      return fetch(target, key)
    }
  }

  #slice(node: Node & { type: 'slice' }): Step {
    const object = this.compile(node.object)
    const from = node.from === undefined ? () => 0 : this.compile(node.from)
    const to = node.to === undefined ? undefined : this.compile(node.to)
    return (run) => {
      const target = object(run)
      if (target === skipped) return skipped
      const start = from(run)
      const end = to?.(run)
      run.at = node.at
      return sliced(run, target, start, end)
    }
  }

  #method(node: Node & { type: 'method' }): Step {
    const object = this.compile(node.object)
    const args = node.args.map((arg) => this.compile(arg))
    return (run) => {
      const target = object(run)
      if (target === skipped) return skipped
      const values = args.map((arg) => arg(run))
      run.at = node.at
      return callMethod(target, node.name, values)
    }
  }

  #builtin(node: Node & { type: 'builtin' }): Step {
    const builtin = builtins[node.name] as (typeof builtins)[string] // the parser only makes nodes of known builtins
    const steps = node.args.map((arg) => this.compile(arg))
    return (run) => {
      const args = steps.map((step, index) => (index === builtin.predicateAt ? predicate(run, step) : step(run)))
      run.at = node.at
      run.budget.spend(1)
      return builtin.run(run, args)
    }
  }

  #conditional(node: Node & { type: 'conditional' }): Step {
    const test = this.compile(node.test)
    const no = this.compile(node.no)
    if (node.yes === node.test) {
      return (run) => {
        const value = test(run)
        return (value ?? null) === null || value === false ? no(run) : value
      }
    }
    const yes = this.compile(node.yes)
    return (run) => (bool(run, node.test, test(run)) ? yes(run) : no(run))
  }

  #let(node: Node & { type: 'let' }): Step {
    const value = this.compile(node.value)
    const slot = this.#names.push(node.name) - 1
    const body = this.compile(node.body)
    this.#names.pop()
    return (run) => {
      run.locals[slot] = value(run)
      return body(run)
    }
  }

  #map(node: Node & { type: 'map' }): Step {
    const pairs = node.pairs.map(([key, value]) => [this.compile(key), this.compile(value)] as const)
    return (run) => {
      run.budget.hold(pairs.length * 2 + 1)
      const map: Record<string, unknown> = Object.create(null)
      for (const [key, value] of pairs) map[textOf(key(run))] = value(run) ?? null
      return map
    }
  }
}

const operations: Readonly<Record<string, (a: unknown, b: unknown, run: Run) => unknown>> = {
  '+': (a, b, run) => {
    if (typeof a === 'string' && typeof b === 'string') run.budget.text(a.length + b.length)
    return add(a, b)
  },
  '-': subtract,
  '*': multiply,
  '/': divide,
  '%': modulo,
  '**': power,
  '==': (a, b, run) => equal(a, b, run.budget.spend),
  '!=': (a, b, run) => !equal(a, b, run.budget.spend),
  '<': (a, b) => compare('<', a, b) < 0,
  '>': (a, b) => compare('>', a, b) > 0,
  '<=': (a, b) => compare('<=', a, b) <= 0,
  '>=': (a, b) => compare('>=', a, b) >= 0,
  in: (a, b, run) => isIn(a, b, run.budget.spend),
  contains: (a, b, run) => textTest('contains', a, b, run, (whole, part) => whole.includes(part)),
  startsWith: (a, b, run) => textTest('startsWith', a, b, run, (whole, part) => whole.startsWith(part)),
  endsWith: (a, b, run) => textTest('endsWith', a, b, run, (whole, part) => whole.endsWith(part)),
  '..': (a, b, run) => {
    if (!isInteger(a) || !isInteger(b))
      return fail(`invalid operation: .. (mismatched types ${typeName(a)} and ${typeName(b)})`)
    const [from, to] = [Number(a), Number(b)]
    const length = Math.max(0, to - from + 1)
    run.budget.hold(length)
    return Array.from({ length }, (_, index) => from + index)
  },
}

function regex(pattern: string): Regex {
  try {
    return compileRegex(pattern)
  } catch (error) {
    if (error instanceof RuntimeError) return fail(error.message)
    throw error
  }
}

/** Text tests on nil are false, as in expr-lang. */
function textTest(
  operator: string,
  a: unknown,
  b: unknown,
  run: Run,
  test: (whole: string, part: string) => boolean,
): boolean {
  if ((a ?? null) === null || (b ?? null) === null) return false
  if (typeof a !== 'string' || typeof b !== 'string') {
    return fail(`invalid operation: ${operator} (mismatched types ${typeName(a)} and ${typeName(b)})`)
  }
  run.budget.spend(a.length / 64)
  return test(a, b)
}

/** Runs a predicate per element; the pointers of an outer predicate come back afterwards. */
function predicate(run: Run, body: Step): (item: unknown, index: number, acc?: unknown) => unknown {
  return (item, index, acc) => {
    run.budget.spend(1)
    const outer = { item: run.item, index: run.index, acc: run.acc }
    run.item = item ?? null
    run.index = index
    run.acc = acc ?? null
    const value = body(run)
    run.item = outer.item
    run.index = outer.index
    run.acc = outer.acc
    return value
  }
}

function bool(run: Run, node: Node, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  run.at = node.at
  return fail(`invalid operation: a bool is expected, got ${typeName(value)}`)
}

function sliced(run: Run, target: unknown, start: unknown, end: unknown): unknown {
  if (typeof target !== 'string' && !Array.isArray(target)) return fail(`cannot slice ${typeName(target)}`)
  const items = typeof target === 'string' ? [...target] : target
  run.budget.hold(items.length)
  const bound = (value: unknown): number => {
    if (!isInteger(value)) return fail(`non-integer slice index ${typeName(value)}`)
    const at = Number(value) < 0 ? items.length + Number(value) : Number(value)
    return Math.min(Math.max(at, 0), items.length)
  }
  const part = items.slice(bound(start), end === undefined ? items.length : bound(end))
  return typeof target === 'string' ? part.join('') : part
}
