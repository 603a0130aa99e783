// The `openai` module: what the model drivers of components/llm talk to. It moves requests and events; what they mean is decided
// in Lua. Granted to components alone (the loader of a Lua entry checks its origin), so nothing here asks the guard.

import { type Clock, systemClock } from '../../core/clock.ts'
import { isMap } from '../../core/value.ts'
import type { Proxies } from '../../external/proxies.ts'
import { type Call, type LuaModule, LuaType } from '../../lua/module.ts'
import { requestBody } from './body.ts'
import { EventStream, type ModelEvent } from './event-stream.ts'
import { headerTable, limitFailure, parseFailure } from './failure.ts'
import { type Answer, ModelTransport, modelConfig } from './requests.ts'

export interface OpenAIModuleDeps {
  readonly clock?: Clock
  /** `environmentProxies(process.env)` for a host that shall use them. */
  readonly proxies?: Proxies
}

/** The module, and the end of its connections when the host stops. */
export interface OpenAIModule extends LuaModule {
  close(): Promise<void>
}

/** A stream in Lua's hands. */
interface ModelStream {
  readonly events: EventStream
  readonly status: number
  readonly headers: { [name: string]: string }
  readonly release: () => void
}

const streamType = new LuaType<ModelStream>({
  name: 'openai.Stream',
  fields: {
    status_code: (self) => self.status,
    request_id: (self) => self.headers['X-Request-Id'],
    headers: (self) => self.headers,
  },
  methods: {
    next: (_call, self) => self.events.next(),
    close(_call, self) {
      self.events.close()
      self.release()
      return true
    },
  },
})

export function openaiModule(deps: OpenAIModuleDeps = {}): OpenAIModule {
  const transport = new ModelTransport(deps.clock ?? systemClock(), deps.proxies ?? {})

  const post = (path: string) => async (call: Call, config: unknown, body: unknown) => {
    const settings = modelConfig(config)
    const { text, stream } = requestBody(body)
    const answer = await transport.send(settings, { method: 'post', path, body: text, stream }, call.signal)
    return stream ? openStream(call, answer) : decoded(answer)
  }

  return {
    name: 'openai',
    description: 'transport of the OpenAI API for model drivers',
    traits: ['network'],
    open: () => ({
      responses: post('/responses'),
      chat: post('/chat/completions'),
      embeddings: post('/embeddings'),
      async models(call: Call, config: unknown) {
        const request = { method: 'get', path: '/models', body: undefined, stream: false } as const
        return decoded(await transport.send(modelConfig(config), request, call.signal))
      },
    }),
    close: () => transport.close(),
  }
}

async function decoded(answer: Answer): Promise<ModelEvent> {
  const text = await answer.text()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw parseFailure(answer.status, error.message, answer.apiKey)
  }
  if (!isMap(body)) throw parseFailure(answer.status, 'not an object', answer.apiKey)
  return { ...body, _http: httpFacts(answer) }
}

/** What a driver records of an answer beside its body. */
function httpFacts(answer: Answer): ModelEvent {
  const headers = headerTable(answer.headers)
  const processing = Number(headers['Openai-Processing-Ms'])
  return {
    status_code: answer.status,
    request_id: headers['X-Request-Id'],
    organization: headers['Openai-Organization'],
    processing_ms: Number.isFinite(processing) ? processing : undefined,
    version: headers['Openai-Version'],
    headers,
  }
}

function openStream(call: Call, answer: Answer): unknown {
  const whole = answer.headers.get('content-type')?.startsWith('application/json') === true
  const events = new EventStream(whole ? oneEvent(answer) : answer, {
    tooLong: (limit) => limitFailure(answer.status, limit),
    empty: () => parseFailure(answer.status, `no event in ${described(answer)}`, answer.apiKey),
  })
  const owned = call.own(events)
  return streamType.wrap({
    events,
    status: answer.status,
    headers: headerTable(answer.headers),
    release: () => owned.release(),
  })
}

function described(answer: Answer): string {
  const type = answer.headers.get('content-type')
  return type === null ? 'an answer without content type' : `an answer of type ${type}`
}

/** The answer of a server that does not stream, as a stream of one event. */
function oneEvent(answer: Answer) {
  let read = false
  return {
    async read() {
      if (read) return undefined
      read = true
      // One line: JSON text has no line feed that means anything.
      return Buffer.from(`data: ${(await answer.text()).replace(/\s*\n\s*/g, ' ')}\n`)
    },
    abort: () => answer.abort(),
    finish: () => answer.finish(),
  }
}
