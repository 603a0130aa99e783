// Functions whose entry asks for it are called again when they fail, whoever calls them (spec/process.md §11).

import type { Entry } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import type { Frame } from '../../core/frame.ts'
import { isMap } from '../../core/value.ts'
import { detached } from '../../lua/detached.ts'
import {
  type CallDeps,
  type CallOptions,
  callWithOptions,
  decodeCallOptions,
  noCallOptions,
} from '../../process/call-options.ts'
import { type FunctionHandler, payloadFrom } from '../../process/functions.ts'
import type { Payload } from '../../process/process.ts'

/** What `meta.options` (or `data.meta.options`) says about calls. Throws Invalid with the name of what is wrong. */
export function entryCallOptions(entry: Entry): CallOptions {
  const options = (holder: unknown): unknown => (isMap(holder) ? holder['options'] : undefined)
  const given = options(entry.meta) ?? (isMap(entry.data) ? options(entry.data['meta']) : undefined)
  if (!isMap(given) || !isMap(given['retry'])) return noCallOptions
  try {
    return decodeCallOptions({ retry: given['retry'] })
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    throw new RuntimeError(error.kind, `entry ${entry.id}: meta.options: ${error.message}`, { retryable: false })
  }
}

/** The pool itself when nothing is to be repeated: callers have a shorter way to a pool. */
export function repeated(pool: FunctionHandler, options: CallOptions, deps: CallDeps): FunctionHandler {
  if (options.retry === undefined) return pool
  const callPayload = (args: Payload, frame: Frame, signal: AbortSignal): Promise<Payload> => {
    // A second attempt comes when the caller's stack has gone on.
    const kept = detached(args)
    return callWithOptions((attempt) => payloadFrom(pool, kept, frame, attempt), options, signal, deps)
  }
  return {
    callPayload,
    call: async (args, frame, signal) => (await callPayload(args, frame, signal)).values()[0] ?? null,
  }
}
