// Bounds one run of an expression: steps for time, units for memory, so that no text can hold the thread.

import { moduleError } from '../../core/error.ts'

/** About 40 ms of work on a slow machine. */
const MAX_STEPS = 1_000_000
/** Array items, map pairs and 16-byte pieces of text made by the expression. */
const MAX_UNITS = 1_000_000

export class Budget {
  #steps = MAX_STEPS
  #units = MAX_UNITS

  readonly spend = (steps: number): void => {
    this.#steps -= steps
    if (this.#steps < 0) {
      throw moduleError('LimitExceeded', `expression took more than ${MAX_STEPS} steps`)
    }
  }

  /** Counts `items` new things; asked before they are made. */
  readonly hold = (items: number): void => {
    this.#units -= items
    if (this.#units < 0 || Number.isNaN(items)) {
      throw moduleError('LimitExceeded', `expression made more than ${MAX_UNITS} values`)
    }
  }

  /** Counts text about to be made or scanned. */
  readonly text = (length: number): void => {
    this.hold(length / 16)
    this.spend(length / 64)
  }
}
