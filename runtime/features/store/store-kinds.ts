// The kind `store.memory`.

import type { Clock } from '../../core/clock.ts'
import { asCount, asDuration, field } from '../../core/field.ts'
import type { Kind } from '../../registry/kind.ts'
import { MemoryStore } from './memory-store.ts'
import type { Stores } from './store.ts'

export interface MemoryStoreDeps {
  readonly stores: Stores
  readonly clock: Clock
}

interface MemoryConfig {
  readonly maxSize: number
  readonly cleanupInterval: number
}

const DEFAULT_SIZE = 10_000
const DEFAULT_CLEANUP = 5 * 60_000

export const memoryStoreKind = ({ stores, clock }: MemoryStoreDeps): Kind<MemoryConfig> => ({
  kind: 'store.memory',
  decode: (entry) => ({
    // Zero is the default too, as in the original.
    maxSize: field(entry, 'max_size', asCount, 0) || DEFAULT_SIZE,
    cleanupInterval: field(entry, 'cleanup_interval', asDuration, DEFAULT_CLEANUP),
  }),
  open(entry, config) {
    const store = new MemoryStore({ ...config, clock })
    const remove = stores.add(entry.id, store)
    return {
      // The content of a store outlives a change of its settings.
      update: (_entry, changed) => store.configure(changed),
      close() {
        remove()
        store.close()
      },
    }
  },
})
