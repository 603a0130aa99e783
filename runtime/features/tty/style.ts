// A style: how a piece of text looks, as immutable facts, and what it looks like then.

import { moduleError } from '../../core/error.ts'
import { cutLine, linesOf, lineWidth, wrapLine } from './cells.ts'
import { alignLines, alignRows } from './layout.ts'

/** Top, right, bottom, left, as in CSS. */
export type Sides<T> = readonly [T, T, T, T]

export interface Style {
  readonly foreground?: string | undefined
  readonly background?: string | undefined
  /** Attributes that are on: `bold`, `italic`, … */
  readonly attributes: ReadonlySet<Attribute>
  readonly width: number
  readonly height: number
  readonly maxWidth: number
  readonly maxHeight: number
  readonly padding: Sides<number>
  readonly margin: Sides<number>
  readonly align: number
  readonly alignVertical: number
  readonly inline: boolean
  readonly border?: { readonly name: BorderName; readonly sides: Sides<boolean> } | undefined
  readonly borderForeground: Sides<string> | undefined
  readonly borderBackground: Sides<string> | undefined
}

export const attributeCodes = {
  bold: 1,
  faint: 2,
  italic: 3,
  underline: 4,
  blink: 5,
  reverse: 7,
  strikethrough: 9,
} as const
export type Attribute = keyof typeof attributeCodes

/** Horizontal, vertical, then the corners from the upper left one clockwise. */
export const borderSigns = {
  normal: ['─', '│', '┌', '┐', '┘', '└'],
  rounded: ['─', '│', '╭', '╮', '╯', '╰'],
  thick: ['━', '┃', '┏', '┓', '┛', '┗'],
  double: ['═', '║', '╔', '╗', '╝', '╚'],
  hidden: [' ', ' ', ' ', ' ', ' ', ' '],
} as const
export type BorderName = keyof typeof borderSigns

export const plainStyle: Style = {
  attributes: new Set(),
  width: 0,
  height: 0,
  maxWidth: 0,
  maxHeight: 0,
  padding: [0, 0, 0, 0],
  margin: [0, 0, 0, 0],
  align: 0,
  alignVertical: 0,
  inline: false,
  borderForeground: undefined,
  borderBackground: undefined,
}

const colorNames = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']
const BRIGHT = 8
const LAST_COLOR = 255

/** The numbers of a colour in a sequence: `#RGB`, `#RRGGBB`, `0` to `255`, or a name. Throws Invalid. */
export function colorCode(color: string, background: boolean): string {
  const base = background ? 48 : 38
  const hex = /^#(?:([\da-f])([\da-f])([\da-f])|([\da-f]{2})([\da-f]{2})([\da-f]{2}))$/i.exec(color)
  if (hex !== null) {
    const parts = hex[1] === undefined ? hex.slice(4, 7) : hex.slice(1, 4).map((digit) => digit + digit)
    return `${base};2;${parts.map((part) => Number.parseInt(part, 16)).join(';')}`
  }
  const named = /^(bright[-_ ]?)?([a-z]+)$/i.exec(color)
  const name = colorNames.indexOf(named?.[2]?.toLowerCase() ?? '')
  const number =
    name >= 0 ? name + (named?.[1] === undefined ? 0 : BRIGHT) : /^\d{1,3}$/.test(color) ? Number(color) : -1
  if (number < 0 || number > LAST_COLOR) {
    throw moduleError('Invalid', `color ${JSON.stringify(color)} is not #RRGGBB, 0 to ${LAST_COLOR} or a name`)
  }
  if (number >= 2 * BRIGHT) return `${base};5;${number}`
  return String((number < BRIGHT ? 30 + number : 90 + number - BRIGHT) + (background ? 10 : 0))
}

function painted(text: string, codes: readonly (string | number)[], colors: boolean): string {
  if (!colors || text === '' || codes.length === 0) return text
  const on = `\x1b[${codes.join(';')}m`
  // What is styled inside ends with a reset: this style goes on behind it.
  return `${on}${text.replaceAll('\x1b[0m', `\x1b[0m${on}`)}\x1b[0m`
}

/** The text as this style shows it; without `colors` only its layout. */
export function render(style: Style, text: string, colors: boolean): string {
  const { padding, background } = style
  const ground = background === undefined ? [] : [colorCode(background, true)]
  const blanks = (count: number): string => painted(' '.repeat(Math.max(0, count)), ground, colors)
  const codes = [
    ...[...style.attributes].map((attribute) => attributeCodes[attribute]),
    ...(style.foreground === undefined ? [] : [colorCode(style.foreground, false)]),
    ...ground,
  ]
  const [top, right, bottom, left] = padding
  const room = style.width - left - right
  let lines = style.inline ? [text.replaceAll(/\r?\n/g, '')] : linesOf(text)
  if (!style.inline && style.width > 0) lines = lines.flatMap((line) => wrapLine(line, room))
  lines = lines.map((line) => painted(line, codes, colors))
  if (style.inline) return limited(style, lines).join('\n')

  const inner = Math.max(room, ...lines.map(lineWidth))
  lines = alignRows(lines, style.height - top - bottom, style.alignVertical)
  lines = alignLines(lines, inner, style.align, blanks).map((line) => blanks(left) + line + blanks(right))
  const empty = blanks(inner + left + right)
  lines = [...repeated(empty, top), ...lines, ...repeated(empty, bottom)]
  return limited(style, withMargin(style, bordered(style, lines, colors))).join('\n')
}

function bordered({ border, borderForeground, borderBackground }: Style, lines: string[], colors: boolean): string[] {
  if (border === undefined) return lines
  const [horizontal, vertical, topLeft, topRight, bottomRight, bottomLeft] = borderSigns[border.name]
  const [top, right, bottom, left] = border.sides
  const paint = (text: string, side: 0 | 1 | 2 | 3): string => {
    const codes: string[] = []
    if (borderForeground !== undefined) codes.push(colorCode(borderForeground[side], false))
    if (borderBackground !== undefined) codes.push(colorCode(borderBackground[side], true))
    return painted(text, codes, colors)
  }
  const width = Math.max(0, ...lines.map(lineWidth))
  const edge = (first: string, last: string): string =>
    (left ? first : '') + horizontal.repeat(width) + (right ? last : '')
  const middle = lines.map((line) => (left ? paint(vertical, 3) : '') + line + (right ? paint(vertical, 1) : ''))
  return [
    ...(top ? [paint(edge(topLeft, topRight), 0)] : []),
    ...middle,
    ...(bottom ? [paint(edge(bottomLeft, bottomRight), 2)] : []),
  ]
}

function withMargin({ margin: [top, right, bottom, left] }: Style, lines: string[]): string[] {
  const width = Math.max(0, ...lines.map(lineWidth)) + left + right
  const empty = ' '.repeat(width)
  const moved = lines.map((line) => ' '.repeat(left) + line + ' '.repeat(right))
  return [...repeated(empty, top), ...moved, ...repeated(empty, bottom)]
}

function limited({ maxWidth, maxHeight }: Style, lines: string[]): string[] {
  const kept = maxHeight > 0 ? lines.slice(0, maxHeight) : lines
  return maxWidth > 0 ? kept.map((line) => cutLine(line, maxWidth)) : kept
}

function repeated(line: string, count: number): string[] {
  return new Array<string>(count).fill(line)
}
