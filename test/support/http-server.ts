// A real HTTP server for one test: a function answers, the requests are kept, everything is gone after `close`.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly remotePort: number | undefined
  /** Resolves when its answer is complete or its connection gone. */
  readonly closed: Promise<'complete' | 'aborted'>
}

export type Handler = (request: SeenRequest, response: ServerResponse) => void | Promise<void>

export interface HttpServer {
  readonly url: string
  readonly port: number
  readonly requests: SeenRequest[]
  /** Resolves with the n-th request (from 0) once it is there. */
  request(n: number): Promise<SeenRequest>
  close(): Promise<void>
}

export interface Listening {
  /** A unix socket instead of a port. */
  readonly path?: string
  readonly tls?: ServerOptions
}

export async function startHttpServer(handler: Handler, where: Listening = {}): Promise<HttpServer> {
  const requests: SeenRequest[] = []
  const waiting: { n: number; resolve: (request: SeenRequest) => void }[] = []
  const listener = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const closed = new Promise<'complete' | 'aborted'>((resolve) => {
      response.once('close', () => resolve(response.writableFinished ? 'complete' : 'aborted'))
    })
    const pieces: Buffer[] = []
    for await (const piece of message) pieces.push(piece as Buffer)
    const request: SeenRequest = {
      method: message.method ?? '',
      url: message.url ?? '',
      headers: message.headers,
      rawHeaders: message.rawHeaders,
      body: Buffer.concat(pieces),
      remotePort: message.socket.remotePort,
      closed,
    }
    requests.push(request)
    for (const waiter of waiting) if (waiter.n === requests.length - 1) waiter.resolve(request)
    await handler(request, response)
  }
  const accept = (message: IncomingMessage, response: ServerResponse): void => {
    // A request that breaks off while it is read is what some tests want.
    listener(message, response).catch(() => response.destroy())
  }
  const server = where.tls === undefined ? createServer(accept) : createSecureServer(where.tls, accept)
  await new Promise<void>((resolve) => {
    if (where.path === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(where.path, resolve)
  })
  const port = where.path === undefined ? (server.address() as AddressInfo).port : 0
  return {
    url: `${where.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    requests,
    request(n) {
      const seen = requests[n]
      return seen === undefined ? new Promise((resolve) => waiting.push({ n, resolve })) : Promise.resolve(seen)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
