// The global `process`: the hot functions are raw (raw.ts), the rest is here, against the module socket (spec/process.md).

import { unixSeconds } from '../../core/clock.ts'
import { asRuntimeError, moduleError } from '../../core/error.ts'
import type { Actor, Frame, Scope } from '../../core/frame.ts'
import { withContext } from '../../core/frame.ts'
import { looksLikePid } from '../../core/pid.ts'
import type { Value } from '../../core/value.ts'
import { detached, firstOf } from '../../lua/detached.ts'
import {
  type AnyHostFunction,
  type Call,
  type LuaModule,
  LuaType,
  luaTypeName,
  optionalText,
  RawFunction,
  raise,
  restPayload,
  results,
  table,
  text,
} from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import type { Kernel } from '../../process/kernel.ts'
import { type Payload, type ProcessOptions, settleExit } from '../../process/process.ts'
import type { Guard } from '../../security/guard.ts'
import { actorOf, scopeOf } from './identity.ts'
import { checkSpawn, type ProcessDeps, pidOf, spawnKinds } from './raw.ts'

const raw = (name: string): RawFunction => new RawFunction(`process_${name}`)

const optionNames = ['trap_links', 'upgradable', 'interrupts'] as const satisfies readonly (keyof ProcessOptions)[]

/** Refuses with `not allowed to <verb>: <resource>`. */
function need(guard: Guard, call: Call, action: string, resource: string, message: string): void {
  if (!guard.allows(call.frame, action, resource, { pid: call.process.pid }))
    throw moduleError('PermissionDenied', message)
}

/** Raises, unlike other denials, when the caller may not give a child another context or identity (spec/process.md §3). */
function mayChange(guard: Guard, call: Call, resource: 'context' | 'security', what: string): void {
  if (!guard.allows(call.frame, `process.${resource}`, resource, { pid: call.process.pid }))
    raise(`not allowed to spawn processes with custom ${what}`)
}

export function processModule({ kernel, guard }: ProcessDeps): LuaModule {
  /** A function on a target process, checked as `process.<verb>`. */
  const targeting =
    (
      verb: string,
      act: (call: Call, target: ReturnType<Kernel['find']>, ...rest: unknown[]) => void,
      failed?: string,
    ): AnyHostFunction =>
    (call: Call, destination: unknown, ...rest: unknown[]) => {
      const name = text(destination, 1, `'${verb}'`)
      need(guard, call, `process.${verb}`, name, `not allowed to ${verb}: ${name}`)
      let target: ReturnType<Kernel['find']>
      try {
        target = kernel.find(name)
      } catch (error) {
        throw failed === undefined ? error : asRuntimeError(error).wrap(failed)
      }
      act(call, target, ...rest)
      return true
    }

  const watched = (name: string): ReturnType<Kernel['find']> => {
    const process = looksLikePid(name) ? kernel.byPid(name) : kernel.names.lookup(name)
    if (process === undefined) throw moduleError('NotFound', 'pid not registered')
    return process
  }

  const relating =
    (
      verb: string,
      relate: (call: Call, target: ReturnType<Kernel['find']>) => void,
      missing: 'error' | 'ignore',
    ): AnyHostFunction =>
    (call: Call, destination: unknown) => {
      const name = text(destination, 1, `'${verb}'`)
      need(guard, call, `process.${verb}`, name, `not allowed to ${verb}: ${name}`)
      const target =
        missing === 'error' ? watched(name) : looksLikePid(name) ? kernel.byPid(name) : kernel.names.lookup(name)
      if (target !== undefined) relate(call, target)
      return true
    }

  return {
    name: 'process',
    description: 'Spawn, message, watch and name processes',
    traits: ['process'],
    open: () => ({
      pid: raw('pid'),
      id: raw('id'),
      send: raw('send'),
      listen: raw('listen'),
      unlisten: raw('unlisten'),
      inbox: raw('inbox'),
      events: raw('events'),
      upgrade: raw('upgrade'),
      spawn: raw('spawn'),
      spawn_monitored: raw('spawn_monitored'),
      spawn_linked: raw('spawn_linked'),
      spawn_linked_monitored: raw('spawn_linked_monitored'),

      exec: restPayload(3, (call: Call, id: unknown, host: unknown, args: Payload) =>
        exec(kernel, guard, call, call.frame, id, host, args),
      ),

      monitor: relating('monitor', (call, target) => kernel.links.monitor(call.process, target), 'error'),
      unmonitor: relating('unmonitor', (call, target) => kernel.links.unmonitor(call.process, target), 'ignore'),
      link: relating('link', (call, target) => kernel.links.link(call.process, target), 'error'),
      unlink: relating('unlink', (call, target) => kernel.links.unlink(call.process, target), 'ignore'),

      cancel: targeting('cancel', (call, target, reason) => {
        const why = optionalText(reason, 2, "'cancel'") ?? ''
        target.event({ kind: 'pid.cancel', from: call.process.pid, at: unixSeconds(kernel.clock), reason: why })
      }),
      terminate: targeting('terminate', (_call, target) => kernel.terminate(target), 'terminate failed'),

      set_options: (call: Call, options: unknown) => setOptions(call, options),
      get_options: (call: Call) => ({ ...call.process.options }),

      with_context: (call: Call, values: unknown) => {
        mayChange(guard, call, 'context', 'context')
        return spawnerType.wrap(spawnerOf(call).withContext(table(values, 1, "'with_context'")))
      },
      with_options: (call: Call, options: unknown) => {
        mayChange(guard, call, 'context', 'options')
        return spawnerType.wrap(spawnerOf(call).withOptions(table(options, 1, "'with_options'")))
      },

      registry: {
        LOCAL: 0,
        EVENTUAL: 1,
        CONSISTENT: 2,
        STRONG: 3,
        register: (call: Call, name: unknown, pid: unknown, scope: unknown) =>
          register(call, text(name, 1, "'register'"), pid, scope),
        lookup: (_call: Call, name: unknown) => {
          const process = kernel.names.lookup(text(name, 1, "'lookup'"))
          if (process === undefined) throw moduleError('NotFound', 'name not registered')
          return process.pid
        },
        unregister: (call: Call, name: unknown, scope: unknown) =>
          unregister(call, text(name, 1, "'unregister'"), scope),
      },

      event: {
        EXIT: 'pid.exit',
        LINK_DOWN: 'pid.link.down',
        CANCEL: 'pid.cancel',
        OUTDATED: 'pid.outdated',
        INTERRUPT: 'pid.interrupt',
      },
    }),
  }

  function spawnerOf(call: Call): Spawner {
    return new Spawner(kernel, guard, call.frame)
  }

  function register(call: Call, name: string, pid: unknown, scope: unknown): unknown {
    need(guard, call, 'process.registry.register', name, `not allowed to register name: ${name}`)
    requireLocal(scope)
    const target = optionalText(pid, 2, "'register'")
    const process = target === undefined ? call.process : kernel.byPid(target)
    if (process === undefined) throw moduleError('NotFound', 'process not found')
    if (process !== call.process)
      need(guard, call, 'process.registry.foreign', process.pid, `not allowed to register foreign pid: ${process.pid}`)
    kernel.names.register(name, process)
    return true
  }

  /** A name is given up by its owner, or with the right to foreign names (design PROMISES, departures). */
  function unregister(call: Call, name: string, scope: unknown): unknown {
    need(guard, call, 'process.registry.unregister', name, `not allowed to unregister name: ${name}`)
    requireLocal(scope)
    const owner = kernel.names.lookup(name)
    if (owner !== undefined && owner !== call.process && !guard.unrestricted(call.frame)) {
      need(guard, call, 'process.registry.foreign', owner.pid, `not allowed to unregister foreign name: ${name}`)
    }
    return kernel.names.unregister(name)
  }
}

function requireLocal(scope: unknown): void {
  if (scope === undefined || scope === null || scope === 0) return
  if (scope === 1) throw moduleError('Internal', 'eventual registry not available')
  throw moduleError('Internal', 'global registry not available')
}

function setOptions(call: Call, options: unknown): unknown {
  const invalid = (message: string): unknown => results(false, moduleError('Invalid', message))
  if (luaTypeName(options) !== 'table') return invalid('options parameter must be a table')
  const changes: Partial<ProcessOptions> = {}
  for (const [key, value] of Object.entries(options as object)) {
    if (!isOption(key)) return invalid(`option ${key} is not supported`)
    if (typeof value !== 'boolean') return invalid(`${key} must be a boolean`)
    changes[key] = value
  }
  call.process.setOptions(changes)
  return true
}

function isOption(name: string): name is keyof ProcessOptions {
  return (optionNames as readonly string[]).includes(name)
}

function exec(
  kernel: Kernel,
  guard: Guard,
  call: Call,
  frame: Frame,
  id: unknown,
  host: unknown,
  args: Payload,
  options?: Partial<ProcessOptions>,
): Promise<unknown> {
  const definition = optionalText(id, 1, "'exec'") ?? ''
  const hostId = optionalText(host, 2, "'exec'") ?? ''
  if (definition === '') throw moduleError('Invalid', 'process ID required')
  if (hostId === '') throw moduleError('Invalid', 'host ID required')
  if (!/^[^:]+:.+$/.test(definition))
    throw moduleError('Invalid', 'invalid process ID format (namespace:name required)')
  const attributes = { pid: call.process.pid }
  if (!guard.allows(call.frame, 'process.exec', definition, attributes)) {
    throw moduleError('PermissionDenied', `not allowed to exec process: ${definition}`)
  }
  if (!guard.allows(call.frame, 'process.host', hostId, attributes)) {
    throw moduleError('PermissionDenied', `not allowed to spawn on host: ${hostId}`)
  }
  const child = kernel.spawn({ definition, host: hostId, args, frame, options, parent: call.process })
  return new Promise((resolve, reject) => {
    kernel.watch(child, (exit) => {
      settleExit(exit, (result) => resolve(firstOf(detached(result))), reject)
    })
  })
}

/** An immutable description of how to spawn (spec/process.md §3, Spawner). */
class Spawner {
  readonly kernel: Kernel
  readonly guard: Guard
  readonly frame: Frame
  readonly custom: boolean
  readonly name: string | undefined
  readonly messages: readonly { topic: string; payload: Payload }[]
  /** What the process begins with; options of the original that have no meaning here are accepted and dropped. */
  readonly options: Partial<ProcessOptions>

  constructor(
    kernel: Kernel,
    guard: Guard,
    frame: Frame,
    extra: Partial<Pick<Spawner, 'custom' | 'name' | 'messages' | 'options'>> = {},
  ) {
    this.kernel = kernel
    this.guard = guard
    this.frame = frame
    this.custom = extra.custom ?? false
    this.name = extra.name
    this.messages = extra.messages ?? []
    this.options = extra.options ?? {}
  }

  #copy(frame: Frame, extra: Partial<Pick<Spawner, 'custom' | 'name' | 'messages' | 'options'>> = {}): Spawner {
    const { custom, name, messages, options } = this
    return new Spawner(this.kernel, this.guard, frame, { custom, name, messages, options, ...extra })
  }

  withContext(values: { [key: string]: unknown }): Spawner {
    return this.#copy(withContext(this.frame, plainValue(values) as Record<string, Value>))
  }
  withActor(actor: Actor): Spawner {
    return this.#copy({ ...this.frame, actor }, { custom: true })
  }
  withScope(scope: Scope): Spawner {
    return this.#copy({ ...this.frame, scope }, { custom: true })
  }
  withName(name: string): Spawner {
    return this.#copy(this.frame, { name })
  }
  withMessage(topic: string, payload: Payload): Spawner {
    return this.#copy(this.frame, { messages: [...this.messages, { topic, payload }] })
  }
  withOptions(values: { [key: string]: unknown }): Spawner {
    const options: Partial<ProcessOptions> = { ...this.options }
    for (const [key, value] of Object.entries(values)) {
      if (!isOption(key)) continue
      if (typeof value !== 'boolean') raise(`${key} must be a boolean`)
      options[key] = value
    }
    return this.#copy(this.frame, { options })
  }

  spawn(
    call: Call,
    kind: (typeof spawnKinds)[number],
    id: unknown,
    host: unknown,
    args: Payload,
  ): string | Promise<string> {
    if (id === undefined || host === undefined)
      throw moduleError('Invalid', `${kind.name} requires at least id and host arguments`)
    const definition = text(id, 1, `'${kind.name}'`)
    const hostId = text(host, 2, `'${kind.name}'`)
    checkSpawn(this.guard, call.process, kind, definition, hostId)
    const { messages } = this
    const existing = this.name === undefined ? undefined : this.kernel.names.lookup(this.name)
    if (existing !== undefined) {
      for (const { topic, payload } of messages) existing.deliver(topic, '', payload)
      return existing.pid
    }
    const child = this.kernel.spawn({
      definition,
      host: hostId,
      args,
      frame: this.frame,
      options: this.options,
      parent: call.process,
      monitor: kind.monitor,
      link: kind.link,
      name: this.name,
      messages,
    })
    return pidOf(child)
  }
}

const spawnerType: LuaType<Spawner> = new LuaType<Spawner>({
  name: 'process.Spawner',
  methods: {
    with_context: (call, self: Spawner, values: unknown) => {
      mayChange(self.guard, call, self.custom ? 'security' : 'context', 'context')
      return spawnerType.wrap(self.withContext(table(values, 1, "'with_context'")))
    },
    with_options: (call, self: Spawner, options: unknown) => {
      mayChange(self.guard, call, 'context', 'options')
      return spawnerType.wrap(self.withOptions(table(options, 1, "'with_options'")))
    },
    with_actor: (call, self: Spawner, actor: unknown) => {
      mayChange(self.guard, call, 'security', 'actor')
      return spawnerType.wrap(self.withActor(actorOf(actor, 1, "'with_actor'")))
    },
    with_scope: (call, self: Spawner, scope: unknown) => {
      mayChange(self.guard, call, 'security', 'scope')
      return spawnerType.wrap(self.withScope(scopeOf(scope, 1, "'with_scope'")))
    },
    with_name: (_call, self: Spawner, name: unknown) => {
      const value = text(name, 1, "'with_name'")
      if (value === '') raise('name cannot be empty')
      return spawnerType.wrap(self.withName(value))
    },
    with_message: restPayload(3, (_call: Call, self: Spawner, topic: unknown, values: Payload) => {
      const name = text(topic, 1, "'with_message'")
      if (name.startsWith('@')) raise('cannot send to @ topics')
      return spawnerType.wrap(self.withMessage(name, detached(values)))
    }),
    exec: restPayload(4, (call: Call, self: Spawner, id: unknown, host: unknown, args: Payload) =>
      exec(self.kernel, self.guard, call, self.frame, id, host, args, self.options),
    ),
    ...Object.fromEntries(
      spawnKinds.map((kind) => [
        kind.name,
        restPayload(4, (call: Call, self: Spawner, id: unknown, host: unknown, args: Payload) =>
          self.spawn(call, kind, id, host, args),
        ),
      ]),
    ),
  },
})
