// The SSE source of W8 and W8s: answers every POST with CHUNKS small text chunks, as fast as the socket takes them, in the form
// of Chat Completions or, under a path that ends in /responses, of the Responses API. Frames share socket writes, BATCH at a time.
//   PORT=8089 CHUNKS=20000 BATCH=16 node test/bench/llm/server.mjs     prints the port it listens on

import { createServer } from 'node:http'

const chunks = Number(process.env.CHUNKS ?? 20_000)
const batch = Number(process.env.BATCH ?? 16)

const chat = {
  start: '',
  chunk: (text) => frame({ ...chatHead, choices: [{ index: 0, delta: { content: text }, finish_reason: null }] }),
  end: () => `${frame({ ...chatHead, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}data: [DONE]\n\n`,
}
const chatHead = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench' }

const response = { id: 'resp_bench', object: 'response', model: 'bench', status: 'in_progress', output: [] }
const responses = {
  start: frame({ type: 'response.created', response }),
  chunk: (text) =>
    frame({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: text }),
  end() {
    const usage = { input_tokens: 10, output_tokens: chunks, total_tokens: chunks + 10 }
    return frame({ type: 'response.completed', response: { ...response, status: 'completed', usage } })
  },
}

function frame(event) {
  return `data: ${JSON.stringify(event)}\n\n`
}

/** The whole answer as ready-made blocks: the server must not be what is measured. */
function blocksOf(api) {
  const blocks = api.start === '' ? [] : [Buffer.from(api.start)]
  for (let at = 0; at < chunks; at += batch) {
    let block = ''
    for (let i = at; i < Math.min(chunks, at + batch); i++) block += api.chunk(`tok${i % 10} `)
    blocks.push(Buffer.from(block))
  }
  return [...blocks, Buffer.from(api.end())]
}

const answers = { chat: blocksOf(chat), responses: blocksOf(responses) }

const server = createServer((request, answer) => {
  request.resume().on('end', () => {
    answer.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    const blocks = request.url.endsWith('/responses') ? answers.responses : answers.chat
    let at = 0
    const pump = () => {
      while (at < blocks.length) if (!answer.write(blocks[at++])) return void answer.once('drain', pump)
      answer.end()
    }
    pump()
  })
})
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => console.log(server.address().port))
