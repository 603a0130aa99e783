// The stream of W8 read in JavaScript: with a parser of our own over undici, and through the OpenAI SDK.

import { OpenAI } from 'openai'
import { request } from 'undici'

const base = () => process.env.OPENAI_BASE_URL

/** The texts of all chunks, read as W8's app reads them. */
export async function* openStream() {
  const { body } = await request(`${base()}/chat/completions`, { method: 'POST', body: '{"stream":true}' })
  const decoder = new TextDecoder()
  let tail = ''
  for await (const piece of body) {
    const lines = (tail + decoder.decode(piece, { stream: true })).split('\n')
    tail = lines.pop()
    for (const line of lines) {
      if (!line.startsWith('data: ') || line === 'data: [DONE]') continue
      const text = JSON.parse(line.slice(6)).choices[0].delta.content
      if (text) yield text
    }
  }
}

/** The same through the SDK's own loop. */
export async function* sdkStream() {
  const client = new OpenAI({ apiKey: 'sk-bench-0000', baseURL: base(), maxRetries: 0 })
  const stream = await client.chat.completions.create({ model: 'm', messages: [], stream: true })
  for await (const event of stream) {
    const text = event.choices[0]?.delta.content
    if (text) yield text
  }
}
