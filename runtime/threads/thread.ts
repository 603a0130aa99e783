// One worker thread seen from the main thread: what it is told to run, what it reports, and the questions it asks. All relations
// of processes (names, links, monitors, groups) and everything modules hold stay here; over there Lua runs, and nothing else.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Clock } from '../core/clock.ts'
import { asRuntimeError, RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { ValueMap } from '../core/value.ts'
import type { LuaModule } from '../lua/module.ts'
import { type Limits, type Program, trustedLimits } from '../lua/program.ts'
import type { LuaModules } from '../lua/wasm.ts'
import type { Functions } from '../process/functions.ts'
import type { Kernel } from '../process/kernel.ts'
import {
  type Exit,
  noPayload,
  type Payload,
  type Process,
  type ProcessActivity,
  type ProcessEvent,
  type ProcessInit,
  settleExit,
} from '../process/process.ts'
import { type CellTable, requireRoom } from './cells.ts'
import { LuaValues } from './lua-values.ts'
import { type Answered, ModuleServer } from './module-server.ts'
import { Counted, Numbered } from './numbered.ts'
import { packFrame, packProgram } from './pack.ts'
import { Pipe } from './pipe.ts'
import { ANSWER, ASK, DEFINE, SHARED, TO_MAIN, TO_WORKER, WORKER_STATE } from './protocol.ts'
import { type CrossedPayload, remotePayload } from './remote-payload.ts'
import { RemoteProcess, type RemoteThread } from './remote-process.ts'
import { sayable } from './sayable.ts'

/** A function as a worker may run it by itself. */
export interface FunctionProgram {
  readonly program: Program
  readonly maxSize: number
}

export interface ThreadDeps {
  readonly kernel: Kernel
  readonly functions: Functions
  readonly modules: ReadonlyMap<string, LuaModule>
  readonly wasm: LuaModules
  readonly cells: CellTable
  readonly clock: Clock
  /** The current program of a process definition; undefined when there is none. */
  readonly definition: (id: string) => Program | undefined
  /** The current program of a Lua function; undefined when it is none, or has to be called in the main thread. */
  readonly functionProgram: (id: string) => FunctionProgram | undefined
  readonly print: (pid: string, text: string, where: string) => void
  readonly denied: (frame: Frame, action: string, resource: string) => void
  readonly broken: (error: unknown) => void
  /** With `security.strict_mode`. */
  readonly strict: boolean
  /** Compiled entry of worker threads (worker.ts). */
  readonly entry: URL
}

export interface ThreadRole {
  readonly name: string
  /** Code made at run time, or that of a process host. */
  readonly generated: boolean
  /** The host whose processes run here, which may start others on it without asking. */
  readonly host: string | undefined
  /** Megabytes of JavaScript memory; Node's default unless given. */
  readonly heapMegabytes?: number
}

/** What the worker is started with. */
export interface WorkerStart {
  readonly port: MessagePort
  readonly shared: SharedArrayBuffer
  readonly cells: SharedArrayBuffer
  readonly wasm: LuaModules
  readonly generated: boolean
  readonly host: string | undefined
  readonly node: string
  readonly strict: boolean
}

interface Calling {
  readonly frame: Frame
  readonly resolve: (result: Payload) => void
  readonly reject: (error: RuntimeError) => void
}

interface Starting {
  readonly resolve: () => void
  readonly reject: (error: RuntimeError) => void
}

export class Thread implements RemoteThread {
  readonly role: ThreadRole
  readonly #deps: ThreadDeps
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #shared = new Int32Array(new SharedArrayBuffer(SHARED.words * 4))
  readonly #pipe: Pipe
  readonly #server: ModuleServer
  readonly #programs: Numbered<Program>
  readonly #frames: Counted<Frame>
  readonly #processes = new Map<number, RemoteProcess>()
  readonly #limits = new WeakMap<RemoteProcess, Limits>()
  readonly #starting = new Map<number, Starting>()
  /** Programs that have loaded here once: their next process need not be waited for. */
  readonly #loaded = new WeakSet<Program>()
  readonly #calls = new Map<number, Calling>()
  /** Calls of functions the worker waits for, by question. */
  readonly #asked = new Map<number, AbortController>()
  readonly #handlers: ReadonlyMap<number, (fields: readonly never[], size: number) => void>
  readonly #onLost: (error: RuntimeError) => void
  readonly #reports = new Map<number, () => void>()
  /** As last reported: bytes of its Lua states, and host objects they hold. */
  memoryUsed = 0
  handles = 0
  #lastReport = 0
  #lastCall = 0
  #lost = false
  #awake = true

  /** `onLost` is told once when the thread has ended by itself; everything in it has been reported as failed then. */
  constructor(role: ThreadRole, deps: ThreadDeps, onLost: (error: RuntimeError) => void) {
    this.role = role
    this.#deps = deps
    this.#onLost = onLost
    const say = (code: number, ...fields: unknown[]): void => void this.#pipe.say(code, ...fields)
    this.#server = new ModuleServer({ modules: deps.modules, say, broken: deps.broken })
    this.#programs = new Numbered((number, program) => say(DEFINE.program, number, packProgram(program)))
    this.#frames = new Counted(
      (number, frame) => say(DEFINE.frame, number, packFrame(frame)),
      (number) => say(TO_WORKER.frameGone, number),
    )
    this.#handlers = this.#operations()
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#pipe = new Pipe({
      extension: new LuaValues(this.#server),
      post: (bytes) => {
        port1.postMessage(bytes, [bytes.buffer])
        Atomics.add(this.#shared, SHARED.posted, 1)
        Atomics.notify(this.#shared, SHARED.posted)
      },
      handle: (code, fields, size) => this.#handlers.get(code)?.(fields as readonly never[], size),
      broken: deps.broken,
      consumed: (bytes) => {
        Atomics.add(this.#shared, SHARED.consumed, bytes)
        Atomics.notify(this.#shared, SHARED.consumed)
      },
    })
    port1.on('message', (bytes: Uint8Array) => {
      this.#pipe.receive(bytes)
      this.#pipe.pump()
    })
    this.#worker = this.#start(port2)
    this.#refresh()
  }

  #start(port: MessagePort): Worker {
    const { wasm, cells, kernel, strict, entry } = this.#deps
    const { name, generated, host, heapMegabytes } = this.role
    const workerData: WorkerStart = {
      port,
      shared: this.#shared.buffer as SharedArrayBuffer,
      cells: cells.cells.memory,
      wasm,
      generated,
      host,
      node: kernel.node,
      strict,
    }
    const worker = new Worker(entry, {
      workerData,
      transferList: [port],
      env: {},
      execArgv: [],
      name,
      ...(heapMegabytes === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } }),
    })
    worker.on('error', (error: Error) => this.#gone(`thread ${name} failed: ${error.message}`))
    worker.on('exit', () => this.#gone(`thread ${name} ended`))
    return worker
  }

  // ---- what it is told ----

  /** Starts a process there. Its `starting` settles when the code has loaded, unless it has loaded there before. */
  create(program: Program, init: ProcessInit): RemoteProcess {
    const args = sayable(init.args)
    const process = new RemoteProcess(this, program.code.id, init, this.#now())
    const frame = this.#frames.take(init.frame)
    const { parent } = init
    const known = this.#loaded.has(program)
    try {
      this.#pipe.say(
        TO_WORKER.spawn,
        init.serial,
        init.host,
        this.#programs.of(program),
        frame,
        args,
        parent?.serial ?? 0,
        parent?.host ?? '',
        !known,
      )
    } catch (error) {
      this.#frames.give(init.frame)
      throw error
    }
    this.#limits.set(process, program.limits)
    this.#processes.set(init.serial, process)
    if (!known) {
      process.starting = new Promise((resolve, reject) => {
        this.#starting.set(init.serial, {
          resolve: () => {
            this.#loaded.add(program)
            resolve()
          },
          reject,
        })
      })
      // Whoever wants to know asks; nobody has to.
      process.starting.catch(() => undefined)
    }
    this.#refresh()
    return process
  }

  /** Calls a function whose code is this program, on a worker of a pool over there. */
  call(program: Program, maxSize: number, args: Payload, frame: Frame, signal: AbortSignal): Promise<Payload> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastCall
      const number = this.#frames.take(frame)
      const cancel = (): void => void this.#pipe.say(TO_WORKER.cancel, id)
      const done = (): void => {
        signal.removeEventListener('abort', cancel)
        this.#frames.give(frame)
        this.#refresh()
      }
      this.#calls.set(id, {
        frame,
        resolve: (result) => {
          done()
          resolve(result)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      try {
        this.#pipe.say(TO_WORKER.call, id, this.#programs.of(program), maxSize, number, sayable(args))
      } catch (error) {
        this.#calls.delete(id)
        done()
        reject(error)
        return
      }
      signal.addEventListener('abort', cancel)
      this.#refresh()
    })
  }

  deliver(process: RemoteProcess, topic: string, from: string, payload: Payload): void {
    const { cells } = this.#deps
    const limits = this.#limits.get(process) ?? trustedLimits
    const cell = cells.of(process.serial)
    requireRoom(cells.cells, cell, process.pid, limits)
    const limit = Math.min(limits.messageBytes, payload.limit ?? limits.messageBytes)
    const size = this.#pipe.sayWithin(
      limit,
      TO_WORKER.deliver,
      process.serial,
      topic,
      from,
      cell.index,
      sayable(payload),
    )
    cells.cells.add(cell.index, size)
  }

  /** Passes on a message of another thread, which its sender has counted. */
  forward(serial: number, topic: string, from: string, cell: number, values: CrossedPayload): void {
    this.#pipe.say(TO_WORKER.deliver, serial, topic, from, cell, values)
  }

  event(process: RemoteProcess, event: ProcessEvent): void {
    const { serial } = process
    const { kind, from, at } = event
    if (kind === 'pid.exit' || kind === 'pid.link.down') {
      settleExit(
        event.exit,
        (result) => void this.#pipe.say(TO_WORKER.event, serial, kind, from, at, undefined, sayable(result)),
        (error) => void this.#pipe.say(TO_WORKER.event, serial, kind, from, at, error, undefined),
      )
    } else {
      const more = kind === 'pid.cancel' ? event.reason : kind === 'pid.outdated' ? event.sources : undefined
      this.#pipe.say(TO_WORKER.event, serial, kind, from, at, more)
    }
  }

  terminate(process: RemoteProcess, error: RuntimeError): void {
    this.#pipe.say(TO_WORKER.terminate, process.serial, error)
  }

  /** No new process or call will use this program. */
  retire(program: Program): void {
    const number = this.#programs.forget(program)
    if (number !== undefined) this.#pipe.say(TO_WORKER.retire, number)
  }

  /** What it was told of definitions and functions may be out of date. */
  forget(): void {
    this.#pipe.say(TO_WORKER.forget)
  }

  /** Whether processes may be started on its host. */
  hostRunning(running: boolean): void {
    this.#pipe.say(TO_WORKER.host, this.role.host, running)
  }

  gcPercent(percent: number): void {
    this.#pipe.say(TO_WORKER.gcPercent, percent)
  }

  // ---- how it is ----

  /** Asks for fresh figures, after a full collection if wanted; resolves without them when the thread has no time. */
  refresh(collected: boolean): Promise<void> {
    const question = ++this.#lastReport
    this.#pipe.say(TO_WORKER.report, question, collected)
    return new Promise((resolve) => {
      const timer = this.#deps.clock.after(REPORT_MS, () => done())
      const done = (): void => {
        timer.cancel()
        this.#reports.delete(question)
        resolve()
      }
      this.#reports.set(question, done)
    })
  }

  #reported(question: number, memory: number, handles: number, processes: readonly Activity[]): void {
    this.memoryUsed = memory
    this.handles = handles
    for (const [serial, state, coroutines, queued, cpu, steps] of processes) {
      const process = this.#processes.get(serial)
      if (process === undefined) continue
      process.activity = { state, coroutines, queued, cpu }
      process.steps = steps
    }
    this.#reports.get(question)?.()
  }

  /** Processes that run in it, those of calls included as far as others may have met them. */
  get processCount(): number {
    return this.#processes.size
  }

  /** Something in it has not ended. */
  get busy(): boolean {
    return this.#processes.size > 0 || this.#calls.size > 0
  }

  get lost(): boolean {
    return this.#lost
  }

  /** Turns of its loop so far, or undefined while it runs nothing or waits for the main thread. */
  get beat(): number | undefined {
    const running = Atomics.load(this.#shared, SHARED.state) === WORKER_STATE.running
    return running ? Atomics.load(this.#shared, SHARED.beat) : undefined
  }

  /** Ends the thread at once; what ran in it ends with this error. */
  async kill(error: RuntimeError): Promise<void> {
    this.#lose(error)
    await this.#worker.terminate()
  }

  #gone(message: string): void {
    if (this.#lost) return
    const error = new RuntimeError('Internal', message)
    this.#lose(error)
    this.#onLost(error)
  }

  #lose(error: RuntimeError): void {
    if (this.#lost) return
    this.#lost = true
    this.#pipe.close()
    this.#port.close()
    for (const { reject } of this.#calls.values()) reject(error)
    this.#calls.clear()
    for (const { reject } of this.#starting.values()) reject(error)
    this.#starting.clear()
    for (const abort of this.#asked.values()) abort.abort()
    for (const done of [...this.#reports.values()]) done()
    this.#server.close()
    const processes = [...this.#processes.values()]
    this.#processes.clear()
    for (const process of processes) process.end({ error, result: undefined })
  }

  /** The thread keeps the program alive while something in it has not ended. */
  #refresh(): void {
    if (this.busy === this.#awake || this.#lost) return
    this.#awake = this.busy
    if (this.#awake) {
      this.#worker.ref()
      this.#port.ref()
    } else {
      this.#worker.unref()
      this.#port.unref()
    }
  }

  #now(): number {
    return Number(this.#deps.clock.wallNanos() / 1_000_000n)
  }

  // ---- what it reports and asks ----

  #operations(): ReadonlyMap<number, (fields: readonly never[], size: number) => void> {
    const { kernel, broken, print, denied } = this.#deps
    const operations: [number, (fields: readonly never[], size: number) => void][] = [
      [TO_MAIN.introduce, (fields) => this.#introduce(...(fields as unknown as Introduction))],
      [TO_MAIN.announce, (fields) => this.#announce(...(fields as unknown as Announcement))],
      [
        TO_MAIN.started,
        ([serial]) => {
          this.#starting.get(serial)?.resolve()
          this.#starting.delete(serial)
        },
      ],
      [TO_MAIN.notStarted, ([serial, error]) => this.#notStarted(serial, error)],
      [TO_MAIN.ended, ([serial, error, result, steps]) => this.#ended(serial, error, result, steps)],
      [TO_MAIN.upgraded, ([serial, definition]) => this.#processes.get(serial)?.upgraded(definition)],
      [
        TO_MAIN.deliver,
        ([serial, topic, from, cell, values], size) => this.#route(serial, topic, from, cell, values, size),
      ],
      [
        TO_MAIN.result,
        ([id, error, result]) => {
          const calling = this.#calls.get(id)
          this.#calls.delete(id)
          if (error !== undefined) calling?.reject(error)
          else calling?.resolve(result)
        },
      ],
      [
        TO_MAIN.abort,
        ([question]) => {
          this.#server.abort(question)
          this.#asked.get(question)?.abort()
        },
      ],
      [TO_MAIN.released, ([number, mentions]) => this.#server.released(number, mentions)],
      [TO_MAIN.channelCollected, ([channel, how]) => this.#server.channelCollected(channel, how)],
      [TO_MAIN.print, ([pid, text, where]) => print(pid, text, where)],
      [
        TO_MAIN.report,
        ([question, memory, handles, processes]) => this.#reported(question, memory, handles, processes),
      ],
      [TO_MAIN.broken, ([text]) => broken(new Error(text))],
      [
        TO_MAIN.denied,
        ([number, action, resource]) => {
          const frame = this.#frames.get(number)
          if (frame !== undefined) denied(frame, action, resource)
        },
      ],
      [
        ASK.invoke,
        ([question, serial, number, where, args, standsStill]) => {
          const process = this.#processes.get(serial)
          const answer = (answered: Answered): void => this.#answer(question, answered)
          if (process === undefined) answer([ANSWER.error, ended()])
          else this.#server.invoke(question, process, number, where, args, standsStill, answer)
        },
      ],
      [
        ASK.call,
        ([question, number, id, args]) => {
          const abort = new AbortController()
          this.#asked.set(question, abort)
          const frame = this.#frames.get(number)
          const called =
            frame === undefined
              ? Promise.reject(ended())
              : Promise.resolve().then(() => this.#deps.functions.callPayload(id, args, frame, abort.signal))
          called
            .then(
              (result: Payload): Answered => [ANSWER.value, sayable(result)],
              (error: unknown): Answered => [ANSWER.error, asRuntimeError(error)],
            )
            .then((answered) => {
              this.#asked.delete(question)
              this.#answer(question, answered)
            })
        },
      ],
      [ASK.spawn, (fields) => this.#spawnFor(...(fields as unknown as SpawnQuestion))],
    ]
    const questions: [number, (...fields: never[]) => unknown][] = [
      [ASK.locate, (target: string) => this.#locate(target)],
      [ASK.definition, (id: string) => this.#definition(id)],
      [ASK.function, (id: string) => this.#function(id)],
      [ASK.open, (name: string) => this.#server.open(name)],
      [ASK.inspect, (number: number, what: number, argument: unknown) => this.#server.inspect(number, what, argument)],
      [ASK.serials, () => kernel.grantSerials(SERIALS_AT_ONCE)],
      [
        ASK.evaluate,
        (number: number, confined: boolean, action: string, resource: string, attributes: ValueMap | undefined) =>
          this.#evaluate(number, confined, action, resource, attributes),
      ],
    ]
    for (const [code, ask] of questions) {
      operations.push([code, ([question, ...fields]) => this.#answerTo(question, () => ask(...fields))])
    }
    return new Map(operations)
  }

  #answer(question: number, [how, value]: Answered): void {
    if (this.#lost) return
    try {
      this.#pipe.say(TO_WORKER.answer, question, how, value)
    } catch (error) {
      this.#pipe.say(TO_WORKER.answer, question, ANSWER.error, asRuntimeError(error))
    }
    // It may be standing still for this.
    this.#pipe.flush()
  }

  #answerTo(question: number, ask: () => unknown): void {
    try {
      this.#answer(question, [ANSWER.value, ask()])
    } catch (error) {
      if (!(error instanceof RuntimeError)) this.#deps.broken(error)
      this.#answer(question, [ANSWER.error, asRuntimeError(error)])
    }
  }

  /** A process over there that others have not met: the one of a function call. */
  #introduce(
    serial: number,
    host: string,
    definition: string,
    frameNumber: number,
    parentSerial: number,
    parentHost: string,
  ): void {
    const { kernel } = this.#deps
    const frame = this.#frames.get(frameNumber)
    if (frame === undefined) throw new Error(`thread ${this.role.name}: no frame ${frameNumber}`)
    const parent = parentSerial === 0 ? undefined : { serial: parentSerial, host: parentHost }
    const over = (process: Process, exit: Exit): void => kernel.remove(process, exit)
    const init = kernel.init(serial, host, frame, noPayload, over, parent)
    kernel.add(this.#adopt(init, definition, frame))
  }

  /** A process it has started on its host. */
  #announce(
    serial: number,
    host: string,
    definition: string,
    frameNumber: number,
    parentSerial: number,
    monitor: boolean,
    link: boolean,
  ): void {
    const { kernel } = this.#deps
    const frame = this.#frames.get(frameNumber)
    if (frame === undefined) throw new Error(`thread ${this.role.name}: no frame ${frameNumber}`)
    kernel.spawn({
      definition,
      host,
      args: noPayload,
      frame,
      parent: kernel.bySerial(parentSerial),
      monitor,
      link,
      made: { serial, create: (init) => this.#adopt(init, definition, frame) },
    })
  }

  #adopt(init: ProcessInit, definition: string, frame: Frame): RemoteProcess {
    const process = new RemoteProcess(this, definition, init, this.#now())
    this.#frames.take(frame)
    this.#processes.set(init.serial, process)
    this.#refresh()
    return process
  }

  #notStarted(serial: number, error: RuntimeError): void {
    const process = this.#forgetProcess(serial)
    const starting = this.#starting.get(serial)
    this.#starting.delete(serial)
    if (process === undefined) return
    // Whoever started it is told so, and nobody else: there never was such a process.
    process.neverStarted = starting !== undefined
    process.end({ error, result: undefined })
    starting?.reject(error)
  }

  #ended(serial: number, error: RuntimeError | undefined, result: CrossedPayload | undefined, steps: number): void {
    const process = this.#forgetProcess(serial)
    if (process === undefined) return
    process.steps = steps
    process.end(error === undefined ? { error, result: result ?? noPayload } : { error, result: undefined })
  }

  #forgetProcess(serial: number): RemoteProcess | undefined {
    const process = this.#processes.get(serial)
    if (process === undefined) return undefined
    this.#processes.delete(serial)
    this.#frames.give(process.frame)
    this.#refresh()
    return process
  }

  #route(serial: number, topic: string, from: string, cell: number, values: CrossedPayload, size: number): void {
    const { kernel, cells } = this.#deps
    const target = kernel.bySerial(serial)
    if (target instanceof RemoteProcess && target.thread instanceof Thread) {
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

  #locate(target: string): unknown {
    const { kernel, cells } = this.#deps
    const process = kernel.find(target)
    const limits = limitsOf(process, this.#limits)
    const { index, generation } = cells.of(process.serial)
    return [
      process.serial,
      process.pid,
      index,
      generation,
      limits.mailboxMessages,
      limits.mailboxBytes,
      limits.messageBytes,
    ]
  }

  #definition(id: string): unknown {
    const program = this.#deps.definition(id)
    return program === undefined ? null : this.#programs.of(program)
  }

  #function(id: string): unknown {
    const found = this.role.generated ? undefined : this.#deps.functionProgram(id)
    return found === undefined ? null : [this.#programs.of(found.program), found.maxSize]
  }

  #evaluate(
    number: number,
    confined: boolean,
    action: string,
    resource: string,
    attributes: ValueMap | undefined,
  ): unknown {
    const frame = this.#frames.get(number)
    const actor = confined ? frame?.confinement?.actor : frame?.actor
    const scope = confined ? frame?.confinement?.scope : frame?.scope
    return actor === undefined || scope === undefined ? 'deny' : scope.evaluate(actor, action, resource, attributes)
  }

  #spawnFor(
    question: number,
    parentSerial: number,
    definition: string,
    host: string,
    args: CrossedPayload,
    monitor: boolean,
    link: boolean,
  ): void {
    const { kernel } = this.#deps
    const parent = this.#processes.get(parentSerial)
    if (parent === undefined) {
      this.#answer(question, [ANSWER.error, ended()])
      return
    }
    let child: Process
    try {
      child = kernel.spawn({ definition, host, args, frame: parent.frame, parent, monitor, link })
    } catch (error) {
      this.#answer(question, [ANSWER.error, asRuntimeError(error)])
      return
    }
    if (child.starting === undefined) this.#answer(question, [ANSWER.value, child.pid])
    else
      child.starting.then(
        () => this.#answer(question, [ANSWER.value, child.pid]),
        (error: unknown) => this.#answer(question, [ANSWER.error, asRuntimeError(error)]),
      )
  }
}

type Activity = [number, ProcessActivity['state'], number, number, number, number]
type Introduction = [number, string, string, number, number, string]
type Announcement = [number, string, string, number, number, boolean, boolean]
type SpawnQuestion = [number, number, string, string, CrossedPayload, boolean, boolean]

const SERIALS_AT_ONCE = 4096
/** How long figures are waited for. */
const REPORT_MS = 500

function ended(): RuntimeError {
  return new RuntimeError('NotFound', 'process not found', { retryable: false })
}

/** What a process may be sent; one that is no Lua has the limits of trusted code. */
function limitsOf(process: Process, remote: WeakMap<RemoteProcess, Limits>): Limits {
  if (process instanceof RemoteProcess) return remote.get(process) ?? trustedLimits
  return (process as { program?: Program }).program?.limits ?? trustedLimits
}
