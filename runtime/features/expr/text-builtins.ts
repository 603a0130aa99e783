// Builtins over texts, encodings and times.

import { parseDuration } from '../../core/duration.ts'
import { RuntimeError } from '../../core/error.ts'
import { emptyMap, type Value } from '../../core/value.ts'
import type { Budget } from './budget.ts'
import { type Builtin, counted, define, integer, text } from './builtin-shape.ts'
import { ExprTime, parseDate } from './dates.ts'
import { ExprError, fail } from './failure.ts'
import { ExprDuration, isPlainMap, textOf } from './values.ts'

export const textBuiltins: Readonly<Record<string, Builtin>> = {
  trim: define(['string', 'string'], 'string', (_, [value, set]) => trimmed(value, set), { least: 1 }),
  trimPrefix: define(
    ['string', 'string'],
    'string',
    (_, [value, prefix = '']) => {
      const [whole, part] = [text(value, 'trimPrefix'), text(prefix, 'trimPrefix')]
      return whole.startsWith(part) ? whole.slice(part.length) : whole
    },
    { least: 1 },
  ),
  trimSuffix: define(
    ['string', 'string'],
    'string',
    (_, [value, suffix = '']) => {
      const [whole, part] = [text(value, 'trimSuffix'), text(suffix, 'trimSuffix')]
      return part !== '' && whole.endsWith(part) ? whole.slice(0, -part.length) : whole
    },
    { least: 1 },
  ),
  upper: define(['string'], 'string', ({ budget }, [value]) => counted(budget, text(value, 'upper')).toUpperCase()),
  lower: define(['string'], 'string', ({ budget }, [value]) => counted(budget, text(value, 'lower')).toLowerCase()),
  split: define(['string', 'string', 'int'], 'array', ({ budget }, args) => pieces(budget, args, false), { least: 2 }),
  splitAfter: define(['string', 'string', 'int'], 'array', ({ budget }, args) => pieces(budget, args, true), {
    least: 2,
  }),
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
    counted(budget, text(value, 'indexOf')).indexOf(text(part, 'indexOf')),
  ),
  lastIndexOf: define(['string', 'string'], 'int', ({ budget }, [value, part]) =>
    counted(budget, text(value, 'lastIndexOf')).lastIndexOf(text(part, 'lastIndexOf')),
  ),
  hasPrefix: define(['string', 'string'], 'bool', (_, [value, part]) =>
    text(value, 'hasPrefix').startsWith(text(part, 'hasPrefix')),
  ),
  hasSuffix: define(['string', 'string'], 'bool', (_, [value, part]) =>
    text(value, 'hasSuffix').endsWith(text(part, 'hasSuffix')),
  ),

  toJSON: define(['any'], 'string', ({ budget }, [value]) => counted(budget, jsonText(value, budget))),
  fromJSON: define(['string'], 'any', ({ budget }, [value]) => {
    const source = counted(budget, text(value, 'fromJSON'))
    // Every second character may be a value, and making one is more work than a step.
    budget.spend(source.length * 2)
    try {
      return JSON.parse(source, (_, item) => nullPrototype(item))
    } catch (error) {
      if (error instanceof SyntaxError) return fail(`invalid JSON: ${error.message}`)
      // what V8 throws when the stack ends
      if (error instanceof RangeError) return fail('invalid JSON: nested too deeply')
      throw error
    }
  }),
  toBase64: define(['string'], 'string', ({ budget }, [value]) =>
    Buffer.from(counted(budget, text(value, 'toBase64')), 'utf8').toString('base64'),
  ),
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
  date: define(
    ['string', 'string', 'string'],
    'time.Time',
    (_, [value, layout, zone]) =>
      parseDate(
        text(value, 'date'),
        layout === undefined ? undefined : text(layout, 'date'),
        zone === undefined ? undefined : text(zone, 'date'),
      ),
    { least: 1 },
  ),
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
