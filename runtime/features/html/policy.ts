// What may remain of HTML that others wrote: an allow-list of elements, attributes and URLs, as bluemonday has it.

import type { Regex } from '../../external/re2.ts'

export interface AttributeRule {
  /** The value must match; undefined takes any value. */
  readonly pattern: Regex | RegExp | undefined
}

export interface UrlRules {
  readonly schemes: ReadonlySet<string>
  readonly relative: boolean
  /** Whether a URL must parse; set by every rule about URLs. */
  readonly parseable: boolean
  readonly dataImages: boolean
}

export interface LinkRules {
  readonly nofollow: boolean
  readonly noreferrer: boolean
  readonly targetBlank: boolean
}

export class Policy {
  readonly elements = new Set<string>()
  readonly #onElements = new Map<string, Map<string, AttributeRule[]>>()
  readonly #everywhere = new Map<string, AttributeRule[]>()
  urls: UrlRules = { schemes: new Set(), relative: false, parseable: false, dataImages: false }
  links: LinkRules = { nofollow: false, noreferrer: false, targetBlank: false }

  allowElements(...names: string[]): this {
    for (const name of names) this.elements.add(name.toLowerCase())
    return this
  }

  /** Allows attributes on some elements (which are allowed with them), or on every allowed element. */
  allowAttributes(names: readonly string[], rule: AttributeRule, on: readonly string[] | undefined): this {
    for (const name of names) {
      if (on === undefined) add(this.#everywhere, name, rule)
      for (const element of on ?? []) {
        this.allowElements(element)
        const attributes = this.#onElements.get(element.toLowerCase()) ?? new Map<string, AttributeRule[]>()
        this.#onElements.set(element.toLowerCase(), attributes)
        add(attributes, name, rule)
      }
    }
    return this
  }

  allowsAttribute(element: string, name: string, value: string): boolean {
    const rules = [...(this.#onElements.get(element)?.get(name) ?? []), ...(this.#everywhere.get(name) ?? [])]
    return rules.some(({ pattern }) => pattern === undefined || matches(pattern, value))
  }

  changeUrls(changes: Partial<UrlRules>): this {
    this.urls = { ...this.urls, parseable: true, ...changes }
    return this
  }

  changeLinks(changes: Partial<LinkRules>): this {
    this.links = { ...this.links, ...changes }
    return this
  }
}

function add(rules: Map<string, AttributeRule[]>, name: string, rule: AttributeRule): void {
  const key = name.toLowerCase()
  rules.set(key, [...(rules.get(key) ?? []), rule])
}

/** A longer value fits no pattern: looking would take too long. */
const LONGEST_VALUE = 16 * 1024

function matches(pattern: Regex | RegExp, value: string): boolean {
  if (value.length > LONGEST_VALUE) return false
  return pattern instanceof RegExp ? pattern.test(value) : pattern.matchString(value)
}
