// What styled and laid out text looks like.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutLine, lineWidth, textWidth, wrapLine } from '../../../runtime/features/tty/cells.ts'
import { joinHorizontal, joinVertical, placeHorizontal, placeVertical } from '../../../runtime/features/tty/layout.ts'
import { colorCode, plainStyle, render, type Style } from '../../../runtime/features/tty/style.ts'

const style = (more: Partial<Style>): Style => ({ ...plainStyle, ...more })

test.each([
  ['hello', 5],
  ['', 0],
  ['世界', 4],
  ['e\u0301', 1],
  ['👨‍👩‍👧', 2],
  ['\x1b[1;31mred\x1b[0m', 3],
  ['\x1b]8;;http://x\x07link\x1b]8;;\x07', 4],
  ['a\tb', 2],
])('%j takes %i cells', (line, cells) => {
  expect(lineWidth(line)).toBe(cells)
})

test('lines break between words, and inside words that are too long', () => {
  expect(wrapLine('the quick brown fox', 9)).toEqual(['the quick', 'brown fox'])
  expect(wrapLine('abcdefgh ij', 3)).toEqual(['abc', 'def', 'gh', 'ij'])
  expect(wrapLine('世界人', 4)).toEqual(['世界', '人'])
  expect(wrapLine('short', 0)).toEqual(['short'])
})

test('wrapping and cutting keep to the width and lose no letter', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', ' ', '世') }),
      fc.integer({ min: 2, max: 12 }),
      (line, width) => {
        const wrapped = wrapLine(line, width)
        expect(Math.max(...wrapped.map(lineWidth))).toBeLessThanOrEqual(width)
        expect(wrapped.join('').replaceAll(' ', '')).toBe(line.replaceAll(' ', ''))
        expect(lineWidth(cutLine(line, width))).toBeLessThanOrEqual(width)
        expect(line.startsWith(cutLine(line, width))).toBe(true)
      },
    ),
  )
})

test('a cut leaves no colour on', () => {
  expect(cutLine('\x1b[31mredder\x1b[0m', 3)).toBe('\x1b[31mred\x1b[0m')
})

test.each([
  ['#FF0000', '38;2;255;0;0'],
  ['#f00', '38;2;255;0;0'],
  ['9', '91'],
  ['1', '31'],
  ['200', '38;5;200'],
  ['blue', '34'],
  ['bright-blue', '94'],
])('color %s', (color, code) => {
  expect(colorCode(color, false)).toBe(code)
})

test.each(['', 'pink-ish', '256', '#12345', '-1'])('color %j is refused', (color) => {
  expect(() => colorCode(color, false)).toThrow(/is not #RRGGBB/)
})

test('attributes and colours surround each line, and go on behind what is styled inside', () => {
  const bold = style({ attributes: new Set(['bold']), foreground: '1' })
  expect(render(bold, 'a\nb', true)).toBe('\x1b[1;31ma\x1b[0m\n\x1b[1;31mb\x1b[0m')
  expect(render(bold, 'x\x1b[4my\x1b[0mz', true)).toBe('\x1b[1;31mx\x1b[4my\x1b[0m\x1b[1;31mz\x1b[0m')
  expect(render(bold, 'a', false)).toBe('a')
})

test('a box: border outside, padding inside, width without the border', () => {
  const box = style({
    border: { name: 'rounded', sides: [true, true, true, true] },
    padding: [0, 1, 0, 1],
    width: 8,
    align: 0.5,
  })
  expect(render(box, 'hi', false).split('\n')).toEqual(['╭────────╮', '│   hi   │', '╰────────╯'])
})

test('borders can be of some sides only; margins stand outside', () => {
  const rule = style({ border: { name: 'normal', sides: [false, false, true, true] }, margin: [1, 0, 0, 2] })
  expect(render(rule, 'ab', false).split('\n')).toEqual(['     ', '  │ab', '  └──'])
})

test('height and vertical alignment, and limits', () => {
  expect(render(style({ height: 3, alignVertical: 1 }), 'x', false)).toBe(' \n \nx')
  expect(render(style({ maxWidth: 2, maxHeight: 1 }), 'abc\nd', false)).toBe('ab')
  expect(render(style({ inline: true, width: 3 }), 'a\nbcdef', false)).toBe('abcdef')
})

test('blocks beside and above each other', () => {
  expect(joinHorizontal(0, ['a\nb\nc', 'X']).split('\n')).toEqual(['aX', 'b ', 'c '])
  expect(joinHorizontal(1, ['a\nb', 'X']).split('\n')).toEqual(['a ', 'bX'])
  expect(joinVertical(0.5, ['abc', 'x']).split('\n')).toEqual(['abc', ' x '])
})

test('blocks in a larger place keep their shape', () => {
  expect(placeHorizontal(6, 1, 'ab\nc').split('\n')).toEqual(['    ab', '    c '])
  expect(placeVertical(3, 0.5, 'ab').split('\n')).toEqual(['  ', 'ab', '  '])
  expect(placeHorizontal(1, 0.5, 'too wide')).toBe('too wide')
  expect(textWidth('a\r\nbcd')).toBe(3)
})
