// Holds file events back until they make sense together: a burst of writes is one change, and a file that is gone for a
// moment (an editor's rename, a checkout) is not deleted.

import type { Clock, Timer } from '../core/clock.ts'

export type FileEvent = 'changed' | 'removed'

export interface ChangeGateOptions {
  readonly clock: Clock
  /** Quiet time after the last event. */
  readonly quietMs?: number
  /** How long a removed file may come back without anybody noticing. */
  readonly removalMs?: number
  /** Longest time that unending events may hold a change back. */
  readonly longestMs?: number
  readonly open: (paths: readonly string[]) => void
}

export class ChangeGate {
  readonly #clock: Clock
  readonly #quietMs: number
  readonly #removalMs: number
  readonly #longestMs: number
  readonly #open: (paths: readonly string[]) => void
  readonly #changed = new Set<string>()
  /** When each removal counts as one. */
  readonly #removed = new Map<string, number>()
  #firstAt: number | undefined
  #timer: Timer | undefined

  constructor(options: ChangeGateOptions) {
    this.#clock = options.clock
    this.#quietMs = options.quietMs ?? 50
    this.#removalMs = options.removalMs ?? 500
    this.#longestMs = options.longestMs ?? 2_000
    this.#open = options.open
  }

  event(event: FileEvent, path: string): void {
    const now = this.#clock.now()
    this.#firstAt ??= now
    if (event === 'changed') {
      this.#removed.delete(path)
      this.#changed.add(path)
    } else {
      this.#changed.delete(path)
      this.#removed.set(path, now + this.#removalMs)
    }
    this.#arm(now)
  }

  /** Forgets what is held back. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#changed.clear()
    this.#removed.clear()
    this.#firstAt = undefined
  }

  #arm(now: number): void {
    // Everything waits for the last removal: a reload looks at the whole disk, not at the files it is told of.
    const due = Math.max(now + this.#quietMs, ...this.#removed.values())
    const latest = (this.#firstAt ?? now) + this.#longestMs
    this.#timer?.cancel()
    this.#timer = this.#clock.after(Math.min(due, latest) - now, () => this.#flush())
  }

  #flush(): void {
    const paths = [...this.#changed, ...this.#removed.keys()].sort()
    this.close()
    this.#open(paths)
  }
}
