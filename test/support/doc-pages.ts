// The documentation pages as tests see them: text, code examples with their results, links.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const pagesRoot = join(import.meta.dirname, '../../components/docs/pages/en')

export interface DocPage {
  /** Without `.md`. */
  readonly path: string
  readonly text: string
}

/** A function's source, the definitions it uses, and what it returns. */
export interface DocExample {
  readonly page: string
  readonly source: string
  readonly definitions: readonly { readonly name: string; readonly kind: string; readonly source: string }[]
  /** Decoded from the line `Result:` below; undefined when the page says the example cannot be run. */
  readonly result: unknown
}

export function docPages(): DocPage[] {
  return readdirSync(pagesRoot, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => ({
      path: name.replaceAll('\\', '/').replace(/\.md$/, ''),
      text: readFileSync(join(pagesRoot, name), 'utf8'),
    }))
}

/** Fenced blocks of one language: what stands behind the language, the code, and the text up to the next block. */
export function codeBlocks(page: DocPage, language: string): { info: string; code: string; after: string }[] {
  const fence = /^```(\w*)([^\n]*)\n([\s\S]*?)^```\n?/gm
  const found = [...page.text.matchAll(fence)]
  return found.flatMap((match, at) => {
    if (match[1] !== language) return []
    const end = match.index + match[0].length
    return [{ info: (match[2] ?? '').trim(), code: match[3] ?? '', after: page.text.slice(end, found[at + 1]?.index) }]
  })
}

/** The examples of a page that a test can run: blocks named `name=` define entries for the next unnamed block. */
export function docExamples(page: DocPage): DocExample[] {
  const examples: DocExample[] = []
  let definitions: { name: string; kind: string; source: string }[] = []
  for (const { info, code, after } of codeBlocks(page, 'lua')) {
    const named = /^name=(\w+) kind=([\w.]+)$/.exec(info)
    if (named !== null) {
      definitions.push({ name: named[1] ?? '', kind: named[2] ?? '', source: code })
      continue
    }
    if (info === 'norun') continue
    const result = /^\s*Result: `(.*)`$/m.exec(after)?.[1]
    if (info !== '' || result === undefined)
      throw new Error(`${page.path}: an example has no result: ${code.slice(0, 80)}`)
    examples.push({ page: page.path, source: code, definitions, result: JSON.parse(result) })
    definitions = []
  }
  return examples
}

/** Modules an example requires, for the entry's `modules`. */
export function requiredModules(source: string): string[] {
  return [...source.matchAll(/require\("(\w+)"\)/g)].map((match) => match[1] ?? '')
}
