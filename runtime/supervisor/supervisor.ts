// The supervisor: starts services in the order of their dependencies, keeps them running, stops them in reverse.
// It takes part in changesets: what a change registers is started when the change commits.

import type { Clock } from '../core/clock.ts'
import { asRuntimeError, errorText, RuntimeError, TERMINATED } from '../core/error.ts'
import type { Logger } from '../observe/logger.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Service } from './service.ts'
import { planStart, type ServiceEdges, servicesBefore } from './service-graph.ts'
import { createServiceMachine, type ServiceMachine, type ServiceState } from './service-machine.ts'

export interface SupervisorDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** From 0 to 1, for the spread of restarts. */
  readonly random?: () => number
  /** Told of every change of state; the host puts it on the bus as system `supervisor`, kind `service.update`. */
  readonly publish?: (id: string, view: ServiceView) => void
  /** What an entry depends on in the registry, whatever its kind: services behind it start first. */
  readonly dependenciesOf?: (id: string) => readonly string[]
  /** How long a change waits for the services it starts; default 30 s. */
  readonly commitTimeout?: number
}

/** A service as `system.supervisor.state` shows it. */
export interface ServiceView {
  readonly id: string
  readonly status: ServiceState['status']
  readonly desired: ServiceState['desired']
  readonly retryCount: number
  readonly startedAt: bigint
  readonly lastUpdate: bigint
  /** `attempt 2` while starting, the text of the error after a failure, else empty. */
  readonly details: string
}

interface Supervised {
  readonly id: string
  readonly machine: ServiceMachine
  lifecycle: Lifecycle
  /** Further ids that must run first, said by the kind. */
  needs: readonly string[]
  /** `needs` when the present run began: an update of the entry does not take it off what it runs on. */
  held: readonly string[]
  /** What was said last in the log. */
  told: ServiceState['status']
  readonly waiters: Set<() => void>
}

export class Supervisor {
  readonly #deps: SupervisorDeps
  readonly #logger: Logger
  readonly #services = new Map<string, Supervised>()
  /** Registered since the last start: started by the next commit if they say `auto_start`. */
  #fresh = new Set<string>()
  /** By the id of a removed service, those that were stopped for it: they start again with its successor. */
  readonly #interrupted = new Map<string, Set<string>>()
  /** Whose turn has come: started by the next commit whether they say `auto_start` or not. */
  #resumed = new Set<string>()
  #inChange = false
  /** False until the first start and after the stop: services registered outside a change wait. */
  #live = false
  #closing = false

  constructor(deps: SupervisorDeps) {
    this.#deps = deps
    this.#logger = deps.logger.named('supervisor')
  }

  /** Registers a service at rest. `needs` are ids that must run first besides those of its lifecycle. */
  add(id: string, service: Service, lifecycle: Lifecycle, needs: readonly string[] = []): void {
    if (this.#services.has(id)) throw new RuntimeError('AlreadyExists', `service already registered: ${id}`)
    const { clock, random = Math.random } = this.#deps
    const machine = createServiceMachine({
      service,
      lifecycle: () => supervised.lifecycle,
      clock,
      random,
      changed: (state) => this.#changed(supervised, state),
    })
    const { status: told } = machine.state
    const supervised: Supervised = { id, machine, lifecycle, needs, held: [], told, waiters: new Set() }
    this.#services.set(id, supervised)
    this.#fresh.add(id)
    for (const dependant of this.#interrupted.get(id) ?? []) this.#resumed.add(dependant)
    this.#interrupted.delete(id)
    this.#logger.info('service registered', { serviceID: id })
    // A rollback opens entries outside any change: they start as if nothing had happened.
    if (this.#live && !this.#inChange) queueMicrotask(() => this.#startInBackground())
  }

  /** Replaces what is known of a service without restarting it. Throws NotFound. */
  update(id: string, lifecycle: Lifecycle, needs: readonly string[] = []): void {
    const supervised = this.#require(id)
    supervised.lifecycle = lifecycle
    supervised.needs = needs
    if (lifecycle.autoStart && !wanted(supervised)) this.#fresh.add(id)
    for (const gone of [...this.#interrupted.keys()]) this.#sortInterrupted(gone)
  }

  /**
   * Stops a service and forgets it; nothing happens for an unknown id. Those that need it stop first, and start again when
   * one of this id is added: so a host can be replaced under its services. Those that needed it only when they began start
   * again without it. Never throws: what failed is logged.
   */
  async remove(id: string): Promise<void> {
    const supervised = this.#services.get(id)
    if (supervised === undefined) return
    this.#fresh.delete(id)
    this.#resumed.delete(id)
    for (const waiting of this.#interrupted.values()) waiting.delete(id)
    const dependants = this.#runningDependants(id)
    if (dependants.size > 0) {
      await this.#stopInOrder([...dependants], `${id} is removed`)
      this.#interrupted.set(id, dependants)
    }
    this.#services.delete(id)
    await this.#stopOne(supervised, 'service removed')
    this.#logger.info('service removed', { serviceID: id })
    this.#sortInterrupted(id)
    if (this.#live && !this.#inChange && this.#resumed.size > 0) queueMicrotask(() => this.#startInBackground())
  }

  /** Of those that were stopped for a removed service, the ones that do not need it any more have their turn. */
  #sortInterrupted(gone: string): void {
    const waiting = this.#interrupted.get(gone)
    if (waiting === undefined) return
    const edges = this.#edges()
    const stillNeed = reached(
      gone,
      this.#dependants({ ...edges, isService: (id) => id === gone || edges.isService(id) }),
    )
    for (const id of [...waiting]) {
      if (stillNeed.has(id)) continue
      waiting.delete(id)
      this.#resumed.add(id)
    }
  }

  /** Starts all with `auto_start` and what they need. Throws when a required one cannot start; a stop ends the wait. */
  async startAll(): Promise<void> {
    this.#live = true
    this.#closing = false
    const ids = [...this.#services.values()].filter(({ lifecycle }) => lifecycle.autoStart).map(({ id }) => id)
    this.#fresh = new Set()
    await this.#startThese(ids)
  }

  /** Stops everything, dependants first and the independent ones together. Never throws: what failed is logged. */
  async stopAll(reason = 'shutting down'): Promise<void> {
    this.#closing = true
    this.#live = false
    this.#fresh = new Set()
    this.#resumed = new Set()
    this.#interrupted.clear()
    for (const { waiters } of this.#services.values()) for (const wake of [...waiters]) wake()
    await this.#stopInOrder([...this.#services.keys()], reason)
    this.#logger.info('supervisor control loop stopped')
  }

  /** All services that wait for this one, over others too, and are meant to run. */
  #runningDependants(id: string): Set<string> {
    const found = reached(id, this.#dependants(this.#heldEdges()))
    return new Set([...found].filter((dependant) => lives(this.#require(dependant))))
  }

  /** By service, those that wait for it. */
  #dependants(edges: ServiceEdges): ReadonlyMap<string, readonly string[]> {
    const dependants = new Map<string, string[]>()
    for (const id of this.#services.keys()) {
      for (const before of servicesBefore(id, edges)) dependants.set(before, [...(dependants.get(before) ?? []), id])
    }
    return dependants
  }

  /** Stops these, dependants before what they need, the others together. */
  async #stopInOrder(ids: readonly string[], reason: string): Promise<void> {
    const dependants = this.#dependants(this.#heldEdges())
    const among = new Set(ids)
    const stops = new Map<string, Promise<void>>()
    // `path` cuts cycles, which can only be among services that never ran.
    const stop = (id: string, path: readonly string[]): Promise<void> => {
      const known = stops.get(id)
      if (known !== undefined) return known
      const first = (dependants.get(id) ?? []).filter((other) => among.has(other) && !path.includes(other))
      const done = Promise.all(first.map((other) => stop(other, [...path, id]))).then(() => {
        const supervised = this.#services.get(id)
        return supervised === undefined ? undefined : this.#stopOne(supervised, reason)
      })
      stops.set(id, done)
      return done
    }
    await Promise.all(ids.map((id) => stop(id, [id])))
  }

  /** Starts a service and what it needs; resolves when it runs. Throws NotFound, and the failure when it gives up. */
  async start(id: string): Promise<void> {
    const { machine } = this.#require(id)
    if (machine.state.retrying) machine.start()
    await this.#startThese([id], () => true)
  }

  /** Stops a service; its dependants stay. Throws NotFound, Timeout when it had to be ended, and what its stop threw. */
  async stop(id: string, reason = 'stop requested'): Promise<void> {
    const supervised = this.#require(id)
    this.#resumed.delete(id)
    for (const waiting of this.#interrupted.values()) waiting.delete(id)
    const before = supervised.machine.state.error
    await this.#stopOne(supervised, reason)
    const { status, error } = supervised.machine.state
    // One that had failed already is told of as stopped, not once more as failed.
    if (status !== 'failed' || error === undefined || error === before) return
    if (error.kind !== 'Timeout') throw error
    throw new RuntimeError('Timeout', `service stop timed out: ${id}`, { retryable: true, cause: error })
  }

  /** Throws NotFound. */
  state(id: string): ServiceView {
    return viewOf(this.#require(id))
  }

  /** Of all services, sorted by id. */
  states(): ServiceView[] {
    return [...this.#services.values()].map(viewOf).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Part of a changeset: services registered from here on start at `commit`. */
  begin(): void {
    this.#inChange = true
  }

  /** Starts what the change registered. Throws, so that the change is undone, when a required service does not start. */
  async commit(): Promise<void> {
    this.#inChange = false
    // Before the first start and after the stop, services are only registered.
    if (!this.#live) return
    const { clock, commitTimeout = 30_000 } = this.#deps
    const ids = this.#takeFresh()
    if (ids.length === 0) return
    let timer: { cancel(): void } | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = clock.after(commitTimeout, () => reject(this.#notInTime(ids)))
    })
    try {
      await Promise.race([this.#startThese(ids), late])
    } catch (error) {
      this.#logger.error('failed to execute commit protocol', { error })
      throw error
    } finally {
      timer?.cancel()
    }
  }

  /** The change was undone: what the undoing registered again starts in the background. */
  discard(): void {
    this.#inChange = false
    if (this.#live) this.#startInBackground()
  }

  #startInBackground(): void {
    const ids = this.#takeFresh()
    if (ids.length === 0 || this.#closing) return
    this.#startThese(ids).catch((error: unknown) => {
      this.#logger.error('failed to execute start operations', { error })
    })
  }

  #takeFresh(): string[] {
    const fresh = [...this.#fresh].filter((id) => this.#services.get(id)?.lifecycle.autoStart === true)
    const resumed = [...this.#resumed].filter((id) => this.#services.has(id))
    this.#fresh = new Set()
    this.#resumed = new Set()
    return [...new Set([...fresh, ...resumed])]
  }

  /** Starts these and what they need, side by side where nothing orders them. Waits for the required ones among `ids`. */
  async #startThese(ids: readonly string[], isRequired = (id: string) => !this.#isOptional(id)): Promise<void> {
    const edges = this.#edges()
    const { order, blocked } = planStart(ids, edges)
    const failures = new Set<RuntimeError>()
    for (const [id, error] of blocked) {
      if (isRequired(id)) failures.add(error)
      else this.#logger.error(`service ${id} is blocked`, { serviceID: id, error })
    }
    // Nothing is begun of a start that cannot succeed.
    if (failures.size > 0) throw together(failures)
    const starts = new Map<string, Promise<void>>()
    for (const id of order) {
      const before = Promise.all(servicesBefore(id, edges).map((need) => starts.get(need)))
      // A failure passes on to the dependants as it is: it names the service that failed.
      const started = before.then(() => this.#startOne(id))
      started.catch(() => {}) // seen below, or in the log for what nobody waits for
      starts.set(id, started)
    }
    const awaited = ids.filter(isRequired).map((id) => starts.get(id))
    for (const result of await Promise.allSettled(awaited)) {
      if (result.status === 'rejected') failures.add(asRuntimeError(result.reason))
    }
    if (failures.size > 0) throw together(failures)
  }

  #isOptional(id: string): boolean {
    return this.#services.get(id)?.lifecycle.optional === true
  }

  /** Resolves when it runs or has ended normally, and rejects when it gives up or is stopped. */
  async #startOne(id: string): Promise<void> {
    const supervised = this.#services.get(id)
    if (supervised === undefined || this.#closing) throw canceled(id)
    const { machine, waiters } = supervised
    const { status: before, retrying: due } = machine.state
    if (before === 'running') return
    // One that waits for its retry keeps its turn: starting a dependant is no reason to hurry it.
    if (before !== 'starting' && !due) {
      this.#logger.info('starting service', { service_id: id })
      machine.start()
    }
    for (;;) {
      const { status, error, retrying, desired } = machine.state
      if (status === 'running' || (status === 'exited' && error === undefined)) return
      if (status === 'exited' || (status === 'failed' && !retrying)) {
        throw (error ?? new RuntimeError('', 'no reason given')).wrap(`failed to start service ${id}`)
      }
      if (this.#closing || status === 'stopped' || desired === 'stopped') throw canceled(id)
      await change(waiters)
    }
  }

  /** Resolves when it is at rest, by its own doing or by the deadline's. */
  async #stopOne({ machine, waiters }: Supervised, reason: string): Promise<void> {
    if (machine.state.status === 'unknown') return
    machine.stop(reason)
    while (machine.state.status === 'stopping') await change(waiters)
  }

  #changed(supervised: Supervised, state: ServiceState): void {
    const view = viewOf(supervised)
    if (state.status === 'starting') supervised.held = supervised.needs
    // What had ended before it was stopped is not told of once more.
    if (state.status !== supervised.told) this.#report(supervised.id, state, view.details)
    supervised.told = state.status
    this.#deps.publish?.(supervised.id, view)
    for (const wake of [...supervised.waiters]) wake()
  }

  /** One line for what a reader wants to know: starts, ends and failures; not that it runs or has stopped. */
  #report(id: string, { status, error }: ServiceState, details: string): void {
    const line = `service ${id} is ${status}`
    if (error !== undefined && (status === 'failed' || status === 'exited')) {
      const level = error.kind === 'Canceled' || error.message === TERMINATED ? 'warn' : 'error'
      this.#logger.log(level, line, { serviceID: id, status, error })
    } else if (status === 'starting' || status === 'exited') {
      this.#logger.info(line, details === '' ? { serviceID: id } : { serviceID: id, details })
    }
  }

  #require(id: string): Supervised {
    const supervised = this.#services.get(id)
    if (supervised === undefined) throw new RuntimeError('NotFound', `service not found: ${id}`, { retryable: false })
    return supervised
  }

  /** What each service waits for, found through entries that are no services. */
  #edges(): ServiceEdges {
    const services = this.#services
    const { dependenciesOf = () => [] } = this.#deps
    return {
      isService: (id) => services.has(id),
      declared: (id) => services.get(id)?.lifecycle.requires ?? [],
      derived: (id) => [...(services.get(id)?.needs ?? []), ...dependenciesOf(id)],
    }
  }

  /** The same, with what holds each service up in its present run. */
  #heldEdges(): ServiceEdges {
    const edges = this.#edges()
    return { ...edges, derived: (id) => [...edges.derived(id), ...(this.#services.get(id)?.held ?? [])] }
  }

  #notInTime(ids: readonly string[]): RuntimeError {
    const waiting = ids.flatMap((id) => {
      const supervised = this.#services.get(id)
      if (supervised === undefined || supervised.machine.state.status === 'running') return []
      const { error } = supervised.machine.state
      return [error === undefined ? id : `${id} (${errorText(error)})`]
    })
    return new RuntimeError('Timeout', `service start timed out: ${waiting.join(', ')}`, { retryable: true })
  }
}

/** Runs, or will again: not one that has ended for good. */
function lives({ machine: { state } }: Supervised): boolean {
  return state.desired === 'running' && state.status !== 'exited' && (state.status !== 'failed' || state.retrying)
}

function wanted({ machine }: Supervised): boolean {
  return machine.state.desired === 'running'
}

/** All that wait for this one, over others too. */
function reached(id: string, dependants: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>()
  const walk = (from: string): void => {
    for (const dependant of dependants.get(from) ?? []) {
      if (dependant === id || found.has(dependant)) continue
      found.add(dependant)
      walk(dependant)
    }
  }
  walk(id)
  return found
}

/** Resolves at the next wake-up of the waiters. */
function change(waiters: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      waiters.delete(wake)
      resolve()
    }
    waiters.add(wake)
  })
}

function viewOf({ id, machine }: Supervised): ServiceView {
  const { status, desired, retryCount, startedAt, lastUpdate, error } = machine.state
  const details = status === 'starting' ? `attempt ${retryCount + 1}` : (error?.text ?? '')
  return { id, status, desired, retryCount, startedAt, lastUpdate, details }
}

function canceled(id: string): RuntimeError {
  return new RuntimeError('Canceled', `start of service ${id} was canceled`, { retryable: false })
}

/** One failure as it is, several as one that names them all. */
function together(failures: ReadonlySet<RuntimeError>): RuntimeError {
  const [first, ...rest] = failures
  if (first === undefined) throw new Error('no failure to report')
  if (rest.length === 0) return first
  const texts = [...failures].map((failure) => failure.text)
  return new RuntimeError('Internal', `start failed for multiple services: ${texts.join('; ')}`, { cause: first })
}
