// Full-text search over the Markdown files of a volume. The only importer of minisearch; it is loaded at the first search.

import type MiniSearch from 'minisearch'
import { excerptOf, type Page, readPage } from './page.ts'

/** What it reads: the part of a filesystem volume that it needs. */
export interface PageSource {
  list(path: string): Promise<{ name: string; type: 'file' | 'directory' }[]>
  stat(path: string): Promise<{ size: number; modified: number }>
  readFile(path: string): Promise<Uint8Array>
}

export interface SearchResult {
  readonly path: string
  readonly title: string
  readonly excerpt: string
  readonly score: number
}

/** Pages indexed before others get a turn: a step stays far below the stall bound. */
const STEP = 4
const MAX_PAGES = 5000

export class DocsIndex {
  readonly #source: PageSource
  #stamp = ''
  #built: Promise<Built> | undefined

  constructor(source: PageSource) {
    this.#source = source
  }

  /** The best pages for a query, best first. The index follows changed files. */
  async search(query: string, limit: number): Promise<SearchResult[]> {
    const files = await markdownFiles(this.#source, '/')
    const stamp = files.map(({ path, size, modified }) => `${path}:${size}:${modified}`).join('\n')
    if (this.#built === undefined || stamp !== this.#stamp) {
      this.#stamp = stamp
      this.#built = build(this.#source, files)
      // A failed build is tried again by the next search.
      this.#built.catch(() => {
        this.#built = undefined
      })
    }
    const { index, pages } = await this.#built
    return index
      .search(query)
      .slice(0, limit)
      .flatMap(({ id, score, queryTerms, terms }) => {
        const page = pages.get(String(id))
        if (page === undefined) return []
        const { path, title } = page
        return [
          { path, title, excerpt: excerptOf(page, [...queryTerms, ...terms]), score: Math.round(score * 100) / 100 },
        ]
      })
  }
}

interface Built {
  readonly index: MiniSearch<Page>
  readonly pages: ReadonlyMap<string, Page>
}

interface PageFile {
  readonly path: string
  readonly size: number
  readonly modified: number
}

async function build(source: PageSource, files: readonly PageFile[]): Promise<Built> {
  const { default: Search } = await import('minisearch')
  const index = new Search<Page>({
    idField: 'path',
    fields: ['title', 'path', 'headings', 'text'],
    searchOptions: {
      boost: { title: 5, path: 4, headings: 2 },
      prefix: (term) => term.length > 2,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    },
  })
  const pages = new Map<string, Page>()
  for (const { path } of files) {
    const text = Buffer.from(await source.readFile(path)).toString('utf8')
    const page = readPage(path.slice(1).replace(/\.md$/, ''), text)
    pages.set(page.path, page)
  }
  await index.addAllAsync([...pages.values()], { chunkSize: STEP })
  return { index, pages }
}

async function markdownFiles(source: PageSource, folder: string, found: PageFile[] = []): Promise<PageFile[]> {
  for (const { name, type } of await source.list(folder)) {
    const path = folder === '/' ? `/${name}` : `${folder}/${name}`
    if (found.length >= MAX_PAGES) break
    if (type === 'directory') {
      if (!name.startsWith('.')) await markdownFiles(source, path, found)
    } else if (name.endsWith('.md')) {
      const { size, modified } = await source.stat(path)
      found.push({ path, size, modified })
    }
  }
  return found
}
