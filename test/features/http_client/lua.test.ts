// http_client and openai as Lua sees them, on the real engine.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { emptyFrame } from '../../../runtime/core/frame.ts'
import { httpClientModule } from '../../../runtime/features/http_client/module.ts'
import { openaiModule } from '../../../runtime/features/openai/module.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { type LuaNode, luaNode } from '../../support/lua-node.ts'
import { failure, type ModelServer, startModelServer, text } from '../../support/model-server.mjs'
import { server } from './bench.ts'

const guard = new Guard({ strict: false })
const modules = [httpClientModule({ guard }), openaiModule()]
let node: LuaNode
let model: ModelServer
beforeAll(async () => {
  node = await luaNode(modules)
  model = await startModelServer()
})
afterAll(async () => {
  await model.close()
  for (const module of modules) await module.close()
})
const lua = (body: string) => node.eval(body, { modules: ['http_client', 'openai'] })
const config = () => `{ api_key = "sk-lua-test-0123", base_url = "${model.url}" }`

test('an answer is a table whose absent fields are nil, its body the exact bytes', async () => {
  const { url } = await server((request, response) => void response.end(request.body))
  expect(
    await lua(`
      local sent = "\\0\\255bytes\\r\\n"
      local response, err = http_client.post("${url}/p", { body = sent, headers = { ["X-A"] = "1" } })
      local empty = http_client.get("${url}")
      return { err == nil, response.status_code, response.body == sent, response.body_size, math.type(response.status_code),
        response.stream == nil, empty.body == nil, response.url, type(response.headers["Date"]) }`),
  ).toEqual([true, 200, true, 9, 'integer', true, true, `${url}/p`, 'string'])
})

test('a failure is nil and an error that can be asked', async () => {
  expect(
    await lua(`
      local response, err = http_client.get("http://127.0.0.1:1/x")
      return { response == nil, err:kind(), err:retryable(), tostring(err), errors.is(err, errors.INTERNAL) }`),
  ).toEqual([true, 'Internal', true, 'GET http://127.0.0.1:1/x: connection refused (127.0.0.1:1)', true])
  await expect(lua('http_client.get("")')).rejects.toThrow('bad argument #1 to get (URL cannot be empty)')
})

test('a batch with failures gives both lists by position', async () => {
  const { url } = await server((request, response) => void response.end(request.url))
  expect(
    await lua(`
      local ok, none = http_client.request_batch({ { "GET", "${url}/1" }, { "GET", "${url}/2" } })
      local responses, errs = http_client.request_batch({ { "GET", "http://127.0.0.1:1/" }, { "GET", "${url}/2" } })
      return { none == nil, ok[1].body, ok[2].body, responses[1] == nil, responses[2].body, errs[1]:kind(), errs[2] == nil }`),
  ).toEqual([true, '/1', '/2', true, '/2', 'Internal', true])
})

test('a stream is read to its end, by blocks and by lines', async () => {
  const { url } = await server((_request, response) => {
    for (let i = 0; i < 1000; i++) response.write(`data: ${i}\n\n`)
    response.end('tail')
  })
  expect(
    await lua(`
      local function open() return assert(http_client.get("${url}", { stream = true })).stream end
      local blocks, stream = {}, open()
      while true do
        local block, err = stream:read(64)
        if err then error(err) end
        if not block then break end
        blocks[#blocks + 1] = block
      end
      local lines, scanner = {}, open():scanner("lines")
      while scanner:scan() do lines[#lines + 1] = scanner:text() end
      return { table.concat(blocks) == table.concat(lines, "\\n"), #lines, lines[3], lines[2001], scanner:err() == nil, stream:close() }`),
  ).toEqual([true, 2001, 'data: 1', 'tail', true, true])
})

test('a process that is ended takes its stream and its request along', async () => {
  const { url, request } = await server((incoming, response) => {
    if (incoming.url === '/stream') response.write('x')
  })
  for (const [index, path] of ['/stream', '/hang'].entries()) {
    const body = `local r = http_client.get("${url}${path}", { stream = true }) while r.stream:read() do end`
    node.process('app:reader', `return { main = function() ${body} end }`, { modules: ['http_client'] })
    const process = node.spawn('app:reader', [], emptyFrame)
    const seen = await request(index)
    process.terminate(new RuntimeError('Canceled', 'ended by the test'))
    expect(await seen.closed).toBe('aborted')
  }
})

test('a model’s answer comes event by event, and its request is what Lua said', async () => {
  model.add(text('Hello there', { usage: { input: 3, output: 2 } }))
  expect(
    await lua(`
      local stream, err = openai.responses(${config()}, {
        model = "m", stream = true, input = { { type = "message", role = "user", content = { { type = "input_text", text = "hi" } } } },
        tools = { { type = "function", name = "t", parameters = { type = "object", properties = {}, required = {} } } } })
      if err then error(err) end
      local words, total = {}, nil
      while true do
        local event, failed = stream:next()
        if failed then error(failed) end
        if not event then break end
        if event.type == "response.output_text.delta" then words[#words + 1] = event.delta end
        if event.type == "response.completed" then total = event.response.usage.total_tokens break end
      end
      return { table.concat(words), total, stream.status_code, stream.request_id, stream:close(), stream:next() == nil }`),
  ).toEqual(['Hello there', 5, 200, 'req_1', true, true])
  expect(model.requests[0]!.body).toEqual({
    model: 'm',
    stream: true,
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }],
    tools: [{ type: 'function', name: 't', parameters: { type: 'object', properties: {}, required: [] } }],
  })
})

test('a whole answer has its HTTP facts, a refusal its details', async () => {
  model.add(text('Hi'), failure(429, 'slow down', { type: 'rate', headers: { 'retry-after': '2' } }))
  expect(
    await lua(`
      local response = assert(openai.chat(${config()}, { model = "m", messages = {} }))
      local none, err = openai.chat(${config()}, { model = "m", messages = {} })
      local details = err:details()
      return { response.choices[1].message.content, response._http.status_code, none == nil, err:kind(), err:retryable(), err:message(),
        details.status_code, details.type, details.retry_after }`),
  ).toEqual(['Hi', 200, true, 'RateLimited', true, 'slow down', 429, 'rate', 2])
})
