// The flagship application talking to a scripted model over real HTTP: transcript, tools, policies, loading, compression,
// failures, interrupts; over both APIs where they differ.

import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Loaded } from '../../runtime/loader/load.ts'
import { failure, type ModelServer, startModelServer, type Turn, text, toolCalls } from '../support/model-server.mjs'
import { Dialogue, loadRepository } from './dialogue.ts'

let loaded: Loaded
let server: ModelServer
let dialogue: Dialogue

beforeAll(async () => {
  loaded = await loadRepository()
})

afterEach(async () => {
  await dialogue.close()
  await server.close()
})

async function start(turns: Turn[], env: Record<string, string> = {}): Promise<void> {
  server = await startModelServer({ turns })
  dialogue = await Dialogue.start({
    loaded,
    env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: server.url, ...env },
  })
}

const CURRENT_TIME = `
local time = require("time")
local function handler(input) return { utc = "2026-02-13T03:13:41Z", zone = input.zone } end
return { handler = handler }
`

const create = (fields: object, id = 'c-create') => ({ name: 'create_tool', arguments: fields, id })
const timeTool = { name: 'current_time_utc', description: 'Time', source: CURRENT_TIME, modules: ['time'] }

/** The tutorial's first dialogue, as a model plays it. */
const whatTimeIsIt = (): Turn[] => [
  toolCalls({ name: 'doc_search', arguments: { path: 'lua/core/time' }, id: 'c1' }),
  toolCalls(create(timeTool, 'c2')),
  toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:current_time_utc' }, id: 'c3' }),
  toolCalls({ name: 'current_time_utc', arguments: {}, id: 'c4' }),
  text('The current UTC time is 2026-02-13T03:13:41Z.'),
]

/** What a tool answered, from the request that carries it. */
function toolResult(request: number, callId: string): unknown {
  const { body } = server.requests[request] ?? { body: {} }
  const items = (body.input ?? body.messages) as {
    call_id?: string
    tool_call_id?: string
    type?: string
    output?: string
    content?: string
  }[]
  const item = items.find(
    (candidate) =>
      (candidate.type === 'function_call_output' && candidate.call_id === callId) || candidate.tool_call_id === callId,
  )
  return JSON.parse(String(item?.output ?? item?.content))
}

describe.each([
  ['Responses', {}],
  ['Chat Completions', { OPENAI_API: 'chat', OPENAI_MODEL: 'local-model' }],
] as const)('over %s', (api, env) => {
  test("the tutorial's first dialogue prints the tutorial's transcript", async () => {
    await start(whatTimeIsIt(), env)
    expect(dialogue.output).toBe('dev assistant (quit to exit)\n\n> ')
    expect(await dialogue.ask('what time is it?')).toBe(
      [
        '  [doc_search] ok',
        '  [create_tool] ok',
        '  [load_tool] ok',
        '  [+] app.generated:current_time_utc',
        '  [current_time_utc] ok',
        'The current UTC time is 2026-02-13T03:13:41Z.',
        '',
        '',
      ].join('\n'),
    )
    expect(server.requests).toHaveLength(5)
    const offered = (n: number): string[] =>
      server.requests[n]?.body.tools.map(
        (tool: { name?: string; function?: { name: string } }) => tool.name ?? tool.function?.name,
      )
    expect(offered(0)).toEqual(['create_tool', 'doc_search', 'load_tool', 'registry_list', 'registry_read'])
    expect(offered(3)).toContain('current_time_utc')
    expect(toolResult(1, 'c1')).toMatchObject({ path: 'lua/core/time', content: expect.stringContaining('#') })
    expect(toolResult(2, 'c2')).toEqual({
      created: true,
      id: 'app.generated:current_time_utc',
      name: 'current_time_utc',
      modules: ['time'],
    })
    expect(toolResult(3, 'c3')).toMatchObject({ loaded: true, alias: 'current_time_utc', description: 'Time' })
    expect(toolResult(4, 'c4')).toEqual({ utc: '2026-02-13T03:13:41Z' })
    expect(server.requests[0]?.body.model).toBe(api === 'Responses' ? 'gpt-5.1' : 'local-model')
    expect(server.requests[0]?.path).toBe(api === 'Responses' ? '/v1/responses' : '/v1/chat/completions')
  })

  test('text appears as it arrives', async () => {
    await start([{ parts: [{ text: 'First sentence. ' }, { gate: 'more' }, { text: 'Second.' }] }], env)
    dialogue.type('tell me')
    await dialogue.until(/First sentence\. $/)
    expect(dialogue.output).not.toContain('Second')
    server.release('more')
    await dialogue.until(/Second\.\n\n> $/)
  })

  test.each([
    [401, 'Incorrect API key', 'Error: Incorrect API key'],
    [429, 'Slow down', 'Error: Slow down'],
    [500, 'Oops', 'Error: Oops'],
  ])('status %i is told and the session goes on', async (status, message, printed) => {
    await start([failure(status, message), text('Back again.')], env)
    expect(await dialogue.ask('one')).toBe(`${printed}\n\n`)
    expect(await dialogue.ask('two')).toBe('Back again.\n\n')
    expect(JSON.stringify(server.requests[1]?.body)).toContain('one')
  })

  test('a connection cut in mid-stream is told, what came before stays', async () => {
    await start([{ parts: [{ text: 'Half a sentence. ' }, { gate: 'cut' }, { cut: true }] }, text('Whole.')], env)
    const answered = dialogue.ask('one')
    await dialogue.until(/Half a sentence\. $/)
    server.release('cut')
    const printed = await answered
    expect(printed).toMatch(/^Half a sentence\. \nError: .*\n\n$/)
    expect(printed).not.toContain('test-key')
    expect(await dialogue.ask('two')).toBe('Whole.\n\n')
  })

  test('a server that never closes the stream does not hold the answer back', async () => {
    await start([text('Done.', { neverClose: true }), text('Again.')], env)
    expect(await dialogue.ask('one')).toBe('Done.\n\n')
    expect(await dialogue.ask('two')).toBe('Again.\n\n')
  })

  test('malformed lines and odd framing are passed over', async () => {
    await start([{ parts: [{ raw: 'data: {not json\n\n: comment\n\ndata: 5\n\n' }, { text: 'Fine.' }], split: 7 }], env)
    expect(await dialogue.ask('one')).toBe('Fine.\n\n')
  })

  test('Ctrl-C ends a running turn, its request too, and keeps the conversation', async () => {
    await start([{ parts: [{ text: 'Let me think. ' }, { hang: true }] }, text('Yes.')], env)
    dialogue.type('long question')
    await dialogue.until(/Let me think\. $/)
    dialogue.interrupt()
    await dialogue.until(/\(interrupted\)\n\n> $/)
    await expect((await server.request(0)).closed).resolves.toBe('aborted')
    expect(await dialogue.ask('short question')).toBe('Yes.\n\n')
    const second = JSON.stringify(server.requests[1]?.body)
    expect(second).toContain('long question')
    expect(second).toContain('Let me think. ')
    expect(second).toContain('short question')
  })
})

describe('the session', () => {
  test.each(['quit', 'exit', '  quit  '])('%j leaves with code 0', async (line) => {
    await start([])
    dialogue.type(line)
    expect(await dialogue.ended).toEqual({ value: 0 })
    expect(dialogue.output).toBe('dev assistant (quit to exit)\n\n> ')
  })

  test('the end of input leaves too, empty lines do nothing', async () => {
    await start([])
    dialogue.type('')
    dialogue.type('   ')
    dialogue.endInput()
    expect(await dialogue.ended).toEqual({ value: 0 })
    expect(server.requests).toHaveLength(0)
  })

  test('an agent that is asked to leave does so from the prompt', async () => {
    await start([])
    dialogue.host.kernel.find(dialogue.pid).event({ kind: 'pid.cancel', from: '', at: 0, reason: 'shutdown' })
    expect(await dialogue.ended).toEqual({ value: 0 })
  })

  test('the next question carries the whole conversation', async () => {
    await start([text('Answer one.'), text('Answer two.')])
    await dialogue.ask('question one')
    await dialogue.ask('question two')
    expect(server.requests[1]?.body.input.map((item: { role: string }) => item.role)).toEqual([
      'user',
      'assistant',
      'user',
    ])
    expect(server.requests[1]?.body).toMatchObject({
      model: 'gpt-5.1',
      max_output_tokens: 2048,
      stream: true,
      tool_choice: 'auto',
      instructions: expect.stringContaining('Self-modifying Wippy development agent'),
    })
  })

  test('without a key the question is answered with the reason', async () => {
    server = await startModelServer({})
    const withoutRehearsal = {
      ...loaded,
      entries: loaded.entries.filter(({ id }) => id !== 'wippy.rehearsal:resolver'),
    }
    dialogue = await Dialogue.start({ loaded: withoutRehearsal })
    expect(await dialogue.ask('hello')).toBe('Error: OpenAI API key is required (OPENAI_API_KEY is not set)\n\n')
  })

  test('what models and tools write cannot steer the terminal', async () => {
    await start([
      toolCalls({ name: 'evil\u001b[2Jtool', arguments: {}, id: 'c1' }),
      text('red \u001b[31malert\u0007 \u009b31m.'),
    ])
    const printed = await dialogue.ask('attack')
    expect(printed).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
    expect(printed).toContain('^[[31malert')
  })

  test('a step that was cut off among its tool calls is repeated once, with the reason', async () => {
    await start([
      { parts: [{ call: { name: 'doc_search', arguments: { query: 'x' } } }], incomplete: 'max_output_tokens' },
      text('Shorter now.'),
    ])
    expect(await dialogue.ask('go')).toBe('Shorter now.\n\n')
    expect(server.requests[1]?.body.instructions).toContain('output limit')
  })

  test('a model that never stops calling tools is stopped', async () => {
    server = await startModelServer({ always: toolCalls({ name: 'registry_list', arguments: { limit: 1 } }) })
    dialogue = await Dialogue.start({ loaded, env: { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: server.url } })
    expect(await dialogue.ask('loop')).toMatch(/Stopped after 25 steps\.\n\n$/)
    expect(server.requests).toHaveLength(25)
  })
})

describe('tools', () => {
  /** One call of a built-in tool; gives the status line and what the model is told. */
  async function call(name: string, args: object): Promise<{ printed: string; result: unknown }> {
    await start([toolCalls({ name, arguments: args, id: 'c1' }), text('ok')])
    const printed = await dialogue.ask('go')
    return { printed: printed.split('\n')[0] ?? '', result: toolResult(1, 'c1') }
  }

  test.each([
    [{ name: 'app:dev_assistant' }, 'policy denied: registry.update on app:dev_assistant'],
    [{ name: 'app:new_thing' }, 'policy denied: registry.create on app:new_thing'],
    [{ name: 'app.tools:doc_search' }, 'policy denied: registry.update on app.tools:doc_search'],
    [{ name: 'other:thing' }, 'namespace not allowed: other'],
    [{ name: 'doc_search' }, 'name taken by a built-in tool: doc_search'],
    [{ name: 'Bad-Name' }, 'invalid name: "Bad-Name" (lower-case letters, digits and underscores, a letter first)'],
    [{ name: 'x'.repeat(65) }, 'name too long (max 64)'],
    [{ name: '' }, 'name is required'],
    [{ source: 'x'.repeat(16001) }, 'source too long (max 16000)'],
    [{ source: '' }, 'source is required'],
    [{ description: '' }, 'description is required'],
    [{ modules: ['time', 'fs'] }, 'module not allowed: fs'],
    [{ input_schema: '[1]' }, 'invalid schema: not an object'],
  ])('create_tool refuses %j', async (fields, error) => {
    const { printed, result } = await call('create_tool', { ...timeTool, ...fields })
    expect(result).toEqual({ error })
    expect(printed).toBe(`  [create_tool] error: ${error}`)
  })

  test('create_tool reports Lua that does not parse', async () => {
    const { result } = await call('create_tool', { ...timeTool, source: 'return {' })
    expect(result).toEqual({ error: expect.stringMatching(/^registry write failed: /) })
  })

  test('create_tool updates what is there, and the next call runs the new code', async () => {
    const version = (n: number) => ({
      name: 'version',
      description: `v${n}`,
      source: `return { handler = function() return { version = ${n} } end }`,
    })
    await start([
      toolCalls(create(version(1), 'c1')),
      toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:version' }, id: 'c2' }),
      toolCalls({ name: 'version', arguments: {}, id: 'c3' }),
      toolCalls(create(version(2), 'c4')),
      toolCalls({ name: 'version', arguments: {}, id: 'c5' }),
      text('done'),
    ])
    await dialogue.ask('go')
    expect(toolResult(3, 'c3')).toEqual({ version: 1 })
    expect(toolResult(4, 'c4')).toMatchObject({ updated: true, id: 'app.generated:version' })
    expect(toolResult(5, 'c5')).toEqual({ version: 2 })
  })

  test.each([
    ['app.generated:none', 'entry not found: app.generated:none'],
    ['app:gpt-5.1', "not a tool (meta.type != 'tool'): app:gpt-5.1"],
  ])('load_tool refuses %s', async (id, error) => {
    expect((await call('load_tool', { id })).result).toEqual({ error })
  })

  test('registry_list filters, counts and shows no source', async () => {
    const { result } = await call('registry_list', { namespace: 'app.tools', type: 'tool' })
    expect(result).toMatchObject({ count: 5 })
    expect(JSON.stringify(result)).not.toContain('require(')
  })

  test('registry_list cuts long lists and says so', async () => {
    const { result } = await call('registry_list', { limit: 2 })
    expect(result).toMatchObject({ truncated: true })
    expect((result as { entries: unknown[] }).entries).toHaveLength(2)
  })

  test('registry_read gives an entry, small enough', async () => {
    const { result } = await call('registry_read', { id: 'app:agent' })
    expect(result).toMatchObject({ id: 'app:agent', kind: 'process.lua' })
    expect((result as { data: { source: string } }).data.source).toContain('... (truncated)')
    expect(JSON.stringify(result).length).toBeLessThanOrEqual(8100)
  })

  test.each([
    ['app:none', 'not found: app:none'],
    ['none', 'invalid id: none'],
  ])('registry_read says what is wrong with %s', async (id, error) => {
    expect((await call('registry_read', { id })).result).toEqual({ error })
  })

  test('doc_search wants a path or a query', async () => {
    expect((await call('doc_search', {})).result).toEqual({ error: "provide either 'path' or 'query'" })
  })

  test('doc_search finds pages by words', async () => {
    const { result } = await call('doc_search', { query: 'channel select' })
    expect(JSON.stringify(result)).toContain('lua/core/channel')
  })

  test('a tool nobody offered is answered with an error', async () => {
    const { printed, result } = await call('imaginary', {})
    expect(result).toEqual({ error: 'unknown tool: imaginary' })
    expect(printed).toBe('  [imaginary] error: unknown tool: imaginary')
  })
})

describe('generated tools', () => {
  /** Creates, loads and calls a tool with this source; gives its status line and result. */
  async function run(
    source: string,
    modules: string[] = [],
    args: object = {},
  ): Promise<{ printed: string; result: unknown }> {
    await start([
      toolCalls(create({ name: 'made', description: 'd', source, modules }, 'c1')),
      toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:made' }, id: 'c2' }),
      toolCalls({ name: 'made', arguments: args, id: 'c3' }),
      text('Going on.'),
    ])
    const printed = await dialogue.ask('go')
    expect(printed).toMatch(/Going on\.\n\n$/)
    return {
      printed: printed.split('\n').find((line) => line.startsWith('  [made]')) ?? '',
      result: toolResult(3, 'c3'),
    }
  }

  const handler = (body: string): string => `return { handler = function(input) ${body} end }`

  test.each([
    ['that raise', handler('error("boom")'), /boom/],
    [
      'that require what was not granted',
      handler('return require("registry").snapshot()'),
      /module 'registry' not found/,
    ],
    ['that never end', handler('while true do end'), /CPU|time|limit/i],
    [
      'that never end inside pcall',
      handler('while true do pcall(function() while true do end end) end'),
      /CPU|time|limit/i,
    ],
    ['that eat memory', handler('local t = {} while true do t[#t + 1] = ("x"):rep(10000) .. #t end'), /memory/],
    ['whose chunk returns nothing', 'local x = 1', /./],
  ])('%s end in an error and the conversation goes on', async (_, source, error) => {
    const { printed, result } = await run(source)
    expect(printed).toMatch(/^ {2}\[made\] error: /)
    expect(result).toEqual({ error: expect.stringMatching(error) })
  })

  test('whose handler returns nil are fine', async () => {
    const { printed, result } = await run(handler('return nil'))
    expect(printed).toBe('  [made] ok')
    expect(result).toEqual({})
  })

  test('get their arguments and may use granted modules', async () => {
    const { result } = await run(
      `local json = require("json") ${handler('return { got = json.encode(input.list) }')}`,
      ['json'],
      {
        list: [1, 2, 3],
      },
    )
    expect(result).toEqual({ got: '[1,2,3]' })
  })

  test('reach no private address unless a policy says so', async () => {
    const { result } = await run(
      `local http = require("http_client") ${handler('local r, err = http.get("http://127.0.0.1:9/") return { error = tostring(err) }')}`,
      ['http_client'],
    )
    expect(result).toEqual({ error: expect.stringContaining('private IP 127.0.0.1') })
  })

  test('that take long are ended by Ctrl-C', async () => {
    await start([
      toolCalls(
        create(
          {
            name: 'slow',
            description: 'd',
            modules: ['time'],
            source: `local time = require("time") ${handler('time.sleep("25s") return {}')}`,
          },
          'c1',
        ),
      ),
      toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:slow' }, id: 'c2' }),
      toolCalls({ name: 'slow', arguments: {}, id: 'c3' }),
      text('Next.'),
    ])
    dialogue.type('go')
    await server.request(2)
    await dialogue.until(/\[\+\] app\.generated:slow\n/)
    // The tool runs once its call has been read from the stream, which no output shows: interrupt in either case.
    dialogue.interrupt()
    await dialogue.until(/\(interrupted\)\n\n> $/)
    server.add(text('Still here.'))
    expect(await dialogue.ask('and now?')).toMatch(/(Next|Still here)\.\n\n$/)
  })
})

describe('a conversation that grows too long', () => {
  test('is replaced by a summary at the end of the turn', async () => {
    const long = 'word '.repeat(2000)
    const summary = 's'.repeat(4000)
    await start([{ ...text(long), usage: { input: 96001, output: 5 } }, text(summary), text('I remember.')])
    await dialogue.ask('talk a lot')
    expect(await dialogue.ask('what did we say?')).toBe('I remember.\n\n')
    expect(server.requests[1]?.body).toMatchObject({ model: 'gpt-4.1-nano', max_output_tokens: 1200 })
    expect(server.requests[1]?.body.stream).toBeUndefined()
    expect(JSON.stringify(server.requests[1]?.body.input)).toContain('talk a lot')
    expect(server.requests[2]?.body.instructions).toContain(`Conversation summary:\n\n${summary}`)
    expect(server.requests[2]?.body.input).toHaveLength(1)
  })

  test('counts tokens from the cache of the provider too', async () => {
    await start([
      { ...text('word '.repeat(2000)), usage: { input: 97000, cached: 90000, output: 5 } },
      text('s'.repeat(4000)),
      text('ok'),
    ])
    await dialogue.ask('one')
    await dialogue.ask('two')
    expect(server.requests[1]?.body.model).toBe('gpt-4.1-nano')
  })

  test('in the middle of a turn keeps the question', async () => {
    await start([
      {
        ...toolCalls({ name: 'registry_read', arguments: { id: 'app.tools:create_tool' } }),
        usage: { input: 96001, output: 5 },
      },
      text('s'.repeat(4000)),
      text('Answered.'),
    ])
    expect(await dialogue.ask('the question')).toMatch(/Answered\.\n\n$/)
    expect(server.requests[2]?.body.input).toEqual([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'the question' }] },
    ])
  })

  test('stays as it is when it cannot be summarised', async () => {
    await start([
      { ...text('word '.repeat(2000)), usage: { input: 96001, output: 5 } },
      failure(500, 'down'),
      text('ok'),
    ])
    await dialogue.ask('one')
    await dialogue.ask('two')
    expect(dialogue.errors).toContain('could not be compressed')
    expect(JSON.stringify(server.requests[2]?.body.input)).toContain('word word')
  })
})
