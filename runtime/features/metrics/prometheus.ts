// An HTTP endpoint that Prometheus reads: `GET /metrics`. Started when `prometheus.enabled` is set.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RuntimeError } from '../../core/error.ts'
import type { Metrics } from './metrics.ts'

export interface PrometheusEndpoint {
  /** Where it listens: `127.0.0.1:9090`. */
  readonly address: string
  close(): Promise<void>
}

/** Listens on `host:port` or `:port`; port 0 takes a free one. Rejects with Invalid or Conflict naming the address. */
export async function servePrometheus(metrics: Metrics, address: string): Promise<PrometheusEndpoint> {
  const parts = /^(?:\[?([^\]]*?)\]?)?:(\d{1,5})$/.exec(address)
  if (parts === null || Number(parts[2]) > 65_535) {
    throw new RuntimeError('Invalid', `prometheus.address ${JSON.stringify(address)} is not host:port`)
  }
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0]
    if (path !== '/metrics') {
      response.writeHead(404).end()
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    } else {
      response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(metrics.render())
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const used = error.code === 'EADDRINUSE'
      reject(
        new RuntimeError(
          used ? 'Conflict' : 'Unavailable',
          `cannot listen on ${address}: ${used ? 'port in use' : error.message}`,
          { cause: error },
        ),
      )
    })
    server.listen(Number(parts[2]), parts[1] || undefined, resolve)
  })
  const bound = server.address() as AddressInfo // a TCP server that listens has one
  return {
    address: `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
