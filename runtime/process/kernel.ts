// The process kernel of one thread: pids, spawning on hosts, finding processes, and what follows when one ends.

import { nanoid } from 'nanoid'
import { type Clock, systemClock, unixSeconds } from '../core/clock.ts'
import { asRuntimeError, RuntimeError, serviceExited, TERMINATED } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import { looksLikePid, parsePid } from '../core/pid.ts'
import { Links } from './links.ts'
import { Names } from './names.ts'
import {
  type Ancestor,
  type Exit,
  noPayload,
  type Payload,
  type Process,
  type ProcessFactory,
  type ProcessInit,
  type ProcessOptions,
  settleExit,
  type Upgradable,
} from './process.ts'
import type { ProcessHost } from './process-host.ts'
import { ProcessTable } from './process-table.ts'
import type { Scheduler } from './scheduler.ts'

export interface SpawnRequest {
  readonly definition: string
  readonly host: string
  readonly args: Payload
  readonly frame: Frame
  readonly parent?: Process | undefined
  readonly monitor?: boolean
  readonly link?: boolean
  readonly name?: string | undefined
  readonly options?: Partial<ProcessOptions> | undefined
  /** Delivered before the process takes its first step, from nobody. */
  readonly messages?: readonly { readonly topic: string; readonly payload: Payload }[]
  /** It runs already, in another thread, which has started it on its own part of the host. */
  readonly made?: { readonly serial: number; readonly create: (init: ProcessInit) => Process } | undefined
}

/** Of processes of code made at run time (design PROMISES P7). */
const MAX_CHILDREN = 1000
const MAX_DEPTH = 64

/** The main thread's kernel, for that of a worker. */
export interface Outside {
  /** A process by pid or name. Throws NotFound. */
  find(target: string): Process
  factory(definition: string): ProcessFactory | undefined
  /** A process goes on as another program. */
  upgraded(process: Process): void
  /** A serial that no other thread gives. */
  serial(): number
  /** Others may learn the pid of this call: it must be found from everywhere. */
  met(process: Process): void
}

/** Processes of hosts in other threads that nobody outside of those has met. */
export interface Unmet {
  /** The one with this serial, if it lives; findable from here on. */
  meet(serial: number, host: string): Process | undefined
  /** As `meet`, for all of a host. */
  meetAll(host: string): void
}

interface Lineage {
  /** Shared by all that descend from the first confined process: otherwise each child could have as many again. */
  readonly family: { children: number }
  readonly depth: number
}

export class Kernel {
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly names = new Names()
  readonly links: Links
  readonly hosts = new Map<string, ProcessHost>()
  /** How to make processes of each definition, from its current code. */
  readonly factories = new Map<string, ProcessFactory>()
  /** Name of this node in pids; empty for a runtime of its own. */
  readonly node: string
  readonly #processes = new ProcessTable()
  readonly #watchers = new Map<Process, ((exit: Exit) => void)[]>()
  readonly #failed: (process: Process, error: RuntimeError) => void
  /** Children and depth of confined processes, by serial. */
  readonly #lineages = new Map<number, Lineage>()
  readonly #beforeExit: ((process: Process) => void)[] = []
  /** Where to ask for what this kernel does not have, in a worker thread. */
  outside: Outside | undefined
  /** In the main thread: the processes that their threads have not told of. */
  unmet: Unmet | undefined
  readonly #ends = new WeakMap<ProcessHost, (process: Process, exit: Exit) => void>()
  #lastAncestor: Ancestor | undefined
  #serial = 0
  #id: string | undefined

  /** `failed` is told of every process that ended with an error, for the log. */
  constructor(
    scheduler: Scheduler,
    node: string,
    failed: (process: Process, error: RuntimeError) => void,
    clock: Clock = systemClock(),
  ) {
    this.scheduler = scheduler
    this.clock = clock
    this.links = new Links(clock)
    this.node = node
    this.#failed = failed
  }

  /** Who this runtime is to others: the node's name, else one made up when first asked for. */
  get id(): string {
    this.#id ??= this.node || nanoid(12)
    return this.#id
  }

  nextSerial(): number {
    return this.outside === undefined ? ++this.#serial : this.outside.serial()
  }

  /** The first of so many serials, at a multiple of their count, that another thread may give to its processes. */
  grantSerials(count: number): number {
    const first = Math.ceil((this.#serial + 1) / count) * count
    this.#serial = first + count - 1
    return first
  }

  get processCount(): number {
    return this.#processes.size
  }

  processes(): IterableIterator<Process> {
    return this.#processes[Symbol.iterator]()
  }

  bySerial(serial: number): Process | undefined {
    return this.#processes.get(serial)
  }

  /** A living process by pid; undefined for a dead one, another host's, or text that is no pid. */
  byPid(pid: string): Process | undefined {
    if (!looksLikePid(pid)) return undefined
    const parsed = parsePid(pid)
    const here = parsed.node === '' || parsed.node === this.node
    if (!here) return undefined
    const process = this.#processes.get(parsed.serial) ?? this.unmet?.meet(parsed.serial, parsed.host)
    return process?.host === parsed.host ? process : undefined
  }

  /** A living process by pid or registered name. Throws NotFound. */
  find(target: string): Process {
    const process = looksLikePid(target) ? this.byPid(target) : this.names.lookup(target)
    if (process !== undefined) return process
    if (this.outside !== undefined) return this.outside.find(target)
    if (looksLikePid(target)) throw new RuntimeError('NotFound', 'process not found', { retryable: false })
    throw new RuntimeError('NotFound', `could not resolve '${target}' as PID or registered name`, { retryable: false })
  }

  host(id: string): ProcessHost {
    const host = this.hosts.get(id)
    if (host === undefined)
      throw new RuntimeError('NotFound', 'host not found', { retryable: false, details: { host: id } })
    return host
  }

  /**
   * Starts a process; links, monitors, name and first messages are in place before its first step. Throws NotFound for an
   * unknown host or definition, Unavailable for a host that does not run, and whatever loading the code throws.
   */
  spawn(request: SpawnRequest): Process {
    const host = this.host(request.host)
    const { made } = request
    if (made === undefined) host.accept()
    const factory = made ?? this.#factory(request.definition)
    if (request.name !== undefined && this.names.lookup(request.name) !== undefined) {
      throw new RuntimeError('AlreadyExists', 'name already registered', { retryable: false })
    }
    const serial = made?.serial ?? this.nextSerial()
    const { parent } = request
    const lineage = parent?.frame.confinement === undefined ? undefined : this.#lineage(parent)
    if (lineage !== undefined) {
      // Before its code loads, which may spawn too.
      lineage.family.children++
      this.#lineages.set(serial, { family: lineage.family, depth: lineage.depth + 1 })
    }
    let process: Process
    try {
      process = factory.create(
        this.init(serial, host.id, request.frame, request.args, this.#endOn(host), this.#ancestor(parent)),
      )
    } catch (error) {
      this.#leaveLineage(serial)
      throw error
    }
    this.add(process)
    host.add(process)
    try {
      this.#equip(process, request)
    } catch (error) {
      // A name that its own code took, a first message that is too large: then there is no such process.
      process.terminate(asRuntimeError(error))
      throw error
    }
    // It was started before the news of the host reached its thread.
    if (made !== undefined && !host.running) host.cancel(process)
    return process
  }

  /** What a process has before its first step. */
  #equip(process: Process, { options, parent, monitor, link, name, messages }: SpawnRequest): void {
    if (options !== undefined) process.setOptions(options)
    if (parent !== undefined && monitor === true) this.links.monitor(parent, process)
    if (parent !== undefined && link === true) this.links.link(parent, process)
    if (name !== undefined) this.names.register(name, process)
    for (const { topic, payload } of messages ?? []) process.deliver(topic, '', payload)
  }

  /**
   * Puts a process of `definition`, made from its current code, in the place of this one, which ends with an error when that
   * fails. To be called while no code of the process is on the stack.
   */
  upgrade(process: Upgradable, definition: string, args: Payload): void {
    let step = 'create'
    let next: Process | undefined
    try {
      const factory = this.#factory(definition)
      step = 'init'
      next = process.become((terms) =>
        factory.create({
          ...terms,
          args,
          ended: (made, exit) => {
            // It did not get so far: what its code took while it loaded is free again. (Later it may be another that ends here.)
            if (next === undefined) {
              this.names.release(made)
              this.links.forget(made)
            }
            terms.ended(made, exit)
          },
        }),
      )
    } catch (error) {
      process.terminate(asRuntimeError(error).wrap(`upgrade: ${step} failed`))
      return
    }
    if (next === undefined) return
    this.#processes.set(next)
    this.names.move(process, next)
    this.links.move(process, next)
    const watchers = this.#watchers.get(process)
    this.#watchers.delete(process)
    if (watchers !== undefined) this.#watchers.set(next, watchers)
    for (const host of this.hosts.values()) host.replace(process, next)
    this.outside?.upgraded(next)
  }

  /** Tells processes that asked for it (`upgradable`) that they run old code of these definitions, and whose change it was. */
  outdated(changes: ReadonlyMap<string, readonly string[]>): void {
    const at = unixSeconds(this.clock)
    for (const process of [...this.#processes]) {
      const sources = process.options.upgradable ? changes.get(process.definition) : undefined
      if (sources !== undefined) process.event({ kind: 'pid.outdated', from: process.pid, at, sources })
    }
  }

  /** What processes of a host report their end to: one function per host, for there are many processes. */
  #endOn(host: ProcessHost): (process: Process, exit: Exit) => void {
    let ended = this.#ends.get(host)
    if (ended === undefined) {
      ended = (process, exit) => {
        host.remove(process)
        this.#ended(process, exit)
      }
      this.#ends.set(host, ended)
    }
    return ended
  }

  /** The parent by its parts, the same object for children spawned in a row. */
  #ancestor(parent: Process | undefined): Ancestor | undefined {
    if (parent === undefined) return undefined
    if (this.#lastAncestor?.serial !== parent.serial) this.#lastAncestor = { serial: parent.serial, host: parent.host }
    return this.#lastAncestor
  }

  /** Throws LimitExceeded when a confined process may have no more children. */
  #lineage(parent: Process): Lineage {
    let lineage = this.#lineages.get(parent.serial)
    if (lineage === undefined) {
      lineage = { family: { children: 0 }, depth: 1 }
      this.#lineages.set(parent.serial, lineage)
    }
    const exceeded = (what: string, limit: number): RuntimeError =>
      new RuntimeError('LimitExceeded', `${what} of ${parent.pid}: more than the limit of ${limit}`, {
        retryable: false,
      })
    if (lineage.family.children >= MAX_CHILDREN) throw exceeded('live children', MAX_CHILDREN)
    if (lineage.depth >= MAX_DEPTH) throw exceeded('depth of processes', MAX_DEPTH)
    return lineage
  }

  #leaveLineage(serial: number): void {
    const lineage = this.#lineages.get(serial)
    // The first of a family is no child of it.
    if (lineage !== undefined && lineage.depth > 1) lineage.family.children--
    this.#lineages.delete(serial)
  }

  #factory(definition: string): ProcessFactory {
    const factory = this.factories.get(definition) ?? this.outside?.factory(definition)
    if (factory !== undefined) return factory
    throw new RuntimeError('NotFound', 'factory not found', { retryable: false, details: { id: definition } })
  }

  /** What a factory needs to make a process of this runtime. */
  init(
    serial: number,
    host: string,
    frame: Frame,
    args: Payload,
    ended: (process: Process, exit: Exit) => void,
    parent?: Ancestor,
  ): ProcessInit {
    return { serial, host, node: this.node, frame, args, ended, parent, startedAt: this.clock.wallMs() }
  }

  /** Calls `release` for every process that ends, before anybody is told. */
  beforeExit(release: (process: Process) => void): void {
    this.#beforeExit.push(release)
  }

  /** Makes a process findable; for functions, which have pids but no host. */
  add(process: Process): void {
    this.#processes.set(process)
  }

  /** A function call is over: as `ended`, without the report of a failure (the caller gets it). */
  remove(process: Process, exit: Exit): void {
    this.#processes.delete(process)
    if (this.#lineages.size > 0) this.#leaveLineage(process.serial)
    this.names.release(process)
    for (const release of this.#beforeExit) release(process)
    if (process.neverStarted === true) this.links.forget(process)
    else this.links.ended(process, exit)
    this.#tell(process, exit)
  }

  /** Calls `listener` once when the process ends; the exit's result is valid during the call. */
  watch(process: Process, listener: (exit: Exit) => void): void {
    const listeners = this.#watchers.get(process)
    if (listeners === undefined) this.#watchers.set(process, [listener])
    else listeners.push(listener)
  }

  #ended(process: Process, exit: Exit): void {
    const normal = exit.error === serviceExited
    if (exit.error !== undefined && !normal && process.neverStarted !== true) this.#failed(process, exit.error)
    this.remove(process, normal ? { error: undefined, result: noPayload } : exit)
  }

  #tell(process: Process, exit: Exit): void {
    const listeners = this.#watchers.get(process)
    if (listeners === undefined) return
    this.#watchers.delete(process)
    for (const listener of listeners) listener(exit)
  }

  /** Ends a process before its next step; a terminal host's processes end only by themselves (spec/process.md §2). */
  terminate(process: Process): void {
    if (this.hosts.get(process.host)?.kind === 'terminal') return
    process.terminate(new RuntimeError('Internal', TERMINATED))
  }

  /** An exit as plain data, copied while it is valid. */
  static outcome(exit: Exit): { error?: RuntimeError; value?: ReturnType<Payload['values']>[number] } {
    const outcome: { error?: RuntimeError; value?: ReturnType<Payload['values']>[number] } = {}
    settleExit(
      exit,
      (result) => {
        outcome.value = result.values()[0] ?? null
      },
      (error) => {
        outcome.error = error
      },
    )
    return outcome
  }
}
