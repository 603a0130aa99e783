// The socket `Kind`: how an entry becomes a living thing. One plug per entry kind, listed in features/index.ts.

import type { Entry, Origin } from '../core/entry.ts'

export interface Opening {
  readonly origin: Origin
}

/** A living entry. Without `update` an updated entry is closed and opened again. */
export interface Opened<Config> {
  update?(entry: Entry, config: Config, opening: Opening): void | Promise<void>
  close(): void | Promise<void>
}

export interface Kind<Config = unknown> {
  readonly kind: string
  /** Pure: checks and types the entry's fields. Throws RuntimeError('Invalid', `entry app:cache: ttl "x" is not a duration`). */
  decode(entry: Entry): Config
  /** Ids that must be open first, besides those every entry declares (spec/registry.md §7). They may be absent. */
  needs?(config: Config, entry: Entry): readonly string[]
  /** Brings it to life. A throw rejects the whole changeset; NotFound is retried after the other operations. */
  open(entry: Entry, config: Config, opening: Opening): Opened<Config> | Promise<Opened<Config>>
}

/** Erases the config type so that kinds of all shapes fit one table. */
export type AnyKind = Kind<never> | Kind<unknown>

/** Takes part in a changeset as a whole: the code graph, the supervisor. A throw in `commit` rolls everything back. */
export interface Participant {
  begin?(): void
  commit?(changed: readonly string[]): void | Promise<void>
  discard?(): void
}
