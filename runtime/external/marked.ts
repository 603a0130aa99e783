// The only importer of marked: its Markdown lexer. Rendering is left to those who have something to render to.

import { Lexer, type Token, type Tokens, type TokensList } from 'marked'

/** What of a block there is to know; its source is `raw`. */
export interface MarkdownBlock {
  readonly type: string
  readonly raw: string
  /** Of code. */
  readonly text?: string
  /** Of a heading. */
  readonly depth?: number
  /** Of a list: the source of each item. */
  readonly items?: readonly string[]
  /** Of a definition. */
  readonly tag?: string
  readonly href?: string
  readonly title?: string
}

/**
 * The blocks of a Markdown text (GitHub flavour) in order, each with its source as `raw`. What is inside paragraphs is not
 * looked at: that takes marked quadratic time on hostile text, and splitting does not need it.
 */
export function markdownBlocks(text: string): MarkdownBlock[] {
  const source = text.replace(/\r\n|\r/g, '\n')
  try {
    return new BoundedLexer().blockTokens(source).map(block)
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error
    return [{ type: 'paragraph', raw: source }]
  }
}

function block(token: Token): MarkdownBlock {
  const { type, raw } = token
  if (type === 'heading') return { type, raw, depth: (token as Tokens.Heading).depth }
  if (type === 'code') return { type, raw, text: (token as Tokens.Code).text }
  if (type === 'list') return { type, raw, items: (token as Tokens.List).items.map((item) => item.raw) }
  if (type !== 'def') return { type, raw }
  const { tag, href, title } = token as Tokens.Def
  return { type, raw, tag, href, title: title ?? '' }
}

const MAX_DEPTH = 100

class TooDeep extends Error {}

/**
 * Quotes and lists nested beyond the bound make the text one block. The lexer recurses, and a stack that ends while V8 compiles
 * an expression of its ends the operating system's process.
 */
class BoundedLexer extends Lexer {
  #depth = 0

  override blockTokens(source: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[]
  override blockTokens(source: string, tokens?: TokensList, lastParagraphClipped?: boolean): TokensList
  override blockTokens(source: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[] {
    if (++this.#depth > MAX_DEPTH) throw new TooDeep(`nested deeper than ${MAX_DEPTH} levels`)
    const found = super.blockTokens(source, tokens, lastParagraphClipped)
    this.#depth--
    return found
  }
}
