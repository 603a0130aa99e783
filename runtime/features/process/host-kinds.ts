// The kinds that run processes: process.host, terminal.host and process.service, all of them supervised services.

import { availableParallelism } from 'node:os'
import { unixSeconds } from '../../core/clock.ts'
import type { Entry } from '../../core/entry.ts'
import { moduleError } from '../../core/error.ts'
import { asBoolean, asCount, asList, asMap, asName, field, notA } from '../../core/field.ts'
import { emptyFrame, type Frame } from '../../core/frame.ts'
import { parseId, resolveId } from '../../core/id.ts'
import type { SecurityBlock } from '../../core/security-block.ts'
import { emptyMap, type Value } from '../../core/value.ts'
import type { Kernel } from '../../process/kernel.ts'
import { type Process, payloadOf } from '../../process/process.ts'
import { ProcessHost } from '../../process/process-host.ts'
import type { AnyKind, Kind } from '../../registry/kind.ts'
import type { Policies } from '../../security/policies.ts'
import { decodeLifecycle, type Lifecycle } from '../../supervisor/lifecycle.ts'
import type { Service } from '../../supervisor/service.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'

/** Threads that run the processes of a host (threads/threads.ts). */
export interface HostThreads {
  addHost(id: string, workers: number): void
  hostRunning(id: string, running: boolean): void
  /** Finds the processes of the host that its threads have not told of. */
  meetAll(id: string): void
  removeHost(id: string): Promise<void>
}

export interface HostKindDeps {
  /** Undefined where there are no other threads: all processes run in this one. */
  readonly threads: HostThreads | undefined
  readonly kernel: Kernel
  readonly supervisor: Supervisor
  readonly policies: Policies
  /** Living processes on a host whose entry does not say. */
  readonly maxProcesses: number
}

interface HostConfig {
  readonly lifecycle: Lifecycle
  readonly hideLogs: boolean
  /** Threads that run its processes; one is the thread of the runtime itself. */
  readonly workers: number
  readonly maxProcesses: number
}

/** Threads beyond the machine's cores only take turns: where an app asks for more, it gets these. */
const mostWorkers = (): number => Math.max(2, availableParallelism())

/** `host.workers`, nested as the original has it (spec/process.md §2); not a matter of terminals. */
function workersOf(entry: Entry, kind: string): number {
  const host = field(entry, 'host', asMap, undefined)
  if (host === undefined || kind === 'terminal.host') return 1
  const where = `entry ${entry.id}: host.workers`
  const workers = field({ ...entry, data: host }, 'workers', (value) => asCount(value, where), 1)
  if (workers < 1) throw moduleError('Invalid', `${where} must be at least 1, not ${workers}`)
  return Math.min(workers, mostWorkers())
}

/** `host.limits.processes`, at least one. */
function maxProcesses(entry: Entry, fallback: number): number {
  const host = { ...entry, data: field(entry, 'host', asMap, emptyMap()) }
  const where = `entry ${entry.id}: host.limits`
  const limits = { ...entry, data: field(host, 'limits', (value) => asMap(value, where), emptyMap()) }
  for (const name of Object.keys(limits.data)) {
    if (name !== 'processes') throw moduleError('Invalid', `${where}.${name} is no limit (there is processes)`)
  }
  return field(limits, 'processes', (value) => atLeastOne(value, `${where}.processes`), fallback)
}

/** Both hosts: on update the host is stopped, its processes cancelled, and another takes its place. */
function hostKind(kind: 'process.host' | 'terminal.host', deps: HostKindDeps): Kind<HostConfig> {
  const { kernel, supervisor, threads } = deps
  return {
    kind,
    decode: (entry) => ({
      lifecycle: decodeLifecycle(entry),
      hideLogs: field(entry, 'hide_logs', asBoolean, false),
      workers: workersOf(entry, kind),
      maxProcesses: maxProcesses(entry, deps.maxProcesses),
    }),
    open(entry, { lifecycle, hideLogs, workers, maxProcesses }) {
      const host = new ProcessHost(entry.id, kind === 'terminal.host' ? 'terminal' : 'process', {
        clock: kernel.clock,
        hideLogs,
        maxProcesses,
      })
      const elsewhere = workers > 1 ? threads : undefined
      if (elsewhere !== undefined) host.workers = workers
      elsewhere?.addHost(entry.id, workers)
      const service: Service = {
        start() {
          host.start()
          // Where processes are counted, each one is asked for.
          elsewhere?.hostRunning(entry.id, maxProcesses === Number.POSITIVE_INFINITY)
        },
        stop() {
          elsewhere?.hostRunning(entry.id, false)
          elsewhere?.meetAll(entry.id)
          return host.stop()
        },
        kill: () => host.kill(),
      }
      supervisor.add(entry.id, service, lifecycle)
      kernel.hosts.set(entry.id, host)
      return {
        async close() {
          await supervisor.remove(entry.id)
          kernel.hosts.delete(entry.id)
          await elsewhere?.removeHost(entry.id)
        },
      }
    },
  }
}

const atLeastOne: typeof asCount = (value, what) => {
  const count = asCount(value, what)
  if (count === 0) throw notA(what, value, 'a positive integer')
  return count
}

interface ServiceConfig {
  readonly process: string
  readonly host: string
  readonly input: readonly Value[]
  readonly lifecycle: Lifecycle
}

function decodeService(entry: Entry): ServiceConfig {
  const required = (name: string): string => {
    const value = field(entry, name, asName, undefined)
    if (value === undefined) throw moduleError('Invalid', `entry ${entry.id}: ${name} is required`)
    return value
  }
  const process = required('process')
  const host = required('host')
  if (host === 'node:control') throw moduleError('Invalid', `entry ${entry.id}: invalid host: ${host}`)
  return {
    process: resolveId(process, parseId(entry.id).ns),
    host,
    input: field(
      entry,
      'input',
      asList((value) => value),
      [],
    ),
    lifecycle: decodeLifecycle(entry),
  }
}

/** The identity a service runs with (spec/security.md §5): groups and policies that do not exist are skipped. */
function frameOf(security: SecurityBlock | undefined, policies: Policies): Frame {
  if (security === undefined) return emptyFrame
  return {
    ...emptyFrame,
    actor: security.actor,
    scope: policies.scope(security.groups, security.policies),
  }
}

/** Runs one process after another: the supervisor decides whether there is a next. */
class ProcessService implements Service {
  readonly #deps: HostKindDeps
  readonly #id: string
  config: ServiceConfig
  #process: Process | undefined
  #stopped: (() => void) | undefined

  constructor(id: string, config: ServiceConfig, deps: HostKindDeps) {
    this.#id = id
    this.config = config
    this.#deps = deps
  }

  start(ended: Parameters<Service['start']>[0]): void | Promise<void> {
    const { kernel, policies } = this.#deps
    const { process: definition, host, input, lifecycle } = this.config
    const process = kernel.spawn({
      definition,
      host,
      args: payloadOf([...input]),
      frame: frameOf(lifecycle.security, policies),
    })
    this.#process = process
    kernel.watch(process, (exit) => {
      this.#process = undefined
      if (this.#stopped !== undefined) this.#stopped()
      // Otherwise the start itself fails, below.
      else if (process.neverStarted !== true) ended({ error: exit.error?.wrap('process failed') })
    })
    return process.starting
  }

  stop(): Promise<void> | undefined {
    const process = this.#process
    if (process === undefined) return undefined
    const gone = new Promise<void>((resolve) => {
      this.#stopped = () => {
        this.#stopped = undefined
        resolve()
      }
    })
    process.event({
      kind: 'pid.cancel',
      from: '',
      at: unixSeconds(this.#deps.kernel.clock),
      reason: 'service stopping',
    })
    return gone
  }

  kill(): void {
    this.#process?.terminate(moduleError('Canceled', `service ${this.#id} was stopped`))
  }
}

function serviceKind(deps: HostKindDeps): Kind<ServiceConfig> {
  return {
    kind: 'process.service',
    decode: decodeService,
    needs: (config) => [config.host, config.process],
    open(entry, config) {
      const service = new ProcessService(entry.id, config, deps)
      deps.supervisor.add(entry.id, service, config.lifecycle, [config.host])
      return {
        // Kept for the next start: a running process is not disturbed (spec/hot-reload.md §2).
        update(_entry, changed) {
          service.config = changed
          deps.supervisor.update(entry.id, changed.lifecycle, [changed.host])
        },
        close: () => deps.supervisor.remove(entry.id),
      }
    },
  }
}

/** All kinds of this feature. */
export function hostKinds(deps: HostKindDeps): AnyKind[] {
  return [hostKind('process.host', deps), hostKind('terminal.host', deps), serviceKind(deps)]
}
