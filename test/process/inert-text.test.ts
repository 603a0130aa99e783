// What reaches a screen is text, lines and colours, whatever it is made of.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InertText } from '../../runtime/process/inert-text.ts'

const shown = (...pieces: (string | Uint8Array)[]): string => {
  const text = new InertText()
  return pieces.map((piece) => text.next(piece)).join('') + text.end()
}

test.each([
  ['clearing the screen', 'a\x1b[2Jb', 'a␛[2Jb'],
  ['moving the cursor', '\x1b[10;1Hx', '␛[10;1Hx'],
  ['a title', '\x1b]0;title\x07x', '␛]0;title␇x'],
  ['a link', '\x1b]8;;http://evil\x1b\\text', '␛]8;;http://evil␛\\text'],
  ['the clipboard', '\x1b]52;c;aGk=\x07', '␛]52;c;aGk=␇'],
  ['asking the terminal to answer', '\x1b[6n\x1b[c', '␛[6n␛[c'],
  ['a lone escape at the end', 'x\x1b', 'x␛'],
  ['an eight-bit sequence', 'x\u009b2Jy', 'x\ufffd2Jy'],
  ['backspaces', 'ok\b\bno', 'ok␈␈no'],
  ['hidden text', '\x1b[8mhidden', 'hidden'],
  ['hidden text among other styles', '\x1b[1;8;31mx\x1b[0m', '\x1b[1;31mx\x1b[0m'],
  ['a private colour sequence', '\x1b[?1m', '␛[?1m'],
])('%s becomes visible text', (_what, written, visible) => {
  expect(shown(written)).toBe(visible)
})

test('lines, tabs, returns, colours and other letters pass', () => {
  const text = 'a\tb\r\nc \x1b[1;32mgreen\x1b[0m \x1b[38;5;8mgrey\x1b[m 안녕 🙂\n'
  expect(shown(text)).toBe(text)
})

test('without colours the text alone passes', () => {
  const text = new InertText({ colours: false })
  expect(text.next('\x1b[1;32mgreen\x1b[0m \x1b[2J') + text.end()).toBe('green ␛[2J')
  expect(text.styled).toBe(false)
})

test('a style that is left on is reset at the end', () => {
  expect(shown('\x1b[31mred')).toBe('\x1b[31mred\x1b[0m')
  expect(shown('\x1b[31mred\x1b[39;0m')).toBe('\x1b[31mred\x1b[39;0m')
})

test('a colour cut in two passes whole, and any other sequence cut in two does not', () => {
  expect(shown('\x1b', '[3', '1mx\x1b[0m')).toBe('\x1b[31mx\x1b[0m')
  expect(shown('\x1b', '[2', 'Jx')).toBe('␛[2Jx')
})

test('a character cut in two bytes is one character', () => {
  const bytes = Buffer.from('한')
  expect(shown(bytes.subarray(0, 1), bytes.subarray(1))).toBe('한')
})

test('however it is cut, nothing but colours leaves with an escape', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '\x1b',
      '[',
      '31m',
      '8m',
      ';',
      '2J',
      ']0;',
      '\x07',
      '\u009b',
      'x',
      '\n',
      '\x1b[1m',
      '?25l',
      '\x1b\x1b[',
    ),
    fc.string(),
    fc.uint8Array({ maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const rest = shown(...pieces).replace(/\x1b\[[\d;:]*m/g, '')
      expect(rest).not.toMatch(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/)
    }),
    { numRuns: 500 },
  )
})
