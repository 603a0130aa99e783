// How a start gets its code: compiled code that an earlier start left, as long as it can be believed.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { repository } from '../support/wippy-process.ts'

/** Says at the end which scripts were run, and of which the compiled code was taken. */
const SPY = `
const vm = require('node:vm')
const scripts = []
const { Script } = vm
vm.Script = class extends Script {
  constructor(code, options) {
    super(code, options)
    scripts.push([options.filename, this.cachedDataRejected === false])
  }
}
require('node:module').syncBuiltinESMExports()
process.on('exit', () => require('node:fs').writeFileSync(process.env.SCRIPTS, JSON.stringify(scripts)))
`

const THREADS = `version: "1.0"
namespace: app
entries:
  - name: parent
    kind: process.lua
    modules: [io]
    method: main
    source: |
      local io = require("io")
      local function main()
        local ended = process.events()
        local pid = assert(process.spawn_monitored("app:child", "app:processes"))
        local event = ended:receive()
        io.print(event.result.value)
        return 0
      end
      return { main = main }
  - name: child
    kind: process.lua
    method: main
    source: |
      return { main = function() return "a child of a worker" end }
`

/** An installation and an app of the test's own. */
let place: string
let cache: string

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'wippy-start-'))
  cpSync(join(repository, 'dist'), join(place, 'dist'), { recursive: true, preserveTimestamps: true })
  cpSync(join(repository, 'package.json'), join(place, 'package.json'))
  for (const name of ['components', 'node_modules']) symlinkSync(join(repository, name), join(place, name))
  cpSync(join(repository, '.build', 'first-start', 'src'), join(place, 'app', 'src'), { recursive: true })
  cpSync(join(repository, '.build', 'first-start', 'wippy.lock'), join(place, 'app', 'wippy.lock'))
  mkdirSync(join(place, 'app', 'src', 'threads'))
  writeFileSync(join(place, 'app', 'src', 'threads', '_index.yaml'), THREADS)
  writeFileSync(join(place, 'spy.cjs'), SPY)
  cache = join(place, 'dist', 'bundle', '.cache')
})
beforeEach(() => rmSync(cache, { recursive: true, force: true }))
afterAll(() => rmSync(place, { recursive: true }))

interface Started {
  readonly stdout: string
  readonly stderr: string
  /** The chunks in the order they were run, and whether their compiled code was taken. */
  readonly chunks: readonly (readonly [file: string, taken: boolean])[]
}

function node(...args: readonly string[]): Started {
  const scripts = join(place, 'scripts.json')
  const { stdout, stderr } = spawnSync(process.execPath, ['-r', join(place, 'spy.cjs'), ...args], {
    cwd: join(place, 'app'),
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', SCRIPTS: scripts },
    encoding: 'utf8',
  })
  return { stdout, stderr, chunks: JSON.parse(readFileSync(scripts, 'utf8')) as Started['chunks'] }
}

const start = (): Started => node(join(place, 'dist', 'cli', 'main.js'), 'run', '-x', 'app:hello')

const fine = { stdout: 'hello, build\n', stderr: '' }
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))

test('a start leaves its compiled code for the next one', () => {
  const first = start()
  expect(first).toMatchObject(fine)
  expect(first.chunks.every(([, taken]) => !taken)).toBe(true)
  const files = filesOf(cache)
  expect(files).toHaveLength(first.chunks.length)
  const second = start()
  expect(second).toMatchObject(fine)
  expect(second.chunks.every(([, taken]) => taken)).toBe(true)
  expect(filesOf(cache)).toEqual(files)
})

test('packages are imported by kept code as by fresh', () => {
  const search = (): Started => node(join(place, 'dist', 'cli', 'main.js'), 'docs', 'base64', 'encode')
  const first = search()
  expect(first.stdout).toContain('lua/data/base64')
  const second = search()
  expect(second).toMatchObject({ stdout: first.stdout, stderr: '' })
  expect(second.chunks.every(([, taken]) => taken)).toBe(true)
})

test('worker threads are started by kept code as by fresh', () => {
  const main = join(place, 'dist', 'cli', 'main.js')
  for (let times = 0; times < 2; times++) {
    const { stdout, stderr } = node(main, 'run', '-o', 'app:processes:host.workers=2', '-x', 'app:parent')
    expect({ stdout, stderr }).toEqual({ stdout: 'a child of a worker\n', stderr: '' })
  }
})

test('code that was damaged is not taken, and is made anew', () => {
  start()
  const damages: readonly ((code: Buffer) => Buffer)[] = [
    () => Buffer.alloc(0),
    (code) => code.subarray(0, code.length / 2),
    (code) => code.subarray(0, code.length - 1),
    () => Buffer.from('no code, no code, '.repeat(9)),
    (code) => code.fill(0, code.length / 4, code.length / 4 + 8),
  ]
  for (const damage of damages) {
    for (const file of filesOf(cache)) writeFileSync(file, damage(readFileSync(file)))
    const damaged = start()
    expect(damaged).toMatchObject(fine)
    expect(damaged.chunks.some(([, taken]) => taken)).toBe(false)
    expect(start().chunks.every(([, taken]) => taken)).toBe(true)
  }
})

test('where nothing can be kept a start is as before', () => {
  // Not by the rights of the folder: a superuser writes anyway.
  writeFileSync(cache, '')
  expect(start()).toMatchObject(fine)
  const second = start()
  expect(second).toMatchObject(fine)
  expect(second.chunks.some(([, taken]) => taken)).toBe(false)
})

test('other flags of the engine have code of their own', () => {
  start()
  const main = join(place, 'dist', 'cli', 'main.js')
  const flagged = (): Started => node('--stack-size=900', main, 'run', '-x', 'app:hello')
  expect(flagged().chunks.some(([, taken]) => taken)).toBe(false)
  expect(flagged().chunks.every(([, taken]) => taken)).toBe(true)
  expect(start().chunks.every(([, taken]) => taken)).toBe(true)
})

test('a program that imports the package inside the command line gets the same modules', () => {
  const program = join(place, 'both.mjs')
  writeFileSync(
    program,
    `import { RuntimeError } from './dist/index.js'
import { runCommandLine } from './dist/cli/program.js'
const asked = new Set()
Object.defineProperty(RuntimeError, Symbol.hasInstance, {
  value(error) {
    const own = Function.prototype[Symbol.hasInstance].call(this, error)
    asked.add(own)
    return own
  },
})
await runCommandLine(['run', '-x', 'nowhere'])
console.log('asked for its own', asked.has(true))
`,
  )
  const { stdout, chunks } = node(program)
  // The command line's errors are of the class that the program was given.
  expect(stdout).toBe('asked for its own true\n')
  const files = chunks.map(([file]) => file)
  expect(new Set(files).size).toBe(files.length)
})
