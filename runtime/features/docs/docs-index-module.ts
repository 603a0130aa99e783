// The `docs_index` module: full-text search over Markdown pages that stand in a filesystem volume.

import { moduleError } from '../../core/error.ts'
import { type LuaModule, optionalTable, text } from '../../lua/module.ts'
import type { Guard } from '../../security/guard.ts'
import { DocsIndex, type PageSource } from './docs-index.ts'

export interface DocsIndexDeps {
  /** Open volumes by entry id; throws NotFound. */
  readonly volumes: { require(id: string): PageSource }
  readonly guard: Guard
}

const DEFAULT_LIMIT = 8
const MAX_LIMIT = 50

/** `search(volume_id, query, {limit}?)`. */
export const docsIndexModule = ({ volumes, guard }: DocsIndexDeps): LuaModule => ({
  name: 'docs_index',
  description: 'Searches Markdown pages of a filesystem',
  traits: ['storage', 'nondeterministic'],
  open() {
    // An index lives as long as its volume: a reopened one is another object.
    const indexes = new WeakMap<PageSource, DocsIndex>()
    return {
      search(call, idArgument, queryArgument, optionsArgument) {
        const id = text(idArgument, 1, 'search')
        const query = text(queryArgument, 2, 'search')
        const options = optionalTable(optionsArgument, 3, 'search') ?? {}
        if (query.trim() === '') throw moduleError('Invalid', 'query is required')
        if (!guard.allows(call.frame, 'fs.get', id)) {
          throw moduleError('PermissionDenied', `not allowed to access filesystem: ${id}`)
        }
        const source = volumes.require(id)
        const index = indexes.get(source) ?? new DocsIndex(source)
        indexes.set(source, index)
        return index.search(query.slice(0, 1000), limitOf(options['limit']))
      },
    }
  },
})

function limitOf(limit: unknown): number {
  if (limit === undefined || limit === null) return DEFAULT_LIMIT
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1) {
    throw moduleError('Invalid', 'limit must be a positive integer')
  }
  return Math.min(limit, MAX_LIMIT)
}
