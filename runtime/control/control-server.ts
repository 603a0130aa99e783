// The host's end of the control socket. It knows no method itself: they are given.

import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { asRuntimeError, RuntimeError } from '../core/error.ts'
import { ControlClient } from './control-client.ts'
import { type Answer, LONGEST_REQUEST, type Request } from './protocol.ts'

/** By name; a result is what JSON can carry. */
export type ControlMethods = Readonly<Record<string, (params: never) => unknown>>

export interface ControlServer {
  close(): Promise<void>
}

/** Listens until closed. Throws AlreadyExists when another host listens there; what a dead one left is cleared away. */
export async function serveControl(path: string, methods: ControlMethods): Promise<ControlServer> {
  if (process.platform !== 'win32') await clearStale(path)
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    // Who hangs up in the middle of an answer has lost interest in it.
    socket.on('error', () => socket.destroy())
    answer(socket, methods)
  })
  await listen(server, path)
  server.unref()
  return {
    close() {
      for (const socket of open) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function clearStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) {
    mkdirSync(dirname(path), { recursive: true })
    return
  }
  if (!found.isSocket()) throw new RuntimeError('AlreadyExists', `control socket ${path}: something else is there`)
  const alive = await ControlClient.connect(path)
  if (alive !== undefined) {
    alive.close()
    throw new RuntimeError('AlreadyExists', `control socket ${path}: another host listens there`)
  }
  rmSync(path, { force: true })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // The socket is made while nobody else may open it: between making it and narrowing its mode is no gap.
    const mask = process.platform === 'win32' ? undefined : process.umask(0o177)
    server.listen(path, () => {
      server.off('error', reject)
      if (mask !== undefined) chmodSync(path, 0o600)
      resolve()
    })
    if (mask !== undefined) process.umask(mask)
  })
}

function answer(socket: Socket, methods: ControlMethods): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    text += chunk
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    if (text.length > LONGEST_REQUEST) socket.destroy()
    for (const line of lines) {
      void respond(line, methods).then((reply) => {
        if (reply === undefined) socket.destroy()
        else if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`)
      })
    }
  })
}

/** Undefined for a line that is no request. */
async function respond(line: string, methods: ControlMethods): Promise<Answer | undefined> {
  let request: Request
  try {
    request = JSON.parse(line) as Request // checked below
  } catch {
    // Not JSON: whoever this is does not speak our language.
    return undefined
  }
  const { id, method, params } = request
  if (typeof id !== 'number' || typeof method !== 'string') return undefined
  try {
    const run = Object.hasOwn(methods, method) ? methods[method] : undefined
    if (run === undefined) throw new RuntimeError('NotFound', `unknown control method ${JSON.stringify(method)}`)
    return { id, result: (await run(params as never)) ?? null }
  } catch (error) {
    const { kind, text } = asRuntimeError(error)
    return { id, error: { kind, message: text } }
  }
}
