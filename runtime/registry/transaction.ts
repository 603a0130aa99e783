// One changeset on its way: carried out operation by operation, undone whole when it may not land.

import { errorText, RuntimeError } from '../core/error.ts'
import type { Operation } from './changeset.ts'
import { invert } from './changeset.ts'
import { isNotFound, type Openings, rejection } from './openings.ts'
import { orderOperations } from './order.ts'

export interface Failure {
  readonly operation: Operation
  readonly error: unknown
}

export interface TransactionOptions {
  readonly openings: Openings
  /** What fails is left out and what needs it too, instead of the whole changeset being refused. */
  readonly tolerant: boolean
  /** Told of each operation before it is carried out or undone, and of its outcome. */
  readonly step?: (operation: Operation, stage: 'begin' | 'accept' | 'reject') => void
  /** Told when undoing failed. */
  readonly problem: (id: string, error: unknown) => void
}

export class Transaction {
  /** What was carried out, in order. */
  readonly performed: Operation[] = []
  /** What was left out; always empty unless tolerant. */
  readonly failures: Failure[] = []
  readonly #options: TransactionOptions

  constructor(options: TransactionOptions) {
    this.#options = options
  }

  /**
   * Carries the operations out in the order of their needs. One that misses something waits for the others, as long as
   * there is progress. Throws when one fails, unless tolerant; undoing is the caller's.
   */
  async run(operations: readonly Operation[]): Promise<void> {
    const { openings, tolerant } = this.#options
    let pending = orderOperations(operations, (operation) => openings.needs(operation))
    while (pending.length > 0) {
      const waiting: Failure[] = []
      for (const operation of pending) {
        const error = this.#missing(operation) ?? (await this.#perform(operation))
        if (error === undefined) continue
        if (isNotFound(error)) waiting.push({ operation, error })
        else if (tolerant) this.failures.push({ operation, error })
        else throw rejection(operation.id, error)
      }
      if (waiting.length === pending.length) {
        if (!tolerant) throw unresolved(waiting)
        this.failures.push(...waiting)
        return
      }
      pending = waiting.map(({ operation }) => operation)
    }
  }

  /** Goes back to where it started, through the same kinds. */
  async rollBack(): Promise<void> {
    for (const operation of invert(this.performed)) {
      const error = await this.#attempt(operation)
      if (error !== undefined) this.#options.problem(operation.id, error)
    }
    this.performed.length = 0
  }

  /** In tolerant mode an entry falls with what it needs, unless that one still lives in its last good form. */
  #missing(operation: Operation): RuntimeError | undefined {
    if (this.failures.length === 0 || operation.after === undefined) return undefined
    const { openings } = this.#options
    const failed = new Set(this.failures.map(({ operation: { id } }) => id))
    const needed = openings.needs(operation).find((id) => failed.has(id) && !openings.has(id))
    return needed === undefined
      ? undefined
      : new RuntimeError('Invalid', `needs ${needed}, which was rejected`, { retryable: false })
  }

  async #perform(operation: Operation): Promise<unknown> {
    const error = await this.#attempt(operation)
    if (error === undefined) this.performed.push(operation)
    return error
  }

  async #attempt(operation: Operation): Promise<unknown> {
    const { openings, step } = this.#options
    step?.(operation, 'begin')
    try {
      await openings.perform(operation)
    } catch (error) {
      step?.(operation, 'reject')
      return error ?? new Error('a kind threw nothing')
    }
    step?.(operation, 'accept')
    return undefined
  }
}

function unresolved(waiting: readonly Failure[]): RuntimeError {
  const ids = waiting.map(({ operation }) => operation.id)
  const reasons = Object.fromEntries(waiting.map(({ operation, error }) => [operation.id, errorText(error)]))
  // Whoever wrote the entries has to see what is missing: an agent reads nothing but this text.
  const why = [...new Set(Object.values(reasons))].join('; ')
  return new RuntimeError('NotFound', `unresolved dependencies after retry: ${ids.join(',')} (${why})`, {
    retryable: false,
    cause: waiting[0]?.error,
    details: { reasons },
  })
}
