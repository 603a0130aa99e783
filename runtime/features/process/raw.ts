// The hot part of the `process` global, written against the engine's stack: spawn, send, listen and their like.

import { asRuntimeError, moduleError, RuntimeError } from '../../core/error.ts'
import { Channel } from '../../lua/channel.ts'
import type { LuaEngine } from '../../lua/engine.ts'
import type { RawFunctions } from '../../lua/instance.ts'
import { LuaProcess } from '../../lua/lua-process.ts'
import { StackPayload } from '../../lua/stack-payload.ts'
import { LUA } from '../../lua/wasm.ts'
import type { Kernel, SpawnRequest } from '../../process/kernel.ts'
import type { Process } from '../../process/process.ts'
import type { Guard } from '../../security/guard.ts'

export interface ProcessDeps {
  readonly kernel: Kernel
  readonly guard: Guard
  /** In a worker thread: starts a process there or asks the main thread to, and gives its pid. Throws as `kernel.spawn` does. */
  readonly spawnInThread?:
    | ((request: SpawnRequest & { readonly parent: LuaProcess }) => string | Promise<string>)
    | undefined
}

/** A sender to a mailbox this crowded gives up its turn now and then, so that the receiver keeps up. */
const CROWDED = 1000
const SENDS_TO_CROWDED = 64
/** One of another thread that has read nothing for so many milliseconds is not waited for again soon. */
const READS_NOTHING_MS = 250
const SENDS_TO_WHO_READS_NOTHING = 20_000

interface SpawnKind {
  readonly name: string
  readonly action: string
  readonly monitor: boolean
  readonly link: boolean
  readonly denied: string
}

export const spawnKinds: readonly SpawnKind[] = [
  { name: 'spawn', action: 'process.spawn', monitor: false, link: false, denied: 'not allowed to spawn process' },
  {
    name: 'spawn_monitored',
    action: 'process.spawn.monitored',
    monitor: true,
    link: false,
    denied: 'not allowed to spawn monitored process',
  },
  {
    name: 'spawn_linked',
    action: 'process.spawn.linked',
    monitor: false,
    link: true,
    denied: 'not allowed to spawn linked process',
  },
  {
    name: 'spawn_linked_monitored',
    action: 'process.spawn.linked',
    monitor: true,
    link: true,
    denied: 'not allowed to spawn linked process',
  },
]

/** Checks the right to spawn `definition` on `host`; throws PermissionDenied with the texts of spec/process.md §3. */
export function checkSpawn(guard: Guard, process: Process, kind: SpawnKind, definition: string, host: string): void {
  const { frame } = process
  if (guard.unrestricted(frame)) return
  const attributes = { pid: process.pid }
  const deny = (message: string): never => {
    throw moduleError('PermissionDenied', message)
  }
  if (!guard.allows(frame, 'process.spawn', definition, attributes)) deny(`not allowed to spawn process: ${definition}`)
  if (kind.action !== 'process.spawn' && !guard.allows(frame, kind.action, definition, attributes))
    deny(`${kind.denied}: ${definition}`)
  if (kind.monitor && kind.link && !guard.allows(frame, 'process.spawn.monitored', definition, attributes)) {
    deny(`not allowed to spawn monitored process: ${definition}`)
  }
  if (!guard.allows(frame, 'process.host', host, attributes)) deny(`not allowed to spawn on host: ${host}`)
}

/** The raw functions `process_…` the module table refers to. */
export function processFunctions({ kernel, guard, spawnInThread }: ProcessDeps): (engine: LuaEngine) => RawFunctions {
  return (engine) => {
    const { lua } = engine
    const me = (): LuaProcess => {
      const process = engine.current?.process
      if (process === undefined)
        throw moduleError('InvalidState', 'process functions cannot be called while code loads')
      return process
    }

    /** Turns what a function throws into `nil, err`, and a count into itself. */
    const answering =
      (run: (thread: number) => number) =>
      (thread: number): number => {
        try {
          return run(thread)
        } catch (error) {
          if (error instanceof RuntimeError) return engine.endOperation(thread, engine.fail(thread, error))
          throw error
        }
      }

    /** The pid of a process in another thread, once its code has loaded there. */
    const awaitPid = (thread: number, pid: Promise<string>): number =>
      engine.awaitPromise(thread, pid, (vm, target, outcome) => {
        if ('value' in outcome) {
          lua.pushText(target, String(outcome.value))
          return 1
        }
        lua.api.lua_pushnil(target)
        engine.marshal.push(vm, target, asRuntimeError(outcome.error))
        return 2
      })

    /**
     * A receiver in another thread gets no turn when the sender gives up its own: it is waited for, as long as it reads.
     */
    const awaitRoom = (thread: number, coroutine: { flood: number }, target: Process & { queued?: number }): number => {
      const caughtUp = async (): Promise<void> => {
        let least = target.queued ?? 0
        for (let still = 0; least > CROWDED && still < READS_NOTHING_MS; still++) {
          await new Promise<void>((resolve) => kernel.clock.after(1, resolve))
          const now = target.ended ? 0 : (target.queued ?? 0)
          if (now < least) still = 0
          least = Math.min(least, now)
        }
        if (least > CROWDED) coroutine.flood = -SENDS_TO_WHO_READS_NOTHING
      }
      return engine.awaitPromise(thread, caughtUp(), (_vm, on) => pushTrue(on))
    }

    const pushTrue = (thread: number): number => {
      lua.api.lua_pushboolean(thread, 1)
      return 1
    }

    /** The target of a send: pids are read from memory without making a string of them. */
    const targetAt = (thread: number, index: number): Process => {
      const pointer = lua.stringAt(thread, index)
      const length = lua.word(lua.scratch)
      const serial = serialAt(lua.u8, pointer, length)
      const process = serial > 0 ? kernel.bySerial(serial) : undefined
      if (process !== undefined && isPidOf(lua.u8, pointer, kernel.node, process.host)) return process
      return kernel.find(lua.readText(thread, index) as string)
    }

    const topicAt = (thread: number, index: number, verb: string): string => {
      const topic = lua.api.lua_type(thread, index) === LUA.string ? me().vm.cachedText(thread, index) : null
      if (topic === null) throw moduleError('Invalid', `${verb} requires a topic`)
      if (topic === '') throw moduleError('Invalid', 'topic cannot be empty')
      if (topic.charCodeAt(0) === 64) throw moduleError('Invalid', `cannot ${verb} @ topics`)
      return topic
    }

    const functions: RawFunctions = {
      process_pid(thread) {
        const process = me()
        kernel.outside?.met(process)
        lua.pushText(thread, process.pid)
        return 1
      },

      process_id(thread) {
        lua.pushText(thread, me().definition)
        return 1
      },

      process_send: answering((thread) => {
        const count = lua.api.lua_gettop(thread)
        const process = me()
        if (count < 2 || lua.api.lua_type(thread, 1) !== LUA.string) {
          throw moduleError('Invalid', 'send requires at least destination and topic arguments')
        }
        const topic = topicAt(thread, 2, 'send to')
        if (!guard.unrestricted(process.frame)) {
          const destination = lua.readText(thread, 1) as string
          if (!guard.allows(process.frame, 'process.send', destination, { pid: process.pid })) {
            throw moduleError('PermissionDenied', `not allowed to send: ${destination}`)
          }
        }
        const target = targetAt(thread, 1)
        kernel.outside?.met(process)
        target.deliver(
          topic,
          process.pid,
          new StackPayload(engine, thread, 3, count - 2, process.program.limits.messageBytes),
        )
        const coroutine = engine.current
        const crowded = ((target as { queued?: number }).queued ?? 0) > CROWDED && target !== process
        if (crowded && coroutine !== null && ++coroutine.flood >= SENDS_TO_CROWDED) {
          coroutine.flood = 0
          if (target instanceof LuaProcess) {
            pushTrue(thread)
            return engine.giveUpTurn(thread, 1)
          }
          if (lua.api.lua_isyieldable(thread) !== 0) return awaitRoom(thread, coroutine, target)
        }
        pushTrue(thread)
        return engine.endOperation(thread, 1)
      }),

      // (id?, ...): the process goes on as a new one, made when its code has left the stack. Never returns.
      process_upgrade: answering((thread) => {
        const process = me()
        const count = lua.api.lua_gettop(thread)
        const type = count === 0 ? LUA.nil : lua.api.lua_type(thread, 1)
        if (type !== LUA.nil && type !== LUA.string) throw moduleError('Invalid', 'upgrade id must be a string')
        const definition = (type === LUA.string && process.vm.cachedText(thread, 1)) || process.definition
        if (process.pooled) throw moduleError('InvalidState', 'a function call cannot be upgraded')
        if (
          definition !== process.definition &&
          !guard.allows(process.frame, 'process.spawn', definition, { pid: process.pid })
        )
          throw moduleError('PermissionDenied', `not allowed to spawn process: ${definition}`)
        const coroutine = engine.mustYield(thread)
        const args = new StackPayload(engine, thread, 2, Math.max(0, count - 1))
        process.replacing = () => kernel.upgrade(process, definition, args)
        return engine.suspend(coroutine, thread)
      }),

      process_listen: answering((thread) => {
        const topic = topicAt(thread, 1, 'listen to')
        let asMessage = false
        if (lua.api.lua_type(thread, 2) === LUA.table) {
          lua.api.lua_getfield(thread, 2, lua.symbol('message'))
          asMessage = lua.api.lua_toboolean(thread, -1) !== 0
        }
        me().mailbox.listen(thread, topic, asMessage)
        return 1
      }),

      // (topic, channel): feeds a channel the program made. A channel may have several topics.
      process_subscribe: answering((thread) => {
        const topic = topicAt(thread, 1, 'subscribe to')
        const channel = lua.objectAt(thread, 2)
        if (!(channel instanceof Channel)) throw moduleError('Invalid', 'subscribe requires a topic and a channel')
        lua.api.lua_settop(thread, 2)
        me().mailbox.subscribe(thread, topic, channel)
        return pushTrue(thread)
      }),

      process_unsubscribe: answering((thread) => {
        const channel = lua.objectAt(thread, 1)
        lua.api.lua_pushboolean(thread, channel instanceof Channel && me().mailbox.unsubscribe(channel) ? 1 : 0)
        return 1
      }),

      process_inbox(thread) {
        me().mailbox.inbox(thread)
        return 1
      },

      process_events(thread) {
        me().mailbox.events(thread)
        return 1
      },

      process_unlisten(thread) {
        const channel = lua.objectAt(thread, 1)
        if (channel instanceof Channel && me().mailbox.unlisten(channel)) return pushTrue(thread)
        lua.api.lua_pushboolean(thread, 0)
        const { vm } = me()
        vm.lift()
        engine.marshal.push(vm, thread, moduleError('NotFound', 'channel not found'))
        vm.limit()
        return 2
      },
    }

    for (const kind of spawnKinds) {
      functions[`process_${kind.name}`] = answering((thread) => {
        const count = lua.api.lua_gettop(thread)
        const process = me()
        const definition = count >= 2 ? process.vm.cachedText(thread, 1) : null
        const host = count >= 2 ? process.vm.cachedText(thread, 2) : null
        if (definition === null || host === null)
          throw moduleError('Invalid', `${kind.name} requires at least id and host arguments`)
        checkSpawn(guard, process, kind, definition, host)
        const request = {
          definition,
          host,
          args: new StackPayload(engine, thread, 3, count - 2),
          frame: process.frame,
          parent: process,
          monitor: kind.monitor,
          link: kind.link,
        }
        const pid = spawnInThread === undefined ? pidOf(kernel.spawn(request)) : spawnInThread(request)
        if (typeof pid !== 'string') return awaitPid(thread, pid)
        lua.pushText(thread, pid)
        return engine.endOperation(thread, 1)
      })
    }
    return functions
  }
}

/** The pid of a new process; of one in another thread when its code has loaded there. */
export function pidOf(child: Process): string | Promise<string> {
  return child.starting === undefined ? child.pid : child.starting.then(() => child.pid)
}

const BRACE_OPEN = 123
const BRACE_CLOSE = 125
const BAR = 124
const AT = 64

/** The counter of `{…|0x…}` in memory; 0 when it is not such a text. */
function serialAt(memory: Uint8Array, pointer: number, length: number): number {
  if (length < 6 || memory[pointer] !== BRACE_OPEN || memory[pointer + length - 1] !== BRACE_CLOSE) return 0
  let serial = 0
  let scale = 1
  let at = pointer + length - 2
  for (; at > pointer; at--) {
    const code = memory[at] as number
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1
    if (digit < 0) break
    serial += digit * scale
    scale *= 16
  }
  // …|0x before the digits
  return memory[at] === 120 && memory[at - 1] === 48 && memory[at - 2] === 124 ? serial : 0
}

/** True when the pid at `pointer` names this host, and no other node: otherwise it is that of another process. */
function isPidOf(memory: Uint8Array, pointer: number, node: string, host: string): boolean {
  const start = pointer + 1
  if (standsAt(memory, start, host) && memory[start + host.length] === BAR) return true
  let at = start
  while (memory[at] !== AT) if (memory[at++] === BAR) return false
  const ours = at === start || (at - start === node.length && standsAt(memory, start, node))
  return ours && standsAt(memory, at + 1, host) && memory[at + 1 + host.length] === BAR
}

function standsAt(memory: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (memory[at + i] !== text.charCodeAt(i)) return false
  return true
}
