// The only importer of marked: its Markdown lexer. Rendering is left to those who have something to render to.

import { Lexer, type Token, type Tokens } from 'marked'

export type MarkdownToken = Token
export type MarkdownList = Tokens.List

/**
 * The blocks of a Markdown text (GitHub flavour) in order, each with its source as `raw`. What is inside paragraphs is not
 * looked at: that takes marked quadratic time on hostile text, and splitting does not need it.
 */
export function markdownBlocks(text: string): MarkdownToken[] {
  const source = text.replace(/\r\n|\r/g, '\n')
  try {
    return new Lexer().blockTokens(source)
  } catch (error) {
    // Thousands of nested quotes exhaust the stack: such a text is one block to us.
    if (!(error instanceof RangeError)) throw error
    return [{ type: 'paragraph', raw: source, text: source, tokens: [] }]
  }
}
