// The rules of `wippy lint --rules`: habits that often hide a mistake. None of them says that a program is wrong.

import type { Expression, Statement } from '../ast.ts'
import { walkExpression } from '../walk.ts'
import type { Binding, Bindings } from './bind.ts'
import type { Finding } from './context.ts'

/** W0001 to W0007. Names that begin with `_` are meant to be unused. */
export function findBadHabits(body: readonly Statement[], bindings: Bindings): Finding[] {
  const findings: Finding[] = []
  new Walk(findings, bindings).block(body)
  for (const binding of bindings.all) {
    const finding = unusedFinding(binding)
    if (finding !== undefined) findings.push(finding)
    if (binding.hides !== undefined && binding.what !== 'self' && !binding.name.startsWith('_')) {
      findings.push({ code: 'W0007', at: binding.at, message: `${binding.name} hides an outer ${binding.name}` })
    }
  }
  return findings
}

function unusedFinding({ name, at, what, reads, required }: Binding): Finding | undefined {
  if (reads > 0 || name.startsWith('_') || what === 'self') return undefined
  if (what === 'param') return { code: 'W0005', at, message: `parameter ${name} is never read` }
  if (required) return { code: 'W0006', at, message: `module ${name} is required and never used` }
  return { code: 'W0004', at, message: `variable ${name} is never read` }
}

class Walk {
  readonly #findings: Finding[]
  readonly #bindings: Bindings

  constructor(findings: Finding[], bindings: Bindings) {
    this.#findings = findings
    this.#bindings = bindings
  }

  block(body: readonly Statement[]): void {
    for (const statement of body) this.#statement(statement)
  }

  /** A body that says nothing, not even with a label. */
  #body(body: readonly Statement[], at: number, what: string): void {
    if (body.length === 0) this.#findings.push({ code: 'W0001', at, message: `empty ${what}` })
    this.block(body)
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'local':
      case 'return':
        this.#all(statement.values)
        break
      case 'assign':
        this.#all(statement.values)
        for (const target of statement.targets) this.#target(target)
        break
      case 'call':
        this.#expression(statement.call)
        break
      case 'do':
        this.#body(statement.body, statement.at, 'do block')
        break
      case 'while':
        this.#expression(statement.condition)
        this.#body(statement.body, statement.at, 'while loop')
        break
      case 'repeat':
        this.#body(statement.body, statement.at, 'repeat loop')
        this.#expression(statement.condition)
        break
      case 'if':
        for (const { condition, body } of statement.clauses) {
          this.#expression(condition)
          this.#body(body, condition.at, 'branch')
        }
        if (statement.otherwise !== undefined) this.#body(statement.otherwise, statement.at, 'else branch')
        break
      case 'for-number':
        this.#all([statement.from, statement.to, ...(statement.step === undefined ? [] : [statement.step])])
        this.#body(statement.body, statement.at, 'for loop')
        break
      case 'for-in':
        this.#all(statement.values)
        this.#body(statement.body, statement.at, 'for loop')
        break
      case 'function':
        if (statement.target.kind === 'name') this.#target(statement.target)
        this.block(statement.value.body)
        break
      case 'local-function':
        this.block(statement.value.body)
        break
      default:
    }
  }

  #target(target: Expression): void {
    if (target.kind !== 'name') this.#expression(target)
    else if (!this.#bindings.uses.has(target)) {
      this.#findings.push({ code: 'W0002', at: target.at, message: `assignment to the global ${target.name}` })
    }
  }

  #all(values: readonly Expression[]): void {
    for (const value of values) this.#expression(value)
  }

  #expression(root: Expression): void {
    walkExpression(root, (expression) => {
      if (expression.kind === 'function') this.block(expression.body)
      else if (expression.kind === 'binary') this.#selfCompare(expression)
    })
  }

  /** `x == x` asks only whether x is a number that is none; whoever means that writes `~=`. */
  #selfCompare(e: Expression & { kind: 'binary' }): void {
    if (!comparisons.has(e.operator)) return
    const [left, right] = [pathOf(e.left), pathOf(e.right)]
    if (left !== undefined && left === right) {
      this.#findings.push({ code: 'W0003', at: e.at, message: `${left} is compared with itself` })
    }
  }
}

const comparisons: ReadonlySet<string> = new Set(['==', '<', '>', '<=', '>='])

/** `a.b.c`, for expressions that are no more than that. */
function pathOf(e: Expression): string | undefined {
  const names: string[] = []
  let root = e
  while (root.kind === 'index' && root.key.kind === 'string') {
    names.unshift(root.key.value)
    root = root.object
  }
  return root.kind === 'name' ? [root.name, ...names].join('.') : undefined
}
