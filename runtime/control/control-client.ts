// The command line's end of the control socket.

import { createConnection, type Socket } from 'node:net'
import { RuntimeError } from '../core/error.ts'
import type { Answer } from './protocol.ts'

const CONNECT_MS = 1_000

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: RuntimeError) => void
}

export class ControlClient {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  #text = ''
  #last = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => this.#receive(chunk))
    socket.on('close', () => this.#fail('the host has closed the connection'))
    socket.on('error', (error) => this.#fail(error.message))
  }

  /** A connection to the host that listens there; undefined when none does. */
  static connect(path: string): Promise<ControlClient | undefined> {
    return new Promise((resolve) => {
      const socket = createConnection(path)
      const timer = setTimeout(() => socket.destroy(new Error('no answer')), CONNECT_MS)
      socket.once('connect', () => {
        clearTimeout(timer)
        resolve(new ControlClient(socket))
      })
      // No such file, or nobody behind it.
      socket.once('error', () => {
        clearTimeout(timer)
        resolve(undefined)
      })
    })
  }

  /** Calls a method of the host. Rejects with the host's error. */
  call(method: string, params: unknown = null): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#last
      this.#waiting.set(id, { resolve, reject })
      this.#socket.write(`${JSON.stringify({ id, method, params })}\n`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: string): void {
    this.#text += chunk
    const lines = this.#text.split('\n')
    this.#text = lines.pop() ?? ''
    for (const line of lines) {
      const answer = JSON.parse(line) as Answer // the host is ours: the socket belongs to this user
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('error' in answer) waiting?.reject(new RuntimeError(answer.error.kind, answer.error.message))
      else waiting?.resolve(answer.result)
    }
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new RuntimeError('Unavailable', `control: ${reason}`))
    this.#waiting.clear()
  }
}
