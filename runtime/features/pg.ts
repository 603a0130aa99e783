// The `pg` module and the kind `pg.scope`: process groups by name, messages to all members, and notices of who joins and leaves
// (spec/process.md §13). Without a cluster the local view is the whole view.

import { asRuntimeError, moduleError, RuntimeError } from '../core/error.ts'
import { asCount, field } from '../core/field.ts'
import { emptyMap, type ValueMap } from '../core/value.ts'
import {
  type Call,
  type LuaChannel,
  type LuaModule,
  LuaType,
  type ModuleTable,
  optionalText,
  restPayload,
  results,
  text,
} from '../lua/module.ts'
import type { GroupChange, GroupLimits, Groups } from '../process/groups.ts'
import type { Payload } from '../process/process.ts'
import type { Kind } from '../registry/kind.ts'
import type { Guard } from '../security/guard.ts'

export interface PgDeps {
  readonly groups: Groups
  readonly guard: Guard
}

/** The scope of the functions of the module itself. */
const DEFAULT_SCOPE = ''
const CHANNEL_CAPACITY = 64

interface Subscription {
  readonly channel: LuaChannel
  close(): void
}

const subscriptionType = new LuaType<Subscription>({
  name: 'pg.Subscription',
  methods: {
    channel: (_call, self) => self.channel,
    close(_call, self) {
      self.close()
      return true
    },
  },
})

/** An opened scope. */
interface Instance {
  readonly scope: string
  released: boolean
}

const changeKinds = { join: 'member.joined', leave: 'member.left' } as const

/** A change as subscribers see it. */
function eventOf({ kind, group, pids }: GroupChange): ValueMap {
  return { system: 'pg', kind: changeKinds[kind], path: group, data: { Group: group, PIDs: [...pids] } }
}

/** What a scope can do, by method name; the first argument in Lua stands at `first` (2 for methods). */
function operations({ groups, guard }: PgDeps, first: number) {
  const need = (call: Call, operation: string, resource: string): void => {
    if (!guard.allows(call.frame, `pg.${operation}`, resource, { pid: call.process.pid }))
      throw moduleError('PermissionDenied', `not allowed: pg.${operation} ${resource}`)
  }
  const groupNames = (argument: unknown, name: string): string[] =>
    Array.isArray(argument)
      ? argument.map((item) => text(item, first, `'${name}'`))
      : [text(argument, first, `'${name}'`)]
  const group = (call: Call, operation: string, argument: unknown): string => {
    const name = optionalText(argument, first, `'${operation}'`) ?? ''
    if (name === '') throw moduleError('Invalid', 'group name required')
    need(call, operation, name)
    return name
  }
  const pids = (scope: string, name: string): string[] => groups.members(scope, name).map((process) => process.pid)
  const members = (operation: string) => (call: Call, scope: string, argument: unknown) =>
    pids(scope, group(call, operation, argument))
  /** What concerns all groups is asked for by their scope. */
  const allGroups = (scope: string): string => scope || 'groups'
  const names = (operation: string) => (call: Call, scope: string) => {
    need(call, operation, allGroups(scope))
    return groups.names(scope)
  }
  const membership = (operation: 'join' | 'leave') => (call: Call, scope: string, argument: unknown) => {
    const wanted = groupNames(argument, operation)
    for (const name of wanted) need(call, operation, name)
    groups[operation](scope, call.process, wanted)
    return true
  }
  /** One member that refuses the message does not keep it from the others. */
  const broadcast =
    (operation: string) => (call: Call, scope: string, argument: unknown, topic: unknown, payload: Payload) => {
      const name = group(call, operation, argument)
      const topicText = text(topic, first + 1, `'${operation}'`)
      if (topicText === '') throw moduleError('Invalid', 'topic cannot be empty')
      if (topicText.startsWith('@')) throw moduleError('Invalid', 'cannot send to @ topics')
      let reached = 0
      let refused: unknown
      for (const member of groups.members(scope, name)) {
        try {
          member.deliver(topicText, call.process.pid, payload)
          reached++
        } catch (error) {
          refused = error
        }
      }
      if (reached === 0 && refused !== undefined) throw asRuntimeError(refused)
      return true
    }
  const watch = (call: Call, scope: string, only: string | undefined): unknown => {
    const channel = call.channel(CHANNEL_CAPACITY)
    const leave = groups.watch(scope, (change) => {
      if (only === undefined || change.group === only) channel.push(eventOf(change))
    })
    const owned = call.own({ close: leave })
    return subscriptionType.wrap({
      channel,
      close() {
        leave()
        owned.release()
        channel.close()
        channel.loosen()
      },
    })
  }
  return {
    join: membership('join'),
    leave: membership('leave'),
    get_members: members('get_members'),
    get_local_members: members('get_local_members'),
    which_groups: names('which_groups'),
    which_local_groups: names('which_local_groups'),
    broadcast: broadcast('broadcast'),
    broadcast_local: broadcast('broadcast_local'),
    events: (call: Call, scope: string) =>
      pairOrError(() => {
        need(call, 'events', allGroups(scope))
        const snapshot = emptyMap()
        for (const name of groups.names(scope)) snapshot[name] = pids(scope, name)
        return [watch(call, scope, undefined), snapshot]
      }),
    monitor: (call: Call, scope: string, argument: unknown) =>
      pairOrError(() => {
        const name = group(call, 'monitor', argument)
        return [watch(call, scope, name), pids(scope, name)]
      }),
  }
}

/** Two values, or the error in third place. */
function pairOrError(run: () => [unknown, unknown]): unknown {
  try {
    return results(...run())
  } catch (error) {
    if (error instanceof RuntimeError) return results(null, null, error)
    throw error
  }
}

const subscribing = new Set(['events', 'monitor'])
const withPayload = new Set(['broadcast', 'broadcast_local'])

export function pgModule(deps: PgDeps): LuaModule {
  const scopeType: LuaType<Instance> = new LuaType<Instance>({
    name: 'pg.Scope',
    methods: {
      ...Object.fromEntries(
        Object.entries(operations(deps, 2)).map(([name, run]) => {
          const method = (call: Call, self: Instance, ...args: unknown[]) => {
            if (!self.released)
              return (run as (call: Call, scope: string, ...args: unknown[]) => unknown)(call, self.scope, ...args)
            const released = moduleError('Invalid', `process group scope ${self.scope} is released`)
            return subscribing.has(name) ? results(null, null, released) : results(null, released)
          }
          return [name, withPayload.has(name) ? restPayload(4, method) : method]
        }),
      ),
      release(_call: Call, self: Instance) {
        self.released = true
        return true
      },
    },
    tostring: ({ scope }) => `pg.Scope{${scope}}`,
  })
  const table: ModuleTable = Object.fromEntries(
    Object.entries(operations(deps, 1)).map(([name, run]) => {
      const fn = (call: Call, ...args: unknown[]) =>
        (run as (call: Call, scope: string, ...args: unknown[]) => unknown)(call, DEFAULT_SCOPE, ...args)
      return [name, withPayload.has(name) ? restPayload(3, fn) : fn]
    }),
  )
  return {
    name: 'pg',
    description: 'Process groups: join, list, broadcast, watch',
    traits: ['process'],
    open: () => ({
      ...table,
      // (id): the groups of a scope that an entry declares.
      open(call: Call, argument: unknown) {
        const id = optionalText(argument, 1, "'open'") ?? ''
        if (id === '') throw moduleError('Invalid', 'scope ID required')
        if (!deps.guard.allows(call.frame, 'pg.open', id, { pid: call.process.pid }))
          throw moduleError('PermissionDenied', `not allowed: pg.open ${id}`)
        deps.groups.require(id)
        return scopeType.wrap({ scope: id, released: false })
      },
    }),
  }
}

/** A namespace of groups. What its fields say of other nodes has no meaning here. */
export const pgScopeKind = (groups: Groups): Kind<GroupLimits> => ({
  kind: 'pg.scope',
  decode: (entry) => ({
    groups: field(entry, 'max_groups', asCount, 0),
    members: field(entry, 'max_members_per_group', asCount, 0),
  }),
  open: (entry, limits) => ({
    update: (_entry, changed) => void groups.declare(entry.id, changed),
    close: groups.declare(entry.id, limits),
  }),
})
