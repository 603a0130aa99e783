// A payload as it crosses between threads: its values without loss, whatever holds them now.

import { DetachedPayload, detached } from '../lua/detached.ts'
import type { Payload } from '../process/process.ts'

export function keptPayload(payload: Payload): DetachedPayload {
  const stays = detached(payload)
  return stays instanceof DetachedPayload ? stays : new DetachedPayload(stays.values())
}
