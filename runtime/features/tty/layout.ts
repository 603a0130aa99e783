// Blocks of text beside and above each other, and inside larger boxes. A position is 0 (top, left) to 1 (bottom, right).

import { linesOf, lineWidth, textWidth } from './cells.ts'

const blank = (width: number): string => ' '.repeat(Math.max(0, width))

/** How much of `room` goes before the thing: the rest goes behind it. */
function before(room: number, position: number): number {
  return Math.floor(Math.max(0, room) * Math.min(1, Math.max(0, position)))
}

/** Every line as wide as `width`, or as the widest; `fill` makes so many blanks. */
export function alignLines(lines: readonly string[], width: number, position: number, fill = blank): string[] {
  return lines.map((line) => {
    const room = width - lineWidth(line)
    const left = before(room, position)
    return room <= 0 ? line : fill(left) + line + fill(room - left)
  })
}

/** So many lines at least, the new ones empty. */
export function alignRows(lines: readonly string[], height: number, position: number): string[] {
  const room = Math.max(0, height - lines.length)
  const above = before(room, position)
  return [...new Array<string>(above).fill(''), ...lines, ...new Array<string>(room - above).fill('')]
}

export function joinHorizontal(position: number, blocks: readonly string[]): string {
  const split = blocks.map(linesOf)
  const height = split.reduce((most, { length }) => Math.max(most, length), 0)
  const columns = split.map((lines, i) => {
    const width = textWidth(blocks[i] ?? '')
    return alignLines(alignRows(lines, height, position), width, 0)
  })
  return Array.from({ length: height }, (_, row) => columns.map((column) => column[row]).join('')).join('\n')
}

export function joinVertical(position: number, blocks: readonly string[]): string {
  const width = blocks.reduce((most, block) => Math.max(most, textWidth(block)), 0)
  return alignLines(blocks.flatMap(linesOf), width, position).join('\n')
}

export function placeHorizontal(width: number, position: number, text: string): string {
  const lines = linesOf(text)
  const own = textWidth(text)
  if (own >= width) return text
  // The block moves as one: its lines keep their places to each other.
  return alignLines(alignLines(lines, own, 0), width, position).join('\n')
}

export function placeVertical(height: number, position: number, text: string): string {
  const lines = linesOf(text)
  if (lines.length >= height) return text
  return alignLines(alignRows(lines, height, position), textWidth(text), 0).join('\n')
}
