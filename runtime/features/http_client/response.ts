// The response table Lua gets.

import { isUtf8 } from 'node:buffer'
import type { Call, LuaObject } from '../../lua/module.ts'
import { ByteStream, readWhole } from './byte-stream.ts'
import type { HttpAnswer } from './client.ts'
import type { RequestPlan } from './options.ts'
import { streamType } from './stream-type.ts'

export interface HttpResponse {
  readonly status_code: number
  readonly url: string
  /** Bytes as they came; absent when there were none, or with a stream. */
  readonly body: Uint8Array | null
  readonly body_size: number
  /** First value of each, under Go's names; absent when there were none. */
  readonly headers: { readonly [name: string]: string | Uint8Array } | null
  readonly cookies: { readonly [name: string]: string }
  readonly stream: LuaObject<ByteStream> | null
}

/** Reads the answer, or hands over its stream. `release` is called when the connection is done with. */
export async function respond(
  call: Call,
  plan: RequestPlan,
  answer: HttpAnswer,
  release: () => void,
): Promise<HttpResponse> {
  const { exchange } = answer
  const head = {
    status_code: answer.status,
    url: answer.url,
    headers: headerTable(answer),
    cookies: cookieTable(answer),
  }
  const announced = announcedSize(answer)
  if (plan.stream) {
    let owned: { release(): void } | undefined
    const onEnd = (): void => {
      owned?.release()
      release()
    }
    const stream = new ByteStream(answer.body, exchange, announced, plan.maxBody ?? Number.POSITIVE_INFINITY, onEnd)
    owned = call.own(stream)
    return { ...head, body: null, body_size: -1, stream: streamType.wrap(stream) }
  }
  try {
    const limit = plan.maxBody ?? Number.POSITIVE_INFINITY
    const body = await readWhole(answer.body, plan.method === 'HEAD' ? 0 : announced, limit)
    exchange.end()
    release()
    return { ...head, body: body.length === 0 ? null : body, body_size: body.length, stream: null }
  } catch (error) {
    throw exchange.fail(error)
  }
}

function announcedSize(answer: HttpAnswer): number {
  const length = Number(answer.headers.find(([name]) => name === 'Content-Length')?.[1] ?? -1)
  return Number.isSafeInteger(length) ? length : -1
}

function headerTable(answer: HttpAnswer): HttpResponse['headers'] {
  if (answer.headers.length === 0) return null
  const table: { [name: string]: string | Uint8Array } = Object.create(null)
  for (const [name, value] of answer.headers) table[name] ??= luaText(value)
  return table
}

function cookieTable(answer: HttpAnswer): { [name: string]: string } {
  const table: { [name: string]: string } = Object.create(null)
  for (const [name, value] of answer.headers) {
    if (name !== 'Set-Cookie') continue
    const pair = /^\s*([^=;\s]+)\s*=\s*([^;]*)/.exec(value)
    if (pair !== null) table[pair[1] as string] = (pair[2] as string).trim().replace(/^"(.*)"$/, '$1')
  }
  return table
}

/** Header values come with one character per byte. */
function luaText(wire: string): string | Uint8Array {
  const bytes = Buffer.from(wire, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes
}
