// The functions every Jet template has.

import { isMap } from '../../core/value.ts'
import { escapeHtml, escapeQuery, escapeScript, jsonText } from './escape.ts'
import { RenderError, SafeText } from './parts.ts'
import { textOf } from './values.ts'

/** Gets the arguments and what counts its work. */
export type Builtin = (args: readonly unknown[], budget: { spend(steps: number): void }) => unknown

function ofText(run: (text: string, ...rest: string[]) => unknown): Builtin {
  return (args, budget) => {
    const texts = args.map(textOf)
    budget.spend(texts.reduce((total, one) => total + one.length / 64, 0))
    return run(texts[0] ?? '', ...texts.slice(1))
  }
}

const raw: Builtin = ([value]) => new SafeText(textOf(value))

export const builtins: Readonly<Record<string, Builtin>> = {
  lower: ofText((text) => text.toLowerCase()),
  upper: ofText((text) => text.toUpperCase()),
  hasPrefix: ofText((text, prefix = '') => text.startsWith(prefix)),
  hasSuffix: ofText((text, suffix = '') => text.endsWith(suffix)),
  trimSpace: ofText((text) => text.trim()),
  html: ofText(escapeHtml),
  url: ofText(escapeQuery),
  split: ofText((text, separator = '') => (separator === '' ? [...text] : text.split(separator))),
  repeat([value, times], budget) {
    const text = textOf(value)
    const count = whole(times, 'repeat')
    if (count < 0) throw new RenderError(`repeat count ${count} is negative`)
    budget.spend((text.length * count) / 16)
    return text.repeat(count)
  },
  replace([value, from, to, limit], budget) {
    const [text, old, fresh] = [textOf(value), textOf(from), textOf(to)]
    const parts = old === '' ? [text] : text.split(old)
    const count = limit === undefined || Number(limit) < 0 ? parts.length : Number(limit)
    budget.spend((text.length + parts.length * fresh.length) / 16)
    return parts.reduce((done, part, at) => done + (at === 0 ? '' : at <= count ? fresh : old) + part, '')
  },
  safeHtml: ([value]) => new SafeText(escapeHtml(textOf(value))),
  safeJs: ([value]) => new SafeText(escapeScript(textOf(value))),
  raw,
  unsafe: raw,
  json: ([value]) => asJson(value),
  writeJson: ([value]) => new SafeText(asJson(value)),
  len([value]) {
    if (typeof value === 'string') return Buffer.byteLength(value)
    if (Array.isArray(value)) return value.length
    if (isMap(value)) return Object.keys(value).length
    throw new RenderError('len needs a text, a list or a map')
  },
  slice: (args) => [...args],
  array: (args) => [...args],
  map(args) {
    const map: Record<string, unknown> = Object.create(null)
    for (let at = 0; at + 1 < args.length; at += 2) map[textOf(args[at])] = args[at + 1]
    return map
  },
  ints([from, to], budget) {
    const [start, end] = [whole(from, 'ints'), whole(to, 'ints')]
    if (end <= start) throw new RenderError(`ints(${start}, ${end}): the second must be greater`)
    budget.spend(end - start)
    return Array.from({ length: end - start }, (_, index) => start + index)
  },
}

function whole(value: unknown, name: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number)) throw new RenderError(`${name} needs whole numbers`)
  return number
}

function asJson(value: unknown): string {
  try {
    return jsonText(value)
  } catch (error) {
    if (error instanceof RangeError) throw new RenderError(error.message)
    throw error
  }
}
