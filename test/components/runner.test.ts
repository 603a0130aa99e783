// `wippy test`: what the runner prints and how it ends, for tests that pass, fail, hang, break off or return plain values.

import { PassThrough } from 'node:stream'
import { afterEach, beforeAll, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { createHost, type Host } from '../../runtime/create-host.ts'
import type { Loaded } from '../../runtime/loader/load.ts'
import { Terminal } from '../../runtime/process/terminal.ts'
import { loadRepository } from './dialogue.ts'

let loaded: Loaded
let host: Host

beforeAll(async () => {
  loaded = await loadRepository()
})

afterEach(() => host.stop())

interface TestSource {
  readonly source: string
  readonly meta?: { readonly [key: string]: string | number }
}

/** Runs `wippy test` over these tests and nothing else. */
async function run(
  tests: Readonly<Record<string, TestSource>>,
  args: string[] = [],
): Promise<{ code: unknown; output: string }> {
  const entries: Entry[] = Object.entries(tests).map(([name, { source, meta = {} }]) => ({
    id: `t:${name}`,
    kind: 'function.lua',
    meta: { type: 'test', ...meta },
    data: { source, method: 'run_tests', modules: ['time'], imports: { test: 'wippy.test:test' } },
  }))
  const stdout = new PassThrough()
  let output = ''
  stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString('utf8')
  })
  const terminal = new Terminal({ stdin: new PassThrough(), stdout, stderr: new PassThrough(), args })
  host = await createHost({ loaded, env: {}, entries, terminal })
  await host.start()
  const { value, error } = await host.run('wippy.test:runner', 'wippy.terminal:host')
  return { code: error ?? value, output }
}

const cases = (body: string): string => `
local test = require("test")
return { run_tests = test.run_cases(function() describe("block", function() ${body} end) end) }
`
const good = { source: cases('it("works", function() test.eq(1, 1) end)') }

test('all good ends with 0 and says so', async () => {
  const { code, output } = await run({ good })
  expect(code).toBe(0)
  expect(output).toMatch(/o block > works \d+ms/)
  expect(output).toMatch(/PASSED .* 1 passed, 0 failed, 0 skipped/)
})

test('a test is shown by the name its entry has', async () => {
  const { output } = await run({
    one: { ...good, meta: { name: 'Good things' } },
    two: { source: 'return { run_tests = function() return true end }', meta: { name: 'Plain thing' } },
  })
  expect(output).toMatch(/^ {2}Good things \(t:one\)$/m)
  expect(output).toMatch(/^ {2}Plain thing \(t:two\)\n {4}o Plain thing \d+ms$/m)
})

test('a failing case ends with 1, at its line, and the others still run', async () => {
  const { code, output } = await run({
    mixed: { source: cases('it("fails", function() test.eq(1, 2) end) it("works", function() end) it_skip("later")') },
  })
  expect(code).toBe(1)
  expect(output).toMatch(/x block > fails/)
  expect(output).toMatch(/t:mixed:3: assertion failed: expected 2, got 1/)
  expect(output).toMatch(/o block > works/)
  expect(output).toMatch(/- block > later/)
  expect(output).toMatch(/FAILED .* 1 passed, 1 failed, 1 skipped/)
  expect(output).toContain('1) t:mixed: block > fails')
})

test('an entry that takes too long has failed, and the next one runs', async () => {
  const { code, output } = await run({
    a_slow: { source: 'return { run_tests = function() require("time").sleep("20s") end }', meta: { timeout: '50ms' } },
    b_good: good,
  })
  expect(code).toBe(1)
  expect(output).toContain('test timed out')
  expect(output).toMatch(/1 passed, 1 failed/)
})

test('entries may be plain functions: false and errors have failed, anything else passes', async () => {
  const { code, output } = await run({
    a: { source: 'return { run_tests = function() return true end }' },
    b: { source: 'return { run_tests = function() return false end }' },
    c: { source: 'return { run_tests = function() return nil, "went wrong" end }' },
    d: { source: 'return { run_tests = function() error("raised") end }' },
    e: { source: 'return function() return { anything = 1 } end' },
  })
  expect(code).toBe(1)
  expect(output).toContain('test returned false')
  expect(output).toContain('went wrong')
  expect(output).toContain('raised')
  expect(output).toMatch(/2 passed, 3 failed/)
})

test('an entry that breaks off after some cases has failed', async () => {
  const { code, output } = await run({
    broken: {
      source: `
local test = require("test")
local run_cases = test.run_cases(function() describe("block", function() it("works", function() end) end) end)
return { run_tests = function(options) run_cases(options) error("broke off") end }`,
    },
  })
  expect(code).toBe(1)
  expect(output).toContain('broke off')
  expect(output).toMatch(/1 passed, 1 failed/)
})

test('a failing hook fails its cases and says which hook', async () => {
  const { code, output } = await run({
    hooks: {
      source: cases(`
        describe("all", function() before_all(function() error("no ground") end) it("one", function() end) it("two", function() end) end)
        describe("each", function() after_each(function() error("no end") end) it("three", function() end) end)
        describe("after", function() after_all(function() error("no close") end) it("four", function() end) end)`),
    },
  })
  expect(code).toBe(1)
  expect(output.match(/before_all failed: .*no ground/g)?.length).toBeGreaterThanOrEqual(2)
  expect(output).toMatch(/after_each failed: .*no end/)
  expect(output).toMatch(/x block > after > after_all/)
  expect(output).toMatch(/1 passed, 4 failed/)
})

test('filters choose by part of an id', async () => {
  const bad = { source: cases('it("fails", function() test.fail("never run") end)') }
  expect((await run({ wanted: good, other: bad }, ['wanted'])).code).toBe(0)
  await host.stop()
  const nothing = await run({ wanted: good }, ['absent'])
  expect(nothing).toMatchObject({ code: 0, output: expect.stringContaining('No tests match: absent') })
})

test('suites come by name, entries by order and id', async () => {
  const { output } = await run({
    late: { ...good, meta: { suite: 'alpha', order: 2 } },
    early: { ...good, meta: { suite: 'alpha', order: 1 } },
    lone: good,
    zed: { ...good, meta: { suite: 'zulu' } },
  })
  const order = ['t:early', 't:late', 'alpha', 't:lone', 'other', 't:zed', 'zulu'].map((name) =>
    output.lastIndexOf(name),
  )
  expect(order).toEqual([...order].sort((a, b) => a - b))
})

test('a mocked process.send does not silence the report', async () => {
  const { code, output } = await run({
    mocked: {
      source: cases(`it("mocks", function()
        local sent
        mock_process("send", function(_, topic) sent = topic return true end)
        process.send("anybody", "topic", 1)
        test.eq(sent, "topic")
      end)`),
    },
  })
  expect(code).toBe(0)
  expect(output).toContain('o block > mocks')
})
