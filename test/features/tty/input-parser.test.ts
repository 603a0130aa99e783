// Bytes of a keyboard become events, however they are cut.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InputParser, type TtyEvent } from '../../../runtime/features/tty/input-parser.ts'

function parse(text: string): TtyEvent[] {
  const parser = new InputParser()
  return [...parser.feed(Buffer.from(text)), ...parser.settle()]
}

const key = (name: string, more: object = {}): object => ({
  type: 'key',
  key: name,
  key_type: 'runes',
  action: 'press',
  alt: false,
  ctrl: false,
  shift: false,
  ...more,
})
const named = (name: string, more: object = {}): object => key(name, { key_type: name, ...more })

test.each([
  ['a', [key('a')]],
  ['é世😀', [key('é'), key('世'), key('😀')]],
  [' ', [key(' ', { key_type: 'space' })]],
  ['\r', [named('enter')]],
  ['\t', [named('tab')]],
  ['\x7f', [named('backspace')]],
  ['\x1b', [named('esc')]],
  ['\x03', [key('c', { ctrl: true })]],
  ['\x00', [key('@', { ctrl: true })]],
  ['\x1bx', [key('x', { alt: true })]],
  ['\x1b[A\x1bOB', [named('up'), named('down')]],
  ['\x1b[1;5C', [named('right', { ctrl: true })]],
  ['\x1b[1;4D', [named('left', { alt: true, shift: true })]],
  ['\x1b[Z', [named('tab', { shift: true })]],
  ['\x1b[3~\x1b[5~\x1b[15~\x1b[24;2~', [named('delete'), named('pgup'), named('f5'), named('f12', { shift: true })]],
  ['\x1bOP', [named('f1')]],
  [
    '\x1b[I\x1b[O',
    [
      { type: 'focus', focused: true },
      { type: 'focus', focused: false },
    ],
  ],
  ['\x1b[200~two\r\nlines\x1b[A\x1b[201~!', [{ type: 'paste', text: 'two\nlines\x1b[A' }, key('!')]],
  ['\x1b[99z', []],
])('%j', (text, events) => {
  expect(parse(text)).toEqual(events)
})

test.each([
  ['\x1b[<0;1;1M', { action: 'press', button: 'left', x: 0, y: 0 }],
  ['\x1b[<2;11;6m', { action: 'release', button: 'right', x: 10, y: 5 }],
  ['\x1b[<35;3;4M', { action: 'motion', button: 'none', x: 2, y: 3 }],
  ['\x1b[<65;1;1M', { action: 'wheel', button: 'wheel_down' }],
  ['\x1b[<20;1;1M', { action: 'press', button: 'left', ctrl: true, shift: true, alt: false }],
])('mouse %j', (text, event) => {
  expect(parse(text)).toMatchObject([{ type: 'mouse', ...event }])
})

test('an escape waits for what may follow, and is the key Escape when nothing does', () => {
  const parser = new InputParser()
  expect(parser.feed(Buffer.from('\x1b'))).toEqual([])
  expect(parser.waiting).toBe(true)
  expect(parser.feed(Buffer.from('[A'))).toEqual([named('up')])
  expect(parser.waiting).toBe(false)
  parser.feed(Buffer.from('\x1b'))
  expect(parser.settle()).toEqual([named('esc')])
})

test('a paste without an end does not grow for ever', () => {
  const parser = new InputParser()
  const events = [
    ...parser.feed(Buffer.from(`\x1b[200~${'x'.repeat(1 << 20)}`)),
    ...parser.feed(Buffer.from('y\x1b[201~')),
  ]
  expect(events).toEqual([
    { type: 'paste', text: 'x'.repeat(1 << 20) },
    { type: 'paste', text: 'y' },
  ])
})

test('however the bytes are cut, the events are the same', () => {
  const piece = fc.constantFrom(
    'a',
    'é',
    '世',
    '\x1b[A',
    '\x1b[1;5C',
    '\x1bOP',
    '\x1b[<0;10;20M',
    '\x1b[200~pa\x1b[Bste\x1b[201~',
    '\r',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(80)), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(''))
      const parser = new InputParser()
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
      const events = places.slice(1).flatMap((end, i) => parser.feed(bytes.subarray(places[i], end)))
      expect([...events, ...parser.settle()]).toEqual(parse(parts.join('')))
    }),
  )
})

test('no bytes make it throw or keep anything but an unfinished paste', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const parser = new InputParser()
      parser.feed(bytes)
      parser.settle()
      if (!Buffer.from(bytes).includes('\x1b[200~')) expect(parser.waiting).toBe(false)
    }),
  )
})
