// Conditions of a policy: a field, an operator and a value, all of which must hold. A condition that cannot be judged, for
// want of the field or because the types make no sense, does not hold (spec/security.md §3).

import { RuntimeError } from '../core/error.ts'
import { asList, asName, notA } from '../core/field.ts'
import { isMap, type Value, type ValueMap } from '../core/value.ts'
import { compileRegex } from '../external/re2.ts'
import type { Request } from './policy.ts'

type Condition = (request: Request) => boolean
type Operator = (field: Value, expected: Value) => boolean

/** Compiles a list of conditions; `what` names it in errors. Throws Invalid. */
export function compileConditions(conditions: Value, what: string): Condition {
  const compiled = asList(compileCondition)(conditions, what)
  return (request) => compiled.every((holds) => holds(request))
}

function compileCondition(condition: Value, what: string): Condition {
  if (!isMap(condition)) throw notA(what, condition, 'a map')
  const path = asName(condition['field'] ?? null, `${what}.field`)
  const name = asName(condition['operator'] ?? null, `${what}.operator`)
  const hasValue = Object.hasOwn(condition, 'value') && condition['value'] !== null
  const from = condition['value_from'] ?? null
  if (!hasValue && from === null) throw new RuntimeError('Invalid', `${what} has neither value nor value_from`)
  const value = condition['value'] ?? null
  const field = (request: Request): Value | undefined => lookUp(path, request)

  if (name === 'exists' || name === 'nexists') {
    if (hasValue && typeof value !== 'boolean') throw notA(`${what}.value`, value, 'true or false')
    const expected = compileExpected(value, from, what)
    return (request) => {
      const wanted = expected(request)
      return typeof wanted === 'boolean' && (field(request) !== undefined) === (wanted === (name === 'exists'))
    }
  }
  if (name === 'matches' || name === 'nmatches') return compileMatch(field, value, name === 'matches', what)
  const operator = operators.get(name)
  if (operator === undefined) throw notA(`${what}.operator`, name, `one of ${operatorNames}`)
  const expected = compileExpected(value, from, what)
  return (request) => {
    const found = field(request)
    const wanted = expected(request)
    return found !== undefined && wanted !== undefined && operator(found, wanted)
  }
}

function compileExpected(value: Value, from: Value, what: string): (request: Request) => Value | undefined {
  if (value !== null) return () => value
  const path = asName(from, `${what}.value_from`)
  return (request) => lookUp(path, request)
}

/** The pattern must stand in the policy: one made from a request could be made to match. */
function compileMatch(
  field: (request: Request) => Value | undefined,
  value: Value,
  wanted: boolean,
  what: string,
): Condition {
  if (value === null) return () => false
  const regex = compileRegex(asName(value, `${what}.value`))
  return (request) => {
    const text = stringForm(field(request))
    return text !== undefined && regex.matchString(text) === wanted
  }
}

/** `actor.id`, `actor.meta.a.b`, `meta.a.b`, `action`, `resource`; anything else is a key of the attributes as it stands. */
function lookUp(path: string, { actor, action, resource, attributes }: Request): Value | undefined {
  if (path === 'action') return action
  if (path === 'resource') return resource
  if (path === 'actor.id') return actor.id
  if (path.startsWith('actor.meta.')) return descend(actor.meta, path.slice('actor.meta.'.length))
  if (path.startsWith('meta.')) return descend(attributes, path.slice('meta.'.length))
  return own(attributes, path)
}

function descend(map: ValueMap, path: string): Value | undefined {
  let at: Value | undefined = map
  for (const key of path.split('.')) {
    at = isMap(at) ? own(at, key) : undefined
    if (at === undefined) return undefined
  }
  return at
}

function own(map: ValueMap, key: string): Value | undefined {
  return Object.hasOwn(map, key) ? (map[key] ?? undefined) : undefined
}

function equal(a: Value, b: Value): boolean {
  if (a === b) return true
  const [x, y] = [numberOf(a), numberOf(b)]
  if (x !== undefined && y !== undefined) return x === y
  const [s, t] = [stringForm(a), stringForm(b)]
  return s !== undefined && s === t
}

/** The number a value is or spells. Integers beyond 2^53 compare as such. */
function numberOf(value: Value): number | bigint | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return value
  if (typeof value !== 'string' || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return undefined
  const number = Number(value)
  return /^[+-]?\d+$/.test(value) && !Number.isSafeInteger(number) ? BigInt(value) : number
}

function stringForm(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

function contains(field: Value, expected: Value): boolean | undefined {
  if (Array.isArray(field)) return field.some((item) => equal(item, expected))
  const [text, part] = [stringForm(field), stringForm(expected)]
  return text === undefined || part === undefined ? undefined : text.includes(part)
}

function isIn(field: Value, expected: Value): boolean | undefined {
  if (Array.isArray(expected)) return expected.some((item) => equal(field, item))
  return typeof expected === 'string' ? equal(field, expected) : undefined
}

function ordered(holds: (a: number | bigint, b: number | bigint) => boolean): Operator {
  return (field, expected) => {
    const [a, b] = [numberOf(field), numberOf(expected)]
    return a !== undefined && b !== undefined && holds(a, b)
  }
}

const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['eq', equal],
  ['ne', (field, expected) => !equal(field, expected)],
  ['lt', ordered((a, b) => a < b)],
  ['gt', ordered((a, b) => a > b)],
  ['lte', ordered((a, b) => a <= b)],
  ['gte', ordered((a, b) => a >= b)],
  ['in', (field, expected) => isIn(field, expected) === true],
  ['nin', (field, expected) => isIn(field, expected) === false],
  ['contains', (field, expected) => contains(field, expected) === true],
  ['ncontains', (field, expected) => contains(field, expected) === false],
])

const operatorNames = [...operators.keys(), 'exists', 'nexists', 'matches', 'nmatches'].join(', ')
