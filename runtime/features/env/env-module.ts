// The `env` module: variables of the environment for Lua, each read and written under its own permission.

import { moduleError } from '../../core/error.ts'
import { parseId } from '../../core/id.ts'
import { emptyMap } from '../../core/value.ts'
import { type LuaModule, text } from '../../lua/module.ts'
import type { Guard } from '../../security/guard.ts'
import type { Environment } from './environment.ts'

export interface EnvDeps {
  readonly environment: Environment
  readonly guard: Guard
}

/** `get(key)`, `set(key, value)`, `get_all()`. */
export const envModule = ({ environment, guard }: EnvDeps): LuaModule => ({
  name: 'env',
  description: 'Reads and sets environment variables',
  traits: ['system', 'nondeterministic'],
  open: () => ({
    get(call, keyArgument) {
      const key = keyOf(keyArgument, 'get')
      if (!guard.allows(call.frame, 'env.get', key)) {
        throw moduleError('PermissionDenied', `not allowed to access environment variable: ${key}`)
      }
      return environment.get(key, parseId(call.definition).ns)
    },
    set(call, keyArgument, valueArgument) {
      const key = keyOf(keyArgument, 'set')
      const value = text(valueArgument, 2, 'set')
      if (!guard.allows(call.frame, 'env.set', key)) {
        throw moduleError('PermissionDenied', `not allowed to set environment variable: ${key}`)
      }
      environment.set(key, value, parseId(call.definition).ns)
      return true
    },
    get_all(call) {
      const values = emptyMap()
      for (const [key, value] of environment.all()) {
        if (guard.allows(call.frame, 'env.get', key)) values[key] = value
      }
      return values
    },
  }),
})

function keyOf(argument: unknown, name: string): string {
  const key = text(argument, 1, name)
  if (key === '') throw moduleError('Invalid', 'empty key')
  return key
}
