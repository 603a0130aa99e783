// The `text` module: regular expressions, differences and patches, splitting documents into chunks.

import { moduleError } from '../../core/error.ts'
import { isMap, type Value, type ValueMap } from '../../core/value.ts'
import { type Call, type LuaModule, LuaType, list, type ModuleTable, optionalTable, text } from '../../lua/module.ts'
import type { Offload } from '../../offload/offload.ts'
import { diffTable } from './diff.ts'
import { markdownChunks } from './markdown.ts'
import { regexpTable } from './regexp.ts'
import { type Chunks, recursiveChunks } from './splitter.ts'

export interface TextDeps {
  readonly offload: Offload
}

export const textModule = ({ offload }: TextDeps): LuaModule => ({
  name: 'text',
  description: 'Regular expressions, text differences and splitting',
  traits: ['deterministic', 'encoding'],
  open: () => ({ regexp: regexpTable(offload), diff: diffTable(offload), splitter: splitterTable(offload) }),
})

/** The chunks of a text; a promise while another thread looks at it. */
type Split = (call: Call, text: string) => Chunks | Promise<Chunks>

/** Chunks, or pauses, of one step. */
const PIECE = 32

/** All of `chunks`, others running between. */
function collected<T>(call: Call, chunks: Chunks, make: (chunk: string) => T, found: T[]): T[] | Promise<T[]> {
  return call.work(
    () => {
      for (let i = 0; i < PIECE; i++) {
        const { done, value } = chunks.next()
        if (done === true) return true
        if (value !== undefined) found.push(make(value))
      }
      return false
    },
    () => found,
  )
}

const splitterType = new LuaType<Split>({
  name: 'text.Splitter',
  methods: {
    split_text(call, split, document: unknown) {
      const chunks = split(call, text(document, 1, 'split_text'))
      const collect = (all: Chunks): string[] | Promise<string[]> => collected(call, all, (chunk) => chunk, [])
      return chunks instanceof Promise ? chunks.then(collect) : collect(chunks)
    },
    async split_batch(call, split, pages: unknown) {
      const found: ValueMap[] = []
      for (const page of list(pages, 1, 'split_batch').map(readPage)) {
        const chunks = await split(call, page.content)
        await collected(call, chunks, (chunk) => withMetadata(chunk, page.metadata), found)
      }
      return found
    },
  },
})

function readPage(page: unknown): { content: string; metadata: Value | undefined } {
  const { content, metadata } = isMap(page) ? page : {}
  if (typeof content === 'string') return { content, metadata }
  throw moduleError('Invalid', 'a page needs content, a string')
}

function withMetadata(content: string, metadata: Value | undefined): ValueMap {
  return metadata === undefined ? { content } : { content, metadata }
}

const DEFAULT_SIZE = 512
const DEFAULT_OVERLAP = 100
const MAX_SEPARATORS = 100
const defaultSeparators = ['\n\n', '\n', ' ', '']

/** Characters whose Markdown is looked at on this thread. */
const INLINE_MARKDOWN = 8 * 1024

function splitterTable(offload: Offload): ModuleTable {
  return {
    recursive(_call: Call, given: unknown) {
      const options = optionalTable(given, 1, 'recursive') ?? {}
      const settings = {
        ...readSizes(options),
        keepSeparator: options['keep_separator'] === true,
        separators: readSeparators(options['separators']),
      }
      return splitterType.wrap((_call, document) => recursiveChunks(document, settings))
    },
    markdown(_call: Call, given: unknown) {
      const options = optionalTable(given, 1, 'markdown') ?? {}
      const settings = {
        ...readSizes(options),
        codeBlocks: options['code_blocks'] === true,
        referenceLinks: options['reference_links'] === true,
        headingHierarchy: options['heading_hierarchy'] === true,
        joinTableRows: options['join_table_rows'] === true,
      }
      return splitterType.wrap(async (call, document) => {
        if (document.length > INLINE_MARKDOWN) {
          return markdownChunks(await offload.run(call, 'markdown.blocks', document), settings)
        }
        const { markdownBlocks } = await import('../../external/marked.ts')
        return markdownChunks(markdownBlocks(document), settings)
      })
    },
  }
}

function readSizes(options: { [key: string]: unknown }): { chunkSize: number; chunkOverlap: number } {
  const read = (name: string, least: number, fallback: number): number => {
    const value = options[name] ?? fallback
    if (typeof value === 'number' && Number.isInteger(value) && value >= least) return value
    throw moduleError('Invalid', `splitter option ${name} must be a whole number of at least ${least}`)
  }
  const chunkSize = read('chunk_size', 1, DEFAULT_SIZE)
  // An overlap as large as small chunks would repeat nearly all of each in the next.
  const chunkOverlap = read('chunk_overlap', 0, Math.min(DEFAULT_OVERLAP, Math.floor(chunkSize / 2)))
  return { chunkSize, chunkOverlap }
}

function readSeparators(given: unknown): readonly string[] {
  if (given === undefined || given === null) return defaultSeparators
  const separators = list(given, 1, 'recursive').map((separator) => {
    if (typeof separator === 'string') return separator
    throw moduleError('Invalid', 'splitter option separators must be a list of strings')
  })
  if (separators.length > MAX_SEPARATORS) throw moduleError('Invalid', `more than ${MAX_SEPARATORS} separators`)
  return separators.length === 0 ? defaultSeparators : separators
}
