// A command line cut into a program and its literal arguments. There is no shell: nothing expands, nothing is piped.

import { moduleError } from '../../core/error.ts'

/** Quotes group, a backslash takes the next character as it is. Throws Invalid for an open quote or nothing at all. */
export function splitCommand(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let at = 0; at < line.length; at++) {
    const character = line[at] as string // at is inside the text
    if (character === '\\' && quote !== "'") {
      at++
      if (at >= line.length) throw moduleError('Invalid', 'command ends with a backslash')
      word = (word ?? '') + line[at]
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined
      else word = (word ?? '') + character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + character
    }
  }
  if (quote !== undefined) throw moduleError('Invalid', `unclosed quote in command: ${line}`)
  if (word !== undefined) words.push(word)
  if (words.length === 0 || words[0] === '') throw moduleError('Invalid', 'command is required')
  if (line.includes('\0')) throw moduleError('Invalid', 'command contains a null byte')
  return words
}
