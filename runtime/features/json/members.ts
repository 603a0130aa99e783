// The keys of a table as JSON names in order, sorted in steps: short runs first, then merged pair by pair.

import type { Value } from '../../core/value.ts'

export interface Member {
  readonly name: string
  readonly key: Value
}

/** Keys sorted at once. */
const RUN = 256

export class SortedMembers {
  readonly #keys: Iterator<Value>
  /** Sorted runs; the one that is left in the end is the result. */
  #runs: Member[][] = []
  #merged: Member[][] = []
  #read = false
  ready = false

  constructor(keys: Iterator<Value>) {
    this.#keys = keys
    // Most tables are small.
    this.step()
  }

  /** In order, once `ready`. */
  get names(): readonly Member[] {
    return this.#runs[0] ?? []
  }

  /** Sorts on and answers about how much it did. */
  step(): number {
    if (!this.#read) return this.#readRun()
    const [a, b] = [this.#runs.pop(), this.#runs.pop()]
    if (a !== undefined && b !== undefined) {
      this.#merged.push(merge(b, a))
      return a.length + b.length
    }
    this.#runs = [...this.#merged, ...(a === undefined ? [] : [a])]
    this.#merged = []
    this.ready = this.#runs.length <= 1
    return 1
  }

  #readRun(): number {
    const run: Member[] = []
    while (run.length < RUN) {
      const next = this.#keys.next()
      if (next.done === true) {
        this.#read = true
        break
      }
      run.push({ name: nameOf(next.value), key: next.value })
    }
    if (run.length > 0) this.#runs.push(run.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)))
    this.ready = this.#read && this.#runs.length === 1
    return run.length
  }
}

function merge(a: readonly Member[], b: readonly Member[]): Member[] {
  const merged: Member[] = []
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i] as Member, b[j] as Member] // below both lengths
    merged.push(left.name <= right.name ? left : right)
    if (left.name <= right.name) i++
    else j++
  }
  for (; i < a.length; i++) merged.push(a[i] as Member)
  for (; j < b.length; j++) merged.push(b[j] as Member)
  return merged
}

function nameOf(key: Value): string {
  return key instanceof Uint8Array ? Buffer.from(key).toString('utf8') : String(key)
}
