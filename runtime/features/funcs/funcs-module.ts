// The `funcs` module: calls of functions by id, at once or as a Future, with the caller's identity or another
// (spec/process.md §11).

import type { Clock } from '../../core/clock.ts'
import { asRuntimeError, moduleError, RuntimeError } from '../../core/error.ts'
import { type Actor, type Frame, type Scope, withContext } from '../../core/frame.ts'
import type { Value } from '../../core/value.ts'
import { detached, firstOf } from '../../lua/detached.ts'
import {
  type Call,
  type LuaChannel,
  type LuaModule,
  LuaPayload,
  LuaType,
  optionalText,
  RawFunction,
  restPayload,
  results,
  table,
} from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import { type CallOptions, callWithOptions, decodeCallOptions, noCallOptions } from '../../process/call-options.ts'
import type { Payload } from '../../process/process.ts'
import { actorOf, scopeOf } from '../process/identity.ts'
import type { FuncsDeps } from './raw.ts'

export interface FuncsModuleDeps extends FuncsDeps {
  readonly clock: Clock
  readonly random: () => number
}

export function funcsModule(deps: FuncsModuleDeps): LuaModule {
  return {
    name: 'funcs',
    description: 'Call functions by registry id',
    traits: ['process'],
    open: () => ({
      call: new RawFunction('funcs_call'),
      async: restPayload(2, (call: Call, id: unknown, args: Payload) =>
        startFuture(deps, call, call.frame, noCallOptions, id, args),
      ),
      new: (call: Call) => executorType.wrap(new Executor(deps, call.frame, noCallOptions)),
    }),
  }
}

function checkedId(deps: FuncsDeps, call: Call, id: unknown): string {
  const name = optionalText(id, 1, "'call'") ?? ''
  if (name !== '' && !deps.guard.allows(call.frame, 'funcs.call', name))
    throw moduleError('PermissionDenied', `not allowed: ${name}`)
  deps.functions.require(name)
  return name
}

function invoke(
  deps: FuncsModuleDeps,
  frame: Frame,
  options: CallOptions,
  signal: AbortSignal,
  id: string,
  args: Payload,
): Promise<Payload> {
  // A second attempt comes when the caller's stack has gone on.
  const kept = options === noCallOptions ? args : detached(args)
  const call = (attempt: AbortSignal): Promise<Payload> => deps.functions.callPayload(id, kept, frame, attempt)
  return callWithOptions(call, options, signal, deps)
}

/** An immutable way of calling: another context, identity or retry policy. */
class Executor {
  readonly deps: FuncsModuleDeps
  readonly frame: Frame
  readonly options: CallOptions
  constructor(deps: FuncsModuleDeps, frame: Frame, options: CallOptions) {
    this.deps = deps
    this.frame = frame
    this.options = options
  }
  with(changes: { frame?: Frame; options?: CallOptions }): Executor {
    return new Executor(this.deps, changes.frame ?? this.frame, changes.options ?? this.options)
  }
}

const executorType: LuaType<Executor> = new LuaType<Executor>({
  name: 'funcs.Executor',
  methods: {
    with_context: (call, self: Executor, values: unknown) => {
      allow(self, call, 'funcs.context', 'context')
      const context = plainValue(table(values, 1, "'with_context'")) as Record<string, Value>
      return executorType.wrap(self.with({ frame: withContext(self.frame, context) }))
    },
    with_actor: (call, self: Executor, value: unknown) => {
      allow(self, call, 'funcs.security', 'security')
      const actor: Actor = actorOf(value, 1, "'with_actor'")
      return executorType.wrap(self.with({ frame: { ...self.frame, actor } }))
    },
    with_scope: (call, self: Executor, value: unknown) => {
      allow(self, call, 'funcs.security', 'security')
      const scope: Scope = scopeOf(value, 1, "'with_scope'")
      return executorType.wrap(self.with({ frame: { ...self.frame, scope } }))
    },
    with_options: (_call, self: Executor, options: unknown) => {
      return executorType.wrap(self.with({ options: decodeCallOptions(table(options, 1, "'with_options'")) }))
    },
    call: restPayload(3, async (call: Call, self: Executor, id: unknown, args: Payload) => {
      const name = checkedId(self.deps, call, id)
      const invoked = cancellable(call.signal, new AbortController(), (signal) =>
        invoke(self.deps, self.frame, self.options, signal, name, args),
      )
      return firstOf(await invoked)
    }),
    async: restPayload(3, (call: Call, self: Executor, id: unknown, args: Payload) =>
      startFuture(self.deps, call, self.frame, self.options, id, args),
    ),
  },
})

function allow(self: Executor, call: Call, action: string, resource: string): void {
  if (!self.deps.guard.allows(call.frame, action, resource))
    throw moduleError('PermissionDenied', `not allowed: ${action}`)
}

/** Ends the callee when the process of the caller ends, or `abort` says so. */
async function cancellable<T>(
  signal: AbortSignal,
  abort: AbortController,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const forward = (): void => abort.abort()
  signal.addEventListener('abort', forward)
  try {
    return await run(abort.signal)
  } finally {
    signal.removeEventListener('abort', forward)
  }
}

// ---- futures ----

interface Future {
  channel: LuaChannel
  state: 'pending' | 'done' | 'failed' | 'canceled'
  value: unknown
  error: RuntimeError | undefined
  readonly abort: (() => void) | undefined
}

function startFuture(
  deps: FuncsModuleDeps,
  call: Call,
  frame: Frame,
  options: CallOptions,
  id: unknown,
  args: Payload,
): unknown {
  const name = checkedId(deps, call, id)
  const abort = new AbortController()
  const running = cancellable(call.lifetime, abort, (signal) => invoke(deps, frame, options, signal, name, args))
  return futureType.wrap(futureOf(call, running.then(firstOf), () => abort.abort()))
}

/**
 * A Future over a running call: its channel delivers a Payload or the error, then closes. `abort` is what canceling it does
 * to the callee.
 */
export function futureOf(call: Call, running: Promise<unknown>, abort?: () => void): Future {
  const future: Future = { channel: call.channel(1), state: 'pending', value: null, error: undefined, abort }
  running.then(
    (value) => {
      if (future.state !== 'pending') return
      future.state = 'done'
      future.value = value
      settle(future)
    },
    (thrown: unknown) => {
      if (future.state !== 'pending') return
      future.state = 'failed'
      future.error = asRuntimeError(thrown)
      settle(future)
    },
  )
  return future
}

function settle(future: Future): void {
  const { channel, state } = future
  if (state !== 'canceled') channel.push(future.error ?? new LuaPayload(future.value))
  channel.close()
  channel.loosen()
}

/** The channel of a future; made again, as it was, when it was collected because nobody held it for a while. */
function channelOf(call: Call, future: Future): LuaChannel {
  const { collected } = future.channel
  if (collected === undefined) return future.channel
  future.channel = call.channel(1)
  if (collected === 'lost') settle(future)
  else future.channel.close()
  return future.channel
}

export const futureType: LuaType<Future> = new LuaType<Future>({
  name: 'funcs.Future',
  methods: {
    response: channelOf,
    channel: (call, self: Future) => channelOf(call, self),
    result: (_call, self: Future) => {
      if (self.state === 'done') return new LuaPayload(self.value)
      if (self.state === 'canceled') throw new RuntimeError('Canceled', 'canceled', { retryable: false })
      return self.error === undefined ? null : results(null, self.error)
    },
    error: (_call, self: Future) => (self.error === undefined ? results(null, false) : results(self.error, true)),
    is_complete: (_call, self: Future) => self.state !== 'pending',
    is_canceled: (_call, self: Future) => self.state === 'canceled',
    // The callee is told too, with all it waits for (design DECISIONS, Terminal: a cancelled turn stops its request).
    cancel: (_call, self: Future) => {
      if (self.state !== 'pending') return true
      self.state = 'canceled'
      settle(self)
      self.abort?.()
      return true
    },
  },
})
