// The only importer of marked: its Markdown lexer. Rendering is left to those who have something to render to.

import { Marked, type Token, type Tokens } from 'marked'

export type MarkdownToken = Token
export type MarkdownList = Tokens.List

/** The blocks of a Markdown text (GitHub flavour) in order, each with its source as `raw`. */
export function markdownTokens(text: string): MarkdownToken[] {
  return new Marked().lexer(text)
}
