// `funcs.call` against the engine's stack: the callee runs inside the caller's slice when it can (design ENGINE §1).

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { LuaEngine } from '../../lua/engine.ts'
import { FunctionPool } from '../../lua/function-pool.ts'
import type { RawFunctions } from '../../lua/instance.ts'
import { StackPayload } from '../../lua/stack-payload.ts'
import { LUA } from '../../lua/wasm.ts'
import { type Functions, payloadFrom } from '../../process/functions.ts'
import type { Payload } from '../../process/process.ts'
import type { Guard } from '../../security/guard.ts'

export interface FuncsDeps {
  readonly functions: Functions
  readonly guard: Guard
}

export function funcsFunctions({ functions, guard }: FuncsDeps): (engine: LuaEngine) => RawFunctions {
  return (engine) => ({
    funcs_call(thread) {
      const { lua } = engine
      const caller = engine.current?.process
      if (caller === undefined) throw moduleError('InvalidState', 'funcs.call cannot be used while code loads')
      try {
        const count = lua.api.lua_gettop(thread)
        const id = lua.api.lua_type(thread, 1) === LUA.string ? (caller.vm.cachedText(thread, 1) as string) : ''
        if (id !== '' && !guard.unrestricted(caller.frame) && !guard.allows(caller.frame, 'funcs.call', id)) {
          throw moduleError('PermissionDenied', `not allowed: ${id}`)
        }
        const handler = functions.get(id) ?? functions.require(id)
        const args = new StackPayload(engine, thread, 2, Math.max(0, count - 1))
        if (handler instanceof FunctionPool) {
          const results = handler.callFrom(engine, thread, args, caller.frame)
          if (results !== undefined) return results
        }
        const abort = new AbortController()
        const waiting = payloadFrom(handler, args, caller.frame, abort.signal)
        return engine.awaitPromise(
          thread,
          waiting,
          (vm, target, outcome) => {
            if ('value' in outcome) {
              engine.pushPayload(outcome.value as Payload, 0, target, vm)
              return 1
            }
            lua.api.lua_pushnil(target)
            engine.marshal.push(vm, target, outcome.error)
            return 2
          },
          () => abort.abort(),
        )
      } catch (error) {
        if (error instanceof RuntimeError) return engine.fail(thread, error)
        throw error
      }
    },
  })
}
