// What a builtin function of expr-lang is, and how the tables of builtins say it.

import type { Budget } from './budget.ts'
import { fail } from './failure.ts'
import { isInteger, isNumeric, isPlainMap, type Numeric, typeName } from './values.ts'

/** `any` fits all; `number` is int or float. */
export type ExprType =
  | 'any'
  | 'nil'
  | 'bool'
  | 'int'
  | 'float'
  | 'number'
  | 'string'
  | 'array'
  | 'map'
  | 'time.Time'
  | 'time.Duration'

/** The predicate of a builtin, called per element. */
export type Predicate = (item: unknown, index: number, acc?: unknown) => unknown

export interface BuiltinCall {
  readonly budget: Budget
  readonly now: () => bigint
}

export interface Builtin {
  readonly least: number
  readonly most: number
  /** Which argument is a predicate instead of a value. */
  readonly predicateAt?: number
  /** Types of the arguments; further ones are of the last type. */
  readonly takes: readonly (ExprType | readonly ExprType[])[]
  readonly gives: ExprType
  readonly run: (call: BuiltinCall, args: unknown[]) => unknown
}

export function define(
  takes: Builtin['takes'],
  gives: ExprType,
  run: Builtin['run'],
  shape: { least?: number; most?: number; predicateAt?: number } = {},
): Builtin {
  return { least: takes.length, most: takes.length, takes, gives, run, ...shape }
}

/** A builtin over an array with a predicate as second argument. */
export function over(gives: ExprType, run: (call: BuiltinCall, items: unknown[], test: Predicate) => unknown): Builtin {
  return define(['array', 'any'], gives, (call, [items, test]) => run(call, arrayOf(items), test as Predicate), {
    predicateAt: 1,
  })
}

export function truth(value: unknown): boolean {
  return typeof value === 'boolean' ? value : fail(`predicate should return boolean (got ${typeName(value)})`)
}

export function arrayOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : fail(`cannot iterate over ${typeName(value)}: an array is expected`)
}

export function mapOf(value: unknown): Record<string, unknown> {
  return isPlainMap(value) ? value : fail(`a map is expected, got ${typeName(value)}`)
}

export function text(value: unknown, name: string): string {
  return typeof value === 'string' ? value : fail(`invalid argument for ${name} (type ${typeName(value)})`)
}

export function numeric(value: unknown, name: string): Numeric {
  return isNumeric(value) ? value : fail(`invalid argument for ${name} (type ${typeName(value)})`)
}

export function whole(value: unknown, name: string): Numeric {
  return isInteger(value) ? value : fail(`invalid argument for ${name} (type ${typeName(value)})`)
}

export function integer(value: unknown): number {
  return isInteger(value) ? Number(value) : fail(`an integer is expected, got ${typeName(value)}`)
}

export function held<T>(budget: Budget, items: T[]): T[] {
  budget.hold(items.length)
  return items
}

export function counted(budget: Budget, value: string): string {
  budget.text(value.length)
  return value
}

/** An order whose every comparison is paid for. */
export function counting<T>(budget: Budget, order: (a: T, b: T) => number): (a: T, b: T) => number {
  return (a, b) => {
    budget.spend(1)
    return order(a, b)
  }
}
