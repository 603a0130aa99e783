// Where the main thread answers a worker: what it reports of its processes, and what it asks about names, definitions, policies,
// modules and functions.

import { asRuntimeError, RuntimeError } from '../core/error.ts'
import { emptyFrame, type Frame } from '../core/frame.ts'
import type { ValueMap } from '../core/value.ts'
import { type Program, trustedLimits } from '../lua/program.ts'
import type { Functions } from '../process/functions.ts'
import type { Kernel } from '../process/kernel.ts'
import { type Exit, noPayload, type Payload, type Process, type ProcessInit } from '../process/process.ts'
import { type CellTable, type SendLimits, sendLimits } from './cells.ts'
import { type Living, SERIALS_AT_ONCE } from './living.ts'
import type { Answered, ModuleServer } from './module-server.ts'
import type { Counted, Numbered } from './numbered.ts'
import { ANSWER, ASK, TO_MAIN, TO_WORKER } from './protocol.ts'
import { type CrossedPayload, remotePayload } from './remote-payload.ts'
import { RemoteProcess, type RemoteThread } from './remote-process.ts'
import type { RemoteProcesses } from './remote-processes.ts'
import { sayable } from './sayable.ts'

/** A function as a worker may run it by itself. */
export interface FunctionProgram {
  readonly program: Program
  readonly maxSize: number
}

/** What all desks ask. */
export interface DeskDeps {
  readonly kernel: Kernel
  readonly functions: Functions
  readonly cells: CellTable
  /** The current program of a process definition; undefined when there is none. */
  readonly definition: (id: string) => Program | undefined
  /** The current program of a Lua function; undefined when it is none, or has to be called in the main thread. */
  readonly functionProgram: (id: string) => FunctionProgram | undefined
  readonly print: (pid: string, text: string, where: string) => void
  readonly denied: (frame: Frame, action: string, resource: string) => void
  readonly broken: (error: unknown) => void
}

/** What belongs to this worker. */
export interface DeskThread {
  /** The thread itself, as its processes know it. */
  readonly thread: RemoteThread
  readonly name: string
  /** It runs code made at run time. */
  readonly generated: boolean
  readonly processes: RemoteProcesses
  readonly programs: Numbered<Program>
  readonly frames: Counted<Frame>
  readonly server: ModuleServer
  readonly living: Living
  /** Says something and sends it off: the worker may be standing still for it. */
  readonly say: (operation: number, ...fields: unknown[]) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

type Handler = (fields: readonly never[], size: number) => void
type Introduction = [number, string, string, number, SendLimits, number, string]
type Announcement = [number, string, string, number, SendLimits, number, string, boolean, boolean, number]
type SpawnQuestion = [number, number, string, string, CrossedPayload, boolean, boolean]
type InvokeQuestion = [number, number, number, string, readonly unknown[], boolean]
type CallQuestion = [number, number, string, CrossedPayload]

export class Desk {
  readonly #deps: DeskDeps
  readonly #own: DeskThread
  /** Calls of functions the worker waits for, by question. */
  readonly #calls = new Map<number, AbortController>()
  readonly #handlers: ReadonlyMap<number, Handler>

  constructor(deps: DeskDeps, own: DeskThread) {
    this.#deps = deps
    this.#own = own
    this.#handlers = new Map([...this.#reports(), ...this.#questions()])
  }

  /** True when the operation was one of its own. */
  handle(operation: number, fields: readonly unknown[], size: number): boolean {
    const handler = this.#handlers.get(operation)
    handler?.(fields as readonly never[], size) // each knows the fields of its operation
    return handler !== undefined
  }

  /** The worker is gone: whatever was done for it is told to stop. */
  close(): void {
    for (const abort of this.#calls.values()) abort.abort()
    this.#calls.clear()
    this.#own.server.close()
  }

  // ---- reports ----

  #reports(): [number, Handler][] {
    const { processes, server, frames } = this.#own
    const { print, broken, denied } = this.#deps
    return [
      [TO_MAIN.introduce, (fields) => this.#introduce(...(fields as unknown as Introduction))],
      [TO_MAIN.announce, (fields) => this.#announce(...(fields as unknown as Announcement))],
      [TO_MAIN.started, ([serial]) => processes.started(serial)],
      [TO_MAIN.notStarted, ([serial, error]) => processes.notStarted(serial, error)],
      [TO_MAIN.ended, ([serial, error, result, steps]) => this.#ended(serial, error, result, steps)],
      [TO_MAIN.upgraded, ([serial, definition, limits]) => this.#upgraded(serial, definition, limits)],
      [
        TO_MAIN.deliver,
        ([serial, topic, from, cell, values], size) => this.#route(serial, topic, from, cell, values, size),
      ],
      [
        TO_MAIN.abort,
        ([question]) => {
          server.abort(question)
          this.#calls.get(question)?.abort()
        },
      ],
      [TO_MAIN.released, ([number, mentions]) => server.released(number, mentions)],
      [TO_MAIN.channelCollected, ([channel, how]) => server.channelCollected(channel, how)],
      [TO_MAIN.print, ([pid, text, where]) => print(pid, text, where)],
      [TO_MAIN.broken, ([text]) => broken(new Error(text))],
      [
        TO_MAIN.denied,
        ([number, action, resource]) => {
          const frame = frames.get(number)
          if (frame !== undefined) denied(frame, action, resource)
        },
      ],
    ]
  }

  #frame(number: number): Frame {
    const frame = this.#own.frames.get(number)
    if (frame === undefined) throw new Error(`thread ${this.#own.name}: no frame ${number}`)
    return frame
  }

  /** A process over there that others have not met: the one of a function call. */
  #introduce(
    serial: number,
    host: string,
    definition: string,
    frameNumber: number,
    limits: SendLimits,
    parentSerial: number,
    parentHost: string,
  ): void {
    const { kernel } = this.#deps
    const frame = this.#frame(frameNumber)
    const parent = parentSerial === 0 ? undefined : { serial: parentSerial, host: parentHost }
    const over = (process: Process, exit: Exit): void => kernel.remove(process, exit)
    kernel.add(this.#adopt(kernel.init(serial, host, frame, noPayload, over, parent), definition, limits))
  }

  /** A process it has started on its host: at once when that has relations, else when somebody may care. */
  #announce(
    serial: number,
    host: string,
    definition: string,
    frameNumber: number,
    limits: SendLimits,
    parentSerial: number,
    parentHost: string,
    monitor: boolean,
    link: boolean,
    startedAt: number,
  ): void {
    const frame = this.#frame(frameNumber)
    const { kernel } = this.#deps
    const process = this.#own.processes.get(serial) ?? this.#onHost(serial, host, definition, frame)
    const by = parentSerial === 0 ? undefined : { serial: parentSerial, host: parentHost }
    this.#own.processes.learn(process, { definition, frame, parent: by, startedAt }, limits)
    // A parent that has ended since watches nothing any more.
    const parent = kernel.bySerial(parentSerial)
    if (parent !== undefined && monitor) kernel.links.monitor(parent, process)
    if (parent !== undefined && link) kernel.links.link(parent, process)
  }

  /**
   * One that the worker has not told of and that somebody looks for; undefined when no living one has this serial. The worker tells
   * the rest, and how it ends.
   */
  meet(serial: number, host: string): RemoteProcess | undefined {
    const number = this.#own.living.meet(serial)
    if (number === 0) return undefined
    const program = this.#own.programs.get(number)
    const process = this.#onHost(serial, host, program?.code.id ?? '', emptyFrame, program?.limits)
    this.#own.say(TO_WORKER.meet, serial)
    return process
  }

  #onHost(serial: number, host: string, definition: string, frame: Frame, limits = trustedLimits): RemoteProcess {
    const create = (init: ProcessInit): RemoteProcess => this.#adopt(init, definition, sendLimits(limits))
    const made = { serial, create }
    return this.#deps.kernel.spawn({ definition, host, args: noPayload, frame, made }) as RemoteProcess
  }

  #upgraded(serial: number, definition: string, limits: SendLimits): void {
    const process = this.#own.processes.get(serial)
    if (process === undefined) return
    process.upgraded(definition)
    this.#own.processes.limit(process, limits)
  }

  #adopt(init: ProcessInit, definition: string, limits: SendLimits): RemoteProcess {
    const { thread, frames, processes, now } = this.#own
    const process = new RemoteProcess(thread, definition, init, now())
    frames.take(init.frame)
    processes.add(process, limits)
    return process
  }

  #ended(serial: number, error: RuntimeError | undefined, result: CrossedPayload | undefined, steps: number): void {
    const process = this.#own.processes.forget(serial)
    if (process === undefined) return
    process.steps = steps
    process.end(error === undefined ? { error, result: result ?? noPayload } : { error, result: undefined })
  }

  #route(serial: number, topic: string, from: string, cell: number, values: CrossedPayload, size: number): void {
    const { kernel, cells } = this.#deps
    const target = kernel.bySerial(serial)
    if (target instanceof RemoteProcess) {
      target.thread.forward(serial, topic, from, cell, values)
      return
    }
    const payload = remotePayload(values, cells.cells, cell, size)
    try {
      if (target === undefined) payload.read()
      else target.deliver(topic, from, payload)
    } catch (error) {
      // It has ended, or what was sent cannot be taken: for its sender as if it had ended first (PROMISES P1).
      payload.read()
      if (!(error instanceof RuntimeError)) throw error
    }
  }

  // ---- questions ----

  #questions(): [number, Handler][] {
    const { server } = this.#own
    const answered = (question: number, ask: () => unknown): void => {
      try {
        this.#answer(question, [ANSWER.value, ask()])
      } catch (error) {
        this.#answer(question, this.#failed(error))
      }
    }
    return [
      [ASK.invoke, (fields) => this.#invoke(...(fields as unknown as InvokeQuestion))],
      [ASK.call, (fields) => this.#call(...(fields as unknown as CallQuestion))],
      [ASK.spawn, (fields) => this.#spawn(...(fields as unknown as SpawnQuestion))],
      [ASK.locate, ([question, target]) => answered(question, () => this.#locate(target))],
      [ASK.definition, ([question, id]) => answered(question, () => this.#definition(id))],
      [ASK.function, ([question, id]) => answered(question, () => this.#function(id))],
      [ASK.open, ([question, name]) => answered(question, () => server.open(name))],
      [
        ASK.inspect,
        ([question, number, what, argument]) => answered(question, () => server.inspect(number, what, argument)),
      ],
      [ASK.serials, ([question]) => answered(question, () => this.#serials())],
      [
        ASK.evaluate,
        ([question, number, confined, action, resource, attributes]) =>
          answered(question, () => this.#evaluate(number, confined, action, resource, attributes)),
      ],
    ]
  }

  #serials(): number {
    const first = this.#deps.kernel.grantSerials(SERIALS_AT_ONCE)
    this.#own.living.grant(first)
    return first
  }

  #answer(question: number, [how, value]: Answered): void {
    try {
      this.#own.say(TO_WORKER.answer, question, how, value)
    } catch (error) {
      this.#own.say(TO_WORKER.answer, question, ANSWER.error, asRuntimeError(error))
    }
  }

  /** A failure of ours is reported, and still an error for whoever asked. */
  #failed(thrown: unknown): Answered {
    if (!(thrown instanceof RuntimeError)) this.#deps.broken(thrown)
    return [ANSWER.error, asRuntimeError(thrown)]
  }

  #invoke(
    question: number,
    serial: number,
    number: number,
    where: string,
    args: readonly unknown[],
    standsStill: boolean,
  ): void {
    const process = this.#own.processes.get(serial)
    const answer = (answered: Answered): void => this.#answer(question, answered)
    if (process === undefined) answer([ANSWER.error, ended()])
    else this.#own.server.invoke(question, process, number, where, args, standsStill, answer)
  }

  #call(question: number, frameNumber: number, id: string, args: CrossedPayload): void {
    const abort = new AbortController()
    this.#calls.set(question, abort)
    const call = async (): Promise<Payload> =>
      this.#deps.functions.callPayload(id, args, this.#frame(frameNumber), abort.signal)
    call()
      .then(
        (result): Answered => [ANSWER.value, sayable(result)],
        (error: unknown): Answered => this.#failed(error),
      )
      .then((answered) => {
        this.#calls.delete(question)
        this.#answer(question, answered)
      })
  }

  #spawn(
    question: number,
    parentSerial: number,
    definition: string,
    host: string,
    args: CrossedPayload,
    monitor: boolean,
    link: boolean,
  ): void {
    const parent = this.#own.processes.get(parentSerial)
    const spawned = async (): Promise<string> => {
      if (parent === undefined) throw ended()
      const { frame } = parent
      const child = this.#deps.kernel.spawn({ definition, host, args, frame, parent, monitor, link })
      await child.starting
      return child.pid
    }
    spawned().then(
      (pid) => this.#answer(question, [ANSWER.value, pid]),
      (error: unknown) => this.#answer(question, this.#failed(error)),
    )
  }

  #locate(target: string): unknown {
    const { kernel, cells } = this.#deps
    const process = kernel.find(target)
    const { mailboxMessages, mailboxBytes, messageBytes } = this.#limitsOf(process)
    const { index, generation } = cells.of(process.serial)
    return [process.serial, process.pid, index, generation, mailboxMessages, mailboxBytes, messageBytes]
  }

  /** What a process may be sent; one that is no Lua has the limits of trusted code. */
  #limitsOf(process: Process): SendLimits {
    if (process instanceof RemoteProcess) return process.thread.limitsOf(process)
    return sendLimits((process as { program?: Program }).program?.limits ?? trustedLimits)
  }

  #definition(id: string): number | null {
    const program = this.#deps.definition(id)
    return program === undefined ? null : this.#own.programs.of(program)
  }

  #function(id: string): readonly [program: number, maxSize: number] | null {
    const found = this.#own.generated ? undefined : this.#deps.functionProgram(id)
    return found === undefined ? null : [this.#own.programs.of(found.program), found.maxSize]
  }

  #evaluate(
    frameNumber: number,
    confined: boolean,
    action: string,
    resource: string,
    attributes: ValueMap | undefined,
  ): unknown {
    const frame = this.#frame(frameNumber)
    const { actor, scope } = (confined ? frame.confinement : frame) ?? {}
    return actor === undefined || scope === undefined ? 'deny' : scope.evaluate(actor, action, resource, attributes)
  }
}

function ended(): RuntimeError {
  return new RuntimeError('NotFound', 'process not found', { retryable: false })
}
