// What runs in a worker thread: a scheduler, a kernel and Lua engines of its own, for programs and processes that the main thread
// hands over. Messages between processes here never leave; everything else is the main thread's, and asked for.

import { type Clock, systemClock } from '../../core/clock.ts'
import { asRuntimeError, RuntimeError } from '../../core/error.ts'
import type { Frame } from '../../core/frame.ts'
import { dataModules, globalDataModules } from '../../features/data-modules.ts'
import { funcsFunctions } from '../../features/funcs/raw.ts'
import { decodeJson } from '../../features/json/decode.ts'
import { encodeJson } from '../../features/json/encode.ts'
import { payloadFunctions } from '../../features/payload.ts'
import { processFunctions } from '../../features/process/raw.ts'
import type { Channel } from '../../lua/channel.ts'
import { Engines } from '../../lua/engines.ts'
import { LuaProcess } from '../../lua/lua-process.ts'
import type { LuaModule } from '../../lua/module.ts'
import type { Program } from '../../lua/program.ts'
import { Offload } from '../../offload/offload.ts'
import { Kernel, type SpawnRequest } from '../../process/kernel.ts'
import {
  type Exit,
  noPayload,
  type Payload,
  type Process,
  type ProcessEvent,
  type ProcessFactory,
} from '../../process/process.ts'
import { ProcessHost } from '../../process/process-host.ts'
import { Scheduler } from '../../process/scheduler.ts'
import { Guard } from '../../security/guard.ts'
import { Cells, NO_CELL } from '../cells.ts'
import { Living } from '../living.ts'
import { LuaValues } from '../lua-values.ts'
import { ASK, DEFINE, TO_MAIN, TO_WORKER } from '../protocol.ts'
import { type CrossedPayload, remotePayload } from '../remote-payload.ts'
import { sayable } from '../sayable.ts'
import type { WorkerStart } from '../thread.ts'
import { Calls } from './calls.ts'
import { Definitions } from './definitions.ts'
import { Elsewhere } from './elsewhere.ts'
import { MainThread } from './main-thread.ts'
import { Mirror } from './mirror.ts'
import { limitsOf, OwnProcesses } from './own-processes.ts'
import { WorkerFunctions } from './worker-functions.ts'

type Handler = (fields: readonly never[], size: number) => void

/** Locations of other threads' processes that are remembered. */
const MAX_LOCATED = 4096

export class WorkerRuntime {
  readonly #start: WorkerStart
  readonly #clock: Clock = systemClock()
  readonly #main: MainThread
  readonly #kernel: Kernel
  readonly #engines: Engines
  readonly #cells: Cells
  readonly #functions: WorkerFunctions
  readonly #handlers: ReadonlyMap<number, Handler>
  readonly #told = new Definitions(() => this.#main)
  readonly #calls: Calls
  /** Current programs by definition, as far as somebody asked; null when there is none. */
  readonly #current = new Map<string, Program | null>()
  readonly #channels = new Map<number, Channel>()
  readonly #located = new Map<string, Elsewhere>()
  readonly #own: OwnProcesses
  readonly #host: ProcessHost | undefined

  constructor(start: WorkerStart) {
    this.#start = start
    this.#cells = new Cells(start.cells)
    const mirror = new Mirror({
      main: () => this.#main,
      introduce: (process) => this.#own.introduce(process),
      mention: (text) => this.#own.mention(text),
      channel: (id) => this.#channels.get(id),
    })
    this.#handlers = this.#operations()
    this.#main = new MainThread({
      port: start.port,
      shared: start.shared,
      extension: new LuaValues(mirror),
      handle: (code, fields, size) => this.#handlers.get(code)?.(fields as readonly never[], size),
      stoodStill: (ms) => scheduler.discount(ms),
    })
    const scheduler = new Scheduler({ turn: (running) => this.#main.running(running) })
    this.#kernel = new Kernel(scheduler, start.node, () => undefined, this.#clock)
    this.#kernel.outside = {
      find: (target) => this.#locate(target),
      factory: (id) => this.#factory(id),
      upgraded: (process) => {
        const { serial, definition } = process
        this.#main.say(TO_MAIN.upgraded, serial, definition, limitsOf(process))
      },
      met: (process) => this.#own.met(process),
      serial: () => this.#own.serial(),
    }
    this.#own = new OwnProcesses({
      main: () => this.#main,
      kernel: this.#kernel,
      living: new Living(start.living),
      shared: new Int32Array(start.shared),
      host: start.host,
      frameNumber: (frame) => this.#told.frameNumber(frame),
      programNumber: (program) => this.#told.programNumber(program),
    })
    if (start.host !== undefined) {
      this.#host = new ProcessHost(start.host, 'process', { clock: this.#clock })
      this.#kernel.hosts.set(start.host, this.#host)
    }
    this.#functions = new WorkerFunctions({
      main: this.#main,
      pool: (number, maxSize) => this.#calls.poolOf(this.#told.program(number), maxSize),
      frameNumber: (frame) => this.#told.frameNumber(frame),
    })
    this.#engines = this.#bootable(scheduler, mirror)
    this.#calls = new Calls({
      kernel: this.#kernel,
      clock: this.#clock,
      engineFor: (program) => this.#engines.get(program),
    })
  }

  async boot(): Promise<void> {
    await this.#engines.prepare({ generated: false })
    if (this.#start.generated) await this.#engines.prepare({ generated: true })
    this.#main.listen()
  }

  #bootable(scheduler: Scheduler, mirror: Mirror): Engines {
    const clock = this.#clock
    const own = [...globalDataModules({ clock }), ...dataModules({ clock, offload: new Offload({ clock }) })]
    const guard = new Guard({
      strict: this.#start.strict,
      denied: (frame, action, resource) =>
        void this.#main.say(TO_MAIN.denied, this.#told.frameNumber(frame), action, resource),
    })
    return new Engines(
      {
        scheduler,
        wasm: this.#start.wasm,
        modules: new ModulesHere(own, (name) => mirror.module(name)),
        baseModules: ['process', 'errors', 'payload', 'os'],
        raw: (engine) => ({
          ...payloadFunctions({ json: { encode: encodeJson, decode: decodeJson } })(engine),
          ...processFunctions({ kernel: this.#kernel, guard, spawnInThread: (request) => this.#spawn(request) })(
            engine,
          ),
          ...funcsFunctions({ functions: this.#functions, guard })(engine),
        }),
        print: (process, text, where) => void this.#main.say(TO_MAIN.print, process.pid, text, where),
        broken: (error) => this.#main.broken(error),
      },
      this.#kernel,
    )
  }

  // ---- what it is told ----

  #operations(): ReadonlyMap<number, Handler> {
    const running = (serial: number): Process | undefined => this.#kernel.bySerial(serial)
    return new Map<number, Handler>([
      [DEFINE.program, ([number, packed]) => this.#told.defineProgram(number, packed)],
      [DEFINE.frame, ([number, packed]) => this.#told.defineFrame(number, packed)],
      [TO_WORKER.frameGone, ([number]) => this.#told.forgetFrame(number)],
      [
        TO_WORKER.spawn,
        ([serial, host, program, frame, args, parentSerial, parentHost, awaited]) => {
          const parent = parentSerial === 0 ? undefined : { serial: parentSerial, host: parentHost }
          this.#startProcess(serial, host, this.#told.program(program), this.#told.frame(frame), args, parent, awaited)
        },
      ],
      [TO_WORKER.deliver, (fields, size) => this.#deliver(...(fields as unknown as Delivery), size)],
      [TO_WORKER.event, ([serial, ...event]) => running(serial)?.event(eventOf(event as unknown as EventFields))],
      [TO_WORKER.terminate, ([serial, error]) => running(serial)?.terminate(error)],
      [TO_WORKER.call, (fields) => this.#call(...(fields as unknown as CallFields))],
      [TO_WORKER.cancel, ([call]) => this.#calls.cancel(call)],
      [DEFINE.channel, ([id, serial, capacity]) => this.#openChannel(id, serial, capacity)],
      [
        TO_WORKER.push,
        ([id, value, onlyIfRoom]) => {
          const channel = this.#channels.get(id)
          if (onlyIfRoom) channel?.offer(value)
          else channel?.push(value)
        },
      ],
      [TO_WORKER.closeChannel, ([id]) => this.#channels.get(id)?.close()],
      [TO_WORKER.loosenChannel, ([id]) => this.#channels.get(id)?.loosen()],
      [TO_WORKER.retire, ([number]) => this.#retire(number)],
      [TO_WORKER.forget, () => this.#forget()],
      [TO_WORKER.host, ([, runs]) => this.#hostRuns(runs)],
      [TO_WORKER.meet, ([serial]) => this.#own.meet(serial)],
      [TO_WORKER.gcPercent, ([percent]) => this.#engines.setGcPercent(percent)],
      [TO_WORKER.charge, ([serial, cpu]) => charge(running(serial), cpu)],
      [TO_WORKER.report, ([question, collected]) => this.#report(question, collected)],
    ])
  }

  #hostRuns(runs: boolean): void {
    if (runs) {
      this.#host?.start()
    } else {
      this.#host?.close()
      // The main thread cancels them.
      this.#own.meetAll()
    }
  }

  #retire(number: number): void {
    const program = this.#told.forgetProgram(number)
    if (program === undefined) return
    this.#forget()
    this.#calls.retire(program)
    for (const engine of this.#engines.all()) engine.retire(program)
  }

  #forget(): void {
    this.#current.clear()
    this.#functions.forget()
  }

  // ---- processes ----

  #startProcess(
    serial: number,
    host: string,
    program: Program,
    frame: Frame,
    args: CrossedPayload,
    parent: { serial: number; host: string } | undefined,
    awaited: boolean,
  ): void {
    try {
      this.#own.expect(serial)
      this.#make(serial, host, program, frame, args, parent)
      if (awaited) this.#main.say(TO_MAIN.started, serial)
    } catch (error) {
      this.#own.forget(serial)
      this.#main.say(TO_MAIN.notStarted, serial, this.#failure(error))
    }
  }

  #make(
    serial: number,
    host: string,
    program: Program,
    frame: Frame,
    args: SpawnRequest['args'],
    parent: { serial: number; host: string } | undefined,
  ): LuaProcess {
    const over = (process: Process, exit: Exit): void => {
      this.#own.ended(process, exit)
      this.#kernel.remove(process, exit)
    }
    const init = this.#kernel.init(serial, host, frame, args, over, parent)
    const process = this.#engines.get(program).createProcess(program, init)
    this.#kernel.add(process)
    return process
  }

  /** Starts a process here when it belongs here, else asks the main thread to. Its relations are the main thread's in any case. */
  #spawn(request: SpawnRequest & { readonly parent: LuaProcess }): string | Promise<string> {
    const { definition, host, args, frame, parent, monitor, link } = request
    const program = this.#host !== undefined && host === this.#host.id ? this.#definition(definition) : null
    const mine =
      program !== null && !program.generated && frame.confinement === undefined && this.#host?.running === true
    if (!mine) {
      this.#own.introduce(parent)
      const kept = sayable(args)
      const asked = [parent.serial, definition, host, kept, monitor === true, link === true]
      return this.#main.request(undefined, ASK.spawn, ...asked) as Promise<string>
    }
    const by = { serial: parent.serial, host: parent.host }
    const process = this.#make(this.#own.serial(), host, program, frame, args, by)
    this.#own.started(process, parent, monitor === true, link === true)
    return process.pid
  }

  /** The current program of a definition; null when there is none. */
  #definition(id: string): Program | null {
    let program = this.#current.get(id)
    if (program === undefined) {
      const number = this.#main.ask(ASK.definition, id) as number | null
      program = number === null ? null : this.#told.program(number)
      if (program !== null) this.#current.set(id, program)
    }
    return program
  }

  /** What a process of this thread may go on as. */
  #factory(id: string): ProcessFactory | undefined {
    const program = this.#definition(id)
    if (program === null) return undefined
    if (program.generated && !this.#start.generated) {
      const message = `${id} was made at run time and runs in another thread: it can be spawned, not upgraded to`
      throw new RuntimeError('InvalidState', message, { retryable: false })
    }
    return this.#engines.get(program).factory(program)
  }

  #deliver(serial: number, topic: string, from: string, cell: number, values: CrossedPayload, size: number): void {
    const payload = remotePayload(values, this.#cells, cell, size)
    const process = this.#kernel.bySerial(serial)
    try {
      if (process === undefined) payload.read()
      else process.deliver(topic, from, payload)
    } catch (error) {
      // It ended on the way (PROMISES P1).
      payload.read()
      if (!(error instanceof RuntimeError)) throw error
    }
  }

  /** Where a process of another thread is; one of this thread by its name. Throws NotFound. */
  #locate(target: string): Process {
    const known = this.#located.get(target)
    if (known?.alive === true) return known
    const [serial, pid, index, generation, mailboxMessages, mailboxBytes, messageBytes] = this.#main.ask(
      ASK.locate,
      target,
    ) as [number, string, number, number, number, number, number]
    const here = this.#kernel.bySerial(serial)
    if (here !== undefined) return here
    const cell = { index, generation }
    const limits = { mailboxMessages, mailboxBytes, messageBytes }
    const found = new Elsewhere({ serial, pid, cell, limits, cells: this.#cells, main: this.#main })
    if (this.#located.size >= MAX_LOCATED) this.#located.clear()
    // Of one that is not counted nobody learns when it has ended.
    if (index !== NO_CELL) this.#located.set(pid, found)
    return found
  }

  // ---- calls of functions ----

  #call(call: number, program: number, maxSize: number, frame: number, args: CrossedPayload): void {
    const over = (error: RuntimeError | undefined, result: Payload | undefined): void => {
      try {
        // What the main thread keeps for a call it keeps no longer.
        this.#own.meetAll()
        this.#main.say(TO_MAIN.result, call, error, result && sayable(result))
      } catch (thrown) {
        this.#main.say(TO_MAIN.result, call, this.#failure(thrown), undefined)
      }
    }
    // Begun at once: the program may be retired by the very next word.
    this.#calls.run(call, this.#told.program(program), maxSize, this.#told.frame(frame), args).then(
      (result) => over(undefined, result),
      (error: unknown) => over(this.#failure(error), undefined),
    )
  }

  // ---- channels that modules of the main thread feed ----

  #openChannel(id: number, serial: number, capacity: number): void {
    const process = this.#kernel.bySerial(serial)
    if (!(process instanceof LuaProcess) || process.ended) return
    const channel = process.engine.newHostChannel(process, capacity < 0 ? Number.POSITIVE_INFINITY : capacity)
    this.#channels.set(id, channel)
    channel.onRelease = () => {
      this.#channels.delete(id)
      if (!process.ended) this.#main.say(TO_MAIN.channelCollected, id, channel.collected)
    }
  }

  #report(question: number, collected: boolean): void {
    if (collected) this.#engines.collect()
    this.#own.meetAll()
    const processes = [...this.#kernel.processes()].flatMap((process) => {
      const activity = this.#own.knows(process.serial) ? process.inspect?.() : undefined
      if (activity === undefined) return []
      const { state, coroutines, queued, cpu } = activity
      return [[process.serial, state, coroutines, queued, cpu, process.steps ?? 0]]
    })
    const { memoryUsed, handles } = this.#engines
    this.#main.say(TO_MAIN.report, question, memoryUsed, handles, this.#own.takeSlices(), processes)
  }

  /** A failure of ours is reported, and still an error for whoever waits. */
  #failure(thrown: unknown): RuntimeError {
    if (!(thrown instanceof RuntimeError)) this.#main.broken(thrown)
    return asRuntimeError(thrown)
  }
}

type Delivery = [number, string, string, number, CrossedPayload]
type CallFields = [number, number, number, number, CrossedPayload]
type EventFields = [
  kind: ProcessEvent['kind'],
  from: string,
  at: number,
  more: RuntimeError | string | readonly string[] | undefined,
  result: CrossedPayload | undefined,
]

/** What another thread did for it counts; beyond the limit that ends it. */
function charge(process: Process | undefined, cpu: number): void {
  try {
    if (process instanceof LuaProcess) process.charge(cpu)
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
  }
}

function eventOf([kind, from, at, more, result]: EventFields): ProcessEvent {
  switch (kind) {
    case 'pid.exit':
    case 'pid.link.down': {
      const exit: Exit =
        more === undefined
          ? { error: undefined, result: result ?? noPayload }
          : { error: more as RuntimeError, result: undefined }
      return { kind, from, at, exit }
    }
    case 'pid.cancel':
      return { kind, from, at, reason: String(more ?? '') }
    case 'pid.outdated':
      return { kind, from, at, sources: (more ?? []) as readonly string[] }
    default:
      return { kind, from, at }
  }
}

/** The modules this thread has of its own, and those of the main thread by their names. */
class ModulesHere extends Map<string, LuaModule> {
  readonly #mirror: (name: string) => LuaModule

  constructor(own: readonly LuaModule[], mirror: (name: string) => LuaModule) {
    super(own.map((module) => [module.name, module] as const))
    this.#mirror = mirror
  }

  override get(name: string): LuaModule {
    let module = super.get(name)
    if (module === undefined) {
      module = this.#mirror(name)
      this.set(name, module)
    }
    return module
  }
}
