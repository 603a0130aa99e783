// One worker thread seen from the main thread: how it is started, what it is told to run, and its end. What it reports and asks is
// the desk's (desk.ts). All relations of processes stay in the main thread: over there Lua runs, and nothing else.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Clock } from '../core/clock.ts'
import { RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { LuaModule } from '../lua/module.ts'
import type { Program } from '../lua/program.ts'
import type { LuaModules } from '../lua/wasm.ts'
import { type Payload, type ProcessEvent, type ProcessInit, settleExit } from '../process/process.ts'
import { requireRoom, type SendLimits, sendLimits } from './cells.ts'
import { Desk, type DeskDeps } from './desk.ts'
import { Living } from './living.ts'
import { LuaValues } from './lua-values.ts'
import { ModuleServer } from './module-server.ts'
import { Counted, Numbered } from './numbered.ts'
import { packFrame, packProgram } from './pack.ts'
import { Pipe } from './pipe.ts'
import { DEFINE, SHARED, TO_MAIN, TO_WORKER, WORKER_STATE } from './protocol.ts'
import type { CrossedPayload } from './remote-payload.ts'
import { RemoteProcess, type RemoteThread } from './remote-process.ts'
import { type ActivityReport, RemoteProcesses } from './remote-processes.ts'
import { sayable } from './sayable.ts'

export interface ThreadDeps extends DeskDeps {
  readonly modules: ReadonlyMap<string, LuaModule>
  readonly wasm: LuaModules
  readonly clock: Clock
  /** With `security.strict_mode`. */
  readonly strict: boolean
  /** Compiled entry of worker threads (worker/worker.ts). */
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
  readonly living: SharedArrayBuffer
  readonly wasm: LuaModules
  readonly generated: boolean
  readonly host: string | undefined
  readonly node: string
  readonly strict: boolean
}

type ReportFields = [number, number, number, number, readonly ActivityReport[]]

interface Calling {
  readonly resolve: (result: Payload) => void
  readonly reject: (error: RuntimeError) => void
}

/** How long figures are waited for. */
const REPORT_MS = 500

export class Thread implements RemoteThread {
  readonly role: ThreadRole
  readonly #deps: ThreadDeps
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #shared = new Int32Array(new SharedArrayBuffer(SHARED.words * 4))
  readonly #pipe: Pipe
  readonly #desk: Desk
  readonly #programs: Numbered<Program>
  readonly #frames: Counted<Frame>
  readonly #processes: RemoteProcesses
  readonly #calls = new Map<number, Calling>()
  readonly #reports = new Map<number, () => void>()
  readonly #living = new Living()
  readonly #onLost: (error: RuntimeError) => void
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
    const server = new ModuleServer({ modules: deps.modules, say, broken: deps.broken })
    this.#programs = new Numbered((number, program) => say(DEFINE.program, number, packProgram(program)))
    this.#frames = new Counted(
      (number, frame) => say(DEFINE.frame, number, packFrame(frame)),
      (number) => say(TO_WORKER.frameGone, number),
    )
    this.#processes = new RemoteProcesses(this.#frames, () => this.#keepAwake())
    this.#desk = new Desk(deps, {
      thread: this,
      name: role.name,
      generated: role.generated,
      processes: this.#processes,
      programs: this.#programs,
      frames: this.#frames,
      server,
      living: this.#living,
      say: (code, ...fields) => {
        say(code, ...fields)
        this.#pipe.flush()
      },
      now: () => this.#now(),
    })
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#pipe = new Pipe({
      extension: new LuaValues(server),
      post: (bytes) => {
        port1.postMessage(bytes, [bytes.buffer])
        Atomics.add(this.#shared, SHARED.posted, 1)
        Atomics.notify(this.#shared, SHARED.posted)
      },
      handle: (code, fields, size) => this.#handle(code, fields, size),
      broken: deps.broken,
      garbled: (error) => this.#garbled(error),
      consumed: (bytes) => {
        Atomics.add(this.#shared, SHARED.consumed, bytes)
        Atomics.notify(this.#shared, SHARED.consumed)
      },
    })
    port1.on('message', (bytes: Uint8Array) => {
      this.#pipe.receive(bytes)
      this.#pipe.pumpLater()
    })
    this.#worker = this.#start(port2)
    this.#keepAwake()
  }

  #start(port: MessagePort): Worker {
    const { wasm, cells, kernel, strict, entry } = this.#deps
    const { name, generated, host, heapMegabytes } = this.role
    const workerData: WorkerStart = {
      port,
      shared: this.#shared.buffer as SharedArrayBuffer, // made as one above
      cells: cells.cells.memory,
      living: this.#living.memory,
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
    const { serial, host, parent } = init
    const process = new RemoteProcess(this, program.code.id, init, this.#now())
    const frame = this.#frames.take(init.frame)
    const awaited = !this.#processes.hasLoaded(program)
    const by = [parent?.serial ?? 0, parent?.host ?? '']
    try {
      const number = this.#programs.of(program)
      this.#pipe.say(TO_WORKER.spawn, serial, host, number, frame, sayable(init.args), ...by, awaited)
    } catch (error) {
      this.#frames.give(init.frame)
      throw error
    }
    if (awaited) this.#processes.awaitStart(process, program)
    this.#processes.add(process, sendLimits(program.limits))
    return process
  }

  /** Calls a function whose code is this program, on a worker of a pool over there. */
  call(program: Program, maxSize: number, args: Payload, frame: Frame, signal: AbortSignal): Promise<Payload> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastCall
      const number = this.#frames.take(frame)
      const cancel = (): void => void this.#pipe.say(TO_WORKER.cancel, id)
      const over = (): void => {
        this.#calls.delete(id)
        signal.removeEventListener('abort', cancel)
        this.#frames.give(frame)
        this.#keepAwake()
      }
      const calling: Calling = {
        resolve(result) {
          over()
          resolve(result)
        },
        reject(error) {
          over()
          reject(error)
        },
      }
      this.#calls.set(id, calling)
      signal.addEventListener('abort', cancel)
      this.#keepAwake()
      try {
        this.#pipe.say(TO_WORKER.call, id, this.#programs.of(program), maxSize, number, sayable(args))
      } catch (error) {
        calling.reject(error as RuntimeError) // an argument that cannot cross
      }
    })
  }

  deliver(process: RemoteProcess, topic: string, from: string, payload: Payload): void {
    const { cells } = this.#deps
    const { serial } = process
    const limits = this.limitsOf(process)
    const cell = cells.of(serial)
    requireRoom(cells.cells, cell, process.pid, limits)
    const limit = Math.min(limits.messageBytes, payload.limit ?? limits.messageBytes)
    const size = this.#pipe.sayWithin(limit, TO_WORKER.deliver, serial, topic, from, cell.index, sayable(payload))
    cells.cells.add(cell.index, size)
  }

  forward(serial: number, topic: string, from: string, cell: number, values: CrossedPayload): void {
    this.#pipe.say(TO_WORKER.deliver, serial, topic, from, cell, values)
  }

  limitsOf(process: RemoteProcess): SendLimits {
    return this.#processes.limitsOf(process)
  }

  queued({ serial }: RemoteProcess): number {
    const { cells } = this.#deps
    return cells.cells.count(cells.of(serial).index)
  }

  event({ serial }: RemoteProcess, event: ProcessEvent): void {
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

  terminate({ serial }: RemoteProcess, error: RuntimeError): void {
    this.#pipe.say(TO_WORKER.terminate, serial, error)
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

  // ---- what it says ----

  #handle(code: number, fields: readonly unknown[], size: number): void {
    if (code === TO_MAIN.result) {
      const [id, error, result] = fields as [number, RuntimeError | undefined, Payload] // of this operation
      if (error === undefined) this.#calls.get(id)?.resolve(result)
      else this.#calls.get(id)?.reject(error)
    } else if (code === TO_MAIN.report) {
      const [question, memory, handles, slices, processes] = fields as ReportFields
      const host = this.role.host === undefined ? undefined : this.#deps.kernel.hosts.get(this.role.host)
      if (host !== undefined) host.executed += slices
      this.memoryUsed = memory
      this.handles = handles
      this.#processes.reported(processes)
      this.#reports.get(question)?.()
    } else if (!this.#desk.handle(code, fields, size)) {
      throw new Error(`thread ${this.role.name} said ${code}`)
    }
  }

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

  // ---- how it is ----

  /** Processes that run in it, those of calls included as far as others may have met them. */
  get processCount(): number {
    return this.#processes.size + Atomics.load(this.#shared, SHARED.unmet)
  }

  /** A process of its host that it has not told of; undefined when no living one has this serial. */
  meet(serial: number): RemoteProcess | undefined {
    const { host } = this.role
    return this.#lost || host === undefined ? undefined : this.#desk.meet(serial, host)
  }

  /** All processes of its host that it has not told of. */
  meetAll(): void {
    for (const serial of this.#living.serials()) if (this.#processes.get(serial) === undefined) this.meet(serial)
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

  /** What it says cannot be read: nothing that follows can be trusted. */
  #garbled(cause: unknown): void {
    this.#deps.broken(cause)
    const error = new RuntimeError('Internal', `thread ${this.role.name} cannot be understood`, { cause })
    this.#lose(error)
    this.#onLost(error)
    void this.#worker.terminate()
  }

  #lose(error: RuntimeError): void {
    if (this.#lost) return
    this.#lost = true
    this.#pipe.close()
    this.#port.close()
    for (const { reject } of [...this.#calls.values()]) reject(error)
    for (const done of [...this.#reports.values()]) done()
    this.#desk.close()
    this.#processes.lose(error)
  }

  /** The thread keeps the program alive while something in it has not ended. */
  #keepAwake(): void {
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
}
