// Splitting Markdown along its structure: sections, paragraphs, list items, table rows. Every chunk carries its heading.
// Blocks keep their source text; only what is larger than a chunk is cut, by the recursive splitter.

import type { MarkdownBlock } from '../../external/marked.ts'
import { type Chunks, codePoints, recursiveChunks } from './splitter.ts'

export interface MarkdownOptions {
  readonly chunkSize: number
  readonly chunkOverlap: number
  /** Code blocks stay whole; one larger than a chunk is cut between lines and fenced again. */
  readonly codeBlocks: boolean
  /** `[text][label]` gets the address of its definition, so that a chunk makes sense alone. */
  readonly referenceLinks: boolean
  /** Chunks carry all headings above them, not only the nearest. */
  readonly headingHierarchy: boolean
  /** Table rows share chunks; otherwise each row is a chunk. The header is repeated either way. */
  readonly joinTableRows: boolean
}

/** Chunks of about `chunkSize`: the heading in front and, with an overlap, up to that much more are not counted. */
export function* markdownChunks(tokens: readonly MarkdownBlock[], options: MarkdownOptions): Chunks {
  const links = options.referenceLinks ? definitionsOf(tokens) : new Map<string, Definition>()
  const writer = new ChunkWriter(options)
  for (const token of tokens) {
    addBlock(token, writer, options, links)
    yield undefined
    yield* writer.chunks()
  }
  writer.finish()
  yield* writer.chunks()
}

function addBlock(
  token: MarkdownBlock,
  writer: ChunkWriter,
  options: MarkdownOptions,
  links: ReadonlyMap<string, Definition>,
): void {
  const raw = trimBlock(token.raw)
  if (token.type === 'space' || (token.type === 'def' && options.referenceLinks)) return
  if (token.type === 'heading') writer.heading(token.depth ?? 1, resolveLinks(raw, links))
  else if (token.type === 'table') addTable(raw, writer, options)
  else if (token.type === 'code' && options.codeBlocks) writer.whole(cutCode(raw, token.text ?? '', options.chunkSize))
  else if (token.type === 'code') writer.text(raw)
  else if (token.type === 'list') {
    for (const item of token.items ?? []) writer.text(resolveLinks(trimBlock(item), links))
  } else writer.text(resolveLinks(raw, links))
}

/** Collects snippets until a chunk is full. */
class ChunkWriter {
  readonly #options: MarkdownOptions
  /** What is to be written: a title with a text, to be cut if it is too long. */
  #ready: { readonly title: string; readonly text: string; readonly cut: boolean }[] = []
  #headings: { depth: number; text: string }[] = []
  /** False from a heading until a chunk that carries it: a heading without text is a chunk of its own. */
  #headingWritten = true
  #snippet = ''
  #length = 0

  constructor(options: MarkdownOptions) {
    this.#options = options
  }

  heading(depth: number, text: string): void {
    this.#flush()
    if (!this.#headingWritten) this.#emit('')
    this.#headings = [...this.#headings.filter((heading) => heading.depth < depth), { depth, text }]
    this.#headingWritten = false
  }

  text(snippet: string): void {
    const length = codePoints(snippet)
    if (this.#length > 0 && this.#length + 1 + length > this.#options.chunkSize) this.#flush()
    this.#snippet += this.#length === 0 ? snippet : `\n${snippet}`
    this.#length += this.#length === 0 ? length : length + 1
  }

  /** Pieces that must not be cut: they join what fits, and are never split again. */
  whole(pieces: readonly string[]): void {
    for (const piece of pieces) {
      if (codePoints(piece) <= this.#options.chunkSize) {
        this.text(piece)
        continue
      }
      this.#flush()
      this.#emit(piece)
    }
  }

  /** A chunk of its own. */
  separate(snippet: string): void {
    this.#flush()
    this.text(snippet)
    this.#flush()
  }

  finish(): void {
    this.#flush()
    if (!this.#headingWritten) this.#emit('')
  }

  /** The chunks that are complete by now. */
  *chunks(): Chunks {
    const { chunkSize, chunkOverlap } = this.#options
    const separators = ['\n\n', '\n', ' ', '']
    const ready = this.#ready
    this.#ready = []
    for (const { title, text, cut } of ready) {
      const pieces = cut ? recursiveChunks(text, { chunkSize, chunkOverlap, keepSeparator: false, separators }) : [text]
      for (const piece of pieces) {
        yield piece === undefined ? piece : [title, piece].filter((part) => part !== '').join('\n')
      }
    }
  }

  #flush(): void {
    const snippet = this.#snippet
    const length = this.#length
    this.#snippet = ''
    this.#length = 0
    if (snippet.trim() !== '') this.#emit(snippet, length > this.#options.chunkSize)
  }

  #emit(text: string, cut = false): void {
    const shown = this.#options.headingHierarchy ? this.#headings : this.#headings.slice(-1)
    const title = shown.map((heading) => heading.text).join('\n')
    this.#headingWritten = true
    this.#ready.push({ title, text, cut })
  }
}

function addTable(raw: string, writer: ChunkWriter, options: MarkdownOptions): void {
  const [header = '', rule = '', ...rows] = raw.split('\n')
  const head = `${header}\n${rule}`
  if (rows.length === 0) writer.separate(raw)
  const groups = options.joinTableRows ? inGroups(rows, options.chunkSize - codePoints(head)) : rows.map((row) => [row])
  for (const group of groups) writer.separate([head, ...group].join('\n'))
}

/** A code block as one piece, or as several between lines, each with the fence of the whole. */
function cutCode(raw: string, code: string, chunkSize: number): string[] {
  if (codePoints(raw) <= chunkSize) return [raw]
  const opening = /^ {0,3}(`{3,}|~{3,})[^\n]*/.exec(raw)
  if (opening === null) return inGroups(raw.split('\n'), chunkSize).map((lines) => lines.join('\n'))
  const [first, fence = ''] = opening
  const groups = inGroups(code.split('\n'), chunkSize - codePoints(first) - codePoints(fence) - 1)
  return groups.map((lines) => [first, ...lines, fence].join('\n'))
}

/** Lines in order, as many together as fit into a length, at least one. */
function inGroups(lines: readonly string[], space: number): string[][] {
  const groups: string[][] = []
  let room = 0
  for (const line of lines) {
    // Each line costs its line break too.
    const length = codePoints(line) + 1
    const current = groups.at(-1)
    if (current === undefined || length > room) {
      groups.push([line])
      room = space - length
    } else {
      current.push(line)
      room -= length
    }
  }
  return groups
}

interface Definition {
  readonly href: string
  readonly title: string
}

function definitionsOf(tokens: readonly MarkdownBlock[]): Map<string, Definition> {
  const definitions = new Map<string, Definition>()
  for (const token of tokens) {
    if (token.type === 'def')
      definitions.set(label(token.tag ?? ''), { href: token.href ?? '', title: token.title ?? '' })
  }
  return definitions
}

function label(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ').trim()
}

/** `[text][label]` and `[label][]` as `[text](address "title")`, images too; unknown labels stay. */
function resolveLinks(text: string, definitions: ReadonlyMap<string, Definition>): string {
  if (definitions.size === 0) return text
  return text.replace(/\[([^[\]]{1,999})\]\[([^[\]]{0,999})\]/g, (whole, shown: string, name: string) => {
    const definition = definitions.get(label(name === '' ? shown : name))
    if (definition === undefined) return whole
    const title = definition.title === '' ? '' : ` "${definition.title}"`
    return `[${shown}](${definition.href}${title})`
  })
}

/** Without the empty lines around a block; indentation of its first line means something and stays. */
function trimBlock(raw: string): string {
  return raw.replace(/^(?:[ \t]*\n)+/, '').trimEnd()
}
