// The kind `store.memory`: a service to the supervisor, so that others may require it, though it works from its opening on.

import type { Clock } from '../../core/clock.ts'
import { asCount, asDuration, field } from '../../core/field.ts'
import type { Kind } from '../../registry/kind.ts'
import { decodeLifecycle, type Lifecycle } from '../../supervisor/lifecycle.ts'
import type { Service } from '../../supervisor/service.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { MemoryStore } from './memory-store.ts'
import type { Stores } from './store.ts'

export interface MemoryStoreDeps {
  readonly stores: Stores
  readonly clock: Clock
  readonly supervisor: Pick<Supervisor, 'add' | 'update' | 'remove'>
}

interface MemoryConfig {
  readonly maxSize: number
  readonly cleanupInterval: number
  readonly lifecycle: Lifecycle
}

/** Memory needs no start and no stop. */
const atRest: Service = { start: () => undefined, stop: () => undefined }

const DEFAULT_SIZE = 10_000
const DEFAULT_CLEANUP = 5 * 60_000

export const memoryStoreKind = ({ stores, clock, supervisor }: MemoryStoreDeps): Kind<MemoryConfig> => ({
  kind: 'store.memory',
  decode: (entry) => ({
    // Zero is the default too, as in the original.
    maxSize: field(entry, 'max_size', asCount, 0) || DEFAULT_SIZE,
    cleanupInterval: field(entry, 'cleanup_interval', asDuration, DEFAULT_CLEANUP),
    lifecycle: decodeLifecycle(entry),
  }),
  open(entry, config) {
    const store = new MemoryStore({ ...config, clock })
    const remove = stores.add(entry.id, store)
    supervisor.add(entry.id, atRest, config.lifecycle)
    return {
      // The content of a store outlives a change of its settings.
      update(_entry, changed) {
        store.configure(changed)
        supervisor.update(entry.id, changed.lifecycle)
      },
      async close() {
        await supervisor.remove(entry.id)
        remove()
        store.close()
      },
    }
  },
})
