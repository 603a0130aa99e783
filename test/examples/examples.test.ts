// Every folder beside this file is a small app for a newcomer to read. Each is run as its README says, through the command
// line and in a copy of its folder, and says what it should.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ModelServer, type Script, startModelServer, text, toolCalls } from '../support/model-server.mjs'
import { runWippy, startWippy } from '../support/wippy-process.ts'

const examples = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((item) => item.isDirectory())
  .map(({ name }) => name)

let copies: string

beforeAll(() => {
  copies = mkdtempSync(join(tmpdir(), 'examples-'))
  const own = (file: string): boolean => !file.endsWith('.wippy')
  for (const name of examples) {
    cpSync(join(import.meta.dirname, name), join(copies, name), { recursive: true, filter: own })
  }
})
afterAll(() => rmSync(copies, { recursive: true }))

const lines = (...texts: string[]): string => texts.map((line) => `${line}\n`).join('')

interface Run {
  readonly example: string
  readonly args: readonly string[]
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

async function outputOf({ example, args, input, env = {} }: Run): Promise<string> {
  const { code, stdout, stderr } = await runWippy(['run', ...args], input, { cwd: join(copies, example), env })
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout
}

const runs: (Run & { readonly prints: string })[] = [
  { example: 'hello-world', args: ['hello'], prints: 'hello, world\n' },
  { example: 'hello-world', args: ['hello', 'Ann'], prints: 'hello, Ann\n' },
  { example: 'function-call', args: ['divide', '10', '4'], prints: '10 / 4 = 2.5\n' },
  { example: 'function-call', args: ['divide', '1', '0'], prints: 'no result: cannot divide by zero (Invalid)\n' },
  { example: 'ping-pong', args: ['ping'], prints: lines('ping 1', 'pong 1', 'ping 2', 'pong 2', 'ping 3', 'pong 3') },
  { example: 'worker-pool', args: ['squares'], prints: lines('1 4 9 16 25 36 49 64 81 100', '3 workers') },
  { example: 'supervision', args: ['watch'], prints: 'app:worker_service runs after 2 restarts\n' },
  {
    example: 'dynamic-registry',
    args: ['evolve'],
    prints: lines(
      'before:   error: NotFound',
      'created:  hello, Ann',
      'updated:  good morning, Ann',
      'undone:   hello, Ann',
      'deleted:  error: NotFound',
    ),
  },
  { example: 'event-bus', args: ['shop'], prints: 'paid: 42\n' },
  { example: 'pipeline', args: ['count'], input: 'a b\n\nc\n', prints: '3 words in 2 lines\n' },
  {
    example: 'key-value-server',
    args: ['kv'],
    input: lines('set b two words', 'set a 1', 'get b', 'keys', 'delete a', 'delete a', 'get a', 'what'),
    prints: lines('ok', 'ok', 'two words', 'a b', 'deleted', '(nothing)', '(nothing)', '? what'),
  },
  {
    example: 'chat-room',
    args: ['chat'],
    prints: lines(
      '* you joined',
      '* Ann joined',
      '* Bo joined',
      'Ann: hello Bo',
      'Bo: hello Ann',
      'Ann: bye',
      '* Ann left',
      'Bo: bye',
      '* Bo left',
    ),
  },
  {
    example: 'crontab',
    args: ['crontab', '2026-01-05T08:59', '3'],
    prints: lines(
      '08:59 app:every_minute: tick',
      '09:00 app:every_minute: tick',
      '09:00 app:office_hours: water the plants',
      '09:01 app:broken: app:broken:1: the printer is on fire',
      '09:01 app:every_minute: tick',
    ),
  },
  {
    example: 'echo-service',
    args: ['echo'],
    input: lines('hello', 'crash', 'and on'),
    prints: lines('hello', 'here again', 'and on'),
  },
  {
    example: 'env',
    args: ['greet'],
    env: { GREETING: 'hi' },
    prints: lines('hi, world', 'HOME: environment variable not found'),
  },
  {
    example: 'mass-spawn',
    args: ['spawn', '10000'],
    prints: lines('10000 processes', 'sum of the squares: 333383335000', '0 processes'),
  },
]

test.each(runs)('$example: wippy run $args', async ({ prints, ...run }) => {
  expect(await outputOf(run)).toBe(prints)
})

test('env: what was set is there at the next run', async () => {
  await outputOf({ example: 'env', args: ['greet', 'Ann'] })
  expect(await outputOf({ example: 'env', args: ['greet'] })).toMatch(/^hello, Ann\n/)
})

test('metrics: Prometheus can read what was counted', async () => {
  const address = `127.0.0.1:${await freePort()}`
  const wippy = startWippy(['run', '--set', `prometheus.address=${address}`, 'work', '5'], {
    cwd: join(copies, 'metrics'),
  })
  await wippy.until(/press Enter/)
  const page = await (await fetch(`http://${address}/metrics`)).text()
  expect(page).toContain('jobs_total{outcome="done"} 4')
  expect(page).toContain('jobs_total{outcome="failed"} 1')
  expect(page).toContain('jobs_waiting 0')
  expect(page).toContain('job_seconds_count 5')
  wippy.write('\n')
  expect(await wippy.exited).toBe(0)
})

describe('with a model', () => {
  async function withModel<T>(script: Script, use: (server: ModelServer, env: Run['env']) => Promise<T>): Promise<T> {
    const server = await startModelServer(script)
    try {
      return await use(server, { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'sk-test-not-a-real-key' })
    } finally {
      await server.close()
    }
  }

  test('llm-chat: answers appear, and the model is told what was said before', async () => {
    await withModel({ turns: [text('I am small.'), text('You asked who I am.')] }, async (server, env = {}) => {
      const input = lines('who are you?', 'what did I ask?', 'quit')
      expect(await outputOf({ example: 'llm-chat', args: ['chat'], input, env })).toBe(
        '> I am small.\n> You asked who I am.\n> ',
      )
      expect(server.requests).toHaveLength(2)
      const second = JSON.stringify(server.requests[1]?.body)
      for (const said of ['who are you?', 'I am small.', 'what did I ask?']) expect(second).toContain(said)
    })
  })

  test('agent: the librarian looks before it answers', async () => {
    const turns = [toolCalls({ name: 'find_book', arguments: { title: 'emma' } }), text('Yes, first from the left.')]
    await withModel({ turns }, async (server, env = {}) => {
      const printed = await outputOf({ example: 'agent', args: ['shelf', 'do we have Emma?'], env })
      const [call = '', answer] = printed.split('\n')
      expect(JSON.parse(call.replace('[find_book] ', ''))).toEqual({ found: true, title: 'Emma', place: 1 })
      expect(answer).toBe('Yes, first from the left.')
      expect(JSON.stringify(server.requests[1]?.body)).toContain('Emma')
    })
  })
})

test.each(examples)('%s says in three lines what it shows', (name) => {
  const folder = join(import.meta.dirname, name)
  expect(existsSync(join(folder, 'wippy.lock'))).toBe(true)
  const readme = readFileSync(join(folder, 'README.md'), 'utf8').trimEnd().split('\n')
  expect(readme[0]).toMatch(/^# /)
  expect(readme.filter((line) => line !== '')).toHaveLength(3)
})

test('every example is run', () => {
  const run = new Set([...runs.map(({ example }) => example), 'metrics', 'llm-chat', 'agent'])
  expect([...run].sort()).toEqual([...examples].sort())
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
