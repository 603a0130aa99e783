// What runs, for somebody who looks: hosts and their processes as plain facts of one moment. Changes nothing.

import { formatPid } from '../core/pid.ts'
import type { Kernel } from './kernel.ts'
import type { Process, ProcessActivity } from './process.ts'
import type { ProcessHost } from './process-host.ts'

export interface HostView {
  readonly id: string
  /** Threads that run its processes. */
  readonly workers: number
  readonly processes: number
  /** Steps run by its processes, the ended ones included. */
  readonly executed: number
  /** Processes that are ready to run and wait for their turn. */
  readonly queueDepth: number
}

export interface ProcessView {
  readonly pid: string
  readonly host: string
  /** Registry id of the code it runs. */
  readonly source: string
  readonly state: ProcessActivity['state']
  readonly steps: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Pid of the process that spawned it, which may have ended. */
  readonly parent: string | undefined
  readonly actorId: string | undefined
  readonly activity: ProcessActivity | undefined
}

/** All process hosts, in the order of their ids. */
export function inspectHosts(kernel: Kernel): HostView[] {
  for (const id of kernel.hosts.keys()) kernel.unmet?.meetAll(id)
  return [...kernel.hosts.values()].map(hostView).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The living processes of one host, the oldest first. Throws NotFound. */
export function inspectProcesses(kernel: Kernel, host: string): ProcessView[] {
  kernel.unmet?.meetAll(host)
  return [...kernel.host(host).processes]
    .sort((a, b) => a.serial - b.serial)
    .map((process) => processView(process, kernel.node))
}

function hostView(host: ProcessHost): HostView {
  let executed = host.executed
  let queueDepth = 0
  for (const process of host.processes) {
    executed += process.steps ?? 0
    if (process.inspect?.().state === 'ready') queueDepth++
  }
  return { id: host.id, workers: host.workers, processes: host.processes.size, executed, queueDepth }
}

function processView(process: Process, node: string): ProcessView {
  const activity = process.inspect?.()
  const { parent } = process
  return {
    pid: process.pid,
    host: process.host,
    source: process.definition,
    state: activity?.state ?? 'waiting',
    steps: process.steps ?? 0,
    startedAt: process.startedAt,
    parent: parent === undefined ? undefined : formatPid(parent.host, parent.serial, node),
    actorId: process.frame.actor?.id,
    activity,
  }
}
