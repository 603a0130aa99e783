// Which declaration every name means, and what happens to it: the ground under the checker and the rules.

import type { Expression, FunctionExpression, Name, NameExpression, Statement } from '../ast.ts'
import { walkExpression } from '../walk.ts'

export interface Binding {
  readonly id: number
  readonly name: string
  readonly at: number
  readonly what: 'local' | 'param' | 'loop' | 'function' | 'self'
  /** The binding of the same name in an outer block that this one hides. */
  readonly hides: Binding | undefined
  /** Times it is assigned after its declaration. */
  assignments: number
  /** Assigned by a function inside the one that declares it: it may change at any call. */
  assignedInside: boolean
  reads: number
  /** Declared by `local x = require(...)`. */
  required: boolean
}

export interface Bindings {
  /** What a name means where it stands; a global when missing. */
  readonly uses: ReadonlyMap<NameExpression, Binding>
  /** The bindings that a statement or a function declares, in its order. */
  readonly declared: ReadonlyMap<object, readonly Binding[]>
  /** What a loop or a function assigns, or assigns fields of. */
  readonly assignedIn: ReadonlyMap<object, ReadonlySet<Binding>>
  /** Globals that the chunk itself assigns. */
  readonly assignedGlobals: ReadonlySet<string>
  readonly all: readonly Binding[]
  /** Where a function has more variables at once than Lua compiles; nowhere as a rule. */
  readonly crowded: number | undefined
}

/** LUAI_MAXVARS: what Lua counts besides (hidden ones of loops) is not counted here. */
export const MOST_LOCALS = 200

/** Resolves every name of a chunk. */
export function bind(body: readonly Statement[]): Bindings {
  const binder = new Binder()
  binder.block(body)
  return binder
}

class Scope {
  readonly parent: Scope | undefined
  /** How many functions deep. */
  readonly depth: number
  readonly names = new Map<string, Binding>()
  /** Variables of the function that are there at this point. */
  locals: number

  constructor(parent: Scope | undefined, depth: number) {
    this.parent = parent
    this.depth = depth
    this.locals = parent?.depth === depth ? parent.locals : 0
  }

  find(name: string): { binding: Binding; depth: number } | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      const binding = scope.names.get(name)
      if (binding !== undefined) return { binding, depth: scope.depth }
    }
    return undefined
  }
}

class Binder implements Bindings {
  readonly uses = new Map<NameExpression, Binding>()
  readonly declared = new Map<object, Binding[]>()
  readonly assignedIn = new Map<object, Set<Binding>>()
  readonly assignedGlobals = new Set<string>()
  readonly all: Binding[] = []
  crowded: number | undefined
  #scope = new Scope(undefined, 0)
  readonly #regions: Set<Binding>[] = []

  block(body: readonly Statement[]): void {
    this.#scoped(0, () => this.#statements(body))
  }

  #statements(body: readonly Statement[]): void {
    for (const statement of body) this.#statement(statement)
  }

  #scoped(deeper: number, run: () => void): void {
    const outer = this.#scope
    this.#scope = new Scope(outer, outer.depth + deeper)
    run()
    this.#scope = outer
  }

  /** A loop or a function: what it assigns is told to those around it too. */
  #region(owner: object, run: () => void): void {
    const assigned = new Set<Binding>()
    this.assignedIn.set(owner, assigned)
    this.#regions.push(assigned)
    run()
    this.#regions.pop()
  }

  #declare(owner: object, name: Name, what: Binding['what'], required = false): void {
    // `local a, err = f()` and `local b, err = g()` in one block is a habit of the language.
    const hides = this.#scope.names.has(name.text) ? undefined : this.#scope.parent?.find(name.text)?.binding
    const [reads, assignments, assignedInside] = [0, 0, false]
    const id = this.all.length
    const binding: Binding = {
      id,
      name: name.text,
      at: name.at,
      what,
      hides,
      assignments,
      assignedInside,
      reads,
      required,
    }
    this.all.push(binding)
    this.#scope.locals += 1
    if (this.#scope.locals > MOST_LOCALS) this.crowded ??= name.at
    this.#scope.names.set(name.text, binding)
    const declared = this.declared.get(owner)
    if (declared === undefined) this.declared.set(owner, [binding])
    else declared.push(binding)
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'local':
        this.#expressions(statement.values)
        for (const [i, name] of statement.names.entries()) {
          const value = statement.values[i]
          this.#declare(statement, name, 'local', value !== undefined && isRequire(value))
        }
        break
      case 'assign':
        this.#expressions(statement.values)
        for (const target of statement.targets) this.#target(target)
        break
      case 'call':
        this.#expression(statement.call)
        break
      case 'do':
        this.block(statement.body)
        break
      case 'while':
        this.#region(statement, () => {
          this.#expression(statement.condition)
          this.block(statement.body)
        })
        break
      case 'repeat':
        // The condition sees the variables of the body.
        this.#region(statement, () =>
          this.#scoped(0, () => {
            this.#statements(statement.body)
            this.#expression(statement.condition)
          }),
        )
        break
      case 'if':
        for (const { condition, body } of statement.clauses) {
          this.#expression(condition)
          this.block(body)
        }
        if (statement.otherwise !== undefined) this.block(statement.otherwise)
        break
      case 'for-number':
        this.#expressions([statement.from, statement.to, ...(statement.step === undefined ? [] : [statement.step])])
        this.#loop(statement, [statement.variable], statement.body)
        break
      case 'for-in':
        this.#expressions(statement.values)
        this.#loop(statement, statement.names, statement.body)
        break
      case 'function':
        if (statement.target.kind === 'name') this.#target(statement.target)
        else this.#expression(statement.target)
        this.#function(statement.value, statement.method)
        break
      case 'local-function':
        this.#declare(statement, statement.name, 'function')
        this.#function(statement.value, false)
        break
      case 'return':
        this.#expressions(statement.values)
        break
      default:
    }
  }

  #loop(owner: object, names: readonly Name[], body: readonly Statement[]): void {
    this.#region(owner, () =>
      this.#scoped(0, () => {
        for (const name of names) this.#declare(owner, name, 'loop')
        this.#statements(body)
      }),
    )
  }

  #function(value: FunctionExpression, method: boolean): void {
    this.#region(value, () =>
      this.#scoped(1, () => {
        if (method) this.#declare(value, { text: 'self', at: value.at }, 'self')
        for (const param of value.params) this.#declare(value, param, 'param')
        this.#statements(value.body)
      }),
    )
  }

  #target(target: Expression): void {
    if (target.kind !== 'name') {
      this.#expression(target)
      const root = this.#rootOf(target)
      if (root !== undefined) for (const region of this.#regions) region.add(root)
      return
    }
    const found = this.#scope.find(target.name)
    if (found === undefined) {
      this.assignedGlobals.add(target.name)
      return
    }
    const { binding, depth } = found
    this.uses.set(target, binding)
    binding.assignments += 1
    if (depth < this.#scope.depth) binding.assignedInside = true
    for (const region of this.#regions) region.add(binding)
  }

  #rootOf(target: Expression): Binding | undefined {
    let root = target
    while (root.kind === 'index') root = root.object
    return root.kind === 'name' ? this.uses.get(root) : undefined
  }

  #expressions(values: readonly Expression[]): void {
    for (const value of values) this.#expression(value)
  }

  #expression(root: Expression): void {
    walkExpression(root, (expression) => {
      if (expression.kind === 'function') this.#function(expression, false)
      else if (expression.kind === 'name') this.#read(expression)
    })
  }

  #read(name: NameExpression): void {
    const binding = this.#scope.find(name.name)?.binding
    if (binding === undefined) return
    this.uses.set(name, binding)
    binding.reads += 1
  }
}

function isRequire(value: Expression): boolean {
  return value.kind === 'call' && value.callee.kind === 'name' && value.callee.name === 'require'
}
