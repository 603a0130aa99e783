// Kinds that are state and nothing else: `registry.entry` (agents, models, settings) and the `ns.*` entries that link
// modules. Whoever is interested in them reads the registry.

import { stateOnlyKinds } from '../../registry/announcer.ts'
import type { Kind } from '../../registry/kind.ts'

export const stateKinds: readonly Kind<undefined>[] = [...stateOnlyKinds].map((kind) => ({
  kind,
  decode: () => undefined,
  open: () => ({ close() {} }),
}))
