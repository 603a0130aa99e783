// The `ctx` module: the context values a process or call was given. Read-only; set by funcs, process and contract.

import { moduleError } from '../core/error.ts'
import type { Value } from '../core/value.ts'
import { type LuaModule, text } from '../lua/module.ts'

/** `get(key)` and `all()`. */
export const ctxModule: LuaModule = {
  name: 'ctx',
  description: 'Reads the context values of the running call',
  traits: ['deterministic'],
  open: () => ({
    get(call, keyArgument) {
      const key = text(keyArgument, 1, 'get')
      if (key === '') throw moduleError('Invalid', 'empty key')
      const value: Value | undefined = Object.hasOwn(call.frame.context, key) ? call.frame.context[key] : undefined
      if (value === undefined || value === null) throw moduleError('NotFound', `key not found: ${key}`)
      return value
    },
    all: (call) => call.frame.context,
  }),
}
