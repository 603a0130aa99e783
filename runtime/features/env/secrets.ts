// The values that must never be shown, and the mask that hides them in any text (design/PROMISES.md P12).

import { emptyMap, isMap, type Value, type ValueMap } from '../../core/value.ts'

/** What is shown instead of a secret. */
export const MASK = '***'
/** Shorter values would mask ordinary words; nobody's secret is three letters long. */
const SHORTEST = 4

const secretName = /(?:KEY|TOKEN|SECRET|PASSWORD)$/i

/** Whether a variable of this name is secret unless its entry says otherwise. */
export function namesSecret(name: string): boolean {
  return secretName.test(name)
}

/** Whether the variable of an entry is secret: what its meta says, else what its name says. */
export function isSecret(name: string, meta: ValueMap): boolean {
  const declared = meta['secret']
  return typeof declared === 'boolean' ? declared : namesSecret(name)
}

export class Secrets {
  readonly #values = new Set<string>()
  #pattern: RegExp | undefined

  /** Hides this value from now on, also where it is escaped for JSON or a URL. */
  add(value: string): void {
    if (value.length < SHORTEST || this.#values.has(value)) return
    this.#values.add(value)
    const forms = new Set<string>()
    for (const known of this.#values) {
      forms.add(known)
      forms.add(JSON.stringify(known).slice(1, -1))
      forms.add(encodeURIComponent(known))
    }
    // Longest first: a secret that begins with another is hidden whole.
    const sources = [...forms]
      .sort((a, b) => b.length - a.length)
      .map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    this.#pattern = new RegExp(sources.join('|'), 'g')
  }

  /** The text with every known secret replaced by `***`. */
  mask(text: string): string {
    return this.#pattern === undefined ? text : text.replace(this.#pattern, MASK)
  }

  /** The value with all its texts masked; the same object when there is nothing to hide. */
  maskValue(value: Value): Value {
    if (this.#pattern === undefined) return value
    if (typeof value === 'string') return this.mask(value)
    if (Array.isArray(value)) return value.map((item) => this.maskValue(item))
    if (!isMap(value)) return value
    const copy = emptyMap()
    for (const key of Object.keys(value)) copy[key] = this.maskValue(value[key] ?? null)
    return copy
  }
}
