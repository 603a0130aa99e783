// What operators take and give, by types alone. Nothing is reported here.

import {
  any,
  integer,
  type LazyStatic,
  literal,
  membersOf,
  number,
  type StaticType,
  show,
  widened,
} from './static-type.ts'

type Member = Exclude<StaticType, LazyStatic>

/** Operators that make numbers. */
export const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '^', '//', '&', '|', '~', '<<', '>>'])
const bitwise: ReadonlySet<string> = new Set(['&', '|', '~', '<<', '>>'])
/** Comparisons that need an order. */
export const ordered: ReadonlySet<string> = new Set(['<', '>', '<=', '>='])

/** The result of an arithmetic operator on numbers; anything where its operands are not surely numbers. */
export function arithmeticType(operator: string, left: StaticType, right: StaticType): StaticType {
  if (bitwise.has(operator)) return integer
  const [a, b] = [widened(left), widened(right)]
  if (a.kind === 'integer' && b.kind === 'integer' && operator !== '/' && operator !== '^') return integer
  const numbers = new Set<StaticType['kind']>(['number', 'integer'])
  return numbers.has(a.kind) && numbers.has(b.kind) ? number : any
}

/** A member of a union in words, constants by their type. */
export function nameOf(type: Member): string {
  return type.kind === 'literal' ? typeof type.value : show(type)
}

export const isText = (type: Member): boolean =>
  type.kind === 'string' || type.kind === 'text' || (type.kind === 'literal' && typeof type.value === 'string')

/** Strings that hold numbers are taken; of a string of unknown origin nobody can tell. */
export function isNumeric(type: Member): boolean {
  if (type.kind === 'literal')
    return typeof type.value === 'number' || (typeof type.value === 'string' && isNumeral(type.value))
  return type.kind !== 'string' && !neverOperand.has(type.kind)
}

const isNumeral = (value: string): boolean => value.trim() !== '' && Number.isFinite(Number(value))

export function isConcatenable(type: Member): boolean {
  return type.kind === 'literal' ? typeof type.value !== 'boolean' : !neverOperand.has(type.kind)
}

/** Records may have metatables with operators; lists and functions do not. */
const neverOperand: ReadonlySet<StaticType['kind']> = new Set<StaticType['kind']>([
  'boolean',
  'function',
  'array',
  'thread',
  'unknown',
])

const withOperators: ReadonlySet<StaticType['kind']> = new Set<StaticType['kind']>([
  'any',
  'never',
  'record',
  'table',
  'userdata',
])

/** May it have a metatable that knows the operator? */
export const mayHaveOperators = (type: StaticType): boolean =>
  membersOf(type).some(({ kind }) => withOperators.has(kind))

/** `number`, `string` or `boolean` where that is certain. */
export function orderOf(type: StaticType): string | undefined {
  const kinds = new Set(
    membersOf(type).map((member) => {
      if (member.kind === 'literal') return typeof member.value
      if (member.kind === 'integer' || member.kind === 'number') return 'number'
      if (member.kind === 'string' || member.kind === 'text') return 'string'
      return member.kind === 'boolean' ? 'boolean' : undefined
    }),
  )
  const [only] = kinds
  return kinds.size === 1 ? only : undefined
}

export function hasLength(type: Member): boolean {
  if (type.kind === 'literal') return typeof type.value === 'string'
  return !lengthless.has(type.kind)
}

const lengthless: ReadonlySet<StaticType['kind']> = new Set<StaticType['kind']>([
  'number',
  'integer',
  'boolean',
  'function',
  'thread',
  'unknown',
])

/** The type of a written number. */
export function numberType(source: string): StaticType {
  if (/^0[xX]/.test(source)) return /[.pP]/.test(source) ? number : integer
  return literal(Number(source))
}
