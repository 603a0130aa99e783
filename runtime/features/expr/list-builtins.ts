// Builtins over lists and maps.

import {
  arrayOf,
  type Builtin,
  type BuiltinCall,
  counting,
  define,
  held,
  integer,
  mapOf,
  over,
  type Predicate,
  text,
  truth,
} from './builtin-shape.ts'
import { fail } from './failure.ts'
import { add, compare, equal, fetch, isInteger, isKey, isPlainMap, typeName } from './values.ts'

const collection = ['array', 'map', 'string'] as const

export const listBuiltins: Readonly<Record<string, Builtin>> = {
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
      if (!Array.isArray(pair) || pair.length !== 2 || !isKey(pair[0]))
        fail('invalid pair: a [key, value] array expected')
      map[String((pair as unknown[])[0])] = (pair as unknown[])[1]
    }
    return map
  }),
  concat: define(
    ['array'],
    'array',
    ({ budget }, arrays) => {
      budget.hold(arrays.reduce((total: number, items) => total + arrayOf(items).length, 0))
      return arrays.flatMap((items) => arrayOf(items))
    },
    { least: 1, most: 100 },
  ),
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
  sort: define(
    ['array', 'string'],
    'array',
    ({ budget }, [items, order]) => {
      const sign = direction(order)
      const sorted = held(budget, [...arrayOf(items)])
      return sorted.sort(counting(budget, (a, b) => sign * compare('<', a, b)))
    },
    { least: 1 },
  ),
  join: define(
    ['array', 'string'],
    'string',
    ({ budget }, [items, separator]) => {
      const texts = arrayOf(items).map((item) => text(item, 'join'))
      const glue = separator === undefined ? '' : text(separator, 'join')
      budget.text(texts.reduce((total, one) => total + one.length + glue.length, 0))
      return texts.join(glue)
    },
    { least: 1 },
  ),
}

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

function direction(order: unknown): number {
  if (order === undefined || order === 'asc') return 1
  return order === 'desc' ? -1 : fail('invalid order argument (expected "asc" or "desc")')
}
