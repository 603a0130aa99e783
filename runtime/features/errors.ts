// The global `errors`: making, wrapping and asking about error values (spec/lua-modules.md §5).

import { type ErrorKind, RuntimeError } from '../core/error.ts'
import { isMap, type ValueMap } from '../core/value.ts'
import { type Call, type LuaModule, luaTypeName, raise, text } from '../lua/module.ts'
import { plainValue } from '../lua/plain.ts'

const kinds = {
  NOT_FOUND: 'NotFound',
  ALREADY_EXISTS: 'AlreadyExists',
  INVALID: 'Invalid',
  PERMISSION_DENIED: 'PermissionDenied',
  UNAVAILABLE: 'Unavailable',
  INTERNAL: 'Internal',
  CANCELED: 'Canceled',
  CONFLICT: 'Conflict',
  TIMEOUT: 'Timeout',
  RATE_LIMITED: 'RateLimited',
  LIMIT_EXCEEDED: 'LimitExceeded',
  INVALID_STATE: 'InvalidState',
  UNKNOWN: '',
} as const satisfies Record<string, ErrorKind>

/** Any text is a kind for Lua: apps define their own and compare strings. */
const asKind = (value: unknown): ErrorKind => (typeof value === 'string' ? (value as ErrorKind) : '')

function newError(call: Call, spec: unknown): RuntimeError {
  if (luaTypeName(spec) !== 'table') return new RuntimeError('', text(spec, 1, "'new'"), { luaStack: call.traceback() })
  const fields = isMap(spec) ? spec : {}
  const { message, retryable } = fields
  const details = isMap(fields['details']) ? (plainValue(fields['details']) as ValueMap) : undefined
  return new RuntimeError(asKind(fields['kind']), message === undefined ? '' : text(message, 1, "'new'"), {
    retryable: typeof retryable === 'boolean' ? retryable : undefined,
    details: details !== undefined && Object.keys(details).length > 0 ? details : undefined,
    luaStack: call.traceback(),
  })
}

/** One frame of a traceback line such as `\tapp:agent:12: in function 'step'`. */
function frameOf(line: string): ValueMap {
  const match = /^\s*(.*?):(\d+): in (?:(?:function|method|local|upvalue|field) )?(.*)$/.exec(line)
  if (match === null) return { source: line.trim(), line: 0, name: '' }
  return { source: match[1] ?? '', line: Number(match[2]), name: (match[3] ?? '').replace(/['<>]/g, '') }
}

export const errorsModule: LuaModule = {
  name: 'errors',
  description: 'Structured error values',
  traits: ['deterministic'],
  open: () => ({
    ...kinds,
    new: newError,
    wrap: (call: Call, error: unknown, context: unknown) => {
      const prefix = text(context, 2, "'wrap'")
      if (error instanceof RuntimeError) return error.wrap(prefix)
      if (typeof error !== 'string') raise("bad argument #1 to 'wrap' (error or string expected)")
      return new RuntimeError('', error, { luaStack: call.traceback(), context: [prefix] })
    },
    is: (_call: Call, error: unknown, kind: unknown) => error instanceof RuntimeError && error.kind === kind,
    call_stack: (call: Call, error: unknown) => {
      if (!(error instanceof RuntimeError) || error.luaStack === undefined) return null
      const lines = error.luaStack.split('\n').filter((line) => /^\s+\S/.test(line) && !/^\s*\[C\]/.test(line))
      return { thread: call.process.pid, frames: lines.map(frameOf) }
    },
  }),
}
