// Which chunks leave nothing behind that two processes could tell apart: all processes of such a program share one run of its
// chunk, and with it one method and one, for ever empty, environment. Says no whenever it is not sure.

import type { Code } from './program.ts'
import type { Expression, FunctionExpression, Statement } from './typed/ast.ts'
import { parse } from './typed/parser.ts'

/** Names through which a chunk reaches its own environment. */
const reaching: ReadonlySet<string> = new Set(['_G', '_ENV', 'require'])

/** Knows of each code whether it is stateless; it is read when somebody asks. */
export class StatelessCode {
  readonly #baseModules: readonly string[]
  readonly #known = new WeakMap<Code, boolean>()

  constructor(baseModules: readonly string[]) {
    this.#baseModules = baseModules
  }

  has(code: Code): boolean {
    let stateless = this.#known.get(code)
    if (stateless === undefined) {
      stateless = code.imports.size === 0 && !code.needsTypes && this.#read(code)
      this.#known.set(code, stateless)
    }
    return stateless
  }

  #read({ id, source, modules }: Code): boolean {
    try {
      return isStateless(parse(source, id).chunk.body, new Set([...modules.keys(), ...this.#baseModules]))
    } catch {
      // Lua that the parser of the dialect does not read: nothing is known of it.
      return false
    }
  }
}

class Scope {
  readonly #names = new Set<string>()
  readonly #outer: Scope | undefined

  constructor(outer?: Scope) {
    this.#outer = outer
  }

  declare(name: string): void {
    this.#names.add(name)
  }

  /** The scope that declares a name; undefined for globals. */
  of(name: string): Scope | undefined {
    return this.#names.has(name) ? this : this.#outer?.of(name)
  }
}

/**
 * True when the chunk only defines functions and constants, takes modules and returns, and no function of it writes to a
 * global or to a variable of the chunk. `modules` are the names it may require without reaching a library.
 */
export function isStateless(body: readonly Statement[], modules: ReadonlySet<string>): boolean {
  return new Check(modules).chunk(body)
}

class Check {
  readonly #modules: ReadonlySet<string>
  readonly #top = new Scope()

  constructor(modules: ReadonlySet<string>) {
    this.#modules = modules
  }

  chunk(body: readonly Statement[]): boolean {
    return body.every((statement) => this.#definition(statement))
  }

  // ---- what the chunk itself does ----

  #definition(statement: Statement): boolean {
    switch (statement.kind) {
      case 'local': {
        const fine = statement.values.every((value) => this.#constant(value))
        for (const { text } of statement.names) this.#top.declare(text)
        return fine && statement.names.every(({ attribute }) => attribute !== 'close')
      }
      case 'local-function':
        this.#top.declare(statement.name.text)
        return this.#function(statement.value, this.#top)
      case 'return':
        return statement.values.every((value) => this.#result(value))
      default:
        return false
    }
  }

  /** A value that is the same for everybody: a constant, a function, another such variable, a module (they are frozen). */
  #constant(value: Expression): boolean {
    switch (value.kind) {
      case 'nil':
      case 'true':
      case 'false':
      case 'number':
      case 'string':
        return true
      case 'unary':
        return this.#constant(value.operand)
      case 'name':
        return this.#top.of(value.name) !== undefined
      case 'function':
        return this.#function(value, this.#top)
      case 'call': {
        const [name] = value.args
        const requires = value.callee.kind === 'name' && value.callee.name === 'require'
        return (
          requires && this.#top.of('require') === undefined && name?.kind === 'string' && this.#modules.has(name.value)
        )
      }
      default:
        return false
    }
  }

  /** The table of methods is read once and let go of. */
  #result(value: Expression): boolean {
    if (value.kind !== 'table') return this.#constant(value)
    return value.fields.every((field) => field.key?.kind === 'string' && this.#constant(field.value))
  }

  // ---- what its functions do, whenever they run ----

  #function(value: FunctionExpression, outer: Scope): boolean {
    return this.#block(
      value.body,
      outer,
      value.params.map(({ text }) => text),
    )
  }

  #block(body: readonly Statement[], outer: Scope, names: readonly string[] = []): boolean {
    const scope = new Scope(outer)
    for (const name of names) scope.declare(name)
    return body.every((statement) => this.#statement(statement, scope))
  }

  #statement(statement: Statement, scope: Scope): boolean {
    const fine = (value: Expression | undefined): boolean => value === undefined || this.#expression(value, scope)
    switch (statement.kind) {
      case 'local': {
        const values = statement.values.every(fine)
        for (const { text } of statement.names) scope.declare(text)
        return values
      }
      case 'local-function':
        scope.declare(statement.name.text)
        return this.#function(statement.value, scope)
      case 'function':
        if (statement.method) return this.#target(statement.target, scope) && this.#method(statement.value, scope)
        return this.#target(statement.target, scope) && this.#function(statement.value, scope)
      case 'assign':
        return statement.targets.every((target) => this.#target(target, scope)) && statement.values.every(fine)
      case 'call':
        return fine(statement.call)
      case 'do':
        return this.#block(statement.body, scope)
      case 'while':
        return fine(statement.condition) && this.#block(statement.body, scope)
      case 'repeat': {
        // The condition sees the variables of the body.
        const inner = new Scope(scope)
        const body = statement.body.every((inside) => this.#statement(inside, inner))
        return body && this.#expression(statement.condition, inner)
      }
      case 'if':
        return (
          statement.clauses.every(({ condition, body }) => fine(condition) && this.#block(body, scope)) &&
          (statement.otherwise === undefined || this.#block(statement.otherwise, scope))
        )
      case 'for-number':
        return (
          [statement.from, statement.to, statement.step].every(fine) &&
          this.#block(statement.body, scope, [statement.variable.text])
        )
      case 'for-in': {
        const names = statement.names.map(({ text }) => text)
        return statement.values.every(fine) && this.#block(statement.body, scope, names)
      }
      case 'return':
        return statement.values.every(fine)
      case 'break':
      case 'goto':
      case 'label':
        return true
      default:
        return false
    }
  }

  #method(value: FunctionExpression, outer: Scope): boolean {
    const scope = new Scope(outer)
    scope.declare('self')
    return this.#function(value, scope)
  }

  /** What is assigned to: a variable of a function, or a field of anything (what the chunk holds has none to write to). */
  #target(target: Expression, scope: Scope): boolean {
    if (target.kind !== 'name') return this.#expression(target, scope)
    const owner = scope.of(target.name)
    return owner !== undefined && owner !== this.#top
  }

  #expression(value: Expression, scope: Scope): boolean {
    const fine = (inner: Expression | undefined): boolean => inner === undefined || this.#expression(inner, scope)
    switch (value.kind) {
      case 'name':
        return !reaching.has(value.name) || scope.of(value.name) !== undefined
      case 'function':
        return this.#function(value, scope)
      case 'index':
        return fine(value.object) && fine(value.key)
      case 'call':
        return fine(value.callee) && value.args.every(fine)
      case 'method':
        return fine(value.object) && value.args.every(fine)
      case 'binary':
        return fine(value.left) && fine(value.right)
      case 'unary':
        return fine(value.operand)
      case 'table':
        return value.fields.every((field) => fine(field.key) && fine(field.value))
      case 'paren':
      case 'cast':
      case 'nonnil':
        return fine(value.inner)
      default:
        return true
    }
  }
}
