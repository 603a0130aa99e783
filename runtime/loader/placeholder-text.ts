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
 * A text that is one placeholder takes the value as it is, number or boolean too; otherwise values become text.
 */
export function replacePlaceholders(text: string, resolve: (body: string) => Value | undefined): Value {
  const whole = WHOLE.exec(text)?.[1]
  if (whole !== undefined) return resolve(whole) ?? text
  return text.replace(PLACEHOLDER, (found: string, body: string | undefined) => {
    if (body === undefined) return '${'
    const value = resolve(body)
    return value === undefined ? found : textOf(value)
  })
}

/** `NAME|default` in two; without a bar there is no default. */
export function splitDefault(body: string): { readonly name: string; readonly fallback: string | undefined } {
  const bar = body.indexOf('|')
  return bar < 0 ? { name: body, fallback: undefined } : { name: body.slice(0, bar), fallback: body.slice(bar + 1) }
}

/** A default as the type it looks like: boolean, integer or float; anything else is text. */
export function typedText(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?(?:0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  if (/^-?\d+\.\d+(?:[eE][-+]?\d+)?$/.test(text)) return Number(text)
  return text
}

function textOf(value: Value): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
