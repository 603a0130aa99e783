// Kinds that are state and nothing else: `registry.entry` (agents, models, settings) and the `ns.*` entries that link
// modules. Whoever is interested in them reads the registry.

import type { Kind } from '../../registry/kind.ts'
import { stateOnlyKinds } from '../../registry/registry.ts'

export const stateKinds: readonly Kind<undefined>[] = [...stateOnlyKinds].map((kind) => ({
  kind,
  decode: () => undefined,
  open: () => ({ close() {} }),
}))
