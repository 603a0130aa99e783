// The `text` module: regular expressions, differences and patches, splitting documents into chunks.

import { moduleError } from '../../core/error.ts'
import { isMap, type Value, type ValueMap } from '../../core/value.ts'
import { type Call, type LuaModule, LuaType, list, type ModuleTable, optionalTable, text } from '../../lua/module.ts'
import type { Offload } from '../../offload/offload.ts'
import { diffTable } from './diff.ts'
import { splitMarkdown } from './markdown.ts'
import { regexpTable } from './regexp.ts'
import { splitRecursively } from './splitter.ts'

export interface TextDeps {
  readonly offload: Offload
}

export const textModule = ({ offload }: TextDeps): LuaModule => ({
  name: 'text',
  description: 'Regular expressions, text differences and splitting',
  traits: ['deterministic', 'encoding'],
  open: () => ({ regexp: regexpTable(offload), diff: diffTable(offload), splitter: splitterTable() }),
})

/** Splits one text; a promise while its library is being loaded. */
type Split = (text: string) => string[] | Promise<string[]>

const splitterType = new LuaType<Split>({
  name: 'text.Splitter',
  methods: {
    split_text: (_call, split, document: unknown) => split(text(document, 1, 'split_text')),
    async split_batch(_call, split, pages: unknown) {
      const chunks: ValueMap[] = []
      for (const page of list(pages, 1, 'split_batch')) {
        const { content, metadata } = readPage(page)
        for (const chunk of await split(content)) chunks.push(withMetadata(chunk, metadata))
      }
      return chunks
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
const defaultSeparators = ['\n\n', '\n', ' ', '']

function splitterTable(): ModuleTable {
  let markdownBlocks: typeof import('../../external/marked.ts').markdownBlocks | undefined
  return {
    recursive(_call: Call, given: unknown) {
      const options = optionalTable(given, 1, 'recursive') ?? {}
      const settings = {
        ...readSizes(options),
        keepSeparator: options['keep_separator'] === true,
        separators: readSeparators(options['separators']),
      }
      return splitterType.wrap((document) => splitRecursively(document, settings))
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
      return splitterType.wrap(async (document) => {
        markdownBlocks ??= (await import('../../external/marked.ts')).markdownBlocks
        return splitMarkdown(markdownBlocks(document), settings)
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
  return separators.length === 0 ? defaultSeparators : separators
}
