// A process whose code is Lua: its coroutines, mailbox and channels inside a VM. Implements the kernel's socket `Process`.

import { setMaxListeners } from 'node:events'
import { RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import { formatPid } from '../core/pid.ts'
import type {
  Ancestor,
  Exit,
  Payload,
  Process,
  ProcessActivity,
  ProcessEvent,
  ProcessLimits,
  ProcessOptions,
  ProcessTerms,
  Upgradable,
} from '../process/process.ts'
import { type Channel, forgetWait } from './channel.ts'
import { type Coroutine, isCancellable } from './coroutine.ts'
import type { LuaEngine } from './engine.ts'
import { environmentKey } from './keys.ts'
import { Mailbox } from './mailbox.ts'
import type { Program } from './program.ts'
import { StackPayload } from './stack-payload.ts'
import type { VM } from './vm.ts'
import { LUA, REGISTRY } from './wasm.ts'

const sharedOptions: ProcessOptions = Object.freeze({ trap_links: false, upgradable: false, interrupts: false })

export class LuaProcess implements Upgradable {
  readonly engine: LuaEngine
  readonly vm: VM
  readonly program: Program
  readonly serial: number
  readonly host: string
  readonly frame: Frame
  readonly startedAt: number
  readonly parent: Ancestor | undefined
  options: ProcessOptions = sharedOptions
  ended = false
  /** Its code did not load, which whoever started it was told. */
  neverStarted = false
  /** The slice in which its VM was collected for its channels, and that did not help. */
  collectedIn = -1
  /** An end that waits for the running slice to finish. */
  doomed: RuntimeError | null = null
  main!: Coroutine
  coroutines: Coroutine[] | null = null
  channels: Channel | null = null
  channelCount = 0
  /** A coroutine of it went to wait in a select without cases: nothing can ever wake that one. */
  stranded = false
  /** Runs in place of the next slice: the process asked for another one in its place. */
  replacing: (() => void) | null = null
  /** A call on a pool's worker: its environment and main thread stay for the next call. */
  pooled = false
  /** Runs when everything is released; the pool takes its worker back here. */
  afterRelease: (() => void) | null = null
  /** Milliseconds of CPU counted so far. */
  cpu = 0
  /** What of it counts against the limit: a wait clears it, but for code made at run time. */
  charged = 0
  /** Slices run so far. */
  steps = 0
  /** Its last slice took long; code made at run time has to show that it does not. */
  busy: boolean
  readonly #node: string
  #report: ProcessTerms['ended']
  #pid: string | null = null
  #mailbox: Mailbox | null = null
  /**
   * Who goes on under this pid after upgrades: one object for all of them, since a chain would grow for as long as a process
   * upgrades.
   */
  #line: { current: Process } | null = null
  #abort: AbortController | null = null
  #owned: Set<{ close(): void }> | null = null

  constructor(engine: LuaEngine, vm: VM, program: Program, terms: ProcessTerms) {
    this.engine = engine
    this.vm = vm
    this.program = program
    this.serial = terms.serial
    this.host = terms.host
    this.frame = terms.frame
    this.startedAt = terms.startedAt
    this.parent = terms.parent
    this.#node = terms.node
    this.#report = terms.ended
    this.busy = program.generated
  }

  get pid(): string {
    return (this.#pid ??= formatPid(this.host, this.serial, this.#node))
  }

  get definition(): string {
    return this.program.code.id
  }

  get limits(): ProcessLimits {
    return this.program.limits
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController()
      // As many calls as a process has under way listen to its end.
      setMaxListeners(0, this.#abort.signal)
      if (this.ended) this.#abort.abort()
    }
    return this.#abort.signal
  }

  own(resource: { close(): void }): { release(): void } {
    if (this.#owned === null) this.#owned = new Set()
    this.#owned.add(resource)
    return { release: () => this.#owned?.delete(resource) }
  }

  /** Counts CPU spent for it outside its slices. Ends it and throws LimitExceeded when that is too much. */
  charge(ms: number): void {
    this.cpu += ms
    this.charged += ms
    const { cpu } = this.program.limits
    if (this.charged <= cpu) return
    const error = new RuntimeError('LimitExceeded', `cpu limit of ${cpu} ms exceeded`, { retryable: false })
    this.terminate(error)
    throw error
  }

  inspect(): ProcessActivity {
    const coroutines = this.coroutines === null ? [this.main] : [this.main, ...this.coroutines]
    const ready = coroutines.some((coroutine) => coroutine.ready)
    return {
      state: this.engine.isRunning(this) ? 'running' : ready ? 'ready' : 'waiting',
      coroutines: coroutines.length,
      queued: this.queued,
      cpu: this.cpu,
    }
  }

  setOptions(changes: Partial<ProcessOptions>): void {
    this.options = { ...this.options, ...changes }
  }

  // ---- mailbox ----

  get mailbox(): Mailbox {
    return (this.#mailbox ??= new Mailbox(this))
  }

  /** Messages that wait to be read. */
  get queued(): number {
    return this.#mailbox?.count ?? 0
  }

  deliver(topic: string, from: string, payload: Payload): void {
    if (this.ended || this.doomed !== null) {
      const successor = this.#successor
      if (successor === null) throw new RuntimeError('NotFound', 'process not found', { retryable: false })
      successor.deliver(topic, from, payload)
    } else {
      this.mailbox.deliver(topic, from, payload)
    }
  }

  event(event: ProcessEvent): void {
    if (!this.ended) this.mailbox.event(event)
    else this.#successor?.event(event)
  }

  // ---- upgrade ----

  get #successor(): Process | null {
    const current = this.#line?.current ?? this
    return current === this ? null : current
  }

  become(create: (terms: ProcessTerms) => Process): Process | undefined {
    let taken = false
    const report = this.#report
    const next = create({
      serial: this.serial,
      host: this.host,
      node: this.#node,
      frame: this.frame,
      parent: this.parent,
      startedAt: this.startedAt,
      ended: (process, exit) => {
        if (taken) report(process, exit)
      },
    })
    // Loading the new code may have ended the old process, or the process may have been ended by what it set off.
    if (this.ended) {
      next.terminate(new RuntimeError('Canceled', 'process ended', { retryable: false }))
      return undefined
    }
    taken = true
    this.ended = true
    const line = (this.#line ??= { current: this })
    line.current = next
    this.#cancelWaits()
    if (next instanceof LuaProcess) {
      next.#follow(line, report)
      next.mailbox.adopt(this.mailbox)
    } else this.mailbox.handTo(next)
    this.#release(0, false)
    return next
  }

  /** Takes the place of another for good: its end is told to whom that one's would have been, without a detour. */
  #follow(line: { current: Process }, report: ProcessTerms['ended']): void {
    this.#line = line
    this.#report = report
  }

  /** An upgrade is no wait: the CPU used so far is its successor's, and what the upgrade itself took. */
  passOn(used: number): void {
    const next = this.#successor
    if (!(next instanceof LuaProcess)) return
    next.cpu = this.cpu + used
    next.charged = this.charged + used
  }

  // ---- end ----

  terminate(error: RuntimeError): void {
    if (this.ended) this.#successor?.terminate(error)
    else if (this.engine.isRunning(this)) this.doomed ??= error
    else this.end(error, 0, 0)
  }

  /**
   * Ends the process: everything it holds is released and the kernel is told, once. Without an error, `results` values on
   * top of `thread` are what main returned (spec/process.md §5).
   */
  end(error: RuntimeError | null, thread: number, results: number): void {
    if (this.ended) return
    const exit = this.#exit(error, thread, results)
    this.ended = true
    this.#cancelWaits()
    try {
      this.#report(this, exit)
    } finally {
      // After a trap the instance is not touched any more: its memory goes as a whole.
      if (this.engine.lua.dead) this.#releaseHostSide()
      else this.#release(thread, error === null)
      this.afterRelease?.()
      if (!this.pooled) this.engine.closeIfIdle(this.vm)
    }
  }

  /** It never came to be: everything is released, and nobody is told. */
  abandon(): void {
    this.neverStarted = true
    this.ended = true
    this.#cancelWaits()
    if (this.engine.lua.dead) this.#releaseHostSide()
    else this.#release(0, false)
  }

  allCoroutines(): Coroutine[] {
    return this.coroutines === null ? [this.main] : [this.main, ...this.coroutines]
  }

  #cancelWaits(): void {
    this.#abort?.abort(new RuntimeError('Canceled', 'process ended', { retryable: false }))
    for (const coroutine of this.allCoroutines()) {
      const { wait } = coroutine
      coroutine.wait = null
      // Waits on channels end with the channels.
      if (isCancellable(wait)) wait.cancel()
    }
  }

  #exit(error: RuntimeError | null, thread: number, results: number): Exit {
    if (error !== null) return { error, result: undefined }
    const { api } = this.engine.lua
    const first = api.lua_gettop(thread) - results + 1
    if (results >= 2) {
      const second = api.lua_type(thread, first + 1)
      if (second === LUA.string) {
        const message = this.engine.lua.readText(thread, first + 1) as string
        return { error: new RuntimeError('Internal', message), result: undefined }
      }
      const object = this.engine.lua.objectAt(thread, first + 1)
      if (object instanceof RuntimeError) return { error: object, result: undefined }
    }
    return { error: undefined, result: new StackPayload(this.engine, thread, first, Math.min(results, 1)) }
  }

  #release(finished: number, clean: boolean): void {
    const { vm, engine } = this
    const { api } = engine.lua
    this.#releaseHostSide()
    for (let channel = this.channels; channel !== null; ) {
      const next: Channel | null = channel.next
      channel.release()
      channel.previous = channel.next = null
      channel = next
    }
    this.channels = null
    this.#mailbox?.release()
    vm.lift()
    if (!this.pooled) {
      api.lua_pushnil(vm.main)
      api.lua_rawsetp(vm.main, REGISTRY, environmentKey(this.main.thread))
    }
    const mine = this.pooled ? [] : [this.main]
    for (const coroutine of this.coroutines === null ? mine : [...mine, ...this.coroutines]) {
      if (coroutine.onStack > 0) continue
      if (clean && coroutine.thread === finished) {
        if (coroutine.watched) vm.resetHook(coroutine.thread)
        vm.releaseThread(coroutine.thread, true)
      } else if (coroutine === this.main) vm.recycleThread(coroutine.thread)
      else vm.releaseThread(coroutine.thread, false)
      coroutine.thread = 0
    }
    vm.limit()
    this.coroutines = null
    vm.processes--
  }

  #releaseHostSide(): void {
    for (const resource of this.#owned ?? []) resource.close()
    this.#owned = null
  }

  /** A coroutine that was on the native stack when the process ended has left it. */
  reaped(coroutine: Coroutine): void {
    if (this.pooled && coroutine === this.main) return
    this.vm.releaseThread(coroutine.thread, false)
    coroutine.thread = 0
  }

  /** Ends one spawned coroutine and what it waits for. */
  endCoroutine(coroutine: Coroutine): void {
    const { wait } = coroutine
    coroutine.wait = null
    coroutine.ready = false
    if (isCancellable(wait)) wait.cancel()
    else forgetWait(wait, coroutine)
    if (coroutine.resident) coroutine.dropped = true
    else this.dropCoroutine(coroutine)
  }

  dropCoroutine(coroutine: Coroutine): void {
    // Its results, if it returned: without them Lua knows it as dead.
    if (this.engine.lua.api.lua_status(coroutine.thread) === 0) this.engine.lua.api.lua_settop(coroutine.thread, 0)
    this.vm.releaseThread(coroutine.thread, false)
    coroutine.thread = 0
    const at = this.coroutines?.indexOf(coroutine) ?? -1
    if (at >= 0) this.coroutines?.splice(at, 1)
  }
}
