// openDocs: the documentation that comes with this package, by path and by search. The same pages an app reaches as wippy.docs.

import { errorText, RuntimeError } from './core/error.ts'
import { DocsIndex, type SearchResult } from './features/docs/docs-index.ts'
import { Volume } from './features/fs/volume.ts'

export interface Docs {
  /** The Markdown of a page such as `lua/core/time`; undefined when there is none. */
  page(path: string): Promise<string | undefined>
  /** The best pages for some words, best first. */
  search(query: string, limit: number): Promise<SearchResult[]>
}

/** Throws NotFound when the folder of pages is not there. */
export async function openDocs(folder: string): Promise<Docs> {
  const volume = new Volume({ root: folder, mode: 0o755 })
  const index = new DocsIndex(volume)
  await volume.list('/').catch((error: unknown) => {
    throw new RuntimeError('NotFound', `the documentation is not installed: ${errorText(error)}`)
  })
  return {
    async page(path) {
      try {
        const name = path.replace(/^\/+|\/+$/g, '').replace(/\.md$/, '')
        return Buffer.from(await volume.readFile(`/${name === '' ? 'index' : name}.md`)).toString('utf8')
      } catch (error) {
        // Also a path that would leave the folder: there is no such page.
        if (error instanceof RuntimeError) return undefined
        throw error
      }
    },
    search: (query, limit) => index.search(query, limit),
  }
}
