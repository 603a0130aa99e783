// The unit of everything an app declares: an entry of the registry.

import type { Value, ValueMap } from './value.ts'

export interface Entry {
  /** `namespace:name` */
  readonly id: string
  readonly kind: string
  readonly meta: ValueMap
  /** Usually a map; the key `data` in YAML may make it any value. */
  readonly data: Value
}

/**
 * Where an entry came from, held by the host and never read from the entry (design/DECISIONS.md, Provenance):
 * `disk` the app's sources, `component` a module, `pack` an archive, `host` given to createHost, `runtime` a changeset from Lua.
 */
export type Origin = 'disk' | 'component' | 'pack' | 'host' | 'runtime'
