// How much room text takes on a screen: cells of a character, width and height of styled text, cutting and wrapping it.
// Escape sequences take no room.

const sequence = /\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g
const invisible = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u
const pictogram = /\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u
/** East Asian wide and fullwidth characters (Unicode TR 11), in ranges. */
const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\u9FFF\uA000-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1B000}-\u{1B2FF}\u{20000}-\u{3FFFD}]/u
const plain = /^[\x20-\x7e]*$/

/** What stands on the screen as one character, or a sequence that controls it. */
interface Piece {
  readonly text: string
  readonly cells: number
}

function cellsOf(grapheme: string): number {
  if (invisible.test(grapheme)) return 0
  return pictogram.test(grapheme) || wide.test(grapheme) ? 2 : 1
}

function pieces(line: string): Piece[] {
  const segmenter = new Intl.Segmenter()
  const found: Piece[] = []
  const visible = (text: string): void => {
    for (const { segment } of segmenter.segment(text)) found.push({ text: segment, cells: cellsOf(segment) })
  }
  let at = 0
  for (const match of line.matchAll(sequence)) {
    visible(line.slice(at, match.index))
    found.push({ text: match[0], cells: 0 })
    at = match.index + match[0].length
  }
  visible(line.slice(at))
  return found
}

/** Lines of a text; `\r\n` ends one too. */
export function linesOf(text: string): string[] {
  return text.split(/\r?\n/)
}

/** Cells of one line. */
export function lineWidth(line: string): number {
  if (plain.test(line)) return line.length
  return pieces(line).reduce((sum, { cells }) => sum + cells, 0)
}

/** Cells of the widest line. */
export function textWidth(text: string): number {
  return linesOf(text).reduce((most, line) => Math.max(most, lineWidth(line)), 0)
}

/** The line up to so many cells; sequences behind the cut stay, so that what was switched on is switched off. */
export function cutLine(line: string, width: number): string {
  if (lineWidth(line) <= width) return line
  let room = width
  let cut = ''
  for (const { text, cells } of pieces(line)) {
    if (cells > room) room = 0
    if (cells === 0 && (text.startsWith('\x1b') || room > 0)) cut += text
    else if (cells > 0 && cells <= room) {
      cut += text
      room -= cells
    }
  }
  return cut
}

/** Breaks a line between words, and inside a word that does not fit alone. */
export function wrapLine(line: string, width: number): string[] {
  if (width <= 0 || lineWidth(line) <= width) return [line]
  const lines: string[] = []
  let current = ''
  let used = 0
  const flush = (): void => {
    lines.push(current.trimEnd())
    current = ''
    used = 0
  }
  for (const word of line.split(/(?<=\s)(?=\S)/)) {
    if (used > 0 && used + lineWidth(word.trimEnd()) > width) flush()
    for (const { text, cells } of pieces(word)) {
      const over = cells > 0 && used + cells > width
      // Blanks at the end of a line are not carried to the next.
      if (over && text.trim() === '') continue
      if (over && used > 0) flush()
      current += text
      used += cells
    }
  }
  flush()
  return lines
}
