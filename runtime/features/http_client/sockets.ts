// How many requests and streams each process has open. Code made at run time has a limit, other code is only counted
// when it starts to matter (design/PROMISES.md P7).

import { moduleError } from '../../core/error.ts'
import type { Call } from '../../lua/module.ts'
import type { Process } from '../../process/process.ts'

const CONFINED_LIMIT = 16

export class Sockets {
  readonly #open = new WeakMap<Process, number>()

  /** How many more the caller may open. */
  free(call: Call): number {
    if (call.frame.confinement === undefined) return Number.POSITIVE_INFINITY
    return CONFINED_LIMIT - (this.#open.get(call.process) ?? 0)
  }

  /** Counts one until the returned function is called, which may happen twice. Throws LimitExceeded. */
  take(call: Call): () => void {
    if (call.frame.confinement === undefined) return () => {}
    const { process } = call
    if (this.free(call) <= 0) throw moduleError('LimitExceeded', `limit of ${CONFINED_LIMIT} sockets exceeded`)
    this.#open.set(process, (this.#open.get(process) ?? 0) + 1)
    let taken = true
    return () => {
      if (taken) this.#open.set(process, (this.#open.get(process) ?? 1) - 1)
      taken = false
    }
  }
}
