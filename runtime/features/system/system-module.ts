// The `system` module: what this runtime is and does, for those who may know, and its end, for those who may bring it.

import { availableParallelism, hostname } from 'node:os'
import type { Clock } from '../../core/clock.ts'
import { moduleError } from '../../core/error.ts'
import type { Value, ValueMap } from '../../core/value.ts'
import { type Call, type LuaModule, number, optionalNumber, results, text } from '../../lua/module.ts'
import { inspectHosts, inspectProcesses, type ProcessView } from '../../process/inspection.ts'
import type { Kernel } from '../../process/kernel.ts'
import type { Guard } from '../../security/guard.ts'
import type { ServiceView, Supervisor } from '../../supervisor/supervisor.ts'
import { Locks } from './locks.ts'
import { allocated, type LuaMemory, MemoryLimit, memoryStats } from './memory.ts'

export interface SystemDeps {
  readonly kernel: Kernel
  readonly supervisor: Supervisor
  readonly guard: Guard
  readonly clock: Clock
  readonly lua: LuaMemory
  /** Every Lua module there is. */
  readonly modules: () => Iterable<LuaModule>
  /** Asks for the end of the whole system; whoever runs it decides how. */
  readonly exit: (code: number) => void
}

const NOT_MEMBER = 'non-member'
const LAST_EXIT_CODE = 255

/** Tables of functions by subject, as spec/lua-modules.md §22 has them. */
export const systemModule = (deps: SystemDeps): LuaModule => {
  const { kernel, supervisor, guard, clock, lua } = deps
  const locks = new Locks(kernel)
  const limit = new MemoryLimit(clock, lua)

  const allow = (call: Call, action: string, resource: string): void => {
    if (guard.allows(call.frame, action, resource)) return
    throw moduleError('Invalid', `permission denied: ${action}${resource === '' ? '' : ` on ${resource}`}`)
  }
  const read =
    <T>(resource: string, answer: (call: Call, ...args: unknown[]) => T) =>
    (call: Call, ...args: unknown[]): T => {
      allow(call, 'system.read', resource)
      return answer(call, ...args)
    }
  /** As `read`, for what other threads have a part in. */
  const readAll =
    <T>(resource: string, answer: (call: Call, ...args: unknown[]) => T) =>
    (call: Call, ...args: unknown[]): T | Promise<T> => {
      allow(call, 'system.read', resource)
      return lua.refresh?.(false)?.then(() => answer(call, ...args)) ?? answer(call, ...args)
    }
  const lockName = (call: Call, argument: unknown, name: string): string => {
    const lock = text(argument, 1, `'${name}'`)
    if (lock === '') throw moduleError('Invalid', 'lock name is required')
    allow(call, 'system.lock', lock)
    return lock
  }

  return {
    name: 'system',
    description: 'Inspects and controls the runtime',
    traits: ['system', 'nondeterministic'],
    open: () => ({
      exit(call: Call, argument: unknown) {
        allow(call, 'system.exit', '')
        const code = optionalNumber(argument, 1, "'exit'") ?? 0
        if (!Number.isInteger(code) || code < 0 || code > LAST_EXIT_CODE) {
          throw moduleError('Invalid', `exit code ${code} is not an integer from 0 to ${LAST_EXIT_CODE}`)
        }
        deps.exit(code)
        return true
      },
      modules: read('modules', () => [...deps.modules()].map(moduleView).sort((a, b) => (a.name < b.name ? -1 : 1))),
      memory: {
        stats: readAll('memory', () => memoryStats(lua)),
        allocated: readAll('memory', () => allocated(lua)),
        heap_objects: readAll('memory', () => lua.handles),
        get_limit: read('memory_limit', () => limit.bytes),
        set_limit(call: Call, argument: unknown) {
          allow(call, 'system.control', 'memory_limit')
          return limit.set(whole(number(argument, 1, "'set_limit'"), 'memory limit'))
        },
      },
      gc: {
        collect(call: Call) {
          allow(call, 'system.gc', 'gc')
          lua.collect()
          return lua.refresh?.(true)?.then(() => true) ?? true
        },
        get_percent: read('gc_percent', () => lua.gcPercent),
        set_percent(call: Call, argument: unknown) {
          allow(call, 'system.gc', 'gc_percent')
          const percent = whole(number(argument, 1, "'set_percent'"), 'gc percent')
          if (percent < 1 || percent > 900) throw moduleError('Invalid', `gc percent ${percent} is not from 1 to 900`)
          const before = lua.gcPercent
          lua.setGcPercent(percent)
          return before
        },
      },
      runtime: {
        goroutines: readAll('goroutines', () => coroutines(kernel)),
        max_procs(call: Call, argument: unknown) {
          if (argument === undefined || argument === null) {
            allow(call, 'system.read', 'gomaxprocs')
            return inspectHosts(kernel).reduce((most, { workers }) => Math.max(most, workers), 1)
          }
          allow(call, 'system.control', 'gomaxprocs')
          if (whole(number(argument, 1, "'max_procs'"), 'max_procs') < 1) {
            throw moduleError('Invalid', 'max_procs must be greater than 0')
          }
          throw moduleError('Invalid', 'max_procs is fixed: threads are set by host.workers of a process.host')
        },
        cpu_count: read('cpu', () => availableParallelism()),
      },
      process: {
        pid: read('pid', () => process.pid),
        hostname: read('hostname', () => hostname()),
        cwd: read('cwd', () => process.cwd()),
      },
      hosts: {
        list: readAll('hosts', () =>
          inspectHosts(kernel).map(({ id, workers, processes, executed, queueDepth }) => ({
            id,
            workers,
            processes,
            executed,
            stolen: 0,
            queue_depth: queueDepth,
          })),
        ),
        processes: readAll('hosts', (_call, host) =>
          inspectProcesses(kernel, named(host, 'host id', 'processes')).map(processTable),
        ),
      },
      supervisor: {
        state: read('supervisor', (_call, id) => serviceTable(supervisor.state(named(id, 'service id', 'state')))),
        states: read('supervisor', () => supervisor.states().map(serviceTable)),
      },
      node: {
        id: read('node', () => kernel.id),
        addr: read('node', () => {
          throw moduleError('Internal', 'membership not available')
        }),
        role: read('node', () => NOT_MEMBER),
      },
      cluster: {
        members: read('cluster', () => [{ id: kernel.id, is_local: true }]),
        leader: read('cluster', () => ''),
        size: read('cluster', () => 1),
      },
      raft: Object.fromEntries([
        ...['is_leader', 'is_member', 'role', 'term', 'commit_index'].map((name) => [name, read('raft', noRaft)]),
        ['stats', read('raft_stats', noRaft)],
      ]),
      lock: {
        acquire(call: Call, argument: unknown) {
          const name = lockName(call, argument, 'acquire')
          if (locks.acquire(name, call.process)) return true
          return results(false, moduleError('AlreadyExists', `lock held: ${name}`))
        },
        release: (call: Call, argument: unknown) => locks.release(lockName(call, argument, 'release'), call.process),
      },
    }),
  }
}

function noRaft(): never {
  throw moduleError('Internal', 'raft not available')
}

function named(argument: unknown, what: string, name: string): string {
  const id = text(argument, 1, `'${name}'`)
  if (id === '') throw moduleError('Invalid', `${what} is required`)
  return id
}

function whole(value: number, what: string): number {
  if (Number.isInteger(value)) return value
  throw moduleError('Invalid', `${what} ${value} is not an integer`)
}

/** Whatever may run: what a goroutine is to the original. */
function coroutines(kernel: Kernel): number {
  let count = 0
  for (const process of kernel.processes()) count += process.inspect?.().coroutines ?? 1
  return count
}

function moduleView({ name, description, traits }: LuaModule): { name: string; description: string; class: Value[] } {
  return { name, description, class: [...traits] }
}

function processTable({ activity, startedAt, parent, actorId, ...view }: ProcessView): ValueMap {
  const { pid, host, source, state, steps } = view
  return {
    pid,
    host,
    source,
    state,
    steps,
    started_at: nanoseconds(startedAt),
    ...(parent === undefined ? {} : { parent }),
    ...(actorId === undefined ? {} : { actor_id: actorId }),
    ...(activity === undefined
      ? {}
      : { stats: { coroutines: activity.coroutines, queued: activity.queued, cpu_ms: activity.cpu } }),
  }
}

function serviceTable({ id, status, desired, retryCount, lastUpdate, startedAt, details }: ServiceView): ValueMap {
  return {
    id,
    status,
    desired,
    retry_count: retryCount,
    last_update: lastUpdate,
    started_at: startedAt,
    ...(details === '' ? {} : { details }),
  }
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(milliseconds) * 1_000_000n
}
