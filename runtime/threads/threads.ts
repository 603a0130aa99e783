// All worker threads of a runtime: one for code made at run time, and those of process hosts that ask for several. A thread that
// stops turning is ended by the watch here, what ran in it ends with an error, and another takes its place when it is needed.

import type { Timer } from '../core/clock.ts'
import { RuntimeError } from '../core/error.ts'
import type { Program } from '../lua/program.ts'
import type { Process } from '../process/process.ts'
import { Thread, type ThreadDeps, type ThreadRole } from './thread.ts'

/** How often the watch looks while code made at run time runs, and while only hosts have processes. */
const LOOK_OFTEN_MS = 50
const LOOK_MS = 500
/** Milliseconds without a turn after which a thread counts as stuck: code made at run time is given little (PROMISES P6). */
const PATIENCE_GENERATED = 400
const PATIENCE = 10_000
/** A look that comes this much late says nothing: the machine, or this thread, was busy. */
const LATE_MS = 40
const HEAP_GENERATED = 256

export interface ThreadsDeps extends ThreadDeps {
  /** A thread ended by itself or was ended by the watch: for the log. */
  readonly lost: (thread: string, error: RuntimeError) => void
}

interface Slot {
  readonly role: ThreadRole
  thread: Thread | undefined
  /** The turn it was seen in last, and for how many milliseconds since. */
  beat: number | undefined
  still: number
  /** When it was last given a process, as a count of all that were given. */
  given: number
}

export class Threads {
  readonly #deps: ThreadsDeps
  #given = 0
  readonly #generated: Slot = slot({
    name: 'generated',
    generated: true,
    host: undefined,
    heapMegabytes: HEAP_GENERATED,
  })
  readonly #hosts = new Map<string, Slot[]>()
  readonly #running = new Set<string>()
  #gcPercent: number | undefined
  #watch: Timer | undefined
  #interval = 0
  #closed = false

  constructor(deps: ThreadsDeps) {
    this.#deps = deps
    deps.kernel.beforeExit((process) => deps.cells.release(process.serial))
    deps.kernel.unmet = this
  }

  /** The thread for code made at run time. */
  get generated(): Thread {
    return this.#threadOf(this.#generated)
  }

  /** The thread a new process of this program on this host runs in; undefined for the main thread. */
  placeFor(program: Program, host: string): Thread | undefined {
    if (program.generated) return this.generated
    const slots = this.#hosts.get(host)
    if (slots === undefined) return undefined
    const next = slots.reduce((a, b) => (goesBefore(b, a) ? b : a))
    next.given = ++this.#given
    return this.#threadOf(next)
  }

  /** A process of a host that its thread has not told of, for somebody who has its pid. */
  meet(serial: number, host: string): Process | undefined {
    for (const { thread } of this.#hosts.get(host) ?? []) {
      const process = thread?.meet(serial)
      if (process !== undefined) return process
    }
    return undefined
  }

  /** All of them, for somebody who looks at the host. */
  meetAll(host: string): void {
    for (const { thread } of this.#hosts.get(host) ?? []) thread?.meetAll()
  }

  // ---- hosts with several workers ----

  addHost(id: string, workers: number): void {
    this.#hosts.set(
      id,
      Array.from({ length: workers }, (_, i) => slot({ name: `${id}#${i + 1}`, generated: false, host: id })),
    )
  }

  hostRunning(id: string, running: boolean): void {
    if (running) this.#running.add(id)
    else this.#running.delete(id)
    for (const { thread } of this.#hosts.get(id) ?? []) thread?.hostRunning(running)
  }

  async removeHost(id: string): Promise<void> {
    const slots = this.#hosts.get(id) ?? []
    this.#hosts.delete(id)
    this.#running.delete(id)
    await Promise.all(slots.map(({ thread }) => thread?.kill(new RuntimeError('Canceled', 'context canceled'))))
  }

  // ---- what all of them are told ----

  /** No new process or call will use this program. */
  retire(program: Program): void {
    for (const thread of this.#all()) thread.retire(program)
  }

  /** Definitions or functions have changed. */
  forget(): void {
    for (const thread of this.#all()) thread.forget()
  }

  /** Brings what is known of all threads up to date; undefined when there are none. */
  refresh(collected: boolean): Promise<void> | undefined {
    const all = this.#all()
    return all.length === 0
      ? undefined
      : Promise.all(all.map((thread) => thread.refresh(collected))).then(() => undefined)
  }

  /** Bytes of Lua states and host objects in all threads, as they last reported. */
  get memoryUsed(): number {
    return this.#all().reduce((sum, { memoryUsed }) => sum + memoryUsed, 0)
  }

  get handles(): number {
    return this.#all().reduce((sum, { handles }) => sum + handles, 0)
  }

  setGcPercent(percent: number): void {
    this.#gcPercent = percent
    for (const thread of this.#all()) thread.gcPercent(percent)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watch?.cancel()
    await Promise.all(this.#all().map((thread) => thread.kill(new RuntimeError('Canceled', 'context canceled'))))
  }

  #slots(): Slot[] {
    return [this.#generated, ...[...this.#hosts.values()].flat()]
  }

  #all(): Thread[] {
    return this.#slots().flatMap(({ thread }) => thread ?? [])
  }

  #threadOf(place: Slot): Thread {
    if (this.#closed) throw new RuntimeError('Unavailable', 'the runtime is shutting down', { retryable: true })
    let { thread } = place
    if (thread === undefined || thread.lost) {
      const { name, host } = place.role
      const started = new Thread(place.role, this.#deps, (error) => {
        this.#deps.lost(name, error)
        if (place.thread === started) place.thread = undefined
      })
      thread = started
      place.thread = started
      place.beat = undefined
      place.still = 0
      if (host !== undefined && this.#running.has(host)) thread.hostRunning(true)
      if (this.#gcPercent !== undefined) thread.gcPercent(this.#gcPercent)
    }
    this.#look(place === this.#generated)
    return thread
  }

  // ---- the watch ----

  /** Keeps looking as long as anything runs; `often` when that may be code made at run time. */
  #look(often: boolean): void {
    const interval = often ? LOOK_OFTEN_MS : LOOK_MS
    if (this.#closed || (this.#watch !== undefined && this.#interval <= interval)) return
    this.#watch?.cancel()
    this.#interval = interval
    const due = performance.now() + interval
    this.#watch = this.#deps.clock.after(interval, () => {
      this.#watch = undefined
      const late = performance.now() - due > LATE_MS
      const watched = this.#slots().filter(({ thread }) => thread?.busy === true)
      for (const place of watched) if (!late) this.#check(place, interval)
      if (watched.length > 0) this.#look(this.#generated.thread?.busy === true)
    })
  }

  #check(place: Slot, passed: number): void {
    const { thread, role } = place
    const beat = thread?.beat
    place.still = beat !== undefined && beat === place.beat ? place.still + passed : 0
    place.beat = beat
    const patience = role.generated ? PATIENCE_GENERATED : PATIENCE
    if (thread === undefined || place.still < patience) return
    const what = role.generated ? 'code made at run time' : `a process of ${role.host}`
    // Most of what runs there did no wrong: whether to try again is left open, so that its services go on elsewhere.
    const error = new RuntimeError(
      'LimitExceeded',
      `${what} kept its thread busy for more than ${patience} ms without a pause: the thread was ended`,
    )
    place.thread = undefined
    this.#deps.lost(role.name, error)
    void thread.kill(error)
  }
}

function slot(role: ThreadRole): Slot {
  return { role, thread: undefined, beat: undefined, still: 0, given: 0 }
}

/**
 * Which of two threads gets a process: the one with fewer. Of two with as many, the one that was not the last to get one: some that
 * are counted have ended without its being known here.
 */
function goesBefore(a: Slot, b: Slot): boolean {
  const more = (a.thread?.processCount ?? 0) - (b.thread?.processCount ?? 0)
  return more < 0 || (more === 0 && a.given < b.given)
}
