// `wippy run agent` as a user runs it, against a scripted model over real HTTP and SSE.

import { afterEach, describe, expect, test } from 'vitest'
import { failure, type ModelServer, type Script, startModelServer, text, toolCalls } from '../support/model-server.mjs'
import { runWippy, startWippy, type WippyProcess } from '../support/wippy-process.ts'

let server: ModelServer | undefined
let running: WippyProcess | undefined

afterEach(async () => {
  running?.child.kill('SIGKILL')
  await server?.close()
  running = server = undefined
})

async function agent(script: Script, env: Record<string, string> = {}): Promise<WippyProcess> {
  server = await startModelServer(script)
  running = startWippy(['run', 'agent'], {
    env: { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'sk-test-not-a-real-key', ...env },
  })
  await running.until(/> $/)
  return running
}

/** Runs a whole conversation from piped input. */
async function converse(script: Script, lines: string[], env: Record<string, string> = {}) {
  server = await startModelServer(script)
  const input = [...lines, 'quit'].map((line) => `${line}\n`).join('')
  return runWippy(['run', 'agent'], input, {
    env: { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'sk-test-not-a-real-key', ...env },
  })
}

const clock = {
  name: 'current_time_utc',
  description: 'The time now',
  source:
    'local time = require("time") local function handler() return { now = time.now():utc():format(time.RFC3339) } end return { handler = handler }',
  modules: ['time'],
}

const timeDialogue = [
  toolCalls({ name: 'doc_search', arguments: { path: 'lua/core/time' } }),
  toolCalls({ name: 'create_tool', arguments: clock }),
  toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:current_time_utc' } }),
  toolCalls({ name: 'current_time_utc', arguments: {} }),
  text('The current UTC time is 2026-02-13T03:13:41Z.'),
]

describe('the tutorial', () => {
  test('answers what time it is with a tool it builds, transcript and all', async () => {
    const { code, stdout } = await converse({ turns: timeDialogue }, ['what time is it?'])
    expect(stdout).toBe(
      [
        'dev assistant (quit to exit)',
        '',
        '>   [doc_search] ok',
        '  [create_tool] ok',
        '  [load_tool] ok',
        '  [+] app.generated:current_time_utc',
        '  [current_time_utc] ok',
        'The current UTC time is 2026-02-13T03:13:41Z.',
        '',
        '> ',
      ].join('\n'),
    )
    expect(code).toBe(0)
    const requests = server?.requests ?? []
    expect(requests).toHaveLength(5)
    expect(requests[0]?.body).toMatchObject({
      model: 'gpt-5.1',
      max_output_tokens: 2048,
      stream: true,
      tool_choice: 'auto',
    })
    expect(requests[0]?.body.tools.map((tool: { name: string }) => tool.name)).toEqual([
      'create_tool',
      'doc_search',
      'load_tool',
      'registry_list',
      'registry_read',
    ])
    expect(requests[3]?.body.tools.map((tool: { name: string }) => tool.name)).toContain('current_time_utc')
    const result = requests[4]?.body.input.at(-1)
    expect(result).toMatchObject({ type: 'function_call_output' })
    expect(JSON.parse(result.output).now).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  test('Chat Completions works alike', async () => {
    const { stdout } = await converse({ turns: timeDialogue }, ['what time is it?'], {
      OPENAI_API: 'chat',
      OPENAI_MODEL: 'llama',
    })
    expect(stdout).toContain('  [+] app.generated:current_time_utc\n  [current_time_utc] ok\nThe current UTC time is')
    expect(server?.requests[0]).toMatchObject({ path: '/v1/chat/completions', body: { model: 'llama' } })
  })

  test('chunks appear as they arrive, not at the end', async () => {
    const wippy = await agent({
      turns: [{ parts: [{ text: 'First sentence. ' }, { gate: 'more' }, { text: 'Second one.' }] }],
    })
    wippy.write('go\n')
    await wippy.until(/First sentence\./)
    expect(wippy.stdout).not.toContain('Second')
    server?.release('more')
    await wippy.until(/First sentence\. Second one\.\n\n> $/)
  })

  test('what an agent built is used again in the next turn', async () => {
    const { stdout } = await converse(
      { turns: [...timeDialogue, toolCalls({ name: 'current_time_utc', arguments: {} }), text('Later.')] },
      ['what time is it?', 'and now?'],
    )
    expect(stdout).toMatch(/> {3}\[current_time_utc\] ok\nLater\.\n\n> $/)
  })
})

describe('what the agent may not do', () => {
  const create = (changes: Record<string, unknown>) => [
    toolCalls({ name: 'create_tool', arguments: { ...clock, ...changes } }),
    text('Understood.'),
  ]

  test.each([
    ['a core entry', { name: 'app:dev_assistant' }, /\[create_tool\] error: policy denied: \S+ on app:dev_assistant/],
    [
      'a built-in tool',
      { name: 'app.tools:load_tool' },
      /\[create_tool\] error: policy denied: \S+ on app\.tools:load_tool/,
    ],
    ['another namespace', { name: 'wippy.llm:llm' }, /\[create_tool\] error: namespace not allowed/],
    ['a module that is not granted', { modules: ['exec'] }, /\[create_tool\] error: module not allowed: exec/],
    ['code that does not parse', { source: 'return {' }, /\[create_tool\] error: /],
    [
      'too much code',
      { source: `return {} --${'x'.repeat(16_000)}` },
      /\[create_tool\] error: source too long \(max 16000\)/,
    ],
  ])('%s is refused and the conversation goes on', async (_what, changes, expected) => {
    const { stdout, code } = await converse({ turns: create(changes) }, ['try'])
    expect(stdout).toMatch(expected)
    expect(stdout).toContain('Understood.')
    expect(code).toBe(0)
  })
})

describe('hostile and broken tools', () => {
  const withTool = (source: string, modules: string[] = []) => [
    toolCalls({ name: 'create_tool', arguments: { name: 'tool', description: 'd', source, modules } }),
    toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:tool' } }),
    toolCalls({ name: 'tool', arguments: {} }),
    text('Still here.'),
  ]

  test.each([
    ['an endless loop', 'return { handler = function() while true do end end }', /\[tool\] error: .*limit/],
    [
      'an endless loop in pcall',
      'return { handler = function() while true do pcall(function() while true do end end) end end }',
      /\[tool\] error: .*limit/,
    ],
    [
      'a memory bomb',
      'return { handler = function() local t = {} while true do t[#t + 1] = ("x"):rep(1e5) .. #t end end }',
      /\[tool\] error: .*memory limit/,
    ],
    [
      'a catastrophic pattern',
      'return { handler = function() return ("a"):rep(200):find(("a-"):rep(30) .. "b") end }',
      /\[tool\] error: /,
    ],
    [
      'an ungranted module',
      'local http = require("http_client") return { handler = function() end }',
      /\[tool\] error: .*module 'http_client' not found/,
    ],
    ['an error', 'return { handler = function() error("went wrong") end }', /\[tool\] error: .*went wrong/],
    ['a chunk that returns nothing', 'local function handler() end', /\[tool\] error: .*method "handler" not found/],
    [
      'a forged command',
      'return { handler = function() coroutine.yield({ op = "exit" }) return { fine = true } end }',
      /\[tool\] ok/,
    ],
    [
      'a spawn',
      'return { handler = function() local _, err = process.spawn("app:agent", "app:processes") return { error = tostring(err) } end }',
      /\[tool\] error: .*not allowed/,
    ],
  ])(
    '%s',
    async (_what, source, expected) => {
      const { stdout, code } = await converse({ turns: withTool(source) }, ['try'])
      expect(stdout).toMatch(expected)
      expect(stdout).toContain('Still here.')
      expect(code).toBe(0)
    },
    40_000,
  )

  test('a private address is out of reach of a generated tool', async () => {
    const source =
      'local http = require("http_client") return { handler = function(i) local r, err = http.get(i.url) if err then return { error = tostring(err) } end return { status = r.status_code } end }'
    server = await startModelServer({})
    const turns = withTool(source, ['http_client'])
    turns[2] = toolCalls({ name: 'tool', arguments: { url: `http://127.0.0.1:${server.port}/v1/models` } })
    server.add(...turns)
    const { stdout } = await runWippy(['run', 'agent'], 'try\nquit\n', { env: { OPENAI_BASE_URL: server.url } })
    expect(stdout).toMatch(/\[tool\] error: .*not allowed: private IP 127\.0\.0\.1/)
  })

  test('control sequences of a model or a tool stay text', async () => {
    const { stdout } = await converse(
      {
        turns: [
          ...withTool('return { handler = function() error("\\27]0;owned\\7") end }').slice(0, 3),
          text('A\u001b[2Jtitle'),
        ],
      },
      ['try'],
    )
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toContain('A^[[2Jtitle')
  })
})

describe('a model that fails', () => {
  test.each([
    ['401', failure(401, 'Incorrect API key provided'), /Error: Incorrect API key provided/],
    ['429', failure(429, 'Rate limit reached'), /Error: Rate limit reached/],
    ['500', failure(500, 'The server had an error'), /Error: The server had an error/],
    ['a connection cut before the answer', { destroy: true }, /Error: /],
  ])('%s is reported and the session goes on', async (_what, turn, expected) => {
    const { stdout, stderr, code } = await converse({ turns: [turn, text('Back again.')] }, ['first', 'second'])
    expect(stdout).toMatch(expected)
    expect(stdout).toMatch(/> Back again\.\n\n> $/)
    expect(stdout + stderr).not.toContain('sk-test-not-a-real-key')
    expect(code).toBe(0)
  })

  test('a server that is not there is named, with the variable that names it', async () => {
    const gone = await startModelServer({ turns: [] })
    await gone.close()
    const env = { OPENAI_BASE_URL: gone.url, OPENAI_API_KEY: 'sk-test-not-a-real-key' }
    const { stdout, code } = await runWippy(['run', 'agent'], 'hello\nquit\n', { env })
    expect(stdout).toMatch(/Error: Connection failed: connect ECONNREFUSED 127\.0\.0\.1:\d+ \(OPENAI_BASE_URL is /)
    expect(stdout).toContain(`OPENAI_BASE_URL is ${gone.url})`)
    expect(code).toBe(0)
  })

  test('malformed events are skipped and a server that never closes is left', async () => {
    const { stdout } = await converse(
      {
        turns: [
          {
            parts: [{ raw: 'data: {nonsense\n\n: comment\n\nevent: x\n\n' }, { text: 'All there.' }],
            neverClose: true,
          },
        ],
      },
      ['go'],
    )
    expect(stdout).toMatch(/> All there\.\n\n> $/)
  })

  test('a connection cut in mid-stream leaves what was said, and says why it ended', async () => {
    const wippy = await agent({
      turns: [{ parts: [{ text: 'Half an answer. ' }, { gate: 'cut' }, { cut: true }] }, text('Back again.')],
    })
    wippy.write('first\n')
    await wippy.until(/Half an answer\./)
    server?.release('cut')
    await wippy.until(/Half an answer\. \nError: .+\n\n> $/)
    wippy.write('second\n')
    await wippy.until(/Back again\.\n\n> $/)
  })

  test('the rehearsal model says on stderr that it is one, once', async () => {
    const { stdout, stderr } = await runWippy(['run', 'agent'], 'what is 6 times 7?\nsing me a song\nquit\n')
    expect(stdout).toContain('  [+] app.generated:')
    expect(stdout).toContain('42')
    expect(stderr.match(/rehearsal model/g)).toHaveLength(1)
  })
})

describe('compression', () => {
  test('a conversation beyond 96K prompt tokens becomes a summary', async () => {
    const summary = `Summary: ${'the user greeted. '.repeat(220)}`
    const { stdout } = await converse(
      {
        turns: [
          // Shorter than the target of 4000 characters, nothing would be compressed.
          text(`Hello. ${'I could go on. '.repeat(400)}`, { usage: { input: 96_001, output: 5 } }),
          { parts: [{ text: summary }] },
          text('As I said.'),
        ],
      },
      ['hi', 'what did I say?'],
    )
    expect(stdout).toMatch(/As I said\.\n\n> $/)
    const [, compress, next] = server?.requests ?? []
    expect(compress?.body).toMatchObject({ model: 'gpt-4.1-nano' })
    expect(next?.body.instructions).toContain('Conversation summary:\n\nSummary:')
    expect(next?.body.input).toHaveLength(1)
  })
})

describe('interrupting', () => {
  test('SIGINT cancels the turn, the request included, and the session goes on', async () => {
    const wippy = await agent({
      turns: [{ parts: [{ text: 'Thinking aloud. ' }, { hang: true }] }, text('Fresh start.')],
    })
    wippy.write('go\n')
    await wippy.until(/Thinking aloud\./)
    const sent = performance.now()
    wippy.child.kill('SIGINT')
    await wippy.until(/\(interrupted\)\n\n> $/)
    expect(performance.now() - sent).toBeLessThan(1_000)
    expect(await server?.requests[0]?.closed).toBe('aborted')
    wippy.write('again\n')
    await wippy.until(/Fresh start\.\n\n> $/)
    wippy.write('quit\n')
    expect(await wippy.exited).toBe(0)
  })

  test('SIGINT cancels a tool that runs', async () => {
    const wippy = await agent({
      turns: [
        toolCalls({
          name: 'create_tool',
          arguments: {
            name: 'nap',
            description: 'd',
            source: 'local time = require("time") return { handler = function() time.sleep("20s") return {} end }',
            modules: ['time'],
          },
        }),
        toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:nap' } }),
        toolCalls({ name: 'nap', arguments: {} }),
      ],
    })
    wippy.write('sleep\n')
    await wippy.until(/\[\+\] app\.generated:nap/)
    await server?.request(2)
    wippy.child.kill('SIGINT')
    await wippy.until(/\(interrupted\)\n\n> $/)
  })

  test('EOF leaves with code 0', async () => {
    const { code } = await runWippy(['run', 'agent'], '')
    expect(code).toBe(0)
  })
})
