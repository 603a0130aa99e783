// Where the checker is and what it has found: shared by the parts that read statements, expressions and conditions.

import type { Expression, FunctionExpression } from '../ast.ts'
import { isAssignable } from './assignable.ts'
import type { Binding, Bindings } from './bind.ts'
import type { Code } from './diagnostic.ts'
import { Flow, join, type Place, placeOf, placeOfBinding, placeOfField } from './flow.ts'
import { any, isKnownNever, keeping, membersOf, type StaticType, withoutNil } from './static-type.ts'
import type { TypeNames } from './type-reader.ts'

export interface Finding {
  readonly code: Code
  readonly at: number
  readonly message: string
}

/** What a library gives to those who import it. */
export interface ModuleTypes {
  readonly value: StaticType
  readonly types: TypeNames
}

/** What stands around an expression: a plain read, or a test for presence. */
export type Usage = 'read' | 'test'

/** What a misfit is called: where the value was to go. */
export interface Destination {
  readonly code: Code
  /** `argument 1 (name): ` or nothing. */
  readonly prefix: string
}

/** The parts of the checker that need each other: expressions hold functions, functions hold statements. */
export interface Readers {
  readonly infer: (c: Context, e: Expression, usage: Usage) => StaticType
  readonly check: (c: Context, e: Expression, expected: StaticType, to: Destination) => StaticType
  readonly checkBody: (c: Context, value: FunctionExpression, types: BodyTypes) => void
}

/** Results of one call in several variables, the last of which is nil just when the others are not. */
export interface Outcome {
  readonly values: readonly Place[]
  readonly error: Place
  /** Of the values, then of the error: the outcome counts only while none has changed. */
  readonly origins: readonly number[]
}

/** Tables within tables of unions of unions: beyond this many guesses they fit. */
const MOST_GUESSES = 5_000

export class Context {
  readonly bindings: Bindings
  readonly #readers: Readers
  flow = new Flow()
  names: TypeNames
  /** Declared returns of the function we are in. */
  returns: readonly StaticType[] | undefined
  vararg: StaticType = any
  /** Annotations of variables. */
  readonly declared = new Map<Binding, StaticType>()
  readonly outcomes = new Map<Place, Outcome>()
  /** Constant variables that hold the answer of a test: `local ok = x ~= nil`. */
  readonly tests = new Map<Binding, Expression>()
  #findings: Finding[] = []
  readonly #seen = new Set<string>()
  /** By the name that `require` takes. */
  readonly modules: ReadonlyMap<string, ModuleTypes>
  /** How many functions deep; 0 in the chunk itself. */
  functions = 0
  /** What the chunk returns to whoever requires it. */
  exported: StaticType = any
  #origin = 0
  #quiet = 0
  #guesses = 0
  #depth = 0
  broken = false

  constructor(bindings: Bindings, names: TypeNames, modules: ReadonlyMap<string, ModuleTypes>, readers: Readers) {
    this.bindings = bindings
    this.modules = modules
    this.names = names
    this.#readers = readers
  }

  /** The type of one value. */
  infer(e: Expression, usage: Usage = 'read'): StaticType {
    return this.#readers.infer(this, e, usage)
  }

  /** Checks a value against the type of its place. Gives the type it has there. */
  check(e: Expression, expected: StaticType, to: Destination): StaticType {
    return this.#readers.check(this, e, expected, to)
  }

  checkBody(value: FunctionExpression, types: BodyTypes): void {
    this.#readers.checkBody(this, value, types)
  }

  /** For narrowing, which looks again at expressions that were checked already. */
  readonly typeOf = (e: Expression): StaticType => this.silently(() => this.infer(e, 'test'))

  get findings(): readonly Finding[] {
    return this.#findings
  }

  /** May it still guess? When not, what cannot be told fits. */
  get patient(): boolean {
    return this.#guesses < MOST_GUESSES
  }

  get quiet(): boolean {
    return this.#quiet > 0
  }

  report(code: Code, at: number, message: string): void {
    if (!this.flow.reachable) return
    const key = `${code} ${at} ${message}`
    if (this.#quiet === 0 && this.#seen.has(key)) return
    if (this.#quiet === 0) this.#seen.add(key)
    this.#findings.push({ code, at, message })
  }

  /** Would it report anything? What it finds is dropped. */
  wouldReport(run: () => void): boolean {
    this.#guesses += 1
    const findings = this.#findings
    this.#findings = []
    this.#quiet += 1
    run()
    this.#quiet -= 1
    const found = this.#findings.length > 0
    this.#findings = findings
    return found
  }

  /** Runs without reporting, and without reading bodies of functions. */
  silently<T>(run: () => T): T {
    const findings = this.#findings
    const before = findings.length
    this.#quiet += 1
    const result = run()
    this.#quiet -= 1
    if (this.#quiet === 0) findings.length = before
    return result
  }

  /** Runs `run` unless expressions nest deeper than anybody writes. */
  nested<T>(run: () => T, tooDeep: T): T {
    if (this.#depth > 150) return tooDeep
    this.#depth += 1
    const result = run()
    this.#depth -= 1
    return result
  }

  /** Runs something in a flow of its own; gives that flow as it is afterwards. */
  inFlow(flow: Flow, run: () => void): Flow {
    const outer = this.flow
    this.flow = flow
    run()
    const after = this.flow
    this.flow = outer
    return after
  }

  join(a: Flow, b: Flow): Flow {
    return join(a, b, (id) => this.declared.has(this.bindings.all[id]!))
  }

  placeOf(expression: Expression): Place | undefined {
    return placeOf(expression, this.bindings)
  }

  typeOfBinding(binding: Binding): StaticType {
    return this.flow.known.get(placeOfBinding(binding))?.type ?? this.declared.get(binding) ?? any
  }

  /** A condition told us more of a place; it still holds the same value. */
  refine(place: Place, type: StaticType): void {
    this.flow.known.set(place, { type, origin: this.originOf(place) })
  }

  /** A variable got a new value. */
  assign(binding: Binding, value: StaticType): void {
    const place = placeOfBinding(binding)
    this.flow.forget(place)
    const declared = this.declared.get(binding)
    // A function may change it at any call: only what is written down is sure.
    if (binding.assignedInside) return
    const type = declared === undefined ? value : narrowedBy(declared, value)
    if (type.kind !== 'any') this.flow.known.set(place, { type, origin: this.#nextOrigin() })
  }

  /** A field got a new value. Only what is sure to stay is remembered: calls may change it too. */
  assignField(object: Place, name: string, declared: StaticType | undefined, value: StaticType): void {
    const place = placeOfField(object, name)
    this.flow.forget(place)
    if (declared === undefined) {
      if (value.kind === 'function') this.flow.known.set(place, { type: value, origin: this.#nextOrigin() })
      return
    }
    const type = narrowedBy(declared, value)
    if (membersOf(type).some(({ kind }) => kind === 'nil')) return
    this.flow.known.set(place, { type, origin: this.#nextOrigin() })
  }

  originOf(place: Place): number {
    return this.flow.known.get(place)?.origin ?? 0
  }

  #nextOrigin(): number {
    this.#origin += 1
    return this.#origin
  }
}

/** Types of a function's parameters where the context gives them. */
export interface BodyTypes {
  readonly params: readonly StaticType[]
  readonly vararg: StaticType
  readonly returns: readonly StaticType[] | undefined
}

/** The part of a declared type that a value of another type can be. */
function narrowedBy(declared: StaticType, value: StaticType): StaticType {
  if (membersOf(declared).some(({ kind }) => kind === 'any' || kind === 'unknown')) return declared
  // Whoever assigns what nobody knows the type of is trusted that something is there.
  if (value.kind === 'any') return isKnownNever(withoutNil(declared)) ? declared : withoutNil(declared)
  const values = membersOf(value)
  const kept = keeping(declared, (member) => values.some((one) => isAssignable(one, member)))
  return isKnownNever(kept) ? declared : kept
}
