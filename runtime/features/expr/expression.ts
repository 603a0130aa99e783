// A compiled expr-lang expression: text in, Program out. Used by the `expr` module and by expression policies.

import { RuntimeError } from '../../core/error.ts'
import type { ExprType } from './builtin-shape.ts'
import { check, type TypeEnvironment, typesOf } from './checker.ts'
import { ExprTime, formatTime } from './dates.ts'
import { compileNode, Run, type Step } from './evaluator.ts'
import { ExprError } from './failure.ts'
import { expressionError } from './lexer.ts'
import { parse } from './parser.ts'
import { ExprDuration } from './values.ts'

export type Environment = Readonly<Record<string, unknown>>

export interface ExpressionOptions {
  /** Its names and types are the only ones allowed. */
  readonly environment?: Environment | undefined
  /** Names without a value are nil, also when nothing is given to `run`. */
  readonly allowUndefined?: boolean
  /** The type the expression must have: what is known to be another is refused. */
  readonly expect?: ExprType
  /** Nanoseconds since 1970, for `now()`. */
  readonly now?: () => bigint
}

export class Program {
  readonly source: string
  readonly #step: Step
  readonly #options: ExpressionOptions

  constructor(source: string, step: Step, options: ExpressionOptions) {
    this.source = source
    this.#step = step
    this.#options = options
  }

  /** The value of the expression. Throws Internal with a marked snippet, LimitExceeded when it takes too much. */
  run(environment?: Environment): unknown {
    const known = environment ?? (this.#options.allowUndefined ? {} : undefined)
    const run = new Run(known, this.#options.now ?? (() => BigInt(Date.now()) * 1_000_000n))
    try {
      return result(this.#step(run))
    } catch (error) {
      if (error instanceof ExprError) throw expressionError(error.message, this.source, run.at)
      throw error
    }
  }
}

/** Compiles a text. Empty is Invalid; syntax and type errors are Internal with a marked snippet. */
export function compileProgram(source: string, options: ExpressionOptions = {}): Program {
  if (source.trim() === '') throw new RuntimeError('Invalid', 'expression is empty', { retryable: false })
  const tree = parse(source)
  const types: TypeEnvironment = options.environment === undefined ? undefined : typesOf(options.environment)
  const type = check(tree, source, types)
  if (options.expect !== undefined && type !== 'any' && type !== options.expect) {
    throw expressionError(`expected ${options.expect}, but got ${type}`, source, tree.at)
  }
  try {
    return new Program(source, compileNode(tree), options)
  } catch (error) {
    if (error instanceof ExprError) throw expressionError(error.message, source, tree.at)
    throw error
  }
}

/** For policies: a boolean expression whose missing names are nil. Throws at once when it cannot be one. */
export function compileExpression(source: string): (environment: Environment) => unknown {
  const program = compileProgram(source, { allowUndefined: true, expect: 'bool' })
  return (environment) => program.run(environment)
}

/** Compiled programs by text and types of the environment, the least recently used dropped. */
export class ProgramCache {
  readonly #capacity: number
  readonly #now: (() => bigint) | undefined
  readonly #programs = new Map<string, Program>()

  constructor(capacity = 1000, now?: () => bigint) {
    this.#capacity = capacity
    this.#now = now
  }

  /** Like `compileProgram` with this environment. */
  get(source: string, environment: Environment | undefined): Program {
    const key = environment === undefined ? source : `${source}\0${shape(environment)}`
    const known = this.#programs.get(key)
    const program =
      known ?? compileProgram(source, { environment, ...(this.#now === undefined ? {} : { now: this.#now }) })
    this.#programs.delete(key)
    this.#programs.set(key, program)
    if (this.#programs.size > this.#capacity) {
      const oldest = this.#programs.keys().next().value
      if (oldest !== undefined) this.#programs.delete(oldest)
    }
    return program
  }
}

function shape(environment: Environment): string {
  return [...typesOf(environment)]
    .map(([name, type]) => `${name}:${type}`)
    .sort()
    .join(',')
}

/** What leaves an expression is plain data: a time is its RFC 3339 text, a duration its nanoseconds. */
function result(value: unknown): unknown {
  if (value instanceof ExprTime) return formatTime(value, '2006-01-02T15:04:05.999999999Z07:00')
  if (value instanceof ExprDuration) return value.nanos
  if (Array.isArray(value)) return value.map(result)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== null) return value ?? null
  const map = Object.create(null)
  for (const [key, item] of Object.entries(value)) map[key] = result(item)
  return map
}
