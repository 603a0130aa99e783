// JSON text to values. V8's parser does the work; ours takes over for long texts, for what V8's would get wrong (integers
// beyond 2^53, nesting without a limit) and to say in Go's words what is wrong with malformed text.

import { MAX_DEPTH } from './encode.ts'
import { endOfString, JsonParser, QUOTE } from './parser.ts'

/** Texts up to this length are parsed in one go, with V8's parser. */
const SHORT = 64 * 1024

/** The value of a JSON text. Throws Internal naming what is wrong and where; trailing text is wrong too. */
export function decodeJson(text: string): unknown {
  if (text.length <= SHORT && !needsOwnParser(text)) {
    try {
      return JSON.parse(text)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  const parser = new JsonParser(text)
  while (!parser.step());
  return parser.value
}

/** How to parse a text that is too long to be parsed in one go; undefined for others. */
export function longJsonParser(text: string): JsonParser | undefined {
  return text.length <= SHORT ? undefined : new JsonParser(text)
}

/** Shorter digit runs are exact as doubles. */
const LONG_NUMBER = 16

/** One cheap pass over the text: too deep, or a number whose digits a double may not hold? */
function needsOwnParser(text: string): boolean {
  let depth = 0
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x30 && code <= 0x39) {
      // Fractions are doubles anyway: only digits that start a number count.
      if (digits >= 0 && ++digits >= LONG_NUMBER) return true
      continue
    }
    digits = code === 0x2e ? Number.NEGATIVE_INFINITY : 0
    if (code === QUOTE) {
      i = endOfString(text, i)
      if (i < 0) return false
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH) return true
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return false
}
