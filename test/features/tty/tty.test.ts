// A program that has the terminal to itself: it sees keys, and the terminal is as before when it has ended.

import { afterEach, expect, test } from 'vitest'
import type { Entry } from '../../../runtime/core/entry.ts'
import { createHost, type Host, type Outcome } from '../../../runtime/create-host.ts'
import { Terminal } from '../../../runtime/process/terminal.ts'
import { type TestTerminal, testTerminal } from '../../support/pty.ts'

let pty: TestTerminal | undefined
let host: Host | undefined

afterEach(async () => {
  await host?.stop()
  pty?.close()
  host = pty = undefined
})

const program = (source: string): Entry[] => [
  { id: 'app:terminal', kind: 'terminal.host', meta: {}, data: { lifecycle: { auto_start: true } } },
  { id: 'app:program', kind: 'process.lua', meta: {}, data: { source, modules: ['tty', 'io'] } },
]

/** Starts the program on a terminal of 40 columns. */
async function run(source: string): Promise<{ pty: TestTerminal; outcome: Promise<Outcome> }> {
  const test = testTerminal(40)
  const terminal = new Terminal({ stdin: test.stdin, stdout: test.stdout, stderr: test.stdout })
  pty = test
  host = await createHost({ entries: program(source), terminal })
  await host.start()
  return { pty: test, outcome: host.run('app:program', 'app:terminal') }
}

const shows = (text: string) => (lines: string[]) => lines.some((line) => line.includes(text))

const keys = `
  local tty, io = require("tty"), require("io")
  return { main = function()
    local quit = tty.bind({ keys = { "ctrl+c" } })
    assert(tty.start())
    local events = tty.events()
    while true do
      local event, ok = events:receive()
      if not ok then return "closed" end
      if quit:matches(event) then break end
      io.print(event.type, event.key or event.text or event.width, event.alt and "alt" or "")
    end
    tty.stop()
    local _, open = events:receive()
    return open
  end }`

test('keys, pastes and Ctrl-C arrive as events, and stop puts the terminal back', async () => {
  const { pty, outcome } = await run(keys)
  await pty.until(shows('start   40'))
  pty.type('a')
  pty.type('\x1b[A')
  pty.type('\x1bx')
  pty.type('\x1b[200~two words\x1b[201~')
  await pty.until(shows('two words'))
  const screen = pty.lines().join('\n')
  expect(screen).toMatch(/key +a\b[\s\S]*key +up\b[\s\S]*key +x +alt[\s\S]*paste +two words/)
  pty.type('\x03')
  expect(await outcome).toEqual({ value: false })
  expect(pty.stdin.isRaw).toBe(false)
  await expect.poll(() => pty.bytes()).toMatch(/\x1b\[\?2004h[\s\S]*\x1b\[\?2004l/)
})

test('a lone Escape is a key after a moment', async () => {
  const { pty, outcome } = await run(keys)
  await pty.until(shows('start'))
  pty.type('\x1b')
  await pty.until(shows('esc'))
  pty.type('\x03')
  await outcome
})

test('a program that fails leaves no raw terminal behind', async () => {
  const { pty, outcome } = await run(`
    local tty = require("tty")
    return { main = function()
      tty.start()
      tty.mouse(true)
      error("oh no")
    end }`)
  expect((await outcome).error?.message).toContain('oh no')
  expect(pty.stdin.isRaw).toBe(false)
  await expect.poll(() => pty.bytes()).toContain('\x1b[?1006l')
})

test('styles have colours on a screen', async () => {
  const { pty, outcome } = await run(`
    local tty, io = require("tty"), require("io")
    return { main = function()
      io.print(tty.style():foreground("#ff0000"):render("red"))
      local width, height = tty.screen_size()
      return width .. "x" .. height
    end }`)
  expect(await outcome).toEqual({ value: '40x24' })
  await pty.until(shows('red'))
  expect(pty.bytes()).toContain('\x1b[38;2;255;0;0mred')
})

test('without a terminal there are errors, and styles are plain', async () => {
  host = await createHost({
    entries: [
      {
        id: 'app:f',
        kind: 'function.lua',
        meta: {},
        data: {
          method: 'f',
          modules: ['tty'],
          source: `
            local tty = require("tty")
            return { f = function()
              local _, start = tty.start()
              local _, _, size = tty.screen_size()
              local _, events = tty.events()
              local ok, color = pcall(function() return tty.style():foreground("nonsense"):bold() end)
              return { tostring(start), start:kind(), tostring(events), tty.style():bold():render("a", 1), ok }
            end }`,
        },
      },
    ],
  })
  const result = await host.call('app:f')
  expect(result).toEqual(['no terminal context', 'Unavailable', 'no terminal context', 'a 1', false])
})
