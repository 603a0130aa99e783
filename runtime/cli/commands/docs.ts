// `wippy docs [path | words]`: a page of the documentation, or the pages that speak of some words.

import { join } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { type Docs, openDocs, packageBundle } from '../../index.ts'
import { renderMarkdown } from '../markdown.ts'
import { paintFor } from '../paint.ts'
import { inert } from '../report.ts'

const SHOWN = 10

/** Resolves with the exit code. */
export async function docs(words: readonly string[]): Promise<number> {
  const { components } = packageBundle()
  if (components === undefined) throw new RuntimeError('NotFound', 'the documentation is not installed')
  const pages = await openDocs(join(components, 'docs', 'pages', 'en'))
  const paint = paintFor(process.stdout)
  const [first = 'index', ...others] = words
  const page = others.length > 0 ? undefined : await pages.page(first)
  if (page === undefined) return search(pages, words.join(' '))
  process.stdout.write(`${process.stdout.isTTY ? renderMarkdown(page, paint) : page}\n`)
  return 0
}

async function search(pages: Docs, query: string): Promise<number> {
  const paint = paintFor(process.stdout)
  const results = await pages.search(query, SHOWN)
  if (results.length === 0) {
    throw new RuntimeError('NotFound', `no page and nothing found for ${JSON.stringify(query)}`, {
      details: { hint: "'wippy docs' shows the index." },
    })
  }
  for (const { path, title, excerpt } of results) {
    process.stdout.write(
      `${paint('bold', inert(path))}  ${inert(title)}\n    ${inert(excerpt).replace(/\s+/g, ' ').trim()}\n`,
    )
  }
  process.stdout.write('\nRead one with: wippy docs <path>\n')
  return 0
}
