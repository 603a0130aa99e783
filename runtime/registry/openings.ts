// The living side of the registry: every entry that is open, through the kind that opened it. Each method either does its
// whole step or leaves things as they were and throws.

import type { Clock } from '../core/clock.ts'
import type { Entry } from '../core/entry.ts'
import { errorText, RuntimeError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { Held, Operation } from './changeset.ts'
import type { AnyKind, Kind, Opened } from './kind.ts'
import { declaredNeeds } from './order.ts'

export interface OpeningsOptions {
  readonly kinds: ReadonlyMap<string, AnyKind>
  /** Gives the entry its kind decodes, placeholders filled in. NotFound makes the entry wait for others. */
  readonly prepare?: ((entry: Entry) => Entry) | undefined
  readonly clock: Clock
  /** Longest time a kind may take to answer for one entry. */
  readonly timeoutMs: number
  /** Told when undoing failed: the one thing that cannot be undone. */
  readonly problem: (id: string, error: unknown) => void
}

interface Living {
  readonly held: Held
  readonly kind: Kind<unknown>
  readonly config: unknown
  readonly opened: Opened<unknown>
  readonly needs: readonly string[]
}

interface Decoded {
  readonly kind: Kind<unknown>
  readonly entry: Entry
  readonly config: unknown
  readonly needs: readonly string[]
}

export class Openings {
  readonly #options: OpeningsOptions
  readonly #living = new Map<string, Living>()
  /** Configs decoded while ordering, used again when the entry is opened. */
  readonly #decoded = new WeakMap<Entry, Decoded>()

  constructor(options: OpeningsOptions) {
    this.#options = options
  }

  /** Ids an operation's entry refers to: declared by every entry, or known to its kind. Never throws. */
  needs({ before, after, id }: Operation): readonly string[] {
    if (after === undefined)
      return this.#living.get(id)?.needs ?? (before === undefined ? [] : declaredNeeds(before.entry))
    try {
      return this.#decode(after.entry).needs
    } catch {
      // What is wrong with it is said when it is opened.
      return declaredNeeds(after.entry)
    }
  }

  /** Ids that a living entry refers to; none for one that is not there. */
  needsOf(id: string): readonly string[] {
    return this.#living.get(id)?.needs ?? []
  }

  has(id: string): boolean {
    return this.#living.has(id)
  }

  /** Carries out one operation. */
  async perform({ id, after }: Operation): Promise<void> {
    const living = this.#living.get(id)
    if (after === undefined) {
      if (living !== undefined) await this.#close(living)
    } else if (living === undefined) {
      this.#living.set(id, await this.#open(after))
    } else if (living.kind.kind === after.entry.kind && living.opened.update !== undefined) {
      await this.#update(living, after)
    } else {
      await this.#replace(living, after)
    }
  }

  /** Closes what is open, last opened first, going on after a failure. */
  async closeAll(): Promise<void> {
    for (const living of [...this.#living.values()].reverse()) {
      try {
        await this.#close(living)
      } catch (error) {
        this.#options.problem(living.held.entry.id, error)
      }
    }
  }

  #decode(entry: Entry): Decoded {
    const known = this.#decoded.get(entry)
    if (known !== undefined) return known
    const kind = this.#kind(entry)
    const prepared = this.#options.prepare?.(entry) ?? entry
    const config = kind.decode(prepared)
    const needs = [...declaredNeeds(entry), ...(kind.needs?.(config, prepared) ?? [])]
    const decoded = { kind, entry: prepared, config, needs }
    // A prepared copy depends on what else changes: only what stands for itself is kept.
    if (prepared === entry) this.#decoded.set(entry, decoded)
    return decoded
  }

  #kind(entry: Entry): Kind<unknown> {
    const kind = this.#options.kinds.get(entry.kind)
    if (kind === undefined) throw this.#unanswered(entry, nearest(entry.kind, [...this.#options.kinds.keys()]))
    // The table's kinds take what their own decode made, which is all they get here.
    return kind as Kind<unknown>
  }

  async #open(held: Held): Promise<Living> {
    const { kind, entry, config, needs } = this.#decode(held.entry)
    const opening = kind.open(entry, config, { origin: held.origin })
    const opened = await this.#inTime(opening, held.entry, (late) => late.close())
    return { held, kind, config, opened, needs }
  }

  async #update(living: Living, held: Held): Promise<void> {
    const { kind, entry, config, needs } = this.#decode(held.entry)
    await this.#inTime(living.opened.update?.(entry, config, { origin: held.origin }), held.entry)
    this.#living.set(entry.id, { held, kind, config, opened: living.opened, needs })
  }

  /** Two of one id cannot live at once: the old one goes first, and comes back when the new one fails. */
  async #replace(living: Living, held: Held): Promise<void> {
    this.#decode(held.entry)
    await this.#close(living)
    try {
      this.#living.set(held.entry.id, await this.#open(held))
    } catch (error) {
      try {
        this.#living.set(held.entry.id, await this.#open(living.held))
      } catch (second) {
        this.#options.problem(held.entry.id, second)
      }
      throw error
    }
  }

  async #close(living: Living): Promise<void> {
    const { entry } = living.held
    await this.#inTime(living.opened.close(), entry)
    this.#living.delete(entry.id)
  }

  /** Waits for a kind's answer, but not for ever. What arrives too late goes to `late`. */
  #inTime<T>(answer: T | Promise<T>, entry: Entry, late?: (value: T) => unknown): T | Promise<T> {
    if (!(answer instanceof Promise)) return answer
    const { clock, timeoutMs } = this.#options
    return new Promise<T>((resolve, reject) => {
      let expired = false
      const timer = clock.after(timeoutMs, () => {
        expired = true
        reject(this.#unanswered(entry))
      })
      answer.then(
        (value) => {
          timer.cancel()
          if (expired) late?.(value)
          else resolve(value)
        },
        (error) => {
          timer.cancel()
          reject(error)
        },
      )
    })
  }

  /** Also for a kind that nobody knows, without the wait: programs look for this text. */
  #unanswered({ id, kind }: Entry, meant?: string): RuntimeError {
    const seconds = this.#options.timeoutMs / 1000
    const suggestion = meant === undefined ? '' : `; did you mean "${meant}"?`
    const text = `event handler timeout after ${seconds}s for entry ${id} (kind: ${kind}): no listener responded - check if listener is registered for this kind${suggestion}`
    return new RuntimeError('Timeout', text, { retryable: true, details: { entry: id, kind } })
  }
}

/** True when the failure, or what caused it, is something that is not there (yet). */
export function isNotFound(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 16; at = at.cause, depth++) {
    if (at instanceof RuntimeError && at.kind === 'NotFound') return true
  }
  return false
}

/** The rejection of an entry by its kind, as the caller of `apply` sees it. */
export function rejection(id: string, error: unknown): RuntimeError {
  if (error instanceof RuntimeError && error.kind === 'Timeout' && error.details?.['entry'] === id) return error
  return new RuntimeError('Invalid', `operation failed for entry ${id}: ${errorText(error)}`, {
    retryable: false,
    cause: error,
    details: { entry: id },
  })
}
