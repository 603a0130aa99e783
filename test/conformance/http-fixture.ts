// The server that the http_client topic talks to: every path shows one thing a client has to cope with.

import type { ServerResponse } from 'node:http'
import { type SeenRequest, startHttpServer } from '../support/http-server.ts'

export interface HttpFixture {
  readonly url: string
  close(): Promise<void>
}

type Answer = (request: SeenRequest, response: ServerResponse) => void

const answers: Readonly<Record<string, Answer>> = {
  // What the server saw of the request.
  '/echo': ({ method, url, headers, body }, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ method, url, headers, body: body.toString('latin1') }))
  },
  '/status/404': (_, response) => response.writeHead(404).end('not here'),
  '/status/204': (_, response) => response.writeHead(204).end(),
  '/status/500': (_, response) => response.writeHead(500).end('broken'),
  '/redirect': (_, response) => response.writeHead(302, { location: '/echo?after=redirect' }).end(),
  '/redirect-for-ever': (_, response) => response.writeHead(302, { location: '/redirect-for-ever' }).end(),
  '/cookies': (_, response) => response.writeHead(200, { 'set-cookie': ['a=1; Path=/', 'b=2'] }).end('ok'),
  '/headers': (_, response) => response.writeHead(200, { 'x-some-thing': ['first', 'second'] }).end('ok'),
  '/large': (_, response) => response.end('x'.repeat(5000)),
  '/lines': (_, response) => {
    response.write('one\ntw')
    response.end('o\nthree')
  },
  '/never': (_, response) => void response.writeHead(200).flushHeaders(),
  '/silent': () => undefined,
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('some', () => response.destroy())
  },
}

export async function startHttpFixture(): Promise<HttpFixture> {
  const server = await startHttpServer((request, response) => {
    const path = request.url.split('?')[0] ?? ''
    const answer = answers[path]
    if (answer === undefined) response.writeHead(404).end('no such path')
    else answer(request, response)
  })
  return { url: server.url, close: () => server.close() }
}
