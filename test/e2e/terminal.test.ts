// The command line in a real terminal: typing, Ctrl-C, Ctrl-D, Ctrl-Z, hostile text, and the terminal as it was afterwards.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type ModelServer, type Script, startModelServer, text } from '../support/model-server.mjs'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { type PtyProcess, startInPty } from '../support/pty-process.ts'
import { repository } from '../support/wippy-process.ts'

const cli = join(repository, 'dist', 'cli', 'main.js')
let server: ModelServer | undefined
let running: PtyProcess | undefined
const folders: string[] = []

afterEach(async () => {
  running?.close()
  await running?.exited
  await server?.close()
  running = server = undefined
  for (const folder of folders.splice(0)) removeFolder(folder)
})

const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:OPENAI_|WIPPY_|NO_COLOR|FORCE_COLOR)/.test(name)),
)

/** The agent in a folder of its own, so that what it remembers is not another test's. */
async function agent(script: Script): Promise<PtyProcess> {
  server = await startModelServer(script)
  const cwd = projectFolder({})
  folders.push(cwd)
  const env = { ...clean, OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'sk-test-not-a-real-key' }
  running = startInPty(process.execPath, [cli, 'run', 'wippy/micro-agi', 'agent'], { cwd, env })
  await prompted(running, '>')
  return running
}

/** The prompt stands there, and keys go to the editor: it has put the cursor behind the prompt. */
function prompted(terminal: PtyProcess, prompt: string): Promise<void> {
  const placed = `\x1b[${prompt.length + 2}G`
  return terminal.until((lines) => lines.at(-1) === prompt && terminal.bytes().endsWith(placed))
}

/** A small app in a shell that tells the modes of the terminal before and after. */
function inShell(source: string): PtyProcess {
  const cwd = projectFolder({
    'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
    'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - name: main
    kind: process.lua
    meta: {command: {name: main}}
    source: file://main.lua
    method: main
    modules: [io, time]
`,
    'src/main.lua': source,
  })
  folders.push(cwd)
  const modes = 'stty -a | tr " ;" "\\n\\n" | grep -xE -- "-?(echo|icanon|isig|opost|icrnl)" | tr "\\n" " "'
  const script = `echo "before: $(${modes})"; ${process.execPath} ${cli} run main; echo "code $?"; echo "after: $(${modes})"`
  running = startInPty('/bin/bash', ['--norc', '-c', script], { cwd, env: clean })
  return running
}

function sameModes(lines: string[]): void {
  const of = (name: string) => lines.find((line) => line.startsWith(name))?.slice(name.length)
  expect(of('before: ')).toMatch(/icanon/)
  expect(of('after: ')).toBe(of('before: '))
}

const ended = (lines: string[]): boolean => lines.some((line) => line.startsWith('after: '))
const reader =
  'local io = require("io") return { main = function() io.write("name? ") local name, err = io.readline() io.print(name, err) end }'

test('a question is typed, edited and answered, and quit leaves with code 0', async () => {
  const terminal = await agent({ turns: [text('Hello to you.')] })
  terminal.type('helo\x1b[Dl')
  await terminal.until((lines) => lines.at(-1) === '> hello')
  terminal.type('\r')
  await terminal.until((lines) => lines.includes('Hello to you.') && lines.at(-1) === '>')
  expect(terminal.lines()).toEqual(['dev assistant (quit to exit)', '', '> hello', 'Hello to you.', '', '>'])
  expect(server?.requests[0]?.body.input.at(-1)).toMatchObject({ role: 'user' })
  terminal.type('quit\r')
  expect(await terminal.exited).toBe(0)
})

test('Ctrl-C gives the prompt back within 200 ms, closes the request, and the conversation goes on', async () => {
  const terminal = await agent({
    turns: [1, 2, 3]
      .map((n) => ({ parts: [{ text: `Thinking about question ${n}. ` }, { hang: true as const }] }))
      .concat([text('Back again.') as never]),
  })
  const times: number[] = []
  for (const n of [1, 2, 3]) {
    terminal.type(`question ${n}\r`)
    await terminal.until((lines) => lines.some((line) => line.startsWith(`Thinking about question ${n}`)))
    const prompts = terminal.lines().filter((line) => line.startsWith('>')).length
    const pressed = performance.now()
    terminal.type('\x03')
    await terminal.until(
      (lines) => lines.filter((line) => line.startsWith('>')).length > prompts && lines.at(-1) === '>',
    )
    times.push(performance.now() - pressed)
    expect(await server?.requests.at(-1)?.closed).toBe('aborted')
    // Two within two seconds would mean leaving: the conversation takes its time.
    await new Promise((resolve) => setTimeout(resolve, 2_000))
  }
  expect(times.sort((a, b) => a - b)[1]).toBeLessThan(200)
  terminal.type('still there?\r')
  await terminal.until((lines) => lines.includes('Back again.') && lines.at(-1) === '>')
}, 40_000)

test('Ctrl-C empties a line that was begun, and at an empty prompt leaves', async () => {
  const terminal = await agent({ turns: [] })
  terminal.type('never mind')
  await terminal.until((lines) => lines.at(-1) === '> never mind')
  terminal.type('\x03')
  await terminal.until((lines) => lines.at(-1) === '>' && lines.at(-2) === '> never mind^C')
  terminal.type('\x03')
  expect(await terminal.exited).toBe(0)
  expect(server?.requests).toHaveLength(0)
})

test('Ctrl-C twice leaves a turn that is running', async () => {
  const terminal = await agent({ turns: [{ parts: [{ text: 'Let me think about that. ' }, { hang: true }] }] })
  terminal.type('question\r')
  await terminal.until((lines) => lines.some((line) => line.startsWith('Let me')))
  terminal.type('\x03')
  await prompted(terminal, '>')
  terminal.type('\x03')
  expect(await terminal.exited).toBe(0)
})

test('what a model says cannot control the screen', async () => {
  const terminal = await agent({ turns: [text('before\x1b[2J\x1b[H\x1b]0;title\x07\u009b2Jafter\x08\x08')] })
  terminal.type('go\r')
  await terminal.until((lines) => lines.some((line) => line.includes('after')) && lines.at(-1) === '>')
  expect(terminal.lines()[0]).toBe('dev assistant (quit to exit)')
  expect(terminal.bytes()).not.toMatch(/\x1b\[2J|\x1b\]0;|\u009b/)
})

test('Ctrl-D is the end of input, and the terminal is as it was', async () => {
  const terminal = inShell(reader)
  await prompted(terminal, 'name?')
  terminal.type('\x04')
  await terminal.until(ended)
  expect(terminal.lines()).toContain('nil\treadline: EOF'.replace('\t', '     '))
  expect(terminal.lines()).toContain('code 0')
  sameModes(terminal.lines())
})

test('Ctrl-D from before the read ends it all the same', async () => {
  const terminal = inShell(`local io, time = require("io"), require("time")
return { main = function() io.print("busy") time.sleep("500ms") io.print(io.readline()) end }`)
  await terminal.until((lines) => lines.includes('busy'))
  terminal.type('\x04')
  await terminal.until(ended)
  expect(terminal.lines().join('\n')).toContain('readline: EOF')
})

test.each(['SIGTERM', 'SIGHUP'] as const)('%s while a line is typed leaves the terminal as it was', async (signal) => {
  const terminal = inShell(reader)
  await prompted(terminal, 'name?')
  const [child] = execFileSync('pgrep', ['-P', String(terminal.pty.pid)], { encoding: 'utf8' }).split('\n')
  process.kill(Number(child), signal)
  await terminal.until(ended)
  sameModes(terminal.lines())
})

test('a program that dies in raw mode with the cursor hidden leaves the terminal as it was', async () => {
  const terminal = inShell(`local io = require("io")
return { main = function()
  io.raw(true)
  io.write("\\27[?1049h\\27[?25lalternate")
  io.read(1)
  error("crash")
end }`)
  await terminal.until((lines) => lines.some((line) => line.includes('alternate')))
  terminal.type('x')
  await terminal.until(ended)
  sameModes(terminal.lines())
  expect(terminal.lines()).toContain('code 1')
  expect(terminal.lines().join('\n')).toContain('crash')
  expect(terminal.bytes()).toContain('\x1b[?1049l')
  expect(terminal.bytes()).toContain('\x1b[?25h')
})

test('Ctrl-Z stops at the prompt, and fg brings the prompt back', async () => {
  const cwd = projectFolder({
    'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
    'src/_index.yaml': `version: "1.0"\nnamespace: app\nentries:\n  - {name: main, kind: process.lua, meta: {command: {name: main}}, source: "file://main.lua", method: main, modules: [io]}\n`,
    'src/main.lua': reader,
  })
  folders.push(cwd)
  running = startInPty('/bin/bash', ['--norc', '-i'], { cwd, env: { ...clean, PS1: 'sh> ' } })
  const terminal = running
  await terminal.until((lines) => lines.at(-1) === 'sh>')
  terminal.type(`${process.execPath} ${cli} run main\r`)
  await prompted(terminal, 'name?')
  terminal.type('A')
  await terminal.until((lines) => lines.at(-1) === 'name? A')
  terminal.type('\x1a')
  await terminal.until((lines) => lines.at(-1) === 'sh>')
  terminal.type('fg\r')
  await terminal.until((lines) => lines.at(-1) === 'name? A')
  terminal.type('nn\r')
  await terminal.until((lines) => lines.some((line) => /^Ann\s+nil$/.test(line)) && lines.at(-1) === 'sh>')
})
