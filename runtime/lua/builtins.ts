// The raw functions behind the sandbox: environments, module tables, coroutines, messages, payloads, error values, print.

import { RuntimeError } from '../core/error.ts'
import { Coroutine } from './coroutine.ts'
import type { LuaEngine } from './engine.ts'
import { HANDLE_MESSAGE, HANDLE_PAYLOAD, PAYLOAD_VALUES, type RawFunctions } from './instance.ts'
import { environmentKey, KEY } from './keys.ts'
import { LuaObject, LuaRaise } from './module.ts'
import { patternFunctions } from './pattern-functions.ts'
import { LUA, REGISTRY } from './wasm.ts'

export function builtinFunctions(engine: LuaEngine): RawFunctions {
  const { lua } = engine

  const errorAt = (thread: number, index: number): RuntimeError => {
    const error = lua.objectAt(thread, index)
    if (error instanceof RuntimeError) return error
    throw new LuaRaise(`bad argument #${index} (error expected)`)
  }

  const pushValue = (thread: number, value: unknown): number => {
    const vm = engine.activeVm
    vm.lift()
    engine.marshal.push(vm, thread, value)
    vm.limit()
    return 1
  }

  const messageAt = (thread: number, name: string): void => {
    if (lua.handleAt(thread, 1) !== HANDLE_MESSAGE)
      throw new LuaRaise(`bad argument #1 to '${name}' (process.Message expected)`)
  }

  const pushPayloadOf = (thread: number, value: () => void): void => {
    lua.pushUserdata(thread, HANDLE_PAYLOAD, PAYLOAD_VALUES, KEY.payload)
    value()
    lua.api.lua_setiuservalue(thread, -2, 1)
  }

  /** The string at `index` where it lies: valid until something allocates. */
  return {
    ...patternFunctions(engine),

    environment(thread) {
      const main = engine.current?.process.main.thread
      if (main === undefined) lua.api.lua_pushnil(thread)
      else lua.api.lua_rawgetp(thread, REGISTRY, environmentKey(main))
      return 1
    },

    set_environment(thread) {
      const main = engine.current?.process.main.thread
      if (main === undefined) throw new Error('no process to give an environment to')
      lua.api.lua_settop(thread, 1)
      lua.api.lua_rawsetp(thread, REGISTRY, environmentKey(main))
      return 0
    },

    keep_freeze(thread) {
      lua.api.lua_settop(thread, 1)
      lua.api.lua_rawsetp(thread, REGISTRY, KEY.freeze)
      return 0
    },

    open_module(thread) {
      const name = lua.readText(thread, 1) ?? ''
      const module = engine.options.modules.get(name)
      if (module === undefined) throw new LuaRaise(`module '${name}' not found`)
      const vm = engine.activeVm
      const content = module.open()
      vm.lift()
      if (content instanceof LuaObject) engine.marshal.push(vm, thread, content)
      else vm.pushTable(thread, content, '', (value) => engine.marshal.push(vm, thread, value))
      vm.limit()
      return 1
    },

    print(thread) {
      const count = lua.api.lua_gettop(thread)
      const parts: string[] = []
      for (let i = 1; i <= count; i++) {
        lua.api.luaL_tolstring(thread, i, 0)
        parts.push(lua.readText(thread, -1) ?? '')
        lua.api.lua_settop(thread, count)
      }
      const process = engine.current?.process
      if (process !== undefined) engine.options.print(process, parts.join(' '), engine.where(thread))
      return 0
    },

    // ---- coroutines ----

    coroutine_spawn(thread) {
      const { api } = lua
      if (api.lua_type(thread, 1) !== LUA.function) throw new LuaRaise("bad argument #1 to 'spawn' (function expected)")
      const process = engine.current?.process
      if (process === undefined) throw new LuaRaise('coroutine.spawn cannot be called while code loads')
      const coroutine = new Coroutine(process.vm.takeThread(), process)
      if (process.coroutines === null) process.coroutines = [coroutine]
      else process.coroutines.push(coroutine)
      api.lua_pushvalue(thread, 1)
      api.lua_xmove(thread, coroutine.thread, 1)
      coroutine.ready = true
      engine.scheduler.enqueue(coroutine)
      api.lua_rawgetp(thread, REGISTRY, coroutine.thread)
      return 1
    },

    // True when the thread was one of coroutine.spawn and has been ended, with what it waited for.
    coroutine_end(thread) {
      const target = lua.api.lua_type(thread, 1) === LUA.thread ? lua.api.lua_tothread(thread, 1) : 0
      const process = engine.current?.process
      const coroutine = process?.coroutines?.find((one) => one.thread === target)
      // one that runs cannot end itself this way
      const mayEnd = coroutine !== undefined && (coroutine.onStack === 0 || coroutine.resident)
      if (mayEnd) process?.endCoroutine(coroutine)
      lua.api.lua_pushboolean(thread, mayEnd ? 1 : 0)
      return 1
    },

    // True when the given thread did not yield by itself: the running one has to yield too, and counts as suspended then.
    suspended_by_host(thread) {
      const coroutine = engine.current
      const suspended = coroutine?.takeSuspended(lua.api.lua_tothread(thread, 1)) === true
      if (suspended && thread !== coroutine.thread) coroutine.suspend(thread)
      lua.api.lua_pushboolean(thread, suspended ? 1 : 0)
      return 1
    },

    // () -> "method", "field", "local" …, name: how the program named the Lua function that asks, when it called it.
    called_as(thread) {
      // The first line is a title, the second this function.
      const caller = engine.activeVm.traceback(thread).split('\n')[2] ?? ''
      const [, what = '', name = ''] = /in (\w+) '(.*)'$/.exec(caller) ?? []
      lua.pushText(thread, what)
      lua.pushText(thread, name)
      return 2
    },

    // ---- messages and payloads ----

    message_topic(thread) {
      messageAt(thread, 'topic')
      lua.api.lua_getiuservalue(thread, 1, 1)
      return 1
    },

    message_from(thread) {
      messageAt(thread, 'from')
      lua.api.lua_getiuservalue(thread, 1, 2)
      return 1
    },

    message_payload(thread) {
      messageAt(thread, 'payload')
      const { api, side } = lua
      api.lua_getiuservalue(thread, 1, 4)
      const count = api.lua_tonumberx(thread, -1, 0)
      if (count === 0) {
        api.lua_pushnil(thread)
      } else if (count === 1) {
        pushPayloadOf(thread, () => api.lua_getiuservalue(thread, 1, 3))
      } else {
        api.lua_getiuservalue(thread, 1, 3)
        const values = api.lua_gettop(thread)
        api.lua_createtable(thread, count, 0)
        for (let i = 1; i <= count; i++) {
          pushPayloadOf(thread, () => side.rawgeti(thread, values, i))
          side.rawseti(thread, -2, i)
        }
      }
      return 1
    },

    payload_data(thread) {
      if (lua.handleAt(thread, 1) !== HANDLE_PAYLOAD) throw new LuaRaise("bad argument #1 to 'data' (payload expected)")
      lua.api.lua_getiuservalue(thread, 1, 1)
      return 1
    },

    payload_new(thread) {
      lua.api.lua_settop(thread, 1)
      if (lua.handleAt(thread, 1) === HANDLE_PAYLOAD) return 1
      pushPayloadOf(thread, () => lua.api.lua_pushvalue(thread, 1))
      return 1
    },

    // ---- error values ----

    error_text: (thread) => pushValue(thread, errorAt(thread, 1).text),
    error_message: (thread) => pushValue(thread, errorAt(thread, 1).message),
    error_kind: (thread) => pushValue(thread, errorAt(thread, 1).kind),
    error_retryable: (thread) => pushValue(thread, errorAt(thread, 1).retryable ?? null),
    error_details: (thread) => pushValue(thread, errorAt(thread, 1).details ?? null),
    error_stack: (thread) => pushValue(thread, errorAt(thread, 1).luaStack ?? ''),
    error_equal(thread) {
      lua.api.lua_pushboolean(thread, lua.objectAt(thread, 1) === lua.objectAt(thread, 2) ? 1 : 0)
      return 1
    },
  }
}
