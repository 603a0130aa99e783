// The terminal with somebody typing: editing, history, pastes, Ctrl-C and Ctrl-D, text that arrives meanwhile, and the way back.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { Terminal } from '../../runtime/process/terminal.ts'
import { type TestTerminal, testTerminal } from '../support/pty.ts'

let screen: TestTerminal
let terminal: Terminal
const never = new AbortController().signal

beforeEach(() => {
  screen = testTerminal(40)
  terminal = new Terminal({ stdin: screen.stdin, stdout: screen.stdout, stderr: screen.stdout })
})
afterEach(() => {
  terminal.endInput()
  terminal.restore()
  screen.close()
})

/** Starts a read; the promise is wrapped so that awaiting the start does not await the line. */
async function begin(prompt = '> ') {
  let line: Promise<string | Uint8Array | undefined> = Promise.resolve(undefined)
  terminal.write(prompt)
  line = terminal.readline(never)
  await screen.until((lines) => lines.some((text) => text.startsWith(prompt.trimEnd())) && terminal.reading)
  return { line }
}

test('a typed line is echoed once behind the prompt and returned without its end', async () => {
  const { line } = await begin()
  screen.type('hello\r')
  expect(await line).toBe('hello')
  await screen.until((lines) => lines[0] === '> hello')
  expect(screen.lines()).toEqual(['> hello'])
})

test('the cursor moves, letters are erased and inserted, and the prompt stays', async () => {
  const { line } = await begin()
  screen.type('hxllo')
  screen.type('\x1b[D\x1b[D\x1b[D\x7fe')
  await screen.until((lines) => lines[0] === '> hello')
  expect(screen.column()).toBe(4)
  screen.type('\x01Oh \x05!\r')
  expect(await line).toBe('Oh hello!')
})

test('wide letters take two columns and are erased whole', async () => {
  const { line } = await begin()
  screen.type('한국')
  await screen.until((lines) => lines[0] === '> 한국')
  expect(screen.column()).toBe(6)
  screen.type('\x7f어\r')
  expect(await line).toBe('한어')
})

test('earlier lines come back with the arrow', async () => {
  for (const text of ['first', 'second']) {
    const { line } = await begin()
    screen.type(`${text}\r`)
    await line
  }
  const { line } = await begin('again> ')
  screen.type('\x1b[A\x1b[A')
  await screen.until((lines) => lines.at(-1) === 'again> first')
  screen.type('\r')
  expect(await line).toBe('first')
})

test('a screen of another size shows the line again while it is typed, and leaves alone what is written later', async () => {
  const { line } = await begin()
  screen.type('he')
  await screen.until((lines) => lines[0] === '> he')
  const before = screen.bytes().length
  screen.stdout.emit('resize')
  await screen.until(() => screen.bytes().length > before)
  screen.type('llo\r')
  expect(await line).toBe('hello')
  terminal.write('working')
  await screen.until((lines) => lines[1] === 'working')
  screen.stdout.emit('resize')
  terminal.write(' on')
  await screen.until((lines) => lines[1]?.endsWith(' on') === true)
  expect(screen.lines()).toEqual(['> hello', 'working on'])
  terminal.write('\n')
  const { line: next } = await begin('? ')
  screen.stdout.emit('resize')
  screen.type('ok\r')
  expect(await next).toBe('ok')
})

test('what a terminal marks as pasted is part of the line, line ends and all, and no command', async () => {
  const { line } = await begin()
  await screen.until(() => screen.bytes().includes('\x1b[?2004h'))
  screen.type('see: ')
  screen.type('\x1b[200~if x\r\n\tp("안녕")\x04\x1b[2J\rend\x1b[20')
  screen.type('1~ ok')
  await screen.until((lines) => lines[0]?.includes('end ok') === true)
  expect(screen.lines()).toEqual(['> see: if x↵  p("안녕")[2J↵end ok'])
  screen.type('\r')
  expect(await line).toBe('see: if x\n  p("안녕")[2J\nend ok')
  await screen.until(() => screen.bytes().endsWith('\x1b[?2004l'))
})

test('on a screen that moves no cursor the terminal edits the line, and nothing is sent to move it', async () => {
  terminal = new Terminal({ stdin: screen.stdin, stdout: screen.stdout, stderr: screen.stdout, editing: false })
  terminal.write('> ')
  const line = terminal.readline(never)
  screen.type('hexx\x7f\x7fllo\n')
  expect(await line).toBe('hello')
  expect(terminal.interactive).toBe(true)
  const last = terminal.readline(never)
  screen.type('\x04')
  expect(await last).toBeUndefined()
  expect(screen.bytes()).not.toContain('\x1b')
})

test('Ctrl-C gets out of a paste that never ends', async () => {
  const interrupted = new Promise<void>((resolve) => {
    terminal.onInterrupt = resolve
  })
  const { line } = await begin()
  screen.type('\x1b[200~lost\x03')
  await interrupted
  screen.type('\r')
  expect(await line).toBe('')
})

test('an unmarked paste of several lines is read line by line and loses none', async () => {
  const { line } = await begin()
  screen.type('one\rtwo\rthree\r')
  expect(await line).toBe('one')
  expect(await terminal.readline(never)).toBe('two')
  expect(await terminal.readline(never)).toBe('three')
})

test('what is typed while nobody reads is kept for the next read', async () => {
  screen.type('early\n')
  await screen.until((lines) => lines[0] === 'early')
  const line = await terminal.readline(never)
  expect(line).toBe('early')
})

test('Ctrl-D at an empty line is the end of this read, and the next one reads again', async () => {
  const { line } = await begin()
  screen.type('\x04')
  expect(await line).toBeUndefined()
  const next = await begin('2> ')
  screen.type('more\r')
  expect(await next.line).toBe('more')
})

test('Ctrl-C is reported and does not end the read; clearing empties the line', async () => {
  let interrupts = 0
  const seen = new Promise<void>((resolve) => {
    terminal.onInterrupt = () => {
      interrupts++
      expect(terminal.clearLine()).toBe(true)
      resolve()
    }
  })
  const { line } = await begin()
  screen.type('mistake')
  await screen.until((lines) => lines[0] === '> mistake')
  screen.type('\x03')
  await seen
  await screen.until((lines) => lines[0] === '> mistake^C' && lines[1] === '>')
  expect(terminal.clearLine()).toBe(false)
  screen.type('right\r')
  expect(await line).toBe('right')
  expect(interrupts).toBe(1)
})

test('text that arrives while a line is typed stands above it, in whole lines', async () => {
  const { line } = await begin()
  screen.type('typing')
  await screen.until((lines) => lines[0] === '> typing')
  terminal.write('news: ')
  terminal.write('one\ntw')
  await screen.until((lines) => lines[0] === 'news: one' && lines[1] === '> typing')
  screen.type('!\r')
  expect(await line).toBe('typing!')
  await screen.until((lines) => lines[2] === 'tw')
})

test('a prompt that wraps is edited in place', async () => {
  const prompt = `${'p'.repeat(45)}> `
  terminal.write(prompt)
  const line = terminal.readline(never)
  await screen.until((lines) => lines[1]?.startsWith('ppppp>') === true && terminal.reading)
  screen.type('ab\x7fc\r')
  expect(await line).toBe('ac')
  await screen.until((lines) => lines[0] === 'p'.repeat(40) && lines[1] === 'ppppp> ac')
})

test('what a program prints cannot control the screen; colours pass and end before the next line is typed', async () => {
  terminal.write('safe\n\x1b[2J\x1b[Hx\x1b[31mred> ')
  const line = terminal.readline(never)
  await screen.until((lines) => lines[1]?.includes('red>') === true && terminal.reading)
  expect(screen.lines().slice(0, 2)).toEqual(['safe', '␛[2J␛[Hxred>'])
  screen.type('ok\r')
  expect(await line).toBe('ok')
  expect(screen.bytes()).toContain('\x1b[31mred> \x1b[0m')
})

test('in raw mode keys arrive one by one without echo, and output passes as it is', async () => {
  terminal.raw(true)
  screen.type('k')
  expect(await terminal.read(10, never)).toBe('k')
  terminal.write('\x1b[2;3Hx')
  await screen.until((lines) => lines[1] === '  x')
  expect(screen.bytes()).not.toContain('k')
})

test('raw mode is counted', async () => {
  terminal.raw(true)
  terminal.raw(true)
  terminal.raw(false)
  expect(screen.stdin.isRaw).toBe(true)
  terminal.raw(false)
  expect(screen.stdin.isRaw).toBe(false)
  terminal.raw(false)
  terminal.raw(true)
  expect(screen.stdin.isRaw).toBe(true)
})

test('Ctrl-C in raw mode is a key for the reader, and an interrupt when nobody reads', async () => {
  let interrupts = 0
  const seen = new Promise<void>((resolve) => {
    terminal.onInterrupt = () => {
      interrupts++
      resolve()
    }
  })
  terminal.raw(true)
  const key = terminal.read(1, never)
  screen.type('\x03')
  expect(await key).toBe('\x03')
  expect(interrupts).toBe(0)
  screen.type('\x03')
  await seen
})

test('restoring ends raw mode and undoes the modes that the program set', async () => {
  terminal.raw(true)
  terminal.write('\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?25h')
  terminal.restore()
  expect(screen.stdin.isRaw).toBe(false)
  await screen.until(() => screen.bytes().endsWith('\x1b[?1049l\x1b[?2004l'))
})

test('the end of input lets a read under way return, and the terminal is in its usual mode', async () => {
  const { line } = await begin()
  expect(screen.stdin.isRaw).toBe(true)
  terminal.endInput()
  expect(await line).toBeUndefined()
  expect(screen.stdin.isRaw).toBe(false)
})
