// A short name for what an entry says, the same on every machine: tells whether a file changed since.

import { createHash } from 'node:crypto'
import type { Entry } from '../core/entry.ts'
import { canonicalJson } from '../core/value.ts'

export function contentHash(entry: Entry): string {
  const text = canonicalJson([entry.kind, entry.meta, entry.data])
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
