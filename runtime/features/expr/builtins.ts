// The builtin functions of expr-lang: how many arguments each takes, of which types, what it gives, and what it does.

import { parseDuration } from '../../core/duration.ts'
import { RuntimeError } from '../../core/error.ts'
import { emptyMap, type Value } from '../../core/value.ts'
import type { Budget } from './budget.ts'
import { ExprTime, parseDate } from './dates.ts'
import { ExprError, fail } from './failure.ts'
import {
  add, compare, ExprDuration, equal, fetch, isInteger, isKey, isNumeric, isPlainMap, type Numeric, shrink, textOf, typeName,
} from './values.ts' // biome-ignore format: one line of names

/** `any` fits all; `number` is int or float. */
export type ExprType =
  | 'any' | 'nil' | 'bool' | 'int' | 'float' | 'number' | 'string' | 'array' | 'map' | 'time.Time' | 'time.Duration' // biome-ignore format: a list

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

const collection = ['array', 'map', 'string'] as const

function define(
  takes: Builtin['takes'],
  gives: ExprType,
  run: Builtin['run'],
  shape: { least?: number; most?: number; predicateAt?: number } = {},
): Builtin {
  return { least: takes.length, most: takes.length, takes, gives, run, ...shape }
}

/** A builtin over an array with a predicate as second argument. */
function over(gives: ExprType, run: (call: BuiltinCall, items: unknown[], test: Predicate) => unknown): Builtin {
  return define(['array', 'any'], gives, (call, [items, test]) => run(call, arrayOf(items), test as Predicate), {
    predicateAt: 1,
  })
}

export const builtins: Readonly<Record<string, Builtin>> = {
  all: over('bool', (_, items, test) => items.every((item, index) => truth(test(item, index)))),
  any: over('bool', (_, items, test) => items.some((item, index) => truth(test(item, index)))),
  none: over('bool', (_, items, test) => !items.some((item, index) => truth(test(item, index)))),
  one: over('bool', (_, items, test) => items.filter((item, index) => truth(test(item, index))).length === 1),
  filter: over('array', ({ budget }, items, test) => {
    budget.hold(items.length)
    return items.filter((item, index) => truth(test(item, index)))
  }),
  map: over('array', ({ budget }, items, each) => {
    budget.hold(items.length)
    return items.map((item, index) => each(item, index))
  }),
  find: over('any', (_, items, test) => items.find((item, index) => truth(test(item, index))) ?? null),
  findIndex: over('int', (_, items, test) => items.findIndex((item, index) => truth(test(item, index)))),
  findLast: over('any', (_, items, test) => items.findLast((item, index) => truth(test(item, index))) ?? null),
  findLastIndex: over('int', (_, items, test) => items.findLastIndex((item, index) => truth(test(item, index)))),
  groupBy: over('map', ({ budget }, items, keyOf) => {
    budget.hold(items.length * 2)
    const groups: { [key: string]: unknown[] } = Object.create(null)
    items.forEach((item, index) => {
      const key = keyOf(item, index)
      if (!isKey(key)) fail(`cannot group by ${typeName(key)}`)
      const group = (groups[String(key)] ??= [])
      group.push(item)
    })
    return groups
  }),
  sortBy: define(['array', 'any', 'string'], 'array', sortBy, { least: 2, predicateAt: 1 }),
  count: define(['array', 'any'], 'int', count, { least: 1, predicateAt: 1 }),
  sum: define(['array', 'any'], 'number', sum, { least: 1, predicateAt: 1 }),
  reduce: define(['array', 'any', 'any'], 'any', reduce, { least: 2, predicateAt: 1 }),

  len: define([collection], 'int', ({ budget }, [value]) => {
    if (typeof value === 'string') {
      budget.text(value.length)
      return [...value].length
    }
    if (Array.isArray(value)) return value.length
    if (isPlainMap(value)) return Object.keys(value).length
    return fail(`invalid argument for len (type ${typeName(value)})`)
  }),
  first: define(['array'], 'any', (_, [items]) => arrayOf(items)[0] ?? null),
  last: define(['array'], 'any', (_, [items]) => arrayOf(items).at(-1) ?? null),
  take: define(['array', 'int'], 'array', ({ budget }, [items, n]) => {
    const limit = integer(n)
    if (limit < 0) fail(`cannot take ${limit} elements`)
    budget.hold(Math.min(limit, arrayOf(items).length))
    return arrayOf(items).slice(0, limit)
  }),
  get: define(['any', 'any'], 'any', (_, [object, key]) => {
    if ((object ?? null) === null) return null
    if (Array.isArray(object)) {
      if (!isInteger(key)) return null
      return object.at(Number(key)) ?? null
    }
    return isPlainMap(object) ? fetch(object, key) : null
  }),
  keys: define(['map'], 'array', ({ budget }, [map]) => held(budget, Object.keys(mapOf(map)))),
  values: define(['map'], 'array', ({ budget }, [map]) => held(budget, Object.values(mapOf(map)))),
  toPairs: define(['map'], 'array', ({ budget }, [map]) => {
    budget.hold(Object.keys(mapOf(map)).length * 3)
    return Object.entries(mapOf(map))
  }),
  fromPairs: define(['array'], 'map', ({ budget }, [pairs]) => {
    const map: { [key: string]: unknown } = Object.create(null)
    budget.hold(arrayOf(pairs).length)
    for (const pair of arrayOf(pairs)) {
      if (!Array.isArray(pair) || pair.length !== 2 || !isKey(pair[0])) fail('invalid pair: a [key, value] array expected')
      map[String((pair as unknown[])[0])] = (pair as unknown[])[1]
    }
    return map
  }),
  concat: define(['array'], 'array', ({ budget }, arrays) => {
    budget.hold(arrays.reduce((total: number, items) => total + arrayOf(items).length, 0))
    return arrays.flatMap((items) => arrayOf(items))
  }, { least: 1, most: 100 }),
  flatten: define(['array'], 'array', ({ budget }, [items]) => {
    const flat: unknown[] = []
    const visit = (list: unknown[], depth: number): void => {
      if (depth > 100) fail('array is nested too deep to flatten')
      for (const item of list) {
        if (Array.isArray(item)) visit(item, depth + 1)
        else {
          budget.hold(1)
          flat.push(item)
        }
      }
    }
    visit(arrayOf(items), 0)
    return flat
  }),
  uniq: define(['array'], 'array', ({ budget }, [items]) => {
    const seen: unknown[] = []
    const simple = new Set<unknown>()
    for (const item of arrayOf(items)) {
      const known = isKey(item)
        ? simple.has(typeof item === 'bigint' ? Number(item) : item)
        : seen.some((other) => equal(other, item, budget.spend))
      if (known) continue
      budget.hold(1)
      if (isKey(item)) simple.add(typeof item === 'bigint' ? Number(item) : item)
      seen.push(item)
    }
    return seen
  }),
  reverse: define(['array'], 'array', ({ budget }, [items]) => held(budget, [...arrayOf(items)].reverse())),
  sort: define(['array', 'string'], 'array', ({ budget }, [items, order]) => {
    const sign = direction(order)
    const sorted = held(budget, [...arrayOf(items)])
    return sorted.sort(counting(budget, (a, b) => sign * compare('<', a, b)))
  }, { least: 1 }),
  join: define(['array', 'string'], 'string', ({ budget }, [items, separator]) => {
    const texts = arrayOf(items).map((item) => text(item, 'join'))
    const glue = separator === undefined ? '' : text(separator, 'join')
    budget.text(texts.reduce((total, one) => total + one.length + glue.length, 0))
    return texts.join(glue)
  }, { least: 1 }),
  min: define(['any'], 'any', ({ budget }, args) => extreme('min', args, -1, budget), { least: 1, most: 1000 }),
  max: define(['any'], 'any', ({ budget }, args) => extreme('max', args, 1, budget), { least: 1, most: 1000 }),
  mean: define(['any'], 'float', (_, args) => {
    const numbers = spread('mean', args)
    return numbers.length === 0 ? 0 : numbers.reduce((total: number, one) => total + Number(one), 0) / numbers.length
  }, { least: 1, most: 1000 }),
  median: define(['any'], 'float', ({ budget }, args) => {
    const numbers = spread('median', args).map(Number).sort(counting(budget, (a, b) => a - b))
    const middle = numbers.length >> 1
    if (numbers.length === 0) return 0
    return numbers.length % 2 === 1 ? numbers[middle] : ((numbers[middle - 1] ?? 0) + (numbers[middle] ?? 0)) / 2
  }, { least: 1, most: 1000 }),

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
    return known ? Number(value) : fail(`invalid operation: float(${typeof value === 'string' ? JSON.stringify(value) : typeName(value)})`)
  }),
  string: define(['any'], 'string', ({ budget }, [value]) => counted(budget, textOf(value))),
  type: define(['any'], 'string', (_, [value]) => typeName(value)),

  trim: define(['string', 'string'], 'string', (_, [value, set]) => trimmed(value, set), { least: 1 }),
  trimPrefix: define(['string', 'string'], 'string', (_, [value, prefix = '']) => {
    const [whole, part] = [text(value, 'trimPrefix'), text(prefix, 'trimPrefix')]
    return whole.startsWith(part) ? whole.slice(part.length) : whole
  }, { least: 1 }),
  trimSuffix: define(['string', 'string'], 'string', (_, [value, suffix = '']) => {
    const [whole, part] = [text(value, 'trimSuffix'), text(suffix, 'trimSuffix')]
    return part !== '' && whole.endsWith(part) ? whole.slice(0, -part.length) : whole
  }, { least: 1 }),
  upper: define(['string'], 'string', ({ budget }, [value]) => counted(budget, text(value, 'upper')).toUpperCase()),
  lower: define(['string'], 'string', ({ budget }, [value]) => counted(budget, text(value, 'lower')).toLowerCase()),
  split: define(['string', 'string', 'int'], 'array', ({ budget }, args) => pieces(budget, args, false), { least: 2 }),
  splitAfter: define(['string', 'string', 'int'], 'array', ({ budget }, args) => pieces(budget, args, true), { least: 2 }),
  replace: define(['string', 'string', 'string'], 'string', ({ budget }, [value, from, to]) => {
    const [whole, old, fresh] = [text(value, 'replace'), text(from, 'replace'), text(to, 'replace')]
    const parts = old === '' ? [...whole] : counted(budget, whole).split(old)
    budget.text(whole.length + (parts.length + 1) * fresh.length)
    return old === '' ? `${fresh}${parts.map((part) => part + fresh).join('')}` : parts.join(fresh)
  }),
  repeat: define(['string', 'int'], 'string', ({ budget }, [value, n]) => {
    const times = integer(n)
    if (times < 0) fail('invalid argument for repeat (expected positive integer)')
    budget.text(text(value, 'repeat').length * times)
    return text(value, 'repeat').repeat(times)
  }),
  indexOf: define(['string', 'string'], 'int', ({ budget }, [value, part]) =>
    counted(budget, text(value, 'indexOf')).indexOf(text(part, 'indexOf'))),
  lastIndexOf: define(['string', 'string'], 'int', ({ budget }, [value, part]) =>
    counted(budget, text(value, 'lastIndexOf')).lastIndexOf(text(part, 'lastIndexOf'))),
  hasPrefix: define(['string', 'string'], 'bool', (_, [value, part]) => text(value, 'hasPrefix').startsWith(text(part, 'hasPrefix'))),
  hasSuffix: define(['string', 'string'], 'bool', (_, [value, part]) => text(value, 'hasSuffix').endsWith(text(part, 'hasSuffix'))),

  toJSON: define(['any'], 'string', ({ budget }, [value]) => counted(budget, jsonText(value, budget))),
  fromJSON: define(['string'], 'any', ({ budget }, [value]) => {
    try {
      return JSON.parse(counted(budget, text(value, 'fromJSON')), (_, item) => nullPrototype(item))
    } catch (error) {
      if (error instanceof SyntaxError) return fail(`invalid JSON: ${error.message}`)
      throw error
    }
  }),
  toBase64: define(['string'], 'string', ({ budget }, [value]) => Buffer.from(counted(budget, text(value, 'toBase64')), 'utf8').toString('base64')),
  fromBase64: define(['string'], 'string', ({ budget }, [value]) => {
    const encoded = counted(budget, text(value, 'fromBase64'))
    if (!/^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/.test(encoded)) fail('illegal base64 data')
    return Buffer.from(encoded, 'base64').toString('utf8')
  }),

  now: define([], 'time.Time', ({ now }) => new ExprTime(now())),
  duration: define(['string'], 'time.Duration', (_, [value]) => {
    try {
      return new ExprDuration(parseDuration(text(value, 'duration')))
    } catch (error) {
      if (error instanceof RuntimeError) return fail(error.message)
      throw error
    }
  }),
  date: define(['string', 'string', 'string'], 'time.Time', (_, [value, layout, zone]) =>
    parseDate(text(value, 'date'), layout === undefined ? undefined : text(layout, 'date'), zone === undefined ? undefined : text(zone, 'date')), { least: 1 }),

  bitand: bits('bitand', (a, b) => a & b),
  bitor: bits('bitor', (a, b) => a | b),
  bitxor: bits('bitxor', (a, b) => a ^ b),
  bitnand: bits('bitnand', (a, b) => a & ~b),
  bitshl: bits('bitshl', (a, b) => (b < 0n ? fail(`invalid operation: negative shift count ${b}`) : b > 63n ? 0n : a << b)),
  bitshr: bits('bitshr', (a, b) => (b < 0n ? fail(`invalid operation: negative shift count ${b}`) : a >> (b > 63n ? 63n : b))),
  bitushr: bits('bitushr', (a, b) => (b < 0n ? fail(`invalid operation: negative shift count ${b}`) : b > 63n ? 0n : BigInt.asUintN(64, a) >> b)),
  bitnot: define(['int'], 'int', (_, [a]) => shrink(~BigInt(whole(a, 'bitnot')))),
} // biome-ignore format: a table reads best in rows

function sortBy({ budget }: BuiltinCall, [items, keyOf, order]: unknown[]): unknown {
  const sign = direction(order)
  const list = arrayOf(items)
  budget.hold(list.length * 3)
  const keyed = list.map((item, index) => ({ item, key: (keyOf as Predicate)(item, index) }))
  keyed.sort(counting(budget, (a, b) => sign * compare('<', a.key, b.key)))
  return keyed.map(({ item }) => item)
}

function count(_: BuiltinCall, [items, test]: unknown[]): unknown {
  const holds =
    test === undefined
      ? (item: unknown) => truth(item)
      : (item: unknown, index: number) => truth((test as Predicate)(item, index))
  return arrayOf(items).filter(holds).length
}

function sum(_: BuiltinCall, [items, amountOf]: unknown[]): unknown {
  let total: unknown = 0
  arrayOf(items).forEach((item, index) => {
    total = add(total, amountOf === undefined ? item : (amountOf as Predicate)(item, index))
  })
  return total
}

function reduce(_: BuiltinCall, [items, step, initial]: unknown[]): unknown {
  const list = arrayOf(items)
  if (initial === undefined && list.length === 0) return fail('reduce of empty array with no initial value')
  let acc = initial === undefined ? list[0] : initial
  for (let index = initial === undefined ? 1 : 0; index < list.length; index++)
    acc = (step as Predicate)(list[index], index, acc)
  return acc
}

function truth(value: unknown): boolean {
  return typeof value === 'boolean' ? value : fail(`predicate should return boolean (got ${typeName(value)})`)
}

function arrayOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : fail(`cannot iterate over ${typeName(value)}: an array is expected`)
}

function mapOf(value: unknown): Record<string, unknown> {
  return isPlainMap(value) ? value : fail(`a map is expected, got ${typeName(value)}`)
}

function text(value: unknown, name: string): string {
  return typeof value === 'string' ? value : fail(`invalid argument for ${name} (type ${typeName(value)})`)
}

function numeric(value: unknown, name: string): Numeric {
  return isNumeric(value) ? value : fail(`invalid argument for ${name} (type ${typeName(value)})`)
}

function whole(value: unknown, name: string): Numeric {
  return isInteger(value) ? value : fail(`invalid argument for ${name} (type ${typeName(value)})`)
}

function integer(value: unknown): number {
  return isInteger(value) ? Number(value) : fail(`an integer is expected, got ${typeName(value)}`)
}

function shrinkNegative(value: Numeric): Numeric {
  return typeof value === 'bigint' ? shrink(-value) : -value
}

function held<T>(budget: Budget, items: T[]): T[] {
  budget.hold(items.length)
  return items
}

function counted(budget: Budget, value: string): string {
  budget.text(value.length)
  return value
}

/** An order whose every comparison is paid for. */
function counting<T>(budget: Budget, order: (a: T, b: T) => number): (a: T, b: T) => number {
  return (a, b) => {
    budget.spend(1)
    return order(a, b)
  }
}

function direction(order: unknown): number {
  if (order === undefined || order === 'asc') return 1
  return order === 'desc' ? -1 : fail('invalid order argument (expected "asc" or "desc")')
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

function trimmed(value: unknown, set: unknown): string {
  const whole = text(value, 'trim')
  if (set === undefined) return whole.trim()
  const characters = [...whole]
  const drop = new Set(text(set, 'trim'))
  let from = 0
  let to = characters.length
  while (from < to && drop.has(characters[from] ?? '')) from++
  while (to > from && drop.has(characters[to - 1] ?? '')) to--
  return characters.slice(from, to).join('')
}

function pieces(budget: Budget, [value, separator, limit]: unknown[], keep: boolean): string[] {
  const subject = counted(budget, text(value, 'split'))
  const glue = text(separator, 'split')
  const n = limit === undefined ? -1 : integer(limit)
  if (n === 0) return []
  let parts = glue === '' ? [...subject] : subject.split(glue)
  budget.hold(parts.length)
  if (n > 0 && parts.length > n) parts = [...parts.slice(0, n - 1), parts.slice(n - 1).join(glue)]
  return keep ? parts.map((part, index) => (index < parts.length - 1 ? part + glue : part)) : parts
}

function bits(name: string, run: (a: bigint, b: bigint) => bigint): Builtin {
  return define(['int', 'int'], 'int', (_, [a, b]) =>
    shrink(BigInt.asIntN(64, run(BigInt(whole(a, name)), BigInt(whole(b, name))))),
  )
}

/** As Go's encoder with two spaces of indent: keys sorted, `<`, `>`, `&` escaped. */
function jsonText(value: unknown, budget: Budget): string {
  const plain = (item: unknown, depth: number): unknown => {
    budget.spend(1)
    if (depth > 100) throw new ExprError('value is nested too deep for JSON')
    if (typeof item === 'bigint') return Number(item)
    if (Array.isArray(item)) return item.map((one) => plain(one, depth + 1))
    if (item instanceof ExprTime || item instanceof ExprDuration) return textOf(item)
    if (!isPlainMap(item)) return item ?? null
    const keys = Object.keys(item).sort()
    return Object.fromEntries(keys.map((key) => [key, plain(item[key], depth + 1)]))
  }
  return JSON.stringify(plain(value, 0), null, 2).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function nullPrototype(item: unknown): unknown {
  if (!isPlainMap(item)) return item
  return Object.assign(emptyMap(), item as { [key: string]: Value })
}
