// A process without code: what an embedding program receives messages with. It has a pid and may have a name, others send
// to it, monitor and link it as any process; it ends when it is closed, cancelled, terminated, or throws.

import { asRuntimeError, type RuntimeError } from '../core/error.ts'
import { emptyFrame } from '../core/frame.ts'
import { formatPid } from '../core/pid.ts'
import { cloneValue, type Value } from '../core/value.ts'
import type { Kernel } from './kernel.ts'
import {
  type Exit,
  noPayload,
  type Payload,
  type Process,
  type ProcessEvent,
  type ProcessOptions,
  payloadOf,
} from './process.ts'

/** A message as it arrived. */
export interface Received {
  readonly topic: string
  /** Pid of the sender; empty when it is no process. */
  readonly from: string
  readonly values: readonly Value[]
}

export interface ListenerDeps {
  readonly kernel: Kernel
  /** Called once per message, in order, never inside the sender's call. What it throws ends the listener. */
  readonly receive: (message: Received) => void
  /** Told when the listener ended with an error. */
  readonly failed: (listener: Process, error: RuntimeError) => void
}

const HOST = 'host:listeners'

export class Listener implements Process {
  readonly serial: number
  readonly pid: string
  readonly host = HOST
  readonly definition = 'host:listener'
  readonly frame = emptyFrame
  readonly options: ProcessOptions = { trap_links: false, upgradable: false, interrupts: false }
  readonly startedAt: number
  readonly #deps: ListenerDeps
  #ended = false

  /** Registers the process. Throws AlreadyExists for a taken name. */
  constructor(deps: ListenerDeps, name?: string) {
    this.#deps = deps
    this.serial = deps.kernel.nextSerial()
    this.startedAt = deps.kernel.clock.wallMs()
    this.pid = formatPid(HOST, this.serial, deps.kernel.node)
    if (name !== undefined) deps.kernel.names.register(name, this)
    deps.kernel.add(this)
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Sends in its own name, so that the receiver can answer. Throws NotFound or RateLimited. */
  send(target: string, topic: string, ...values: Value[]): void {
    this.#deps.kernel.find(target).deliver(topic, this.pid, payloadOf(values.map(cloneValue)))
  }

  /** Ends it as a process that returned. What was sent and not received yet is lost. */
  close(): void {
    this.#end({ error: undefined, result: noPayload })
  }

  setOptions(changes: Partial<ProcessOptions>): void {
    Object.assign(this.options, changes)
  }

  deliver(topic: string, from: string, payload: Payload): void {
    const values = payload.values().map(cloneValue)
    queueMicrotask(() => {
      payload.read?.()
      this.#receive({ topic, from, values })
    })
  }

  event({ kind }: ProcessEvent): void {
    if (kind === 'pid.cancel') this.close()
  }

  terminate(error: RuntimeError): void {
    this.#end({ error, result: undefined })
  }

  #receive(message: Received): void {
    if (this.#ended) return
    try {
      this.#deps.receive(message)
    } catch (error) {
      this.terminate(asRuntimeError(error))
    }
  }

  #end(exit: Exit): void {
    if (this.#ended) return
    this.#ended = true
    if (exit.error !== undefined) this.#deps.failed(this, exit.error)
    this.#deps.kernel.remove(this, exit)
  }
}
