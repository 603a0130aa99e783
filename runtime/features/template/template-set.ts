// Templates that know each other by name.

import { moduleError } from '../../core/error.ts'
import type { ValueMap } from '../../core/value.ts'
import { type Delimiters, jetDelimiters } from './lexer.ts'
import { parseTemplate } from './parser.ts'
import { render } from './renderer.ts'
import type { Template } from './tree.ts'

export interface TemplateSetOptions {
  readonly delimiters: Delimiters
  readonly globals: ValueMap
}

export const plainSet: TemplateSetOptions = { delimiters: jetDelimiters, globals: {} }

/** Endings a name may leave out. */
const extensions = ['', '.jet', '.html.jet', '.jet.html']

export class TemplateSet {
  #options: TemplateSetOptions
  #templates = new Map<string, Template>()
  readonly #sources = new Map<string, string>()

  constructor(options: TemplateSetOptions = plainSet) {
    this.#options = options
  }

  /** Other settings for the same templates. Throws Invalid, and stays as it is, when one does not parse with them. */
  configure(options: TemplateSetOptions): void {
    const parsed = [...this.#sources].map(
      ([name, source]) => [name, parseTemplate(name, source, options.delimiters)] as const,
    )
    this.#templates = new Map(parsed)
    this.#options = options
  }

  /** Adds or replaces a template until the returned function is called. Throws Invalid with name and line. */
  add(name: string, source: string): () => void {
    const template = parseTemplate(name, source, this.#options.delimiters)
    this.#templates.set(name, template)
    this.#sources.set(name, source)
    return () => {
      if (this.#sources.get(name) !== source) return
      this.#templates.delete(name)
      this.#sources.delete(name)
    }
  }

  /** The text of a template with these variables, which are its context too. */
  render(name: string, variables: Readonly<Record<string, unknown>>): string {
    return render(this.find(name, ''), this, variables, this.#options.globals)
  }

  /** By its name, with or without its ending, `./` and a leading slash. `from` is the template that asks. */
  find(name: string, from: string): Template {
    const path = name.replace(/^(?:\.?\/)+/, '')
    for (const ending of extensions) {
      const template = this.#templates.get(path + ending) ?? (ending === '' ? undefined : this.#without(path, ending))
      if (template !== undefined) return template
    }
    throw moduleError('NotFound', `template not found: ${name}${from === '' ? '' : ` (in ${from})`}`)
  }

  #without(path: string, ending: string): Template | undefined {
    return path.endsWith(ending) ? this.#templates.get(path.slice(0, -ending.length)) : undefined
  }
}

/** The sets of a runtime, by entry id. */
export class TemplateSets {
  readonly #sets = new Map<string, TemplateSet>()

  add(id: string, set: TemplateSet): () => void {
    this.#sets.set(id, set)
    return () => {
      if (this.#sets.get(id) === set) this.#sets.delete(id)
    }
  }

  /** Throws NotFound. */
  require(id: string): TemplateSet {
    const set = this.#sets.get(id)
    if (set === undefined) throw moduleError('NotFound', `template set not found: ${id}`)
    return set
  }
}
