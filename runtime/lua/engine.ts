// Runs Lua processes on one WebAssembly instance: slices, waiting, preemption, VMs of programs. The trusted code of a thread
// shares one engine; code made at run time has one of its own. A trap ends the engine's processes; the owner makes a new one.

import { cpuUsage } from 'node:process'
import { asRuntimeError, RuntimeError } from '../core/error.ts'
import type { Payload, Process, ProcessFactory, ProcessInit } from '../process/process.ts'
import { type Scheduler, SLICE_MS } from '../process/scheduler.ts'
import { builtinFunctions } from './builtins.ts'
import { Channel, channelFunctions, isStranded } from './channel.ts'
import { Coroutine } from './coroutine.ts'
import { DetachedPayload } from './detached.ts'
import { FlatPayload, pushFlat } from './flat-wire.ts'
import { HostFunctions } from './host-functions.ts'
import { LuaInstance, LuaTrap, type RawFunctions } from './instance.ts'
import { KEY } from './keys.ts'
import { LuaProcess } from './lua-process.ts'
import { Marshal } from './marshal.ts'
import { type LuaModule, LuaRaise } from './module.ts'
import type { Program } from './program.ts'
import { StackPayload } from './stack-payload.ts'
import { StatelessCode } from './stateless.ts'
import { AWAIT, YIELD } from './trampolines.ts'
import { GC_PERCENT, VM, type VmDeps } from './vm.ts'
import { LUA, type LuaModules, REGISTRY, STATUS } from './wasm.ts'

/** One VM holds at most so many processes: a larger heap makes collector pauses longer (design ENGINE §6). */
const PROCESSES_PER_VM = 4096
/** Code that cannot yield (a C callback) is interrupted after this long, by an error. */
const HARD_MS = 90
const HARD_MS_GENERATED = 50
/** So many looks at a slice are those of a loop: loading all libraries of the flagship takes 300. */
const MANY_LOOKS = 5_000
/** A slice this much longer than it should be was made of few, slow instructions. */
const LONG_OVERRUN_MS = 15
/** A process whose slice took this long is busy (process/scheduler.ts). */
const LONG_SLICE_MS = 1
/** So many processes of a program run its chunk each before it is read for whether they could share one run. */
const RUNS_BEFORE_SHARING = 8
/** A chunk may start a process whose chunk starts a process: each stands on the native stack. */
const MAX_LOADING = 16
/** Between a host function and the program stand at most so many functions of the sandbox. */
const SANDBOX_CALLS = 4
/** What compiling one chunk may take. */
const SYNTAX_MEMORY = 256 << 20
const LOOK_EVERY_OPERATION = 7
const LOOK_EVERY_BLOCK = 15
const MASK_COUNT = 8

export interface EngineOptions {
  readonly name: string
  readonly scheduler: Scheduler
  readonly wasm: LuaModules
  /** Every module by name; those in `baseModules` need no grant. */
  readonly modules: ReadonlyMap<string, LuaModule>
  readonly baseModules: readonly string[]
  /** Functions written against the stack, besides the engine's own. */
  readonly raw?: (engine: LuaEngine) => RawFunctions
  /** A line of Lua's `print`, already joined. */
  readonly print: (process: Process, text: string, where: string) => void
  /** An error that is ours, not the program's. */
  readonly broken: (error: unknown) => void
}

export class LuaEngine {
  readonly lua: LuaInstance
  readonly marshal: Marshal
  readonly scheduler: Scheduler
  readonly options: EngineOptions
  readonly hostFunctions: HostFunctions
  /** The coroutine whose Lua code runs now. */
  current: Coroutine | null = null
  /** Function calls running inside one another's host call. */
  inlineDepth = 0
  /** Set when the running slice was cut off rather than made to wait. */
  preempted = false
  readonly #vms = new Map<Program, VM[]>()
  /** VMs of one process each. */
  readonly #isolated = new Set<VM>()
  readonly #retired = new Set<Program>()
  readonly #stateless: StatelessCode
  readonly #vmDeps: VmDeps
  #nested = 0
  /** Chunks that are loading, each inside the one before. */
  #loading = 0
  #syntaxState = 0
  #operations = 0
  #blocks = 0
  #onTrap: ((error: Error) => void) | null = null

  private constructor(options: EngineOptions) {
    this.options = options
    this.scheduler = options.scheduler
    this.lua = new LuaInstance(options.name)
    this.marshal = new Marshal(this.lua, options.name === 'generated')
    this.hostFunctions = new HostFunctions(this)
    this.#stateless = new StatelessCode(options.baseModules)
    this.#vmDeps = {
      lua: this.lua,
      baseModules: options.baseModules,
      functionIndex: (fn, name, self) => this.hostFunctions.indexOf(fn, name, self),
      typeKey: (type) => this.hostFunctions.typeKey(type),
      buildMetatable: (vm, thread, type) => this.hostFunctions.buildMetatable(vm, thread, type),
      open: new Set(),
      gcPercent: GC_PERCENT,
      building: undefined,
    }
  }

  static async create(options: EngineOptions): Promise<LuaEngine> {
    const engine = new LuaEngine(options)
    const raw: RawFunctions = {
      ...channelFunctions(engine),
      ...builtinFunctions(engine),
      ...engine.hostFunctions.raw(),
      ...options.raw?.(engine),
    }
    engine.lua.boot(options.wasm, raw, (thread) => engine.#hook(thread))
    engine.lua.pushThrown = (thread, thrown) => engine.#pushThrown(thread, thrown)
    engine.lua.answered = (thread) => engine.#answered(thread)
    return engine
  }

  /** Told once when the instance traps; every process has ended by then. */
  onTrap(listener: (error: Error) => void): void {
    this.#onTrap = listener
  }

  /** The VM that a sandbox is being set up in, or that of the running process. */
  get activeVm(): VM {
    const vm = this.#vmDeps.building ?? this.current?.process.vm
    if (vm === undefined) throw new Error('no Lua state is active')
    return vm
  }

  // ---- programs and VMs ----

  factory(program: Program): ProcessFactory {
    return { create: (init) => this.createProcess(program, init) }
  }

  /** Throws Invalid with file and line when a chunk does not compile. */
  checkSyntax(id: string, source: string): void {
    if (this.#syntaxState === 0) {
      const { lua } = this
      const { api } = lua
      const account = api.malloc(16)
      lua.setWord(account, 0)
      lua.setWord(account + 4, SYNTAX_MEMORY)
      this.#syntaxState = api.lua_newstate(lua.allocSlot, account)
    }
    this.lua.load(this.#syntaxState, source, `=${id}`)
    this.lua.api.lua_settop(this.#syntaxState, 0)
  }

  newVm(program: Program): VM {
    if (this.lua.dead) throw new RuntimeError('Unavailable', `the Lua instance ${this.lua.name} has failed`)
    return new VM(program, this.#vmDeps)
  }

  /** New processes will not use this program any more: its VMs are closed as they empty. */
  retire(program: Program): void {
    const vms = this.#vms.get(program)
    if (vms === undefined) return
    this.#retired.add(program)
    for (const vm of [...vms]) this.closeIfIdle(vm)
  }

  #vmFor(program: Program): VM {
    if (program.isolated === true) {
      const own = this.newVm(program)
      this.#isolated.add(own)
      return own
    }
    let vms = this.#vms.get(program)
    if (vms === undefined) {
      vms = []
      this.#vms.set(program, vms)
    }
    const last = vms[vms.length - 1]
    if (last !== undefined && last.processes < PROCESSES_PER_VM) return last
    const roomy = vms.find((vm) => vm.processes < PROCESSES_PER_VM / 2)
    if (roomy !== undefined) {
      vms.splice(vms.indexOf(roomy), 1)
      vms.push(roomy)
      return roomy
    }
    const vm = this.newVm(program)
    vms.push(vm)
    return vm
  }

  /** Closes a VM nobody is in: of a retired program, or one of many. */
  closeIfIdle(vm: VM): void {
    if (vm.closed || vm.processes > 0 || vm.activations > 0 || this.lua.dead) return
    if (this.#isolated.delete(vm)) {
      vm.close()
      return
    }
    const vms = this.#vms.get(vm.program)
    if (vms === undefined) return
    const retired = this.#retired.has(vm.program)
    if (!retired && vms.length === 1) return
    vms.splice(vms.indexOf(vm), 1)
    if (vms.length === 0) {
      this.#vms.delete(vm.program)
      this.#retired.delete(vm.program)
    }
    vm.close()
  }

  get vmCount(): number {
    let count = this.#isolated.size
    for (const vms of this.#vms.values()) count += vms.length
    return count
  }

  /** Full collection in every VM; for measurements and `system.gc`. */
  collect(): void {
    for (const vm of this.#vmDeps.open) vm.collect()
  }

  get gcPercent(): number {
    return this.#vmDeps.gcPercent
  }

  /** How much heaps grow, in percent, before they are collected again; for all VMs there are and will be. */
  setGcPercent(percent: number): void {
    this.#vmDeps.gcPercent = percent
    for (const vm of this.#vmDeps.open) vm.setGcPercent(percent)
  }

  /** Lua values the host keeps, in all VMs. */
  get parkedValues(): number {
    let parked = 0
    for (const vm of this.#vmDeps.open) parked += vm.parked
    return parked
  }

  /** Bytes used by all VMs, those of function calls included. */
  get memoryUsed(): number {
    let used = 0
    for (const vm of this.#vmDeps.open) used += vm.used
    return used
  }

  // ---- processes ----

  /** Loads the chunk at once (an error is the caller's) and queues the method for its first slice. */
  createProcess(program: Program, init: ProcessInit): LuaProcess {
    const vm = this.#vmFor(program)
    const process = new LuaProcess(this, vm, program, init)
    process.main = new Coroutine(vm.takeThread(), process)
    vm.processes++
    try {
      if (vm.sharesMethod) this.lua.api.lua_rawgetp(process.main.thread, REGISTRY, KEY.method)
      else this.loadMethod(process)
      if (++vm.begun === RUNS_BEFORE_SHARING && this.#stateless.has(program.code)) this.#shareMethod(process)
      this.start(process, init.args)
    } catch (error) {
      // What it began while it loaded (coroutines, names) must not go on without it.
      process.neverStarted = true
      process.end(asRuntimeError(error), 0, 0)
      throw error
    }
    return process
  }

  /** Runs the chunk and leaves the method on the main thread's stack. */
  loadMethod(process: LuaProcess): void {
    if (this.#loading >= MAX_LOADING) {
      throw new RuntimeError('LimitExceeded', `code that loads starts other code: more than ${MAX_LOADING} deep`, {
        retryable: false,
      })
    }
    this.#loading++
    const { thread } = process.main
    const { api } = this.lua
    const before = this.current
    // Loading counts against the slice of whoever spawns; at the top of the loop a new one begins.
    const slice = before === null ? 0 : this.scheduler.sliceStart
    this.current = process.main
    this.scheduler.sliceStart = 0
    process.vm.activations++
    let status: number
    try {
      api.lua_rawgetp(thread, REGISTRY, KEY.open)
      status = api.lua_pcallk(thread, 0, 1, 0, 0, 0)
    } catch (error) {
      throw this.#trapped(error)
    } finally {
      this.#loading--
      this.current = before
      this.scheduler.sliceStart = slice
      process.vm.activations--
    }
    if (status !== STATUS.ok) throw this.marshal.errorAt(process.vm, thread, status).wrap('failed to execute script')
    if (api.lua_type(thread, -1) !== LUA.function) {
      throw new RuntimeError('NotFound', `method ${JSON.stringify(process.program.method)} not found in module`, {
        retryable: false,
      })
    }
  }

  /** From here on processes of this VM begin with the method on top of the stack of `process`. */
  #shareMethod({ vm, main }: LuaProcess): void {
    vm.lift()
    this.lua.api.lua_pushvalue(main.thread, -1)
    this.lua.api.lua_rawsetp(main.thread, REGISTRY, KEY.method)
    vm.limit()
    vm.sharesMethod = true
  }

  /** Pushes the arguments after the method and queues the first slice. */
  start(process: LuaProcess, args: Payload): void {
    this.pushArguments(process, args)
    process.main.ready = true
    this.scheduler.enqueue(process.main)
  }

  pushArguments(process: LuaProcess, args: Payload): void {
    const { main, vm } = process
    vm.lift()
    try {
      this.lua.api.lua_checkstack(main.thread, args.length + 4)
      for (let i = 0; i < args.length; i++) this.pushPayload(args, i, main.thread, vm)
    } finally {
      vm.limit()
    }
    main.args = args.length
  }

  /** Pushes one value of a payload, copied directly when it stands on a stack of this engine. */
  pushPayload(payload: Payload, index: number, target: number, vm: VM): void {
    if (payload instanceof StackPayload && payload.engine === this) {
      if (index < payload.length) this.marshal.copy(payload.thread, payload.first + index, target, vm)
      else this.lua.api.lua_pushnil(target)
      return
    }
    if (payload instanceof FlatPayload) {
      if (index === 0) pushFlat(this.lua, vm, target, payload.bytes)
      else this.lua.api.lua_pushnil(target)
      return
    }
    const values = payload instanceof DetachedPayload ? payload.items : payload.values()
    this.marshal.push(vm, target, values[index])
  }

  /** True while Lua code of the process is on the native stack and not waiting there. */
  isRunning(process: LuaProcess): boolean {
    const running = (coroutine: Coroutine): boolean => coroutine.onStack > 0 && !coroutine.resident
    return running(process.main) || (process.coroutines?.some(running) ?? false)
  }

  // ---- slices ----

  runSlice(coroutine: Coroutine): void {
    const { process, thread } = coroutine
    if (thread === 0) return
    if (process.ended) {
      this.#reap(coroutine)
      return
    }
    const { vm } = process
    const from = this.current
    const { args } = coroutine
    coroutine.args = 0
    coroutine.ready = false
    this.current = coroutine
    // The CPU of code made at run time is counted exactly: slices too short for the hook would add up unseen.
    this.scheduler.sliceStart = process.program.generated ? this.scheduler.time() : 0
    this.preempted = false
    coroutine.onStack++
    vm.activations++
    let status: number
    try {
      status = this.lua.api.lua_resume(thread, from === null ? 0 : from.thread, args, this.lua.scratch)
    } catch (error) {
      this.current = from
      coroutine.onStack--
      vm.activations--
      this.#trapped(error)
      return
    }
    this.current = from
    coroutine.onStack--
    vm.activations--
    // Of trusted code a pause of the machine may have been the cause; code made at run time stays watched to its end.
    if (coroutine.watched && !process.program.generated) {
      coroutine.watched = false
      vm.resetHook(thread)
    }
    this.#account(process)
    if (process.ended) this.#reap(coroutine)
    else if (process.doomed !== null) this.#finish(process, process.doomed, 0, 0)
    else if (process.replacing !== null) this.#replace(process, process.replacing)
    else if (coroutine.dropped) process.dropCoroutine(coroutine)
    else if (status === STATUS.yield) this.#yielded(coroutine)
    else this.#returned(coroutine, status)
  }

  /** Counts the CPU of the slice that is over. */
  #account(process: LuaProcess): void {
    if (this.scheduler.sliceStart === 0) {
      process.busy = false
      return
    }
    const used = this.scheduler.time() - this.scheduler.sliceStart
    process.cpu += used
    process.charged += used
    process.busy = used > LONG_SLICE_MS
  }

  #yielded(coroutine: Coroutine): void {
    const { process } = coroutine
    if (this.#isOverCpu(process)) return
    if (this.preempted) {
      this.preempted = false
      coroutine.ready = true
      this.scheduler.enqueue(coroutine)
    } else if (coroutine.wait !== null) {
      this.#waited(process)
      if (process.stranded) this.#checkDeadlock(process)
    } else if (!coroutine.ready) {
      // A bare coroutine.yield() of a managed coroutine gives up the turn.
      coroutine.ready = true
      this.scheduler.enqueue(coroutine)
    }
  }

  /** Ends a process that has used more CPU than it may, and says so. */
  #isOverCpu(process: LuaProcess): boolean {
    const { cpu } = process.program.limits
    if (process.charged <= cpu) return false
    const error = new RuntimeError('LimitExceeded', `cpu limit of ${cpu} ms exceeded`, { retryable: false })
    this.#finish(process, error, 0, 0)
    return true
  }

  /** A process that waits is no endless loop; code made at run time has so much CPU in all. */
  #waited(process: LuaProcess): void {
    if (!process.program.generated) process.charged = 0
  }

  #returned(coroutine: Coroutine, status: number): void {
    const { process, thread } = coroutine
    if (status !== STATUS.ok) {
      this.#finish(process, this.marshal.errorAt(process.vm, thread, status), 0, 0)
    } else if (coroutine === process.main) {
      this.#finish(process, null, thread, this.lua.word(this.lua.scratch))
    } else {
      process.dropCoroutine(coroutine)
      if (process.stranded) this.#checkDeadlock(process)
    }
  }

  /** Nobody can go on when every coroutine is stranded and no message can arrive at any (spec/process.md §9). */
  #checkDeadlock(process: LuaProcess): void {
    const coroutines = process.allCoroutines()
    if (process.mailbox.listens || !coroutines.every(isStranded)) return
    const text = `deadlock: all coroutines blocked with no pending operations (threads=${coroutines.length})`
    this.#finish(process, new RuntimeError('Internal', text), 0, 0)
  }

  #finish(process: LuaProcess, error: RuntimeError | null, thread: number, results: number): void {
    process.end(error, thread, results)
    this.closeIfIdle(process.vm)
  }

  /** The running code asked for another process in its place, and has left the native stack. */
  #replace(process: LuaProcess, replace: () => void): void {
    process.replacing = null
    if (this.#isOverCpu(process)) return
    const started = this.scheduler.time()
    replace()
    process.passOn(this.scheduler.time() - started)
    this.closeIfIdle(process.vm)
  }

  /** A coroutine whose process ended while it was on the native stack. */
  #reap(coroutine: Coroutine): void {
    if (coroutine.onStack > 0 || coroutine.thread === 0) return
    const { vm } = coroutine.process
    coroutine.process.reaped(coroutine)
    this.closeIfIdle(vm)
  }

  /** Marks the instance dead and ends all its processes. Answers the error for the caller. */
  #trapped(thrown: unknown): Error {
    if (thrown instanceof LuaTrap) return thrown
    const error = new LuaTrap(`engine trap: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    if (this.lua.dead) return error
    this.lua.dead = true
    this.#onTrap?.(error)
    return error
  }

  get #slice(): number {
    return this.current?.process.program.limits.slice ?? SLICE_MS
  }

  // ---- waiting ----

  /** The current coroutine, or a Lua error where suspending is impossible (inside a C callback). */
  mustYield(thread: number): Coroutine {
    if (this.current === null || this.lua.api.lua_isyieldable(thread) === 0) {
      throw new LuaRaise('attempt to yield across a C-call boundary')
    }
    return this.current
  }

  /** The answer of a host function that has to wait: runs others meanwhile, and suspends if that did not help. */
  block(coroutine: Coroutine, thread: number): number {
    const mayNest =
      this.#nested === 0 &&
      this.inlineDepth === 0 &&
      thread === coroutine.thread &&
      ((++this.#blocks & LOOK_EVERY_BLOCK) !== 0 || this.scheduler.withinBudget())
    if (mayNest) {
      // What others use meanwhile is not its own, what it used so far is.
      this.#account(coroutine.process)
      this.#nested++
      coroutine.resident = true
      this.scheduler.runOthers(coroutine)
      coroutine.resident = false
      this.#nested--
      this.current = coroutine
      this.scheduler.sliceStart = coroutine.process.program.generated ? this.scheduler.time() : 0
      this.preempted = false
      if (coroutine.ready && !coroutine.process.ended && !coroutine.dropped) {
        this.#waited(coroutine.process)
        const { args } = coroutine
        coroutine.ready = false
        coroutine.args = 0
        return args
      }
    }
    return this.suspend(coroutine, thread)
  }

  /** Suspends without running others first. */
  suspend(coroutine: Coroutine, thread: number): number {
    if (thread !== coroutine.thread) coroutine.suspend(thread)
    return YIELD
  }

  /** `args` values on its stack are the answer it waited for. */
  wake(coroutine: Coroutine, args: number): void {
    coroutine.args = args
    coroutine.wait = null
    coroutine.given = null
    coroutine.ready = true
    if (!coroutine.resident) this.scheduler.enqueue(coroutine)
  }

  /**
   * Ends a host function that answered at once with `results` on the stack: every 8th looks at the clock, and all those of
   * code made at run time, for host calls take long without counting instructions.
   */
  endOperation(thread: number, results: number): number {
    const mustLook =
      (++this.#operations & LOOK_EVERY_OPERATION) === 0 || this.current?.process.program.generated === true
    if (!mustLook || !this.scheduler.sliceOver(this.#slice)) return results
    return this.giveUpTurn(thread, results)
  }

  /** Ends the turn if that is possible here; the results stay on the stack for the next resume. */
  giveUpTurn(thread: number, results: number): number {
    const coroutine = this.current
    if (coroutine === null || thread !== coroutine.thread || this.inlineDepth > 0) return results
    if (this.lua.api.lua_isyieldable(thread) === 0) return results
    this.wake(coroutine, results)
    return YIELD
  }

  /** Waits for a promise of the host; `settle` pushes what it came to and answers how many values. */
  awaitPromise(
    thread: number,
    promise: Promise<unknown>,
    settle: (vm: VM, thread: number, outcome: { value: unknown } | { error: unknown }) => number,
    cancel?: () => void,
  ): number {
    const coroutine = this.#waiter(thread, promise, cancel)
    const wait = { cancel: cancel ?? (() => undefined) }
    coroutine.wait = wait
    const answer = (outcome: { value: unknown } | { error: unknown }): void => {
      if (coroutine.wait !== wait || coroutine.process.ended || this.lua.dead) return
      const { vm } = coroutine.process
      vm.lift()
      coroutine.answer = outcomeOf(() => settle(vm, coroutine.thread, outcome))
      vm.limit()
      this.wake(coroutine, typeof coroutine.answer === 'number' ? coroutine.answer : 0)
    }
    promise.then(
      (value) => answer({ value }),
      (error: unknown) => answer({ error }),
    )
    if (thread !== coroutine.thread) coroutine.suspend(thread)
    return AWAIT
  }

  /** Where nothing can wait, what was asked for is given up, and that it failed is nobody's business. */
  #waiter(thread: number, promise: Promise<unknown>, cancel: (() => void) | undefined): Coroutine {
    try {
      return this.mustYield(thread)
    } catch (refusal) {
      promise.catch(() => undefined)
      cancel?.()
      throw refusal
    }
  }

  /** The host function on this thread has its answer: the count of its results, or an error to be raised where it stands. */
  #answered(thread: number): number {
    const { current } = this
    if (current === null) throw new Error(`thread ${thread} was answered outside any process`)
    const { answer } = current
    current.answer = 0
    if (answer instanceof LuaRaise) throw answer
    return answer
  }

  // ---- results of host functions ----

  /** Pushes `nil, err`. */
  fail(thread: number, error: RuntimeError): number {
    const vm = this.activeVm
    vm.lift()
    this.lua.api.lua_pushnil(thread)
    this.marshal.push(vm, thread, error)
    vm.limit()
    return 2
  }

  /** What a raw function threw: raised as a Lua error; text gets the position of the Lua line that called. */
  #pushThrown(thread: number, thrown: unknown): void {
    const vm = this.activeVm
    vm.lift()
    if (thrown instanceof LuaRaise && typeof thrown.value === 'string') {
      this.lua.pushText(thread, this.#position(thread) + thrown.value)
    } else {
      if (!(thrown instanceof LuaRaise) && !(thrown instanceof RuntimeError)) this.options.broken(thrown)
      this.marshal.push(vm, thread, thrown instanceof LuaRaise ? thrown.value : asRuntimeError(thrown))
    }
    vm.limit()
  }

  /** `id:line: ` of the line of the program that called the running host function, by way of the sandbox or not. */
  #position(thread: number): string {
    for (let level = 1; level <= SANDBOX_CALLS; level++) {
      this.lua.api.luaL_where(thread, level)
      const text = this.lua.readText(thread, -1) ?? ''
      this.lua.api.lua_settop(thread, -2)
      if (!text.startsWith('sandbox:')) return text
    }
    return ''
  }

  /** `id:line` of the Lua code that called the running host function. */
  where(thread: number): string {
    return this.#position(thread).replace(/: $/, '')
  }

  // ---- channels ----

  /** A channel of the running process, pushed on its stack; freed with its userdata. */
  newChannel(thread: number, capacity: number): Channel {
    const process = this.#currentProcess()
    return this.#makeChannel(thread, new Channel(process, capacity, false))
  }

  /** A channel the host feeds: like a subscription, it stays until the process ends. */
  newHostChannel(process: LuaProcess, capacity: number): Channel {
    const channel = new Channel(process, capacity, false)
    process.vm.lift()
    try {
      this.#makeChannel(process.vm.scratchThread, channel)
      channel.anchor = process.vm.park(process.vm.scratchThread)
    } finally {
      process.vm.limit()
    }
    return channel
  }

  newSubscription(thread: number, process: LuaProcess, asMessage: boolean): Channel {
    const channel = this.#makeChannel(thread, new Channel(process, Number.POSITIVE_INFINITY, asMessage))
    this.lua.api.lua_pushvalue(thread, -1)
    channel.anchor = process.vm.park(thread)
    return channel
  }

  /** Throws LimitExceeded when the process has too many channels, those that nobody can reach any more not counted. */
  #makeChannel(thread: number, channel: Channel): Channel {
    const { process } = channel
    const most = process.program.limits.channels
    // One that did not help is not tried again in this slice: a full collection is long, and code may ask again and again.
    if (process.channelCount >= most && process.collectedIn !== process.steps) {
      process.vm.collect()
      if (process.channelCount >= most) process.collectedIn = process.steps
    }
    if (process.channelCount >= most) {
      throw new RuntimeError('LimitExceeded', `channels of ${process.pid}: more than the limit of ${most}`, {
        retryable: false,
      })
    }
    channel.handle = this.lua.handle(channel)
    this.lua.pushUserdata(thread, channel.handle, 1, KEY.channel)
    process.channelCount++
    channel.pointer = this.lua.api.lua_touserdata(thread, -1)
    channel.next = process.channels
    if (process.channels !== null) process.channels.previous = channel
    process.channels = channel
    return channel
  }

  /** The userdata is gone: nobody in Lua can use the channel any more. */
  forgetChannel(channel: Channel): void {
    const { process } = channel
    if (channel.previous !== null) channel.previous.next = channel.next
    else if (process.channels === channel) process.channels = channel.next
    if (channel.next !== null) channel.next.previous = channel.previous
    channel.previous = channel.next = null
    process.channelCount--
    channel.release()
  }

  #currentProcess(): LuaProcess {
    const process = this.current?.process
    if (process === undefined) throw new Error('no process is running')
    return process
  }

  // ---- preemption ----

  /** Looks at code that cannot yield, in one slice, and the CPU time at the first of them. */
  #stuck = { slice: -1, looks: 0, cpu: 0 }

  /**
   * Has it run too long by its own doing? On a busy machine a quarter of a second passes while a library is loaded. Code that
   * loops is looked at often; that of few, slow instructions uses the processor.
   */
  #isStuck(used: number, hardMs: number): boolean {
    if (this.#stuck.slice !== this.scheduler.sliceStart) {
      this.#stuck = { slice: this.scheduler.sliceStart, looks: 0, cpu: cpuMs() }
    }
    this.#stuck.looks += 1
    return used >= hardMs && (this.#stuck.looks >= MANY_LOOKS || cpuMs() - this.#stuck.cpu >= 1.5 * hardMs)
  }

  #hook(thread: number): void {
    const coroutine = this.current
    if (coroutine === null || !this.scheduler.sliceOver(this.#slice)) return
    // Instructions that take long each (comparing strings of megabytes): from here on this thread is looked at more often.
    if (this.scheduler.overrun > LONG_OVERRUN_MS) {
      this.lua.api.lua_sethook(thread, this.lua.hookSlot, MASK_COUNT, 8)
      coroutine.watched = true
    }
    if (this.lua.api.lua_isyieldable(thread) !== 0) {
      this.preempted = true
      if (thread !== coroutine.thread) coroutine.suspend(thread)
      this.lua.api.lua_yieldk(thread, 0, 0, 0)
      return
    }
    const { process } = coroutine
    const used = this.scheduler.time() - this.scheduler.sliceStart
    const { limits } = process.program
    const overCpu = process.charged + used > limits.cpu
    const hardMs = process.program.generated ? HARD_MS_GENERATED : HARD_MS
    const overHard = this.#isStuck(used, hardMs)
    if (!overCpu && !overHard && process.doomed === null) return
    // Count 1 from here on: a pcall around the error must not buy another thousand instructions.
    this.lua.api.lua_sethook(thread, this.lua.hookSlot, MASK_COUNT, 1)
    const text = overCpu
      ? `cpu limit of ${limits.cpu} ms exceeded`
      : `code that cannot be interrupted ran for more than ${hardMs} ms`
    const error = new RuntimeError('LimitExceeded', text, { retryable: false })
    process.doomed ??= error
    process.vm.lift()
    this.marshal.push(process.vm, thread, error)
    process.vm.limit()
    this.lua.api.lua_error(thread)
  }
}

/** What this whole program has used of its processors. */
function cpuMs(): number {
  const { user, system } = cpuUsage()
  return (user + system) / 1_000
}

/** How many results the answer has, or what is to be raised where it was waited for. */
function outcomeOf(settle: () => number): number | LuaRaise {
  try {
    return settle()
  } catch (error) {
    if (error instanceof LuaRaise) return error
    throw error
  }
}
