// Who answers to a function id: Lua pools and functions written in TypeScript, called alike by funcs, contracts and the host.

import { moduleError, RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import type { Value } from '../core/value.ts'
import { type Payload, payloadOf } from './process.ts'

export interface FunctionHandler {
  /** As `call`, with a result that stays valid and that another engine value may be made of without loss. */
  callPayload?(args: Payload, frame: Frame, signal: AbortSignal): Promise<Payload>
  /** Rejects with a RuntimeError. `signal` cancels the callee. Args are read before the first await. */
  call(args: Payload, frame: Frame, signal: AbortSignal): Promise<Value>
}

export class Functions {
  readonly #handlers = new Map<string, FunctionHandler>()

  /** Answers calls to `id` until the returned function is called. Replacing is done by registering again. */
  register(id: string, handler: FunctionHandler): () => void {
    this.#handlers.set(id, handler)
    return () => {
      if (this.#handlers.get(id) === handler) this.#handlers.delete(id)
    }
  }

  get(id: string): FunctionHandler | undefined {
    return this.#handlers.get(id)
  }

  /** Throws Invalid for a malformed id and NotFound for an unknown one (spec/process.md §11). */
  require(id: string): FunctionHandler {
    if (id === '') throw moduleError('Invalid', 'function ID required')
    const colon = id.indexOf(':')
    if (colon <= 0) throw moduleError('Invalid', 'namespace required in function ID')
    if (colon === id.length - 1) throw moduleError('Invalid', 'name required in function ID')
    const handler = this.#handlers.get(id)
    if (handler === undefined) {
      throw new RuntimeError('NotFound', `no handler registered for target: ${id}`, { retryable: false })
    }
    return handler
  }

  call(id: string, args: Payload, frame: Frame, signal: AbortSignal): Promise<Value> {
    return this.require(id).call(args, frame, signal)
  }

  /** `call` for callers that hand the result on. */
  callPayload(id: string, args: Payload, frame: Frame, signal: AbortSignal): Promise<Payload> {
    return payloadFrom(this.require(id), args, frame, signal)
  }
}

/** The result of a handler as a payload, whichever way it gives it. */
export async function payloadFrom(
  handler: FunctionHandler,
  args: Payload,
  frame: Frame,
  signal: AbortSignal,
): Promise<Payload> {
  if (handler.callPayload !== undefined) return handler.callPayload(args, frame, signal)
  return payloadOf([await handler.call(args, frame, signal)])
}
