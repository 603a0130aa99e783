// The llm module over real HTTP: what an application calls, and what the server gets.

import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import type { Value } from '../../runtime/core/value.ts'
import { createHost, type Host } from '../../runtime/create-host.ts'
import type { Loaded } from '../../runtime/loader/load.ts'
import { failure, type ModelServer, type Script, startModelServer, text } from '../support/model-server.mjs'
import { loadRepository } from './dialogue.ts'

let loaded: Loaded
let server: ModelServer
let host: Host

beforeAll(async () => {
  loaded = await loadRepository()
})

afterEach(async () => {
  await host.stop()
  await server.close()
})

const caller: Entry = {
  id: 'x:call',
  kind: 'function.lua',
  meta: {},
  data: {
    method: 'call',
    imports: { llm: 'wippy.llm:llm' },
    source: `
      local llm = require("llm")
      return { call = function(name, ...)
        local result, err = llm[name](...)
        if err then return { err = tostring(err) } end
        return result
      end }`,
  },
}

const model = (name: string, provider: { [key: string]: Value }): Entry => ({
  id: `x:${name}`,
  kind: 'registry.entry',
  meta: { type: 'llm.model', name },
  data: { max_tokens: 1000, output_tokens: 100, dimensions: 3, providers: [provider] },
})

async function start(
  script: Script,
  env: Record<string, string> = {},
  entries: (url: string) => Entry[] = () => [],
): Promise<void> {
  server = await startModelServer(script)
  host = await createHost({
    loaded,
    env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: server.url, ...env },
    entries: [
      caller,
      model('plain', { id: 'wippy.llm.openai:provider', provider_model: 'wire-model' }),
      ...entries(server.url),
    ],
  })
  await host.start()
}

const call = (name: string, ...args: Value[]): Promise<Value> => host.call('x:call', [name, ...args])

const schema = {
  type: 'object',
  properties: { age: { type: 'number' } },
  required: ['age'],
  additionalProperties: false,
}

describe.each(['responses', 'chat'])('with OPENAI_API=%s', (api) => {
  test('text, tokens and the reason to stop come back', async () => {
    await start({ turns: [text('Hello.')] }, { OPENAI_API: api })
    expect(await call('generate', 'hi', { model: 'plain', temperature: 0.5, max_tokens: 7 })).toMatchObject({
      result: 'Hello.',
      finish_reason: 'stop',
      tokens: { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 },
    })
    const request = server.requests[0]
    expect(request?.body).toMatchObject({ model: 'wire-model', temperature: 0.5 })
    expect(request?.body[api === 'chat' ? 'max_tokens' : 'max_output_tokens']).toBe(7)
    expect(request?.headers.authorization).toBe('Bearer test-key')
  })

  test('structured output is a table', async () => {
    await start({ turns: [text('{"age":41}'), text('not json')] }, { OPENAI_API: api })
    expect(await call('structured_output', schema, 'who?', { model: 'plain' })).toMatchObject({ result: { age: 41 } })
    expect(await call('structured_output', schema, 'who?', { model: 'plain' })).toEqual({
      err: expect.stringContaining('Model failed to return valid JSON'),
    })
    expect(await call('structured_output', { type: 'object' }, 'who?', { model: 'plain' })).toEqual({
      err: expect.stringContaining('Invalid schema: '),
    })
    expect(server.requests).toHaveLength(2)
  })

  test('a retry repeats what may succeed, and nothing else', async () => {
    const retried = model('retried', {
      id: 'wippy.llm.openai:provider',
      provider_model: 'm',
      context: { retry: { attempts: 2, backoff_ms: 1 } },
    })
    await start(
      { turns: [failure(503, 'busy'), failure(429, 'slow'), text('Finally.'), failure(400, 'bad')] },
      { OPENAI_API: api },
      () => [retried],
    )
    expect(await call('generate', 'hi', { model: 'retried' })).toMatchObject({ result: 'Finally.' })
    expect(await call('generate', 'hi', { model: 'retried' })).toEqual({ err: 'bad' })
    expect(server.requests).toHaveLength(4)
  })
})

test('embeddings are one vector per text', async () => {
  await start({})
  const one = await call('embed', 'a text', { model: 'plain' })
  expect(one).toMatchObject({ result: [expect.any(Array)] })
  expect(server.requests[0]?.body).toMatchObject({ input: 'a text', dimensions: 3, encoding_format: 'float' })
  expect(await call('embed', ['a', 'b'], { model: 'plain', dimensions: 8 })).toMatchObject({
    result: [expect.any(Array), expect.any(Array)],
  })
})

test('status tells whether the server answers', async () => {
  await start({})
  expect(await call('status', { model: 'plain' })).toMatchObject({ success: true, status: 'healthy' })
  await server.close()
  expect(await call('status', { model: 'plain' })).toMatchObject({
    success: false,
    status: 'unhealthy',
    message: 'Connection failed',
  })
})

test('a local provider gets a dummy key, its own API and its own model, whatever the environment says', async () => {
  const local = (url: string): Entry[] => [
    {
      id: 'x:local_provider',
      kind: 'registry.entry',
      meta: { type: 'llm.provider', name: 'local' },
      data: { driver: { id: 'wippy.llm.openai:driver', options: { api_key_env: 'none', base_url: url, api: 'chat' } } },
    },
    model('local', { id: 'x:local_provider', provider_model: 'llama' }),
  ]
  await start({ turns: [text('Hi.')] }, { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', OPENAI_MODEL: 'other' }, local)
  expect(await call('generate', 'hi', { model: 'local' })).toMatchObject({ result: 'Hi.' })
  expect(server.requests[0]?.path).toBe('/v1/chat/completions')
  expect(server.requests[0]?.body.model).toBe('llama')
  expect(server.requests[0]?.headers.authorization).toBe('Bearer none')
})

test('the openai_compat provider reads its own variables', async () => {
  const compat = model('compat', { id: 'wippy.llm.openai_compat:provider', provider_model: 'm' })
  server = await startModelServer({ turns: [text('Hi.')] })
  host = await createHost({ loaded, env: { OPENAI_COMPAT_BASE_URL: server.url }, entries: [caller, compat] })
  await host.start()
  expect(await call('generate', 'hi', { model: 'compat' })).toMatchObject({ result: 'Hi.' })
  expect(server.requests[0]?.path).toBe('/v1/chat/completions')
})

test('models are listed by capability', async () => {
  await start({})
  expect(await call('available_models', 'thinking')).toMatchObject([{ name: 'gpt-5.1' }])
})

test('the key shows in no error', async () => {
  await start({ turns: [failure(401, 'Incorrect API key provided')] })
  expect(JSON.stringify(await call('generate', 'hi', { model: 'plain' }))).not.toContain('test-key')
})

test('a usage tracker that the application binds is told', async () => {
  const tracker: Entry[] = [
    {
      id: 'x:track',
      kind: 'function.lua',
      meta: {},
      data: {
        method: 'track',
        source:
          'return { track = function(model, prompt, completion) return { usage_id = model .. ":" .. prompt .. ":" .. completion } end }',
      },
    },
    {
      id: 'x:tracker',
      kind: 'contract.binding',
      meta: {},
      data: {
        contracts: [{ contract: 'wippy.llm:usage_tracker', default: true, methods: { track_usage: 'x:track' } }],
      },
    },
  ]
  await start({ turns: [text('Hi.')] }, {}, () => tracker)
  expect(await call('generate', 'hi', { model: 'plain' })).toMatchObject({ usage_record: { usage_id: 'plain:11:5' } })
})
