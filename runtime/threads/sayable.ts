// A payload as it is said to another thread: written at once, from wherever its values stand.

import { DetachedPayload } from '../lua/detached.ts'
import { FlatPayload } from '../lua/flat-wire.ts'
import { StackPayload } from '../lua/stack-payload.ts'
import type { Payload } from '../process/process.ts'

/** The payload itself if lua-values.ts can write it, else its plain values. */
export function sayable(payload: Payload): StackPayload | FlatPayload | DetachedPayload {
  const knows = payload instanceof StackPayload || payload instanceof FlatPayload || payload instanceof DetachedPayload
  return knows ? payload : new DetachedPayload(payload.values())
}
