// Runs the tree of a template. Bounded in steps, output and depth; nothing of JavaScript can be reached from a template.

import { moduleError, RuntimeError } from '../../core/error.ts'
import { isMap } from '../../core/value.ts'
import { type Builtin, builtins } from './builtins.ts'
import { escapeHtml } from './escape.ts'
import { RenderError, SafeText } from './parts.ts'
import type { Assignment, Block, Expression, Statement, Template } from './tree.ts'
import { compareValues, equalTo, indexOf, operate, sliceOf, textOf, truthy } from './values.ts'

export interface TemplateSource {
  /** The template of a name used in `from`. Throws NotFound. */
  find(name: string, from: string): Template
}

// Together below 100 ms on a slow machine (design/PROMISES.md P6).
const MAX_STEPS = 400_000
const MAX_OUTPUT = 8 * 1024 * 1024
const MAX_DEPTH = 100

/** Renders a template with variables and globals. Throws Internal with template and line, LimitExceeded, NotFound. */
export function render(
  template: Template,
  source: TemplateSource,
  variables: Readonly<Record<string, unknown>>,
  globals: Readonly<Record<string, unknown>>,
): string {
  const run = new Renderer(source, globals)
  const scope = new Scope(undefined)
  for (const name of Object.keys(variables)) scope.declare(name, variables[name])
  run.template(template, scope, variables)
  return run.text
}

/** Variables of a block of statements; inner ones hide outer ones. */
class Scope {
  readonly #parent: Scope | undefined
  readonly #values = new Map<string, unknown>()

  constructor(parent: Scope | undefined) {
    this.#parent = parent
  }

  declare(name: string, value: unknown): void {
    this.#values.set(name, value)
  }

  holder(name: string): Scope | undefined {
    return this.#values.has(name) ? this : this.#parent?.holder(name)
  }

  get(name: string): unknown {
    return this.#values.get(name)
  }
}

/** Runs the content given to a block, with the context of `yield content` if that names one. */
type Content = (context: { readonly value: unknown } | undefined) => void

/** What the statements of one template see. */
interface Frame {
  readonly template: Template
  readonly blocks: Map<string, { readonly block: Block; readonly template: Template }>
  readonly scope: Scope
  readonly context: unknown
  /** What `yield content` runs. */
  readonly content: Content | undefined
}

export class Renderer {
  readonly #source: TemplateSource
  readonly #globals: Readonly<Record<string, unknown>>
  #parts: string[] = []
  #length = 0
  #steps = 0
  #depth = 0
  #returned: unknown = null

  constructor(source: TemplateSource, globals: Readonly<Record<string, unknown>>) {
    this.#source = source
    this.#globals = globals
  }

  get text(): string {
    return this.#parts.join('')
  }

  template(template: Template, scope: Scope, context: unknown): void {
    const blocks: Frame['blocks'] = new Map()
    let root = template
    for (let depth = 0; ; depth++) {
      if (depth > MAX_DEPTH) throw this.#fail(template, 1, 'templates extend each other in a circle')
      this.#collect(root, blocks, 0)
      if (root.extends === undefined) break
      root = this.#source.find(root.extends, root.name)
    }
    this.#nested(root, 1, () => this.#run(root.body, { template: root, blocks, scope, context, content: undefined }))
  }

  /** The blocks of a template and its imports; what is there already overrides. */
  #collect(template: Template, blocks: Frame['blocks'], depth: number): void {
    if (depth > MAX_DEPTH) throw this.#fail(template, 1, 'templates import each other in a circle')
    for (const [name, block] of template.blocks) if (!blocks.has(name)) blocks.set(name, { block, template })
    for (const name of template.imports) this.#collect(this.#source.find(name, template.name), blocks, depth + 1)
  }

  #run(statements: readonly Statement[], frame: Frame): void {
    for (const statement of statements) {
      this.spend(1)
      try {
        this.#statement(statement, frame)
      } catch (error) {
        if (error instanceof RenderError) throw this.#fail(frame.template, statement.line, error.message)
        throw error
      }
    }
  }

  #statement(statement: Statement, frame: Frame): void {
    switch (statement.type) {
      case 'text':
        this.write(statement.text)
        break
      case 'print':
        this.#print(this.#value(statement.value, frame))
        break
      case 'set':
        this.#set(statement.assignment, frame)
        break
      case 'if':
        this.#if(statement, frame)
        break
      case 'range':
        this.#range(statement, frame)
        break
      case 'block':
        this.#block(statement.block, frame)
        break
      case 'yield':
        this.#yield(statement, frame)
        break
      case 'content':
        frame.content?.(statement.context === undefined ? undefined : { value: this.#value(statement.context, frame) })
        break
      case 'include':
        this.#include(statement, frame)
        break
      case 'try':
        this.#try(statement, frame)
        break
      case 'return':
        this.#returned = this.#value(statement.value, frame)
    }
  }

  #if({ before, test, yes, no }: Statement & { type: 'if' }, frame: Frame): void {
    const inner = { ...frame, scope: new Scope(frame.scope) }
    if (before !== undefined) this.#set(before, inner)
    this.#run(truthy(this.#value(test, inner)) ? yes : no, inner)
  }

  #print(value: unknown): void {
    if (value instanceof SafeText) this.write(value.text)
    else if (value !== SILENT) this.#escaped(textOf(value))
  }

  #escaped(text: string): void {
    this.spend(text.length / 8)
    this.write(escapeHtml(text))
  }

  #set({ name, declares, value, line }: Assignment, frame: Frame): void {
    const result = this.#value(value, frame)
    if (name === '_') return
    const holder = declares ? frame.scope : frame.scope.holder(name)
    if (holder === undefined)
      throw this.#fail(frame.template, line, `variable ${name} is not declared: use ${name} := …`)
    holder.declare(name, result)
  }

  #range(statement: Statement & { type: 'range' }, frame: Frame): void {
    const { names, body, otherwise, line } = statement
    const source = this.#value(statement.source, frame)
    const pairs = this.#pairs(source, frame, line)
    if (pairs.length === 0) this.#run(otherwise, { ...frame, scope: new Scope(frame.scope) })
    const [first, second] = names
    for (const [key, value] of pairs) {
      this.spend(1)
      const scope = new Scope(frame.scope)
      if (first !== undefined) scope.declare(first, key)
      if (second !== undefined) scope.declare(second, value)
      this.#run(body, { ...frame, scope, context: second === undefined ? value : frame.context })
    }
  }

  #pairs(source: unknown, frame: Frame, line: number): (readonly [unknown, unknown])[] {
    if (source === null || source === undefined) return []
    if (Array.isArray(source)) return source.map((item, index) => [index, item] as const)
    if (isMap(source))
      return Object.keys(source)
        .sort()
        .map((key) => [key, source[key]] as const)
    throw this.#fail(frame.template, line, `cannot range over ${textOf(source).slice(0, 40)}`)
  }

  /** Defining a block runs it at that place, or the one that overrides it. */
  #block(defined: Block, frame: Frame): void {
    const { block, template } = frame.blocks.get(defined.name) ?? { block: defined, template: frame.template }
    const context = defined.context === undefined ? frame.context : this.#value(defined.context, frame)
    const content = block.content ?? defined.content
    this.#call(block, template, new Map(), context, frame, this.#contentOf(content, frame))
  }

  #yield(statement: Statement & { type: 'yield' }, frame: Frame): void {
    const { name, args, line, content } = statement
    const found = frame.blocks.get(name)
    if (found === undefined) throw this.#fail(frame.template, line, `block ${name} is not defined`)
    const values = new Map([...args].map(([parameter, value]) => [parameter, this.#value(value, frame)]))
    const context = statement.context === undefined ? frame.context : this.#value(statement.context, frame)
    const inner = { ...frame, context }
    this.#call(found.block, found.template, values, context, frame, this.#contentOf(content, inner))
  }

  #contentOf(content: readonly Statement[] | undefined, frame: Frame): Content | undefined {
    if (content === undefined) return undefined
    return (context) => this.#run(content, context === undefined ? frame : { ...frame, context: context.value })
  }

  #call(
    block: Block,
    template: Template,
    args: ReadonlyMap<string, unknown>,
    context: unknown,
    frame: Frame,
    content: Content | undefined,
  ): void {
    this.#nested(frame.template, block.line, () => {
      const scope = new Scope(frame.scope)
      const inner = { ...frame, template, scope, context, content }
      const known = new Set(block.parameters.map(({ name }) => name))
      for (const name of args.keys()) {
        if (!known.has(name)) throw this.#fail(template, block.line, `block ${block.name} has no parameter ${name}`)
      }
      for (const { name, fallback } of block.parameters) {
        scope.declare(
          name,
          args.has(name) ? args.get(name) : fallback === undefined ? null : this.#value(fallback, inner),
        )
      }
      this.#run(block.body, inner)
    })
  }

  #include({ name, context, line }: Statement & { type: 'include' }, frame: Frame): void {
    const path = this.#value(name, frame)
    const found = this.#source.find(textOf(path), frame.template.name)
    const inner = context === undefined ? frame.context : this.#value(context, frame)
    this.#nested(frame.template, line, () => this.template(found, new Scope(frame.scope), inner))
  }

  /** What a failing body wrote is dropped. */
  #try({ body, caught, errorName }: Statement & { type: 'try' }, frame: Frame): void {
    const outer = { parts: this.#parts, length: this.#length, depth: this.#depth }
    this.#parts = []
    try {
      this.#run(body, { ...frame, scope: new Scope(frame.scope) })
      outer.parts.push(...this.#parts)
      this.#parts = outer.parts
    } catch (error) {
      this.#parts = outer.parts
      this.#length = outer.length
      this.#depth = outer.depth
      if (!(error instanceof RuntimeError) || error.kind === 'LimitExceeded') throw error
      const scope = new Scope(frame.scope)
      if (errorName !== undefined) scope.declare(errorName, errorValue(error.message))
      if (caught !== undefined) this.#run(caught, { ...frame, scope })
    }
  }

  #value(expression: Expression, frame: Frame, piped?: { readonly value: unknown }): unknown {
    this.spend(1)
    switch (expression.type) {
      case 'literal':
        return expression.value
      case 'context':
        return frame.context
      case 'slot':
        throw new RenderError('_ stands for a piped value only')
      case 'name':
        return this.#name(expression.name, frame)
      case 'member':
        return indexOf(this.#value(expression.object, frame), this.#value(expression.key, frame))
      case 'slice': {
        const bounds = [expression.from, expression.to].map((bound) => bound && this.#value(bound, frame))
        return sliceOf(this.#value(expression.object, frame), bounds[0], bounds[1])
      }
      case 'unary': {
        const operand = this.#value(expression.operand, frame)
        return expression.operator === '!' ? !truthy(operand) : operate('-', 0, operand)
      }
      case 'binary':
        return this.#binary(expression, frame)
      case 'conditional':
        return this.#value(truthy(this.#value(expression.test, frame)) ? expression.yes : expression.no, frame)
      case 'pipe':
        return this.#callExpression(expression.call, frame, { value: this.#value(expression.value, frame) })
      case 'call':
        return this.#callExpression(expression, frame, piped)
    }
  }

  #name(name: string, frame: Frame): unknown {
    const holder = frame.scope.holder(name)
    if (holder !== undefined) return holder.get(name)
    if (Object.hasOwn(this.#globals, name)) return this.#globals[name]
    if (Object.hasOwn(builtins, name)) return builtins[name]
    throw new RenderError(`identifier ${name} is not defined`)
  }

  #binary({ operator, left, right }: Expression & { type: 'binary' }, frame: Frame): unknown {
    if (operator === '&&') return truthy(this.#value(left, frame)) && truthy(this.#value(right, frame))
    if (operator === '||') return truthy(this.#value(left, frame)) || truthy(this.#value(right, frame))
    const a = this.#value(left, frame)
    const b = this.#value(right, frame)
    if (operator === '==') return equalTo(a, b)
    if (operator === '!=') return !equalTo(a, b)
    if (operator === '<') return compareValues(a, b) < 0
    if (operator === '<=') return compareValues(a, b) <= 0
    if (operator === '>') return compareValues(a, b) > 0
    if (operator === '>=') return compareValues(a, b) >= 0
    const result = operate(operator, a, b)
    if (typeof result === 'string') this.spend(result.length / 64)
    return result
  }

  #callExpression(
    call: Expression & { type: 'call' },
    frame: Frame,
    piped: { readonly value: unknown } | undefined,
  ): unknown {
    const { callee, args } = call
    if (callee.type === 'name' && callee.name === 'isset') return args.every((arg) => this.#isSet(arg, frame))
    const slot = args.some((arg) => arg.type === 'slot')
    const values = args.map((arg) =>
      arg.type === 'slot' && piped !== undefined ? piped.value : this.#value(arg, frame),
    )
    if (piped !== undefined && !slot) values.unshift(piped.value)
    if (callee.type === 'name' && frame.scope.holder(callee.name) === undefined) {
      if (callee.name === 'exec') return this.#execute(values, frame)
      if (callee.name === 'includeIfExists') return this.#includeIfExists(values, frame)
    }
    const found = this.#value(callee, frame)
    if (typeof found !== 'function') throw new RenderError(`${shownCallee(callee)} is not a function`)
    return (found as Builtin)(values, this)
  }

  #isSet(expression: Expression, frame: Frame): boolean {
    try {
      return (this.#value(expression, frame) ?? null) !== null
    } catch (error) {
      if (error instanceof RenderError) return false
      throw error
    }
  }

  /** Runs another template for the value it returns; what it writes is dropped. */
  #execute([name, context]: unknown[], frame: Frame): unknown {
    const found = this.#source.find(textOf(name), frame.template.name)
    const outer = { parts: this.#parts, length: this.#length, returned: this.#returned }
    this.#parts = []
    this.#returned = null
    this.#nested(frame.template, 1, () => this.template(found, new Scope(frame.scope), context ?? frame.context))
    const result = this.#returned
    this.#parts = outer.parts
    this.#length = outer.length
    this.#returned = outer.returned
    return result
  }

  #includeIfExists([name, context]: unknown[], frame: Frame): unknown {
    let found: Template
    try {
      found = this.#source.find(textOf(name), frame.template.name)
    } catch (error) {
      if (error instanceof RuntimeError && error.kind === 'NotFound') return SILENT
      throw error
    }
    this.#nested(frame.template, 1, () => this.template(found, new Scope(frame.scope), context ?? frame.context))
    return SILENT
  }

  write(text: string): void {
    this.#length += text.length
    if (this.#length > MAX_OUTPUT)
      throw moduleError('LimitExceeded', `template wrote more than ${MAX_OUTPUT} characters`)
    this.#parts.push(text)
  }

  /** Counts work; builtins count what grows with their arguments. */
  spend(steps: number): void {
    this.#steps += steps
    if (this.#steps > MAX_STEPS) throw moduleError('LimitExceeded', `template took more than ${MAX_STEPS} steps`)
  }

  #nested(template: Template, line: number, run: () => void): void {
    if (++this.#depth > MAX_DEPTH)
      throw this.#fail(template, line, `templates are nested deeper than ${MAX_DEPTH} levels`)
    run()
    this.#depth--
  }

  #fail(template: Template, line: number, message: string): RuntimeError {
    return moduleError('Internal', `template ${template.name}:${line}: ${message}`)
  }
}

/** Prints nothing. */
const SILENT = Symbol('silent')

function errorValue(message: string): unknown {
  const error: Record<string, unknown> = Object.create(null)
  error['Error'] = () => message
  return error
}

function shownCallee(callee: Expression): string {
  if (callee.type === 'name') return callee.name
  return callee.type === 'member' && callee.key.type === 'literal' ? String(callee.key.value) : 'the value'
}
