// The `${…}` syntax shared by configuration files and entries. What a placeholder means is the caller's business.

import type { Value } from '../core/value.ts'

const PLACEHOLDER = /\$\$\{|\$\{([^{}]*)\}/g
const WHOLE = /^\$\{([^{}]*)\}$/

/** Whether a text could hold a placeholder or an escaped one: a cheap first look. */
export function mayHavePlaceholder(text: string): boolean {
  return text.includes('${')
}

/**
 * Replaces each `${body}` by what `resolve` gives for it; undefined leaves it untouched, `$${` is a literal `${`.
 * A text that is one placeholder, `whole`, takes the value as it is, number or boolean too; otherwise values become text.
 */
export function replacePlaceholders(text: string, resolve: (body: string, whole: boolean) => Value | undefined): Value {
  const whole = WHOLE.exec(text)?.[1]
  if (whole !== undefined) return resolve(whole, true) ?? text
  return text.replace(PLACEHOLDER, (found: string, body: string | undefined) => {
    if (body === undefined) return '${'
    const value = resolve(body, false)
    return value === undefined ? found : textOf(value)
  })
}

/** `NAME|default` in two; without a bar there is no default. */
export function splitDefault(body: string): { readonly name: string; readonly fallback: string | undefined } {
  const bar = body.indexOf('|')
  return bar < 0 ? { name: body, fallback: undefined } : { name: body.slice(0, bar), fallback: body.slice(bar + 1) }
}

/** A default as the type it looks like: boolean, integer or float; anything else is text, which quotes may say. */
export function typedText(text: string): Value {
  if (/^"[^"\\]*"$|^'[^']*'$/.test(text)) return text.slice(1, -1)
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?(?:0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  if (/^-?\d+\.\d+(?:[eE][-+]?\d+)?$/.test(text)) return Number(text)
  return text
}

/** A variable's text as a value of the default's type; left as it is when it is none, for the field to refuse. */
export function textLike(text: string, model: Value): Value {
  if (typeof model === 'boolean') return booleans.get(text) ?? text
  if (typeof model !== 'number' || !/^[-+]?\d+(?:\.\d+(?:[eE][-+]?\d+)?)?$/.test(text)) return text
  const number = Number(text)
  return Number.isSafeInteger(number) || text.includes('.') ? number : text
}

/** How Go spells them. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'True', 'TRUE'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'False', 'FALSE'].map((text) => [text, false] as const),
])

function textOf(value: Value): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
