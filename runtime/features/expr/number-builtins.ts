// Builtins over numbers, and conversions between types.

import type { Budget } from './budget.ts'
import { type Builtin, counted, counting, define, numeric, whole } from './builtin-shape.ts'
import { fail } from './failure.ts'
import { compare, isInteger, isNumeric, type Numeric, shrink, textOf, typeName } from './values.ts'

export const numberBuiltins: Readonly<Record<string, Builtin>> = {
  min: define(['any'], 'any', ({ budget }, args) => extreme('min', args, -1, budget), { least: 1, most: 1000 }),
  max: define(['any'], 'any', ({ budget }, args) => extreme('max', args, 1, budget), { least: 1, most: 1000 }),
  mean: define(
    ['any'],
    'float',
    (_, args) => {
      const numbers = spread('mean', args)
      return numbers.length === 0 ? 0 : numbers.reduce((total: number, one) => total + Number(one), 0) / numbers.length
    },
    { least: 1, most: 1000 },
  ),
  median: define(
    ['any'],
    'float',
    ({ budget }, args) => {
      const numbers = spread('median', args)
        .map(Number)
        .sort(counting(budget, (a, b) => a - b))
      const middle = numbers.length >> 1
      if (numbers.length === 0) return 0
      return numbers.length % 2 === 1 ? numbers[middle] : ((numbers[middle - 1] ?? 0) + (numbers[middle] ?? 0)) / 2
    },
    { least: 1, most: 1000 },
  ),

  abs: define(['number'], 'number', (_, [n]) => (numeric(n, 'abs') < 0 ? shrinkNegative(numeric(n, 'abs')) : n)),
  ceil: define(['number'], 'float', (_, [n]) => Math.ceil(Number(numeric(n, 'ceil')))),
  floor: define(['number'], 'float', (_, [n]) => Math.floor(Number(numeric(n, 'floor')))),
  round: define(['number'], 'float', (_, [n]) => {
    const value = Number(numeric(n, 'round'))
    return Math.sign(value) * Math.round(Math.abs(value)) + 0
  }),
  int: define(['any'], 'int', (_, [value]) => {
    if (isInteger(value)) return value
    if (typeof value === 'number') return Math.trunc(value)
    if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) return shrink(BigInt(value.replace('+', '')))
    return fail(`invalid operation: int(${typeof value === 'string' ? JSON.stringify(value) : typeName(value)})`)
  }),
  float: define(['any'], 'float', (_, [value]) => {
    if (isNumeric(value)) return Number(value)
    const known = typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)
    return known
      ? Number(value)
      : fail(`invalid operation: float(${typeof value === 'string' ? JSON.stringify(value) : typeName(value)})`)
  }),
  string: define(['any'], 'string', ({ budget }, [value]) => counted(budget, textOf(value))),
  type: define(['any'], 'string', (_, [value]) => typeName(value)),

  bitand: bits('bitand', (a, b) => a & b),
  bitor: bits('bitor', (a, b) => a | b),
  bitxor: bits('bitxor', (a, b) => a ^ b),
  bitnand: bits('bitnand', (a, b) => a & ~b),
  bitshl: bits('bitshl', (a, b) =>
    b < 0n ? fail(`invalid operation: negative shift count ${b}`) : b > 63n ? 0n : a << b,
  ),
  bitshr: bits('bitshr', (a, b) =>
    b < 0n ? fail(`invalid operation: negative shift count ${b}`) : a >> (b > 63n ? 63n : b),
  ),
  bitushr: bits('bitushr', (a, b) =>
    b < 0n ? fail(`invalid operation: negative shift count ${b}`) : b > 63n ? 0n : BigInt.asUintN(64, a) >> b,
  ),
  bitnot: define(['int'], 'int', (_, [a]) => shrink(~BigInt(whole(a, 'bitnot')))),
}

function shrinkNegative(value: Numeric): Numeric {
  return typeof value === 'bigint' ? shrink(-value) : -value
}

/** The numbers among the arguments; arrays stand for their items. */
function spread(name: string, args: unknown[], depth = 0): Numeric[] {
  if (depth > 100) fail(`array is nested too deep for ${name}`)
  return args.flatMap((arg) => (Array.isArray(arg) ? spread(name, arg, depth + 1) : [numeric(arg, name)]))
}

function extreme(name: string, args: unknown[], sign: number, budget: Budget): unknown {
  const numbers = spread(name, args)
  budget.spend(numbers.length)
  if (numbers.length === 0) return null
  return numbers.reduce((best, one) => (compare('<', one, best) * sign > 0 ? one : best))
}

function bits(name: string, run: (a: bigint, b: bigint) => bigint): Builtin {
  return define(['int', 'int'], 'int', (_, [a, b]) =>
    shrink(BigInt.asIntN(64, run(BigInt(whole(a, name)), BigInt(whole(b, name))))),
  )
}
